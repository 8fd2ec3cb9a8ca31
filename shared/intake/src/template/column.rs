//! What a person has to know about a column to fill it in.

use super::choice::{Choice, choices};
use iris_model::field::normalized_name;
use iris_model::organization::{ColumnRule, Mapping};
use iris_model::{IntakeField, IntakeField as F, Organization};
use std::collections::HashSet;

/// The id of the patient in the example row. A row with it is not loaded (decision 221).
pub(crate) const EXAMPLE_PATIENT: &str = "EXAMPLE-DELETE-THIS-ROW";

/// The columns in the order in which a person fills them in: required ones first. `Version` and `ClientGuid` are
/// missing because the container that a file is dropped into implies them.
const ORDER: [F; 48] = [
    F::SiteLocalId,
    F::PatientLocalId,
    F::PatientFirstName,
    F::PatientLastName,
    F::PatientDob,
    F::PatientBirthGender,
    F::OrderLocalId,
    F::EvaluationType,
    F::OrderScheduledTime,
    F::OrderState,
    F::OrderControlCode,
    F::DxCode,
    F::SingleEyeOnly,
    F::MissingEyeReason,
    F::CptCode,
    F::EncounterNumber,
    F::DepartmentId,
    F::OrderAdditionalInfo,
    F::PatientIdentityGender,
    F::PatientPhone,
    F::PatientAdditionalInfo,
    F::OrderingProviderNpi,
    F::OrderingProviderFirstName,
    F::OrderingProviderLastName,
    F::OrderingProviderEmail,
    F::ReferringProviderNpi,
    F::ReferringProviderFirstName,
    F::ReferringProviderLastName,
    F::ReferringProviderEmail,
    F::CameraOperatorNpi,
    F::CameraOperatorFirstName,
    F::CameraOperatorLastName,
    F::CameraOperatorEmail,
    F::CameraOperatorUserName,
    F::UserNameSubmitting,
    F::HealthPlanName,
    F::HealthPlanMemberId,
    F::HealthPlanPayerName,
    F::HealthPlanGroupName,
    F::HealthPlanGroupNumber,
    F::HealthPlanPolicyNumber,
    F::HealthPlanEffectiveDate,
    F::HealthPlanExpirationDate,
    F::HealthPlanPrimaryCareProviderNpi,
    F::HealthPlanPrimaryCareProviderFirst,
    F::HealthPlanPrimaryCareProviderLast,
    F::HealthPlanPrimaryCareProviderEmailAddress,
    F::HealthPlanPrimaryCareProviderFaxNumber,
];

/// Whether a cell may stay empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// In every row.
    Always,
    /// In every row that orders an exam.
    Orders,
    /// Sometimes; the description says when.
    Sometimes,
    /// Never needed.
    Optional,
}

impl Need {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::Orders => "For orders",
            Self::Sometimes => "Sometimes",
            Self::Optional => "Optional",
        }
    }

    pub(super) fn is_required(self) -> bool {
        matches!(self, Self::Always | Self::Orders)
    }
}

/// How the cells of a column are entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// As text, so that leading zeros are kept.
    Text,
    /// A date.
    Date,
    /// A date with the time of day.
    DateTime,
    /// Ten digits.
    Npi,
    /// One of a list. `open`: others are accepted after a confirmation.
    List { choices: Vec<Choice>, open: bool },
}

impl Entry {
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Date => "Date: 2026-11-21",
            Self::DateTime => "Date and time at the site: 2026-11-21 09:30",
            Self::Npi => "Ten digits",
            Self::List { .. } => "One of the list",
        }
    }
}

/// A column of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) field: IntakeField,
    pub(super) header: String,
    pub(super) need: Need,
    pub(super) entry: Entry,
    pub(super) about: String,
    pub(super) example: String,
}

/// The columns of the template of an organization's files.
pub(super) fn columns(organization: &Organization, mapping: &Mapping) -> Vec<Column> {
    let nothing = ColumnRule::default();
    let mut taken = HashSet::new();
    let mut columns = Vec::with_capacity(ORDER.len());
    for field in ORDER {
        let rule = mapping.columns.get(&field).unwrap_or(&nothing);
        let header = rule.headers.first().map_or(field.name(), String::as_str);
        // A constant of the mapping is not asked for; a column that fills two fields appears once.
        if given(rule.constant.as_deref()).is_some() || !taken.insert(normalized_name(header)) {
            continue;
        }
        let entry = entry(field, rule, organization);
        let default = given(rule.default.as_deref());
        let mut about = about(field, organization).to_owned();
        if let Some(default) = default {
            about.push_str(&format!(" Empty means {default}."));
        }
        columns.push(Column {
            field,
            header: header.to_owned(),
            need: if default.is_some() { Need::Optional } else { need(field, organization, mapping) },
            example: example(field, &entry, organization),
            entry,
            about,
        });
    }
    columns
}

fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn need(field: F, organization: &Organization, mapping: &Mapping) -> Need {
    match field {
        F::SiteLocalId
        | F::PatientLocalId
        | F::PatientFirstName
        | F::PatientLastName
        | F::PatientDob
        | F::PatientBirthGender => Need::Always,
        F::OrderLocalId if mapping.allow_missing_order_local_id => Need::Optional,
        F::OrderLocalId => Need::Orders,
        F::EvaluationType if organization.evaluation_types.len() == 1 => Need::Optional,
        F::EvaluationType => Need::Orders,
        F::OrderState | F::OrderControlCode | F::MissingEyeReason => Need::Sometimes,
        _ => Need::Optional,
    }
}

fn entry(field: F, rule: &ColumnRule, organization: &Organization) -> Entry {
    if let Some(choices) = choices(field, rule, organization) {
        return Entry::List { choices, open: field == F::SiteLocalId && organization.auto_create_sites };
    }
    match field {
        F::PatientDob | F::HealthPlanEffectiveDate | F::HealthPlanExpirationDate => Entry::Date,
        F::OrderScheduledTime => Entry::DateTime,
        F::OrderingProviderNpi
        | F::ReferringProviderNpi
        | F::CameraOperatorNpi
        | F::HealthPlanPrimaryCareProviderNpi => Entry::Npi,
        _ => Entry::Text,
    }
}

fn about(field: F, organization: &Organization) -> &'static str {
    match field {
        F::SiteLocalId => "Where the exam takes place: your id of the site.",
        F::PatientLocalId => "Your id of the patient, such as the medical record number. At most 64 characters.",
        F::PatientFirstName => "Given name.",
        F::PatientLastName => "Family name.",
        F::PatientDob => "Birth date.",
        F::PatientBirthGender => "Gender assigned at birth.",
        F::PatientIdentityGender => "Gender the patient identifies with.",
        F::PatientPhone => "Phone number of the patient.",
        F::PatientAdditionalInfo => "Anything to know about the patient.",
        F::DxCode => "ICD-10-CM code of the diagnosis the exam is ordered for. Its dot may be left out.",
        F::OrderLocalId => {
            "Your id of the order, another one for each order. Leave all order columns empty to register a patient \
             only."
        }
        F::EvaluationType if organization.evaluation_types.len() == 1 => "The exam. Empty means the only one you have.",
        F::EvaluationType => "The exam.",
        F::OrderScheduledTime => "When the exam is planned, in the local time of the site.",
        F::OrderState => "State in which the exam takes place. Needed when it is not the state of the site's address.",
        F::OrderAdditionalInfo => "Anything to know about the order.",
        F::OrderControlCode => "What to do with the order. Needed to change or cancel one; empty means a new order.",
        F::DepartmentId => "Your id of the department.",
        F::EncounterNumber => "Number of the visit.",
        F::CptCode => "Code of the procedure, such as 92250.",
        F::SingleEyeOnly => "Whether only one eye can be examined.",
        F::MissingEyeReason => "Why only one eye can be examined. Useful when SingleEyeOnly is Yes.",
        F::UserNameSubmitting => "IRIS user name of the person who submits.",
        F::CameraOperatorUserName => "IRIS user name of the camera operator, if there is no NPI.",
        F::OrderingProviderNpi => "National provider identifier of who orders the exam.",
        F::ReferringProviderNpi => "National provider identifier of who refers the patient.",
        F::CameraOperatorNpi => "National provider identifier of who takes the images.",
        F::HealthPlanPrimaryCareProviderNpi => "National provider identifier of the patient's primary care provider.",
        F::OrderingProviderFirstName | F::ReferringProviderFirstName | F::CameraOperatorFirstName => "Given name.",
        F::OrderingProviderLastName | F::ReferringProviderLastName | F::CameraOperatorLastName => "Family name.",
        F::OrderingProviderEmail | F::ReferringProviderEmail | F::CameraOperatorEmail => "E-mail address.",
        F::HealthPlanName => "Name of the health plan.",
        F::HealthPlanMemberId => "The patient's member id.",
        F::HealthPlanPayerName => "Name of the payer.",
        F::HealthPlanGroupName => "Name of the group.",
        F::HealthPlanGroupNumber => "Number of the group.",
        F::HealthPlanPolicyNumber => "Number of the policy.",
        F::HealthPlanEffectiveDate => "First day of coverage.",
        F::HealthPlanExpirationDate => "Last day of coverage.",
        F::HealthPlanPrimaryCareProviderFirst => "Given name of the primary care provider.",
        F::HealthPlanPrimaryCareProviderLast => "Family name of the primary care provider.",
        F::HealthPlanPrimaryCareProviderEmailAddress => "E-mail address of the primary care provider.",
        F::HealthPlanPrimaryCareProviderFaxNumber => "Fax number of the primary care provider.",
        F::Version => "Version of the format: 2.3.1.",
        F::ClientGuid => "GUID of the organization.",
    }
}

/// Invented values that nobody could mistake for a person's.
fn example(field: F, entry: &Entry, organization: &Organization) -> String {
    if let Entry::List { choices, .. } = entry {
        let wanted = match field {
            F::OrderState => organization.sites.iter().find_map(|site| site.address.state.as_deref()),
            F::PatientBirthGender => Some("F"),
            F::SingleEyeOnly => Some("No"),
            F::PatientIdentityGender => return String::new(),
            _ => None,
        };
        let found = wanted.and_then(|wanted| choices.iter().find(|choice| choice.value == wanted));
        return found.or(choices.first()).map(|choice| choice.value.clone()).unwrap_or_default();
    }
    let text = match field {
        F::SiteLocalId => "SITE-1",
        F::PatientLocalId => EXAMPLE_PATIENT,
        F::PatientFirstName => "Sample",
        F::PatientLastName => "Delete-This-Row",
        F::PatientDob => "1960-01-31",
        F::PatientPhone => "555-0100",
        F::DxCode => "E11.9",
        F::OrderLocalId => "EXAMPLE-1",
        F::OrderScheduledTime => "2026-11-21 09:30",
        F::CptCode => "92250",
        F::EncounterNumber => "V-1",
        F::OrderingProviderNpi => "1234567893",
        F::OrderingProviderFirstName => "Synthia",
        F::OrderingProviderLastName => "Example",
        F::OrderingProviderEmail => "synthia@example.org",
        F::HealthPlanName => "Example Plan",
        F::HealthPlanMemberId => "M-0001",
        F::HealthPlanEffectiveDate => "2026-01-01",
        F::HealthPlanExpirationDate => "2026-12-31",
        _ => "",
    };
    text.to_owned()
}
