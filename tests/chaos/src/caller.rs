//! The callers: what they send, and what they and operators see afterwards.

use crate::documents;
use crate::history::{Asked, Entry, Found, Line, Order, Sent};
use crate::plan::{Post, mark};
use crate::platform::Platform;
use anyhow::{Context, Result};
use iris_azure::blob::{BlobAddress, BlobStore, UploadOptions};
use iris_azure::servicebus::{OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_local_blob::store::ListQuery;
use iris_local_blob::{BlobName, ContainerName};
use iris_model::Organization;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many messages are sent in one call.
const TOGETHER: usize = 8;

/// Sends a wave: everything in its order, with files and images in parallel to messages.
pub(crate) async fn send(platform: &Platform, posts: &[Post]) -> Result<()> {
    for (number, document) in platform.host.organizations.iter().enumerate() {
        let organization = &document.organization;
        let mine: Vec<&Post> = posts.iter().filter(|post| post.sent.organization == number).collect();
        files(platform, organization, &mine).await?;
        let gradings = mine.iter().copied().filter(|post| post.sent.asked == Asked::Grading);
        let orders = mine.iter().copied().filter(|post| post.sent.asked != Asked::Grading);
        let credentials = &platform.host.credentials;
        let slug = &organization.slug;
        messages(&credentials.caller(organization).orders, &slug.orders_entry(), orders).await?;
        messages(&credentials.grader(organization), &slug.gradings_entry(), gradings).await?;
    }
    Ok(())
}

async fn messages<'a>(access: &str, entry: &str, posts: impl Iterator<Item = &'a Post>) -> Result<()> {
    let mut all = Vec::new();
    for post in posts {
        let Some(body) = documents::message(&post.sent) else { continue };
        let body = bytes::Bytes::from(body.to_string());
        let message_id = format!("{}-{:?}-{}", post.sent.order, post.sent.asked, post.sent.wave);
        let message = OutgoingMessage { message_id, body, ..OutgoingMessage::default() };
        all.extend(std::iter::repeat_n(message, post.copies));
    }
    if all.is_empty() {
        return Ok(());
    }
    let sender = ServiceBusSender::with_connection_string(access, SenderOptions::default())?;
    for together in all.chunks(TOGETHER) {
        sender.send(entry, together.to_vec()).await?;
    }
    Ok(())
}

async fn files(platform: &Platform, organization: &Organization, posts: &[&Post]) -> Result<()> {
    let credentials = &platform.host.credentials;
    let mut files: BTreeMap<&str, Vec<&Sent>> = BTreeMap::new();
    for post in posts {
        match &post.sent.asked {
            Asked::Row { file, .. } => files.entry(file).or_default().push(&post.sent),
            Asked::Image { local_id } => {
                let images = BlobStore::from_connection_string(&credentials.images_service(organization))?;
                let address = BlobAddress::new(&organization.images_container(), local_id)?;
                let picture = bytes::Bytes::from_static(documents::picture(local_id));
                images.upload(&address, picture, UploadOptions::default()).await?;
            }
            _ => {}
        }
    }
    for (name, rows) in files {
        let drops = BlobStore::from_connection_string(&credentials.drops_service(organization))?;
        let address = BlobAddress::new(&organization.drops_container(), name)?;
        drops.upload(&address, documents::file(rows.into_iter()).into(), UploadOptions::default()).await?;
    }
    Ok(())
}

/// What has arrived in the organizations' queues; nothing is removed.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    events: Vec<Arrived>,
}

#[derive(Debug, Default)]
struct Arrived {
    next: u64,
    messages: Vec<Value>,
    answers: BTreeSet<String>,
}

impl Inbox {
    /// How many different answers each organization has received.
    pub(crate) fn answers(&mut self, platform: &Platform) -> Result<Vec<usize>> {
        self.events.resize_with(platform.host.organizations.len(), Arrived::default);
        for (arrived, document) in self.events.iter_mut().zip(&platform.host.organizations) {
            let queue = document.organization.events_queue().context("events are wanted")?;
            arrived.look(platform, &queue)?;
        }
        Ok(self.events.iter().map(|arrived| arrived.answers.len()).collect())
    }
}

impl Arrived {
    fn look(&mut self, platform: &Platform, queue: &str) -> Result<()> {
        for delivery in platform.host.broker.peek(queue, self.next, usize::MAX)? {
            self.next = delivery.sequence_number + 1;
            let body: Value = serde_json::from_slice(&delivery.message.body).context("a message is JSON")?;
            let kind = body["ResultObjectType"].as_str().unwrap_or_default();
            let id = body["TransactionId"].as_str();
            let is_answer = kind == "OrderCancelled" || kind.ends_with("Receipt") && kind != "ResultsDeliveryReceipt";
            if let Some(id) = id.filter(|_| is_answer) {
                self.answers.insert(id.to_owned());
            }
            self.messages.push(body);
        }
        Ok(())
    }
}

/// What is found at the end.
pub(crate) async fn found(platform: &Platform, inbox: &mut Inbox) -> Result<Vec<Found>> {
    inbox.answers(platform)?;
    let mut all = Vec::new();
    for (number, document) in platform.host.organizations.iter().enumerate() {
        let organization = &document.organization;
        let mut results = Arrived::default();
        results.look(platform, &organization.slug.results_queue())?;
        all.push(Found {
            mark: mark(number),
            orders: orders(platform, organization).await?,
            events: inbox.events[number].messages.clone(),
            results: results.messages,
            files: lines(platform, organization).await?,
        });
    }
    Ok(all)
}

async fn orders(platform: &Platform, organization: &Organization) -> Result<Vec<Order>> {
    let store = &platform.host.orders;
    let mut orders = Vec::new();
    let mut before = None;
    loop {
        let page = store.orders(organization.client_guid, before, 500).await?.items;
        let Some(last) = page.last() else { return Ok(orders) };
        before = Some(last.id);
        for summary in page {
            let detail = store.order(summary.id).await?.context("an order that is listed is there")?;
            let parsed = |text: &str| serde_json::from_str::<Value>(text).context("what is stored is JSON");
            let mut history = Vec::new();
            for entry in &detail.history {
                history.push(Entry {
                    version: entry.version.into(),
                    change: entry.change.clone(),
                    submission: entry.submission,
                    before: entry.content.as_deref().map(parsed).transpose()?,
                });
            }
            let images = store.images_of(summary.id).await?;
            orders.push(Order {
                id: summary.id,
                local_id: summary.local_id,
                content: parsed(&detail.content)?,
                patient: parsed(&detail.patient)?,
                history,
                images: images.into_iter().map(|image| image.blob.file_name).collect(),
            });
        }
    }
}

/// The lines of the receipts in the organization's results.
async fn lines(platform: &Platform, organization: &Organization) -> Result<BTreeMap<String, Vec<Line>>> {
    let container = ContainerName::new(organization.results_container())?;
    let page = platform.host.blobs.list_blobs(&container, ListQuery::default()).await?;
    let mut files: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for blob in page.blobs().filter(|blob| blob.name.as_str().ends_with(".rows.csv")) {
        let name = blob.name.as_str();
        let file = name.rsplit('/').next().and_then(|name| name.split(".csv.").next()).unwrap_or(name);
        let content = platform.host.blobs.get(&container, &BlobName::new(name)?).await?;
        let text = String::from_utf8(content.to_vec()).context("a receipt is text")?;
        let lines = files.entry(format!("{file}.csv")).or_default();
        for line in text.lines().skip(1) {
            let mut cells = line.split(',');
            let row = cells.next().unwrap_or_default().parse().context("a line begins with its row")?;
            lines.push(Line { row, outcome: cells.next().unwrap_or_default().to_owned() });
        }
    }
    Ok(files)
}
