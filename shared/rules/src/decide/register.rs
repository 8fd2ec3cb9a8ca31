//! Patients: registering them, and keeping their demographics current (decisions 5, 6, 12).

use super::{Case, Change, Decision, patient_ref};
use crate::content;
use crate::record::{PatientRecord, PatientRef};
use iris_model::organization::MismatchPolicy;
use iris_model::request::Patient;
use iris_model::submission::PatientKey;
use iris_model::{Issue, IssueCode, LocalId, OrderRequest, OutcomeKind, Severity};
use std::sync::Arc;

/// Registers or updates a patient without an order.
pub(super) fn register(mut case: Case<'_>, request: &OrderRequest, site: &LocalId, patient: &PatientKey) -> Decision {
    case.site_state(site, request.site.as_ref());
    let key = patient_ref(case.organization, site, &patient.local_id);
    let id = case.patient(&key, patient, request.patient.as_ref());
    case.iris_patient_id = id;
    if case.has_errors() {
        return case.failed();
    }
    let kind = if case.changes.is_empty() { OutcomeKind::Replayed } else { OutcomeKind::PatientRegistered };
    case.succeeded(kind)
}

impl Case<'_> {
    /// Finds, updates or registers the patient of a submission. `None`: it is unknown and cannot be registered; an issue stands.
    pub(super) fn patient(&mut self, key: &PatientRef, patient: &PatientKey, sent: Option<&Patient>) -> Option<i64> {
        let Some(known) = self.snapshot.patient(key) else {
            return self.new_patient(key, patient, sent);
        };
        if let (Some(demographics), Some(sent)) = (&patient.demographics, sent)
            && content::of_patient(sent) != known.details
        {
            if content::contradicts(&known.details, demographics) {
                self.issues.push(mismatch(self.organization.patient_mismatch));
            }
            self.update_patient(known, sent);
        }
        Some(known.id)
    }

    /// Puts what was sent over what is known, when that makes a difference.
    pub(super) fn update_patient(&mut self, known: &PatientRecord, sent: &Patient) {
        let details = content::of_patient(&content::merge_patient(&known.details, sent));
        if details != known.details {
            let patient = PatientRecord { details, version: known.version + 1, ..known.clone() };
            self.changes.push(Change::ChangedPatient { patient: Arc::new(patient), before: known.details.clone() });
        }
    }

    fn new_patient(&mut self, key: &PatientRef, patient: &PatientKey, sent: Option<&Patient>) -> Option<i64> {
        let (Some(_), Some(sent)) = (&patient.demographics, sent) else {
            self.issues.push(Issue::error(
                IssueCode::UnknownPatient,
                "Patient.LocalId",
                "This patient is not known. Send name, birth date and gender with the order, or register the patient first.",
            ));
            return None;
        };
        self.changes.push(Change::NewPatient(Arc::new(PatientRecord {
            id: self.ids.patient,
            key: key.clone(),
            details: content::of_patient(sent),
            version: 1,
            created_at: self.now,
        })));
        Some(self.ids.patient)
    }
}

fn mismatch(policy: MismatchPolicy) -> Issue {
    Issue {
        code: IssueCode::PatientMismatch,
        severity: match policy {
            MismatchPolicy::Warning => Severity::Warning,
            MismatchPolicy::Error => Severity::Error,
        },
        path: "Patient".into(),
        message: "Name and birth date both differ from the patient on record under this LocalId. Make sure it is the same person."
            .into(),
    }
}
