//! Builds up what a batch writes, decision by decision.
//!
//! A row that several submissions of the batch change is written once, in its final state, against the version with
//! which it was loaded.

use iris_model::result::UrgentFindingNotification;
use iris_model::{Event, Organization, OutcomeKind};
use iris_rules::batches::BatchEntry;
use iris_rules::content::json;
use iris_rules::decide::{Change, Decision};
use iris_rules::deliveries::{DeliveryMessage, DeliveryRecord};
use iris_rules::images::{DirectiveRecord, Effects, ImageRecord};
use iris_rules::incoming::{Answer, Incoming, Source};
use iris_rules::record::{OrderRecord, PatientRecord};
use iris_store::outbox::{Destination, OutboxMessage, seal};
use iris_store::{Commit, OrderHistoryEntry, PatientHistoryEntry, SubmissionEntry};
use iris_telemetry::TraceContext;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Where a row is in the commit.
#[derive(Clone, Copy)]
enum Place {
    New(usize),
    Changed(usize),
}

/// A commit under construction.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) commit: Commit,
    /// The trace context of what is added next.
    pub(super) trace: Option<TraceContext>,
    /// The MessageId that what is added next answers.
    pub(super) answers: Option<Box<str>>,
    messages: Vec<(Destination, OutboxMessage)>,
    patients: HashMap<i64, Place>,
    orders: HashMap<i64, Place>,
    images: HashMap<Uuid, Place>,
}

impl Draft {
    pub(super) fn add(&mut self, incoming: &Incoming, decision: Decision) -> Answer {
        let Decision { changes, events, notifications, answer, known } = decision;
        self.effects(incoming.id, &incoming.organization, Effects { changes, events });
        if let Some(queue) = incoming.organization.events_queue() {
            for notification in &notifications {
                self.message(Destination::Queue(queue.clone()), about_finding(&incoming.organization, notification));
            }
        }
        if let (Source::Message, false, Answer::Done(outcome)) = (incoming.source, known, &answer) {
            self.commit.submissions.push(SubmissionEntry {
                id: incoming.id,
                organization: incoming.organization.client_guid,
                outcome: outcome.clone(),
                body: incoming.body.clone().filter(|_| outcome.kind == OutcomeKind::Failed),
            });
        }
        answer
    }

    /// Adds the effects of `cause`.
    pub(super) fn effects(&mut self, cause: Uuid, organization: &Organization, effects: Effects) {
        let Effects { changes, events } = effects;
        for change in changes {
            if let (Change::NewResult(result), Some(_)) = (&change, &organization.batches) {
                self.commit.batch_entries.push(BatchEntry {
                    organization: organization.client_guid,
                    transaction_id: result.transaction_id,
                    at: result.at,
                    order: result.order,
                    code: result.code,
                });
            }
            self.change(cause, change);
        }
        if let Some(queue) = organization.events_queue().filter(|_| !events.is_empty()) {
            let destination = Destination::Queue(queue);
            events.iter().for_each(|event| self.message(destination.clone(), message(organization, event)));
        }
    }

    fn message(&mut self, destination: Destination, message: OutboxMessage) {
        let answers = self.answers.clone().filter(|_| matches!(destination, Destination::Queue(_)));
        self.messages.push((destination, OutboxMessage { answers, trace: self.trace, ..message }));
    }

    /// The finished commit, including its envelopes.
    pub(super) fn seal(self) -> Commit {
        Commit { envelopes: seal(self.messages), ..self.commit }
    }

    fn change(&mut self, cause: Uuid, change: Change) {
        match change {
            Change::NewGrading(grading) => self.commit.gradings.push(grading),
            Change::NewResult(result) => self.commit.results.push(result),
            Change::NewDelivery(delivery) => {
                self.message(Destination::Deliveries, doorbell(&delivery));
                self.commit.deliveries.push(delivery);
            }
            Change::NewSite(site) => self.commit.sites.push(site),
            Change::NewCamera(camera) => self.commit.cameras.push(camera),
            Change::NewPatient(patient) => {
                self.patients.insert(patient.id, Place::New(self.commit.new_patients.len()));
                self.commit.new_patients.push(patient);
            }
            Change::ChangedPatient { patient, before } => {
                self.commit.patient_history.push(PatientHistoryEntry {
                    patient: patient.id,
                    version: patient.version - 1,
                    submission: cause,
                    details: before,
                });
                self.changed_patient(patient);
            }
            Change::NewOrder(order) => {
                self.orders.insert(order.id, Place::New(self.commit.new_orders.len()));
                self.commit.new_orders.push(order);
            }
            Change::ChangedOrder { order, change, status_before, content_before } => {
                self.commit.order_history.push(OrderHistoryEntry {
                    order: order.id,
                    version: order.version - 1,
                    change,
                    submission: cause,
                    status: status_before,
                    content: content_before,
                });
                self.changed_order(order);
            }
            Change::Directives { order, directives } => {
                self.commit.directives.retain(|directive| directive.order != order);
                self.commit.changed_directives.retain(|(directive, _)| directive.order != order);
                self.commit.directives.extend(directives);
                let is_new = matches!(self.orders.get(&order), Some(Place::New(_)));
                if !is_new && !self.commit.replaced_directives.contains(&order) {
                    self.commit.replaced_directives.push(order);
                }
            }
            Change::ChangedDirective(directive) => self.changed_directive(directive),
            Change::Study { organization, study, order } => self.commit.studies.push((organization, study, order)),
            Change::NewImage(image) => {
                self.images.insert(image.id, Place::New(self.commit.new_images.len()));
                self.commit.new_images.push(image);
            }
            Change::ChangedImage(image) => self.changed_image(image),
        }
    }

    /// A directive that is new in this commit is written in its final state; a stored one is updated.
    fn changed_directive(&mut self, directive: DirectiveRecord) {
        let commit = &mut self.commit;
        let same = |known: &DirectiveRecord| known.order == directive.order && known.ordinal == directive.ordinal;
        let place = commit.directives.iter().position(same);
        let changed = commit.changed_directives.iter_mut().find(|(known, _)| same(known));
        match (place, changed) {
            (Some(place), _) => replace(&mut commit.directives, place, directive),
            (None, Some((changed, _))) => *changed = directive,
            (None, None) => {
                let loaded = directive.version - 1;
                commit.changed_directives.push((directive, loaded));
            }
        }
    }

    fn changed_image(&mut self, image: Arc<ImageRecord>) {
        let commit = &mut self.commit;
        match self.images.get(&image.id) {
            Some(Place::New(place)) => replace(&mut commit.new_images, *place, image),
            Some(Place::Changed(place)) => {
                if let Some((changed, _)) = commit.changed_images.get_mut(*place) {
                    *changed = image;
                }
            }
            None => {
                self.images.insert(image.id, Place::Changed(commit.changed_images.len()));
                let loaded = image.version - 1;
                commit.changed_images.push((image, loaded));
            }
        }
    }

    fn changed_patient(&mut self, patient: Arc<PatientRecord>) {
        let commit = &mut self.commit;
        match self.patients.get(&patient.id) {
            Some(Place::New(place)) => replace(&mut commit.new_patients, *place, patient),
            Some(Place::Changed(place)) => {
                if let Some((changed, _)) = commit.changed_patients.get_mut(*place) {
                    *changed = patient;
                }
            }
            None => {
                self.patients.insert(patient.id, Place::Changed(commit.changed_patients.len()));
                let loaded = patient.version - 1;
                commit.changed_patients.push((patient, loaded));
            }
        }
    }

    fn changed_order(&mut self, mut order: Arc<OrderRecord>) {
        let commit = &mut self.commit;
        match self.orders.get(&order.id) {
            Some(Place::New(place)) => {
                if let (None, Some(new)) = (&order.content, commit.new_orders.get(*place)) {
                    Arc::make_mut(&mut order).content.clone_from(&new.content);
                }
                replace(&mut commit.new_orders, *place, order);
            }
            Some(Place::Changed(place)) => {
                if let Some((changed, _)) = commit.changed_orders.get_mut(*place) {
                    if let (None, Some(content)) = (&order.content, &changed.content) {
                        Arc::make_mut(&mut order).content = Some(content.clone());
                    }
                    *changed = order;
                }
            }
            None => {
                self.orders.insert(order.id, Place::Changed(commit.changed_orders.len()));
                let loaded = order.version - 1;
                commit.changed_orders.push((order, loaded));
            }
        }
    }
}

fn replace<T>(rows: &mut [T], place: usize, row: T) {
    if let Some(old) = rows.get_mut(place) {
        *old = row;
    }
}

/// Events about the same order, or otherwise the same patient, stay in order.
pub(super) fn message(organization: &Organization, event: &Event) -> OutboxMessage {
    let subject = event.order_local_id.as_deref().or(event.patient_local_id.as_deref()).unwrap_or_default();
    OutboxMessage {
        id: event.transaction_id,
        key: format!("{}/{subject}", organization.client_guid),
        body: json(event),
        answers: None,
        trace: None,
    }
}

/// Shares the order's key, so that it stays behind the order's events.
fn about_finding(organization: &Organization, notification: &UrgentFindingNotification) -> OutboxMessage {
    OutboxMessage {
        id: notification.transaction_id,
        key: format!("{}/{}", organization.client_guid, notification.order_local_id),
        body: json(notification),
        answers: None,
        trace: None,
    }
}

/// The first message of a delivery. Messages about the same order stay in order.
fn doorbell(delivery: &DeliveryRecord) -> OutboxMessage {
    let message = DeliveryMessage {
        organization: delivery.slug.clone(),
        transaction_id: delivery.transaction_id,
        destination: delivery.destination.clone(),
        announcement: 0,
    };
    OutboxMessage {
        id: message.id(),
        key: format!("{}/{}", delivery.organization, delivery.order),
        body: json(&message),
        answers: None,
        trace: None,
    }
}
