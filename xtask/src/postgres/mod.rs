//! A PostgreSQL for one run.
//!
//! # Life
//!
//! 1. The programs are found ([`locate`]) or, where that is possible, installed ([`install`]).
//! 2. `initdb` makes a cluster in a temporary folder. PostgreSQL refuses to run as root, so root hands the folder to an
//!    unprivileged user and runs both programs as that user ([`owner`]).
//! 3. `postgres` runs as our child, on 127.0.0.1 and a port that was free a moment ago. Another process may take that
//!    port before PostgreSQL does; then the start is tried again with another.
//! 4. [`Server`] is a guard: dropping it shuts the server down, waits for its end and removes the folder. If the system
//!    supports it, the server is also told to stop when this process dies without a chance to do so.
//!
//! The server keeps its defaults (above all `fsync`), so that it behaves in tests and measurements as in production.

mod install;
mod locate;
mod owner;

use crate::console;
use anyhow::{Context, Result, bail};
use owner::Owner;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How often a start is tried, each time on another port.
const ATTEMPTS: u32 = 3;
/// How long a start may take; a busy machine needs a second or two.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a shutdown may take before it is forced.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// How often a starting or stopping server is checked.
const LOOK: Duration = Duration::from_millis(20);

/// A running throw-away PostgreSQL; gone when dropped.
pub(crate) struct Server {
    // Declared before the folder: fields are dropped in order, and the server must end before its files go.
    process: Process,
    _folder: TempDir,
    port: u16,
    version: String,
}

impl Server {
    /// Finds or installs PostgreSQL, and starts one. Takes a second or two once it is installed.
    pub(crate) async fn start() -> Result<Self> {
        let programs = match locate::programs().await {
            Some(folder) => folder,
            None => {
                install::with_apt().await?;
                locate::programs()
                    .await
                    .context("initdb and postgres are not where they should be after the installation")?
            }
        };
        let owner = Owner::of_server().await?;
        let folder = TempDir::with_prefix("iris-postgres-").context("cannot create a temporary folder")?;
        owner.take(folder.path())?;
        initialize(&programs, &owner, folder.path()).await?;
        let version = version(&programs).await?;
        for attempt in 1..=ATTEMPTS {
            let port = free_port()?;
            let mut process = Process::spawn(&programs, &owner, folder.path(), port)?;
            match process.ready(folder.path()).await {
                Ok(()) => {
                    return Ok(Self { process, _folder: folder, port, version });
                }
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(_) => {}
            }
        }
        bail!("PostgreSQL did not start")
    }

    /// Where clients connect: no password, superuser `postgres`, database `postgres`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// What it is, e.g. `PostgreSQL 15.18`.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

/// `cargo xtask postgres`: keeps one running until the task is interrupted, or the server ends by itself.
pub(crate) async fn run() -> Result<()> {
    let mut server = Server::start().await?;
    console::note(&format!("{}; Ctrl-C stops it and removes its data.", server.version()));
    console::note(&server.url());
    while !server.process.ended()? {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("PostgreSQL ended by itself")
}

async fn initialize(programs: &Path, owner: &Owner, folder: &Path) -> Result<()> {
    let mut command = Command::new(programs.join("initdb"));
    command.arg("--pgdata").arg(data(folder));
    // Losing power while the folder is created does no harm: it is created anew each time.
    command.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]);
    owner.run_as(&mut command, folder);
    crate::child::output(&mut command.into()).await.context("cannot create a PostgreSQL cluster")?;
    Ok(())
}

async fn version(programs: &Path) -> Result<String> {
    let text = crate::child::output(tokio::process::Command::new(programs.join("postgres")).arg("--version")).await?;
    // `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
    let number = text.split_whitespace().nth(2).unwrap_or("of an unknown version");
    Ok(format!("PostgreSQL {number}"))
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr().context("a listener without an address")?.port())
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn log(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

/// The server's process; ended when dropped.
struct Process {
    child: Child,
}

impl Process {
    fn spawn(programs: &Path, owner: &Owner, folder: &Path, port: u16) -> Result<Self> {
        let log = File::create(log(folder)).context("cannot create the server's log")?;
        let mut command = owner::ending_with_us(&programs.join("postgres"));
        command.arg("-D").arg(data(folder));
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("port={port}")]);
        command.arg("-c").arg(format!("unix_socket_directories={}", folder.display()));
        // Test binaries run side by side, each with pools of its own.
        command.args(["-c", "max_connections=400"]);
        command.stdin(Stdio::null()).stdout(log.try_clone().context("cannot share the server's log")?).stderr(log);
        // Not reached by the terminal's Ctrl-C: the server has to end last, after its users.
        command.process_group(0);
        owner.run_as(&mut command, folder);
        let child = command.spawn().context("cannot start postgres")?;
        Ok(Self { child })
    }

    /// Waits until the server accepts connections: it says so in the last line of its pid file.
    async fn ready(&mut self, folder: &Path) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            let status = fs::read_to_string(data(folder).join("postmaster.pid")).unwrap_or_default();
            if status.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            if self.ended()? {
                let log = fs::read_to_string(log(folder)).unwrap_or_default();
                bail!("PostgreSQL ended while starting:\n{}", log.trim_end());
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("PostgreSQL did not start within {} s", START_LIMIT.as_secs())
    }

    fn ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait().context("cannot look after postgres")?.is_some())
    }

    /// Sends the signal and waits for the end; false when the limit passed.
    fn end(&mut self, signal: Signal, limit: Duration) -> bool {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // An error means that it is already gone, which the wait below notices.
            let _ = kill_process(pid, signal);
        }
        let started = Instant::now();
        while started.elapsed() < limit {
            if self.ended().unwrap_or(true) {
                return true;
            }
            #[expect(clippy::disallowed_methods, reason = "a drop cannot await; it looks again until the limit")]
            std::thread::sleep(LOOK);
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().unwrap_or(true) {
            return;
        }
        // Fast shutdown ends clients' sessions; immediate shutdown ends everything; the last resort is a kill.
        let ended = self.end(Signal::INT, STOP_LIMIT) || self.end(Signal::QUIT, STOP_LIMIT);
        if !ended {
            self.end(Signal::KILL, STOP_LIMIT);
        }
    }
}
