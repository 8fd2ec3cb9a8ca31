//! The host: options in, a handle out.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::config::{self, App, Settings, Trigger};
use crate::core::{Core, Served};
use crate::encode::{self, Blob, Context, QueueMessage};
use crate::event::{HostEvent, Level};
use crate::faults::{FaultState, Faults};
use crate::invoke;
use crate::options::HostOptions;
use crate::statistics::FunctionStatistics;
use crate::triggers::{self, RunNow};
use crate::worker::{Launch, Worker, peak_rss, rss};

/// Why a host did not start, or a call on it failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The app would not work in Azure.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The handler's program does not exist.
    #[error("the handler {0} is neither in the app's folder nor on PATH")]
    NoExecutable(String),
    /// A setting cannot become an environment variable.
    #[error("the app setting {0:?} cannot be an environment variable")]
    SettingName(String),
    /// There is no such function, or it has a trigger of another kind.
    #[error("there is no function {function} with {trigger}")]
    NoFunction {
        /// The function asked for.
        function: String,
        /// The kind of trigger asked for.
        trigger: &'static str,
    },
    /// The invocation failed.
    #[error(transparent)]
    Invocation(#[from] invoke::Error),
    /// The host stopped before there was an answer.
    #[error("the host stopped")]
    Stopped,
}

/// A trigger value pushed in from outside, for triggers whose source this host does not contain.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// An Event Grid event of either schema.
    EventGrid(Value),
    /// A message of a Storage queue.
    Queue(QueueMessage),
    /// A blob.
    Blob(Blob),
}

/// A running host. Cheap to clone; when the last clone is dropped, the host ends and its handler is killed.
#[derive(Clone)]
pub struct Host(Arc<Running>);

struct Running {
    core: Arc<Core>,
    timers: Vec<(String, mpsc::Sender<RunNow>)>,
    drain: Duration,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.core.stopping.cancel();
        self.core.stopped.cancel();
        self.core.worker.stop_unheard();
    }
}

/// After the handler is dead, its invocations fail at once; this is the time for settling their messages.
const LAST_SETTLEMENTS: Duration = Duration::from_secs(2);

impl Host {
    /// Reads the app, starts the handler and all triggers. Returns before the handler is ready; see [`Host::ready`].
    /// Must be called in a Tokio runtime.
    ///
    /// # Errors
    /// When the app would not work in Azure, or its handler does not exist.
    pub fn start(options: HostOptions) -> Result<Self, Error> {
        let functions_root = options.functions_root.as_ref().unwrap_or(&options.app_root);
        let unfit = |name: &&String| name.is_empty() || name.contains(['=', '\0']);
        if let Some(name) = options.settings.keys().find(unfit) {
            return Err(Error::SettingName(name.clone()));
        }
        let settings = Settings::from(options.settings);
        let app = App::load(&options.app_root, functions_root, &settings)?;
        let launch = Launch::new(&app, &settings, options.executable)
            .ok_or_else(|| Error::NoExecutable(app.host.custom_handler.executable.clone()))?;
        let (events, _) = broadcast::channel(1_024);
        let client = invoke::new_client();
        let worker_events = events.clone();
        let worker = Worker::start(
            launch,
            client.clone(),
            app.host.custom_handler.initialization_timeout,
            Arc::clone(&options.lines),
            // It does not matter if nobody listens.
            move |event| drop(worker_events.send(event)),
        );
        let core = Arc::new(Core {
            functions: app.functions.iter().cloned().map(Served::new).map(Arc::new).collect(),
            app,
            worker,
            client,
            broker: options.broker,
            mode: options.mode,
            lines: options.lines,
            events,
            faults: FaultState::new(options.faults, options.seed),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
        });
        for warning in &core.app.warnings {
            core.line(Level::Warning, warning.clone());
        }
        let timers = start_triggers(&core, options.timer_status.as_ref());
        Ok(Self(Arc::new(Running { core, timers, drain: options.drain })))
    }

    /// Waits until the handler answers.
    ///
    /// # Errors
    /// When it never will: it exited with code 0, failed three times, or the host stopped.
    pub async fn ready(&self) -> Result<(), Error> {
        self.0.core.worker.ready().await?;
        Ok(())
    }

    /// Stops as Azure does: nothing new is started, invocations under way get [`HostOptions::drain`] to end, then the
    /// handler is killed without notice.
    pub async fn stop(&self) {
        let core = &self.0.core;
        core.stopping.cancel();
        core.tasks.close();
        let _ = tokio::time::timeout(self.0.drain, core.tasks.wait()).await;
        core.worker.stop().await;
        core.stopped.cancel();
        let _ = tokio::time::timeout(LAST_SETTLEMENTS, core.tasks.wait()).await;
    }

    /// Waits until the host has stopped, on request or after three strikes, and returns the reason.
    pub async fn stopped(&self) -> String {
        self.0.core.worker.stopped().await
    }

    /// Kills the handler with SIGKILL. It is restarted at once, without a strike; invocations wait meanwhile.
    pub fn kill_handler(&self) {
        self.0.core.worker.restart(None, "killed on purpose");
    }

    /// Runs a timer function once, now, without retries. Waits for a run under way; works for disabled functions too.
    ///
    /// # Errors
    /// When there is no such timer, the run failed, or the host stopped.
    pub async fn run_now(&self, function: &str) -> Result<(), Error> {
        let (_, timer) = self
            .0
            .timers
            .iter()
            .find(|(name, _)| name == function)
            .ok_or_else(|| missing(function, "a timerTrigger"))?;
        let (done, outcome) = oneshot::channel();
        timer.send(done).await.map_err(|_| Error::Stopped)?;
        Ok(outcome.await.map_err(|_| Error::Stopped)??)
    }

    /// Invokes a function once whose trigger's source is outside this host.
    ///
    /// # Errors
    /// When there is no function with such a trigger, or the invocation failed.
    pub async fn invoke(&self, function: &str, input: Input) -> Result<(), Error> {
        let core = &self.0.core;
        let served = core.functions.iter().find(|served| &*served.name == function);
        let wanted = match input {
            Input::EventGrid(_) => "an eventGridTrigger",
            Input::Queue(_) => "a queueTrigger",
            Input::Blob(_) => "a blobTrigger",
        };
        let served = served.ok_or_else(|| missing(function, wanted))?;
        let context = Context {
            function,
            binding: &served.function.binding,
            now: Timestamp::now(),
            guid: Uuid::new_v4(),
            retry: None,
        };
        let body = match (&served.function.trigger, &input) {
            (Trigger::EventGrid, Input::EventGrid(event)) => encode::event_grid(&context, event),
            (Trigger::Queue(trigger), Input::Queue(message)) => encode::queue(&context, trigger, message),
            (Trigger::Blob(trigger), Input::Blob(blob)) => {
                encode::blob(&context, trigger, blob).map_err(invoke::Error::from)?
            }
            _ => return Err(missing(function, wanted)),
        };
        Ok(core.invoke(served, None, body).await?)
    }

    /// The app as it was read.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.0.core.app
    }

    /// Figures of every function.
    #[must_use]
    pub fn statistics(&self) -> Vec<FunctionStatistics> {
        let functions = self.0.core.functions.iter();
        functions.map(|served| served.counters.snapshot(&served.name, served.function.disabled)).collect()
    }

    /// The active faults. The number of kills left counts down.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.0.core.faults.get()
    }

    /// Changes the faults for messages received from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.0.core.faults.set(faults);
    }

    /// Handles each of the next `messages` messages once more after success, with the next delivery count, as after a
    /// lost completion.
    pub fn deliver_twice(&self, messages: u32) {
        self.0.core.faults.set_twice(messages);
    }

    /// How many messages are still to be handled twice.
    #[must_use]
    pub fn deliveries_twice(&self) -> u32 {
        self.0.core.faults.twice()
    }

    /// The port the handler listens on; `None` while it does not answer.
    #[must_use]
    pub fn handler_port(&self) -> Option<u16> {
        self.0.core.worker.endpoint().map(|endpoint| endpoint.port)
    }

    /// The handler's process; `None` while it does not answer.
    #[must_use]
    pub fn handler_pid(&self) -> Option<u32> {
        self.0.core.worker.endpoint().map(|endpoint| endpoint.pid)
    }

    /// The peak resident memory of the current handler process in bytes; `None` without one, or not on Linux.
    #[must_use]
    pub fn peak_rss(&self) -> Option<u64> {
        peak_rss(self.handler_pid()?)
    }

    /// The current resident memory of the handler in bytes; `None` without one, or not on Linux.
    #[must_use]
    pub fn rss(&self) -> Option<u64> {
        rss(self.handler_pid()?)
    }

    /// Events from now on. A receiver that falls more than 1,024 behind misses some.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<HostEvent> {
        self.0.core.events.subscribe()
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("app_root", &self.0.core.app.root).finish_non_exhaustive()
    }
}

fn missing(function: &str, trigger: &'static str) -> Error {
    Error::NoFunction { function: function.to_owned(), trigger }
}

fn start_triggers(core: &Arc<Core>, timer_status: Option<&std::path::PathBuf>) -> Vec<(String, mpsc::Sender<RunNow>)> {
    let mut timers = Vec::new();
    for served in &core.functions {
        let (shared, served, disabled) = (Arc::clone(core), Arc::clone(served), served.function.disabled);
        match served.function.trigger.clone() {
            Trigger::ServiceBus(_) if disabled => {}
            Trigger::ServiceBus(trigger) if trigger.many => {
                core.tasks.spawn(triggers::run_batches(shared, served, trigger));
            }
            Trigger::ServiceBus(trigger) => {
                core.tasks.spawn(triggers::run_single(shared, served, trigger));
            }
            Trigger::Timer(trigger) => {
                let (sender, requests) = mpsc::channel(16);
                timers.push((served.function.name.clone(), sender));
                core.tasks.spawn(triggers::run_timer(shared, served, trigger, timer_status.cloned(), requests));
            }
            Trigger::EventGrid | Trigger::Queue(_) | Trigger::Blob(_) => {}
        }
    }
    core.tasks.spawn(triggers::run_kills(Arc::clone(core)));
    // A host that stops after three strikes also stops its triggers.
    let watched = Arc::clone(core);
    core.tasks.spawn(async move {
        tokio::select! {
            () = watched.stopping.cancelled() => {}
            _ = watched.worker.stopped() => watched.stopping.cancel(),
        }
    });
    timers
}
