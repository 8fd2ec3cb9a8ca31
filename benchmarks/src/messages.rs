//! Messages: posted by a caller, stored, answered by events; and how long a single one takes on an idle system.

use crate::databases::Kind;
use crate::local::Local;
use crate::report::Target::{AtLeast, AtMost};
use crate::report::{Section, number};
use crate::storing::Sink;
use crate::submissions::{organization, origin};
use crate::{Bench, clock, generate};
use anyhow::{Context as _, Result, ensure};
use iris_azure::servicebus::OutgoingMessage;
use iris_model::submission::{Context, validate};
use iris_model::{OrderRequest, Organization};
use iris_orders::{Options, Orders};
use iris_rules::{Incoming, Source};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Messages passed to the sender at a time.
const BATCH: usize = 1_000;
/// Messages sent one by one to an idle system.
const SINGLE: usize = 200;
/// Concurrent callers in the baseline: as many as the host has invocations under way.
const CALLERS: usize = 128;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Section>> {
    let mut sections = Vec::new();
    for kind in bench.databases.kinds() {
        let count = bench.amount(20_000);
        let about = format!(
            "{SINGLE} new orders posted one by one to the idle system, each after the event of the one before; then \
             {} posted in batches of {BATCH} until the last event is in the caller's queue. The baseline commits each \
             message on its own, {CALLERS} under way at a time, without queue and events.",
            number(f64::from(count))
        );
        let mut section = Section::new(format!("Messages on {}", kind.name()), about);
        let (mut single, mut rate, mut latencies) = (0.0, 0.0, Vec::new());
        for _ in 0..bench.repeats().min(2) {
            single = f64::max(single, one_per_transaction(bench, *kind, count / 10).await?);
            let database = bench.databases.create(*kind).await?;
            let local = Local::start(bench, &database).await?;
            latencies = one_by_one(&local).await?;
            rate = f64::max(rate, stream(&local, count).await?);
            local.stop().await;
            bench.databases.remove(database).await?;
        }
        section.figure("baseline: one transaction per message", single, "messages/s");
        match kind {
            Kind::Sqlite => section.figure("posted → stored + event sent", rate, "messages/s"),
            Kind::Postgres => section.aim("posted → stored + event sent", rate, "messages/s", AtLeast(4_000.0)),
        }
        section.ratio("… of the baseline", rate, single, AtLeast(5.0));
        section.aim(
            "posted → event in the queue, idle system, p50",
            clock::percentile(&latencies, 0.5),
            "ms",
            AtMost(20.0),
        );
        section.aim("… p99", clock::percentile(&latencies, 0.99), "ms", AtMost(100.0));
        sections.push(section);
    }
    Ok(sections)
}

fn message(series: &str, number: usize) -> OutgoingMessage {
    OutgoingMessage {
        message_id: format!("{series}-{number}"),
        body: generate::order(series, number).to_string().into(),
        ..OutgoingMessage::default()
    }
}

/// Messages per second from the first send to the last event.
async fn stream(local: &Local, count: u32) -> Result<f64> {
    let before = local.waiting_events()?;
    let sender = local.sender()?;
    let mut messages: Vec<Vec<OutgoingMessage>> = Vec::new();
    for start in (0..count as usize).step_by(BATCH) {
        messages.push((start..(start + BATCH).min(count as usize)).map(|number| message("M", number)).collect());
    }
    let started = Instant::now();
    let entry = local.entry();
    for batch in messages {
        sender.send(&entry, batch).await?;
    }
    clock::until("all events", async || Ok(local.waiting_events()? >= before + u64::from(count))).await?;
    local.published().await?;
    Ok(clock::rate(count, started))
}

/// Milliseconds from the send to the event, sorted.
async fn one_by_one(local: &Local) -> Result<Vec<f64>> {
    let sender = local.sender()?;
    let mut times = Vec::new();
    for number in 0..SINGLE + 10 {
        let message = message("L", number);
        let started = Instant::now();
        sender.send(&local.entry(), vec![message]).await?;
        let events = local.host.broker.receive(&local.events, 1, Duration::from_secs(30)).await?;
        let time = started.elapsed().as_secs_f64() * 1e3;
        let event = events.into_iter().next().context("no event came")?;
        local.host.broker.complete(&local.events, event.lock_token).await?;
        // The first ones open connections.
        if number >= 10 {
            times.push(time);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// Messages per second when each is a transaction of its own.
async fn one_per_transaction(bench: &Bench, kind: Kind, count: u32) -> Result<f64> {
    let options = Options { batch: 1, ..Options::default() };
    let database = bench.databases.create(kind).await?;
    let orders = Orders::open(database.open().await?, Arc::new(Sink), options);
    let organization = organization()?;
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (orders, organization) = (orders.clone(), Arc::clone(&organization));
        callers.spawn(async move {
            for number in (caller..count as usize).step_by(CALLERS) {
                let answer = orders.submit(incoming(&organization, number)?).await?;
                ensure!(answer.outcome().is_some(), "a message was not dealt with");
            }
            Ok(())
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    let rate = clock::rate(count, started);
    orders.close().await;
    bench.databases.remove(database).await?;
    Ok(rate)
}

fn incoming(organization: &Arc<Organization>, number: usize) -> Result<Incoming> {
    let body = generate::order("T", number).to_string();
    let parsed = OrderRequest::parse(body.as_bytes()).ok().context("an order is readable")?;
    let origin = origin();
    let submission = validate(parsed.request, Vec::new(), &Context { organization, origin: &origin });
    let now = Timestamp::now();
    Ok(Incoming {
        message_id: None,
        id: Uuid::new_v4(),
        organization: Arc::clone(organization),
        received_at: now,
        first_seen: now,
        source: Source::Message,
        request: Ok(submission.ok().context("an order is valid")?),
        body: Some(body.into_bytes().into()),
    })
}
