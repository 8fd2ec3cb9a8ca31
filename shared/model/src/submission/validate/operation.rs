//! What is asked, and whether everything it needs is there (iris-facts §2.9; decisions 4, 5).

use super::{Review, place};
use crate::request::{Order, Patient, Site};
use crate::submission::{Action, Demographics, NewOrder, PatientKey};
use crate::{EvaluationType, IssueCode, LocalId, OrderControlCode, OrderRequest};

const FIRST_NAME: &str = "The patient's first name is needed. For a patient already registered, the LocalId without name, birth date and gender will do.";
const LAST_NAME: &str = "The patient's last name is needed. For a patient already registered, the LocalId without name, birth date and gender will do.";
const GENDER: &str = "The patient's gender is needed: at least one entry, e.g. BirthGender F, or U if it is not known.";
const NOTHING: &str =
    "There is neither an order nor a patient. Send a Patient, and an Order unless only the patient is registered.";
const ONLY_AN_ID: &str = "There is a patient's id and nothing else. To register a patient send first and last name, birth date and gender; to order an exam for a patient already registered send the order's LocalId.";
const CHANGE: &str = "A change names the order it is about. To update a patient alone, send NW without Order.";

/// The operation asked for; `None` means that an issue says why there is none. Completes the request with derived
/// values: order id, default evaluation type.
pub(super) fn action(review: &mut Review<'_>) -> Option<Action> {
    use OrderControlCode as Code;
    match review.operation()? {
        Code::NewOrder if is_without_order(review) => register(review),
        Code::NewOrder => create(review),
        Code::Change | Code::ChangeRequest => {
            let order = order_id(review, CHANGE);
            let site = place::site_id(review);
            Some(Action::Change { order: order?, site })
        }
        Code::Cancel | Code::CancelRequest => {
            let order = order_id(review, "A cancellation names the order it is about.");
            only_the_order(review);
            Some(Action::Cancel { order: order? })
        }
        Code::ResendResult => {
            let order = order_id(review, "ResendResult names the order whose result is wanted.");
            only_the_order(review);
            Some(Action::ResendResult { order: order? })
        }
        _ => None,
    }
}

/// No order, or an empty one: the published clients always send `SingleEyeOnly: false` (iris-facts §2.10), and a row
/// without an order may still have `false` in columns about orders.
fn is_without_order(review: &Review<'_>) -> bool {
    // An order that could not be read is not the same as no order.
    let says_nothing = match &review.request.order {
        None => true,
        Some(order) if order.local_id.is_some() => false,
        Some(order) => {
            let unsaid = |flag: Option<bool>| flag.filter(|set| *set);
            let flags = (unsaid(order.single_eye_only), unsaid(order.urgent));
            Order { single_eye_only: flags.0, urgent: flags.1, ..order.clone() } == Order::default()
        }
    };
    says_nothing && !review.has_error_at("Order")
}

fn register(review: &mut Review<'_>) -> Option<Action> {
    if review.request.patient.is_none() {
        review.missing("Patient", NOTHING);
    }
    review.request.order = None;
    let site = site(review);
    let patient = patient(review, true);
    Some(Action::RegisterPatient { site: site?, patient: patient? })
}

fn create(review: &mut Review<'_>) -> Option<Action> {
    if let Some(derived) = review.context.origin.derived_order_id.clone() {
        let order = review.request.order.get_or_insert_default();
        order.local_id.get_or_insert_with(|| derived.as_str().to_owned());
    }
    let site = site(review);
    let patient = patient(review, false);
    let local_id =
        order_id(review, "A new order carries an id of yours: events, changes and cancellations refer to it.");
    let evaluation_types = evaluation_types(review);
    place::order_state(review);
    let state = review.request.order.as_ref().and_then(|order| order.state.clone());
    let camera = place::camera_id(review);
    let order = NewOrder { local_id: local_id?, evaluation_types, state, camera };
    Some(Action::Create { site: site?, patient: patient?, order })
}

fn site(review: &mut Review<'_>) -> Option<LocalId> {
    if review.request.site.as_ref().is_none_or(|site| site.local_id.is_none()) {
        review.missing("Site.LocalId", "Say at which site the exam takes place: send the site's LocalId.");
    }
    place::site_id(review)
}

fn order_id(review: &mut Review<'_>, message: &'static str) -> Option<LocalId> {
    let sent = review.request.order.as_ref().and_then(|order| order.local_id.as_deref());
    let id = sent.and_then(LocalId::new);
    if sent.is_none() {
        review.missing("Order.LocalId", message);
    }
    id
}

/// The types sent; an organization with a single type need not send one. Each has to be subscribed (iris-facts R-18).
/// Which of several exams is wanted is never guessed: a wrong guess is an exam that somebody has to repeat.
fn evaluation_types(review: &mut Review<'_>) -> Vec<EvaluationType> {
    let organization = review.context.organization;
    let order = review.request.order.get_or_insert_default();
    if let ([], [only]) = (order.evaluation_types.as_slice(), organization.evaluation_types.as_slice()) {
        order.evaluation_types.push(*only);
    }
    let types = order.evaluation_types.clone();
    if types.is_empty() {
        review.missing(
            "Order.EvaluationTypes",
            "Say which exam is ordered, DR for example: the organization subscribes to several. The mapping of a file \
             may set a default.",
        );
    }
    let refused: Vec<&str> =
        types.iter().filter(|kind| !organization.evaluation_types.contains(kind)).map(|kind| kind.code()).collect();
    if !refused.is_empty() {
        let subscribed: Vec<&str> = organization.evaluation_types.iter().map(|kind| kind.code()).collect();
        let message = format!(
            "The organization does not subscribe to {}. Use one of {}.",
            refused.join(", "),
            subscribed.join(", ")
        );
        review.error(IssueCode::EvaluationNotSubscribed, "Order.EvaluationTypes", message);
    }
    types
}

/// The patient. A LocalId alone refers to a known patient; as soon as a name, birth date or gender is sent, all of them
/// are needed (iris-facts R-19; decision 5).
fn patient(review: &mut Review<'_>, demographics_needed: bool) -> Option<PatientKey> {
    let sent = review.request.patient.take();
    let key = patient_key(review, sent.as_ref().unwrap_or(&Patient::default()), demographics_needed);
    review.request.patient = sent;
    key
}

fn patient_key(review: &mut Review<'_>, patient: &Patient, demographics_needed: bool) -> Option<PatientKey> {
    if patient.local_id.is_none() {
        review.missing("Patient.LocalId", "A patient carries an id of yours, e.g. the medical record number.");
    }
    let local_id = patient.local_id.as_deref().and_then(LocalId::new);
    let sent = patient.name.is_some() || patient.dob.is_some() || !patient.genders.is_empty();
    let unreadable = ["Patient.Name", "Patient.Dob", "Patient.Genders"].iter().any(|path| review.has_error_at(path));
    if !(sent || unreadable || demographics_needed) {
        return Some(PatientKey { local_id: local_id?, demographics: None });
    }
    if !(sent || unreadable) && patient.local_id.is_some() {
        review.missing("Patient", ONLY_AN_ID);
        return None;
    }
    let demographics = demographics(review, patient)?;
    Some(PatientKey { local_id: local_id?, demographics: Some(demographics) })
}

fn demographics(review: &mut Review<'_>, patient: &Patient) -> Option<Demographics> {
    let name = patient.name.clone().unwrap_or_default();
    if name.first.is_none() {
        review.missing("Patient.Name.First", FIRST_NAME);
    }
    if name.last.is_none() {
        review.missing("Patient.Name.Last", LAST_NAME);
    }
    if patient.dob.is_none() {
        review.missing("Patient.Dob", "The patient's birth date is needed, as yyyy-MM-dd or M/d/yyyy.");
    }
    if patient.genders.is_empty() {
        review.missing("Patient.Genders", GENDER);
    }
    let complete = name.first.is_some() && name.last.is_some();
    Some(Demographics { name, dob: patient.dob? }).filter(|_| complete)
}

/// Keeps only what cancelling and resending look at, and forgives errors in the rest.
fn only_the_order(review: &mut Review<'_>) {
    review.relax(&["Version", "ClientGuid", "OrderControlCode", "Order.LocalId"]);
    let sent = std::mem::take(&mut review.request);
    let local_id = |id: Option<String>| id.filter(|id| LocalId::new(id).is_some());
    review.request = OrderRequest {
        version: sent.version,
        client_guid: sent.client_guid,
        user_name_submitting: sent.user_name_submitting.filter(|name| super::text::is_email_sized(name)),
        order_control_code: sent.order_control_code,
        site: local_id(sent.site.and_then(|site| site.local_id))
            .map(|id| Site { local_id: Some(id), ..Site::default() }),
        order: sent.order.map(|order| Order { local_id: order.local_id, ..Order::default() }),
        patient: local_id(sent.patient.and_then(|patient| patient.local_id))
            .map(|id| Patient { local_id: Some(id), ..Patient::default() }),
        ..OrderRequest::default()
    };
}
