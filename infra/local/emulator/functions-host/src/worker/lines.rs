//! Splitting the handler's output into lines.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// The longest line that is passed on, in bytes; a longer one is cut, with its length noted.
pub const MAX_LINE_BYTES: usize = 16 << 10;

/// Reads until the end and passes on every line, decoded leniently. Empty lines are dropped.
pub(super) async fn pump(source: impl AsyncRead + Unpin, mut take: impl FnMut(String)) {
    let mut reader = BufReader::with_capacity(16 << 10, source);
    let mut line = Partial::default();
    loop {
        let chunk = match reader.fill_buf().await {
            Ok(chunk) if !chunk.is_empty() => chunk,
            // A pipe that fails is treated as closed.
            _ => break,
        };
        let consumed = match chunk.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                line.push(&chunk[..end]);
                if let Some(text) = line.finish() {
                    take(text);
                }
                end + 1
            }
            None => {
                line.push(chunk);
                chunk.len()
            }
        };
        reader.consume(consumed);
    }
    if let Some(text) = line.finish() {
        take(text);
    }
}

#[derive(Default)]
struct Partial {
    kept: Vec<u8>,
    dropped: usize,
}

impl Partial {
    fn push(&mut self, bytes: &[u8]) {
        let keep = bytes.len().min(MAX_LINE_BYTES - self.kept.len());
        self.kept.extend_from_slice(&bytes[..keep]);
        self.dropped += bytes.len() - keep;
    }

    fn finish(&mut self) -> Option<String> {
        let dropped = std::mem::take(&mut self.dropped);
        let kept = std::mem::take(&mut self.kept);
        let mut text = String::from_utf8_lossy(&kept).trim_end().to_owned();
        if dropped > 0 {
            text.push_str(&format!(" … ({dropped} more bytes)"));
        }
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        pump(bytes, |line| found.push(line)).await;
        found
    }

    #[tokio::test]
    async fn cuts_lines_of_any_kind() {
        assert_eq!(lines(b"one\r\ntwo\n\nlast").await, ["one", "two", "last"]);
        assert_eq!(lines(b"").await, Vec::<String>::new());
        assert_eq!(lines(b"a\xFFb\n").await, ["a\u{fffd}b"]);
    }

    #[tokio::test]
    async fn caps_endless_lines() {
        let mut bytes = vec![b'x'; MAX_LINE_BYTES * 3];
        bytes.extend_from_slice(b"\nnext");
        let found = lines(&bytes).await;
        assert_eq!(found.len(), 2);
        assert!(
            found[0].len() < MAX_LINE_BYTES + 40 && found[0].ends_with(&format!("({} more bytes)", MAX_LINE_BYTES * 2))
        );
        assert_eq!(found[1], "next");
    }
}
