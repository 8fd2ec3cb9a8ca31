//! `dead-letters`.

use super::instant;
use crate::cli::DeadLettersCommand;
use crate::platform::Platform;
use crate::redact;
use crate::report::{Report, Row};
use anyhow::{Context, Result};
use iris_azure::servicebus::{Cause, DeadLetter, DeadLetters};
use iris_channels::channel;
use iris_model::names::property;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The most dead letters that one `--all` sends back.
const ALL: usize = 1000;

/// The suffix of a subscription's second dead-letter queue, for messages that could not be forwarded because the target
/// queue was full or missing.
const TRANSFER: &str = "/$Transfer";

/// The platform's own application properties, which are shown as they are.
const OWN: [&str; 6] = [
    property::ORGANIZATION,
    property::WAITS,
    property::FIRST_SEEN,
    property::WAITING_SINCE,
    property::GIVEN_UP,
    property::RESUBMISSION_OF,
];

pub(crate) async fn run(platform: &Platform, command: &DeadLettersCommand) -> Result<Report> {
    match command {
        DeadLettersCommand::List { queue, limit } => Box::pin(list(platform, queue.as_deref(), *limit)).await,
        DeadLettersCommand::Show { queue, number } => {
            let letter = Box::pin(find(platform, queue, *number)).await?;
            platform.viewing("dead-letters.view", format!("{queue}/{number}"), None).await?;
            Ok(Report::of(detail(platform, queue, &letter)))
        }
        DeadLettersCommand::Redrive { queue, numbers, all } => {
            let mut letters = open(platform, queue).await?;
            let there = Box::pin(there(&mut letters, if *all { None } else { Some(numbers) })).await;
            let there = there.with_context(|| unread(queue))?;
            for number in &there {
                let entry = platform.entry("dead-letters.redrive", format!("{queue}/{number}"), None, json!({}))?;
                platform.administration().audit(&entry).await.context("the audit")?;
            }
            let done = Box::pin(letters.redrive(&there)).await;
            letters.close().await;
            let done = done.with_context(|| format!("dead letters of {queue} cannot be sent back"))?;
            let rows = done.iter().map(|number| vec![("queue", queue.as_str().into()), ("number", (*number).into())]);
            let left: BTreeSet<i64> =
                there.iter().chain(numbers).copied().filter(|number| !done.contains(number)).collect();
            let failure = (!left.is_empty()).then(|| {
                let left: Vec<String> = left.iter().map(ToString::to_string).collect();
                let left = left.join(", ");
                format!("{queue} has no dead letter {left}, or somebody holds it in this moment; see dead-letters list")
            });
            Ok(Report { failure, ..Report::list("redriven", rows.collect()) })
        }
    }
}

async fn open(platform: &Platform, queue: &str) -> Result<DeadLetters> {
    DeadLetters::open(&platform.settings.service_bus, &platform.lookup(), queue)
        .await
        .with_context(|| format!("the dead letters of {queue} cannot be reached"))
}

/// Which of these dead letters (or of all) exist.
async fn there(letters: &mut DeadLetters, numbers: Option<&Vec<i64>>) -> Result<BTreeSet<i64>, Cause> {
    let Some(numbers) = numbers else {
        return Ok(Box::pin(letters.peek(0, ALL)).await?.iter().map(|letter| letter.sequence_number).collect());
    };
    let mut there = BTreeSet::new();
    for number in numbers {
        let found = Box::pin(letters.peek(*number, 1)).await?;
        there.extend(found.iter().map(|letter| letter.sequence_number).filter(|found| found == number));
    }
    Ok(there)
}

fn unread(queue: &str) -> String {
    format!("the dead letters of {queue} cannot be read")
}

/// The queues of the platform and its organizations, and the subscriptions through which entries forward.
async fn queues(platform: &Platform) -> Result<Vec<String>> {
    let own = &platform.settings.queues;
    let own = [&own.orders, &own.drops, &own.images, &own.gradings, &own.hl7, &own.deliveries];
    let mut queues: Vec<String> = own.into_iter().cloned().collect();
    for (slug, organization) in platform.organizations().await? {
        queues.extend([slug.results_queue(), slug.hl7_out_queue()]);
        for kind in ["orders", "gradings", "hl7"] {
            let forward = format!("{kind}-{slug}/subscriptions/forward");
            queues.extend([format!("{forward}{TRANSFER}"), forward]);
        }
        let Ok(organization) = organization else { continue };
        queues.extend(organization.events_queue());
        queues.extend(
            organization
                .all_destinations()
                .filter_map(|destination| channel(&destination.to).own_queue().map(str::to_owned)),
        );
    }
    queues.sort();
    queues.dedup();
    Ok(queues)
}

async fn list(platform: &Platform, queue: Option<&str>, limit: usize) -> Result<Report> {
    let queues = match queue {
        Some(queue) => vec![queue.to_owned()],
        None => queues(platform).await?,
    };
    let mut rows = Vec::new();
    for name in &queues {
        let mut letters = open(platform, name).await?;
        let found = Box::pin(letters.peek(0, limit)).await;
        letters.close().await;
        match found {
            Ok(found) => rows.extend(found.iter().map(|letter| row(platform, name, letter))),
            // An organization may lack one of its queues.
            Err(Cause::EntityNotFound) if queue.is_none() => {}
            Err(cause) => return Err(cause).with_context(|| unread(name)),
        }
    }
    platform.viewing("dead-letters.view", queue.unwrap_or("list"), None).await?;
    Ok(Report::list("deadLetters", rows))
}

async fn find(platform: &Platform, queue: &str, number: i64) -> Result<DeadLetter> {
    let mut letters = open(platform, queue).await?;
    let found = Box::pin(letters.peek(number, 1)).await;
    letters.close().await;
    let found = found.with_context(|| unread(queue))?;
    found
        .into_iter()
        .find(|letter| letter.sequence_number == number)
        .with_context(|| format!("{queue} has no dead letter {number}; see dead-letters list"))
}

/// Why it was given up. If it could not be forwarded, the reason was written by the broker alone and needs no hiding.
fn why(platform: &Platform, queue: &str, letter: &DeadLetter) -> Value {
    let shows = platform.shows() || queue.ends_with(TRANSFER);
    letter.reason.as_deref().map(|text| if shows { text } else { redact::reason(text) }).into()
}

fn row(platform: &Platform, queue: &str, letter: &DeadLetter) -> Row {
    vec![
        ("queue", queue.into()),
        ("number", letter.sequence_number.into()),
        ("enqueuedAt", letter.enqueued_time.map_or(Value::Null, instant)),
        ("deliveries", letter.delivery_count.into()),
        ("reason", why(platform, queue, letter)),
        ("messageId", platform.personal(letter.message_id.as_deref())),
        ("bytes", letter.body.len().into()),
    ]
}

fn detail(platform: &Platform, queue: &str, letter: &DeadLetter) -> Row {
    let properties: BTreeMap<&str, Value> = letter
        .properties
        .iter()
        .filter(|(name, _)| platform.shows() || OWN.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value.as_str().into()))
        .collect();
    let content = if platform.shows() {
        String::from_utf8_lossy(&letter.body).into_owned().into()
    } else {
        redact::body(&letter.body)
    };
    let mut fields = row(platform, queue, letter);
    fields.push(("description", platform.personal(letter.description.as_deref())));
    fields.push(("properties", json!(properties)));
    fields.push(("content", content));
    fields
}
