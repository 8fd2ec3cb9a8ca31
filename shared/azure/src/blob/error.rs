//! What can go wrong with a blob, without mentioning its name.

use azure_core::error::ErrorKind;
use azure_core::http::StatusCode;
use std::error::Error as _;

/// Why an operation failed. Never contains a URL, a name or content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such blob (any more).
    #[error("the blob does not exist")]
    NotFound,
    /// There is no such container.
    #[error("the container does not exist")]
    ContainerNotFound,
    /// The blob is no longer the version that was asked for.
    #[error("the blob has changed")]
    Changed,
    /// The blob is still the version the caller has.
    #[error("the blob has not changed")]
    NotModified,
    /// A blob of this name exists already.
    #[error("the blob already exists")]
    AlreadyExists,
    /// The service does not accept our credential, or the credential has no right to do this. Someone has to act.
    #[error("access to the storage account was refused ({code})")]
    Unauthorized {
        /// The service's error code.
        code: String,
    },
    /// It will not work, now or later.
    #[error("the storage service refused the request ({status} {code})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The service's error code.
        code: String,
    },
    /// Tried repeatedly without success; worth another try later.
    #[error("the storage service cannot be reached or is busy ({reason})")]
    Transient {
        /// A technical reason.
        reason: String,
    },
    /// The answer is not one that a storage service gives.
    #[error("the storage service gave an answer that cannot be read ({what})")]
    Protocol {
        /// What could not be read.
        what: &'static str,
    },
    /// The connection string or service URL cannot be used.
    #[error("the storage connection cannot be used: {reason}")]
    Connection {
        /// What is wrong with it; quotes no part of it.
        reason: &'static str,
    },
    /// No credential for the account.
    #[error("no credential for the storage account: {reason}")]
    Credential {
        /// The identity library's reason.
        reason: String,
    },
}

impl Error {
    /// Whether the same call may succeed later without anyone's intervention.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient { .. } | Self::Credential { .. })
    }

    pub(super) fn transient(reason: impl Into<String>) -> Self {
        Self::Transient { reason: reason.into() }
    }
}

impl From<azure_core::Error> for Error {
    fn from(error: azure_core::Error) -> Self {
        match error.kind() {
            ErrorKind::HttpResponse { status, error_code, raw_response } => {
                let header =
                    raw_response.as_ref().and_then(|raw| raw.headers().get_optional_string(&"x-ms-error-code".into()));
                of_answer(*status, &word(error_code.clone().or(header)))
            }
            ErrorKind::Connection | ErrorKind::Io => Self::transient(transport(&error)),
            ErrorKind::Credential => Self::Credential { reason: "no token".to_owned() },
            ErrorKind::DataConversion => Self::Protocol { what: "body or headers" },
            _ => Self::transient("unclassified failure of the client library"),
        }
    }
}

fn of_answer(status: StatusCode, code: &str) -> Error {
    match (u16::from(status), code) {
        (304, _) => Error::NotModified,
        (404, "ContainerNotFound") => Error::ContainerNotFound,
        (404, _) => Error::NotFound,
        (409, "BlobAlreadyExists") => Error::AlreadyExists,
        (409, "ContainerBeingDeleted" | "OperationTimedOut") => Error::transient(code),
        (412, _) | (400, "InvalidBlockList") => Error::Changed,
        (401 | 403, _) => Error::Unauthorized { code: code.to_owned() },
        (408 | 429 | 500.., _) => Error::transient(format!("{} {code}", u16::from(status))),
        (status, _) => Error::Refused { status, code: code.to_owned() },
    }
}

/// Error codes are single words; anything else may be free text.
fn word(code: Option<String>) -> String {
    code.filter(|code| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric()))
        .unwrap_or_else(|| "unknown".into())
}

/// The innermost input/output error is safe to show; the layers above it quote the URL.
fn transport(error: &azure_core::Error) -> String {
    let mut source = error.source();
    let mut kind = None;
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            kind = Some(io.kind());
        }
        source = cause.source();
    }
    kind.map_or_else(|| "connection failed or broke".to_owned(), |kind| kind.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_what_they_mean_to_us() {
        for (status, code, expected) in [
            (404, "BlobNotFound", Error::NotFound),
            (404, "ContainerNotFound", Error::ContainerNotFound),
            (409, "BlobAlreadyExists", Error::AlreadyExists),
            (412, "ConditionNotMet", Error::Changed),
            (400, "InvalidBlockList", Error::Changed),
            (304, "unknown", Error::NotModified),
            (403, "AuthenticationFailed", Error::Unauthorized { code: "AuthenticationFailed".into() }),
            (400, "InvalidUri", Error::Refused { status: 400, code: "InvalidUri".into() }),
            (503, "ServerBusy", Error::Transient { reason: "503 ServerBusy".into() }),
        ] {
            assert_eq!(of_answer(StatusCode::from(status), code), expected);
        }
    }

    #[test]
    fn no_text_of_the_client_library_gets_through() {
        let inner = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "https://acct/drops/Doe_Jane.csv");
        let error = azure_core::Error::with_error(ErrorKind::Io, inner, "GET https://acct/drops/Doe_Jane.csv");
        let ours = Error::from(error);
        assert_eq!(ours, Error::Transient { reason: "connection reset".into() });
        assert!(!format!("{ours} {ours:?}").contains("Doe"));
        assert_eq!(word(Some("Doe Jane".into())), "unknown");
    }
}
