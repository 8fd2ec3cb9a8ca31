//! NW: a new order (iris-facts §1.4, R-06 to R-08; decisions 1 to 4).

use super::{Case, Change, Decision, patient_ref};
use crate::content::{self, Unreadable};
use crate::record::{OrderChange, OrderRecord};
use iris_model::enumeration::OrderStatus;
use iris_model::event::EventKind;
use iris_model::organization::{OpenOrderPolicy, OpenOrderScope};
use iris_model::submission::{NewOrder, PatientKey, fingerprint};
use iris_model::{EvaluationType, Issue, IssueCode, LocalId, OrderRequest, OutcomeKind};
use std::sync::Arc;

/// Creates an order, recognizes a replay, or refuses the request.
pub(super) fn create(
    mut case: Case<'_>,
    request: &OrderRequest,
    site: &LocalId,
    patient: &PatientKey,
    order: &NewOrder,
) -> Result<Decision, Unreadable> {
    let snapshot = case.snapshot;
    let fingerprint = fingerprint(request);
    let key = case.order_ref(&order.local_id);
    let namesake = snapshot.order(&key);
    if let Some(existing) = namesake.filter(|existing| existing.status != OrderStatus::OrderCancelled) {
        case.iris_order_id = Some(existing.id);
        if existing.fingerprint == fingerprint {
            return Ok(case.succeeded(OutcomeKind::Replayed));
        }
        if existing.is_open() {
            case.issues.push(order_exists());
            return Ok(case.failed());
        }
        case.iris_order_id = None;
    }

    let site_state = case.site_state(site, request.site.as_ref());
    let state = order.state.clone().or(site_state);
    if state.is_none() && !case.has_errors() {
        case.no_state();
    }
    if let Some(camera) = &order.camera {
        case.check_camera(camera, site, request.camera.as_ref());
    }
    let patient_key = patient_ref(case.organization, site, &patient.local_id);
    let patient = case.patient(&patient_key, patient, request.patient.as_ref())?;
    let in_the_way = patient.map(|patient| in_the_way(&case, patient, &order.evaluation_types)).unwrap_or_default();
    case.check_supersession(&in_the_way);
    let (Some(state), Some(patient), false) = (state, patient, case.has_errors()) else {
        return Ok(case.failed());
    };

    for older in in_the_way {
        case.issues.push(superseded(&older.key.local_id));
        case.close_order(older, OrderChange::Superseded, true);
        let patient_local_id = case.patient_of(older).or_else(|| case.patient_local_id.clone());
        case.order_event(EventKind::OrderCancelled, older, patient_local_id);
    }
    if let Some(namesake) = namesake {
        case.close_order(namesake, OrderChange::Retired, false);
    }
    let record = OrderRecord {
        id: case.ids.order,
        key,
        current: true,
        patient,
        site: site.clone(),
        state,
        camera: order.camera.clone(),
        evaluation_types: order.evaluation_types.clone(),
        status: OrderStatus::AwaitingImages,
        scope: case.organization.open_order_scope,
        images: 0,
        fingerprint,
        content: Some(content::of_order(request)),
        version: 1,
        created_at: case.now,
    };
    case.iris_order_id = Some(record.id);
    let id = record.id;
    case.changes.push(Change::NewOrder(Arc::new(record)));
    case.store_directives(id, request);
    case.store_study(id, request);
    Ok(case.succeeded(OutcomeKind::Created))
}

/// The open orders that conflict with a new one of these evaluation types (decision 1).
fn in_the_way<'a>(case: &Case<'a>, patient: i64, evaluation_types: &[EvaluationType]) -> Vec<&'a OrderRecord> {
    let mut open = case.snapshot.open_orders(patient);
    if case.organization.open_order_scope == OpenOrderScope::PatientAndEvaluation {
        open.retain(|order| order.evaluation_types.iter().any(|kind| evaluation_types.contains(kind)));
    }
    open
}

impl Case<'_> {
    /// An older open order is superseded only if the organization allows that, and never once it has reached the
    /// grading queue (decision 3).
    fn check_supersession(&mut self, in_the_way: &[&OrderRecord]) {
        for older in in_the_way {
            let reason = if self.organization.open_order_policy == OpenOrderPolicy::Reject {
                "Cancel it (CA) first."
            } else if !older.status.is_before_grading() {
                "It is already in grading; wait for its result."
            } else {
                continue;
            };
            self.issues.push(Issue::error(
                IssueCode::OpenOrder,
                "Order",
                format!("The patient has an open order, {}. {reason}", older.key.local_id),
            ));
        }
    }
}

fn order_exists() -> Issue {
    Issue::error(
        IssueCode::OrderExists,
        "Order.LocalId",
        "An open order has this LocalId but other content. To change it send XO; for another order use another \
         LocalId.",
    )
}

/// The text before and after the order's id in the warning that it was superseded.
const SUPERSEDED: (&str, &str) = ("The patient's open order ", " was cancelled: this one takes its place.");

fn superseded(order: &LocalId) -> Issue {
    let (before, behind) = SUPERSEDED;
    Issue::warning(IssueCode::Superseded, "Order.LocalId", format!("{before}{order}{behind}"))
}

/// The LocalId of the superseded order in such a warning, for callers that can add more about it.
#[must_use]
pub fn superseded_order(issue: &Issue) -> Option<&str> {
    let (before, behind) = SUPERSEDED;
    issue.message.strip_prefix(before)?.strip_suffix(behind).filter(|_| issue.code == IssueCode::Superseded)
}
