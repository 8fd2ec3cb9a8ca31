//! A dropped file's rows as submissions, and what would become of them.
//!
//! [`rows`] is what loading and trial runs share: it turns a row that was read into something the rules can decide.
//! [`trial`] reads a whole file this way and asks the rules, writing nothing. [`mappings`] puts a mapping into an
//! organization's document.

pub mod mappings;
pub mod proposal;
pub mod refusal;
pub mod rows;
pub mod trial;
