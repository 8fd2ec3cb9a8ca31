//! The report content that is not in the result's document. It is fixed when the result is written, so that a repeated
//! delivery has the same report.

use crate::assessment::{AssessedEye, Assessment};
use iris_model::result::Severity;
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// The report content that is stored with a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportBasis {
    /// The result's grading, finding by finding: the document does not say how pressing each finding is.
    pub assessment: Assessment,
    /// The diagnosis submitted with the order; reports show it, results do not (decision 134).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_diagnosis: Option<String>,
    /// The image of the right eye on the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right_image: Option<ShownImage>,
    /// The image of the left eye on the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_image: Option<ShownImage>,
    /// When the order was received.
    pub ordered_at: Timestamp,
}

/// An image on a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownImage {
    /// Name of the copy in the platform's own container.
    pub archive: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was taken, in local time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<DateTime>,
}

/// The highest severity of a gradable eye.
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
    /// The basis for an assessment, without any images yet.
    #[must_use]
    pub fn of(assessment: &Assessment, submitted_diagnosis: Option<String>, ordered_at: Timestamp) -> Self {
        Self { assessment: assessment.clone(), submitted_diagnosis, right_image: None, left_image: None, ordered_at }
    }
}
