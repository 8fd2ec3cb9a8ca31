//! The events that tell submitters the outcome of their submissions (iris-facts §4; decisions 5, 7, 8).

use super::Case;
use crate::incoming::Requested;
use crate::record::OrderRecord;
use iris_model::event::{Event, EventKind};
use iris_model::{DateTimeOffset, Issue, IssueCode};
use uuid::Uuid;

const MESSAGE_LIMIT: usize = 2_000;
/// The most warnings an event carries.
const WARNING_LIMIT: usize = 20;

impl Case<'_> {
    /// Adds the event that answers the submission as a whole, if one is due.
    pub(super) fn receipt(&mut self, success: bool) {
        let kind = match self.requested {
            Requested::Order => EventKind::OrderCreationReceipt,
            Requested::Patient => EventKind::PatientReceipt,
            Requested::Change => EventKind::OrderChangeReceipt,
            Requested::Cancellation if success => EventKind::OrderCancelled,
            Requested::Cancellation => EventKind::OrderCancelReceipt,
            Requested::Resend => EventKind::ResendReceipt,
            Requested::Image => EventKind::ImageReceipt,
            Requested::Grading => EventKind::GradingReceipt,
        };
        let switched_off = match kind {
            EventKind::OrderChangeReceipt => !self.organization.change_receipts,
            EventKind::OrderCancelReceipt => !self.organization.cancel_receipts,
            _ => false,
        };
        if switched_off || (!success && self.issues.iter().any(is_about_the_sender)) {
            return;
        }
        let event = Event {
            image_local_id: self.image_local_id.clone(),
            iris_order_id: self.iris_order_id,
            order_local_id: self.order_local_id.clone(),
            patient_local_id: self.patient_local_id.clone(),
            iris_patient_id: if kind == EventKind::PatientReceipt { self.iris_patient_id } else { None },
            success,
            error_message: (!success).then(|| error_message(&self.issues)),
            warnings: if success { warnings(&self.issues) } else { Vec::new() },
            ..self.event(kind, self.iris_order_id)
        };
        self.events.push(event);
    }

    /// Adds an event about one order.
    pub(super) fn order_event(&mut self, kind: EventKind, order: &OrderRecord, patient_local_id: Option<String>) {
        self.events.push(Event {
            iris_order_id: Some(order.id),
            order_local_id: Some(order.key.local_id.to_string()),
            patient_local_id,
            ..self.event(kind, Some(order.id))
        });
    }

    fn event(&self, kind: EventKind, order: Option<i64>) -> Event {
        Event::of(kind, self.transaction_id(kind, order), DateTimeOffset::utc(self.now))
    }

    /// Stable over redelivery: depends only on the submission, the kind of event and the order.
    fn transaction_id(&self, kind: EventKind, order: Option<i64>) -> Uuid {
        self.message_id(kind.as_str(), order)
    }

    /// The same for any kind of message.
    pub(super) fn message_id(&self, kind: &str, order: Option<i64>) -> Uuid {
        let name = format!("{kind}/{}", order.unwrap_or_default());
        Uuid::new_v5(&self.incoming.id, name.as_bytes())
    }
}

/// A submission that does not carry the ClientGuid of its entry is not answered at all (iris-facts R-01, decision 11).
fn is_about_the_sender(issue: &Issue) -> bool {
    issue.is_error()
        && (matches!(issue.code, IssueCode::WrongOrganization | IssueCode::UnknownOrganization)
            || issue.path == "ClientGuid")
}

/// Issues that did not stop the submission but deserve a look.
fn warnings(issues: &[Issue]) -> Vec<String> {
    issues.iter().filter(|issue| !issue.is_error()).take(WARNING_LIMIT).map(told).collect()
}

/// An issue as events word it.
fn told(issue: &Issue) -> String {
    let place = if issue.path.is_empty() { String::new() } else { format!("{}: ", issue.path) };
    format!("[{}] {place}{}", issue.code, issue.message)
}

fn error_message(issues: &[Issue]) -> String {
    let errors_first =
        issues.iter().filter(|issue| issue.is_error()).chain(issues.iter().filter(|issue| !issue.is_error()));
    let mut text = String::new();
    for issue in errors_first {
        let separator = if text.is_empty() { "" } else { " " };
        text.push_str(&format!("{separator}{}", told(issue)));
        if text.chars().count() > MESSAGE_LIMIT {
            return text.chars().take(MESSAGE_LIMIT).chain(std::iter::once('…')).collect();
        }
    }
    text
}
