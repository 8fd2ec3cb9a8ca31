//! A bridge from asynchronous downloads to the blocking readers of the intake library.
//!
//! The download runs as a task and hands its pieces over a short channel; the parser's thread reads them through
//! [`std::io::Read`]. The channel's length limits the memory between the two, and dropping either end stops the other.

use bytes::{Buf, Bytes};
use std::io::{Read, Result};
use tokio::sync::mpsc;

/// How many pieces may be in flight between download and parser, each a few MiB at most.
const PIECES: usize = 2;

/// The writing end, held by the download.
pub(crate) struct PieceSender(mpsc::Sender<Result<Bytes>>);

impl PieceSender {
    /// Hands over a piece, or the error that ends the download. `false`: the reader is gone, so stop downloading.
    pub(crate) async fn send(&self, piece: Result<Bytes>) -> bool {
        self.0.send(piece).await.is_ok()
    }
}

/// The reading end, for a blocking thread.
pub(crate) struct PieceReader {
    pieces: mpsc::Receiver<Result<Bytes>>,
    current: Bytes,
}

/// A connected pair.
pub(crate) fn pieces() -> (PieceSender, PieceReader) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (PieceSender(sender), PieceReader { pieces: receiver, current: Bytes::new() })
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(Ok(piece)) => self.current = piece,
                Some(Err(error)) => return Err(error),
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error;

    #[test]
    fn pieces_come_out_in_order_whatever_the_buffer() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (sender, mut reader) = pieces();
        let parser = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        });
        runtime.block_on(async {
            for piece in ["one ", "", "two ", "three"] {
                assert!(sender.send(Ok(Bytes::from_static(piece.as_bytes()))).await);
            }
        });
        drop(sender);
        assert_eq!(parser.join().unwrap().unwrap(), "one two three");
    }

    #[test]
    fn a_failed_download_is_a_read_error_and_not_an_end_of_file() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (sender, mut reader) = pieces();
        runtime.block_on(sender.send(Err(Error::other("connection lost"))));
        drop(sender);
        assert!(reader.read(&mut [0; 8]).is_err());
    }
}
