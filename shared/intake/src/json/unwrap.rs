//! `{"totalSize": 2, "done": true, "records": [ … ]}`, as in Salesforce's own exports, and `{"Orders": [ … ]}`, read as
//! if the array stood alone.
//!
//! The object around the array may be as long as the file, and elements are read one at a time; so the wrapper is
//! removed while the file streams by. It is replaced by white space, so that lines and columns stay those of the file.

use super::WRAPPERS;
use std::io::{Cursor, Read, Result};

/// The array has to begin within this many bytes.
const HEAD: usize = 16 * 1024;
/// Reads a JSON file without the wrapper, if it has one.
pub(crate) struct Unwrapped<R> {
    head: Cursor<Vec<u8>>,
    source: R,
    array: Option<Array>,
}

/// Where in the wrapper the reader is, from the array on.
#[derive(Clone, Copy)]
struct Array {
    /// Open brackets of both kinds, including the wrapper's.
    depth: u64,
    in_text: bool,
    escaped: bool,
    /// The array is closed: what follows up to the wrapper's end belongs to the wrapper.
    ended: bool,
}

impl<R: Read> Unwrapped<R> {
    /// Examines the beginning.
    pub(crate) fn new(mut source: R) -> Result<Self> {
        let mut head = Vec::new();
        source.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
        let at = records_at(&head).filter(|at| !has_more(head.get(*at..).unwrap_or_default()));
        let array = at.map(|at| {
            blank(head.get_mut(..at).unwrap_or_default());
            Array::START
        });
        Ok(Self { head: Cursor::new(head), source, array })
    }
}

impl<R: Read> Read for Unwrapped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut length = self.head.read(buffer)?;
        // Bytes that are already blanked contain no brackets.
        if length == 0 {
            length = self.source.read(buffer)?;
        }
        if let Some(array) = &mut self.array {
            array.pass(buffer.get_mut(..length).unwrap_or_default());
        }
        Ok(length)
    }
}

impl Array {
    const START: Self = Self { depth: 1, in_text: false, escaped: false, ended: false };

    /// Follows the brackets; blanks what stands between the array and the wrapper's end. Returns how much of the piece
    /// that was.
    fn pass(&mut self, piece: &mut [u8]) -> usize {
        for (at, byte) in piece.iter_mut().enumerate() {
            if self.depth == 0 {
                return at;
            }
            match (self.in_text, *byte) {
                (true, _) if self.escaped => self.escaped = false,
                (true, b'\\') => self.escaped = true,
                (true, b'"') => self.in_text = false,
                (true, _) => {}
                (false, b'"') => self.in_text = true,
                (false, b'[' | b'{') => self.depth += 1,
                (false, b']' | b'}') => self.depth -= 1,
                (false, _) => {}
            }
            if self.ended {
                blank(std::slice::from_mut(byte));
            }
            self.ended |= self.depth == 1 && *byte == b']';
        }
        piece.len()
    }
}

/// Whether anything follows the wrapper: then the file is a series of wrappers, and each is an element.
fn has_more(from_array: &[u8]) -> bool {
    let mut rest = from_array.to_vec();
    let mut array = Array::START;
    let behind = array.pass(&mut rest);
    array.depth == 0 && !from_array.get(behind..).unwrap_or_default().trim_ascii().is_empty()
}

fn blank(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
}

/// Where the array of records begins: in an object that has only single values before it.
fn records_at(head: &[u8]) -> Option<usize> {
    let mut rest = after(head, b'{')?;
    loop {
        let (name, behind) = text(rest.trim_ascii_start())?;
        rest = after(behind, b':')?.trim_ascii_start();
        if WRAPPERS.iter().any(|own| name.eq_ignore_ascii_case(own.as_bytes())) {
            return rest.starts_with(b"[").then(|| head.len() - rest.len());
        }
        rest = match rest.first()? {
            b'"' => text(rest)?.1,
            b'{' | b'[' => return None,
            _ => rest.get(rest.iter().position(|byte| matches!(byte, b',' | b'}'))?..)?,
        };
        rest = after(rest, b',')?;
    }
}

fn after(bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    let (first, rest) = bytes.trim_ascii_start().split_first()?;
    (*first == wanted).then_some(rest)
}

/// A text without its quotation marks, and what follows.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = bytes.strip_prefix(b"\"")?;
    let mut escaped = false;
    let end = inner.iter().position(|byte| {
        let is_end = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        is_end
    })?;
    Some((inner.get(..end)?, inner.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> String {
        let mut text = String::new();
        Unwrapped::new(json.as_bytes()).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text.len(), json.len(), "every place stays where it was");
        text.trim().to_owned()
    }

    #[test]
    fn the_wrapper_is_taken_away() {
        assert_eq!(read("{\"records\":[{\"a\":\"]}\"}]}"), "[{\"a\":\"]}\"}]");
        assert_eq!(
            read(
                "{ \"totalSize\" : 2,\n\"done\":true,\"x\":\"a\\\",\", \"Records\": [1, [2], {\"b\": \"\\\\\"}] , \
                 \"y\":[]}"
            ),
            "[1, [2], {\"b\": \"\\\\\"}]"
        );
    }

    #[test]
    fn everything_else_stays() {
        for json in [
            "",
            "{}",
            "[1]",
            "{\"records\":1}",
            "{\"Order\":{},\"records\":[]}",
            "{\"a\":\"b\"}\n{\"records\":[1]}",
            "{\"records\":[1]}\n{\"records\":[2]}",
            "{\"records\"",
            "{\"a",
        ] {
            assert_eq!(read(json), json.trim());
        }
    }
}
