//! Queues, entries, containers and events, compared with those that the local host creates.

use super::{CONTAINER, QUEUE, SUBSCRIPTION, TOPIC, only};
use crate::bicep::{Resource, Value};
use crate::{Checked, Parameters, Problem};
use anyhow::Result;
use iris_local::provision;
use iris_local_blob::store::Store;
use iris_local_servicebus::broker::{Broker, ENTRY_SUBSCRIPTION, EntityKind};
use iris_model::Slug;
use iris_model::names::queue;
use std::collections::BTreeSet;

/// Checks the resources.
pub(crate) async fn check(checked: &Checked<'_>) -> Result<Vec<Problem>> {
    let local = Local::provisioned(checked).await?;
    let mut problems = Vec::new();
    let names = |kind: &'static str| checked.made(kind).map(|resource| resource.name.clone()).collect::<BTreeSet<_>>();
    compare("queue", &local.queues, &names(QUEUE), &mut problems);
    compare("entry", &local.entries, &names(TOPIC), &mut problems);
    compare("container", &local.containers, &shared_containers(checked), &mut problems);
    for queue in checked.made(QUEUE).filter(|queue| provision::WORK.contains(&queue.name.as_str())) {
        problems.extend(work_queue(queue));
    }
    for topic in checked.made(TOPIC) {
        problems.extend(entry(checked, topic));
    }
    for queue in ANNOUNCED {
        problems.extend(announcements(checked, queue));
    }
    Ok(problems)
}

/// What is wrong with a network that lets in only callers' addresses.
pub(crate) fn locked_out(parameters: &Parameters) -> Option<String> {
    let has_ranges = parameters.get("callerIpRanges").is_some_and(|ranges| !ranges.items().is_empty());
    let is_private = parameters.get("privateNetworking") == Some(&Value::Boolean(true));
    let what = "callerIpRanges needs privateNetworking: without it the platform itself is locked out";
    (has_ranges && !is_private).then(|| what.to_owned())
}

/// The queues to which Event Grid announces blobs of the containers `{slug}-{queue}`.
const ANNOUNCED: [&str; 2] = [queue::DROPS, queue::IMAGES];

/// What the local host creates.
struct Local {
    queues: BTreeSet<String>,
    entries: BTreeSet<String>,
    containers: BTreeSet<String>,
}

impl Local {
    async fn provisioned(checked: &Checked<'_>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (broker, blobs) = (Broker::open(None).await?, Store::open(folder.path())?);
        provision::queues(&broker, &checked.organizations)?;
        provision::containers(&blobs, &checked.organizations).await?;
        let entities = broker.entities();
        let of = |kind| entities.iter().filter(move |entity| entity.kind == kind).map(|entity| entity.name.clone());
        let page = blobs.list_containers("", None, None).await?;
        Ok(Self {
            queues: of(EntityKind::Queue).collect(),
            entries: of(EntityKind::Topic).collect(),
            containers: page.containers.iter().map(|container| container.name.as_str().to_owned()).collect(),
        })
    }
}

fn compare(what: &str, local: &BTreeSet<String>, deployed: &BTreeSet<String>, problems: &mut Vec<Problem>) {
    for name in local.difference(deployed) {
        problems.push(Problem::new("resources", format!("the {what} {name} exists locally, but is not deployed")));
    }
    for name in deployed.difference(local) {
        problems.push(Problem::new("resources", format!("the {what} {name} is deployed, but does not exist locally")));
    }
}

/// The containers of the account shared with callers; the other account is the host's own.
fn shared_containers(checked: &Checked<'_>) -> BTreeSet<String> {
    let account = |container: &Resource| container.path.split('/').next().unwrap_or_default().to_owned();
    let shared = checked.made(CONTAINER).find(|container| container.name == "organizations").map(account);
    checked
        .made(CONTAINER)
        .filter(|container| Some(account(container)) == shared)
        .map(|container| container.name.clone())
        .collect()
}

fn work_queue(queue: &Resource) -> Vec<Problem> {
    let mut problems = Vec::new();
    let place = format!("queue {}", queue.name);
    let property = |name| queue.body.at(&["properties", name]);
    if property("maxDeliveryCount") != Some(&Value::Number(i64::from(provision::DELIVERIES))) {
        let what = format!("maxDeliveryCount must be {} as in the local host (decision 60)", provision::DELIVERIES);
        problems.push(Problem::new(&place, what));
    }
    if property("lockDuration").and_then(Value::text) != Some("PT5M") {
        problems.push(Problem::new(&place, "lockDuration must be PT5M, the longest: the host renews it"));
    }
    let detects = property("requiresDuplicateDetection") == Some(&Value::Boolean(true));
    if detects != ANNOUNCED.contains(&queue.name.as_str()) {
        let what = "duplicate detection belongs to announced blobs, and not to what entries forward (decision 61)";
        problems.push(Problem::new(&place, what));
    }
    if property("requiresSession") == Some(&Value::Boolean(true)) {
        problems.push(Problem::new(&place, "sessions are not what the trigger expects"));
    }
    problems
}

/// The queue behind the entries of a kind.
fn entry_queue(kind: &str) -> Option<&'static str> {
    match kind {
        "orders" => Some(queue::ORDERS),
        "gradings" => Some(queue::GRADINGS),
        "hl7" => Some(queue::HL7),
        _ => None,
    }
}

/// An entry `{kind}-{slug}` stamps every message once, and forwards it to the queue of its kind.
fn entry(checked: &Checked<'_>, topic: &Resource) -> Vec<Problem> {
    let mut problems = Vec::new();
    let place = format!("entry {}", topic.name);
    let named = topic.name.split_once('-').and_then(|(kind, slug)| Some((entry_queue(kind)?, Slug::new(slug)?)));
    let Some((queue, slug)) = named else {
        return vec![Problem::new(&place, "its name must be orders, gradings or hl7, a hyphen and an organization")];
    };
    let below = |kind: &'static str| {
        let before = format!("{}/", topic.path);
        checked.made(kind).filter(move |resource| resource.path.starts_with(&before))
    };
    let subscription = only(below(SUBSCRIPTION));
    if subscription.is_some_and(|subscription| subscription.name != ENTRY_SUBSCRIPTION) {
        problems
            .push(Problem::new(&place, format!("its subscription is called {ENTRY_SUBSCRIPTION}: operators know it")));
    }
    let forwards = subscription.and_then(|subscription| subscription.body.at(&["properties", "forwardTo"])?.text());
    if forwards != Some(queue) {
        problems.push(Problem::new(&place, format!("one subscription must forward to {queue}, a queue of ours")));
    }
    let rule = only(below("Microsoft.ServiceBus/namespaces/topics/subscriptions/rules"));
    let Some(rule) = rule.filter(|rule| rule.name == "$Default") else {
        problems.push(Problem::new(
            &place,
            "one rule, named $Default, must stamp: another would forward a copy of its own",
        ));
        return problems;
    };
    let stamp = slug.entry_action();
    if rule.body.at(&["properties", "action", "sqlExpression"]).and_then(Value::text) != Some(&stamp) {
        problems.push(Problem::new(&place, format!("the rule's action must be: {stamp}")));
    }
    if rule.body.at(&["properties", "sqlFilter", "sqlExpression"]).and_then(Value::text) != Some("1=1") {
        problems.push(Problem::new(&place, "the rule must let everything pass: 1=1"));
    }
    problems
}

/// BlobCreated events of the containers `{slug}-{queue}` must arrive in the queue.
fn announcements(checked: &Checked<'_>, queue: &str) -> Vec<Problem> {
    let place = format!("event subscription {queue}");
    let subscriptions = checked.made("Microsoft.EventGrid/systemTopics/eventSubscriptions");
    let Some(subscription) = only(subscriptions.filter(|subscription| subscription.name == queue)) else {
        return vec![Problem::new(place, "one must deliver the announcements of blobs")];
    };
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            problems.push(Problem::new(&place, what));
        }
    };
    let at = |path: &[&str]| subscription.body.at(path);
    let deployed = checked.made(QUEUE).find(|made| made.name == queue);
    let deployed = deployed.map(|made| format!("‹{}/{}.id›", made.kind, made.path));
    let target = at(&["properties", "deliveryWithResourceIdentity", "destination", "properties", "resourceId"]);
    expect(
        target.is_some() && target.and_then(Value::text) == deployed.as_deref(),
        format!("it must deliver to the queue {queue}"),
    );
    expect(
        at(&[
            "properties",
            "deadLetterWithResourceIdentity",
            "deadLetterDestination",
            "properties",
            "blobContainerName",
        ])
        .is_some(),
        "without a dead-letter container, events that cannot be delivered are lost".to_owned(),
    );
    let types = at(&["properties", "filter", "includedEventTypes"]).map(Value::items).unwrap_or_default();
    let blob_created = [Value::Text("Microsoft.Storage.BlobCreated".to_owned())];
    expect(types == blob_created, "it must be about BlobCreated alone".to_owned());
    let filters = at(&["properties", "filter", "advancedFilters"]).map(Value::items).unwrap_or_default();
    let values = |key: &str| {
        let filter = filters.iter().find(|filter| filter.get("key").and_then(Value::text) == Some(key));
        let values = filter.and_then(|filter| filter.get("values")).map(Value::items).unwrap_or_default();
        values.iter().filter_map(Value::text).collect::<BTreeSet<_>>()
    };
    let subjects = format!("-{queue}/blobs/");
    expect(
        values("subject") == BTreeSet::from([subjects.as_str()]),
        format!("its subjects must be those that contain {subjects}"),
    );
    let complete = BTreeSet::from(["PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"]);
    expect(
        values("data.api") == complete,
        format!("its operations must be those after which a blob is complete: {complete:?}"),
    );
    problems
}
