//! What a report says beyond the result's document, fixed when the result is written: delivered again, it is the same
//! report.

use crate::assessment::{AssessedEye, Assessment};
use iris_model::result::Severity;
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// Stored with a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportBasis {
    /// The grading that the result tells of, finding by finding: the document does not say how pressing each is.
    pub assessment: Assessment,
    /// The diagnosis that came with the order: reports name it, results do not (decision 134).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_diagnosis: Option<String>,
    /// The image of the right eye on the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right_image: Option<ShownImage>,
    /// The image of the left eye on the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_image: Option<ShownImage>,
    /// When the order came in.
    pub ordered_at: Timestamp,
}

/// An image on a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownImage {
    /// Name of the copy in our own container.
    pub archive: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was taken, in local time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<DateTime>,
}

/// The worst of an eye that could be graded.
#[must_use]
pub fn severity(eye: Option<&AssessedEye>) -> Option<Severity> {
    match eye {
        Some(AssessedEye::Gradable(findings)) => {
            Some(findings.iter().map(|finding| finding.severity).max().unwrap_or_default())
        }
        _ => None,
    }
}

impl ReportBasis {
    /// Of an assessment, with nothing shown yet.
    #[must_use]
    pub fn of(assessment: &Assessment, submitted_diagnosis: Option<String>, ordered_at: Timestamp) -> Self {
        Self { assessment: assessment.clone(), submitted_diagnosis, right_image: None, left_image: None, ordered_at }
    }
}
