//! Group commit: concurrent submissions become batches.
//!
//! One task owns the queue. It starts as many batches at a time as the store can use. While the system is idle, a
//! message is committed at once. While it is busy, messages gather until a batch is full or has lingered, so that the
//! number of commits per second stays bounded however many callers there are.
//!
//! Batches that run at the same time never concern the same patient or order: a submission whose *keys* are in use
//! waits, and whatever shares a key with a waiting submission waits behind it. So submissions about the same thing are
//! processed in order of arrival, and conflicts arise only between processes.

use super::Options;
use super::batch::{Context, Item, Reply, RowsWork, Work};
use crate::outbox::Destinations;
use iris_model::{Action, ClientGuid};
use iris_rules::images::{BlobRef, ImageAnswer, ImageTask, ImageWork};
use iris_rules::incoming::{Answer, Incoming};
use iris_store::drops::{DropLease, RowDetail};
use iris_store::{Error, Store};
use iris_telemetry::{TraceContext, context, span};
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinHandle, JoinSet};
use tokio::time::Instant;
use tracing::Instrument;

/// Entry to the queue.
pub(super) struct Collector {
    context: Arc<Context>,
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Waiting {
    keys: Vec<u64>,
    arrived: Instant,
    trace: Option<TraceContext>,
    request: Request,
}

/// A request taken off the queue.
struct Taken {
    request: Request,
    trace: Option<TraceContext>,
}

enum Request {
    Message(Box<Incoming>, oneshot::Sender<Result<Answer, Error>>),
    Image(Box<ImageWork>, oneshot::Sender<Result<ImageAnswer, Error>>),
    Rows(RowsWork, oneshot::Sender<Result<Vec<Answer>, Error>>),
}

impl Collector {
    pub(super) fn start(store: Arc<dyn Store>, destinations: Arc<Destinations>, options: Options) -> Self {
        let (sender, receiver) = mpsc::channel(options.queue.max(1));
        let context = Arc::new(Context::new(store, destinations, options));
        let task = tokio::spawn(Dispatcher::new(receiver, Arc::clone(&context)).run());
        Self { context, queue: Mutex::new(Some(sender)), task: Mutex::new(Some(task)) }
    }

    pub(super) async fn preview(&self, rows: Vec<Incoming>) -> Result<Vec<Answer>, Error> {
        self.context.preview(&rows).await
    }

    pub(super) async fn submit(&self, incoming: Incoming) -> Result<Answer, Error> {
        let (reply, answer) = oneshot::channel();
        let keys = keys([&incoming]);
        self.wait(keys, 1, Request::Message(Box::new(incoming), reply), answer).await
    }

    pub(super) async fn image(&self, work: ImageWork) -> Result<ImageAnswer, Error> {
        let (reply, answer) = oneshot::channel();
        self.wait(keys_of_image(&work), 1, Request::Image(Box::new(work), reply), answer).await
    }

    pub(super) async fn submit_rows(
        &self,
        lease: DropLease,
        number: u32,
        rows: Vec<(Incoming, RowDetail)>,
    ) -> Result<Vec<Answer>, Error> {
        let (reply, answers) = oneshot::channel();
        let keys = keys(rows.iter().map(|(incoming, _)| incoming));
        let (items, trace) = (rows.len(), context::current());
        self.wait(keys, items, Request::Rows(RowsWork { lease, number, rows, trace }, reply), answers).await
    }

    /// Hands a request to the dispatcher and waits for its answer.
    async fn wait<T>(
        &self,
        keys: Vec<u64>,
        items: usize,
        request: Request,
        answer: oneshot::Receiver<Result<T, Error>>,
    ) -> Result<T, Error> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::Closed)?;
        let waiting = Waiting { keys, arrived: Instant::now(), trace: context::current(), request };
        let span = span::commit(items);
        let answered = async {
            queue.send(waiting).await.map_err(|_| Error::Closed)?;
            answer.await.unwrap_or_else(|_| Err(interrupted()))
        };
        let result = answered.instrument(span.clone()).await;
        if let Err(error) = &result {
            span::failed(&span, error.code());
        }
        result
    }

    /// Accepts nothing more, and waits until everything accepted is done.
    pub(super) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // An error means that the task panicked; its callers have been told.
            let _ = task.await;
        }
    }
}

fn interrupted() -> Error {
    Error::Unavailable(String::from("the work was interrupted"))
}

/// Hashes of the patients, orders and blobs that the submissions concern. A hash collision only makes one wait for the
/// other.
fn keys<'a>(incoming: impl IntoIterator<Item = &'a Incoming>) -> Vec<u64> {
    let mut keys = Vec::new();
    for incoming in incoming {
        let Ok(submission) = &incoming.request else { continue };
        let organization = incoming.organization.client_guid;
        let patient = submission.request.patient.as_ref().and_then(|patient| patient.local_id.as_deref());
        keys.extend(patient.map(|patient| key(organization, Kind::Patient, patient)));
        let order = match &submission.action {
            Action::RegisterPatient { .. } => None,
            Action::Create { order, .. } => Some(&order.local_id),
            Action::Change { order, .. }
            | Action::Cancel { order }
            | Action::AttachImage { order }
            | Action::ResendResult { order }
            | Action::Grade { order, .. } => Some(order),
        };
        keys.extend(order.map(|order| key(organization, Kind::Order, order.as_str())));
        let images = submission.request.camera.iter().flat_map(|camera| &camera.images);
        let places = images.filter_map(|image| image.azure_blob_storage.as_ref()?.file_name.as_deref());
        keys.extend(places.map(|file_name| key(organization, Kind::Blob, file_name)));
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Hashes of everything an image may concern.
fn keys_of_image(work: &ImageWork) -> Vec<u64> {
    let organization = work.organization.client_guid;
    let blob = |blob: &BlobRef| key(organization, Kind::Blob, &blob.file_name);
    let mut keys = match &work.task {
        ImageTask::Arrived(image) | ImageTask::Waiting(image) => {
            let order = image.claims.accession.as_deref().map(|order| key(organization, Kind::Order, order));
            let patient = image.claims.patient.as_deref().map(|patient| key(organization, Kind::Patient, patient));
            [Some(blob(&image.blob)), order, patient].into_iter().flatten().collect()
        }
        ImageTask::Missing { directive, .. } => vec![blob(&directive.blob(organization))],
    };
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[derive(Clone, Copy, Hash)]
enum Kind {
    Patient,
    Order,
    Blob,
}

fn key(organization: ClientGuid, kind: Kind, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (organization, kind, name).hash(&mut hasher);
    hasher.finish()
}

struct Dispatcher {
    queue: mpsc::Receiver<Waiting>,
    open: bool,
    context: Arc<Context>,
    waiting: VecDeque<Waiting>,
    running: JoinSet<()>,
    keys_of: HashMap<Id, Vec<u64>>,
    busy: HashSet<u64>,
    last_end: Option<Instant>,
}

impl Dispatcher {
    fn new(queue: mpsc::Receiver<Waiting>, context: Arc<Context>) -> Self {
        Self {
            queue,
            open: true,
            context,
            waiting: VecDeque::new(),
            running: JoinSet::new(),
            keys_of: HashMap::new(),
            busy: HashSet::new(),
            last_end: None,
        }
    }

    async fn run(mut self) {
        let mut arrived = Vec::new();
        while self.open || !self.waiting.is_empty() || !self.running.is_empty() {
            let patience = self.start_batches();
            let room = self.context.options.queue.saturating_sub(self.waiting.len());
            tokio::select! {
                received = self.queue.recv_many(&mut arrived, room.max(1)), if self.open && room > 0 => {
                    self.open = received > 0;
                    self.waiting.extend(arrived.drain(..));
                }
                Some(ended) = self.running.join_next_with_id(), if !self.running.is_empty() => {
                    let id = ended.map_or_else(|panic| panic.id(), |(id, ())| id);
                    for key in self.keys_of.remove(&id).unwrap_or_default() {
                        self.busy.remove(&key);
                    }
                    self.last_end = Some(Instant::now());
                }
                () = tokio::time::sleep(patience.unwrap_or_default()), if patience.is_some() => {}
            }
        }
    }

    /// Starts the batches that may start. Returns how long the next batch still lingers, if that is what it waits for.
    fn start_batches(&mut self) -> Option<Duration> {
        while self.running.len() < self.context.batches() && !self.waiting.is_empty() {
            let lingers = self.linger();
            if !lingers.is_zero() {
                return Some(lingers);
            }
            let (batch, keys) = self.next_batch();
            if batch.is_empty() {
                return None;
            }
            self.busy.extend(&keys);
            let context = Arc::clone(&self.context);
            let task = self.running.spawn(async move { execute(&context, batch).await });
            self.keys_of.insert(task.id(), keys);
        }
        None
    }

    /// How long to wait for more messages before the next batch.
    fn linger(&self) -> Duration {
        let options = &self.context.options;
        let Some(first) = self.waiting.front() else { return Duration::ZERO };
        let idle = self.running.is_empty() && self.last_end.is_none_or(|end| end.elapsed() >= options.linger);
        if idle || matches!(first.request, Request::Rows(..)) || !self.open || self.waiting.len() >= options.batch {
            return Duration::ZERO;
        }
        options.linger.saturating_sub(first.arrived.elapsed())
    }

    /// Takes the next batch off the queue: messages up to the limit, or one batch of rows.
    fn next_batch(&mut self) -> (Vec<Taken>, Vec<u64>) {
        let (mut batch, mut keys, mut behind) = (Vec::new(), Vec::new(), HashSet::new());
        let mut left = VecDeque::with_capacity(self.waiting.len());
        let mut full = false;
        for waiting in self.waiting.drain(..) {
            let blocked = waiting.keys.iter().any(|key| self.busy.contains(key) || behind.contains(key));
            let rows = matches!(waiting.request, Request::Rows(..));
            if full || blocked || (rows && !batch.is_empty()) {
                behind.extend(waiting.keys.iter().copied());
                left.push_back(waiting);
                continue;
            }
            keys.extend(waiting.keys);
            batch.push(Taken { request: waiting.request, trace: waiting.trace });
            full = rows || batch.len() >= self.context.options.batch;
        }
        self.waiting = left;
        (batch, keys)
    }
}

/// The caller that waits for an answer.
enum Caller {
    Message(oneshot::Sender<Result<Answer, Error>>),
    Image(oneshot::Sender<Result<ImageAnswer, Error>>),
}

impl Caller {
    /// Sends the answer. It does not matter if the caller no longer waits.
    fn answer(self, reply: Result<Reply, Error>) {
        match (self, reply) {
            (Self::Message(caller), Ok(Reply::Submission(answer))) => drop(caller.send(Ok(answer))),
            (Self::Image(caller), Ok(Reply::Image(answer))) => drop(caller.send(Ok(*answer))),
            (Self::Message(caller), Ok(Reply::Image(_))) => drop(caller.send(Err(interrupted()))),
            (Self::Image(caller), Ok(Reply::Submission(_))) => drop(caller.send(Err(interrupted()))),
            (Self::Message(caller), Err(error)) => drop(caller.send(Err(error))),
            (Self::Image(caller), Err(error)) => drop(caller.send(Err(error))),
        }
    }
}

/// Commits a batch and answers its callers.
async fn execute(context: &Context, batch: Vec<Taken>) {
    let (mut items, mut callers) = (Vec::new(), Vec::new());
    for Taken { request, trace } in batch {
        match request {
            Request::Rows(batch, caller) => {
                let _ = caller.send(context.run(&Work::Rows(batch)).await.map(answers));
                return;
            }
            Request::Message(message, caller) => {
                items.push(Item::Submission(message, trace));
                callers.push(Caller::Message(caller));
            }
            Request::Image(image, caller) => {
                items.push(Item::Image(image, trace));
                callers.push(Caller::Image(caller));
            }
        }
    }
    let count = items.len();
    let work = Work::Items(items);
    match context.run(&work).await {
        Ok(replies) => {
            for (caller, reply) in callers.into_iter().zip(replies) {
                caller.answer(Ok(reply));
            }
        }
        // Either one of them is to blame, or together they collide too often; so each is committed on its own.
        Err(error) if count > 1 && !matches!(error, Error::Unavailable(_) | Error::Closed) => {
            tracing::warn!(%error, submissions = count, "a batch failed; committing its messages one by one");
            let Work::Items(items) = work else { return };
            for (caller, item) in callers.into_iter().zip(items) {
                let single = Work::Items(vec![item]);
                let reply =
                    context.run(&single).await.and_then(|replies| replies.into_iter().next().ok_or_else(interrupted));
                caller.answer(reply);
            }
        }
        Err(error) => {
            tracing::warn!(%error, submissions = count, "a batch could not be committed");
            for caller in callers {
                caller.answer(Err(error.clone()));
            }
        }
    }
}

fn answers(replies: Vec<Reply>) -> Vec<Answer> {
    let answer = |reply| match reply {
        Reply::Submission(answer) => Some(answer),
        Reply::Image(_) => None,
    };
    replies.into_iter().filter_map(answer).collect()
}
