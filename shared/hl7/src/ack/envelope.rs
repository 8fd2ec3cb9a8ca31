//! What is examined before a message is accepted: its header.

use super::build::Location;
use super::{Code, Fault};
use crate::message::{Limits, Message, ReadError, SegmentId};
use thiserror::Error;

/// A message that came, with what is needed to answer it.
#[derive(Debug)]
pub struct Envelope<'a> {
    message: Message<'a>,
}

/// Which messages an interface accepts: MSH-9.1 and MSH-9.2, e.g. `ORM` and `O01`.
pub type Taken<'t> = &'t [(&'t str, &'t str)];

/// Why a message is not accepted. Contains nothing of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It cannot be read.
    #[error("the message cannot be read")]
    Unreadable(#[source] ReadError),
    /// A frame or message is too large.
    #[error("the message is too large")]
    TooLarge,
    /// MSH-9.1 is not accepted.
    #[error("messages of this type are not taken")]
    Kind,
    /// MSH-9.2 is not accepted.
    #[error("messages of this event are not taken")]
    Event,
    /// MSH-10 is missing: an answer could not say which message it belongs to.
    #[error("the message has no control id")]
    NoControlId,
    /// MSH-11 belongs to the other environment.
    #[error("the message is for another environment")]
    Environment,
    /// No interface here matches MSH-3 to MSH-6.
    #[error("sender or receiver are unknown")]
    Unknown,
    /// The message cannot be accepted now.
    #[error("the message cannot be taken now")]
    NotNow,
}

impl Refusal {
    /// Application error or rejection, and which (hl7.md §3.4, §3.7).
    #[must_use]
    pub fn answer(self) -> (Code, Fault, Option<Location>) {
        let header = |field| Some(Location::field(SegmentId::MSH, field));
        match self {
            Self::Unreadable(ReadError::Continued) => (Code::AR, Fault::SegmentSequence, header(14)),
            Self::Unreadable(ReadError::Delimiters(_)) => (Code::AE, Fault::DataType, header(2)),
            Self::Unreadable(
                ReadError::Bytes(_) | ReadError::Segments(_) | ReadError::Fields { .. } | ReadError::Repetitions { .. },
            )
            | Self::TooLarge => (Code::AE, Fault::TooLong, None),
            Self::Unreadable(ReadError::Empty | ReadError::NoHeader | ReadError::Utf16 | ReadError::Several) => {
                (Code::AE, Fault::SegmentSequence, None)
            }
            Self::Kind => (Code::AR, Fault::MessageType, header(9)),
            Self::Event => (Code::AR, Fault::EventCode, header(9)),
            Self::NoControlId => (Code::AE, Fault::RequiredFieldMissing, header(10)),
            Self::Environment => (Code::AR, Fault::ProcessingId, header(11)),
            Self::Unknown => (Code::AR, Fault::UnknownKey, header(4)),
            Self::NotNow => (Code::AR, Fault::Internal, None),
        }
    }
}

/// When a sender wants an answer (MSH-15, MSH-16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Never,
    Errors,
    Success,
}

impl<'a> Envelope<'a> {
    /// Reads a message, or the beginning of one that was too large: enough to answer it. What follows the header may be
    /// cut off anywhere.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unreadable`]; such a message can only be answered by closing the connection.
    pub fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        match Message::read(bytes, limits) {
            Ok(message) => Ok(Self { message }),
            Err(error) => Err(Refusal::Unreadable(error)),
        }
    }

    /// Only the header, to answer what cannot be read as a whole: too many segments, a continuation, a frame that was
    /// too large.
    #[must_use]
    pub fn header(bytes: &'a [u8]) -> Option<Self> {
        let bytes = crate::message::index::trim_start(bytes);
        let end = memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
        let header = bytes.get(..end)?;
        Some(Self { message: Message::header_only(header)? })
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message<'a> {
        &self.message
    }

    /// Whether its kind is accepted, and whether it can be answered.
    ///
    /// # Errors
    ///
    /// [`Refusal::Kind`], [`Refusal::Event`], [`Refusal::NoControlId`].
    pub fn check(&self, taken: Taken<'_>) -> Result<(), Refusal> {
        let (kind, event) = self.message.kind();
        if !taken.iter().any(|(taken, _)| *taken == kind) {
            return Err(Refusal::Kind);
        }
        if !taken.contains(&(&kind, &event)) {
            return Err(Refusal::Event);
        }
        if self.message.control_id().whole().into_text().is_none() {
            return Err(Refusal::NoControlId);
        }
        Ok(())
    }

    /// What to answer once the message is stored: `AA` in original mode (MSH-15 and MSH-16 empty), `CA` or nothing in
    /// enhanced mode.
    #[must_use]
    pub fn stored(&self) -> Option<Code> {
        match self.when() {
            None => Some(Code::AA),
            Some(When::Always | When::Success) => Some(Code::CA),
            Some(When::Never | When::Errors) => None,
        }
    }

    /// What to answer if it is not stored, in the sender's mode; `None` if the sender does not want to know.
    #[must_use]
    pub fn refused(&self, refusal: Refusal) -> Option<Code> {
        let (code, ..) = refusal.answer();
        match (self.when(), code) {
            (None, code) => Some(code),
            (Some(When::Always | When::Errors), Code::AR) => Some(Code::CR),
            (Some(When::Always | When::Errors), _) => Some(Code::CE),
            (Some(When::Never | When::Success), _) => None,
        }
    }

    /// `None` in original mode. In enhanced mode an empty MSH-15 means never.
    fn when(&self) -> Option<When> {
        let field = |n| self.message.header_text(n);
        let (accept, application) = (field(15), field(16));
        if accept.is_empty() && application.is_empty() {
            return None;
        }
        Some(match accept.as_str() {
            "AL" => When::Always,
            "ER" => When::Errors,
            "SU" => When::Success,
            _ => When::Never,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKEN: Taken<'_> = &[("ORM", "O01")];

    fn envelope(header: &str) -> Envelope<'_> {
        Envelope::read(header.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn the_header_is_checked() {
        let cases = [
            ("MSH|^~\\&|A|B|C|D|1||ORM^O01|7|T|2.4", Ok(())),
            ("MSH|^~\\&|A|B|C|D|1||ORM^O01^ORM_O01|7|T|2.4", Ok(())),
            ("MSH|^~\\&|A|B|C|D|1||ADT^A08|7|T|2.4", Err(Refusal::Kind)),
            ("MSH|^~\\&|A|B|C|D|1||ORM^O02|7|T|2.4", Err(Refusal::Event)),
            ("MSH|^~\\&|A|B|C|D|1||ORM|7|T|2.4", Err(Refusal::Event)),
            ("MSH|^~\\&|A|B|C|D|1|||7|T|2.4", Err(Refusal::Kind)),
            ("MSH|^~\\&|A|B|C|D|1||ORM^O01||T|2.4", Err(Refusal::NoControlId)),
            ("MSH|^~\\&|A|B|C|D|1||ORM^O01|\"\"|T|2.4", Err(Refusal::NoControlId)),
        ];
        for (header, expected) in cases {
            assert_eq!(envelope(header).check(TAKEN), expected, "{header}");
        }
    }

    #[test]
    fn the_senders_mode() {
        let refusal = Refusal::Kind;
        let error = Refusal::NoControlId;
        let cases = [
            ("|", Some(Code::AA), Some(Code::AR), Some(Code::AE)),
            ("AL|NE", Some(Code::CA), Some(Code::CR), Some(Code::CE)),
            ("AL|", Some(Code::CA), Some(Code::CR), Some(Code::CE)),
            ("SU|NE", Some(Code::CA), None, None),
            ("ER|NE", None, Some(Code::CR), Some(Code::CE)),
            ("NE|NE", None, None, None),
            ("|AL", None, None, None),
        ];
        for (mode, stored, rejected, wrong) in cases {
            let header = format!("MSH|^~\\&|A|B|C|D|1||ORM^O01|7|T|2.4|||{mode}");
            let envelope = envelope(&header);
            let answers = (envelope.stored(), envelope.refused(refusal), envelope.refused(error));
            assert_eq!(answers, (stored, rejected, wrong), "{mode}");
        }
    }

    #[test]
    fn the_header_of_what_cannot_be_read() {
        for bytes in ["MSH|^~\\&|A|B|||||ORM^O01|7|T|2.4||more\rPID|", "\r\nMSH|^~\\&|A|B|||||ORM^O01|7"] {
            let envelope = Envelope::header(bytes.as_bytes()).unwrap();
            assert_eq!(envelope.message().control_id().bytes(), b"7");
        }
        assert!(Envelope::header(b"PID|1").is_none());
        let continued = Envelope::read(b"MSH|^~\\&|A|B|||||ORM^O01|7|T|2.4||1\r", &Limits::default()).unwrap_err();
        assert_eq!(continued.answer().0, Code::AR);
    }
}
