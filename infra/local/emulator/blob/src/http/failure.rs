//! Failures as the service reports them: status, `x-ms-error-code`, XML.

use std::borrow::Cow;

use http::StatusCode;

use crate::not_offered::NotOffered;
use crate::store::lease::Error as LeaseError;
use crate::{auth, names, store};

/// A failed request.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: Cow<'static, str>,
    /// Length of the blob, if a range did not fit it.
    pub(super) length: Option<u64>,
    /// What was wrong with the source of a copy.
    pub(super) source: Option<Box<SourceFailure>>,
}

/// The source's answer, which clients are told in addition to the failure of the copy.
#[derive(Debug)]
pub(super) struct SourceFailure {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: Cow<'static, str>,
}

/// The result of most requests.
pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), length: None, source: None }
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn header(name: &str) -> Self {
        Self::bad_request("InvalidHeaderValue", format!("The value of the header {name} is not in the correct format."))
    }

    pub(super) fn missing_header(name: &str) -> Self {
        Self::bad_request("MissingRequiredHeader", format!("The header {name} is required for this request."))
    }

    pub(super) fn query(name: &str) -> Self {
        Self::bad_request(
            "InvalidQueryParameterValue",
            format!("The value of the query parameter {name} is not valid."),
        )
    }

    /// Refuses what is not offered by its name; anonymous reads like an account that has them turned off.
    pub(super) fn not_offered(offer: NotOffered) -> Self {
        let (status, code) = match offer {
            NotOffered::AnonymousReads => (StatusCode::CONFLICT, "PublicAccessNotPermitted"),
            _ => (StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
        };
        Self::new(status, code, format!("Not offered by the local endpoint: {}.", offer.what()))
    }

    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "UnsupportedHttpVerb",
            "The resource doesn't support the specified HTTP verb.",
        )
    }

    /// The source of a copy made at once could not be read, for this reason.
    pub(super) fn of_source(self) -> Self {
        // "Not modified" is not a failure of a read, but it is one of a copy.
        let status =
            if self.status == StatusCode::NOT_MODIFIED { StatusCode::PRECONDITION_FAILED } else { self.status };
        let source = SourceFailure { status, code: self.code, message: self.message.clone() };
        Self { status, code: "CannotVerifyCopySource", source: Some(Box::new(source)), ..self }
    }

    pub(super) fn body() -> Self {
        Self::bad_request("InvalidXmlDocument", "The specified XML is not syntactically valid.")
    }

    pub(super) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestBodyTooLarge", "The request body is too large.")
    }

    pub(super) fn crc64_mismatch() -> Self {
        Self::bad_request("Crc64Mismatch", "The CRC64 value specified in the request did not match.")
    }

    pub(super) fn md5_mismatch() -> Self {
        Self::bad_request(
            "Md5Mismatch",
            "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
        )
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        use store::Error as E;
        let (status, code, message) = match error {
            E::ContainerNotFound => {
                (StatusCode::NOT_FOUND, "ContainerNotFound", "The specified container does not exist.")
            }
            E::ContainerAlreadyExists => {
                (StatusCode::CONFLICT, "ContainerAlreadyExists", "The specified container already exists.")
            }
            E::BlobNotFound => (StatusCode::NOT_FOUND, "BlobNotFound", "The specified blob does not exist."),
            E::BlobAlreadyExists => (StatusCode::CONFLICT, "BlobAlreadyExists", "The specified blob already exists."),
            E::OverwriteNotPermitted => (
                StatusCode::FORBIDDEN,
                "UnauthorizedBlobOverwrite",
                "This request is not authorized to perform blob overwrites.",
            ),
            E::ConditionNotMet => (
                StatusCode::PRECONDITION_FAILED,
                "ConditionNotMet",
                "The condition specified using HTTP conditional header(s) is not met.",
            ),
            E::SourceConditionNotMet => (
                StatusCode::PRECONDITION_FAILED,
                "SourceConditionNotMet",
                "The source condition specified using HTTP conditional header(s) is not met.",
            ),
            E::NotModified => (
                StatusCode::NOT_MODIFIED,
                "ConditionNotMet",
                "The condition specified using HTTP conditional header(s) is not met.",
            ),
            E::InvalidRange { length } => {
                let mut failure = Self::new(
                    StatusCode::RANGE_NOT_SATISFIABLE,
                    "InvalidRange",
                    "The range specified is invalid for the current size of the resource.",
                );
                failure.length = Some(length);
                return failure;
            }
            E::InvalidBlockList => {
                (StatusCode::BAD_REQUEST, "InvalidBlockList", "The specified block list is invalid.")
            }
            E::BlockListTooLong => {
                (StatusCode::BAD_REQUEST, "BlockListTooLong", "The block list may not contain more than 50,000 blocks.")
            }
            E::InvalidBlobOrBlock => {
                (StatusCode::BAD_REQUEST, "InvalidBlobOrBlock", "The specified blob or block content is invalid.")
            }
            E::InvalidMetadata => (StatusCode::BAD_REQUEST, "InvalidMetadata", "The specified metadata is invalid."),
            E::Lease(error) => return error.into(),
            error @ (E::Database(_) | E::NotDurable | E::Io(_) | E::Damaged(_) | E::InUse | E::UnknownFormat) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a blob request failed in the store");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "InternalError",
                    "The server encountered an internal error. Please retry.",
                )
            }
            E::Closed => (StatusCode::SERVICE_UNAVAILABLE, "ServerBusy", "The server is stopping."),
        };
        Self::new(status, code, message)
    }
}

impl From<LeaseError> for Failure {
    fn from(error: LeaseError) -> Self {
        let (status, code) = match error {
            LeaseError::AlreadyPresent => (StatusCode::CONFLICT, "LeaseAlreadyPresent"),
            LeaseError::MismatchWithLease => (StatusCode::CONFLICT, "LeaseIdMismatchWithLeaseOperation"),
            LeaseError::NotPresentWithLease => (StatusCode::CONFLICT, "LeaseNotPresentWithLeaseOperation"),
            LeaseError::BreakingCannotAcquire => (StatusCode::CONFLICT, "LeaseIsBreakingAndCannotBeAcquired"),
            LeaseError::BreakingCannotChange => (StatusCode::CONFLICT, "LeaseIsBreakingAndCannotBeChanged"),
            LeaseError::BrokenCannotRenew => (StatusCode::CONFLICT, "LeaseIsBrokenAndCannotBeRenewed"),
            LeaseError::IdMissing => (StatusCode::PRECONDITION_FAILED, "LeaseIdMissing"),
            LeaseError::MismatchWithBlob => (StatusCode::PRECONDITION_FAILED, "LeaseIdMismatchWithBlobOperation"),
            LeaseError::NotPresentWithBlob => (StatusCode::PRECONDITION_FAILED, "LeaseNotPresentWithBlobOperation"),
            LeaseError::Lost => (StatusCode::PRECONDITION_FAILED, "LeaseLost"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<auth::Error> for Failure {
    fn from(error: auth::Error) -> Self {
        let (status, code) = match error {
            auth::Error::Missing => (StatusCode::UNAUTHORIZED, "NoAuthenticationInformation"),
            auth::Error::Failed(_) | auth::Error::NotOffered(_) => (StatusCode::FORBIDDEN, "AuthenticationFailed"),
            auth::Error::PermissionMismatch => (StatusCode::FORBIDDEN, "AuthorizationPermissionMismatch"),
            auth::Error::ResourceTypeMismatch => (StatusCode::FORBIDDEN, "AuthorizationResourceTypeMismatch"),
            auth::Error::ServiceMismatch => (StatusCode::FORBIDDEN, "AuthorizationServiceMismatch"),
            auth::Error::ProtocolMismatch => (StatusCode::FORBIDDEN, "AuthorizationProtocolMismatch"),
            auth::Error::SourceAddressMismatch => (StatusCode::FORBIDDEN, "AuthorizationSourceIPMismatch"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<names::Error> for Failure {
    fn from(error: names::Error) -> Self {
        let code = match error {
            names::Error::ContainerLength | names::Error::BlobLength => "OutOfRangeInput",
            names::Error::ContainerCharacters | names::Error::BlobSegments | names::Error::BlobCharacters => {
                "InvalidResourceName"
            }
        };
        Self::bad_request(code, error.to_string())
    }
}
