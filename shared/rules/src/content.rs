//! The canonical JSON that is stored, and how later submissions change it.
//!
//! What a later submission *sends* replaces what is stored; what it does not send stays. Sections that identify
//! somebody or something (site, camera, providers, health plan) are replaced as a whole, so that no provider ends up
//! with one person's name and another's NPI. `Order` and `Patient` are replaced property by property. Image directives
//! stay when a camera is sent without any.
//!
//! Stored content was written from the wire types and is read back into them. If that fails, the row is damaged and
//! nothing is decided on it: falling back to a default would mean a patient without a name, or an order without its
//! requirements (decision 280).

use iris_model::OrderRequest;
use iris_model::request::{Camera, HealthPlan, Image, Order, Patient, Provider, Site};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Stored content that this code did not write. Names the kind of content but never quotes it: it may be about a
/// patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored {what} is not what was written")]
pub struct Unreadable {
    what: &'static str,
}

impl Unreadable {
    /// For this kind of content, in the words of messages: `content of an order`.
    #[must_use]
    pub const fn of(what: &'static str) -> Self {
        Self { what }
    }
}

const ORDER: Unreadable = Unreadable { what: "content of an order" };
const PATIENT: Unreadable = Unreadable { what: "record of a patient" };

/// The request as stored with its order: without the patient, who is stored separately, and without anything that only
/// concerns the message.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OrderContent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name_submitting: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<&'a Site>,
    #[serde(skip_serializing_if = "Option::is_none")]
    camera: Option<&'a Camera>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a Order>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ordering_provider: Option<&'a Provider>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referring_provider: Option<&'a Provider>,
    #[serde(skip_serializing_if = "Option::is_none")]
    camera_operator: Option<&'a Provider>,
    #[serde(skip_serializing_if = "Option::is_none")]
    camera_operator_user_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health_plan: Option<&'a HealthPlan>,
}

/// The JSON to store with an order.
#[must_use]
pub fn of_order(request: &OrderRequest) -> String {
    json(&OrderContent {
        user_name_submitting: request.user_name_submitting.as_deref(),
        site: request.site.as_ref(),
        camera: request.camera.as_ref(),
        order: request.order.as_ref(),
        ordering_provider: request.ordering_provider.as_ref(),
        referring_provider: request.referring_provider.as_ref(),
        camera_operator: request.camera_operator.as_ref(),
        camera_operator_user_name: request.camera_operator_user_name.as_deref(),
        health_plan: request.health_plan.as_ref(),
    })
}

/// The JSON to store with a patient.
#[must_use]
pub fn of_patient(patient: &Patient) -> String {
    json(patient)
}

/// A value as JSON. The wire types always serialize; should that ever change, an empty object is returned.
#[must_use]
pub fn json<T: Serialize>(value: &T) -> String {
    // Most documents fit without growing; reallocating costs more than the unused space.
    let mut buffer = Vec::with_capacity(768);
    match serde_json::to_writer(&mut buffer, value) {
        Ok(()) => String::from_utf8(buffer).unwrap_or_else(|_| String::from("{}")),
        Err(_) => String::from("{}"),
    }
}

/// The stored patient updated with what was sent. The LocalId stays.
///
/// # Errors
/// When the stored patient cannot be read.
pub fn merge_patient(stored: &str, sent: &Patient) -> Result<Patient, Unreadable> {
    let mut base = object(stored, PATIENT)?;
    let local_id = base.get("LocalId").cloned();
    base.extend(object(&json(sent), PATIENT)?);
    if let Some(local_id) = local_id {
        base.insert(String::from("LocalId"), local_id);
    }
    typed(base, PATIENT)
}

/// The stored order updated with what a change sends. Order.LocalId and EvaluationTypes stay (iris-facts R-15); the
/// result has no patient.
///
/// # Errors
/// When the stored order cannot be read.
pub fn merge_order(stored: &str, sent: &OrderRequest) -> Result<OrderRequest, Unreadable> {
    let mut base = object(stored, ORDER)?;
    for (section, value) in object(&of_order(sent), ORDER)? {
        let merged = match (section.as_str(), base.remove(&section), value) {
            ("Order", Some(Value::Object(mut old)), Value::Object(new)) => {
                let immutable = |key: &str| matches!(key, "LocalId" | "EvaluationTypes") && old.contains_key(key);
                let new: Vec<_> = new.into_iter().filter(|(key, _)| !immutable(key)).collect();
                old.extend(new);
                Value::Object(old)
            }
            ("Camera", Some(Value::Object(mut old)), Value::Object(mut new)) => {
                if let (false, Some(images)) = (new.contains_key("Images"), old.remove("Images")) {
                    new.insert(String::from("Images"), images);
                }
                Value::Object(new)
            }
            (_, _, value) => value,
        };
        base.insert(section, merged);
    }
    typed(base, ORDER)
}

/// Reassembles what was submitted from a stored order and its stored patient.
///
/// # Errors
/// When either cannot be read.
pub fn whole(order: &str, patient: &str) -> Result<OrderRequest, Unreadable> {
    Ok(OrderRequest { patient: Some(read(patient, PATIENT)?), ..parse_order(order)? })
}

/// True when name *and* birth date both differ from the patient on record (decision 6): it is probably another person.
///
/// # Errors
/// When the stored patient cannot be read.
pub fn contradicts(stored: &str, sent: &Patient) -> Result<bool, Unreadable> {
    let known: Patient = read(stored, PATIENT)?;
    let (Some(known_name), Some(known_dob)) = (known.name, known.dob) else { return Ok(false) };
    let (Some(name), Some(dob)) = (&sent.name, sent.dob) else { return Ok(false) };
    let same = |left: &Option<String>, right: &Option<String>| {
        left.as_deref().unwrap_or_default().to_lowercase() == right.as_deref().unwrap_or_default().to_lowercase()
    };
    let same_name = same(&known_name.first, &name.first) && same(&known_name.last, &name.last);
    Ok(!same_name && known_dob != dob)
}

/// The stored order as a request; it has no patient.
///
/// # Errors
/// When it cannot be read.
pub fn parse_order(stored: &str) -> Result<OrderRequest, Unreadable> {
    read(stored, ORDER)
}

/// Reads a stored image directive.
///
/// # Errors
/// When it cannot be read.
pub fn image(stored: &str) -> Result<Image, Unreadable> {
    read(stored, Unreadable { what: "image directive of an order" })
}

/// Reads anything that [`json`] wrote.
pub(crate) fn read<T: DeserializeOwned>(text: &str, what: Unreadable) -> Result<T, Unreadable> {
    // serde's own error may quote the value.
    serde_json::from_str(text).map_err(|_| what)
}

fn object(text: &str, what: Unreadable) -> Result<Map<String, Value>, Unreadable> {
    read(text, what)
}

fn typed<T: DeserializeOwned>(document: Map<String, Value>, what: Unreadable) -> Result<T, Unreadable> {
    serde_json::from_value(Value::Object(document)).map_err(|_| what)
}
