//! What the text of a field is for, which decides what counts as a placeholder (see [`iris_model::value::residue`]).

use iris_model::IntakeField;
use iris_model::value::residue::Purpose;

/// The purpose of a field's text.
pub(crate) fn purpose(field: IntakeField) -> Purpose {
    use IntakeField as F;
    match field {
        F::SiteLocalId | F::PatientLocalId | F::OrderLocalId => Purpose::Id,
        F::HealthPlanMemberId
        | F::HealthPlanGroupNumber
        | F::HealthPlanPolicyNumber
        | F::EncounterNumber
        | F::DepartmentId => Purpose::Number,
        F::PatientFirstName | F::PatientLastName => Purpose::PersonName,
        F::PatientAdditionalInfo | F::OrderAdditionalInfo | F::MissingEyeReason => Purpose::Free,
        F::Version
        | F::ClientGuid
        | F::OrderControlCode
        | F::PatientDob
        | F::PatientBirthGender
        | F::PatientIdentityGender
        | F::EvaluationType
        | F::OrderScheduledTime
        | F::SingleEyeOnly
        | F::HealthPlanEffectiveDate
        | F::HealthPlanExpirationDate => Purpose::Typed,
        _ => Purpose::Line,
    }
}

/// Whether a field holds a date.
pub(crate) fn is_date(field: IntakeField) -> bool {
    use IntakeField as F;
    matches!(field, F::PatientDob | F::OrderScheduledTime | F::HealthPlanEffectiveDate | F::HealthPlanExpirationDate)
}
