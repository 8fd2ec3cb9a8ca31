//! A stored result as what a destination gets. Pure: reads no clock, file or network; the same result gives the same bytes.
//!
//! ```text
//! document ─┬─ [`Result`] ─┬─ report(): what the page says ─► iris_report
//! basis ────┘              ├─ names(): what file names are made of
//!                          └─ message(): the OrderResult, with a report in it or without
//! ```
//!
//! The document and what goes with it were fixed when the result was written ([`iris_results::basis`]); nothing is looked up again, so that a
//! delivery made twice is twice the same.

mod check;
mod message;
mod report;
mod stored;
mod templates;

pub use check::template_problems;
pub use message::{Embedded, FILE_ENDING, located, message};
pub use report::{Pictures, report};
pub use stored::{Result, Unreadable};
pub use templates::{Templates, exam};
