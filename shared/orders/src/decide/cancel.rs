//! CA and ResendResult (iris-facts; decisions 8, 9).

use super::{Case, Decision};
use crate::record::OrderChange;
use iris_model::{Issue, IssueCode, LocalId, OutcomeKind};

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

/// Asks for a result again. An unknown order is reported at once: it cannot have a result.
pub(super) fn resend(mut case: Case<'_>, local_id: &LocalId) -> Decision {
    match case.snapshot.order(&case.order_ref(local_id)) {
        None => case.issues.push(super::unknown_order()),
        Some(order) => {
            case.iris_order_id = Some(order.id);
            case.patient_local_id = case.patient_of(order);
            case.issues.push(Issue::error(
                IssueCode::NoResultYet,
                "Order.LocalId",
                format!("There is no result to send again: the order's status is {}.", order.status),
            ));
        }
    }
    case.failed()
}
