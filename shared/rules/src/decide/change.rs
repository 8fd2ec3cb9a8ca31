//! XO: changing an order (iris-facts; decisions 7, 9).

use super::{Case, Change, Decision};
use crate::content::{self, Unreadable};
use crate::record::{OrderChange, OrderRecord};
use iris_model::enumeration::OrderStatus;
use iris_model::event::EventKind;
use iris_model::request::Patient;
use iris_model::submission::fingerprint;
use iris_model::{Issue, IssueCode, LocalId, OrderRequest, OutcomeKind};
use std::sync::Arc;

/// Changes an order in place, cancels and recreates it, or ignores the change.
pub(super) fn change(
    mut case: Case<'_>,
    request: &OrderRequest,
    local_id: &LocalId,
    sent_site: Option<&LocalId>,
) -> Result<Decision, Unreadable> {
    let Some(order) = case.snapshot.order(&case.order_ref(local_id)) else {
        return Ok(case.unknown_order());
    };
    case.iris_order_id = Some(order.id);
    let patient_local_id = case.patient_of(order);
    let sent_patient_id = std::mem::replace(&mut case.patient_local_id, patient_local_id);
    if !order.is_open() {
        return Ok(case.ignored(
            IssueCode::OrderClosed,
            format!("The order can no longer be changed: its status is {}.", order.status),
        ));
    }
    case.note_immutables(order, request, sent_patient_id.as_deref());

    let stored = order.stored_content()?;
    let mut merged = content::merge_order(stored, request)?;
    let Some((site, state, camera)) = case.new_place(order, request, sent_site) else {
        return Ok(case.failed());
    };
    case.change_patient(order, request.patient.as_ref())?;
    if case.has_errors() {
        return Ok(case.failed());
    }

    let content = content::of_order(&merged);
    let unchanged = content == stored && site == order.site && state == order.state && camera == order.camera;
    if unchanged && case.changes.is_empty() {
        return Ok(case.succeeded(OutcomeKind::Replayed));
    }
    merged.patient = case.patient_after(order)?;
    let moved = site != order.site || state != order.state || camera != order.camera;
    let has_images = order.images > 0 || order.status != OrderStatus::AwaitingImages;
    let changed =
        OrderRecord { site, state, camera, fingerprint: fingerprint(&merged), content: Some(content), ..order.clone() };
    if moved && has_images {
        case.recreate(order, changed, &merged);
    } else {
        case.change_in_place(order, changed, request);
    }
    Ok(case.succeeded(OutcomeKind::Changed))
}

impl Case<'_> {
    /// Ignores attempts to change what cannot be changed, with a warning (iris-facts R-15).
    fn note_immutables(&mut self, order: &OrderRecord, request: &OrderRequest, sent_patient_id: Option<&str>) {
        let mut sent_types = request.order.as_ref().map(|sent| sent.evaluation_types.clone()).unwrap_or_default();
        sent_types.sort_unstable();
        sent_types.dedup();
        if !sent_types.is_empty() && sent_types != order.evaluation_types {
            self.issues.push(immutable("Order.EvaluationTypes"));
        }
        if sent_patient_id.is_some() && sent_patient_id != self.patient_local_id.as_deref() {
            self.issues.push(immutable("Patient.LocalId"));
        }
    }

    /// Site, state and camera after the change. `None`: an issue was recorded.
    fn new_place(
        &mut self,
        order: &OrderRecord,
        request: &OrderRequest,
        sent_site: Option<&LocalId>,
    ) -> Option<(LocalId, String, Option<LocalId>)> {
        let site = sent_site.unwrap_or(&order.site);
        let moved = *site != order.site;
        let site_state = if moved { self.site_state(site, request.site.as_ref()) } else { None };
        let sent_state = request.order.as_ref().and_then(|sent| sent.state.clone());
        let state = match sent_state.or(site_state) {
            None if moved => {
                if !self.has_errors() {
                    self.no_state();
                }
                return None;
            }
            state => state.unwrap_or_else(|| order.state.clone()),
        };
        let sent_camera = request.camera.as_ref().and_then(|camera| camera.local_id.as_deref()).and_then(LocalId::new);
        let camera = sent_camera.or_else(|| order.camera.clone());
        if let Some(camera) = camera.as_ref().filter(|camera| moved || order.camera.as_ref() != Some(*camera)) {
            self.check_camera(camera, site, request.camera.as_ref());
        }
        (!self.has_errors()).then(|| (site.clone(), state, camera))
    }

    fn change_patient(&mut self, order: &OrderRecord, sent: Option<&Patient>) -> Result<(), Unreadable> {
        match (self.snapshot.patient_by_id(order.patient), sent) {
            (Some(known), Some(sent)) => self.update_patient(known, sent),
            _ => Ok(()),
        }
    }

    /// The order's patient as it will be stored.
    fn patient_after(&self, order: &OrderRecord) -> Result<Option<Patient>, Unreadable> {
        let changed = self.changes.iter().find_map(|change| match change {
            Change::ChangedPatient { patient, .. } => Some(patient.details.as_str()),
            _ => None,
        });
        let details =
            changed.or_else(|| self.snapshot.patient_by_id(order.patient).map(|known| known.details.as_str()));
        details.map(|details| content::merge_patient(details, &Patient::default())).transpose()
    }

    fn change_in_place(&mut self, order: &OrderRecord, mut changed: OrderRecord, request: &OrderRequest) {
        changed.version += 1;
        self.store_directives(order.id, request);
        self.store_study(order.id, request);
        self.changes.push(Change::ChangedOrder {
            order: Arc::new(changed),
            change: OrderChange::Changed,
            status_before: order.status,
            content_before: order.content.clone(),
        });
    }

    /// Its images belong to the exam as it was originally ordered, so the old order is canceled and a new one takes
    /// over its LocalId.
    fn recreate(&mut self, order: &OrderRecord, changed: OrderRecord, merged: &OrderRequest) {
        self.close_order(order, OrderChange::Recreated, false);
        self.order_event(EventKind::OrderCancelled, order, self.patient_local_id.clone());
        let anew = OrderRecord {
            id: self.ids.order,
            current: true,
            status: OrderStatus::AwaitingImages,
            scope: self.organization.open_order_scope,
            images: 0,
            version: 1,
            created_at: self.now,
            ..changed
        };
        let id = anew.id;
        self.iris_order_id = Some(id);
        self.order_event(EventKind::OrderCreationReceipt, &anew, self.patient_local_id.clone());
        self.changes.push(Change::NewOrder(Arc::new(anew)));
        self.store_directives(id, merged);
        self.store_study(id, merged);
    }
}

fn immutable(path: &'static str) -> Issue {
    Issue::warning(IssueCode::ImmutableValue, path, "This cannot be changed by XO; the stored value stays.")
}
