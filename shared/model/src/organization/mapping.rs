//! Whether a value that a mapping puts into a field is valid there: constants, defaults and translations are checked
//! when the document is read, not once per row.

use super::{DateOrder, Organization};
use crate::issue::quoted;
use crate::value::ValueError;
use crate::{
    ClientGuid, EvaluationType, Gender, IntakeField, IssueCode, LocalId, OrderControlCode, request, state, value,
};

/// Where in a rule a value occurs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Put into every row, or every row without a value: it has to be acceptable.
    Rows,
    /// The meaning of one cell value: it has to be readable. Whether it is acceptable shows when a row has it.
    Translation,
}

/// What is wrong with a value for a field, if anything. Empty is always allowed: it stands for "not set".
pub(super) fn check(
    field: IntakeField,
    text: &str,
    used: Use,
    order: DateOrder,
    organization: &Organization,
) -> Result<(), ValueError> {
    use IntakeField as F;
    if text.trim().is_empty() {
        return Ok(());
    }
    let fits = |fits: bool, what: &str| if fits { Ok(()) } else { Err(unfit(text, what)) };
    match field {
        F::Version => fits(request::is_supported_version(text), "a supported version; the version is 2.3.1"),
        F::ClientGuid => {
            fits(ClientGuid::from_text(text) == Some(organization.client_guid), "the organization's own clientGuid")
        }
        F::OrderControlCode => {
            fits(OrderControlCode::from_text(text).is_some(), "a control code; use NW, XO, CA or ResendResult")
        }
        F::SiteLocalId => site(text, organization),
        F::PatientLocalId | F::OrderLocalId => {
            fits(LocalId::new(text).is_some(), "a local id of at most 64 characters")
        }
        F::PatientBirthGender | F::PatientIdentityGender => {
            fits(Gender::from_text(text).is_some(), &format!("a gender; use one of {}", Gender::codes()))
        }
        F::EvaluationType => evaluation_types(text, used, organization),
        F::OrderState => fits(state::from_text(text).is_some(), "a state, district or territory of the United States"),
        F::PatientDob | F::HealthPlanEffectiveDate | F::HealthPlanExpirationDate => {
            value::date(text, order).map(|_| ())
        }
        F::OrderScheduledTime => value::date_time(text, order).map(|_| ()),
        F::SingleEyeOnly => value::boolean(text).map(|_| ()),
        F::DxCode => value::diagnosis_code(text).map(|_| ()),
        F::OrderingProviderNpi
        | F::ReferringProviderNpi
        | F::CameraOperatorNpi
        | F::HealthPlanPrimaryCareProviderNpi => value::npi(text).map(|_| ()),
        _ => Ok(()),
    }
}

fn unfit(text: &str, what: &str) -> ValueError {
    ValueError::new(IssueCode::UnknownCode, format!("{} is not {what}", quoted(text)))
}

fn site(text: &str, organization: &Organization) -> Result<(), ValueError> {
    let known = LocalId::new(text).is_some_and(|id| organization.auto_create_sites || organization.site(&id).is_some());
    if known { Ok(()) } else { Err(unfit(text, "the localId of one of the sites")) }
}

fn evaluation_types(text: &str, used: Use, organization: &Organization) -> Result<(), ValueError> {
    for code in text.split([',', ';']) {
        let known = EvaluationType::from_text(code);
        if known.is_none() {
            return Err(unfit(code.trim(), "an evaluation type"));
        }
        if used == Use::Rows && !known.is_some_and(|kind| organization.evaluation_types.contains(&kind)) {
            return Err(unfit(code.trim(), "one of the organization's evaluationTypes"));
        }
    }
    Ok(())
}
