//! The channels service; one per process.

use crate::lanes::{Lane, Lanes};
use crate::{Failure, Obstacle, Outside, Parcel, Refusal, Rendered, Reports, Result as StoredResult, channel};
use bytes::Bytes;
use iris_azure::blob::BlobStore;
use iris_azure::handler::Memory;
use iris_azure::servicebus::ServiceBusSender;
use iris_model::organization::DestinationDocument;
use iris_model::{ClientGuid, Organization};
use iris_rules::deliveries::{Delivery, Handover};
use std::sync::Arc;
use std::time::Duration;

/// How long a destination may take to confirm.
const PATIENCE: Duration = Duration::from_secs(30);

/// Renders reports and hands results over.
pub struct Channels {
    outside: Outside,
    lanes: Lanes,
}

impl Channels {
    /// Sends through these connections. Images for reports are in the container `archive`, and work in progress shares
    /// `memory` with other work.
    #[must_use]
    pub fn new(blobs: BlobStore, sender: ServiceBusSender, archive: String, memory: Memory) -> Self {
        let reports = Reports::new(blobs.clone(), archive, memory);
        Self { outside: Outside::new(blobs, sender, reports), lanes: Lanes::default() }
    }

    /// The lane of a destination, which says whether and when a delivery may be tried.
    #[must_use]
    pub fn lane(&self, organization: ClientGuid, destination: &str) -> Arc<Lane> {
        self.lanes.lane(organization, destination)
    }

    /// Renders the report of a result and hands both over in the form the destination wants.
    ///
    /// # Errors
    /// [`Failure`] says who is to blame.
    pub async fn deliver(
        &self,
        delivery: &Delivery,
        organization: &Organization,
        destination: &DestinationDocument,
    ) -> Result<Handover, Failure> {
        let result = read(delivery)?;
        let channel = channel(&destination.to);
        let _room = self.outside.reports.room(&result).await;
        let transaction = delivery.transaction_id;
        let rendered = self.outside.reports.render(transaction, &result, organization, destination.format).await?;
        let parcel = Parcel { delivery, organization, destination, result: &result, rendered: &rendered };
        let sent = tokio::time::timeout(PATIENCE, channel.send(&parcel, &self.outside)).await;
        let endpoint = sent.unwrap_or(Err(Refusal::NoConfirmation.into()))?;
        Ok(Handover {
            delivery_type: channel.delivery_type(),
            endpoint,
            order_local_id: result.order_local_id().to_owned(),
        })
    }

    /// What the submitter is told about a delivery that its destination has confirmed.
    #[must_use]
    pub fn arrived(delivery: &Delivery, destination: &DestinationDocument) -> Handover {
        Self::nowhere(delivery, destination)
    }

    /// What the submitter is told about a delivery that was never made.
    #[must_use]
    pub fn nowhere(delivery: &Delivery, destination: &DestinationDocument) -> Handover {
        Handover {
            delivery_type: channel(&destination.to).delivery_type(),
            endpoint: destination.id.clone(),
            order_local_id: read(delivery).map(|result| result.order_local_id().to_owned()).unwrap_or_default(),
        }
    }

    /// The report of a result as PDF, for a file made of many: waits for a free processor like all others, and is not
    /// kept.
    ///
    /// # Errors
    /// As [`deliver`](Self::deliver), but the destination is never to blame.
    pub async fn pdf(&self, result: &StoredResult, organization: &Organization) -> Result<Bytes, Failure> {
        let Rendered { pdf, .. } = self.outside.reports.once(result, organization, false).await?;
        Ok(pdf)
    }
}

fn read(delivery: &Delivery) -> Result<StoredResult, Obstacle> {
    Ok(StoredResult::read(&delivery.document, &delivery.report, delivery.code)?)
}
