//! `--images` and `--grade`: what comes after the order, done as by the clinic and the grader.

use super::upload;
use crate::LocalHost;
use anyhow::{Context, Result, bail, ensure};
use iris_azure::blob::{BlobAddress, BlobStore};
use iris_azure::servicebus::{OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_model::Organization;
use iris_rules::images::explanation;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::interval;

/// How often to check whether everything is done.
const LOOK: Duration = Duration::from_millis(50);

/// Reads a file of gradings: one, or a list of them.
pub(super) fn read(file: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let document = serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    let gradings = match document {
        Value::Array(gradings) => gradings,
        one => vec![one],
    };
    ensure!(!gradings.is_empty(), "{} holds no grading", file.display());
    let are_objects = gradings.iter().all(Value::is_object);
    ensure!(are_objects, "{} holds something else than gradings, each of which is a JSON object", file.display());
    Ok(gradings)
}

/// The images in a folder, or the single image that is named instead.
pub(super) fn images(folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_hidden = entry_name(&path).is_some_and(|name| name.starts_with('.'));
        if path.is_file() && !is_hidden {
            files.push(path);
        }
    }
    ensure!(!files.is_empty(), "there is no image in the folder {}", folder.display());
    files.sort();
    Ok(files)
}

fn entry_name(path: &Path) -> Option<&str> {
    path.file_name().and_then(|name| name.to_str())
}

/// Uploads images with the organization's write-only credential, and waits until they are received. For images that
/// belong to no order, returns why they are not linked.
pub(super) async fn send_images(
    host: &LocalHost,
    organization: &Organization,
    files: &[PathBuf],
) -> Result<Vec<String>> {
    let caller = BlobStore::from_connection_string(&host.credentials.images_service(organization))?;
    for file in files {
        let name = super::file_name(file)?;
        upload(&caller, &BlobAddress::new(&organization.images_container(), &name)?, file).await?;
    }
    quiet(host).await?;
    let limit = u32::try_from(files.len()).unwrap_or(u32::MAX);
    let unlinked = host.orders.unlinked_images(organization.client_guid, limit).await?;
    Ok(unlinked.iter().map(|image| explanation(image).unwrap_or_else(|| image.blob.file_name.clone())).collect())
}

/// Posts gradings with the grader's credential, and waits until the results are delivered.
pub(super) async fn send_gradings(host: &LocalHost, organization: &Organization, gradings: &[Value]) -> Result<()> {
    let sender =
        ServiceBusSender::with_connection_string(&host.credentials.grader(organization), SenderOptions::default())?;
    let message = |(number, grading): (usize, &Value)| OutgoingMessage {
        message_id: format!("grading-{}", number + 1),
        body: grading.to_string().into(),
        content_type: Some("application/json".to_owned()),
        ..OutgoingMessage::default()
    };
    let messages = gradings.iter().enumerate().map(message).collect();
    sender.send(&organization.slug.gradings_entry(), messages).await.context("the gradings cannot be posted")?;
    quiet(host).await
}

/// Waits until nothing is under way.
async fn quiet(host: &LocalHost) -> Result<()> {
    let mut look = interval(LOOK);
    loop {
        tokio::select! {
            reason = host.stopped() => bail!("the handler is gone for good: {reason}"),
            _ = look.tick() => {}
        }
        if host.is_quiet().await? {
            return Ok(());
        }
    }
}

/// What became of the gradings: how many results there are, and why the others were refused.
#[derive(Debug, Default)]
pub(super) struct Graded {
    pub(super) results: usize,
    pub(super) refused: Vec<String>,
}

/// Determined from the organization's own events. A grading without an event has another organization's ClientGuid
/// (iris-facts R-01).
pub(super) fn outcome(host: &LocalHost, organization: &Organization, gradings: usize) -> Result<Graded> {
    let mut graded = Graded::default();
    let Some(queue) = organization.events_queue() else { return Ok(graded) };
    let mut answered = 0;
    for delivery in host.broker.peek(&queue, 0, usize::MAX)? {
        let event: Value = serde_json::from_slice(&delivery.message.body)?;
        answered += usize::from(event["ResultObjectType"] == "GradingReceipt");
        match (event["ResultObjectType"].as_str(), event["ErrorMessage"].as_str()) {
            (Some("OrderGradedEvent"), _) => graded.results += 1,
            (Some("GradingReceipt"), Some(reason)) => graded.refused.push(reason.to_owned()),
            _ => {}
        }
    }
    for _ in answered..gradings {
        let guid = organization.client_guid;
        graded.refused.push(format!(
            "ClientGuid: A grading for {} carries {guid}; another one is not answered.",
            organization.slug
        ));
    }
    Ok(graded)
}

impl Graded {
    /// If none of the gradings was applied, that is a failure, reported in one sentence.
    pub(super) fn any(&self) -> Result<()> {
        match (self.results, self.refused.first()) {
            (0, Some(reason)) => bail!("nothing was graded: {reason}"),
            _ => Ok(()),
        }
    }
}
