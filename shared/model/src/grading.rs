//! GradingSubmission: what a reader saw in the images of an order (iris-facts §6).
//!
//! As with [`OrderRequest`](crate::OrderRequest), this is the *shape* of what arrived. Which findings an exam allows
//! and what an eye needs is decided in the results library. `ResultCode`, `GradedTime`, `Provider` and `Notes` are
//! additions of ours (decision 121).

use crate::request::{Provider, Site};
use crate::{ClientGuid, DateTimeOffset, Issue, ResultCode};
use schemars::JsonSchema;
use serde::Serialize;

/// A grading as far as it could be read, and what could not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParsedGrading {
    /// The grading; values that could not be read are left out.
    pub grading: GradingSubmission,
    /// What could not be read (errors), or was not understood and is ignored (warnings).
    pub issues: Vec<Issue>,
}

/// A grading of an order's images (iris-facts §6.1).
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct GradingSubmission {
    /// Message version; `2.3.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The organization whose order it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_guid: Option<ClientGuid>,
    /// The order's site; only its LocalId is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// The order as its submitter calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// What the result becomes: F (final, assumed), C (corrects an earlier one), A (adds notes to one).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_code: Option<ResultCode>,
    /// When it was signed; assumed to be the time of its arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graded_time: Option<DateTimeOffset>,
    /// Who graded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// Remarks of the grader.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// The right eye.
    #[serde(rename = "OD", skip_serializing_if = "Option::is_none")]
    pub od: Option<EyeSubmission>,
    /// The left eye.
    #[serde(rename = "OS", skip_serializing_if = "Option::is_none")]
    pub os: Option<EyeSubmission>,
}

impl GradingSubmission {
    /// The canonical JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Serialization of these types to memory cannot fail; an empty object would be refused by every reader.
        serde_json::to_string(self).unwrap_or_else(|_| String::from("{}"))
    }
}

/// What was seen in one eye (iris-facts §6.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct EyeSubmission {
    /// Whether the images of the eye can be graded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradable: Option<bool>,
    /// What was found; empty when it cannot be graded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingEntry>,
    /// Why it cannot be graded; at most one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ungradable_reasons: Vec<String>,
    /// Why there is no such eye; excludes it from the grading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_eye_reason: Option<String>,
}

/// A finding and its result, as text (iris-facts §6.3, §6.4).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct FindingEntry {
    /// The finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// The result; absent for suspected conditions, free text for `Other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// A remark with its time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Note {
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<DateTimeOffset>,
    /// The remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
