//! One storage account.

use super::connection::{Endpoint, account_of};
use super::shared_key::SharedKey;
use super::{BlobAddress, BlockWriter, Error, Etag, InvalidAddress, ListedBlob, RangedReader, is_container_name};
use crate::credential::Credential;
use crate::settings::{Lookup, StorageConnection, StorageSettings};
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RetryOptions};
use azure_core::time::{Duration, OffsetDateTime};
use azure_storage_blob::models::{
    BlobClientDeleteOptions, BlobClientDownloadOptions, BlobClientGetPropertiesOptions,
    BlobClientGetPropertiesResultHeaders, BlobClientUploadOptions, BlobContainerClientListBlobsOptions, HttpRange,
    ListBlobsIncludeItem, StorageErrorCode,
};
use azure_storage_blob::{BlobClient, BlobServiceClient, BlobServiceClientOptions};
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use url::Url;

/// Metadata that distinguishes our own put from another's when an answer was lost.
const PUT_ID: &str = "irisput";

/// A storage account. Clones share connections.
#[derive(Clone)]
pub struct BlobStore {
    service: Arc<BlobServiceClient>,
    account: Option<String>,
}

/// What is known about a blob besides its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties {
    /// Which version.
    pub etag: Etag,
    /// Length in bytes.
    pub content_length: u64,
    /// As the writer said; not to be trusted.
    pub content_type: Option<String>,
    /// When it was last written.
    pub last_modified: Option<Timestamp>,
    /// The writer's own metadata. Names are lower-cased: services and proxies do not agree on their letter case.
    pub metadata: BTreeMap<String, String>,
}

/// A whole blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Which version.
    pub etag: Etag,
    /// All bytes.
    pub content: Bytes,
}

/// How a blob is written.
#[derive(Debug, Clone, Default)]
pub struct UploadOptions {
    /// Media type; the service's default is `application/octet-stream`.
    pub content_type: Option<String>,
    /// Own metadata; names are ASCII identifiers.
    pub metadata: BTreeMap<String, String>,
    /// Write only over this version: otherwise [`Error::Changed`].
    pub if_match: Option<Etag>,
    /// Write only if nothing is there: otherwise [`Error::AlreadyExists`].
    pub if_absent: bool,
}

impl std::fmt::Debug for BlobStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("BlobStore").field("account", &self.account).finish_non_exhaustive()
    }
}

impl BlobStore {
    /// The account of the settings. `lookup` is asked for what the platform says about identities.
    ///
    /// # Errors
    /// [`Error::Connection`] or [`Error::Credential`]; nothing is sent yet.
    pub fn new(settings: &StorageSettings, lookup: Lookup<'_>) -> Result<Self, Error> {
        match &settings.connection {
            StorageConnection::ConnectionString(text) => Self::from_connection_string(text.expose_secret()),
            StorageConnection::Identity { service, identity } => {
                let credential = Credential::from_environment(identity, lookup)
                    .map_err(|error| Error::Credential { reason: error.to_string() })?;
                Self::with_credential(service, &credential)
            }
        }
    }

    /// An account by connection string, or by a service URL with a SAS.
    ///
    /// # Errors
    /// [`Error::Connection`].
    pub fn from_connection_string(text: &str) -> Result<Self, Error> {
        let endpoint = Endpoint::parse(text)?;
        let mut options = options();
        if let (Some(key), Some(account)) = (endpoint.key, endpoint.account.clone()) {
            options.per_try_policies.push(Arc::new(SharedKey { account, key }));
        }
        Self::build(endpoint.service, endpoint.account, None, options)
    }

    /// An account by service URL (https) and identity.
    ///
    /// # Errors
    /// [`Error::Connection`] when the URL is not https.
    pub fn with_credential(service: &Url, credential: &Credential) -> Result<Self, Error> {
        let account = account_of(service);
        Self::build(service.clone(), account, Some(credential), options())
    }

    fn build(
        service: Url,
        account: Option<String>,
        credential: Option<&Credential>,
        client_options: ClientOptions,
    ) -> Result<Self, Error> {
        let options = BlobServiceClientOptions { client_options, ..Default::default() };
        let service = BlobServiceClient::new(service, credential.map(Credential::source), Some(options))
            .map_err(|_| Error::Connection { reason: "an identity needs an https address" })?;
        Ok(Self { service: Arc::new(service), account })
    }

    /// Name of the account as far as it is known; events of any other account are foreign.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// Properties of a blob, of the version `expected` if one is given.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Changed`] and the general ones.
    pub async fn properties(&self, address: &BlobAddress, expected: Option<&Etag>) -> Result<Properties, Error> {
        let options = BlobClientGetPropertiesOptions { if_match: expected.map(Into::into), ..Default::default() };
        let answer = self.client(address).get_properties(Some(options)).await?;
        Ok(Properties {
            etag: answer.etag()?.and_then(|etag| Etag::parse(etag.as_ref())).ok_or(Error::Protocol { what: "ETag" })?,
            content_length: answer.content_length()?.ok_or(Error::Protocol { what: "Content-Length" })?,
            content_type: answer.content_type()?,
            last_modified: answer.last_modified()?.map(timestamp),
            metadata: answer.metadata()?.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
        })
    }

    /// `length` bytes from `offset`, of exactly the version `etag`: all of them, or an error. A body that breaks off is
    /// [`Error::Transient`]. The body is tried once; [`RangedReader`] tries again.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Changed`], [`Error::Refused`] (416) beyond the end, and the general ones.
    pub async fn read_range(
        &self,
        address: &BlobAddress,
        etag: &Etag,
        offset: u64,
        length: u64,
    ) -> Result<Bytes, Error> {
        let whole = usize::try_from(length).ok().and_then(NonZero::new).ok_or(Error::Protocol { what: "range" })?;
        let options = BlobClientDownloadOptions {
            range: Some(HttpRange::new(offset, length)),
            if_match: Some(etag.into()),
            parallel: NonZero::new(1),
            partition_size: Some(whole),
            ..Default::default()
        };
        let mut content = vec![0; whole.get()];
        let answer = self.client(address).download_into(&mut content, Some(options)).await?;
        if answer.len == whole.get() { Ok(content.into()) } else { Err(Error::transient("a range came back short")) }
    }

    /// A reader from the first byte to the last of one version: `expected`, or the one that is there now.
    ///
    /// # Errors
    /// As [`BlobStore::properties`].
    pub async fn reader(&self, address: &BlobAddress, expected: Option<&Etag>) -> Result<RangedReader, Error> {
        let properties = self.properties(address, expected).await?;
        Ok(RangedReader::new(self.clone(), address.clone(), properties))
    }

    /// A whole, small blob; only if it is another version than `known`.
    ///
    /// # Errors
    /// [`Error::NotModified`], [`Error::NotFound`], [`Error::Refused`] when it is larger than `limit` bytes, and the
    /// general ones.
    pub async fn get(&self, address: &BlobAddress, known: Option<&Etag>, limit: u64) -> Result<Downloaded, Error> {
        let options = BlobClientGetPropertiesOptions { if_none_match: known.map(Into::into), ..Default::default() };
        let answer = self.client(address).get_properties(Some(options)).await?;
        let etag =
            answer.etag()?.and_then(|etag| Etag::parse(etag.as_ref())).ok_or(Error::Protocol { what: "ETag" })?;
        let length = answer.content_length()?.ok_or(Error::Protocol { what: "Content-Length" })?;
        if length > limit {
            return Err(Error::Refused { status: 413, code: "LargerThanLimit".to_owned() });
        }
        let content = if length == 0 { Bytes::new() } else { self.read_range(address, &etag, 0, length).await? };
        Ok(Downloaded { etag, content })
    }

    /// Writes a blob in one piece or, when it is large, in blocks.
    ///
    /// # Errors
    /// [`Error::Changed`], [`Error::AlreadyExists`] by the conditions of `options`, [`Error::ContainerNotFound`], and
    /// the general ones.
    pub async fn upload(&self, address: &BlobAddress, content: Bytes, options: UploadOptions) -> Result<Etag, Error> {
        let conditions = options.if_match.is_some() || options.if_absent;
        let options = BlobClientUploadOptions {
            blob_content_type: options.content_type,
            metadata: (!options.metadata.is_empty()).then(|| options.metadata.into_iter().collect()),
            if_match: options.if_match.as_ref().map(Into::into),
            if_none_match: options.if_absent.then(|| "*".into()),
            ..Default::default()
        };
        let answer = self.client(address).upload(content.into(), Some(options)).await.map_err(Error::from);
        match answer {
            Ok(answer) => {
                answer.etag.and_then(|etag| Etag::parse(etag.as_ref())).ok_or(Error::Protocol { what: "ETag" })
            }
            Err(Error::NotModified) if conditions => Err(Error::Changed),
            Err(error) => Err(error),
        }
    }

    /// Writes a blob only if there is none of that name. Of any number of writers exactly one succeeds, even if the
    /// answer to its first attempt was lost and the second attempt finds the blob already there.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::ContainerNotFound`] and the general ones.
    pub async fn put_if_absent(
        &self,
        address: &BlobAddress,
        content: Bytes,
        mut options: UploadOptions,
    ) -> Result<Etag, Error> {
        let id = uuid::Uuid::new_v4().simple().to_string();
        options.metadata.insert(PUT_ID.to_owned(), id.clone());
        options.if_absent = true;
        options.if_match = None;
        match self.upload(address, content, options).await {
            Err(Error::AlreadyExists) => match self.properties(address, None).await {
                Ok(properties) if properties.metadata.get(PUT_ID) == Some(&id) => Ok(properties.etag),
                Ok(_) | Err(Error::NotFound) => Err(Error::AlreadyExists),
                Err(error) => Err(error),
            },
            other => other,
        }
    }

    /// A writer that takes bytes as they come and makes the blob appear when it is finished.
    pub fn writer(&self, address: &BlobAddress, options: UploadOptions) -> BlockWriter {
        BlockWriter::new(self.clone(), address.clone(), options)
    }

    /// All blobs of a container whose names start with `prefix` (raw characters, not path segments; empty = all), page
    /// after page.
    pub fn list(&self, container: &str, prefix: &str) -> BoxStream<'static, Result<ListedBlob, Error>> {
        if !is_container_name(container) {
            return stream::once(async { Err(Error::ContainerNotFound) }).boxed();
        }
        let container = container.to_owned();
        let options = BlobContainerClientListBlobsOptions {
            prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
            include: Some(vec![ListBlobsIncludeItem::Metadata]),
            ..Default::default()
        };
        let pages = match self.service.blob_container_client(&container).list_blobs(Some(options)) {
            Ok(pager) => pager.into_pages(),
            Err(error) => return stream::once(async { Err(Error::from(error)) }).boxed(),
        };
        pages
            .map_err(Error::from)
            .and_then(|page| async move { page.into_model().map_err(Error::from) })
            .map_ok(move |page| {
                let items: Vec<_> =
                    page.blob_items.into_iter().filter_map(|item| ListedBlob::of(&container, item)).collect();
                stream::iter(items)
            })
            .try_flatten()
            .boxed()
    }

    /// Deletes a blob with its snapshots, only if it is still the version `expected` when one is given.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Changed`] and the general ones.
    pub async fn delete(&self, address: &BlobAddress, expected: Option<&Etag>) -> Result<(), Error> {
        let options = BlobClientDeleteOptions {
            if_match: expected.map(Into::into),
            delete_snapshots: Some(azure_storage_blob::models::DeleteSnapshotsOptionType::Include),
            ..Default::default()
        };
        self.client(address).delete(Some(options)).await?;
        Ok(())
    }

    /// Creates a container unless it exists. For local use and administration; the deployed identity has no right to do
    /// this.
    ///
    /// # Errors
    /// [`Error::Refused`] for an invalid name, and the general ones.
    pub async fn create_container_if_missing(&self, container: &str) -> Result<(), Error> {
        if !is_container_name(container) {
            return Err(Error::Refused { status: 400, code: "InvalidResourceName".to_owned() });
        }
        match self.service.blob_container_client(container).create(None).await.map_err(Error::from) {
            Ok(_) => Ok(()),
            Err(Error::Refused { status: 409, code }) if code == StorageErrorCode::ContainerAlreadyExists.as_ref() => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn client(&self, address: &BlobAddress) -> BlobClient {
        self.service.blob_client(address.container(), address.name())
    }
}

impl From<InvalidAddress> for Error {
    fn from(_: InvalidAddress) -> Self {
        Self::Refused { status: 400, code: "InvalidResourceName".to_owned() }
    }
}

/// Four further attempts within half a minute: a function should not wait longer for a storage account that is down.
fn options() -> ClientOptions {
    ClientOptions {
        retry: RetryOptions::exponential(ExponentialRetryOptions {
            initial_delay: Duration::milliseconds(100),
            max_retries: 4,
            max_total_elapsed: Duration::seconds(30),
            max_delay: Duration::seconds(5),
        }),
        ..Default::default()
    }
}

pub(super) fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp::from_second(time.unix_timestamp()).unwrap_or(Timestamp::UNIX_EPOCH)
}
