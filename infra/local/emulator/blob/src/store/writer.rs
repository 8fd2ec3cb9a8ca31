//! All writes: one thread, with group commit.
//!
//! Writers pass a closure to the thread and wait. The thread runs all waiting closures in one transaction (each in its
//! own savepoint, so that a refused one leaves no trace), commits once, and then answers all. So a write is answered
//! after its bytes are on disk, but one disk sync serves many. Effects that must not happen before the commit (events,
//! deletion of unused content files) are collected and carried out after it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::content::ContentFolder;
use super::event::{BlobCreated, Subscribers};
use super::{Error, chunks};
use crate::etag::{Clock, Etag};

/// Most writes in one transaction.
const GROUP: usize = 512;

/// What a write may use.
pub(super) struct Transaction<'a> {
    pub(super) connection: &'a Connection,
    /// The time of this write.
    pub(super) now: Timestamp,
    clock: &'a mut Clock,
    effects: &'a mut Effects,
}

impl Transaction<'_> {
    /// The tag for a new version.
    pub(super) fn tick(&mut self) -> Etag {
        self.clock.tick(self.now)
    }

    /// Announces a blob once the commit is durable.
    pub(super) fn announce(&mut self, event: BlobCreated) {
        self.effects.events.push(event);
    }

    /// Removes one user from a chunk; the last one deletes the chunk.
    pub(super) fn release(&mut self, chunk: i64, users: i64) -> Result<(), Error> {
        if let Some(file) = chunks::release(self.connection, chunk, users)? {
            self.effects.files.push(file);
        }
        Ok(())
    }
}

#[derive(Default)]
struct Effects {
    events: Vec<BlobCreated>,
    files: Vec<String>,
}

trait Job: Send {
    /// Does the work; returns whether to keep it.
    fn run(&mut self, transaction: &mut Transaction<'_>) -> bool;
    fn finish(self: Box<Self>, durable: bool);
}

struct Task<F, T> {
    work: Option<F>,
    result: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<F, T> Job for Task<F, T>
where
    F: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send,
    T: Send,
{
    fn run(&mut self, transaction: &mut Transaction<'_>) -> bool {
        self.result = self.work.take().map(|work| work(transaction));
        matches!(self.result, Some(Ok(_)))
    }

    fn finish(self: Box<Self>, durable: bool) {
        let result = match self.result {
            Some(Ok(_)) if !durable => Err(Error::NotDurable),
            Some(result) => result,
            None => Err(Error::NotDurable),
        };
        // A caller that has gone away needs no answer.
        let _ = self.reply.send(result);
    }
}

/// A handle to the writing thread. Dropping it lets the thread finish what was handed over and waits for it.
pub(super) struct Writer {
    jobs: Option<Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        clock: Clock,
        folder: Arc<ContentFolder>,
        subscribers: Arc<Subscribers>,
    ) -> Result<Self, Error> {
        #[expect(
            clippy::disallowed_methods,
            reason = "whoever sends a job waits for its answer, so there are no more than requests"
        )]
        let (jobs, queue) = channel();
        let mut state = Thread { connection, clock, folder, subscribers };
        let thread = std::thread::Builder::new().name("blob-writer".to_owned()).spawn(move || state.serve(&queue))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `work` in the next transaction and waits until it is durable.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Task { work: Some(work), result: None, reply });
        self.jobs.as_ref().ok_or(Error::Closed)?.send(job).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Thread {
    connection: Connection,
    clock: Clock,
    folder: Arc<ContentFolder>,
    subscribers: Arc<Subscribers>,
}

impl Thread {
    fn serve(&mut self, queue: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = queue.recv() {
            let mut jobs = vec![first];
            jobs.extend(queue.try_iter().take(GROUP - 1));
            let mut effects = Effects::default();
            let durable = match self.group(&mut jobs, &mut effects) {
                Ok(()) => true,
                Err(error) => {
                    tracing::error!(%error, "a group of blob writes failed");
                    false
                }
            };
            if !durable && !self.connection.is_autocommit() {
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            if durable {
                self.subscribers.announce(effects.events);
            }
            for job in jobs {
                job.finish(durable);
            }
            if durable {
                self.folder.remove(effects.files);
            }
        }
    }

    fn group(&mut self, jobs: &mut [Box<dyn Job>], effects: &mut Effects) -> Result<(), Error> {
        let connection = &self.connection;
        let run = |sql: &str| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        run("BEGIN IMMEDIATE")?;
        for job in jobs {
            let (events, files) = (effects.events.len(), effects.files.len());
            run("SAVEPOINT one")?;
            let now = Timestamp::now();
            let kept = job.run(&mut Transaction { connection, now, clock: &mut self.clock, effects });
            if !kept {
                run("ROLLBACK TO one")?;
                effects.events.truncate(events);
                effects.files.truncate(files);
            }
            run("RELEASE one")?;
        }
        connection
            .prepare_cached("UPDATE state SET clock = ?1 WHERE clock < ?1")?
            .execute([i64::try_from(self.clock.last()).unwrap_or(i64::MAX)])?;
        run("COMMIT")?;
        Ok(())
    }
}
