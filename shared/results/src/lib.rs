//! From a grading to a result: the rules, without any I/O.
//!
//! # The journey of a grading
//!
//! 1. [`reading::read`] turns what was submitted into an [`Examination`](reading::Examination), or into a list of all
//!    issues. In an examination, each eye has findings, is missing, or is not gradable; each finding is one that the
//!    exam has, and each question of the exam is answered.
//! 2. [`Assessment::of`] derives what follows and fixes it (iris-facts R-24): the care plan, severity, the flags, the
//!    diagnosis codes. This is what is stored; later changes of care plans do not change it.
//! 3. [`document::build`] writes the [`OrderResult`](iris_model::OrderResult) from the order, the patient and the
//!    assessment, as often as it is needed.

pub mod assessment;
pub mod basis;
pub mod batch;
pub mod care_plan;
pub mod document;
pub mod exam;
pub mod guidance;
pub mod icd;
pub mod image;
pub mod reading;
pub mod said;
pub mod severity;

pub use assessment::{AssessedEye, AssessedFinding, Assessment, Grader};
pub use basis::{ReportBasis, ShownImage};
pub use iris_model::finding;
pub use iris_model::result::Severity;
pub use said::{Chip, Said, SaidEye};
