//! Orders to be graded, and destinations for their results.

use super::generate::order;
use super::{TestHost, message, until};
use iris_azure::servicebus::{OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_local_servicebus::broker::{Broker, QueueOptions};
use iris_model::Organization;
use iris_store::FailedDelivery;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// The GUID of the sample organization.
pub(crate) const GUID: &str = "5a3d1e70-0000-4000-8000-000000000001";
/// The setting of a destination outside the platform.
const PARTNER: &str = "DESTINATION_HARBORVIEW__PARTNER";

/// A grading of an order in the series: moderate retinopathy with macular edema in the right eye, nothing in the left.
pub(crate) fn grading(series: &str, number: usize) -> Value {
    json!({
        "Version": "2.3.1",
        "ClientGuid": GUID,
        "LocalId": format!("{series}-O{number}"),
        "GradedTime": "2026-11-20T17:30:00.0000000+00:00",
        "Provider": { "NPI": "9000000007", "Name": { "First": "Sample", "Last": "Grader" }, "Degrees": "OD" },
        "OD": { "Gradable": true, "Findings": [
            { "Finding": "Diabetic Retinopathy", "Result": "Moderate" },
            { "Finding": "Macular Edema", "Result": "Positive" }
        ] },
        "OS": { "Gradable": true, "Findings": [
            { "Finding": "Diabetic Retinopathy", "Result": "None" },
            { "Finding": "Macular Edema", "Result": "None" }
        ] }
    })
}

/// The sample organization, grading without images, with these destinations.
pub(crate) fn organization(destinations: &Value) -> Organization {
    let mut organization = iris_local::organizations::read(None).unwrap().remove(0).organization;
    organization.grading.without_images = true;
    organization.destinations = serde_json::from_value(destinations.clone()).unwrap();
    // Read again as a document, with all checks.
    Organization::parse(&serde_json::to_vec(&organization).unwrap()).unwrap()
}

/// Posts gradings through the entry of graders.
pub(crate) async fn grade(host: &TestHost, messages: Vec<OutgoingMessage>) {
    let access = host.host.credentials.grader(&host.organization);
    let sender = ServiceBusSender::with_connection_string(&access, SenderOptions::default()).unwrap();
    sender.send(&host.organization.slug.gradings_entry(), messages).await.unwrap();
}

/// Posts an order and grades it.
pub(crate) async fn graded(host: &TestHost, series: &str, number: usize) {
    host.post(vec![message(format!("o{number}"), &order(series, number))]).await;
    grade(host, vec![message(format!("g{number}"), &grading(series, number))]).await;
}

/// Waits until this many messages are in a queue, and returns all of them.
pub(crate) async fn received(broker: &Broker, queue: &str, count: usize) -> Vec<Value> {
    until("messages", async || broker.status(queue).unwrap().active >= count).await;
    let deliveries = broker.peek(queue, 0, usize::MAX).unwrap();
    deliveries
        .iter()
        .map(|delivery| {
            let body: Value = serde_json::from_slice(&delivery.message.body).unwrap();
            assert_eq!(delivery.message.message_id.as_deref(), body["TransactionId"].as_str());
            body
        })
        .collect()
}

/// The destination `partner` has failed for days, but one failure short of being disabled.
pub(crate) async fn fails_for_days(host: &TestHost) {
    let long_ago = FailedDelivery {
        organization: host.organization.client_guid,
        destination: "partner".to_owned(),
        at: Timestamp::now() - SignedDuration::from_hours(24 * 4),
        reason: "planned".to_owned(),
    };
    assert!(!host.host.orders.delivery_failed(&long_ago, SignedDuration::from_hours(72)).await.unwrap());
}

/// A port that nobody listens on yet.
pub(crate) fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A partner's queue and a container as destinations, and the setting that says where the partner's namespace is.
pub(crate) fn partner_queue(address: SocketAddr) -> (Value, BTreeMap<String, String>) {
    let destinations = json!([
        { "id": "partner", "format": "resultWithPdf", "to": { "queue": { "name": "inbox", "connection": PARTNER } } },
        { "id": "reports", "format": "pdf", "to": { "container": { "name": "reports/{orderLocalId}.pdf" } } }
    ]);
    let connection = iris_local_servicebus::access::connection_string(address, "partner", "cGFydG5lcg==", None);
    (destinations, BTreeMap::from([(PARTNER.to_owned(), connection)]))
}

/// The partner's namespace comes up.
pub(crate) async fn partner(address: SocketAddr) -> (Broker, iris_local_servicebus::Endpoint) {
    let broker = Broker::open(None).await.unwrap();
    broker.create_queue("inbox", QueueOptions::default()).unwrap();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let endpoint =
        iris_local_servicebus::serve(broker.clone(), listener, iris_local_servicebus::access::Access::open()).unwrap();
    (broker, endpoint)
}
