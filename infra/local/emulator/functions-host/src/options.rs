//! How to start a host.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use iris_local_servicebus::broker::Broker;

use crate::event::LineSink;
use crate::faults::Faults;

/// How closely the host follows Azure's unfriendly behavior.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// An empty or `null` answer fails the invocation at once and says why.
    #[default]
    Strict,
    /// An empty or `null` answer leaves the invocation hanging until `functionTimeout`, and then gets the handler
    /// killed (functions-host-contract §2.2).
    Faithful,
}

/// A program to start instead of the one `host.json` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// The path of the program.
    pub path: PathBuf,
    /// All of its arguments.
    pub arguments: Vec<String>,
}

/// Everything a host needs.
#[derive(Clone)]
pub struct HostOptions {
    /// The folder with `host.json`; the handler's working directory.
    pub app_root: PathBuf,
    /// The folder with the functions' folders, when it is not `app_root`.
    pub functions_root: Option<PathBuf>,
    /// The app settings: used in `%NAME%` expansion, and as the handler's environment.
    pub settings: BTreeMap<String, String>,
    /// The program to start instead of the one `host.json` names.
    pub executable: Option<Executable>,
    /// The source of messages and destination of outputs.
    pub broker: Broker,
    /// How closely to follow Azure.
    pub mode: Mode,
    /// Where log lines go.
    pub lines: LineSink,
    /// The initial faults.
    pub faults: Faults,
    /// Seed of the faults' randomness.
    pub seed: u64,
    /// A folder that keeps the timers' schedule status across restarts; without one a timer is never past due.
    pub timer_status: Option<PathBuf>,
    /// How long [`crate::Host::stop`] waits for invocations under way. The real host waits about ten seconds.
    pub drain: Duration,
}

impl HostOptions {
    /// Options with defaults for everything else.
    #[must_use]
    pub fn new(app_root: PathBuf, settings: BTreeMap<String, String>, broker: Broker) -> Self {
        Self {
            app_root,
            functions_root: None,
            settings,
            executable: None,
            broker,
            mode: Mode::default(),
            lines: Arc::new(|_| {}),
            faults: Faults::default(),
            seed: 0,
            timer_status: None,
            drain: Duration::from_secs(10),
        }
    }
}

impl std::fmt::Debug for HostOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Settings hold secrets.
        f.debug_struct("HostOptions")
            .field("app_root", &self.app_root)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
