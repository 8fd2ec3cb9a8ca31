//! A dropped file's rows as submissions, and what would become of them.
//!
//! [`rows`] is what loading and trying have in common: a row that was read becomes what the rules decide about.
//! [`trial`] reads a whole file so and asks the rules, writing nothing. [`mappings`] puts a mapping into an
//! organization's document.

pub mod mappings;
pub mod proposal;
pub mod refusal;
pub mod rows;
pub mod trial;
