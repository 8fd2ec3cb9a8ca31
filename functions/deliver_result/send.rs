//! Handing a result over: to a queue, or as a file.

use super::{Failure, Job};
use crate::reports::Rendered;
use bytes::Bytes;
use iris_azure::blob::{BlobAddress, BlobStore, Error as BlobError, UploadOptions};
use iris_azure::servicebus::OutgoingMessage;
use iris_delivery::{Embedded, Result as StoredResult, message};
use iris_model::DateTimeOffset;
use iris_model::organization::{ContainerTarget, DeliveryFormat, DeliveryTarget, NameTemplate, QueueTarget};
use iris_model::request::VERSION;
use iris_model::result::{DocumentLocation, POINTER_OBJECT_TYPE, ResultPointer};
use iris_rules::deliveries::Handover;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Metadata that tells by which delivery a file was written.
const DELIVERY: &str = "irisdelivery";
/// Folder for files that a proxy takes to the organization's own file system.
const FILES: &str = "files/";

impl Job<'_> {
    /// Hands over what was rendered, in the destination's format.
    pub(super) async fn send(&self, result: &StoredResult, rendered: &Rendered) -> Result<Handover, Failure> {
        let content = self.content(result, rendered);
        let (delivery_type, endpoint) = match &self.destination.to {
            DeliveryTarget::Queue(queue) => {
                let content = self.fitting(queue, content, result, rendered).await?;
                ("azure-queue", self.to_queue(queue, content, result).await?)
            }
            DeliveryTarget::Container(target) => ("azureblob", self.to_container(target, content, result).await?),
            DeliveryTarget::FilePath(template) => {
                let name = self.name(template, result)?;
                let container = self.organization.results_container();
                let written = self.write(&self.app.blobs, &container, &format!("{FILES}{name}"), content).await?;
                ("icproxy", written.strip_prefix(FILES).unwrap_or(&written).to_owned())
            }
        };
        Ok(Handover { delivery_type, endpoint, order_local_id: result.order_local_id().to_owned() })
    }

    /// What its submitter is told of a delivery that never was.
    pub(super) fn nowhere(&self) -> Handover {
        let delivery_type = match &self.destination.to {
            DeliveryTarget::Queue(_) => "azure-queue",
            DeliveryTarget::Container(_) => "azureblob",
            DeliveryTarget::FilePath(_) => "icproxy",
        };
        let document = StoredResult::read(&self.delivery.document, &self.delivery.report, self.delivery.code);
        let order_local_id = document.map(|result| result.order_local_id().to_owned()).unwrap_or_default();
        Handover { delivery_type, endpoint: self.destination.id.clone(), order_local_id }
    }

    fn content(&self, result: &StoredResult, rendered: &Rendered) -> Bytes {
        let settings = self.destination.compatibility();
        match self.destination.format {
            DeliveryFormat::ResultWithPdf => message(result, Embedded::Pdf(&rendered.pdf), &settings).into(),
            DeliveryFormat::ResultWithHtml => message(result, Embedded::Html(&rendered.html), &settings).into(),
            DeliveryFormat::Result => message(result, Embedded::Nothing, &settings).into(),
            DeliveryFormat::Pdf => rendered.pdf.clone(),
            DeliveryFormat::Html => Bytes::from(rendered.html.clone()),
        }
    }

    fn content_type(&self) -> &'static str {
        match self.destination.format {
            DeliveryFormat::Pdf => "application/pdf",
            DeliveryFormat::Html => "text/html; charset=utf-8",
            DeliveryFormat::ResultWithPdf | DeliveryFormat::ResultWithHtml | DeliveryFormat::Result => {
                "application/json"
            }
        }
    }

    /// The content for a queue: where it is larger than the queue takes, with a report whose images are smaller. The report in files is the full
    /// one.
    async fn fitting(
        &self,
        queue: &QueueTarget,
        content: Bytes,
        result: &StoredResult,
        rendered: &Rendered,
    ) -> Result<Bytes, Failure> {
        let limit = queue.message_limit as usize;
        if content.len() <= limit {
            return Ok(content);
        }
        let around = self.content(result, &Rendered::default()).len();
        let room = limit.saturating_sub(around);
        let most = match self.destination.format {
            DeliveryFormat::Pdf | DeliveryFormat::Html => room,
            // In Base64, four characters for three bytes.
            DeliveryFormat::ResultWithPdf | DeliveryFormat::ResultWithHtml | DeliveryFormat::Result => room / 4 * 3,
        };
        let reports = &self.app.reports;
        let smaller = reports.render_within(self.app, result, &self.organization, rendered, most).await?;
        Ok(smaller.map_or(content, |smaller| self.content(result, &smaller)))
    }

    /// Returns the queue's name.
    async fn to_queue(&self, queue: &QueueTarget, content: Bytes, result: &StoredResult) -> Result<String, Failure> {
        let body =
            if content.len() > queue.message_limit as usize { self.location(content, result).await? } else { content };
        let message = OutgoingMessage {
            message_id: self.delivery.transaction_id.to_string(),
            body,
            content_type: Some("application/json".to_owned()),
            ..OutgoingMessage::default()
        };
        let sender = match &queue.connection {
            None => self.app.sender.clone(),
            Some(setting) => self.app.connections.sender(setting).map_err(Failure::Destination)?,
        };
        let sent = sender.send(&queue.name, vec![message]).await;
        sent.map_err(|error| Failure::Destination(error.to_string()))?;
        Ok(queue.name.clone())
    }

    /// Puts a result that is larger than the queue takes into the results container; returns the message that says where (decision 129).
    async fn location(&self, content: Bytes, result: &StoredResult) -> Result<Bytes, Failure> {
        let container = self.organization.results_container();
        let transaction = self.delivery.transaction_id;
        // Each destination may have its results written otherwise.
        let place = Uuid::new_v5(&transaction, self.destination.id.as_bytes());
        let file_name = format!("results/{}.{place}.json", result.order_id());
        let address = BlobAddress::new(&container, &file_name).map_err(|error| Failure::Ours(error.to_string()))?;
        let options = UploadOptions { content_type: Some("application/json".to_owned()), ..UploadOptions::default() };
        let size = content.len() as u64;
        let stored = self.app.blobs.upload(&address, content, options).await;
        stored.map_err(|error| Failure::Ours(error.to_string()))?;
        let pointer = ResultPointer {
            version: VERSION.to_owned(),
            timestamp: DateTimeOffset::utc(self.delivery.at).to_string(),
            transaction_id: transaction,
            result_object_type: POINTER_OBJECT_TYPE.to_owned(),
            result_code: self.delivery.code.code().to_owned(),
            iris_order_id: Some(result.order_id()),
            order_local_id: Some(result.order_local_id().to_owned()),
            document: DocumentLocation { container, file_name, size },
        };
        serde_json::to_vec(&pointer)
            .map(Bytes::from)
            .map_err(|_| Failure::Ours("a location cannot be written".to_owned()))
    }

    /// Returns where the file is.
    async fn to_container(
        &self,
        target: &ContainerTarget,
        content: Bytes,
        result: &StoredResult,
    ) -> Result<String, Failure> {
        let name = self.name(&target.name, result)?;
        let (store, container) = match (&target.connection, &target.container) {
            (Some(setting), Some(container)) => {
                (self.app.connections.store(setting).map_err(Failure::Destination)?, container.clone())
            }
            _ => (self.app.blobs.clone(), self.organization.results_container()),
        };
        let written = self.write(&store, &container, &name, content).await?;
        Ok(format!("{container}/{written}"))
    }

    /// The file's name; dates are those of the result, so that it is the same whenever it is delivered.
    fn name(&self, template: &NameTemplate, result: &StoredResult) -> Result<String, Failure> {
        template.name(&result.names(self.delivery.at)).map_err(|_| {
            let text = "the file cannot be named: the order lacks a value that names a folder or the file; change the destination's name \
                        template, or send the order with that value, and ask for the result again";
            Failure::Impossible(text.to_owned())
        })
    }

    /// Writes a file under its name, or, where another one has that name, under one with a suffix that is this delivery's own (decision 203).
    async fn write(&self, store: &BlobStore, container: &str, name: &str, content: Bytes) -> Result<String, Failure> {
        let own = self.delivery.transaction_id.simple().to_string();
        let options = || UploadOptions {
            content_type: Some(self.content_type().to_owned()),
            metadata: BTreeMap::from([(DELIVERY.to_owned(), own.clone())]),
            ..UploadOptions::default()
        };
        let failed = |error: BlobError| Failure::Destination(error.to_string());
        let address =
            |name: &str| BlobAddress::new(container, name).map_err(|error| Failure::Impossible(error.to_string()));
        let first = address(name)?;
        match store.upload(&first, content.clone(), UploadOptions { if_absent: true, ..options() }).await {
            Ok(_) => return Ok(name.to_owned()),
            Err(BlobError::AlreadyExists) => {}
            Err(error) => return Err(failed(error)),
        }
        // Somebody who may only write cannot look; then it counts as another's.
        let properties = store.properties(&first, None).await;
        if properties.is_ok_and(|properties| properties.metadata.get(DELIVERY) == Some(&own)) {
            return Ok(name.to_owned());
        }
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let second = format!("{stem}.{}.{extension}", own.get(..12).unwrap_or_default());
        store.upload(&address(&second)?, content, options()).await.map_err(failed)?;
        Ok(second)
    }
}
