//! The stored document, as far as deliveries need it.

use iris_model::organization::NameValues;
use iris_model::{EvaluationType, OrderResult, ResultCode};
use iris_results::ReportBasis;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// A stored result that has been read.
#[derive(Debug, Clone)]
pub struct Result {
    /// The document as it is stored.
    pub(crate) document: Value,
    /// The same, parsed into the types that wrote it.
    pub(crate) seen: OrderResult,
    pub(crate) basis: ReportBasis,
    pub(crate) code: ResultCode,
}

/// A stored result is not the JSON that the platform wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored result is not the document that was written")]
pub struct Unreadable;

impl Result {
    /// Reads what is stored: the canonical document, the report content that is not in it, and the result's code.
    ///
    /// # Errors
    /// [`Unreadable`] when either text is not what the platform writes.
    pub fn read(document: &str, basis: &str, code: ResultCode) -> std::result::Result<Self, Unreadable> {
        let document: Value = serde_json::from_str(document).map_err(|_| Unreadable)?;
        let seen = OrderResult::deserialize(&document).map_err(|_| Unreadable)?;
        let basis = serde_json::from_str(basis).map_err(|_| Unreadable)?;
        Ok(Self { document, seen, basis, code })
    }

    /// The document.
    #[must_use]
    pub fn seen(&self) -> &OrderResult {
        &self.seen
    }

    /// The report content that is not in the document.
    #[must_use]
    pub fn basis(&self) -> &ReportBasis {
        &self.basis
    }

    /// The order's id in IRIS.
    #[must_use]
    pub fn order_id(&self) -> i64 {
        self.seen.order.patient_order_id
    }

    /// The submitter's id of the order.
    #[must_use]
    pub fn order_local_id(&self) -> &str {
        &self.seen.order.local_id
    }

    /// The site where the exam took place.
    #[must_use]
    pub fn site(&self) -> &str {
        &self.seen.site.local_id
    }

    /// The evaluations that were done.
    #[must_use]
    pub fn evaluation_types(&self) -> &[EvaluationType] {
        &self.seen.order.evaluation_types
    }

    /// The values that file names are made of; dates are those of `at`.
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
