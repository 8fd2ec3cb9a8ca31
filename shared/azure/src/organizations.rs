//! The organizations' documents, read from the `organizations` container and kept for a short while.
//!
//! A document older than [`FRESH`] is read again, with its ETag, so that an unchanged one costs one small request.
//! While storage cannot be reached, a cached document stays in use: an order is not held up by a cache.

use crate::blob::{BlobAddress, BlobStore, Downloaded, Error as BlobError, Etag};
use futures::TryStreamExt;
use iris_model::{Organization, Slug, organization};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::{error, warn};

/// How long a document is used without checking whether it changed.
const FRESH: Duration = Duration::from_secs(15);

/// The largest document read, in bytes.
const DOCUMENT_LIMIT: u64 = 4 << 20;

/// What a stamp or container name stands for.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// An organization with a usable document.
    Known(Arc<Organization>),
    /// No organization has this name.
    Unknown,
}

/// Why the organization cannot be determined at the moment.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Storage is down.
    #[error("the document cannot be read now")]
    Storage(#[source] BlobError),
    /// The document exists but cannot be used: someone has to correct it; until then the organization's work waits.
    #[error("the document is not usable")]
    Broken,
}

struct Kept {
    organization: Arc<Organization>,
    etag: Etag,
    checked: Instant,
}

/// How a document is read; its error lists all problems.
pub type Reader = fn(&[u8]) -> Result<Organization, organization::Error>;

/// The documents, shared by all functions of a process.
pub struct Organizations {
    blobs: BlobStore,
    container: String,
    reader: Reader,
    kept: Mutex<HashMap<Slug, Kept>>,
}

impl Organizations {
    /// Reads from this container.
    #[must_use]
    pub fn new(blobs: BlobStore, container: String, reader: Reader) -> Self {
        Self { blobs, container, reader, kept: Mutex::default() }
    }

    /// The organization an entry stamped on a message.
    pub async fn stamped(&self, stamp: Option<&str>) -> Result<Lookup, Error> {
        match stamp.and_then(Slug::new) {
            Some(slug) => self.get(&slug).await,
            None => Ok(Lookup::Unknown),
        }
    }

    /// The organization of this name.
    pub async fn get(&self, slug: &Slug) -> Result<Lookup, Error> {
        self.get_checked_within(slug, FRESH).await
    }

    /// The organization of this name by its current document: for rare work whose sender may have changed the document
    /// just before.
    pub async fn current(&self, slug: &Slug) -> Result<Lookup, Error> {
        self.get_checked_within(slug, Duration::ZERO).await
    }

    async fn get_checked_within(&self, slug: &Slug, age: Duration) -> Result<Lookup, Error> {
        let known = self.kept(slug);
        if let Some((organization, _, checked)) = &known
            && checked.elapsed() < age
        {
            return Ok(Lookup::Known(Arc::clone(organization)));
        }
        let address =
            BlobAddress::new(&self.container, &slug.document_name()).map_err(|error| Error::Storage(error.into()))?;
        let etag = known.as_ref().map(|(_, etag, _)| etag);
        match self.blobs.get(&address, etag, DOCUMENT_LIMIT).await {
            Ok(document) => self.read(slug, document),
            Err(BlobError::NotModified) => Ok(self.confirm(slug)),
            Err(BlobError::NotFound) => {
                self.lock().remove(slug);
                Ok(Lookup::Unknown)
            }
            Err(error) => match known {
                Some((organization, ..)) => {
                    warn!(organization = %slug, %error, "organization document not checked, the kept one is used");
                    Ok(Lookup::Known(organization))
                }
                None => Err(Error::Storage(error)),
            },
        }
    }

    /// Every organization that has a document.
    pub async fn all(&self) -> Result<Vec<Slug>, Error> {
        let mut names = self.blobs.list(&self.container, "");
        let mut slugs = Vec::new();
        while let Some(blob) = names.try_next().await.map_err(Error::Storage)? {
            slugs.extend(blob.address.name().strip_suffix(".json").and_then(Slug::new));
        }
        Ok(slugs)
    }

    fn read(&self, slug: &Slug, document: Downloaded) -> Result<Lookup, Error> {
        let organization = match (self.reader)(&document.content) {
            Ok(organization) if organization.slug == *slug => Arc::new(organization),
            Ok(_) => {
                error!(alert = true, organization = %slug, "organization document names another organization");
                return Err(Error::Broken);
            }
            Err(error) => {
                error!(alert = true, organization = %slug, %error, "organization document is not usable");
                return Err(Error::Broken);
            }
        };
        let kept = Kept { organization: Arc::clone(&organization), etag: document.etag, checked: Instant::now() };
        self.lock().insert(slug.clone(), kept);
        Ok(Lookup::Known(organization))
    }

    fn confirm(&self, slug: &Slug) -> Lookup {
        match self.lock().get_mut(slug) {
            Some(kept) => {
                kept.checked = Instant::now();
                Lookup::Known(Arc::clone(&kept.organization))
            }
            None => Lookup::Unknown,
        }
    }

    fn kept(&self, slug: &Slug) -> Option<(Arc<Organization>, Etag, Instant)> {
        self.lock().get(slug).map(|kept| (Arc::clone(&kept.organization), kept.etag.clone(), kept.checked))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Slug, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
