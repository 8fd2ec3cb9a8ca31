//! OrderRequest, the one message for patients and orders (iris-facts §2).
//!
//! Every property is optional here: this is the *shape* of what arrived, after all accepted spellings were folded into
//! the canonical one. What a given operation needs is decided in [`crate::submission`].

use crate::{
    ClientGuid, DateTimeOffset, EvaluationType, Gender, GenderContext, ImageContext, Laterality, MaritalStatus,
    OrderControlCode,
};
use jiff::civil::{Date, DateTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The only version of the message format.
pub const VERSION: &str = "2.3.1";

/// Whether a version is the one that is supported, with or without the `V` that the published clients send
/// (iris-facts §13 #1).
#[must_use]
pub fn is_supported_version(text: &str) -> bool {
    let text = text.trim();
    text.strip_prefix(['V', 'v']).unwrap_or(text) == VERSION
}

/// A request as far as it could be read, and what could not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parsed {
    /// The request; values that could not be read are left out.
    pub request: OrderRequest,
    /// What could not be read (errors), or was not understood and is ignored (warnings).
    pub issues: Vec<crate::Issue>,
}

impl OrderRequest {
    /// The canonical JSON: PascalCase keys, string codes, unset properties omitted. Reading it gives the same request
    /// again.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Serialization of these types to memory cannot fail; an empty object would be refused by every reader.
        serde_json::to_string(self).unwrap_or_else(|_| String::from("{}"))
    }
}

/// A patient and order submission (iris-facts §2.1).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct OrderRequest {
    /// Message version; `2.3.1` once validated (`V2.3.1` is accepted).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The organization as the sender states it; proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_guid: Option<ClientGuid>,
    /// IRIS user name, in e-mail form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name_submitting: Option<String>,
    /// What is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_control_code: Option<OrderControlCode>,
    /// Where the exam takes place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// The camera, and image directives for orders sent with their images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<Camera>,
    /// The order itself; absent when only a patient is registered (decision 5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// The patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<Patient>,
    /// Who ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordering_provider: Option<Provider>,
    /// Who referred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referring_provider: Option<Provider>,
    /// Who took the images, when they have an NPI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera_operator: Option<Provider>,
    /// Who took the images, as IRIS user name (deprecated by IRIS, still sent).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera_operator_user_name: Option<String>,
    /// The patient's health plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_plan: Option<HealthPlan>,
}

/// A site, also called client or clinic (iris-facts §2.2).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Site {
    /// The organization's id of the site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// Name; used to create a site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address; its state is mandatory to create a site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// A camera (iris-facts §2.3).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Camera {
    /// Normally the serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Source address of its images.
    #[serde(rename = "IPAddress", skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// Informational.
    #[serde(rename = "MACAddress", skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<String>,
    /// Serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// Manufacturer, as agreed with IRIS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Model, as agreed with IRIS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Software version, as agreed with IRIS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// Image directives: images already in blob storage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
}

/// An image directive: where an image of the order lies (iris-facts §2.4).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Image {
    /// The submitter's id, to recognize its ImageReceipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// When it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<DateTimeOffset>,
    /// Where it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure_blob_storage: Option<BlobLocation>,
    /// Which eye.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub laterality: Option<Laterality>,
    /// What it is to the exam; absent = Primary.
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
}

/// A blob (iris-facts §2.4).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct BlobLocation {
    /// Container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Name within the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
}

/// The order proper (iris-facts §2.5).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Order {
    /// What to examine; usually one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evaluation_types: Vec<EvaluationType>,
    /// The submitter's id: the key of events, change, cancel and resend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// When the exam is planned, in local time of the site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_time: Option<DateTime>,
    /// When the submitter created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<DateTime>,
    /// Department, for some EMRs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department_id: Option<String>,
    /// Encounter, for some EMRs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter_number: Option<String>,
    /// DICOM study UID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub study_instance_unique_id: Option<String>,
    /// For some EMRs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orderable_identifier: Option<String>,
    /// Procedure code; emitted as text.
    #[serde(rename = "CPTCode", skip_serializing_if = "Option::is_none")]
    pub cpt_code: Option<String>,
    /// Description of the procedure, when the code was sent as an object.
    #[serde(rename = "CPTDescription", skip_serializing_if = "Option::is_none")]
    pub cpt_description: Option<String>,
    /// Free text, often JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_info: Option<String>,
    /// Where the exam takes place: two-letter code once read; full names are accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Whether one eye is expected; absent = as configured. Kept as sent, but `false` from the published clients says
    /// nothing: they always send it (iris-facts §2.10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single_eye_only: Option<bool>,
    /// Why an eye is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_eye_reason: Option<String>,
    /// Asks for an expedited grading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgent: Option<bool>,
}

/// The patient (iris-facts §2.6).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Patient {
    /// Medical record number or any id unique to the submitter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Birth date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dob: Option<Date>,
    /// Genders by context; a lone obsolete `Gender` arrives here with context Unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub genders: Vec<PersonGender>,
    /// HL7 race code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub race: Option<String>,
    /// HL7 ethnicity code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ethnicity: Option<String>,
    /// FHIR language code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_language: Option<String>,
    /// Marital status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marital_status: Option<MaritalStatus>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The one phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Free text, often JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_info: Option<String>,
    /// ICD-10-CM, dotted or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dx_code: Option<String>,
}

/// A gender in its context (iris-facts §2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PersonGender {
    /// In which sense.
    pub context: GenderContext,
    /// The gender.
    pub gender: Gender,
}

/// A person's name (iris-facts §2.8).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Name {
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Middle name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle: Option<String>,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A postal address (iris-facts §2.8, §13 #10–11).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Address {
    /// First line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street1: Option<String>,
    /// Second line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street2: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Two-letter state once read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// ZIP code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country, when sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// A provider (iris-facts §2.8).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct Provider {
    /// National provider identifier, ten digits.
    #[serde(rename = "NPI", skip_serializing_if = "Option::is_none")]
    pub npi: Option<String>,
    /// Taxonomy code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taxonomy: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degrees: Option<String>,
    /// Associations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub associations: Option<String>,
}

/// A health plan (iris-facts §2.7).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct HealthPlan {
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
    /// Primary care provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_care_provider: Option<PrimaryCareProvider>,
}

/// The primary care provider of a plan (iris-facts §2.7).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct PrimaryCareProvider {
    /// National provider identifier.
    #[serde(rename = "NPI", skip_serializing_if = "Option::is_none")]
    pub npi: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// E-mail or Direct address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
    /// Fax number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fax_number: Option<String>,
}
