//! Why a request was not permitted.

use crate::not_offered::NotOffered;

/// A refusal. Messages say what did not match, never a key or a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No credential at all.
    #[error("the request carries neither an Authorization header nor a shared access signature")]
    Missing,
    /// The credential is invalid: unknown account, wrong signature, expired, malformed.
    #[error("{0}")]
    Failed(&'static str),
    /// A kind of credential that is not offered.
    #[error("{} are not offered by the local endpoint; use an account key or a shared access signature", .0.what())]
    NotOffered(NotOffered),
    /// The signature lacks a permission.
    #[error("the signature does not carry the permission for this operation")]
    PermissionMismatch,
    /// The signature is for other resources of the account.
    #[error("the signature is not for this type of resource")]
    ResourceTypeMismatch,
    /// The signature is for other services of the account.
    #[error("the signature is not for this service")]
    ServiceMismatch,
    /// The signature requires HTTPS.
    #[error("the signature is for another protocol")]
    ProtocolMismatch,
    /// The signature is for other addresses.
    #[error("the signature is for another source address")]
    SourceAddressMismatch,
}
