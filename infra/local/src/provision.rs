//! The resources of the platform and of each organization, as Bicep makes them in Azure.
//!
//! | resource | made for |
//! |---|---|
//! | queues `incoming-orders`, `drops`, `images`, `gradings`, `hl7`, `deliveries` | the platform |
//! | containers `organizations`, `archive` | the platform |
//! | entry `orders-{slug}`: stamps `IrisOrganization` and forwards to `incoming-orders` | each organization |
//! | entry `gradings-{slug}`: stamps `IrisOrganization` and forwards to `gradings` | each organization |
//! | entry `hl7-{slug}`: stamps `IrisOrganization` and forwards to `hl7` | each organization |
//! | queue `hl7out-{slug}`, for its hospitals | each organization |
//! | queues `events-{slug}`, `results-{slug}`, and those of the platform's that its destinations name | each organization |
//! | containers `{slug}-drops`, `{slug}-results`, `{slug}-images` | each organization |

use crate::organizations::Document;
use anyhow::{Context, Result};
use iris_channels::channel;
use iris_local_blob::store::{PutOptions, Store};
use iris_local_blob::{BlobName, ContainerName};
use iris_local_servicebus::broker::{Action, Broker, Error, QueueOptions};
use iris_model::names::{container, queue};
use std::time::Duration;

/// How often a message is delivered before it is given up. The handler itself resends what has to wait, so only a
/// handler that dies uses up deliveries; and during a file that takes minutes, many may die.
pub const DELIVERIES: u32 = 100;
/// How long a queue for hospitals remembers the ids of its messages: the longest that Service Bus allows.
const HL7_OUT_MEMORY: Duration = Duration::from_hours(7 * 24);
/// Every queue whose messages start a function.
pub const WORK: [&str; 6] =
    [queue::ORDERS, queue::DROPS, queue::IMAGES, queue::GRADINGS, queue::HL7, queue::DELIVERIES];

/// The container of the organizations' documents.
pub const DOCUMENTS: &str = "organizations";

/// Creates the queues. Those that exist, with what is in them, stay.
///
/// # Errors
/// The broker's.
pub fn queues(broker: &Broker, organizations: &[Document]) -> Result<()> {
    // No duplicate detection: every entry forwards into the same queue, so two organizations may well use the same
    // MessageId. The ledger of submissions recognizes a repetition by organization, MessageId and content (decision
    // 54).
    let work = || QueueOptions { max_delivery_count: DELIVERIES, ..QueueOptions::default() };
    for name in WORK {
        existing(broker.create_queue(name, work()))?;
    }
    for Document { organization, .. } in organizations {
        let slug = &organization.slug;
        let stamp = Action::parse(&slug.entry_action())?;
        existing(broker.create_entry(&slug.orders_entry(), queue::ORDERS, stamp.clone()))?;
        existing(broker.create_entry(&slug.gradings_entry(), queue::GRADINGS, stamp.clone()))?;
        existing(broker.create_entry(&slug.hl7_entry(), queue::HL7, stamp))?;
        existing(broker.create_queue(&slug.hl7_out_queue(), hl7_out()))?;
        existing(broker.create_queue(&slug.results_queue(), QueueOptions::default()))?;
        for destination in &organization.destinations {
            if let Some(name) = channel(&destination.to).own_queue() {
                existing(broker.create_queue(name, QueueOptions::default()))?;
            }
        }
        if let Some(events) = organization.events_queue() {
            existing(broker.create_queue(&events, QueueOptions::default()))?;
        }
    }
    Ok(())
}

/// Messages for hospitals: duplicates are dropped for as long as Service Bus can remember them, because a charge is
/// sent only once.
fn hl7_out() -> QueueOptions {
    QueueOptions {
        lock_duration: Duration::from_mins(5),
        max_delivery_count: DELIVERIES,
        default_time_to_live: Some(Duration::from_hours(14 * 24)),
        dead_letter_on_expiration: true,
        duplicate_detection: Some(HL7_OUT_MEMORY),
        ..QueueOptions::default()
    }
}

/// It is fine if a queue or topic already exists.
pub(crate) fn existing(created: Result<(), Error>) -> Result<()> {
    match created {
        Ok(()) | Err(Error::Exists(_)) => Ok(()),
        Err(error) => Err(error).context("a queue cannot be created"),
    }
}

/// Creates the containers and stores the organizations' documents.
///
/// # Errors
/// The store's.
pub async fn containers(blobs: &Store, organizations: &[Document]) -> Result<()> {
    for name in [DOCUMENTS, container::ARCHIVE] {
        blobs.ensure_container(&container(name)?).await?;
    }
    for Document { organization, content } in organizations {
        let slug = &organization.slug;
        for kind in ["drops", "results", "images"] {
            blobs.ensure_container(&container(&format!("{slug}-{kind}"))?).await?;
        }
        let name = BlobName::new(format!("{slug}.json"))?;
        blobs.put(&container(DOCUMENTS)?, &name, content.clone(), PutOptions::content_type("application/json")).await?;
    }
    Ok(())
}

/// A container's name, checked.
pub(crate) fn container(name: &str) -> Result<ContainerName> {
    ContainerName::new(name).with_context(|| format!("{name} cannot be a container's name"))
}
