//! What Event Grid does in Azure: a file that appears in a drops container becomes a message of the queue `drops`.

use crate::provision::DROPS;
use iris_local_blob::event_grid;
use iris_local_blob::store::BlobCreated;
use iris_local_servicebus::broker::Broker;
use iris_local_servicebus::message::Message;
use tokio::sync::mpsc::UnboundedReceiver;

/// Forwards events until the store is closed. An event that cannot be forwarded is lost, as it may be in Azure; the platform's sweep
/// finds the file.
pub(crate) async fn forward(mut events: UnboundedReceiver<BlobCreated>, broker: Broker, account: String) {
    while let Some(event) = events.recv().await {
        if !event.container.as_str().ends_with("-drops") {
            continue;
        }
        let message = Message {
            message_id: Some(event.id.to_string()),
            content_type: Some("application/json".to_owned()),
            body: event_grid::event_grid_schema(&event, &account).into(),
            ..Message::default()
        };
        if let Err(error) = broker.send(DROPS, message).await {
            tracing::warn!(%error, "an event about a file was lost");
        }
    }
}
