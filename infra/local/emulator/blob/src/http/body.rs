//! Request and response bodies.

use std::io;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};

use super::failure::{Failure, Outcome};
use crate::store::{Download, Upload};

/// What is sent.
pub(super) type ResponseBody = UnsyncBoxBody<Bytes, io::Error>;

/// Most bytes of an unread request body that are read and discarded, so that the client sees the answer instead of a
/// broken connection.
const DRAIN: u64 = 256 * 1024 * 1024;

/// What is received; requests inside a batch have nothing.
pub(super) enum RequestBody {
    Incoming(Incoming),
    Empty,
}

impl RequestBody {
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Outcome<Option<Bytes>> {
        let Self::Incoming(incoming) = self else { return Ok(None) };
        while let Some(frame) = incoming.frame().await {
            // The client is gone: nobody reads the answer, and nothing was changed.
            let frame = frame.map_err(|_| Failure::bad_request("IncompleteBody", "The request body ended early."))?;
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Receives the whole body into the store.
    pub(super) async fn receive(&mut self, upload: &mut Upload, limit: u64) -> Outcome<()> {
        while let Some(bytes) = self.next().await? {
            upload.write(bytes).await?;
            if upload.length() > limit {
                return Err(Failure::too_large());
            }
        }
        Ok(())
    }

    /// Reads the whole body into memory.
    pub(super) async fn collect(&mut self, limit: usize) -> Outcome<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await? {
            if all.len() + bytes.len() > limit {
                return Err(Failure::too_large());
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }

    /// Reads and discards the rest.
    pub(super) async fn drain(&mut self) {
        let mut read = 0;
        while let Ok(Some(bytes)) = self.next().await {
            read += bytes.len() as u64;
            if read > DRAIN {
                return;
            }
        }
    }
}

pub(super) fn empty() -> ResponseBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(super) fn full(bytes: impl Into<Bytes>) -> ResponseBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A blob's content; `cut` closes the connection after this many bytes.
pub(super) fn download(download: Download, cut: Option<u64>) -> ResponseBody {
    use futures::StreamExt as _;
    let stream = download.into_stream();
    match cut {
        None => BodyExt::boxed_unsync(StreamBody::new(stream.map(|piece| piece.map(Frame::data)))),
        Some(cut) => {
            let mut left = cut;
            let stream = stream.map(move |piece| {
                let mut piece = piece?;
                if left == 0 {
                    return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
                }
                piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                left -= piece.len() as u64;
                Ok(Frame::data(piece))
            });
            // Content no longer than the cut is cut at its end.
            let end = futures::stream::iter([Err(io::Error::from(io::ErrorKind::ConnectionAborted))]);
            BodyExt::boxed_unsync(StreamBody::new(stream.chain(end)))
        }
    }
}
