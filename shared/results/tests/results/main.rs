//! The consequences of a grading: by table, by example and by property.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod batch;
mod care_plans;
mod clinical;
mod codes;
mod documents;
mod exams;
mod rules;
mod said;
