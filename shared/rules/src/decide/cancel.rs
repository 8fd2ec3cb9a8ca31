//! CA (iris-facts; decisions 8, 9).

use super::{Case, Decision};
use crate::record::OrderChange;
use iris_model::{IssueCode, LocalId, OutcomeKind};

/// Cancels an order that is open and not graded.
pub(super) fn cancel(mut case: Case<'_>, local_id: &LocalId) -> Decision {
    let Some(order) = case.snapshot.order(&case.order_ref(local_id)) else {
        return case.unknown_order();
    };
    case.iris_order_id = Some(order.id);
    case.patient_local_id = case.patient_of(order);
    if !order.is_open() {
        return case.ignored(
            IssueCode::OrderClosed,
            format!("The order can no longer be cancelled: its status is {}.", order.status),
        );
    }
    case.close_order(order, OrderChange::Cancelled, true);
    case.succeeded(OutcomeKind::Cancelled)
}
