//! Conditional requests: ETag, time and lease.
//!
//! A failed condition on a write is `ConditionNotMet` (412), except that creating what exists (`If-None-Match: *`) is
//! `BlobAlreadyExists` (409). On a read, a version that the reader already has is `NotModified` (304).

use jiff::Timestamp;

use super::{Error, lease};
use crate::etag::Etag;

/// A set of versions, as in `If-Match` and `If-None-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// `*`: any version, i.e. it must exist.
    Any,
    /// One of these tags, quoted or not.
    These(Vec<String>),
}

impl Versions {
    /// Reads a header's value: `*`, or tags separated by commas.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        if value.trim() == "*" {
            return Self::Any;
        }
        Self::These(value.split(',').map(|tag| tag.trim().to_owned()).collect())
    }

    fn contain(&self, etag: Etag) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| etag.matches(tag)),
        }
    }
}

/// What must hold for an operation. The default requires nothing.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// The version must be one of these.
    pub if_match: Option<Versions>,
    /// The version must be none of these; `Any` means the blob must not exist.
    pub if_none_match: Option<Versions>,
    /// Changed after this time (compared in whole seconds).
    pub if_modified_since: Option<Timestamp>,
    /// Not changed after this time (compared in whole seconds).
    pub if_unmodified_since: Option<Timestamp>,
    /// The lease the caller holds.
    pub lease: Option<String>,
    /// The caller may create but not overwrite (signature with `c` but not `w`).
    pub create_only: bool,
}

impl Conditions {
    /// Only if the blob does not exist yet.
    #[must_use]
    pub fn if_absent() -> Self {
        Self { if_none_match: Some(Versions::Any), ..Self::default() }
    }

    /// Only if the version is still `etag`.
    #[must_use]
    pub fn if_version(etag: impl Into<String>) -> Self {
        Self { if_match: Some(Versions::These(vec![etag.into()])), ..Self::default() }
    }
}

/// A version with what conditions compare.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version<'a> {
    pub(super) etag: Etag,
    pub(super) modified: Timestamp,
    pub(super) lease: &'a lease::Lease,
}

/// Checks a write that may create. `None`: nothing is there yet.
pub(super) fn check_create(conditions: &Conditions, current: Option<Version<'_>>, now: Timestamp) -> Result<(), Error> {
    let Some(current) = current else {
        if conditions.if_match.is_some() {
            return Err(Error::ConditionNotMet);
        }
        return match &conditions.lease {
            Some(_) => Err(lease::Error::NotPresentWithBlob.into()),
            None => Ok(()),
        };
    };
    if conditions.if_none_match == Some(Versions::Any) {
        return Err(Error::BlobAlreadyExists);
    }
    if conditions.create_only {
        return Err(Error::OverwriteNotPermitted);
    }
    check_write(conditions, current, now)
}

/// Checks a write to something that exists.
pub(super) fn check_write(conditions: &Conditions, current: Version<'_>, now: Timestamp) -> Result<(), Error> {
    check_versions(conditions, current)?;
    current.lease.permit_write(conditions.lease.as_deref(), now)?;
    Ok(())
}

/// Checks ETag and times of a write, without the lease.
pub(super) fn check_versions(conditions: &Conditions, current: Version<'_>) -> Result<(), Error> {
    let holds = conditions.if_match.as_ref().is_none_or(|versions| versions.contain(current.etag))
        && !conditions.if_none_match.as_ref().is_some_and(|versions| versions.contain(current.etag))
        && conditions.if_unmodified_since.is_none_or(|time| current.modified.as_second() <= time.as_second())
        && conditions.if_modified_since.is_none_or(|time| current.modified.as_second() > time.as_second());
    if holds { Ok(()) } else { Err(Error::ConditionNotMet) }
}

/// Checks a read.
pub(super) fn check_read(conditions: &Conditions, current: Version<'_>, now: Timestamp) -> Result<(), Error> {
    current.lease.permit_read(conditions.lease.as_deref(), now)?;
    if conditions.if_match.as_ref().is_some_and(|versions| !versions.contain(current.etag))
        || conditions.if_unmodified_since.is_some_and(|time| current.modified.as_second() > time.as_second())
    {
        return Err(Error::ConditionNotMet);
    }
    match (&conditions.if_none_match, conditions.if_modified_since) {
        (Some(versions), _) if versions.contain(current.etag) => Err(Error::NotModified),
        (None, Some(time)) if current.modified.as_second() <= time.as_second() => Err(Error::NotModified),
        _ => Ok(()),
    }
}
