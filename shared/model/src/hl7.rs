//! What passes between the platform and the proxy at a hospital.

use iris_hl7::ack::{Acknowledgement, Code, NoAnswer, Outcome};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Media type of an HL7 message in a queue.
pub const HL7_CONTENT: &str = "application/hl7-v2";

/// What became of a message at its hospital, as the proxy reports it: the final word on a delivery. Holds no personal
/// data: the hospital's own words may name a patient, and are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hl7Answer {
    /// The result that the message carries.
    pub transaction_id: Uuid,
    /// The destination it was for.
    pub destination: String,
    /// When it was written to the hospital.
    pub at: Timestamp,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
    /// What came back.
    pub reply: Hl7Reply,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Hl7Reply {
    /// An acknowledgement.
    Answered {
        /// MSA-1.
        code: Code,
        /// Error numbers from table 0357.
        errors: Vec<u16>,
    },
    /// A frame that is no acknowledgement.
    Unreadable,
    /// No answer in time, or the connection ended.
    Silence {
        /// Bytes came that are not a frame.
        noise: bool,
    },
    /// There was no connection for so long that the message was given back; nothing was written.
    NotConnected,
    /// No frame can hold the message, or it is larger than hospitals accept; it was not sent.
    NoFrame,
}

impl Hl7Reply {
    /// The reply of a finished exchange; `None` where nothing was written.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Answered(answer) => Some(Self::Answered { code: answer.code, errors: answer.errors.clone() }),
            Outcome::Unreadable(_) => Some(Self::Unreadable),
            Outcome::Silence { noise } => Some(Self::Silence { noise: *noise }),
            Outcome::NotSent => None,
        }
    }

    /// The outcome to look up in tables of replies; `None` for a message that was never sent.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        Some(match self {
            Self::Answered { code, errors } => Outcome::Answered(Acknowledgement {
                code: *code,
                control_id: Vec::new(),
                errors: errors.clone(),
                text: String::new(),
            }),
            Self::Unreadable => Outcome::Unreadable(NoAnswer::NoMsa),
            Self::Silence { noise } => Outcome::Silence { noise: *noise },
            Self::NotConnected => Outcome::NotSent,
            Self::NoFrame => return None,
        })
    }

    /// In words for operators: the code and the error numbers, nothing that the hospital wrote.
    #[must_use]
    pub fn said(&self) -> String {
        match self {
            Self::Answered { code, errors } if errors.is_empty() => format!("answered {}", code.text()),
            Self::Answered { code, errors } => {
                let errors: Vec<String> = errors.iter().map(u16::to_string).collect();
                format!("answered {} with error {}", code.text(), errors.join(", "))
            }
            Self::Unreadable => "answered with something that is no acknowledgement".to_owned(),
            Self::Silence { noise: true } => "sent bytes without a frame, and no acknowledgement".to_owned(),
            Self::Silence { noise: false } => "did not answer in time".to_owned(),
            Self::NotConnected => "cannot be reached".to_owned(),
            Self::NoFrame => "the message fits into no frame".to_owned(),
        }
    }
}
