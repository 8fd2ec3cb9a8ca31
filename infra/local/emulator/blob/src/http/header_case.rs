//! The letter case of metadata names.
//!
//! The service keeps the case of `x-ms-meta-PatientName`, but the HTTP library knows header names in lower case only.
//! So the connection is intercepted: while a request's head arrives its bytes are kept, and the names are looked up
//! there; while a response's head leaves, the names in it get their original case (letters change, lengths never do).
//! When a client sends its next request before it has read the answer, or a head leaves in several writes, names may
//! stay in lower case; nothing depends on it.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes of a head that are kept.
const LONGEST: usize = 64 * 1024;
const PREFIX: &[u8] = b"x-ms-meta-";

/// Metadata names of one request as they were sent.
#[derive(Debug, Clone, Default)]
pub(super) struct HeaderCase(HashMap<String, String>);

impl HeaderCase {
    /// The name (without `x-ms-meta-`) as it was sent.
    pub(super) fn original(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    /// Finds the names in a head, or in any other text made of header lines.
    pub(super) fn read(head: &[u8]) -> Self {
        let names = head.split(|byte| *byte == b'\n').filter_map(|line| {
            let name = metadata_name(line)?;
            Some((name.to_ascii_lowercase(), name.to_owned()))
        });
        Self(names.collect())
    }
}

/// The metadata name in a header line, without its prefix.
fn metadata_name(line: &[u8]) -> Option<&str> {
    let (prefix, rest) = line.split_at_checked(PREFIX.len())?;
    let end = rest.iter().position(|byte| *byte == b':')?;
    prefix.eq_ignore_ascii_case(PREFIX).then(|| std::str::from_utf8(&rest[..end]).ok())?
}

#[derive(Debug)]
struct Heads {
    listening: bool,
    received: Vec<u8>,
    /// Names to write with case, whole header names.
    sending: Vec<String>,
}

/// What the request handler knows about its connection.
#[derive(Debug, Clone)]
pub(super) struct Ear(Arc<Mutex<Heads>>);

impl Ear {
    fn heads(&self) -> std::sync::MutexGuard<'_, Heads> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request's head has arrived: returns its names; what follows is its body.
    pub(super) fn request(&self) -> HeaderCase {
        let mut heads = self.heads();
        heads.listening = false;
        HeaderCase::read(&std::mem::take(&mut heads.received))
    }

    /// The answer is ready and has these metadata names; what arrives next is the next head.
    pub(super) fn answer(&self, names: Vec<String>) {
        let mut heads = self.heads();
        heads.listening = true;
        heads.sending = names.into_iter().filter(|name| name.bytes().any(|b| b.is_ascii_uppercase())).collect();
    }
}

/// An intercepted connection.
#[derive(Debug)]
pub(super) struct Connection<S> {
    stream: S,
    ear: Ear,
}

impl<S> Connection<S> {
    pub(super) fn new(stream: S) -> (Self, Ear) {
        let heads = Heads { listening: true, received: Vec::new(), sending: Vec::new() };
        let ear = Ear(Arc::new(Mutex::new(heads)));
        (Self { stream, ear: ear.clone() }, ear)
    }

    /// The head at the beginning of what is about to be written, with its names in their original case; `None`: nothing
    /// to change.
    fn recased(&self, buffer: &[u8]) -> Option<Vec<u8>> {
        let mut heads = self.ear.heads();
        if heads.sending.is_empty() || buffer.is_empty() {
            return None;
        }
        let names = std::mem::take(&mut heads.sending);
        drop(heads);
        let head = buffer.windows(4).position(|end| end == b"\r\n\r\n").map_or(buffer.len(), |end| end + 4);
        let mut changed = buffer[..head].to_vec();
        let mut start = 0;
        for line in buffer[..head].split_inclusive(|byte| *byte == b'\n') {
            if let Some(own) = metadata_name(line)
                && let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(own))
            {
                let at = start + PREFIX.len();
                changed[at..at + name.len()].copy_from_slice(name.as_bytes());
            }
            start += line.len();
        }
        Some(changed)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if result.is_ready() {
            let mut heads = self.ear.heads();
            let received = buffer.filled().get(before..).unwrap_or_default();
            if heads.listening {
                let room = LONGEST.saturating_sub(heads.received.len()).min(received.len());
                heads.received.extend_from_slice(&received[..room]);
            }
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        match self.recased(buffer) {
            Some(changed) => Pin::new(&mut self.stream).poll_write(cx, &changed),
            None => Pin::new(&mut self.stream).poll_write(cx, buffer),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = buffers.iter().find(|buffer| !buffer.is_empty());
        if let Some(changed) = first.and_then(|first| self.recased(first)) {
            return Pin::new(&mut self.stream).poll_write(cx, &changed);
        }
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
