//! The rules: what a submission changes (iris-facts §1, docs/DECISIONS.md).
//!
//! [`decide`] is pure: it reads the submission and the snapshot, and returns which rows to write, which events to send,
//! and what to answer. Ids and the time are passed in. A refused submission writes nothing; all its issues are
//! collected before it is refused.

mod attach;
mod cancel;
mod change;
mod create;
mod grade;
mod place;
mod receipt;
mod register;

pub use create::superseded_order;

use crate::content::Unreadable;
use crate::deliveries::DeliveryRecord;
use crate::images::{DirectiveRecord, ImageRecord};
use crate::incoming::{Answer, Incoming, Outcome, Refusal, Requested, Source};
use crate::record::{
    CameraRecord, GradingRecord, OrderChange, OrderRecord, OrderRef, PatientRecord, PatientRef, ResultRecord,
    SiteRecord,
};
use crate::snapshot::Snapshot;
use iris_model::identifier::LOCAL_ID_LIMIT;
use iris_model::organization::PatientScope;
use iris_model::result::UrgentFindingNotification;
use iris_model::{Action, ClientGuid, Event, Issue, IssueCode, LocalId, Organization, OutcomeKind};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// What to do about a submission.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What to write; empty when refused or replayed.
    pub changes: Vec<Change>,
    /// What to tell the submitter.
    pub events: Vec<Event>,
    /// Contacts to notify of an urgent finding, after the events.
    pub notifications: Vec<UrgentFindingNotification>,
    /// What to answer.
    pub answer: Answer,
    /// True when the answer comes from the record of an earlier delivery, so there is nothing to record.
    pub known: bool,
}

impl Decision {
    /// Which of the ids that were passed in this decision uses.
    #[must_use]
    pub fn used(&self) -> UsedIds {
        let mut used = UsedIds::default();
        for change in &self.changes {
            match change {
                Change::NewPatient(_) => used.patient = true,
                Change::NewOrder(_) => used.order = true,
                _ => {}
            }
        }
        used
    }
}

/// A row to write.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Create a site.
    NewSite(SiteRecord),
    /// Create a camera.
    NewCamera(CameraRecord),
    /// Register a patient.
    NewPatient(Arc<PatientRecord>),
    /// Change a patient.
    ChangedPatient {
        /// The patient after the change.
        patient: Arc<PatientRecord>,
        /// The patient's details before it.
        before: String,
    },
    /// Create an order.
    NewOrder(Arc<OrderRecord>),
    /// Change an order.
    ChangedOrder {
        /// The order after the change.
        order: Arc<OrderRecord>,
        /// What happened.
        change: OrderChange,
        /// The status before.
        status_before: iris_model::enumeration::OrderStatus,
        /// The content before, if it changes.
        content_before: Option<String>,
    },
    /// Store image directives.
    Directives {
        /// The order.
        order: i64,
        /// The directives that replace any it has.
        directives: Vec<DirectiveRecord>,
    },
    /// Change an image directive.
    ChangedDirective(DirectiveRecord),
    /// Store the study that an order named.
    Study {
        /// The organization it belongs to.
        organization: ClientGuid,
        /// The study.
        study: String,
        /// The order.
        order: i64,
    },
    /// Store an image.
    NewImage(Arc<ImageRecord>),
    /// Change an image.
    ChangedImage(Arc<ImageRecord>),
    /// Store a grading.
    NewGrading(Arc<GradingRecord>),
    /// Store a result.
    NewResult(Arc<ResultRecord>),
    /// Store a delivery of a new result.
    NewDelivery(DeliveryRecord),
}

/// Ids a submission may use. One submission creates at most one order and one patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewIds {
    /// For a new order.
    pub order: i64,
    /// For a new patient.
    pub patient: i64,
}

/// Which of the [`NewIds`] a decision used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsedIds {
    /// The order's.
    pub order: bool,
    /// The patient's.
    pub patient: bool,
}

/// Decides one submission. The same arguments always give the same decision.
///
/// # Errors
/// When stored content that the decision depends on cannot be read; then nothing is decided.
pub fn decide(incoming: &Incoming, snapshot: &Snapshot, ids: NewIds, now: Timestamp) -> Result<Decision, Unreadable> {
    if let (Source::Message, Some(outcome)) = (incoming.source, snapshot.submission(incoming.id)) {
        return Ok(Decision {
            changes: Vec::new(),
            events: Vec::new(),
            notifications: Vec::new(),
            answer: Answer::Done(outcome.clone()),
            known: true,
        });
    }
    let mut case = Case::new(incoming, snapshot, ids, now);
    let submission = match &incoming.request {
        Ok(submission) => submission,
        Err(refusal) => return Ok(case.refused(refusal)),
    };
    case.issues.extend(submission.warnings.iter().cloned());
    let request = &submission.request;
    case.patient_local_id = request.patient.as_ref().and_then(|patient| patient.local_id.clone());
    match &submission.action {
        Action::RegisterPatient { site, patient } => {
            case.requested = Requested::Patient;
            register::register(case, request, site, patient)
        }
        Action::Create { site, patient, order } => {
            case.requested = Requested::Order;
            case.order_local_id = Some(order.local_id.to_string());
            create::create(case, request, site, patient, order)
        }
        Action::Change { order, site } => {
            case.requested = Requested::Change;
            case.order_local_id = Some(order.to_string());
            change::change(case, request, order, site.as_ref())
        }
        Action::AttachImage { order } => {
            case.requested = Requested::Image;
            case.order_local_id = Some(order.to_string());
            Ok(attach::attach(case, request, order))
        }
        Action::Cancel { order } => {
            case.requested = Requested::Cancellation;
            case.order_local_id = Some(order.to_string());
            Ok(cancel::cancel(case, order))
        }
        Action::ResendResult { order } => {
            case.requested = Requested::Resend;
            case.order_local_id = Some(order.to_string());
            grade::resend(case, order)
        }
        Action::Grade { order, grading } => {
            case.requested = Requested::Grading;
            case.order_local_id = Some(order.to_string());
            grade::grade(case, order, grading)
        }
    }
}

/// A submission being decided: what is known about it, and the decision so far.
struct Case<'a> {
    incoming: &'a Incoming,
    organization: &'a Organization,
    snapshot: &'a Snapshot,
    ids: NewIds,
    now: Timestamp,
    requested: Requested,
    iris_order_id: Option<i64>,
    iris_patient_id: Option<i64>,
    order_local_id: Option<String>,
    patient_local_id: Option<String>,
    image_local_id: Option<String>,
    issues: Vec<Issue>,
    changes: Vec<Change>,
    events: Vec<Event>,
    notifications: Vec<UrgentFindingNotification>,
}

impl<'a> Case<'a> {
    fn new(incoming: &'a Incoming, snapshot: &'a Snapshot, ids: NewIds, now: Timestamp) -> Self {
        Self {
            incoming,
            organization: &incoming.organization,
            snapshot,
            ids,
            now,
            requested: Requested::Order,
            iris_order_id: None,
            iris_patient_id: None,
            order_local_id: None,
            patient_local_id: None,
            image_local_id: None,
            issues: Vec::new(),
            changes: Vec::new(),
            events: Vec::new(),
            notifications: Vec::new(),
        }
    }

    fn client_guid(&self) -> ClientGuid {
        self.organization.client_guid
    }

    fn order_ref(&self, local_id: &LocalId) -> OrderRef {
        OrderRef { organization: self.client_guid(), local_id: local_id.clone() }
    }

    fn has_errors(&self) -> bool {
        self.issues.iter().any(Issue::is_error)
    }

    fn refused(mut self, refusal: &Refusal) -> Decision {
        self.requested = refusal.requested;
        self.order_local_id = refusal.order_local_id.as_deref().and_then(presentable);
        self.patient_local_id = refusal.patient_local_id.as_deref().and_then(presentable);
        self.image_local_id = refusal.image_local_id.as_deref().and_then(presentable);
        self.issues.clone_from(&refusal.issues);
        self.failed()
    }

    /// Ends in refusal: the issues say why, and nothing is written.
    fn failed(mut self) -> Decision {
        self.changes.clear();
        self.events.clear();
        self.notifications.clear();
        self.receipt(false);
        self.finish(OutcomeKind::Failed)
    }

    /// Ends without doing anything, as the rules intend (iris-facts ).
    fn ignored(mut self, code: IssueCode, message: String) -> Decision {
        self.issues.push(Issue::warning(code, "Order.LocalId", message));
        self.receipt(false);
        self.finish(OutcomeKind::Ignored)
    }

    /// Ends in success, which the receipt for this kind of request reports.
    fn succeeded(mut self, kind: OutcomeKind) -> Decision {
        self.receipt(true);
        self.finish(kind)
    }

    /// Ends because the order is unknown. The submission may have overtaken the order's creation, so it is tried again
    /// for a while (decision 9).
    fn unknown_order(mut self) -> Decision {
        let patience = SignedDuration::from_secs(i64::from(self.organization.late_parent_patience_seconds));
        let waited = self.now.duration_since(self.incoming.first_seen);
        if waited < patience {
            return Decision {
                changes: Vec::new(),
                events: Vec::new(),
                notifications: Vec::new(),
                answer: Answer::NotYet,
                known: false,
            };
        }
        self.issues.push(unknown_order());
        self.failed()
    }

    fn finish(self, kind: OutcomeKind) -> Decision {
        let outcome = Outcome {
            kind,
            iris_order_id: self.iris_order_id,
            order_local_id: self.order_local_id,
            patient_local_id: self.patient_local_id,
            issues: self.issues,
        };
        let wants_events = self.organization.events_queue().is_some()
            && (self.incoming.source == Source::Message || self.organization.events_for_drops);
        let events = if wants_events { self.events } else { Vec::new() };
        Decision {
            changes: self.changes,
            events,
            notifications: self.notifications,
            answer: Answer::Done(outcome),
            known: false,
        }
    }

    /// Closes an order with a new status and version.
    fn close_order(&mut self, order: &OrderRecord, change: OrderChange, current: bool) {
        let mut closed = order.clone();
        closed.version += 1;
        closed.current = current;
        if change != OrderChange::Retired {
            closed.status = iris_model::enumeration::OrderStatus::OrderCancelled;
        }
        self.changes.push(Change::ChangedOrder {
            order: Arc::new(closed),
            change,
            status_before: order.status,
            content_before: None,
        });
    }

    /// The submitter's id of an order's patient.
    fn patient_of(&self, order: &OrderRecord) -> Option<String> {
        self.snapshot.patient_by_id(order.patient).map(|patient| patient.key.local_id.to_string())
    }
}

/// Makes an id from refused input fit to show: its length and characters were never checked.
fn presentable(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|character| !character.is_control()).take(LOCAL_ID_LIMIT).collect();
    (!text.is_empty()).then_some(text)
}

fn unknown_order() -> Issue {
    Issue::error(
        IssueCode::UnknownOrder,
        "Order.LocalId",
        "There is no order with this LocalId. Check the LocalId, or send the order (NW) first.",
    )
}

/// The key of a patient of this organization (decision 12).
#[must_use]
pub fn patient_ref(organization: &Organization, site: &LocalId, local_id: &LocalId) -> PatientRef {
    PatientRef {
        organization: organization.client_guid,
        site: (organization.patient_scope == PatientScope::Site).then(|| site.clone()),
        local_id: local_id.clone(),
    }
}
