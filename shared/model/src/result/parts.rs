//! The sections of an OrderResult (iris-facts §5.2 to §5.7).

use crate::grading::{FindingEntry, Note};
use crate::request::{Address, Camera, Name, PersonGender, Provider};
use crate::{DateTimeOffset, EvaluationType, Gender, ImageContext, Laterality, OrderStatus};
use jiff::civil::{Date, DateTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A site (iris-facts §5.2).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ResultSite {
    /// The organization's id of it.
    pub local_id: String,
    /// Its name, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its address, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// An embedded document (iris-facts §3.14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ResultsDocument {
    /// `PDF` or `HTML`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// `Base64`.
    pub encoding: String,
    /// The document; null where it would make the message larger than the queue takes: then it is in the result at
    /// `Location`.
    pub content: Option<String>,
    /// Where the whole result is, this document included, when it is not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<DocumentLocation>,
}

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct DocumentLocation {
    /// The container: the organization's results container.
    pub container: String,
    /// The blob's name.
    pub file_name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Counts of the images (iris-facts §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ImageDetails {
    /// All images of the order.
    pub total_count: u32,
    /// All of the right eye.
    pub right_eye_count: u32,
    /// All of the left eye.
    pub left_eye_count: u32,
    /// Of the right eye, as captured.
    pub right_eye_original_count: u32,
    /// Of the left eye, as captured.
    pub left_eye_original_count: u32,
    /// Of the right eye, enhanced.
    pub right_eye_enhanced_count: u32,
    /// Of the left eye, enhanced.
    pub left_eye_enhanced_count: u32,
    /// Whether one eye was examined, by configuration and submission.
    pub single_eye_only: bool,
    /// Whether an image was chosen for the report.
    #[serde(default)]
    pub preferred: bool,
}

/// An image without its pixels (iris-facts §5.4).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ResultImage {
    /// The submitter's id; images from devices have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// When it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<DateTimeOffset>,
    /// When it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<DateTimeOffset>,
    /// Its blob's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Its blob's container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    /// The image in IRIS.
    #[serde(rename = "OrderImageID", skip_serializing_if = "Option::is_none")]
    pub order_image_id: Option<i64>,
    /// Which eye.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub laterality: Option<Laterality>,
    /// What it is to the exam.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_context: Option<ImageContext>,
    /// LocalId of the image it derives from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_local_id: Option<String>,
    /// Group number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<i64>,
    /// Position in the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_ordinal: Option<i64>,
    /// Whether it was chosen for the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred: Option<bool>,
    /// The camera that took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<Camera>,
}

/// The order (iris-facts §5.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ResultOrder {
    /// The order in IRIS: IrisOrderId of the events.
    pub patient_order_id: i64,
    /// Where it stands.
    pub status: OrderStatus,
    /// The order as the submitter calls it.
    pub local_id: String,
    /// What was examined.
    pub evaluation_types: Vec<EvaluationType>,
    /// When the exam was planned, in local time of the site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_time: Option<DateTime>,
    /// When the order was created.
    pub created_time: DateTimeOffset,
    /// When the images were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serviced_time: Option<DateTimeOffset>,
    /// Department, as submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department_id: Option<String>,
    /// Encounter, as submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter_number: Option<String>,
    /// DICOM study UID, as submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub study_instance_unique_id: Option<String>,
    /// As submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orderable_identifier: Option<String>,
    /// Free text, as submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_info: Option<String>,
    /// Two-letter state of the exam.
    pub state: String,
    /// As submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single_eye_only: Option<bool>,
    /// As submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_eye_reason: Option<String>,
    /// Whether it was graded with priority.
    pub expedite: bool,
}

/// The patient (iris-facts §5.1).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ResultPatient {
    /// The patient in IRIS.
    pub patient_id: i64,
    /// The patient as the submitter calls it.
    pub local_id: String,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Birth date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dob: Option<Date>,
    /// One gender, for readers of older results: the one at birth, else the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// Genders by context.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub genders: Vec<PersonGender>,
    /// Phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// What was found (iris-facts §5.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Gradings {
    /// Remarks of the graders, oldest first.
    pub notes: Vec<Note>,
    /// When it was graded.
    pub graded_time: DateTimeOffset,
    /// When it was queued for grading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_time: Option<DateTimeOffset>,
    /// Title of the care plan. Does not tell the level of pathology.
    pub care_plan_name: String,
    /// Its instructions.
    pub care_plan_description: String,
    /// Pathology in at least one eye.
    pub pathology: bool,
    /// Needs urgent action.
    pub urgent: bool,
    /// Needs immediate action: threatens life.
    pub emergent: bool,
    /// The right eye; absent when it has no images.
    #[serde(rename = "OD", skip_serializing_if = "Option::is_none")]
    pub od: Option<EyeSideGrading>,
    /// The left eye; absent when it has no images.
    #[serde(rename = "OS", skip_serializing_if = "Option::is_none")]
    pub os: Option<EyeSideGrading>,
    /// ICD-10-CM codes without dot.
    pub dx_codes: Vec<String>,
    /// The same codes with their descriptions.
    pub diagnosis_codes: Vec<DiagnosisCode>,
    /// Who graded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
}

/// One eye (iris-facts §5.7).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct EyeSideGrading {
    /// Look here first: an eye that is not gradable has no findings.
    pub gradable: bool,
    /// Why the eye is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_eye_reason: Option<String>,
    /// Why it cannot be graded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ungradable_reasons: Vec<String>,
    /// What was found, with an explicit None where nothing was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingEntry>,
}

/// An ICD-10-CM code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct DiagnosisCode {
    /// Without dot.
    pub code: String,
    /// Its official description.
    pub description: String,
}

/// Who took the images (iris-facts §5.1).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CameraOperator {
    /// IRIS user name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Remarks.
    pub notes: Vec<Note>,
}

/// The health plan (iris-facts §5.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ResultHealthPlan {
    /// The customer's plan id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_id: Option<String>,
    /// Person under the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub individual_id: Option<String>,
    /// Payer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_plan_payer_name: Option<String>,
    /// Group name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// Group number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_number: Option<String>,
    /// Policy number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_number: Option<String>,
    /// Valid from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_date: Option<Date>,
    /// Valid to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<Date>,
}

/// A procedure (iris-facts §2.8).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Procedure {
    /// CPT code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}
