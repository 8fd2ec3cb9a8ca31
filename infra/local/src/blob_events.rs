//! The part of Event Grid: a file that appears in a drops container becomes a message in the queue `drops`, one in an
//! image container a message in the queue `images`.

use crate::credentials::Credentials;
use iris_local_blob::event_grid;
use iris_local_blob::store::BlobCreated;
use iris_local_servicebus::broker::Broker;
use iris_local_servicebus::message::Message;
use iris_model::names::queue;
use tokio::sync::mpsc::UnboundedReceiver;

/// Forwards events until the store is closed. An event that cannot be forwarded is lost, as can happen in Azure; the
/// platform's sweep finds the file.
pub(crate) async fn forward(mut events: UnboundedReceiver<BlobCreated>, broker: Broker, credentials: Credentials) {
    while let Some(event) = events.recv().await {
        let Some(queue) = queue_of(event.container.as_str()) else { continue };
        let account = credentials.account().name();
        let url = credentials.blob_url(&event.container, &event.name);
        let body = match event_grid::event_grid(&event, account, &url) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "an event about a file cannot be written");
                continue;
            }
        };
        let message = Message {
            message_id: Some(event.id.to_string()),
            content_type: Some(event_grid::EVENT_GRID_CONTENT_TYPE.to_owned()),
            body: body.into(),
            ..Message::default()
        };
        if let Err(error) = broker.send(queue, message).await {
            tracing::warn!(%error, "an event about a file was lost");
        }
    }
}

/// Where files of a container are announced.
fn queue_of(container: &str) -> Option<&'static str> {
    match container.rsplit_once('-')?.1 {
        "drops" => Some(queue::DROPS),
        "images" => Some(queue::IMAGES),
        _ => None,
    }
}
