//! Waiting images and directives, which may wait for something that never comes: images for their orders, directives
//! for their images (decisions 23, 24).
//!
//! Each is looked at again with growing delays, and reported once the organization's patience is over. A directive
//! whose blob is in the container is not reported: the blob is announced again, because its event was lost or is still
//! under way.

use super::{Announced, announcement};
use crate::app::App;
use futures::future::try_join_all;
use iris_azure::blob::{BlobAddress, Error as BlobError};
use iris_model::{ClientGuid, Organization};
use iris_rules::images::{DirectiveRecord, ImageAnswer, ImageTask, ImageWork};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use tracing::error;

/// How many are fetched at a time.
const PAGE: u32 = 256;

/// How many are worked on at a time.
const TOGETHER: usize = 32;

/// Handles everything that is due.
pub(super) async fn look_after(app: &App, organizations: &[Arc<Organization>], now: Timestamp) -> anyhow::Result<()> {
    let known: HashMap<ClientGuid, &Arc<Organization>> =
        organizations.iter().map(|organization| (organization.client_guid, organization)).collect();
    // Entries of organizations without a document stay due; a page with nothing else must not keep this loop going.
    loop {
        let due = app.orders.store().images_due(now, PAGE).await?;
        let last = due.len() < PAGE as usize;
        let mut work = Vec::new();
        for image in due {
            if let Some(organization) = known.get(&image.blob.organization) {
                let task = ImageTask::Waiting(Box::new(image));
                work.push(submit(app, ImageWork { organization: Arc::clone(organization), task }));
            }
        }
        if !together(work).await? || last {
            break;
        }
    }
    loop {
        let due = app.orders.store().directives_due(now, PAGE).await?;
        let last = due.len() < PAGE as usize;
        let mut work = Vec::new();
        for (organization, directive) in due {
            if let Some(organization) = known.get(&organization) {
                work.push(missing(app, organization, directive, now));
            }
        }
        if !together(work).await? || last {
            return Ok(());
        }
    }
}

/// Runs pieces of work, several at a time, so that they share commits. False if there are none.
async fn together(mut work: Vec<impl Future<Output = anyhow::Result<()>>>) -> anyhow::Result<bool> {
    let any = !work.is_empty();
    while !work.is_empty() {
        let rest = work.split_off(work.len().min(TOGETHER));
        try_join_all(std::mem::replace(&mut work, rest)).await?;
    }
    Ok(any)
}

async fn missing(
    app: &App,
    organization: &Arc<Organization>,
    directive: DirectiveRecord,
    now: Timestamp,
) -> anyhow::Result<()> {
    let blob_exists = announce(app, organization, &directive, now).await?;
    let task = ImageTask::Missing { directive, blob_exists };
    submit(app, ImageWork { organization: Arc::clone(organization), task }).await
}

/// Announces the blob that a directive names; false if it is not there.
async fn announce(
    app: &App,
    organization: &Organization,
    directive: &DirectiveRecord,
    now: Timestamp,
) -> anyhow::Result<bool> {
    let own = directive.container == organization.images_container();
    let address = BlobAddress::new(&directive.container, &directive.file_name).ok().filter(|_| own);
    let Some(address) = address else { return Ok(false) };
    let found = match app.blobs.properties(&address, None).await {
        Ok(found) => found,
        Err(BlobError::NotFound | BlobError::ContainerNotFound) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let announced = Announced { address: &address, etag: &found.etag, length: found.content_length };
    let account = app.blobs.account().unwrap_or_default();
    app.sender.send(&app.queues.images, vec![announcement(account, &announced, now)]).await?;
    Ok(true)
}

async fn submit(app: &App, work: ImageWork) -> anyhow::Result<()> {
    let organization = Arc::clone(&work.organization);
    let ImageAnswer { image, given_up, .. } = app.orders.image(work).await?;
    if let Some(code) = given_up {
        error!(
            alert = "image-given-up",
            organization = %organization.slug,
            image = image.map(|image| image.iris_id),
            code = code.as_str(),
            "an image found no order in time, or an order no image"
        );
    }
    Ok(())
}
