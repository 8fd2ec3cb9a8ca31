//! The stored document, as far as a delivery needs it.

use iris_model::grading::{FindingEntry, Note};
use iris_model::organization::NameValues;
use iris_model::{DateTimeOffset, ResultCode};
use iris_results::ReportBasis;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::Deserialize;
use serde_json::Value;

/// A stored result that was read.
#[derive(Debug, Clone)]
pub struct Result {
    /// The document as it is stored.
    pub(crate) document: Value,
    pub(crate) seen: Document,
    pub(crate) basis: ReportBasis,
    pub(crate) code: ResultCode,
}

/// A stored result is not the JSON that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored result is not the document that was written")]
pub struct Unreadable;

impl Result {
    /// Reads what is stored: the canonical document, what its report says beyond it, and its code.
    ///
    /// # Errors
    /// [`Unreadable`] when either is not what the platform writes.
    pub fn read(document: &str, basis: &str, code: ResultCode) -> std::result::Result<Self, Unreadable> {
        let document: Value = serde_json::from_str(document).map_err(|_| Unreadable)?;
        let seen = Document::deserialize(&document).map_err(|_| Unreadable)?;
        let basis = serde_json::from_str(basis).map_err(|_| Unreadable)?;
        Ok(Self { document, seen, basis, code })
    }

    /// The document as it is stored.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// What its report says beyond the document.
    #[must_use]
    pub fn basis(&self) -> &ReportBasis {
        &self.basis
    }

    /// The order in IRIS.
    #[must_use]
    pub fn order_id(&self) -> i64 {
        self.seen.order.patient_order_id
    }

    /// The order as the submitter calls it.
    #[must_use]
    pub fn order_local_id(&self) -> &str {
        &self.seen.order.local_id
    }

    /// Where the exam took place.
    #[must_use]
    pub fn site(&self) -> &str {
        &self.seen.site.local_id
    }

    /// Codes of what was examined.
    #[must_use]
    pub fn evaluation_types(&self) -> &[String] {
        &self.seen.order.evaluation_types
    }

    /// What names are made of; dates are those of `at`.
    #[must_use]
    pub fn names(&self, at: Timestamp) -> NameValues<'_> {
        let name = self.seen.patient.name.as_ref();
        NameValues {
            patient_id: self.seen.patient.patient_id,
            patient_local_id: &self.seen.patient.local_id,
            order_id: self.seen.order.patient_order_id,
            order_local_id: &self.seen.order.local_id,
            patient_first_name: name.and_then(|name| name.first.as_deref()).unwrap_or_default(),
            patient_last_name: name.and_then(|name| name.last.as_deref()).unwrap_or_default(),
            client_local_id: &self.seen.site.local_id,
            department_local_id: self.seen.order.department_id.as_deref(),
            at,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Document {
    pub(crate) timestamp: DateTimeOffset,
    pub(crate) site: Site,
    pub(crate) order: Order,
    pub(crate) patient: Patient,
    pub(crate) ordering_provider: Option<Provider>,
    pub(crate) referring_provider: Option<Provider>,
    pub(crate) gradings: Gradings,
    pub(crate) health_plan: Option<HealthPlan>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Site {
    pub(crate) local_id: String,
    pub(crate) name: Option<String>,
    pub(crate) address: Option<Address>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Address {
    pub(crate) street1: Option<String>,
    pub(crate) street2: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) postal_code: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Order {
    pub(crate) patient_order_id: i64,
    pub(crate) local_id: String,
    pub(crate) evaluation_types: Vec<String>,
    pub(crate) scheduled_time: Option<DateTime>,
    pub(crate) serviced_time: Option<DateTimeOffset>,
    pub(crate) department_id: Option<String>,
    pub(crate) encounter_number: Option<String>,
    pub(crate) orderable_identifier: Option<String>,
    pub(crate) additional_info: Option<String>,
    pub(crate) missing_eye_reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Patient {
    pub(crate) patient_id: i64,
    pub(crate) local_id: String,
    pub(crate) name: Option<Name>,
    pub(crate) dob: Option<Date>,
    pub(crate) gender: Option<String>,
    pub(crate) phone: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Name {
    pub(crate) first: Option<String>,
    pub(crate) last: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Provider {
    #[serde(rename = "NPI")]
    pub(crate) npi: Option<String>,
    pub(crate) taxonomy: Option<String>,
    pub(crate) name: Option<Name>,
    pub(crate) degrees: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Gradings {
    #[serde(default)]
    pub(crate) notes: Vec<Note>,
    pub(crate) graded_time: DateTimeOffset,
    pub(crate) care_plan_name: String,
    pub(crate) care_plan_description: String,
    #[serde(rename = "OD")]
    pub(crate) od: Option<Eye>,
    #[serde(rename = "OS")]
    pub(crate) os: Option<Eye>,
    #[serde(default)]
    pub(crate) diagnosis_codes: Vec<DiagnosisCode>,
    pub(crate) provider: Option<Provider>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Eye {
    pub(crate) gradable: bool,
    pub(crate) missing_eye_reason: Option<String>,
    pub(crate) ungradable_reasons: Vec<String>,
    pub(crate) findings: Vec<FindingEntry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DiagnosisCode {
    pub(crate) code: String,
    pub(crate) description: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct HealthPlan {
    pub(crate) local_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) member_id: Option<String>,
    pub(crate) health_plan_payer_name: Option<String>,
    pub(crate) group_name: Option<String>,
    pub(crate) group_number: Option<String>,
    pub(crate) policy_number: Option<String>,
}
