//! One batch: load, decide, save; again after a conflict.

use super::Options;
use super::draft::Draft;
use super::ids::IdSource;
use super::lines;
use crate::decide::{NewIds, decide};
use crate::drops::{DropLease, RowDetail};
use crate::incoming::{Answer, Incoming, Refusal, Source};
use crate::outbox::{Destinations, Envelope, seal};
use crate::record::OrderRef;
use crate::store::{IdKind, Wanted};
use crate::{Error, Store};
use iris_model::{Action, IssueCode, LocalId, Organization};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Submissions to be committed together.
pub(super) enum Work {
    /// Messages.
    Messages(Vec<Incoming>),
    /// A batch of a drop.
    Rows(RowsWork),
}

/// A batch of a drop.
pub(super) struct RowsWork {
    pub(super) lease: DropLease,
    pub(super) number: u32,
    pub(super) rows: Vec<(Incoming, RowDetail)>,
}

impl Work {
    /// The submissions, in order.
    pub(super) fn incoming(&self) -> Box<dyn Iterator<Item = &Incoming> + Send + '_> {
        match self {
            Self::Messages(messages) => Box::new(messages.iter()),
            Self::Rows(work) => Box::new(work.rows.iter().map(|(incoming, _)| incoming)),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Messages(messages) => messages.len(),
            Self::Rows(work) => work.rows.len(),
        }
    }

    fn rows(&self) -> Option<&RowsWork> {
        match self {
            Self::Messages(_) => None,
            Self::Rows(work) => Some(work),
        }
    }
}

/// What batches need.
pub(super) struct Context {
    pub(super) store: Arc<dyn Store>,
    pub(super) options: Options,
    destinations: Arc<Destinations>,
    orders: IdSource,
    patients: IdSource,
    /// As many saves at a time as the store has use for; others are loaded and decided meanwhile.
    writers: Semaphore,
}

/// Ids set aside for a batch; the same for every attempt.
struct Reserved {
    orders: VecDeque<i64>,
    patients: VecDeque<i64>,
}

impl Context {
    pub(super) fn new(store: Arc<dyn Store>, destinations: Arc<Destinations>, options: Options) -> Self {
        let orders = IdSource::new(Arc::clone(&store), IdKind::Order);
        let patients = IdSource::new(Arc::clone(&store), IdKind::Patient);
        let writers = Semaphore::new(store.writers().max(1));
        Self { store, options, destinations, orders, patients, writers }
    }

    /// How many batches to work on at a time: one is loaded and decided while the store saves others.
    pub(super) fn batches(&self) -> usize {
        self.store.writers().max(1) + 1
    }

    /// Commits the work and answers each submission in order.
    pub(super) async fn run(&self, work: &Work) -> Result<Vec<Answer>, Error> {
        let mut reserved = self.reserve(work).await?;
        let mut attempts = 0;
        let result = loop {
            match self.attempt(work, &mut reserved).await {
                Err(Error::Conflict) if attempts < self.options.conflict_retries => {
                    attempts += 1;
                    tracing::debug!(attempts, submissions = work.len(), "conflict; deciding again");
                    tokio::time::sleep(jitter(Duration::from_millis(5 << attempts.min(6)))).await;
                }
                result => break result,
            }
        };
        // After an error the commit may have taken place all the same: its ids are not used again.
        if result.is_ok() {
            self.orders.give_back(reserved.orders);
            self.patients.give_back(reserved.patients);
        }
        result
    }

    /// What the answers would be at this moment; nothing is written.
    pub(super) async fn preview(&self, work: &Work) -> Result<Vec<Answer>, Error> {
        let mut snapshot = self.store.load(&wanted(work)).await?;
        let now = Timestamp::now();
        let mut answers = Vec::with_capacity(work.len());
        // Ids that no record has: nobody will see them.
        for (incoming, id) in work.incoming().zip(i64::MIN..) {
            let decision = decide(incoming, &snapshot, NewIds { order: id, patient: id }, now);
            snapshot.apply(incoming, &decision);
            answers.push(decision.answer);
        }
        Ok(answers)
    }

    async fn reserve(&self, work: &Work) -> Result<Reserved, Error> {
        let (mut orders, mut patients) = (0, 0);
        let submissions = work.incoming().filter_map(|incoming| incoming.request.as_ref().ok());
        for action in submissions.map(|submission| &submission.action) {
            orders += usize::from(matches!(action, Action::Create { .. } | Action::Change { .. }));
            patients += usize::from(matches!(action, Action::Create { .. } | Action::RegisterPatient { .. }));
        }
        Ok(Reserved { orders: self.orders.take(orders).await?, patients: self.patients.take(patients).await? })
    }

    async fn attempt(&self, work: &Work, reserved: &mut Reserved) -> Result<Vec<Answer>, Error> {
        let mut snapshot = self.store.load(&wanted(work)).await?;
        if let (Some(batch), Some(done)) = (work.rows(), &snapshot.done_batch) {
            return lines::recorded_answers(done, batch);
        }
        let now = Timestamp::now();
        let mut draft = Draft::default();
        let mut answers = Vec::with_capacity(work.len());
        let (mut used_orders, mut used_patients) = (0, 0);
        for incoming in work.incoming() {
            // Submissions that cannot create anything find no id left, and need none.
            let ids = NewIds {
                order: reserved.orders.get(used_orders).copied().unwrap_or_default(),
                patient: reserved.patients.get(used_patients).copied().unwrap_or_default(),
            };
            let decision = decide(incoming, &snapshot, ids, now);
            used_orders += usize::from(decision.used().order);
            used_patients += usize::from(decision.used().patient);
            snapshot.apply(incoming, &decision);
            warn_of_foreign(incoming);
            answers.push(draft.add(incoming, decision));
        }
        let mut commit = draft.commit;
        commit.at = Some(now);
        commit.leased_until = Some(now + self.options.envelope_lease);
        commit.envelopes = seal(draft.messages);
        commit.drop_batch = work.rows().map(|batch| lines::batch_entry(batch, &answers));
        if !commit.is_empty() {
            let _turn = self.writers.acquire().await.map_err(|_| Error::Closed)?;
            let ids = self.store.save(&commit).await?;
            reserved.orders.drain(..used_orders.min(reserved.orders.len()));
            reserved.patients.drain(..used_patients.min(reserved.patients.len()));
            for (id, sealed) in ids.into_iter().zip(commit.envelopes) {
                let (destination, messages) = (sealed.destination, sealed.messages);
                self.destinations.offer(Envelope { id, destination, messages, attempts: 0 });
            }
        }
        Ok(answers)
    }
}

/// A submission through an entry that is not its sender's is worth an alert (decision 11).
fn warn_of_foreign(incoming: &Incoming) {
    let foreign = |refusal: &Refusal| refusal.issues.iter().any(|issue| issue.code == IssueCode::WrongOrganization);
    if incoming.request.as_ref().is_err_and(foreign) {
        tracing::error!(
            alert = "wrong-organization",
            organization = %incoming.organization.slug,
            submission = %incoming.id,
            "a submission carried the ClientGuid of another organization than its entry's; it was refused"
        );
    }
}

/// Everything the batch's decisions may depend on.
fn wanted(work: &Work) -> Wanted {
    let mut wanted =
        Wanted { drop_batch: work.rows().map(|batch| (batch.lease.drop, batch.number)), ..Wanted::default() };
    for incoming in work.incoming() {
        if incoming.source == Source::Message {
            wanted.submissions.push(incoming.id);
        }
        let Ok(submission) = &incoming.request else { continue };
        let organization = incoming.organization.as_ref();
        let sent_camera = || {
            let camera = submission.request.camera.as_ref()?;
            LocalId::new(camera.local_id.as_deref()?)
        };
        match &submission.action {
            Action::RegisterPatient { site, patient } => {
                wanted.patients.insert(crate::decide::patient_ref(organization, site, &patient.local_id));
                want_site(&mut wanted, organization, site);
            }
            Action::Create { site, patient, order } => {
                wanted.patients.insert(crate::decide::patient_ref(organization, site, &patient.local_id));
                want_order(&mut wanted, organization, &order.local_id, false);
                want_site(&mut wanted, organization, site);
                want_camera(&mut wanted, organization, order.camera.as_ref());
            }
            Action::Change { order, site } => {
                want_order(&mut wanted, organization, order, true);
                if let Some(site) = site {
                    want_site(&mut wanted, organization, site);
                }
                want_camera(&mut wanted, organization, sent_camera().as_ref());
            }
            Action::Cancel { order } | Action::ResendResult { order } => {
                want_order(&mut wanted, organization, order, false);
            }
        }
    }
    wanted
}

fn want_order(wanted: &mut Wanted, organization: &Organization, local_id: &LocalId, content: bool) {
    let key = OrderRef { organization: organization.client_guid, local_id: local_id.clone() };
    *wanted.orders.entry(key).or_default() |= content;
}

fn want_site(wanted: &mut Wanted, organization: &Organization, site: &LocalId) {
    if organization.site(site).is_none() {
        wanted.sites.insert((organization.client_guid, site.clone()));
    }
}

fn want_camera(wanted: &mut Wanted, organization: &Organization, camera: Option<&LocalId>) {
    if let Some(camera) = camera.filter(|camera| organization.camera(camera).is_none()) {
        wanted.cameras.insert((organization.client_guid, camera.clone()));
    }
}

/// Between half and all of a delay, so that those who collided do not collide again.
pub(crate) fn jitter(delay: Duration) -> Duration {
    let random = RandomState::new().hash_one(delay) % 1_000;
    delay / 2 + delay.mul_f64(random as f64 / 2_000.0)
}
