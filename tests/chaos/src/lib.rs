//! Chaos runs: several handlers on one database, as in Azure, while everything that can break does; and a check of what
//! is left.
//!
//! A run is a [`Plan`](plan::Plan), made from a seed; a [local host](iris_local::LocalHost) whose handlers reach
//! database, bus and storage through [proxies](proxy::Proxy) that cut, reset, freeze, swallow and delay; callers that
//! send wave after wave; and the [checker](history), which compares what was asked with what is found. docs/CHAOS.md
//! says how to run it and what it showed.

mod caller;
mod documents;
pub mod history;
pub mod plan;
mod platform;
pub mod proxy;
mod random;

pub use platform::{Damage, Place, Server};

use anyhow::{Context, Result};
use caller::Inbox;
use history::{Finding, Kind, Report};
use plan::{Plan, Shape, Wave};
use platform::Platform;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long the answers to a wave may take once nothing breaks any more. A client of a frozen connection gives up
/// within 30 seconds.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long a crashed database server takes to recover, at most.
const RECOVERY: Duration = Duration::from_secs(30);
/// How often a condition is checked.
const LOOK: Duration = Duration::from_millis(50);
/// How often leases of dead processes are ended.
const LEASES: Duration = Duration::from_secs(1);

/// What a run showed.
#[derive(Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// What the checker says.
    pub report: Report,
    /// What was done to the platform.
    pub damage: Damage,
    /// Messages, files and images sent, copies not counted.
    pub sent: usize,
    /// How long it took.
    pub took: Duration,
    /// The data folder, which is kept when something was found.
    pub kept: Option<PathBuf>,
}

/// One run.
///
/// # Errors
/// When it cannot take place. What the platform does wrong is not an error but a finding.
pub async fn run(place: &Place, shape: &Shape, seed: u64) -> Result<Outcome> {
    let began = Instant::now();
    let plan = Plan::new(shape, seed);
    let platform = started(place, shape).await?;
    platform.handle(&plan.handling);
    let mut inbox = Inbox::default();
    let mut wanted = vec![0; shape.organizations];
    let mut damage = Damage::default();
    for wave in &plan.waves {
        let done = in_wave(&platform, wave).await?;
        damage = damage.and(done);
        for post in &wave.posts {
            wanted[post.sent.organization] += 1;
        }
        let all = |answers: Vec<usize>| answers.iter().zip(&wanted).all(|(has, wants)| has >= wants);
        if !patiently(&platform, async || inbox.answers(&platform).is_ok_and(all)).await {
            break;
        }
    }
    let quiet = patiently(&platform, async || platform.host.is_quiet().await.unwrap_or(false)).await;
    let found = read(&platform, &mut inbox).await?;
    let sent = plan.sent();
    let mut report = history::check(&sent, &found);
    let entities = platform.host.broker.entities();
    let dead: usize = entities.iter().map(|entity| entity.dead_lettered + entity.not_forwarded).sum();
    if dead > 0 || !quiet {
        let what = format!("{dead} dead letters; everything handled: {quiet}");
        report.findings.push(Finding { kind: Kind::Unanswered, what });
    }
    let kept = platform.stop(!report.findings.is_empty()).await;
    Ok(Outcome { seed, report, damage, sent: sent.len(), took: began.elapsed(), kept })
}

/// Starts the platform. A parallel run may make the server crash meanwhile; then it is tried once more.
async fn started(place: &Place, shape: &Shape) -> Result<Platform> {
    let mut tries = 0;
    loop {
        match Platform::start(place, shape).await {
            Err(_) if tries < 4 => tries += 1,
            started => return started,
        }
    }
}

/// Reads what is there. A server that another run has just made to crash is asked again.
async fn read(platform: &Platform, inbox: &mut Inbox) -> Result<Vec<history::Found>> {
    let began = Instant::now();
    loop {
        match caller::found(platform, inbox).await {
            Err(_) if began.elapsed() < RECOVERY => tokio::time::sleep(LOOK).await,
            found => return found.context("what is there cannot be read"),
        }
    }
}

/// Sends a wave while things break.
async fn in_wave(platform: &Platform, wave: &Wave) -> Result<Damage> {
    let (sent, damage) = tokio::join!(caller::send(platform, &wave.posts), platform.suffer(&wave.strikes));
    sent.context("a caller cannot send")?;
    damage.context("nothing can be broken")
}

/// Waits for a condition; returns whether it was met.
async fn patiently(platform: &Platform, mut condition: impl AsyncFnMut() -> bool) -> bool {
    let began = Instant::now();
    let mut look = tokio::time::interval(LOOK);
    let mut leases = Instant::now();
    while !condition().await {
        if began.elapsed() > PATIENCE {
            return false;
        }
        if leases.elapsed() > LEASES {
            leases = Instant::now();
            // If the database is down, it is asked again later.
            let _ = platform.end_leases().await;
        }
        look.tick().await;
    }
    true
}

impl Damage {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            kills: self.kills + other.kills,
            blows: self.blows + other.blows,
            connections: self.connections + other.connections,
            restarts: self.restarts + other.restarts,
        }
    }
}
