//! What is known about everything a batch touches.
//!
//! Loaded once per batch, then carried forward in memory: [`Snapshot::apply`] puts each decision into effect, so that
//! the next submission of the batch is decided as if the previous one had been committed.

use crate::decide::{Change, Decision};
use crate::images::{BlobRef, DirectiveRecord, KnownImages};
use crate::incoming::{Answer, Incoming, Outcome, Source};
use crate::record::{CameraRecord, GradingRecord, OrderRecord, OrderRef, PatientRecord, PatientRef, SiteRecord};
use iris_model::{ClientGuid, LocalId};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// The stored state, as far as a batch needs it.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    submissions: HashMap<Uuid, Outcome>,
    sites: HashMap<(ClientGuid, LocalId), SiteRecord>,
    cameras: HashMap<(ClientGuid, LocalId), CameraRecord>,
    patients: HashMap<i64, Arc<PatientRecord>>,
    patient_ids: HashMap<PatientRef, i64>,
    orders: HashMap<i64, Arc<OrderRecord>>,
    current: HashMap<OrderRef, i64>,
    open: HashMap<i64, Vec<i64>>,
    /// Images, directives and studies.
    pub images: KnownImages,
    gradings: HashMap<i64, Vec<Arc<GradingRecord>>>,
    /// The lines and pending rows of the requested drop batch, if it was already committed.
    pub done_batch: Option<DoneBatch>,
}

/// A drop batch that was committed earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneBatch {
    /// Its lines as newline-delimited JSON.
    pub lines: String,
    /// Rows without a line.
    pub pending: Vec<u32>,
}

impl Snapshot {
    /// The outcome of the message with this id, if it was handled before.
    #[must_use]
    pub fn submission(&self, id: Uuid) -> Option<&Outcome> {
        self.submissions.get(&id)
    }

    /// A site that was created from a submission.
    #[must_use]
    pub fn site(&self, organization: ClientGuid, local_id: &LocalId) -> Option<&SiteRecord> {
        self.sites.get(&(organization, local_id.clone()))
    }

    /// A camera that was created from a submission.
    #[must_use]
    pub fn camera(&self, organization: ClientGuid, local_id: &LocalId) -> Option<&CameraRecord> {
        self.cameras.get(&(organization, local_id.clone()))
    }

    /// A patient by key.
    #[must_use]
    pub fn patient(&self, key: &PatientRef) -> Option<&PatientRecord> {
        self.patient_ids.get(key).and_then(|id| self.patients.get(id)).map(Arc::as_ref)
    }

    /// A patient by id.
    #[must_use]
    pub fn patient_by_id(&self, id: i64) -> Option<&PatientRecord> {
        self.patients.get(&id).map(Arc::as_ref)
    }

    /// The current order under a LocalId.
    #[must_use]
    pub fn order(&self, key: &OrderRef) -> Option<&OrderRecord> {
        self.current.get(key).and_then(|id| self.orders.get(id)).map(Arc::as_ref)
    }

    /// An order by id.
    #[must_use]
    pub fn order_by_id(&self, id: i64) -> Option<&OrderRecord> {
        self.orders.get(&id).map(Arc::as_ref)
    }

    /// The directives that name a blob, of orders of its organization.
    #[must_use]
    pub fn directives_of<'a>(&'a self, blob: &BlobRef) -> Vec<&'a DirectiveRecord> {
        let own = |directive: &&DirectiveRecord| {
            self.order_by_id(directive.order).is_some_and(|order| order.key.organization == blob.organization)
        };
        self.images.directives_naming(blob).filter(own).collect()
    }

    /// The orders that named a study.
    #[must_use]
    pub fn orders_of_study(&self, organization: ClientGuid, study: &str) -> Vec<&OrderRecord> {
        let ids = self.images.orders_of_study(organization, study);
        ids.iter().filter_map(|id| self.order_by_id(*id)).collect()
    }

    /// Every order that was loaded or created.
    pub fn orders(&self) -> impl Iterator<Item = &OrderRecord> {
        self.orders.values().map(Arc::as_ref)
    }

    /// Every patient that was loaded or created.
    pub fn patients(&self) -> impl Iterator<Item = &PatientRecord> {
        self.patients.values().map(Arc::as_ref)
    }

    /// The open orders of a patient, oldest id first.
    #[must_use]
    pub fn open_orders(&self, patient: i64) -> Vec<&OrderRecord> {
        let ids = self.open.get(&patient).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|id| self.orders.get(id)).map(Arc::as_ref).collect()
    }

    /// The gradings of an order, oldest first, if the snapshot asked for them.
    #[must_use]
    pub fn gradings(&self, order: i64) -> &[Arc<GradingRecord>] {
        self.gradings.get(&order).map(Vec::as_slice).unwrap_or_default()
    }

    /// Adds a grading as the latest of its order.
    pub fn put_grading(&mut self, grading: impl Into<Arc<GradingRecord>>) {
        let grading = grading.into();
        self.gradings.entry(grading.order).or_default().push(grading);
    }

    /// Adds the record of a message.
    pub fn put_submission(&mut self, id: Uuid, outcome: Outcome) {
        self.submissions.insert(id, outcome);
    }

    /// Adds a site.
    pub fn put_site(&mut self, site: SiteRecord) {
        self.sites.insert((site.organization, site.local_id.clone()), site);
    }

    /// Adds a camera.
    pub fn put_camera(&mut self, camera: CameraRecord) {
        self.cameras.insert((camera.organization, camera.local_id.clone()), camera);
    }

    /// Adds or replaces a patient.
    pub fn put_patient(&mut self, patient: impl Into<Arc<PatientRecord>>) {
        let patient = patient.into();
        self.patient_ids.insert(patient.key.clone(), patient.id);
        self.patients.insert(patient.id, patient);
    }

    /// Adds an order as it is stored. The same version may be added twice, with and without content; the content is
    /// kept. A version without content never replaces a different one that has it: versions and contents must not be
    /// mixed, and saving what is based on an old version fails anyway.
    pub fn put_order(&mut self, order: impl Into<Arc<OrderRecord>>) {
        let order = order.into();
        let known = self.orders.get(&order.id);
        if order.content.is_none() && known.is_some_and(|known| known.content.is_some()) {
            return;
        }
        self.replace_order(order);
    }

    /// Puts a decided change of an order into effect. If it brings no content, the existing content stays.
    fn replace_order(&mut self, mut order: Arc<OrderRecord>) {
        if order.current {
            self.current.insert(order.key.clone(), order.id);
        } else if self.current.get(&order.key) == Some(&order.id) {
            self.current.remove(&order.key);
        }
        let open = self.open.entry(order.patient).or_default();
        let position = open.binary_search(&order.id);
        match (order.status.is_open(), position) {
            (true, Err(place)) => open.insert(place, order.id),
            (false, Ok(place)) => {
                open.remove(place);
            }
            _ => {}
        }
        if order.content.is_none() {
            let known = self.orders.get(&order.id).and_then(|known| known.content.clone());
            if known.is_some() {
                Arc::make_mut(&mut order).content = known;
            }
        }
        self.orders.insert(order.id, order);
    }

    /// Puts a decision into effect.
    pub fn apply(&mut self, incoming: &Incoming, decision: &Decision) {
        for change in &decision.changes {
            self.apply_change(change);
        }
        if let (Source::Message, Answer::Done(outcome)) = (incoming.source, &decision.answer) {
            self.put_submission(incoming.id, outcome.clone());
        }
    }

    /// Puts one change into effect.
    pub fn apply_change(&mut self, change: &Change) {
        match change {
            Change::NewSite(site) => self.put_site(site.clone()),
            Change::NewCamera(camera) => self.put_camera(camera.clone()),
            Change::NewPatient(patient) | Change::ChangedPatient { patient, .. } => {
                self.put_patient(Arc::clone(patient));
            }
            Change::NewOrder(order) | Change::ChangedOrder { order, .. } => self.replace_order(Arc::clone(order)),
            Change::Directives { order, directives } => self.images.put_directives(*order, directives.clone()),
            Change::ChangedDirective(directive) => self.images.put_directive(directive.clone()),
            Change::Study { organization, study, order } => self.images.put_study(*organization, study, *order),
            Change::NewGrading(grading) => self.put_grading(Arc::clone(grading)),
            Change::NewResult(_) | Change::NewDelivery(_) => {}
            Change::NewImage(image) | Change::ChangedImage(image) => self.images.put_image(Arc::clone(image)),
        }
    }
}
