//! Request headers, parsed: conditions, content headers, metadata, tags.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::call::{Call, text};
use super::date;
use super::failure::{Failure, Outcome};
use crate::auth::{Access, Query};
use crate::store::{AccessTier, Conditions, ContentHeaders, Pairs, Versions};

/// Begins the header of a metadata entry.
const METADATA: &str = "x-ms-meta-";

impl Call {
    fn time(&self, name: &str) -> Outcome<Option<Timestamp>> {
        self.header(name).map(|value| date::parse(&value).ok_or_else(|| Failure::header(name))).transpose()
    }

    /// The request's conditions.
    pub(super) fn conditions(&self) -> Outcome<Conditions> {
        Ok(Conditions {
            lease: self.header("x-ms-lease-id"),
            create_only: self.access == Access::CreateOnly,
            ..self.conditions_named("")?
        })
    }

    /// The conditions on a copy's source.
    pub(super) fn source_conditions(&self) -> Outcome<Conditions> {
        Ok(Conditions { lease: self.header("x-ms-source-lease-id"), ..self.conditions_named("x-ms-source-")? })
    }

    fn conditions_named(&self, prefix: &str) -> Outcome<Conditions> {
        let versions = |name: &str| self.header(&format!("{prefix}{name}")).map(|value| Versions::parse(&value));
        Ok(Conditions {
            if_match: versions("if-match"),
            if_none_match: versions("if-none-match"),
            if_modified_since: self.time(&format!("{prefix}if-modified-since"))?,
            if_unmodified_since: self.time(&format!("{prefix}if-unmodified-since"))?,
            ..Conditions::default()
        })
    }

    /// A base64 header of so many bytes.
    pub(super) fn digest<const N: usize>(&self, name: &'static str, code: &'static str) -> Outcome<Option<[u8; N]>> {
        let Some(value) = self.header(name) else { return Ok(None) };
        let decoded = STANDARD.decode(value.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        decoded
            .map(Some)
            .ok_or_else(|| Failure::bad_request(code, format!("The value of the header {name} is not a valid digest.")))
    }

    /// `Content-MD5` of the request body.
    pub(super) fn body_md5(&self) -> Outcome<Option<[u8; 16]>> {
        self.digest("content-md5", "InvalidMd5")
    }

    /// `x-ms-content-crc64` of the request body.
    pub(super) fn body_crc64(&self) -> Outcome<Option<u64>> {
        Ok(self.digest("x-ms-content-crc64", "InvalidCrc64")?.map(u64::from_le_bytes))
    }

    /// The blob's headers from `x-ms-blob-…`.
    pub(super) fn blob_headers(&self) -> Outcome<ContentHeaders> {
        let own = |name: &str| self.header(name).filter(|value| !value.is_empty());
        Ok(ContentHeaders {
            content_type: own("x-ms-blob-content-type"),
            content_encoding: own("x-ms-blob-content-encoding"),
            content_language: own("x-ms-blob-content-language"),
            content_disposition: own("x-ms-blob-content-disposition"),
            cache_control: own("x-ms-blob-cache-control"),
            content_md5: self.digest("x-ms-blob-content-md5", "InvalidMd5")?,
        })
    }

    /// The blob's headers where the body is the content: the standard headers stand in for missing `x-ms-blob-…`.
    pub(super) fn put_headers(&self) -> Outcome<ContentHeaders> {
        let own = self.blob_headers()?;
        let standard = |name: &str| self.header(name).filter(|value| !value.is_empty());
        Ok(ContentHeaders {
            content_type: own.content_type.or_else(|| standard("content-type")),
            content_encoding: own.content_encoding.or_else(|| standard("content-encoding")),
            content_language: own.content_language.or_else(|| standard("content-language")),
            content_disposition: own.content_disposition,
            cache_control: own.cache_control.or_else(|| standard("cache-control")),
            content_md5: own.content_md5,
        })
    }

    /// The metadata of the request, in the letter case it was sent.
    pub(super) fn metadata(&self) -> Outcome<Pairs> {
        let entries = self.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix(METADATA)?;
            Some((self.case.original(name), text(value.as_bytes())))
        });
        let mut joined: Vec<(String, String)> = Vec::new();
        for (name, value) in entries {
            if name.is_empty() {
                return Err(Failure::bad_request(
                    "EmptyMetadataKey",
                    "The key for one of the metadata key-value pairs is empty.",
                ));
            }
            // A name that was sent twice is one entry, as HTTP joins headers.
            match joined.iter_mut().find(|(own, _)| *own == name) {
                Some((_, own)) => {
                    own.push(',');
                    own.push_str(&value);
                }
                None => joined.push((name, value)),
            }
        }
        Ok(Pairs::metadata(joined)?)
    }

    /// The tags in `x-ms-tags`, written like a query.
    pub(super) fn tags(&self) -> Outcome<Option<Pairs>> {
        let Some(value) = self.header("x-ms-tags") else { return Ok(None) };
        let invalid = || Failure::bad_request("InvalidTag", "The tags specified are invalid.");
        let pairs = Query::parse_pairs(&value).ok_or_else(invalid)?;
        Pairs::tags(pairs).map(Some).map_err(|_| invalid())
    }

    /// The access tier in `x-ms-access-tier`.
    pub(super) fn tier(&self) -> Outcome<Option<AccessTier>> {
        const NAME: &str = "x-ms-access-tier";
        match self.header(NAME).map(|tier| tier.to_ascii_lowercase()).as_deref() {
            None => Ok(None),
            Some("hot") => Ok(Some(AccessTier::Hot)),
            Some("cool") => Ok(Some(AccessTier::Cool)),
            Some("cold") => Ok(Some(AccessTier::Cold)),
            Some("archive") => Err(Failure::not_supported("The archive tier")),
            Some(_) => Err(Failure::header(NAME)),
        }
    }

    /// A number in the query.
    pub(super) fn number(&self, name: &'static str) -> Outcome<Option<usize>> {
        self.query.get(name).map(|value| value.trim().parse().map_err(|_| Failure::query(name))).transpose()
    }
}

/// Bytes as headers and XML carry digests.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
