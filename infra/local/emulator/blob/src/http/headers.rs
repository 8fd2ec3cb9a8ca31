//! Request headers, parsed: conditions, content headers, metadata, tags.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use uuid::Uuid;

use super::call::{Call, text};
use super::date;
use super::failure::{Failure, Outcome};
use crate::auth::{Access, Query};
use crate::crc64::Crc64;
use crate::not_offered::NotOffered;
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
            lease: self.lease_id("x-ms-lease-id")?,
            create_only: self.access == Access::CreateOnly,
            ..self.conditions_named("")?
        })
    }

    /// The conditions on a copy's source.
    pub(super) fn source_conditions(&self) -> Outcome<Conditions> {
        Ok(Conditions { lease: self.lease_id("x-ms-source-lease-id")?, ..self.conditions_named("x-ms-source-")? })
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

    /// A lease id: a GUID in any of its forms (with or without hyphens, braces or parentheses).
    pub(super) fn lease_id(&self, name: &'static str) -> Outcome<Option<String>> {
        let Some(value) = self.header(name) else { return Ok(None) };
        let value = value.trim();
        let bare = value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(value);
        Uuid::parse_str(bare).map(|id| Some(id.to_string())).map_err(|_| Failure::header(name))
    }

    /// A base64 header of this many bytes.
    fn digest<const N: usize>(&self, name: &'static str, code: &'static str) -> Outcome<Option<[u8; N]>> {
        let invalid = || Failure::bad_request(code, format!("The value of the header {name} is not a valid digest."));
        self.base64(name, code)?.map(|bytes| bytes.try_into().map_err(|_| invalid())).transpose()
    }

    /// A base64 header of any length.
    fn base64(&self, name: &'static str, code: &'static str) -> Outcome<Option<Vec<u8>>> {
        let Some(value) = self.header(name) else { return Ok(None) };
        let invalid = || Failure::bad_request(code, format!("The value of the header {name} is not valid Base64."));
        STANDARD.decode(value.trim()).map(Some).map_err(|_| invalid())
    }

    /// The digests sent along with a body: one or the other, not both.
    pub(super) fn body_digest(&self) -> Outcome<Digest> {
        self.one_digest("content-md5", "x-ms-content-crc64")
    }

    /// The digests a copy's source must have, likewise.
    pub(super) fn source_digest(&self) -> Outcome<Digest> {
        self.one_digest("x-ms-source-content-md5", "x-ms-source-content-crc64")
    }

    /// Whether the caller knows a digest of a copy's source.
    pub(super) fn asks_for_source_digest(&self) -> bool {
        ["x-ms-source-content-md5", "x-ms-source-content-crc64"].iter().any(|name| self.headers.contains_key(*name))
    }

    fn one_digest(&self, md5: &'static str, crc64: &'static str) -> Outcome<Digest> {
        match (self.digest(md5, "InvalidMd5")?, self.digest(crc64, "InvalidCrc64")?) {
            (Some(_), Some(_)) => Err(Failure::bad_request(
                "BothCrc64AndMd5HeaderPresent",
                format!("Both {crc64} header and {md5} header are present."),
            )),
            (Some(md5), None) => Ok(Digest::Md5(md5)),
            (None, Some(crc64)) => Ok(Digest::Crc64(u64::from_le_bytes(crc64))),
            (None, None) => Ok(Digest::None),
        }
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
            content_md5: self.base64("x-ms-blob-content-md5", "InvalidMd5")?,
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
            // A name that was sent twice is one entry, because HTTP joins such headers.
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
            Some("smart") => Ok(Some(AccessTier::Smart)),
            Some("archive") => Err(Failure::not_offered(NotOffered::ArchiveTier)),
            Some(_) => Err(Failure::header(NAME)),
        }
    }

    /// A number in the query.
    pub(super) fn number(&self, name: &'static str) -> Outcome<Option<usize>> {
        self.query.get(name).map(|value| value.trim().parse().map_err(|_| Failure::query(name))).transpose()
    }
}

/// The digest that content must have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Digest {
    None,
    Md5([u8; 16]),
    Crc64(u64),
}

impl Digest {
    /// Checks content by its digests.
    pub(super) fn check(self, md5: &[u8; 16], crc64: u64) -> Outcome<()> {
        match self {
            Self::Md5(given) if given != *md5 => Err(Failure::md5_mismatch()),
            Self::Crc64(given) if given != crc64 => Err(Failure::crc64_mismatch()),
            Self::None | Self::Md5(_) | Self::Crc64(_) => Ok(()),
        }
    }

    /// Checks a document that was read as a whole, and returns its digests.
    pub(super) fn check_document(self, document: &[u8]) -> Outcome<([u8; 16], u64)> {
        let mut crc64 = Crc64::default();
        crc64.update(document);
        let (md5, crc64) = (Md5::digest(document).into(), crc64.finish());
        self.check(&md5, crc64)?;
        Ok((md5, crc64))
    }
}

/// A CRC-64 as written in headers.
pub(super) fn crc64_text(crc64: u64) -> String {
    base64(&crc64.to_le_bytes())
}

/// Digests as written in headers and XML.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
