//! Reading a blob of any length with bounded memory.
//!
//! The blob is read in ranges of a few MiB, each a request of its own with `If-Match` on the version that was there at
//! the start: the result is one version or an error, never a mixture. While one range is being used, the next is
//! already on its way. A range whose body breaks off is requested again, with growing delays, without losing what was
//! read before.

use super::{BlobAddress, BlobStore, Error, Properties};
use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use futures::Stream;
use futures::stream;
use std::time::Duration;
use tokio::task::JoinSet;

/// Length of a range: the most that services hash for us in one answer, and large enough that a large file takes few
/// requests.
pub const RANGE_BYTES: u64 = 4 * 1024 * 1024;

/// Further attempts for one range, besides those of the client library.
const RETRIES: usize = 5;

/// Reads one version of one blob from start to end. Holds at most two ranges.
#[derive(Debug)]
pub struct RangedReader {
    store: BlobStore,
    address: BlobAddress,
    properties: Properties,
    range: u64,
    /// Where the range after the pending one starts.
    position: u64,
    /// The pending range; aborted when the reader is dropped.
    coming: JoinSet<Result<Bytes, Error>>,
    failed: Option<Error>,
}

impl RangedReader {
    pub(super) fn new(store: BlobStore, address: BlobAddress, properties: Properties) -> Self {
        Self { store, address, properties, range: RANGE_BYTES, position: 0, coming: JoinSet::new(), failed: None }
    }

    /// Reads in ranges of `bytes` instead of [`RANGE_BYTES`]; at least 1.
    #[must_use]
    pub fn with_range(mut self, bytes: u64) -> Self {
        self.range = bytes.max(1);
        self
    }

    /// What is known about the version that is read.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// The next bytes in order, `None` after the last. After an error the reader stays failed.
    ///
    /// # Errors
    /// [`Error::NotFound`] (deleted meanwhile), [`Error::Changed`] (overwritten meanwhile), [`Error::Transient`] when
    /// repeated attempts at one range failed, and the general ones.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.coming.is_empty() {
            self.request();
        }
        let arrived = match self.coming.join_next().await {
            None => return Ok(None),
            Some(Ok(arrived)) => arrived,
            Some(Err(_)) => Err(Error::transient("a download was ended")),
        };
        match arrived {
            Ok(bytes) => {
                self.request();
                Ok(Some(bytes))
            }
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// The rest as a stream; it ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        stream::unfold(Some(self), |reader| async move {
            let mut reader = reader?;
            match reader.next().await {
                Ok(None) => None,
                Ok(Some(bytes)) => Some((Ok(bytes), Some(reader))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// Requests the next range, unless that was the last one.
    fn request(&mut self) {
        let length = self.range.min(self.properties.content_length.saturating_sub(self.position));
        if length == 0 {
            return;
        }
        let (store, address, etag) = (self.store.clone(), self.address.clone(), self.properties.etag.clone());
        let offset = self.position;
        self.position += length;
        self.coming.spawn(async move {
            let mut delays = delays();
            loop {
                match store.read_range(&address, &etag, offset, length).await {
                    Err(error) if error.is_transient() => match delays.next() {
                        Some(delay) => tokio::time::sleep(delay).await,
                        None => return Err(error),
                    },
                    other => return other,
                }
            }
        });
    }
}

fn delays() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(RETRIES)
        .with_jitter()
        .build()
}
