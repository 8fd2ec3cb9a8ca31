//! Patients: registering them, and keeping their demographics current (decisions 5, 6, 12).

use super::{Case, Change, Decision, patient_ref};
use crate::content::{self, Unreadable};
use crate::record::{PatientRecord, PatientRef};
use iris_model::organization::MismatchPolicy;
use iris_model::request::Patient;
use iris_model::submission::PatientKey;
use iris_model::{Issue, IssueCode, LocalId, OrderRequest, OutcomeKind, Severity};
use std::sync::Arc;

/// Registers or updates a patient without an order.
pub(super) fn register(
    mut case: Case<'_>,
    request: &OrderRequest,
    site: &LocalId,
    patient: &PatientKey,
) -> Result<Decision, Unreadable> {
    case.site_state(site, request.site.as_ref());
    let key = patient_ref(case.organization, site, &patient.local_id);
    let id = case.patient(&key, patient, request.patient.as_ref())?;
    case.iris_patient_id = id;
    if case.has_errors() {
        return Ok(case.failed());
    }
    let kind = if case.changes.is_empty() { OutcomeKind::Replayed } else { OutcomeKind::PatientRegistered };
    Ok(case.succeeded(kind))
}

impl Case<'_> {
    /// Finds, updates or registers the patient of a submission. `None`: the patient is unknown and cannot be
    /// registered; an issue was recorded.
    pub(super) fn patient(
        &mut self,
        key: &PatientRef,
        patient: &PatientKey,
        sent: Option<&Patient>,
    ) -> Result<Option<i64>, Unreadable> {
        let Some(known) = self.snapshot.patient(key) else {
            return Ok(self.new_patient(key, patient, sent));
        };
        if let (Some(_), Some(sent)) = (&patient.demographics, sent)
            && content::of_patient(sent) != known.details
        {
            self.update_patient(known, sent)?;
        }
        Ok(Some(known.id))
    }

    /// Updates the patient on record if what was sent differs. If it looks like another person, an issue says so
    /// (decision 6); depending on the organization's policy, the issue is an error and nothing is changed.
    pub(super) fn update_patient(&mut self, known: &PatientRecord, sent: &Patient) -> Result<(), Unreadable> {
        if content::contradicts(&known.details, sent)? {
            self.issues.push(mismatch(self.organization.patient_mismatch));
        }
        let details = content::of_patient(&content::merge_patient(&known.details, sent)?);
        if details != known.details {
            let patient = PatientRecord { details, version: known.version + 1, ..known.clone() };
            self.changes.push(Change::ChangedPatient { patient: Arc::new(patient), before: known.details.clone() });
        }
        Ok(())
    }

    fn new_patient(&mut self, key: &PatientRef, patient: &PatientKey, sent: Option<&Patient>) -> Option<i64> {
        let (Some(_), Some(sent)) = (&patient.demographics, sent) else {
            self.issues.push(Issue::error(
                IssueCode::UnknownPatient,
                "Patient.LocalId",
                "This patient is not known. Send name, birth date and gender with the order, or register the patient \
                 first.",
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
