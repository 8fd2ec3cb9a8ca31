//! The wire types of the platform: what callers send and what they get back.
//!
//! *Lenient in, canonical out*: [`OrderRequest::parse`] accepts every published variant of iris-facts §13; serializing
//! a type emits the one canonical form (PascalCase keys, string codes, unset properties omitted). Nothing here does
//! I/O.
//!
//! The journey of a submission: bytes → [`OrderRequest`] (shape) → [`Submission`] (meaning, by
//! [`submission::validate`]).

pub mod cells;
pub mod datetime;
pub mod enumeration;
pub mod event;
pub mod field;
pub mod finding;
pub mod formula;
pub mod grading;
mod hl7;
pub mod identifier;
pub mod image;
pub mod issue;
pub mod json;
pub mod names;
pub mod organization;
mod parse;
pub mod receipt;
pub mod request;
pub mod result;
pub mod schema;
pub mod state;
pub mod submission;
pub mod value;

pub use cells::Cells;
pub use datetime::DateTimeOffset;
pub use enumeration::*;
pub use event::Event;
pub use field::IntakeField;
pub use grading::GradingSubmission;
pub use hl7::{HL7_CONTENT, Hl7Answer, Hl7Reply};
pub use identifier::{ClientGuid, LocalId, Slug};
pub use image::{ImageRequest, Message};
pub use issue::{Issue, IssueCode, RowIssue, Severity};
pub use organization::Organization;
pub use parse::not_a_request;
pub use receipt::{OutcomeKind, RowLine};
pub use request::{OrderRequest, Parsed};
pub use result::OrderResult;
pub use submission::{Action, Submission};
pub use value::ValueError;
