//! Synthetic submissions.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "test material, also used by an example"
)]

use iris_model::enumeration::OrderControlCode;
use iris_model::request::{Address, BlobLocation, Camera, Image, Name, Order, Patient, Site};
use iris_model::submission::{Demographics, NewOrder, PatientKey};
use iris_model::{Action, ClientGuid, EvaluationType, LocalId, OrderRequest, Organization, Submission};
use iris_rules::{Incoming, Source};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use std::sync::Arc;
use uuid::Uuid;

pub fn organization() -> Organization {
    let document = r#"{
        "slug": "acme", "name": "Acme Eye Care", "clientGuid": "11111111-2222-3333-4444-555555555555",
        "evaluationTypes": ["DR", "AMD"],
        "sites": [
            {"localId": "S1", "name": "North", "address": {"state": "TX"}},
            {"localId": "S2", "name": "South", "address": {"state": "OK"}},
            {"localId": "S0", "name": "Stateless"}
        ],
        "cameras": [{"localId": "C1", "site": "S1"}, {"localId": "C2", "site": "S2"}]
    }"#;
    serde_json::from_str(document).unwrap()
}

pub fn other_organization(number: u128) -> Organization {
    let mut organization = organization();
    organization.client_guid = ClientGuid(Uuid::from_u128(number));
    organization.slug = iris_model::Slug::new(&format!("org-{number}")).unwrap();
    organization
}

pub fn local(text: &str) -> LocalId {
    LocalId::new(text).unwrap()
}

/// An order request under construction.
#[derive(Debug, Clone)]
pub struct Request {
    pub code: OrderControlCode,
    pub request: OrderRequest,
}

pub fn patient(local_id: &str) -> Patient {
    Patient {
        local_id: Some(local_id.to_owned()),
        name: Some(Name { first: Some("Test".into()), last: Some(format!("Synthetic-{local_id}")), ..Name::default() }),
        dob: Some(date(1960, 5, 17)),
        ..Patient::default()
    }
}

/// NW of `order` for `patient` at site S1.
pub fn new_order(order: &str, patient_id: &str) -> Request {
    let request = OrderRequest {
        version: Some("2.3.1".into()),
        site: Some(Site { local_id: Some("S1".into()), ..Site::default() }),
        order: Some(Order {
            local_id: Some(order.to_owned()),
            evaluation_types: vec![EvaluationType::Dr],
            ..Order::default()
        }),
        patient: Some(patient(patient_id)),
        ..OrderRequest::default()
    };
    Request { code: OrderControlCode::NewOrder, request }
}

/// A patient without an order, at site S1.
pub fn register(patient_id: &str) -> Request {
    let mut request = new_order("-", patient_id);
    request.request.order = None;
    request
}

/// XO of `order`, with nothing else.
pub fn change(order: &str) -> Request {
    let order = Order { local_id: Some(order.to_owned()), ..Order::default() };
    Request { code: OrderControlCode::Change, request: OrderRequest { order: Some(order), ..OrderRequest::default() } }
}

pub fn cancel(order: &str) -> Request {
    Request { code: OrderControlCode::Cancel, ..change(order) }
}

pub fn resend(order: &str) -> Request {
    Request { code: OrderControlCode::ResendResult, ..change(order) }
}

impl Request {
    fn order(&mut self) -> &mut Order {
        self.request.order.get_or_insert_default()
    }

    pub fn site(mut self, local_id: &str) -> Self {
        self.request.site = Some(Site { local_id: Some(local_id.to_owned()), ..Site::default() });
        self
    }

    pub fn new_site(mut self, local_id: &str, name: &str, state: &str) -> Self {
        let address = Address { state: Some(state.to_owned()), ..Address::default() };
        self.request.site =
            Some(Site { local_id: Some(local_id.to_owned()), name: Some(name.to_owned()), address: Some(address) });
        self
    }

    pub fn state(mut self, state: &str) -> Self {
        self.order().state = Some(state.to_owned());
        self
    }

    pub fn evaluations(mut self, types: &[EvaluationType]) -> Self {
        self.order().evaluation_types = types.to_vec();
        self
    }

    pub fn info(mut self, text: &str) -> Self {
        self.order().additional_info = Some(text.to_owned());
        self
    }

    pub fn camera(mut self, local_id: &str) -> Self {
        self.request.camera.get_or_insert_with(Camera::default).local_id = Some(local_id.to_owned());
        self
    }

    pub fn image(mut self, file_name: &str) -> Self {
        let place = BlobLocation { container: Some("acme-images".into()), file_name: Some(file_name.to_owned()) };
        let image = Image { azure_blob_storage: Some(place), ..Image::default() };
        self.request.camera.get_or_insert_with(Camera::default).images.push(image);
        self
    }

    pub fn person(mut self, first: &str, last: &str, dob: Date) -> Self {
        let patient = self.request.patient.get_or_insert_with(Patient::default);
        patient.name = Some(Name { first: Some(first.to_owned()), last: Some(last.to_owned()), ..Name::default() });
        patient.dob = Some(dob);
        self
    }

    pub fn patient_id(mut self, local_id: &str) -> Self {
        self.request.patient.get_or_insert_with(Patient::default).local_id = Some(local_id.to_owned());
        self
    }

    /// Names the patient without demographics.
    pub fn known_patient(mut self, local_id: &str) -> Self {
        self.request.patient = Some(Patient { local_id: Some(local_id.to_owned()), ..Patient::default() });
        self
    }

    pub fn submission(mut self) -> Submission {
        self.request.order_control_code = Some(self.code);
        let request = self.request;
        let site = request.site.as_ref().and_then(|site| site.local_id.as_deref()).map(local);
        let order_id = request.order.as_ref().and_then(|order| order.local_id.as_deref()).map(local);
        let patient = request.patient.as_ref().map(|patient| PatientKey {
            local_id: local(patient.local_id.as_deref().unwrap_or("?")),
            demographics: match (&patient.name, patient.dob) {
                (Some(name), Some(dob)) => Some(Demographics { name: name.clone(), dob }),
                _ => None,
            },
        });
        let action = match (self.code, order_id) {
            (OrderControlCode::NewOrder, None) => {
                Action::RegisterPatient { site: site.unwrap(), patient: patient.unwrap() }
            }
            (OrderControlCode::NewOrder, Some(local_id)) => {
                let order = request.order.as_ref().unwrap();
                let camera = request.camera.as_ref().and_then(|camera| camera.local_id.as_deref()).map(local);
                let mut evaluation_types = order.evaluation_types.clone();
                evaluation_types.sort_unstable();
                evaluation_types.dedup();
                let order = NewOrder { local_id, evaluation_types, state: order.state.clone(), camera };
                Action::Create { site: site.unwrap(), patient: patient.unwrap(), order }
            }
            (OrderControlCode::Change, Some(order)) => Action::Change { order, site },
            (OrderControlCode::Cancel, Some(order)) => Action::Cancel { order },
            (_, order) => Action::ResendResult { order: order.unwrap() },
        };
        Submission { action, request, warnings: Vec::new() }
    }

    /// The request as a message with this id.
    pub fn message(self, organization: &Arc<Organization>, id: u128) -> Incoming {
        let id = Uuid::from_u128(id);
        let now = Timestamp::now();
        Incoming {
            id,
            message_id: Some(format!("message {id}").into()),
            organization: Arc::clone(organization),
            received_at: now,
            first_seen: now,
            source: Source::Message,
            request: Ok(self.submission()),
            body: Some(Arc::from(&b"{}"[..])),
        }
    }

    /// The request as a row of a drop.
    pub fn row(self, organization: &Arc<Organization>, drop: Uuid, row: u32) -> Incoming {
        Incoming {
            id: iris_rules::incoming::row_id(drop, row),
            message_id: None,
            source: Source::Row,
            body: None,
            ..self.message(organization, 0)
        }
    }
}

/// First seen so long ago that it no longer waits for late parents.
pub fn out_of_patience(mut incoming: Incoming) -> Incoming {
    incoming.first_seen = Timestamp::from_second(0).unwrap();
    incoming
}
