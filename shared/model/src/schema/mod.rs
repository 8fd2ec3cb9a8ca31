//! The JSON Schemas (draft 2020-12) of everything published, generated from the types so that they cannot fall behind.
//!
//! The schema of submissions describes the canonical form. More is accepted (numbers for codes, other spellings of
//! keys, other dates; see iris-facts §13), but a new client should write what the schema says.

mod polish;

use crate::identifier::LOCAL_ID_LIMIT;
use crate::result::{OrderResult, ResultPointer, UrgentFindingNotification};
use crate::submission::{EMAIL_LIMIT, FILE_NAME_LIMIT, FREE_TEXT_LIMIT, NAME_LIMIT};
use crate::{Event, GradingSubmission, ImageRequest, IntakeField, OrderRequest, Organization, state};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// Every schema with the name of its file.
#[must_use]
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("order-submission.schema.json", order_submission()),
        ("image-submission.schema.json", image_submission()),
        ("order-event.schema.json", order_event()),
        ("grading-submission.schema.json", grading_submission()),
        ("order-results.schema.json", order_results()),
        ("order-result-location.schema.json", order_result_location()),
        ("urgent-finding-notification.schema.json", urgent_finding_notification()),
        ("organization.schema.json", organization()),
    ]
}

/// What is sent to an organization's `orders` queue, and one element of a JSON drop.
fn order_submission() -> Value {
    let mut schema = schema_of::<OrderRequest>(
        SchemaSettings::draft2020_12(),
        "order-submission.schema.json",
        "Order submission",
        "One message for patients and orders: a new order (NW), a change (XO), a cancellation (CA) or the request for \
         a result again (ResendResult). NW without Order registers a patient. This is the canonical form; null, empty \
         text and empty objects are accepted and mean the same as leaving a property out.",
    );
    schema["required"] = json!(["Version", "ClientGuid", "OrderControlCode"]);
    schema["properties"]["$schema"] = json!({ "type": "string", "description": "Ignored." });
    schema["properties"]["Version"]["pattern"] = json!("^[Vv]?2\\.3\\.1$");
    schema["$defs"]["OrderControlCode"]["enum"] = json!(["NW", "XO", "XR", "CA", "CR", "ResendResult"]);
    schema["$defs"]["Order"]["properties"]["State"]["enum"] = state::STATES.iter().map(|(code, _)| *code).collect();
    schema["$defs"]["Patient"]["properties"]["DxCode"]["pattern"] =
        json!("^[A-Za-z][0-9][0-9A-Za-z](\\.?[0-9A-Za-z]{0,4})$");
    schema["$defs"]["Image"]["required"] = json!(["AzureBlobStorage", "Laterality"]);
    schema["$defs"]["BlobLocation"]["required"] = json!(["Container", "FileName"]);
    polish::limit_texts(&mut schema, text_limit);
    let about_an_order = json!({
        "required": ["Order"],
        "properties": { "Order": { "type": "object", "required": ["LocalId"] } }
    });
    let about_a_patient = json!({
        "required": ["Site", "Patient"],
        "properties": {
            "Site": { "type": "object", "required": ["LocalId"] },
            "Patient": { "type": "object", "required": ["LocalId"] },
            "Order": { "type": "object", "required": ["LocalId"] }
        }
    });
    schema["allOf"] = json!([
        operation(&["XO", "XR", "CA", "CR", "ResendResult"], &about_an_order),
        operation(&["NW"], &about_a_patient),
    ]);
    schema
}

/// What is sent to an organization's `orders` queue to add an image to an order.
fn image_submission() -> Value {
    let mut schema = schema_of::<ImageRequest>(
        SchemaSettings::draft2020_12(),
        "image-submission.schema.json",
        "Image submission",
        "Adds one image, uploaded to the organization's image container, to an order. Sent through the same queue as \
         orders. The image may be uploaded before or after.",
    );
    schema["required"] = json!(["Version", "ClientGuid", "OrderLocalId", "Image"]);
    schema["properties"]["$schema"] = json!({ "type": "string", "description": "Ignored." });
    schema["properties"]["Version"]["pattern"] = json!("^[Vv]?2\\.3\\.1$");
    schema["$defs"]["Image"]["required"] = json!(["AzureBlobStorage", "Laterality"]);
    schema["$defs"]["BlobLocation"]["required"] = json!(["Container", "FileName"]);
    polish::limit_texts(&mut schema, text_limit);
    schema
}

/// The most characters of a text property (decision 13); what validation enforces.
fn text_limit(property: &str) -> usize {
    match property {
        "LocalId" | "ParentLocalId" | "OrderLocalId" => LOCAL_ID_LIMIT,
        "AdditionalInfo" | "MissingEyeReason" | "CPTDescription" | "Result" | "Text" => FREE_TEXT_LIMIT,
        "Email" | "EmailAddress" | "UserNameSubmitting" | "CameraOperatorUserName" => EMAIL_LIMIT,
        "Container" | "FileName" => FILE_NAME_LIMIT,
        _ => NAME_LIMIT,
    }
}

/// What one of these operations needs.
fn operation(codes: &[&str], needs: &Value) -> Value {
    json!({
        "if": { "required": ["OrderControlCode"], "properties": { "OrderControlCode": { "enum": codes } } },
        "then": needs
    })
}

/// What arrives on an organization's `events` queue.
fn order_event() -> Value {
    schema_of::<Event>(
        SchemaSettings::draft2020_12().for_serialize(),
        "order-event.schema.json",
        "Order event",
        "What became of a submission: one message per event. TransactionId is the same when an event is delivered \
         again. Tolerate kinds of event that are not listed here.",
    )
}

/// What is sent to an organization's `gradings` queue.
fn grading_submission() -> Value {
    let mut schema = schema_of::<GradingSubmission>(
        SchemaSettings::draft2020_12(),
        "grading-submission.schema.json",
        "Grading submission",
        "What was seen in the images of an order, eye by eye. Which findings and results there are depends on what \
         was ordered; a gradable eye answers every question of the exam. An eye that does not exist has \
         MissingEyeReason alone.",
    );
    schema["required"] = json!(["Version", "ClientGuid", "LocalId"]);
    schema["properties"]["$schema"] = json!({ "type": "string", "description": "Ignored." });
    schema["properties"]["Version"]["pattern"] = json!("^[Vv]?2\\.3\\.1$");
    schema["$defs"]["ResultCode"]["enum"] = json!(["F", "C", "A"]);
    schema["$defs"]["FindingEntry"]["required"] = json!(["Finding"]);
    polish::limit_texts(&mut schema, text_limit);
    schema
}

/// What arrives on an organization's `results` queue.
fn order_results() -> Value {
    schema_of::<OrderResult>(
        SchemaSettings::draft2020_12().for_serialize(),
        "order-results.schema.json",
        "Order result",
        "The result of a graded order. This is the canonical form; an organization may have codes written as numbers \
         and keys in each of their published spellings. Tolerate findings that are not known yet.",
    )
}

/// What arrives on an organization's `results` queue for a result that is larger than a message may be.
fn order_result_location() -> Value {
    schema_of::<ResultPointer>(
        SchemaSettings::draft2020_12().for_serialize(),
        "order-result-location.schema.json",
        "Order result location",
        "Where to find a result that is larger than a message may be: the document lies in the organization's results \
         container.",
    )
}

/// What arrives on an organization's `events` queue for the contacts of an urgent finding.
fn urgent_finding_notification() -> Value {
    schema_of::<UrgentFindingNotification>(
        SchemaSettings::draft2020_12().for_serialize(),
        "urgent-finding-notification.schema.json",
        "Urgent finding notification",
        "An urgent or emergent finding and one contact who is to be told of it.",
    )
}

/// The document that describes an organization.
fn organization() -> Value {
    let mut schema = schema_of::<Organization>(
        SchemaSettings::draft2020_12(),
        "organization.schema.json",
        "Organization",
        "Who may send what, and how it is treated. One document per organization, in the container organizations. \
         Secrets are never in it.",
    );
    schema["$defs"]["Mapping"]["properties"]["columns"]["propertyNames"] =
        json!({ "enum": IntakeField::ALL.iter().map(|field| field.name()).collect::<Vec<_>>() });
    schema["$defs"]["SiteAddress"]["properties"]["state"]["description"] =
        json!("State, district or territory of the United States: two-letter code or full name.");
    schema
}

fn schema_of<T: JsonSchema>(settings: SchemaSettings, id: &str, title: &str, description: &str) -> Value {
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    polish::all(&mut schema);
    schema["$id"] = json!(id);
    schema["title"] = json!(title);
    schema["description"] = json!(description);
    schema
}
