//! The canonical JSON that is stored, and how later submissions change it.
//!
//! What a later submission *sends* replaces what is stored; what it does not send stays. The sections that identify somebody or something
//! (site, camera, providers, health plan) are replaced as a whole, so that no provider ends up with the name of one and the NPI of
//! another; `Order` and `Patient` are replaced property by property. Image directives stay when a camera is sent without any.

use iris_model::OrderRequest;
use iris_model::request::{Camera, HealthPlan, Image, Order, Patient, Provider, Site};
use iris_model::submission::Demographics;
use serde::Serialize;
use serde_json::{Map, Value};

/// The request as stored with its order: without the patient, who is stored apart, and without what only concerns the message.
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

/// What is stored with the order.
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

/// What is stored with the patient.
#[must_use]
pub fn of_patient(patient: &Patient) -> String {
    json(patient)
}

/// A value as JSON. The wire types always serialize; an empty object stands in should that ever change.
#[must_use]
pub fn json<T: Serialize>(value: &T) -> String {
    // Most documents fit without growing: growing costs more than what is left over.
    let mut buffer = Vec::with_capacity(768);
    match serde_json::to_writer(&mut buffer, value) {
        Ok(()) => String::from_utf8(buffer).unwrap_or_else(|_| String::from("{}")),
        Err(_) => String::from("{}"),
    }
}

/// The stored patient with what was sent put over it. The LocalId stays.
#[must_use]
pub fn merge_patient(stored: &str, sent: &Patient) -> Patient {
    let mut base = object(stored);
    let local_id = base.get("LocalId").cloned();
    base.extend(object(&json(sent)));
    if let Some(local_id) = local_id {
        base.insert(String::from("LocalId"), local_id);
    }
    parse(Map::from_iter([(String::from("Patient"), Value::Object(base))])).patient.unwrap_or_else(|| sent.clone())
}

/// The stored order with what a change sends put over it. Order.LocalId and EvaluationTypes stay (iris-facts R-15); the result has no
/// patient.
#[must_use]
pub fn merge_order(stored: &str, sent: &OrderRequest) -> OrderRequest {
    let mut base = object(stored);
    for (section, value) in object(&of_order(sent)) {
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
    parse(base)
}

/// What was submitted, put together again: a stored order with its stored patient.
#[must_use]
pub fn whole(order: &str, patient: &str) -> OrderRequest {
    let mut document = object(order);
    document.insert(String::from("Patient"), Value::Object(object(patient)));
    parse(document)
}

/// True when name *and* birth date differ from the patient on record (decision 6): then it is probably another person.
#[must_use]
pub fn contradicts(stored: &str, sent: &Demographics) -> bool {
    let known =
        parse(Map::from_iter([(String::from("Patient"), Value::Object(object(stored)))])).patient.unwrap_or_default();
    let (Some(name), Some(dob)) = (known.name, known.dob) else { return false };
    let same = |left: &Option<String>, right: &Option<String>| {
        left.as_deref().unwrap_or_default().to_lowercase() == right.as_deref().unwrap_or_default().to_lowercase()
    };
    let same_name = same(&name.first, &sent.name.first) && same(&name.last, &sent.name.last);
    !same_name && dob != sent.dob
}

/// The stored order as a request; it has no patient.
#[must_use]
pub fn parse_order(stored: &str) -> OrderRequest {
    parse(object(stored))
}

/// A stored image directive.
#[must_use]
pub fn image(stored: &str) -> Image {
    let camera = Map::from_iter([(String::from("Images"), Value::Array(vec![Value::Object(object(stored))]))]);
    let request = parse(Map::from_iter([(String::from("Camera"), Value::Object(camera))]));
    request.camera.and_then(|camera| camera.images.into_iter().next()).unwrap_or_default()
}

fn object(text: &str) -> Map<String, Value> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn parse(document: Map<String, Value>) -> OrderRequest {
    OrderRequest::parse(Value::Object(document).to_string().as_bytes()).map(|parsed| parsed.request).unwrap_or_default()
}
