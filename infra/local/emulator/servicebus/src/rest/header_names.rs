//! Header names in the letter case they were sent with.
//!
//! A header becomes an application property of the same name, and such names are case-sensitive, but the HTTP library
//! knows header names in lower case only. So the connection is intercepted while a request's head arrives. When a
//! client sends its next request before it has read the answer, names may stay in lower case.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes of a head that are kept.
const LONGEST: usize = 64 * 1024;

/// Names by their lower-case form.
pub(super) type Names = HashMap<String, String>;

#[derive(Debug)]
struct Heard {
    listening: bool,
    bytes: Vec<u8>,
}

/// What the request handler knows about its connection.
#[derive(Debug, Clone)]
pub(super) struct Ear(Arc<Mutex<Heard>>);

impl Ear {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request's head has arrived: returns its names. What follows is its body.
    pub(super) fn take(&self) -> Names {
        let mut heard = self.heard();
        heard.listening = false;
        names(&std::mem::take(&mut heard.bytes))
    }

    /// The answer is ready: what arrives next is the next head.
    pub(super) fn listen(&self) {
        self.heard().listening = true;
    }
}

fn names(head: &[u8]) -> Names {
    let lines = head.split(|byte| *byte == b'\n').skip(1).take_while(|line| !matches!(*line, b"" | b"\r"));
    lines
        .filter_map(|line| {
            let end = line.iter().position(|byte| *byte == b':')?;
            let name = std::str::from_utf8(line.get(..end)?).ok()?;
            Some((name.to_ascii_lowercase(), name.to_owned()))
        })
        .collect()
}

/// An intercepted connection.
#[derive(Debug)]
pub(super) struct Listening<S> {
    stream: S,
    ear: Ear,
}

impl<S> Listening<S> {
    pub(super) fn new(stream: S) -> (Self, Ear) {
        let ear = Ear(Arc::new(Mutex::new(Heard { listening: true, bytes: Vec::new() })));
        (Self { stream, ear: ear.clone() }, ear)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Listening<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if result.is_ready() {
            let mut heard = self.ear.heard();
            if heard.listening {
                let received = buffer.filled().get(before..).unwrap_or_default();
                let room = LONGEST.saturating_sub(heard.bytes.len()).min(received.len());
                heard.bytes.extend_from_slice(received.get(..room).unwrap_or_default());
            }
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Listening<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_head() {
        let names = names(b"POST /q/messages HTTP/1.1\r\nHost: x\r\nMy-Property: 1\r\n\r\nNot-A: header\r\n");
        assert_eq!(names.get("my-property").map(String::as_str), Some("My-Property"));
        assert_eq!(names.len(), 2);
    }
}
