//! How to start a host.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use iris_local_servicebus::broker::Broker;

use crate::event::LineSink;
use crate::faults::Faults;

/// How closely the host follows Azure where Azure is unkind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// An empty or `null` answer fails the invocation at once and says why.
    #[default]
    Strict,
    /// An empty or `null` answer leaves the invocation hanging until `functionTimeout`, and then costs the handler its
    /// life (functions-host-contract §2.2).
    Faithful,
}

/// A program to start instead of the one `host.json` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// The program's file.
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
    /// The app settings: expanded in `%NAME%`, and the handler's environment.
    pub settings: BTreeMap<String, String>,
    /// The program to start instead of the one `host.json` names.
    pub executable: Option<Executable>,
    /// Where messages come from and outputs go to.
    pub broker: Broker,
    /// How closely to follow Azure.
    pub mode: Mode,
    /// Where log lines go.
    pub lines: LineSink,
    /// Faults from the start.
    pub faults: Faults,
    /// Seed of the faults' randomness.
    pub seed: u64,
    /// A folder that keeps the timers' schedule status over restarts; without one a timer is never past due.
    pub timer_status: Option<PathBuf>,
    /// How long [`crate::Host::stop`] waits for invocations under way. The real host waits about ten seconds.
    pub drain: Duration,
}

impl HostOptions {
    /// Options with everything else at its default.
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
