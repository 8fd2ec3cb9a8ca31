//! Acknowledgements: answering messages, reading answers, and what an answer means.
//!
//! - [`Envelope`] examines an incoming message: whom to answer, and whether its kind is accepted at all.
//! - [`answer()`] writes the acknowledgement.
//! - [`Exchange`] follows one sent message until its answer is known.
//! - [`Replies`] says what to do then.

mod build;
mod envelope;
mod exchange;
mod read;
mod replies;
mod schedule;

pub use build::{Answer, Location, answer};
pub use envelope::{Envelope, Refusal, Taken};
pub use exchange::{Exchange, Outcome, Progress};
pub use read::{Acknowledgement, NoAnswer, read};
pub use replies::{Act, Charge, Match, Replies, Reply, Results};
pub use schedule::{Next, Schedule};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// MSA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Code {
    /// The application has taken the message.
    AA,
    /// The application found an error in its content.
    AE,
    /// The application does not take such messages, or none now.
    AR,
    /// The message is stored.
    CA,
    /// The message is not stored, for an error in it.
    CE,
    /// The message is not stored.
    CR,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 6] = [Self::AA, Self::AE, Self::AR, Self::CA, Self::CE, Self::CR];

    /// As written in MSA-1.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::AA => "AA",
            Self::AE => "AE",
            Self::AR => "AR",
            Self::CA => "CA",
            Self::CE => "CE",
            Self::CR => "CR",
        }
    }

    /// Reads MSA-1, exactly: `AAX` and `aa` are not codes.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.text() == text)
    }

    /// The message was taken.
    #[must_use]
    pub fn is_positive(self) -> bool {
        matches!(self, Self::AA | Self::CA)
    }
}

/// Declares the errors of table 0357.
macro_rules! errors {
    ($($(#[$meta:meta])* $name:ident = $number:literal $text:literal;)+) => {
        /// What is wrong with a message: table 0357.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fault { $($(#[$meta])* $name,)+ }

        impl Fault {
            /// Every error.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The number.
            #[must_use]
            pub fn number(self) -> u16 {
                match self { $(Self::$name => $number,)+ }
            }

            /// The standard's text.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

errors! {
    /// Segments are missing or in another order.
    SegmentSequence = 100 "Segment sequence error";
    /// A needed field is missing.
    RequiredFieldMissing = 101 "Required field missing";
    /// A value is of another kind.
    DataType = 102 "Data type error";
    /// A code is none of its table.
    TableValue = 103 "Table value not found";
    /// Something is too long.
    TooLong = 104 "Value too long";
    /// MSH-9.1.
    MessageType = 200 "Unsupported message type";
    /// MSH-9.2.
    EventCode = 201 "Unsupported event code";
    /// MSH-11.
    ProcessingId = 202 "Unsupported processing id";
    /// MSH-12.
    VersionId = 203 "Unsupported version id";
    /// Something the message refers to is not known.
    UnknownKey = 204 "Unknown key identifier";
    /// Something with that key is there already.
    DuplicateKey = 205 "Duplicate key identifier";
    /// Somebody else is using the record.
    RecordLocked = 206 "Application record locked";
    /// Nothing that has to do with the message.
    Internal = 207 "Application internal error";
}

impl Fault {
    /// By number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.number() == number)
    }
}
