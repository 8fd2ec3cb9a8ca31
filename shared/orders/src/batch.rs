//! One batch: load, decide, save; repeated after a conflict.

use super::Options;
use super::draft::Draft;
use super::ids::IdSource;
use super::lines;
use super::wanted::{want_image, want_submission};
use crate::outbox::Destinations;
use iris_model::{Action, Issue, IssueCode};
use iris_rules::Snapshot;
use iris_rules::content::Unreadable;
use iris_rules::decide::{Change, Decision, NewIds, decide};
use iris_rules::images::{self, ImageAnswer, ImageWork};
use iris_rules::incoming::{Answer, Incoming, Refusal};
use iris_rules::pause::jitter;
use iris_rules::record::OrderChange;
use iris_store::drops::{DropLease, RowDetail};
use iris_store::outbox::Envelope;
use iris_store::{Error, Store};
use iris_store::{IdKind, Wanted};
use iris_telemetry::TraceContext;
use iris_telemetry::metrics;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::hash::RandomState;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// What is committed together.
pub(super) enum Work {
    /// Messages and images.
    Items(Vec<Item>),
    /// A batch of a drop.
    Rows(RowsWork),
}

/// Something that arrived on its own.
pub(super) enum Item {
    /// A message.
    Submission(Box<Incoming>, Option<TraceContext>),
    /// A task about images.
    Image(Box<ImageWork>, Option<TraceContext>),
}

/// The answer to an item.
pub(super) enum Reply {
    /// The answer to a submission.
    Submission(Answer),
    /// The answer to a task about images.
    Image(Box<ImageAnswer>),
}

/// A borrowed item.
#[derive(Clone, Copy)]
pub(super) enum ItemRef<'a> {
    Submission(&'a Incoming),
    Image(&'a ImageWork),
}

/// A batch of a drop.
pub(super) struct RowsWork {
    pub(super) lease: DropLease,
    pub(super) number: u32,
    pub(super) rows: Vec<(Incoming, RowDetail)>,
    /// Where the loading of the drop belongs in a distributed trace.
    pub(super) trace: Option<TraceContext>,
}

impl Work {
    /// The batch's items, in order.
    pub(super) fn items(&self) -> Box<dyn Iterator<Item = ItemRef<'_>> + Send + '_> {
        match self {
            Self::Items(items) => Box::new(items.iter().map(|item| match item {
                Item::Submission(incoming, _) => ItemRef::Submission(incoming),
                Item::Image(work, _) => ItemRef::Image(work),
            })),
            Self::Rows(work) => Box::new(work.rows.iter().map(|(incoming, _)| ItemRef::Submission(incoming))),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Items(items) => items.len(),
            Self::Rows(work) => work.rows.len(),
        }
    }

    /// The trace context of the item at this position.
    fn trace(&self, position: usize) -> Option<TraceContext> {
        match self {
            Self::Items(items) => match items.get(position)? {
                Item::Submission(_, trace) | Item::Image(_, trace) => *trace,
            },
            Self::Rows(work) => work.trace,
        }
    }

    fn rows(&self) -> Option<&RowsWork> {
        match self {
            Self::Items(_) => None,
            Self::Rows(work) => Some(work),
        }
    }
}

/// What all batches share.
pub(super) struct Context {
    pub(super) store: Arc<dyn Store>,
    pub(super) options: Options,
    destinations: Arc<Destinations>,
    orders: IdSource,
    patients: IdSource,
    images: IdSource,
    /// As many concurrent saves as the store can use; in the meantime other batches are loaded and decided.
    writers: Semaphore,
}

/// Ids set aside for a batch; the same for every attempt.
struct Reserved {
    orders: VecDeque<i64>,
    patients: VecDeque<i64>,
    images: VecDeque<i64>,
}

impl Context {
    pub(super) fn new(store: Arc<dyn Store>, destinations: Arc<Destinations>, options: Options) -> Self {
        let orders = IdSource::new(Arc::clone(&store), IdKind::Order);
        let patients = IdSource::new(Arc::clone(&store), IdKind::Patient);
        let images = IdSource::new(Arc::clone(&store), IdKind::Image);
        let writers = Semaphore::new(store.writers().max(1));
        Self { store, options, destinations, orders, patients, images, writers }
    }

    /// How many batches to work on at a time: while the store saves some, another is loaded and decided.
    pub(super) fn batches(&self) -> usize {
        self.store.writers().max(1) + 1
    }

    /// Commits the work and answers each item in order.
    pub(super) async fn run(&self, work: &Work) -> Result<Vec<Reply>, Error> {
        let started = Instant::now();
        let result = self.repeat(work).await;
        let outcome = if result.is_ok() { "committed" } else { "failed" };
        let kind = if work.rows().is_some() { "rows" } else { "messages" };
        metrics::commit(kind, outcome, work.len(), started.elapsed());
        result
    }

    async fn repeat(&self, work: &Work) -> Result<Vec<Reply>, Error> {
        let mut reserved = self.reserve(work).await?;
        let mut attempts = 0;
        let result = loop {
            match self.attempt(work, &mut reserved).await {
                Err(Error::Conflict) if attempts < self.options.conflict_retries => {
                    attempts += 1;
                    tracing::debug!(attempts, submissions = work.len(), "conflict; deciding again");
                    tokio::time::sleep(jitter(Duration::from_millis(5 << attempts.min(6)), &RandomState::new())).await;
                }
                result => break result,
            }
        };
        // After an error the commit may still have taken place, so its ids are not used again.
        if result.is_ok() {
            self.orders.give_back(reserved.orders);
            self.patients.give_back(reserved.patients);
            self.images.give_back(reserved.images);
        }
        result
    }

    /// What the answers would be right now; writes nothing.
    pub(super) async fn preview(&self, submissions: &[Incoming]) -> Result<Vec<Answer>, Error> {
        preview(self.store.as_ref(), submissions).await
    }

    async fn reserve(&self, work: &Work) -> Result<Reserved, Error> {
        let (mut orders, mut patients, mut images) = (0, 0, 0);
        for item in work.items() {
            let action = match item {
                ItemRef::Submission(incoming) => incoming.request.as_ref().ok().map(|submission| &submission.action),
                ItemRef::Image(_) => {
                    images += 1;
                    None
                }
            };
            let Some(action) = action else { continue };
            orders += usize::from(matches!(action, Action::Create { .. } | Action::Change { .. }));
            patients += usize::from(matches!(action, Action::Create { .. } | Action::RegisterPatient { .. }));
        }
        Ok(Reserved {
            orders: self.orders.take(orders).await?,
            patients: self.patients.take(patients).await?,
            images: self.images.take(images).await?,
        })
    }

    async fn attempt(&self, work: &Work, reserved: &mut Reserved) -> Result<Vec<Reply>, Error> {
        let mut snapshot = self.store.load(&wanted(work)).await?;
        if let (Some(batch), Some(done)) = (work.rows(), &snapshot.done_batch) {
            return Ok(lines::recorded_answers(done, batch)?.into_iter().map(Reply::Submission).collect());
        }
        let now = Timestamp::now();
        let mut draft = Draft::default();
        let mut replies = Vec::with_capacity(work.len());
        let (mut used_orders, mut used_patients, mut used_images) = (0, 0, 0);
        for (position, item) in work.items().enumerate() {
            draft.trace = work.trace(position);
            draft.answers = match item {
                ItemRef::Submission(incoming) => incoming.message_id.clone(),
                ItemRef::Image(_) => None,
            };
            let incoming = match item {
                ItemRef::Submission(incoming) => incoming,
                ItemRef::Image(work) => {
                    let id = reserved.images.get(used_images).copied().unwrap_or_default();
                    let answer = decide_image(work, &mut snapshot, id, now, &mut draft)?;
                    used_images += usize::from(answer.is_new);
                    replies.push(Reply::Image(Box::new(answer)));
                    continue;
                }
            };
            // Submissions that cannot create anything may find no id left; they need none.
            let ids = NewIds {
                order: reserved.orders.get(used_orders).copied().unwrap_or_default(),
                patient: reserved.patients.get(used_patients).copied().unwrap_or_default(),
            };
            let decision = decide(incoming, &snapshot, ids, now)?;
            used_orders += usize::from(decision.used().order);
            used_patients += usize::from(decision.used().patient);
            snapshot.apply(incoming, &decision);
            warn_of_foreign(incoming);
            warn_of_unheard(incoming, &decision.answer);
            let touched = touched(&decision);
            replies.push(Reply::Submission(draft.add(incoming, decision)));
            for order in touched {
                let effects = images::settle(order, &mut snapshot, &incoming.organization, now)?;
                draft.effects(incoming.id, &incoming.organization, effects);
            }
        }
        let mut commit = draft.seal();
        commit.at = Some(now);
        commit.leased_until = Some(now + self.options.envelope_lease);
        commit.drop_batch = work.rows().map(|batch| lines::batch_entry(batch, &replies));
        if !commit.is_empty() {
            let _turn = self.writers.acquire().await.map_err(|_| Error::Closed)?;
            let ids = self.store.save(&commit).await?;
            reserved.orders.drain(..used_orders.min(reserved.orders.len()));
            reserved.patients.drain(..used_patients.min(reserved.patients.len()));
            reserved.images.drain(..used_images.min(reserved.images.len()));
            for (id, sealed) in ids.into_iter().zip(commit.envelopes) {
                let (destination, messages) = (sealed.destination, sealed.messages);
                self.destinations.offer(Envelope { id, destination, messages, attempts: 0 });
            }
        }
        Ok(replies)
    }
}

/// What would become of these submissions right now, one after the other; writes nothing.
///
/// # Errors
/// The database's, or a record that cannot be read.
pub async fn preview(store: &dyn Store, submissions: &[Incoming]) -> Result<Vec<Answer>, Error> {
    let mut wanted = Wanted::default();
    submissions.iter().for_each(|incoming| want_submission(incoming, &mut wanted));
    let mut snapshot = store.load(&wanted).await?;
    let now = Timestamp::now();
    let mut answers = Vec::with_capacity(submissions.len());
    // Ids that no record has; they are never shown.
    for (incoming, id) in submissions.iter().zip(i64::MIN..) {
        let decision = decide(incoming, &snapshot, NewIds { order: id, patient: id }, now)?;
        snapshot.apply(incoming, &decision);
        answers.push(decision.answer);
    }
    Ok(answers)
}

/// Raises an alert for a submission without the ClientGuid of its entry (decision 11).
fn warn_of_foreign(incoming: &Incoming) {
    let about = |issue: &Issue| issue.code == IssueCode::WrongOrganization || issue.path == "ClientGuid";
    let foreign = |refusal: &Refusal| refusal.issues.iter().any(|issue| issue.is_error() && about(issue));
    if incoming.request.as_ref().is_err_and(foreign) {
        tracing::error!(
            alert = "wrong-organization",
            organization = %incoming.organization.slug,
            submission = %incoming.id,
            "a submission does not carry the ClientGuid of its entry's organization; it was refused"
        );
    }
}

/// Raises an alert for an urgent finding that nobody is notified of (decision 127).
fn warn_of_unheard(incoming: &Incoming, answer: &Answer) {
    let unheard = |issue: &Issue| issue.code == IssueCode::NoContact;
    if answer.outcome().is_some_and(|outcome| outcome.issues.iter().any(unheard)) {
        tracing::error!(
            alert = "no-contact",
            organization = %incoming.organization.slug,
            submission = %incoming.id,
            "an urgent finding has nobody who is told of it; add contacts to the organization's document"
        );
    }
}

/// Everything the batch's decisions may depend on.
fn wanted(work: &Work) -> Wanted {
    let mut wanted =
        Wanted { drop_batch: work.rows().map(|batch| (batch.lease.drop, batch.number)), ..Wanted::default() };
    for item in work.items() {
        match item {
            ItemRef::Submission(incoming) => want_submission(incoming, &mut wanted),
            ItemRef::Image(work) => want_image(work, &mut wanted),
        }
    }
    wanted
}

/// The orders whose images a decision may affect.
fn touched(decision: &Decision) -> Vec<i64> {
    let order = |change: &Change| match change {
        Change::NewOrder(order) | Change::ChangedOrder { order, change: OrderChange::Changed, .. } => Some(order.id),
        _ => None,
    };
    decision.changes.iter().filter_map(order).collect()
}

fn decide_image(
    work: &ImageWork,
    snapshot: &mut Snapshot,
    iris_id: i64,
    now: Timestamp,
    draft: &mut Draft,
) -> Result<ImageAnswer, Unreadable> {
    let effects = images::decide(work, snapshot, iris_id, now)?;
    let answer = ImageAnswer::of(work, snapshot, &effects);
    draft.effects(work.cause(), &work.organization, effects);
    Ok(answer)
}
