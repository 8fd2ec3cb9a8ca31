//! What a verified request may do.

use std::net::IpAddr;

use super::Error;
use crate::names::{BlobName, ContainerName};

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// The account's blob service.
    Service,
    /// A container.
    Container(ContainerName),
    /// A blob.
    Blob(ContainerName, BlobName),
}

/// Where a request comes from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The address it comes from.
    pub address: IpAddr,
    /// Whether it comes over TLS.
    pub encrypted: bool,
}

/// What a grant is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of the account (account key).
    Everything,
    /// Kinds of resources of the account (account SAS).
    Account {
        /// Operations on the service, such as listing containers.
        service: bool,
        /// Operations on containers, such as listing blobs.
        container: bool,
        /// Operations on blobs.
        object: bool,
    },
    /// One container's blobs.
    Container(ContainerName),
    /// One blob.
    Blob(ContainerName, BlobName),
}

/// Headers a signature sets in the answer to a read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseOverrides {
    /// `rscc`.
    pub cache_control: Option<String>,
    /// `rscd`.
    pub content_disposition: Option<String>,
    /// `rsce`.
    pub content_encoding: Option<String>,
    /// `rscl`.
    pub content_language: Option<String>,
    /// `rsct`.
    pub content_type: Option<String>,
}

/// How far a permitted write may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whatever the operation does.
    Full,
    /// It may create a blob but not overwrite one (`c` without `w`).
    CreateOnly,
}

/// What a verified request may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What it is for.
    pub scope: Scope,
    /// Permission letters; `None`: all (account key).
    pub permissions: Option<String>,
    /// Headers for answers to reads.
    pub overrides: ResponseOverrides,
}

impl Grant {
    /// All rights: the account key was shown.
    #[must_use]
    pub fn everything() -> Self {
        Self { scope: Scope::Everything, permissions: None, overrides: ResponseOverrides::default() }
    }

    /// Whether an operation that needs one of `letters` is permitted on `resource`. `lists_blobs` marks the one
    /// operation on a container that a signature for that container permits.
    ///
    /// # Errors
    /// [`Error::ResourceTypeMismatch`] or [`Error::PermissionMismatch`].
    pub fn permit(&self, resource: &Resource, lists_blobs: bool, letters: &str) -> Result<Access, Error> {
        let for_this = match (&self.scope, resource) {
            (Scope::Everything, _) => true,
            (Scope::Account { service, .. }, Resource::Service) => *service,
            (Scope::Account { container, .. }, Resource::Container(_)) => *container,
            (Scope::Account { object, .. }, Resource::Blob(..)) => *object,
            (Scope::Container(own), Resource::Container(container)) => own == container && lists_blobs,
            (Scope::Container(own), Resource::Blob(container, _)) => own == container,
            (Scope::Blob(own, own_name), Resource::Blob(container, name)) => own == container && own_name == name,
            (Scope::Container(_) | Scope::Blob(..), _) => false,
        };
        if !for_this {
            return Err(match self.scope {
                Scope::Account { .. } => Error::ResourceTypeMismatch,
                _ => Error::PermissionMismatch,
            });
        }
        let Some(permissions) = &self.permissions else { return Ok(Access::Full) };
        let found: Vec<char> = letters.chars().filter(|letter| permissions.contains(*letter)).collect();
        match found.as_slice() {
            [] => Err(Error::PermissionMismatch),
            ['c'] if letters.contains('w') => Ok(Access::CreateOnly),
            _ => Ok(Access::Full),
        }
    }
}
