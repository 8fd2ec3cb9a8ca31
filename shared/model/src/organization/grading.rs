//! How an organization's orders are graded, and how their results are written.

use crate::{EvaluationType, LocalId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of gradings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GradingSettings {
    /// Accepts gradings of orders that have no images; for tests of an integration (decision 122).
    pub without_images: bool,
    /// The diabetes category of generated diagnosis codes when the order has none: E08, E09, E10, E11 or E13 (decision
    /// 134).
    pub diabetes_category: String,
    /// Flags severe diabetic retinopathy as critical (decision 135).
    pub severe_is_critical: bool,
    /// Who may grade; empty = not checked (decision 123).
    pub graders: Vec<GraderDocument>,
    /// Whom to tell of urgent and emergent findings (decision 127).
    pub contacts: Vec<ContactDocument>,
    /// Its care plans: what is not said here is as the platform has it (decision 125).
    pub care_plans: CarePlans,
}

impl Default for GradingSettings {
    fn default() -> Self {
        Self {
            without_images: false,
            diabetes_category: "E11".to_owned(),
            severe_is_critical: false,
            graders: Vec::new(),
            contacts: Vec::new(),
            care_plans: CarePlans::default(),
        }
    }
}

/// A person who grades.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GraderDocument {
    /// National provider identifier.
    pub npi: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degrees: Option<String>,
    /// Taxonomy code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxonomy: Option<String>,
    /// States of the license: two-letter codes or names (iris-facts R-06).
    #[serde(default)]
    pub states: Vec<String>,
}

/// A person or desk to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContactDocument {
    /// Name for people.
    pub name: String,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Is told of emergent findings.
    #[serde(default)]
    pub emergent: bool,
    /// Is told of urgent findings.
    #[serde(default)]
    pub urgent: bool,
    /// Is told about these sites only; empty = about all.
    #[serde(default)]
    pub sites: Vec<LocalId>,
}

/// A contact as notifications name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Contact {
    /// Name for people.
    pub name: String,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl From<&ContactDocument> for Contact {
    fn from(contact: &ContactDocument) -> Self {
        Self { name: contact.name.clone(), email: contact.email.clone(), phone: contact.phone.clone() }
    }
}

/// Care plans and which finding gets which (iris-facts §12.1). A site's come before its organization's, those before
/// the platform's, which docs/CLINICAL.md lists with the guidance they rest on: intervals and words are an
/// organization's to change. What would say less than was seen is passed over (decision 281): an emergent finding stays
/// emergent, `Other` is at least as pressing as its subset, and the plan for `None` is given to no order with a
/// finding.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CarePlans {
    /// New plans, and new texts for known ones.
    pub plans: Vec<CarePlan>,
    /// Which finding gets which plan.
    pub assignments: Vec<CarePlanAssignment>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CarePlan {
    /// What assignments call it.
    pub id: String,
    /// Title as shown to patients.
    pub name: String,
    /// Instructions as shown to patients.
    pub instructions: String,
    /// How pressing it is.
    pub level: CareLevel,
    /// Decides between plans of the same level: the order gets the one with the highest.
    pub priority: u16,
}

/// A finding's plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CarePlanAssignment {
    /// The finding as gradings name it; `None` for no finding at all, `Not Gradable` for an eye that cannot be graded,
    /// `Not Examined` for one that was to be examined and was not.
    pub finding: String,
    /// Its result; absent = any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Exams it is about; empty = all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluation_types: Vec<EvaluationType>,
    /// The plan's id.
    pub plan: String,
    /// Instead of the plan's own priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
}

/// How pressing a care plan is (iris-facts §12.1), least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum CareLevel {
    /// Nothing to refer.
    NotReferable,
    /// To be seen by a specialist.
    Referable,
    /// To be seen soon.
    Urgent,
    /// To be seen at once: threatens life.
    Emergent,
}

/// Settings of results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ResultSettings {
    /// How codes are written (decision 132).
    pub enum_encoding: EnumEncoding,
    /// Which spellings of keys are written (decision 132).
    pub key_spelling: KeySpelling,
    /// The largest message in bytes; a larger result goes to the results container, and the message says where
    /// (decision 129).
    pub message_limit: u32,
    /// Sends results to the queue `results-{slug}`.
    pub to_queue: bool,
    /// Puts the report as PDF into results on that queue (iris-facts §5.1).
    pub embed_report: bool,
    /// After how many days without a single success a destination is disabled; what it was to get is held (decision
    /// 204).
    pub disable_after_days: u16,
}

impl Default for ResultSettings {
    fn default() -> Self {
        Self {
            enum_encoding: EnumEncoding::default(),
            key_spelling: KeySpelling::default(),
            message_limit: 240_000,
            to_queue: true,
            embed_report: true,
            disable_after_days: 3,
        }
    }
}

/// How codes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EnumEncoding {
    /// As text.
    #[default]
    Code,
    /// As numbers, where they have one: what the published TypeScript client reads.
    Numeric,
    /// As numbers, with image context and the genders by context as text: what the published Go client reads.
    GoClient,
}

/// Which spellings of keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum KeySpelling {
    /// The canonical one.
    #[default]
    Canonical,
    /// Each published one, e.g. `PatientOrderId` and `PatientOrderID`.
    Both,
}
