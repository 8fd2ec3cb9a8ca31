//! From a dropped file to order requests, and back to receipts.
//!
//! `detect → read records → map → build`, streaming: memory does not grow with the file. A *record* is a list of named
//! cells, whatever the format; a *mapping* says which cell is which field, and is compiled once per header. Everything
//! wrong with a row is collected with its row, column and what to do. Validation, which needs the organization and the
//! day, follows in [`iris_model::submission::validate`].
//!
//! ```text
//! detect(name, head) ─► Format ─► Intake { format, … } ─► survey(source) ─► read(source, survey, …) ─► Step::Layout, Step::Batch(rows) …
//! ```
//!
//! A file is read twice, because some of what a row means shows only in other rows, such as whether its dates have the
//! day first ([`Survey`]).
//!
//! Files are hostile until proven otherwise: everything is bounded ([`Limits`]), and workbooks are examined before
//! anything reads them.

mod ahead;
mod batches;
mod delimited;
mod detect;
mod duplicates;
mod encoding;
mod failure;
pub mod hl7;
mod json;
mod layout;
mod limits;
mod line;
mod mapping;
mod people;
mod read;
pub mod receipt;
pub mod suggest;
pub mod template;
mod workbook;

pub use detect::{Format, detect};
pub use failure::FileIssue;
pub use layout::Layout;
pub use limits::Limits;
pub use mapping::Survey;
pub use read::{Intake, Original, Row, Sink, Source, Step, read};
