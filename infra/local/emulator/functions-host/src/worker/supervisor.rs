//! Starting, watching and ending the child.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::process::Child;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::launch::Launch;
use super::lines::pump;
use super::port;
use super::strikes::Strikes;
use crate::event::{HostEvent, Level, Line, LineSink, LineSource};
use crate::invoke::{Client, Error as InvokeError, ping};

/// A handler that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) port: u16,
    pub(crate) pid: u32,
    /// How often the handler was started, from 1.
    pub(crate) generation: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Starting,
    Ready(Endpoint),
    /// It exited with code 0 and is not restarted; the host stays up.
    Gone(String),
    /// The host has stopped.
    Stopped(String),
}

enum Command {
    /// Kill this generation, or whichever is alive, and start again.
    Restart {
        generation: Option<u32>,
        why: &'static str,
    },
    Stop(oneshot::Sender<()>),
}

/// A handle to the supervisor's task.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    state: watch::Receiver<State>,
    commands: mpsc::UnboundedSender<Command>,
}

/// How long to wait for the last output of a dead child; a grandchild may hold its pipes open.
const LAST_WORDS: Duration = Duration::from_millis(300);
const PING_INTERVAL: Duration = Duration::from_millis(25);
/// Lines of standard error that are quoted in the reason of an exit.
const TAIL: usize = 10;

impl Worker {
    pub(crate) fn start(
        launch: Launch,
        client: Client,
        patience: Duration,
        lines: LineSink,
        events: impl Fn(HostEvent) + Send + 'static,
    ) -> Self {
        let (state_sender, state) = watch::channel(State::Starting);
        #[expect(
            clippy::disallowed_methods,
            reason = "a few commands in a process's life, sent from where nothing can wait"
        )]
        let (commands, receiver) = mpsc::unbounded_channel();
        let supervisor = Supervisor {
            launch,
            client,
            patience,
            lines,
            events: Box::new(events),
            state: state_sender,
            commands: receiver,
            strikes: Strikes::default(),
            generation: 0,
        };
        tokio::spawn(supervisor.run());
        Self { state, commands }
    }

    /// Waits until the handler answers.
    pub(crate) async fn ready(&self) -> Result<Endpoint, InvokeError> {
        if let State::Ready(endpoint) = *self.state.borrow() {
            return Ok(endpoint);
        }
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| *state != State::Starting).await;
        match settled.as_deref() {
            Ok(State::Ready(endpoint)) => Ok(*endpoint),
            Ok(State::Gone(why) | State::Stopped(why)) => Err(InvokeError::NoHandler(why.clone())),
            _ => Err(InvokeError::NoHandler("the host is gone".to_owned())),
        }
    }

    /// After a broken connection: waits until the supervisor has noticed the end of that generation, if it ended.
    /// Without this a message would be abandoned, received and sent to the same dead port until its deliveries are used
    /// up, all within the milliseconds until the exit is noticed.
    pub(crate) async fn noticed(&self, generation: u32) {
        let mut state = self.state.clone();
        let over =
            state.wait_for(|state| !matches!(state, State::Ready(endpoint) if endpoint.generation == generation));
        // If nothing is noticed, it is alive and merely closed the connection.
        let _ = tokio::time::timeout(Duration::from_millis(200), over).await;
    }

    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        match *self.state.borrow() {
            State::Ready(endpoint) => Some(endpoint),
            _ => None,
        }
    }

    /// Kills the handler, which is restarted without a strike.
    pub(crate) fn restart(&self, generation: Option<u32>, why: &'static str) {
        // If the supervisor is gone, there is nothing to kill.
        let _ = self.commands.send(Command::Restart { generation, why });
    }

    /// Kills the handler for good.
    pub(crate) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.commands.send(Command::Stop(done)).is_ok() {
            let _ = stopped.await;
        }
    }

    /// The same without waiting.
    pub(crate) fn stop_unheard(&self) {
        let (done, _) = oneshot::channel();
        let _ = self.commands.send(Command::Stop(done));
    }

    /// Waits until the host has stopped, and returns the reason.
    pub(crate) async fn stopped(&self) -> String {
        let mut state = self.state.clone();
        let over = state.wait_for(|state| matches!(state, State::Stopped(_))).await;
        match over.as_deref() {
            Ok(State::Stopped(why)) => why.clone(),
            _ => "the host was dropped".to_owned(),
        }
    }
}

struct Supervisor {
    launch: Launch,
    client: Client,
    patience: Duration,
    lines: LineSink,
    events: Box<dyn Fn(HostEvent) + Send>,
    state: watch::Sender<State>,
    commands: mpsc::UnboundedReceiver<Command>,
    strikes: Strikes,
    generation: u32,
}

/// How one process ended.
enum Death {
    /// Code 0.
    Left,
    /// Code 200, or killed on purpose.
    Excused(String),
    Error(String),
    Stopped(Option<oneshot::Sender<()>>),
}

impl Supervisor {
    async fn run(mut self) {
        let why = loop {
            self.generation += 1;
            self.state.send_replace(State::Starting);
            match self.live().await {
                Death::Excused(reason) => self.exited(reason, true),
                Death::Error(reason) => {
                    let out = self.strikes.strike(Instant::now());
                    self.exited(reason.clone(), !out);
                    if out {
                        break format!("the handler failed three times in a row, so the host stops; last: {reason}");
                    }
                }
                Death::Left => {
                    let reason = "the handler left with exit code 0, which is never restarted".to_owned();
                    self.exited(reason.clone(), false);
                    self.state.send_replace(State::Gone(reason));
                    if let Some(done) = self.until_stopped().await {
                        self.over("stopped".to_owned());
                        let _ = done.send(());
                        return;
                    }
                    break "the host was dropped".to_owned();
                }
                Death::Stopped(done) => {
                    self.over("stopped".to_owned());
                    if let Some(done) = done {
                        let _ = done.send(());
                    }
                    return;
                }
            }
        };
        self.over(why);
        if let Some(done) = self.until_stopped().await {
            let _ = done.send(());
        }
    }

    /// One child from start to death.
    async fn live(&mut self) -> Death {
        let started = port::free().and_then(|port| self.launch.spawn(port).map(|child| (port, child)));
        let (port, mut child) = match started {
            Ok(started) => started,
            Err(error) => return Death::Error(format!("the handler cannot be started: {error}")),
        };
        let mut output = Output::follow(&mut child, &self.lines);
        // Held until the child is dead; see the module's documentation.
        let _stdin = child.stdin.take();
        let pid = child.id().unwrap_or(0);
        let death = self.watch(&mut child, Endpoint { port, pid, generation: self.generation }).await;
        // From now on, new invocations wait.
        self.state.send_replace(State::Starting);
        // Whatever the reason, nothing is left running.
        let _ = child.start_kill();
        let _ = child.wait().await;
        output.drain().await;
        match death {
            Death::Error(reason) => Death::Error(output.with_last_words(reason)),
            other => other,
        }
    }

    async fn watch(&mut self, child: &mut Child, endpoint: Endpoint) -> Death {
        let client = self.client.clone();
        let starting = tokio::time::timeout(self.patience, async move {
            let mut ticks = tokio::time::interval(PING_INTERVAL);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if ping(&client, endpoint.port).await {
                    return;
                }
            }
        });
        tokio::pin!(starting);
        let mut ready = false;
        loop {
            tokio::select! {
                biased;
                exit = child.wait() => return death(exit),
                command = self.commands.recv() => match command {
                    None => return Death::Stopped(None),
                    Some(Command::Stop(done)) => return Death::Stopped(Some(done)),
                    Some(Command::Restart { generation, why }) => {
                        if generation.is_none_or(|generation| generation == endpoint.generation) {
                            return Death::Excused(why.to_owned());
                        }
                    }
                },
                outcome = &mut starting, if !ready => {
                    if outcome.is_err() {
                        return Death::Error(format!("the handler did not answer GET / within {} s", self.patience.as_secs()));
                    }
                    ready = true;
                    self.state.send_replace(State::Ready(endpoint));
                    (self.events)(HostEvent::HandlerReady {
                        port: endpoint.port,
                        pid: endpoint.pid,
                        generation: endpoint.generation,
                    });
                }
            }
        }
    }

    async fn until_stopped(&mut self) -> Option<oneshot::Sender<()>> {
        while let Some(command) = self.commands.recv().await {
            if let Command::Stop(done) = command {
                return Some(done);
            }
        }
        None
    }

    fn exited(&self, reason: String, restarts: bool) {
        let level = if restarts { Level::Warning } else { Level::Error };
        (self.lines)(Line { source: LineSource::Host, level, text: format!("handler ended: {reason}") });
        (self.events)(HostEvent::HandlerExited { reason, restarts });
    }

    fn over(&self, reason: String) {
        (self.events)(HostEvent::Stopped { reason: reason.clone() });
        self.state.send_replace(State::Stopped(reason));
    }
}

fn death(exit: std::io::Result<std::process::ExitStatus>) -> Death {
    match exit {
        Ok(status) => match status.code() {
            Some(0) => Death::Left,
            Some(200) => Death::Excused("the handler asked for a restart (exit code 200)".to_owned()),
            _ => Death::Error(format!("the handler died: {status}")),
        },
        Err(error) => Death::Error(format!("the handler was lost: {error}")),
    }
}

/// The tasks that read the child's output, and its last lines of standard error.
struct Output {
    pumps: Vec<JoinHandle<()>>,
    tail: Arc<Mutex<VecDeque<String>>>,
}

impl Output {
    fn follow(child: &mut Child, lines: &LineSink) -> Self {
        let tail = Arc::new(Mutex::new(VecDeque::with_capacity(TAIL)));
        let mut pumps = Vec::with_capacity(2);
        if let Some(stdout) = child.stdout.take() {
            let lines = Arc::clone(lines);
            pumps.push(tokio::spawn(pump(stdout, move |text| {
                lines(Line { source: LineSource::Stdout, level: Level::Information, text });
            })));
        }
        if let Some(stderr) = child.stderr.take() {
            let (lines, tail) = (Arc::clone(lines), Arc::clone(&tail));
            pumps.push(tokio::spawn(pump(stderr, move |text| {
                let mut kept = tail.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == TAIL {
                    kept.pop_front();
                }
                kept.push_back(text.clone());
                drop(kept);
                let warning = text.to_ascii_lowercase().contains("warn");
                let level = if warning { Level::Warning } else { Level::Error };
                lines(Line { source: LineSource::Stderr, level, text });
            })));
        }
        Self { pumps, tail }
    }

    async fn drain(&mut self) {
        let deadline = tokio::time::Instant::now() + LAST_WORDS;
        for pump in self.pumps.drain(..) {
            let abort = pump.abort_handle();
            if tokio::time::timeout_at(deadline, pump).await.is_err() {
                abort.abort();
            }
        }
    }

    fn with_last_words(&self, reason: String) -> String {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.is_empty() {
            return reason;
        }
        let words: Vec<&str> = tail.iter().map(String::as_str).collect();
        format!("{reason}; its last lines: {}", words.join(" | "))
    }
}
