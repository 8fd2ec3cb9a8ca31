//! From a cell's text to its place in an OrderRequest: one setter for each of the 50 intake fields (iris-facts §7.2).

use iris_model::issue::quoted;
use iris_model::organization::DateOrder;
use iris_model::request::{HealthPlan, Name, Order, Patient, PersonGender, PrimaryCareProvider, Provider, Site};
use iris_model::value::{self, ValueError};
use iris_model::{
    ClientGuid, EvaluationType, Gender, GenderContext, IntakeField, IssueCode, OrderControlCode, OrderRequest, WireEnum,
};

/// What the organization and the mapping say about values.
#[derive(Debug, Clone)]
pub(crate) struct Conventions {
    dates: DateOrder,
    /// The exams to offer when a value is none of them.
    exams: String,
}

impl Conventions {
    /// The assumed order of day and month.
    pub(super) fn dates(&self) -> DateOrder {
        self.dates
    }

    /// `exams` are those the organization subscribes to.
    pub(crate) fn new(dates: DateOrder, exams: &[EvaluationType]) -> Self {
        let codes: Vec<&str> = exams.iter().map(|exam| exam.code()).collect();
        Self { dates, exams: if codes.is_empty() { EvaluationType::codes() } else { codes.join(", ") } }
    }
}

/// Puts a cell that is not empty into the request. The text is trimmed.
pub(crate) fn set(
    request: &mut OrderRequest,
    field: IntakeField,
    text: &str,
    conventions: &Conventions,
) -> Result<(), ValueError> {
    use IntakeField as F;
    match field {
        F::Version => request.version = some(text),
        F::ClientGuid => request.client_guid = Some(guid(text)?),
        F::OrderControlCode => {
            request.order_control_code = Some(code(text, OrderControlCode::choices)?);
        }
        F::UserNameSubmitting => request.user_name_submitting = some(text),
        F::CameraOperatorUserName => request.camera_operator_user_name = some(text),
        F::SiteLocalId => site(request).local_id = some(text),
        F::PatientLocalId => patient(request).local_id = some(text),
        F::PatientFirstName => patient(request).name.get_or_insert_default().first = some(text),
        F::PatientLastName => patient(request).name.get_or_insert_default().last = some(text),
        F::PatientDob => patient(request).dob = Some(value::date(text, conventions.dates)?),
        F::PatientBirthGender => gender(patient(request), GenderContext::Birth, text)?,
        F::PatientIdentityGender => gender(patient(request), GenderContext::Identity, text)?,
        F::PatientPhone => patient(request).phone = some(text),
        F::PatientAdditionalInfo => patient(request).additional_info = some(text),
        F::DxCode => patient(request).dx_code = some(text),
        F::OrderLocalId => order_of(request).local_id = some(text),
        F::EvaluationType => order_of(request).evaluation_types = evaluation_types(text, conventions)?,
        F::OrderScheduledTime => order_of(request).scheduled_time = Some(value::date_time(text, conventions.dates)?),
        F::OrderState => order_of(request).state = some(text),
        F::OrderAdditionalInfo => order_of(request).additional_info = some(text),
        F::DepartmentId => order_of(request).department_id = some(text),
        F::EncounterNumber => order_of(request).encounter_number = some(text),
        F::CptCode => order_of(request).cpt_code = some(text),
        F::SingleEyeOnly => order_of(request).single_eye_only = Some(value::boolean(text)?),
        F::MissingEyeReason => order_of(request).missing_eye_reason = some(text),
        F::OrderingProviderNpi => request.ordering_provider.get_or_insert_default().npi = some(text),
        F::OrderingProviderFirstName => provider_name(&mut request.ordering_provider).first = some(text),
        F::OrderingProviderLastName => provider_name(&mut request.ordering_provider).last = some(text),
        F::OrderingProviderEmail => request.ordering_provider.get_or_insert_default().email = some(text),
        F::ReferringProviderNpi => request.referring_provider.get_or_insert_default().npi = some(text),
        F::ReferringProviderFirstName => provider_name(&mut request.referring_provider).first = some(text),
        F::ReferringProviderLastName => provider_name(&mut request.referring_provider).last = some(text),
        F::ReferringProviderEmail => request.referring_provider.get_or_insert_default().email = some(text),
        F::CameraOperatorNpi => request.camera_operator.get_or_insert_default().npi = some(text),
        F::CameraOperatorFirstName => provider_name(&mut request.camera_operator).first = some(text),
        F::CameraOperatorLastName => provider_name(&mut request.camera_operator).last = some(text),
        F::CameraOperatorEmail => request.camera_operator.get_or_insert_default().email = some(text),
        F::HealthPlanName => plan(request).name = some(text),
        F::HealthPlanMemberId => plan(request).member_id = some(text),
        F::HealthPlanPayerName => plan(request).health_plan_payer_name = some(text),
        F::HealthPlanGroupName => plan(request).group_name = some(text),
        F::HealthPlanGroupNumber => plan(request).group_number = some(text),
        F::HealthPlanPolicyNumber => plan(request).policy_number = some(text),
        F::HealthPlanEffectiveDate => plan(request).effective_date = Some(value::date(text, conventions.dates)?),
        F::HealthPlanExpirationDate => plan(request).expiration_date = Some(value::date(text, conventions.dates)?),
        F::HealthPlanPrimaryCareProviderNpi => pcp(request).npi = some(text),
        F::HealthPlanPrimaryCareProviderFirst => pcp(request).name.get_or_insert_default().first = some(text),
        F::HealthPlanPrimaryCareProviderLast => pcp(request).name.get_or_insert_default().last = some(text),
        F::HealthPlanPrimaryCareProviderEmailAddress => pcp(request).email_address = some(text),
        F::HealthPlanPrimaryCareProviderFaxNumber => pcp(request).fax_number = some(text),
    }
    Ok(())
}

/// Whether a value of this field implies that there is an order (decision 5).
pub(crate) fn is_about_the_order(field: IntakeField) -> bool {
    field.path().starts_with("Order.")
}

#[allow(clippy::unnecessary_wraps, reason = "every text field is optional")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn site(request: &mut OrderRequest) -> &mut Site {
    request.site.get_or_insert_default()
}

fn patient(request: &mut OrderRequest) -> &mut Patient {
    request.patient.get_or_insert_default()
}

fn order_of(request: &mut OrderRequest) -> &mut Order {
    request.order.get_or_insert_default()
}

fn plan(request: &mut OrderRequest) -> &mut HealthPlan {
    request.health_plan.get_or_insert_default()
}

fn pcp(request: &mut OrderRequest) -> &mut PrimaryCareProvider {
    plan(request).primary_care_provider.get_or_insert_default()
}

fn provider_name(provider: &mut Option<Provider>) -> &mut Name {
    provider.get_or_insert_default().name.get_or_insert_default()
}

fn gender(patient: &mut Patient, context: GenderContext, text: &str) -> Result<(), ValueError> {
    let gender = code(text, Gender::choices)?;
    patient.genders.push(PersonGender { context, gender });
    Ok(())
}

/// One code, or several separated by commas, semicolons or bars (iris-facts §13 #8).
fn evaluation_types(text: &str, conventions: &Conventions) -> Result<Vec<EvaluationType>, ValueError> {
    let codes = text.split([',', ';', '|']).map(str::trim).filter(|code| !code.is_empty());
    codes.map(|text| code(text, || conventions.exams.clone())).collect()
}

fn guid(text: &str) -> Result<ClientGuid, ValueError> {
    ClientGuid::from_text(text).ok_or_else(|| ValueError {
        code: IssueCode::BadGuid,
        message: format!(
            "{} is not a GUID. Copy the organization's GUID, with hyphens, or leave the column out.",
            quoted(text)
        )
        .into(),
    })
}

/// Reads a code; if it is unknown, the issue offers those that can be used here.
fn code<T: WireEnum>(text: &str, choices: impl Fn() -> String) -> Result<T, ValueError> {
    T::from_text(text).ok_or_else(|| ValueError {
        code: IssueCode::UnknownCode,
        message: format!("{} is not {}. Use one of: {}.", quoted(text), T::NOUN, choices()).into(),
    })
}
