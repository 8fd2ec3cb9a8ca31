//! The whole loop of two organizations that use the same names and ids for everything, while the handler is killed with
//! SIGKILL again and again: orders, images, gradings, corrections, deliveries to several destinations, batches for
//! payers. Nothing is lost, nothing is doubled, the results of an order come in their order, and neither organization
//! sees anything of the other (the four properties of threats §3; no charges are sent yet).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iris_azure::blob::{BlobAddress, BlobStore, UploadOptions};
use iris_azure::servicebus::{OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_local_blob::store::ListQuery;
use iris_local_blob::{BlobName, ContainerName};
use iris_local_functions_host::{Faults, Kills};
use iris_model::organization::{BatchFormat, BatchPeriod, BatchSettings};
use iris_model::{ClientGuid, OrderStatus, Organization, Slug};
use iris_results::batch::Manifest;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::time::{Duration, Instant};
use support::{TestHost, message, until};

/// Days, each of which ends with a batch.
const DAYS: usize = 3;
/// Kills per day.
const KILLS: u32 = 7;
/// Orders of each organization per day.
const ORDERS: usize = 8;
/// How often the leases of killed processes are ended.
const MINUTE: Duration = Duration::from_millis(500);

/// One organization's side: what it sends, and what it received.
struct Side {
    organization: Organization,
    /// The last name of all its patients.
    patient: &'static str,
}

/// An organization with two more destinations and daily batches. Except for its own names, everything equals the
/// other's.
fn side(slug: &str, guid: u128, patient: &'static str) -> Side {
    let mut organization = iris_local::organizations::read(None).unwrap().remove(0).organization;
    organization.slug = Slug::new(slug).unwrap();
    organization.name = format!("{slug} (sample)");
    organization.client_guid = ClientGuid(uuid::Uuid::from_u128(guid));
    organization.users.clear();
    organization.destinations = serde_json::from_value(json!([
        { "id": "second", "format": "result", "to": { "queue": { "name": format!("results-{slug}.second") } } },
        { "id": "files", "format": "pdf", "to": { "container": { "name": "reports/{orderLocalId}.pdf" } } }
    ]))
    .unwrap();
    organization.batches = Some(BatchSettings {
        every: BatchPeriod::Daily,
        // The batch is not due while the test runs.
        hour: u8::try_from((jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).hour() + 12) % 24).unwrap(),
        time_zone: "UTC".to_owned(),
        formats: vec![BatchFormat::Csv, BatchFormat::Zip],
    });
    let document = serde_json::to_vec(&organization).unwrap();
    Side { organization: Organization::parse(&document).unwrap(), patient }
}

impl Side {
    fn guid(&self) -> ClientGuid {
        self.organization.client_guid
    }

    fn order(&self, number: usize) -> Value {
        let directive = |eye: &str| {
            json!({ "Laterality": eye, "Taken": "2026-11-20T09:15:02.0000000-08:00", "AzureBlobStorage": {
                "Container": self.organization.images_container(), "FileName": format!("{number}-{eye}.jpg") } })
        };
        json!({
            "Version": "2.3.1", "ClientGuid": self.guid(), "OrderControlCode": "NW", "Site": { "LocalId": "HV-SEA" },
            "Camera": { "Images": [directive("OD"), directive("OS")] },
            "Order": { "LocalId": format!("O{number}"), "EvaluationTypes": ["DR"] },
            "Patient": {
                "LocalId": format!("P{number}"), "Name": { "First": "Sample", "Last": self.patient }, "Dob": "1961-12-01",
                "Genders": [{ "Context": "BirthGender", "Gender": "F" }]
            }
        })
    }

    fn grading(&self, number: usize, code: &str) -> Value {
        let eye = |level: &str| {
            json!({ "Gradable": true, "Findings": [
                { "Finding": "Diabetic Retinopathy", "Result": level }, { "Finding": "Macular Edema", "Result": "None" }
            ] })
        };
        json!({
            "Version": "2.3.1", "ClientGuid": self.guid(), "LocalId": format!("O{number}"), "ResultCode": code,
            "Provider": { "NPI": "9000000007", "Name": { "First": "Sample", "Last": "Grader" } },
            "OD": eye(if code == "F" { "Moderate" } else { "Severe" }), "OS": eye("None")
        })
    }

    async fn post(&self, host: &TestHost, numbers: &[usize]) {
        let access = host.host.credentials.caller(&self.organization).orders;
        let orders = numbers.iter().map(|number| message(format!("o{number}"), &self.order(*number))).collect();
        send(&access, &self.organization.slug.orders_entry(), orders).await;
    }

    async fn upload(&self, host: &TestHost, numbers: &[usize]) {
        let images = BlobStore::from_connection_string(&host.host.credentials.images_service(&self.organization));
        let images = images.unwrap();
        for (eye, file) in [("OD", "plain-od.jpg"), ("OS", "plain-os.jpg")] {
            let content = std::fs::read(format!("{}/../../tests/images/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
            for number in numbers {
                let address = BlobAddress::new(&self.organization.images_container(), &format!("{number}-{eye}.jpg"));
                images.upload(&address.unwrap(), content.clone().into(), UploadOptions::default()).await.unwrap();
            }
        }
    }

    async fn grade(&self, host: &TestHost, numbers: &[usize], code: &str) {
        let access = host.host.credentials.grader(&self.organization);
        let message = |number: &usize| message(format!("g{number}-{code}"), &self.grading(*number, code));
        let gradings = numbers.iter().map(message).collect();
        send(&access, &self.organization.slug.gradings_entry(), gradings).await;
    }

    /// The ids of its orders, by status.
    async fn orders(&self, host: &TestHost) -> Vec<(String, OrderStatus)> {
        let page = host.host.orders.orders(self.guid(), None, 1_000).await.unwrap();
        page.items.into_iter().map(|order| (order.local_id, order.status)).collect()
    }

    /// Whether this many results were delivered to each destination.
    async fn are_delivered(&self, host: &TestHost, results: usize) -> bool {
        let page = host.host.orders.orders(self.guid(), None, 1_000).await.unwrap();
        let mut delivered = 0;
        for order in page.items {
            let deliveries = host.host.orders.deliveries(order.id).await.unwrap();
            delivered += deliveries.iter().filter(|delivery| delivery.delivered_at.is_some()).count();
        }
        delivered == results * 3
    }

    /// The messages of one of its queues in their order; repeated messages are there once.
    fn messages(&self, host: &TestHost, queue: &str) -> Vec<Value> {
        let mut known: BTreeMap<String, bytes::Bytes> = BTreeMap::new();
        let mut found = Vec::new();
        for delivery in host.host.broker.peek(queue, 0, usize::MAX).unwrap() {
            let body = delivery.message.body.to_vec();
            let document: Value = serde_json::from_slice(&body).unwrap();
            let id = document["TransactionId"].as_str().unwrap().to_owned();
            let is_first = known.get(&id).is_none_or(|first| {
                // Documents that say when they were delivered say so anew each time.
                assert!(document["TimeDelivered"].is_string() || **first == body, "the same id, something else");
                false
            });
            if is_first {
                known.insert(id, body.into());
                found.push(document);
            }
        }
        found
    }

    /// The files of its results container.
    async fn files(&self, host: &TestHost) -> BTreeMap<String, bytes::Bytes> {
        let container = ContainerName::new(self.organization.results_container()).unwrap();
        let page = host.host.blobs.list_blobs(&container, ListQuery::default()).await.unwrap();
        let names: Vec<BlobName> = page.blobs().map(|blob| blob.name.clone()).collect();
        let mut files = BTreeMap::new();
        for name in names {
            let content = host.host.blobs.get(&container, &name).await.unwrap();
            files.insert(name.as_str().to_owned(), content);
        }
        files
    }
}

async fn send(access: &str, queue: &str, messages: Vec<OutgoingMessage>) {
    let sender = ServiceBusSender::with_connection_string(access, SenderOptions::default()).unwrap();
    sender.send(queue, messages).await.unwrap();
}

/// Waits for a condition. The leases of a killed process expire after a minute; here they are ended at once.
async fn eventually(what: &str, host: &TestHost, mut condition: impl AsyncFnMut() -> bool) {
    let mut looked = Instant::now();
    until(what, async || {
        if looked.elapsed() > MINUTE {
            host.execute(&["UPDATE outbox SET available_at = 0"]).await;
            // If it was killed, it is run again.
            host.host.functions.run_now("sweep_outbox").await.ok();
            looked = Instant::now();
        }
        condition().await
    })
    .await;
}

/// A day passes: everything so far is moved a day back. Then its batch is written.
async fn a_day_ends(host: &TestHost, sides: &[Side; 2]) {
    let last = async |side: &Side| host.host.orders.last_batch(side.guid()).await.unwrap();
    let mut before = Vec::new();
    for side in sides {
        before.push(last(side).await.map_or(0, |last| last.number));
    }
    let micros = 86_400_000_000_i64;
    host.execute(&[
        &format!("UPDATE batch_results SET at = at - {micros}"),
        &format!("UPDATE batches SET starts_at = starts_at - {micros}, ends_at = ends_at - {micros}"),
    ])
    .await;
    until("batches", async || {
        host.host.functions.run_now("write_batches").await.ok();
        let mut are_closed = true;
        for (side, before) in sides.iter().zip(&before) {
            are_closed &= last(side).await.is_some_and(|last| last.number > *before && last.closed_at.is_some());
        }
        are_closed
    })
    .await;
}

async fn killed(database: Option<String>) {
    let sides = [side("harborview", 0xA1, "Testpatient-Harbor"), side("lakeside", 0xB2, "Testpatient-Lake")];
    let organizations = [sides[0].organization.clone(), sides[1].organization.clone()];
    let host = TestHost::in_database(database, &organizations, BTreeMap::new()).await;
    for day in 1..=DAYS {
        let kills = Kills { times: KILLS, from: Duration::from_millis(50), to: Duration::from_millis(500) };
        host.host.functions.set_faults(Faults { kill: Some(kills), ..Faults::default() });
        let numbers: Vec<usize> = (1 + (day - 1) * ORDERS..=day * ORDERS).collect();
        for side in &sides {
            // Half of the images come before their orders.
            let (early, late) = numbers.split_at(ORDERS / 2);
            side.upload(&host, early).await;
            side.post(&host, &numbers).await;
            side.upload(&host, late).await;
        }
        for side in &sides {
            eventually("orders with their images", &host, async || {
                let orders = side.orders(&host).await;
                orders.len() == day * ORDERS && orders.iter().all(|(_, status)| *status != OrderStatus::AwaitingImages)
            })
            .await;
            side.grade(&host, &numbers, "F").await;
            if day > 1 {
                let earlier: Vec<usize> = numbers.iter().map(|number| number - ORDERS).collect();
                side.grade(&host, &earlier, "C").await;
            }
        }
        for side in &sides {
            let results = day * ORDERS + (day - 1) * ORDERS;
            eventually("deliveries", &host, async || side.are_delivered(&host, results).await).await;
        }
        a_day_ends(&host, &sides).await;
        until("all kills", async || host.host.functions.faults().kill.is_none_or(|kills| kills.times == 0)).await;
    }
    eventually("nothing under way", &host, async || host.is_quiet().await).await;
    for (side, other) in [(&sides[0], &sides[1]), (&sides[1], &sides[0])] {
        every_order_is_complete(&host, side).await;
        events_are_told_once(&host, side);
        let pdfs = results_are_delivered_once_and_in_order(&host, side).await;
        batches_have_every_result_once(&host, side, &pdfs).await;
        nothing_is_the_others(&host, side, other).await;
    }
    host.stop().await;
}

async fn every_order_is_complete(host: &TestHost, side: &Side) {
    let orders = side.orders(host).await;
    assert_eq!(orders.len(), DAYS * ORDERS);
    assert!(orders.iter().all(|(_, status)| *status == OrderStatus::Complete), "{orders:?}");
    let names: BTreeSet<&String> = orders.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), DAYS * ORDERS);
}

/// How many results an order has; those of the last day were not corrected.
fn results_of(order: &str) -> usize {
    let number: usize = order[1..].parse().unwrap();
    if number <= (DAYS - 1) * ORDERS { 2 } else { 1 }
}

fn events_are_told_once(host: &TestHost, side: &Side) {
    let mut by_order: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in side.messages(host, &side.organization.events_queue().unwrap()) {
        let order = event["OrderLocalId"].as_str().unwrap().to_owned();
        assert_eq!(event["Success"], json!(true), "{event}");
        by_order.entry(order).or_default().push(event["ResultObjectType"].as_str().unwrap().to_owned());
    }
    assert_eq!(by_order.len(), DAYS * ORDERS);
    for (order, kinds) in by_order {
        let results = results_of(&order);
        let count = |kind: &str| kinds.iter().filter(|known| *known == kind).count();
        let counts = ["OrderCreationReceipt", "ImageReceipt", "ReadyForGradingEvent", "GradingReceipt"].map(count);
        assert_eq!(counts, [1, 2, 1, results], "{order}: {kinds:?}");
        assert_eq!(["OrderGradedEvent", "ResultsDeliveryReceipt"].map(count), [results, 2 * results], "{kinds:?}");
        // Events of one transaction stay in their order. Those that a killed process had not published yet come later
        // than what follows from them.
        let first = |kind: &str| kinds.iter().position(|known| known == kind).unwrap();
        assert!(first("ImageReceipt") < first("ReadyForGradingEvent"), "{order}: {kinds:?}");
        assert!(first("GradingReceipt") < first("OrderGradedEvent"), "{order}: {kinds:?}");
    }
}

/// The PDFs of each order, in the order of its results.
async fn results_are_delivered_once_and_in_order(host: &TestHost, side: &Side) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut pdfs: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let slug = &side.organization.slug;
    for queue in [format!("results-{slug}"), format!("results-{slug}.second")] {
        let mut codes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for result in side.messages(host, &queue) {
            let order = result["Order"]["LocalId"].as_str().unwrap().to_owned();
            codes.entry(order.clone()).or_default().push(result["ResultCode"].as_str().unwrap().to_owned());
            assert_eq!(result["Images"].as_array().unwrap().len(), 2);
            if let Some(content) = result["ResultsDocument"]["Content"].as_str() {
                pdfs.entry(order).or_default().push(STANDARD.decode(content).unwrap());
            }
        }
        assert_eq!(codes.len(), DAYS * ORDERS);
        for (order, codes) in codes {
            assert_eq!(codes, ["F", "C"][..results_of(&order)], "{queue}, {order}");
        }
    }
    let files = side.files(host).await;
    let reports: Vec<&[u8]> =
        files.iter().filter_map(|(name, content)| name.starts_with("reports/").then_some(&**content)).collect();
    assert_eq!(reports.len(), pdfs.values().map(Vec::len).sum::<usize>());
    for (order, pdfs) in &pdfs {
        assert_eq!(*files[&format!("reports/{order}.pdf")], pdfs[0]);
        assert!(pdfs.iter().all(|pdf| reports.contains(&pdf.as_slice())), "everybody gets the same report");
    }
    pdfs
}

async fn batches_have_every_result_once(host: &TestHost, side: &Side, pdfs: &BTreeMap<String, Vec<Vec<u8>>>) {
    let files = side.files(host).await;
    let manifests = files.iter().filter(|(name, _)| name.ends_with(".manifest.json"));
    let mut manifests: Vec<Manifest> = manifests.map(|(_, content)| serde_json::from_slice(content).unwrap()).collect();
    manifests.sort_by_key(|manifest| manifest.batch);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut number = 0;
    for manifest in &manifests {
        number += 1;
        assert_eq!(manifest.batch, number);
        for file in &manifest.files {
            let content = &files[&file.name];
            assert_eq!(file.sha256, sha256(content), "{}", file.name);
            if file.name.ends_with(".csv") {
                let mut rows = csv::Reader::from_reader(Cursor::new(content));
                for row in rows.records() {
                    let row = row.unwrap();
                    assert_eq!(row[5], format!("Sample {}", side.patient));
                    assert!(!row[21].is_empty(), "it was delivered before the batch was opened");
                }
                continue;
            }
            let mut archive = zip::ZipArchive::new(Cursor::new(content)).unwrap();
            assert_eq!(archive.len() as u64, manifest.results);
            for index in 0..archive.len() {
                let mut report = archive.by_index(index).unwrap();
                let order = report.name().unwrap().split_once('_').unwrap().1.trim_end_matches(".pdf").to_owned();
                let mut pdf = Vec::new();
                report.read_to_end(&mut pdf).unwrap();
                let times = seen.entry(order.clone()).or_default();
                assert!(pdf == pdfs[&order][*times], "a batch has the report that was delivered");
                *times += 1;
            }
        }
    }
    assert_eq!(seen.len(), DAYS * ORDERS);
    for (order, times) in seen {
        assert_eq!(times, results_of(&order), "{order}");
    }
}

/// No name or id of the other organization is in any message or readable file.
async fn nothing_is_the_others(host: &TestHost, side: &Side, other: &Side) {
    let markers = [other.patient.to_owned(), other.guid().to_string(), other.organization.slug.to_string()];
    let slug = &side.organization.slug;
    let queues = [format!("events-{slug}"), format!("results-{slug}"), format!("results-{slug}.second")];
    let messages = queues.iter().flat_map(|queue| host.host.broker.peek(queue, 0, usize::MAX).unwrap());
    let messages = messages.map(|delivery| delivery.message.body.to_vec());
    let files = side.files(host).await.into_values().map(|content| content.to_vec());
    for content in messages.chain(files) {
        let text = String::from_utf8_lossy(&content);
        assert!(markers.iter().all(|marker| !text.contains(marker.as_str())), "the other organization's");
    }
}

fn sha256(content: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_in_the_whole_loop_lose_double_and_mix_nothing() {
    killed(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_in_the_whole_loop_lose_double_and_mix_nothing_in_postgresql() {
    if let Some(database) = support::postgres().await {
        killed(Some(database)).await;
    }
}
