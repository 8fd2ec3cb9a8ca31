//! Results as messages: in a queue of the platform, or in one of the organization's own namespace.

mod pointer;
mod smaller;

use crate::{Channel, Failure, Outside, Parcel, Refusal, check};
use async_trait::async_trait;
use iris_azure::servicebus::OutgoingMessage;
use iris_model::Organization;
use iris_model::issue::quoted;
use iris_model::names::is_queue_name;
use iris_model::organization::{
    DeliveryFormat, DestinationDocument, MESSAGE_LIMITS, Problem, QueueTarget, RESULTS_QUEUE,
};

#[async_trait]
impl Channel for QueueTarget {
    fn kind(&self) -> &'static str {
        "queue"
    }

    fn delivery_type(&self) -> &'static str {
        "azure-queue"
    }

    fn place(&self) -> String {
        match &self.connection {
            None => format!("queue {}", self.name),
            Some(setting) => format!("queue {} by {setting}", self.name),
        }
    }

    fn own_queue(&self) -> Option<&str> {
        self.connection.is_none().then_some(&self.name)
    }

    fn check(&self, destination: &DestinationDocument, organization: &Organization) -> Vec<Problem> {
        let mut problems = Vec::new();
        if matches!(destination.format, DeliveryFormat::Pdf | DeliveryFormat::Html) {
            let problem = "is a file, and a queue gets results; use resultWithPdf".to_owned();
            problems.push(Problem { place: "format", problem });
        }
        problems.extend(check::connection("to.queue.connection", self.connection.as_deref(), organization));
        problems.extend(
            name_problem(self, destination, organization).map(|problem| Problem { place: "to.queue.name", problem }),
        );
        if !MESSAGE_LIMITS.contains(&self.message_limit) {
            let problem = format!("is not from {} to {} bytes", MESSAGE_LIMITS.start(), MESSAGE_LIMITS.end());
            problems.push(Problem { place: "to.queue.messageLimit", problem });
        }
        problems
    }

    async fn send(&self, parcel: &Parcel<'_>, outside: &Outside) -> Result<String, Failure> {
        let mut body = parcel.content();
        let limit = self.message_limit as usize;
        if body.len() > limit {
            body = smaller::fitting(parcel, outside, body, limit).await?;
        }
        if body.len() > limit {
            body = pointer::shortened(parcel, outside, body, limit).await?;
        }
        let message = OutgoingMessage {
            message_id: parcel.delivery.transaction_id.to_string(),
            body,
            content_type: Some("application/json".to_owned()),
            ..OutgoingMessage::default()
        };
        let sender = match &self.connection {
            None => outside.sender.clone(),
            Some(setting) => outside.connections.sender(parcel.organization, setting)?,
        };
        sender.send(&self.name, vec![message]).await.map_err(Refusal::Queue)?;
        Ok(self.name.clone())
    }
}

fn name_problem(queue: &QueueTarget, destination: &DestinationDocument, organization: &Organization) -> Option<String> {
    // The default destination of every organization; no document may use its id.
    if destination.id == RESULTS_QUEUE && queue.name == organization.slug.results_queue() {
        return None;
    }
    if !is_queue_name(&queue.name) {
        return Some(format!("{} is not the name of a queue", quoted(&queue.name)));
    }
    let own = format!("{}.", organization.slug.results_queue());
    (queue.connection.is_none() && !queue.name.starts_with(&own))
        .then(|| format!("is a queue of the platform's: its name begins with {own}"))
}
