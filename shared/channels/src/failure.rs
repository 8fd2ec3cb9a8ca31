//! Why a result was not handed over. Who is to blame decides what happens next; no text contains personal data.

use crate::Unreadable;
use iris_azure::blob::{Error as BlobError, InvalidAddress};
use iris_azure::servicebus;
use iris_azure::servicebus::InvalidEndpoint;
use iris_model::organization::Unset;
use std::error::Error;

/// Why a result was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A part of the platform is unavailable: try later; the destination is not to blame.
    #[error("something of the platform's own is away")]
    Ours(#[source] Away),
    /// The destination does not take it now: try later; counts as a failure of the destination.
    #[error("the destination does not take it")]
    Destination(#[source] Refusal),
    /// It can never be handed over as things are.
    #[error("it can never be delivered as things are")]
    Impossible(#[source] Obstacle),
}

/// The part of the platform that is unavailable.
#[derive(Debug, thiserror::Error)]
pub enum Away {
    /// The storage account.
    #[error("the platform's storage is away")]
    Storage(#[source] BlobError),
    /// A storage name of the platform is unusable because a setting is wrong.
    #[error("a place of the platform's own has no usable name")]
    Place(#[source] InvalidAddress),
    /// The JSON that says where a result is cannot be written.
    #[error("a location cannot be written")]
    Location(#[source] serde_json::Error),
    /// The process is ending.
    #[error("the handler is ending")]
    Ending,
}

/// Why a destination did not take a result.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The setting named by its document does not exist.
    #[error("setting {setting} is not there")]
    NoSetting {
        /// The setting's name.
        setting: String,
    },
    /// The setting does not hold a usable connection string for a queue.
    #[error("setting {setting} holds no usable connection string")]
    Namespace {
        /// The setting's name.
        setting: String,
        /// Why.
        #[source]
        source: InvalidEndpoint,
    },
    /// The setting does not hold a usable connection for a container.
    #[error("setting {setting} holds no usable connection")]
    Account {
        /// The setting's name.
        setting: String,
        /// Why.
        #[source]
        source: BlobError,
    },
    /// Its queue did not confirm.
    #[error("its queue did not confirm")]
    Queue(#[source] servicebus::Error),
    /// Its storage account did not confirm.
    #[error("its storage did not confirm")]
    Storage(#[source] BlobError),
    /// It did not answer in time.
    #[error("no confirmation in time")]
    NoConfirmation,
}

/// Why a result can never be handed over.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    /// The stored content is not what the platform writes.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The destination names somebody else's setting, which was not read.
    #[error("the destination names setting {setting}, which is not its organization's")]
    NotOwn {
        /// The setting's name.
        setting: String,
    },
    /// The order lacks a value that the file name needs.
    #[error(
        "the file cannot be named: the order lacks a value that names a folder or the file; change the destination's \
         name template, or send the order with that value, and ask for the result again"
    )]
    Name(#[source] Unset),
    /// The file's name is not allowed in blob storage.
    #[error("the file's name is not possible in blob storage")]
    Address(#[source] InvalidAddress),
    /// The report cannot be drawn.
    #[error("the report cannot be drawn")]
    Drawing(#[source] iris_report::Error),
    /// The destination's interface is not in the document, or its instructions are unusable.
    #[error("the destination's interface cannot be used as the organization's document has it")]
    Interface,
    /// Drawing the report was interrupted.
    #[error("a report cannot be drawn")]
    Broken,
}

impl Failure {
    /// The reason, in words for those who are told: the destination's operators, and, if it can never be delivered, the
    /// submitter.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Ours(away) => chain(away),
            Self::Destination(refusal) => chain(refusal),
            Self::Impossible(obstacle) => obstacle.to_string(),
        }
    }

    /// A short code, for measurements.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Ours(_) => "unavailable",
            Self::Destination(_) => "refused",
            Self::Impossible(_) => "impossible",
        }
    }
}

/// An error with all its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl From<Away> for Failure {
    fn from(away: Away) -> Self {
        Self::Ours(away)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Destination(refusal)
    }
}

impl From<Obstacle> for Failure {
    fn from(obstacle: Obstacle) -> Self {
        Self::Impossible(obstacle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_all_that_caused_it_and_says_it_once() {
        let blob = BlobError::Unauthorized { code: "AuthorizationFailure".to_owned() };
        let refused = Failure::from(Refusal::Account { setting: "DESTINATION_A__X".to_owned(), source: blob });
        let expected = "setting DESTINATION_A__X holds no usable connection: access to the storage account was refused \
                        (AuthorizationFailure)";
        assert_eq!((refused.reason().as_str(), refused.outcome()), (expected, "refused"));
        let named = Failure::from(Obstacle::Name(Unset));
        assert!(
            named.reason().ends_with("ask for the result again"),
            "what the submitter is told ends with what to do"
        );
    }
}
