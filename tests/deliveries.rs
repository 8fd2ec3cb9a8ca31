//! Results on their way: from a grading to every destination, with the report, through broker, Functions host and
//! handler; destinations that fail, and the receipts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iris_local_blob::ContainerName;
use iris_local_blob::store::ListQuery;
use iris_local_functions_host::{Duplicates, Faults, Kills};
use iris_model::Organization;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use support::generate::{operation, order};
use support::results::{
    GUID, fails_for_days, free_address, grade, graded, grading, organization, partner, partner_queue, received,
};
use support::{TestHost, message, until};

async fn host(destinations: &Value) -> TestHost {
    TestHost::configured(&[organization(destinations)], BTreeMap::new()).await
}

/// The receipts of deliveries among the events so far.
async fn receipts(host: &TestHost, count: usize) -> Vec<Value> {
    let queue = host.organization.events_queue().unwrap();
    let found = || -> Vec<Value> {
        let events = host.host.broker.peek(&queue, 0, usize::MAX).unwrap();
        let events = events.iter().map(|event| serde_json::from_slice::<Value>(&event.message.body).unwrap());
        events.filter(|event| event["ResultObjectType"] == "ResultsDeliveryReceipt").collect()
    };
    until("receipts of deliveries", async || found().len() >= count).await;
    found()
}

/// Names below a folder of a container.
async fn files(store: &iris_local_blob::store::Store, container: &str, folder: &str) -> Vec<String> {
    let page = store.list_blobs(&ContainerName::new(container).unwrap(), ListQuery::default()).await.unwrap();
    page.blobs().map(|blob| blob.name.as_str().to_owned()).filter(|name| name.starts_with(folder)).collect()
}

fn snapshots() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r#""TransactionId": "[0-9a-f-]{36}""#, r#""TransactionId": "[uuid]""#);
    settings.add_filter(r"\b100\d{3}\b", "[id]");
    settings.add_filter(r#""(Timestamp|TimeDelivered)": "[^"]+""#, r#""$1": "[time]""#);
    settings
}

fn embedded(result: &Value) -> Vec<u8> {
    assert_eq!(result["ResultsDocument"]["Type"], "PDF");
    STANDARD.decode(result["ResultsDocument"]["Content"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_reaches_queue_and_container_with_its_report() {
    let mut organization = organization(&json!([]));
    let usual = Organization::parse(json!({ "slug": "abc", "name": "A", "clientGuid": GUID }).to_string().as_bytes());
    organization.destinations = usual.unwrap().destinations;
    let host = TestHost::configured(&[organization], BTreeMap::new()).await;
    graded(&host, "D", 1).await;
    let results = received(&host.host.broker, "results-harborview", 1).await;
    let receipts = receipts(&host, 1).await;
    let pdf = host.result("reports/D-O1.pdf").await;
    assert!(pdf.starts_with(b"%PDF-"));
    assert_eq!(embedded(&results[0]), pdf, "everybody gets the same report");
    snapshots().bind(|| {
        insta::assert_snapshot!("delivery.receipt", serde_json::to_string_pretty(&receipts[0]).unwrap());
    });
    // Sent again: a new communication, and a file that does not replace the first.
    host.post(vec![message("2", &operation("D", 1, "ResendResult"))]).await;
    received(&host.host.broker, "results-harborview", 2).await;
    self::receipts(&host, 2).await;
    let names = files(&host.host.blobs, "harborview-results", "reports/").await;
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(host.result("reports/D-O1.pdf").await, pdf);
    host.settled().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_and_kind_of_destination() {
    let host = host(&json!([
        { "id": "page", "format": "html", "to": { "container": { "name": "pages/{orderId}.html" } } },
        { "id": "raw", "format": "result", "keySpelling": "both", "enumEncoding": "numeric",
            "to": { "container": { "name": "raw/{clientLocalId}/{orderLocalId}.json" } } },
        { "id": "emr", "format": "pdf", "to": { "filePath": "EMR\\{clientLocalId}\\{patientLastName}_{orderLocalId}.pdf" } },
        { "id": "second", "format": "resultWithHtml", "to": { "queue": { "name": "results-harborview.second" } } },
        { "id": "elsewhere", "format": "pdf", "sites": ["HV-BOI"], "to": { "container": { "name": "boise/{orderId}.pdf" } } }
    ]))
    .await;
    graded(&host, "D", 1).await;
    let receipts = receipts(&host, 4).await;
    let endpoints: BTreeSet<&str> = receipts.iter().map(|receipt| receipt["Endpoint"].as_str().unwrap()).collect();
    assert_eq!(endpoints.len(), 4, "{endpoints:?}");
    let second = received(&host.host.broker, "results-harborview.second", 1).await;
    assert_eq!(second[0]["ResultsDocument"]["Type"], "HTML");
    let all = files(&host.host.blobs, "harborview-results", "").await;
    let named =
        |start: &str| all.iter().find(|name| name.starts_with(start)).unwrap_or_else(|| panic!("{start}: {all:?}"));
    let page = host.result(named("pages/")).await;
    assert!(std::str::from_utf8(&page).unwrap().contains("<html"));
    let raw: Value = serde_json::from_slice(&host.result(named("raw/")).await).unwrap();
    assert!(raw["Order"]["PatientOrderID"].is_i64() && raw["Order"]["EvaluationTypes"][0].is_i64());
    assert!(raw.get("ResultsDocument").is_none());
    assert!(named("files/EMR/").ends_with("_D-O1.pdf"));
    assert!(!all.iter().any(|name| name.starts_with("boise/")), "another site's");
    host.settled().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_destination_delays_nobody_and_gets_everything_once_it_lives() {
    let address = free_address();
    let (destinations, settings) = partner_queue(address);
    let host = TestHost::configured(&[organization(&destinations)], settings).await;
    for number in 1..=6 {
        graded(&host, "D", number).await;
    }
    received(&host.host.broker, "results-harborview", 6).await;
    receipts(&host, 6).await;
    until("the failure is known", async || !host.host.orders.destination_health(None).await.unwrap().is_empty()).await;
    // Waiting deliveries are rows: a scheduled message at the head of the queue would hide those behind it from the
    // scale controller.
    until("all six wait", async || host.host.orders.postponed_deliveries().await.unwrap() == 6).await;
    assert_eq!(host.host.broker.status("deliveries").unwrap().scheduled, 0);
    let (inbox, endpoint) = partner(address).await;
    let results = received(&inbox, "inbox", 6).await;
    let orders: BTreeSet<&str> = results.iter().map(|result| result["Order"]["LocalId"].as_str().unwrap()).collect();
    assert_eq!(orders.len(), 6);
    receipts(&host, 12).await;
    host.settled().await;
    assert_eq!(host.host.orders.destination_health(None).await.unwrap(), [], "all is well again");
    host.stop().await;
    endpoint.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_fails_for_days_is_disabled_and_resumed_in_order() {
    let address = free_address();
    let (destinations, settings) = partner_queue(address);
    let host = TestHost::configured(&[organization(&destinations)], settings).await;
    let guid = host.organization.client_guid;
    fails_for_days(&host).await;
    graded(&host, "D", 1).await;
    let health = async || host.host.orders.destination_health(Some(guid)).await.unwrap();
    until("disabled", async || health().await.first().is_some_and(|health| health.disabled_at.is_some())).await;
    for number in 2..=5 {
        graded(&host, "D", number).await;
        receipts(&host, number).await;
    }
    until("held", async || health().await[0].held == 5).await;
    host.settled().await;
    assert_eq!(host.log().lines().filter(|line| line.contains("destination-disabled")).count(), 1);

    let (inbox, endpoint) = partner(address).await;
    // Put into the outbox as `iris-admin` does it; the sweep publishes it.
    let now = Timestamp::now();
    let (resumed, _) = host.host.orders.resume_destination(guid, "partner", now, now).await.unwrap();
    assert_eq!(resumed, 5);
    let results = received(&inbox, "inbox", 5).await;
    let order: Vec<&str> = results.iter().map(|result| result["Order"]["LocalId"].as_str().unwrap()).collect();
    assert_eq!(order, ["D-O1", "D-O2", "D-O3", "D-O4", "D-O5"]);
    receipts(&host, 10).await;
    host.settled().await;
    host.stop().await;
    endpoint.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_cannot_be_made_is_told_and_delays_nobody() {
    let host = host(&json!([
        { "id": "by-department", "format": "pdf", "to": { "container": { "name": "{departmentLocalId}/{orderId}.pdf" } } }
    ]))
    .await;
    graded(&host, "D", 1).await;
    let receipts = receipts(&host, 1).await;
    assert_eq!((&receipts[0]["Success"], &receipts[0]["TransmissionStatus"]), (&json!(false), &json!("Failed")));
    snapshots().bind(|| {
        insta::assert_snapshot!("delivery.failed", serde_json::to_string_pretty(&receipts[0]).unwrap());
    });
    received(&host.host.broker, "results-harborview", 1).await;
    assert!(host.host.orders.destination_health(None).await.unwrap().is_empty(), "the destination is not to blame");
    host.settled().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_values_stay_in_their_folder() {
    let host = host(&json!([
        { "id": "named", "format": "pdf", "to": { "container": { "name": "in/{patientLastName}/{orderLocalId}.pdf" } } }
    ]))
    .await;
    let mut posted = order("D", 1);
    posted["Order"]["LocalId"] = json!("../../receipts/x\\..\\y");
    posted["Patient"]["Name"]["Last"] = json!("..\\..\\x");
    host.post(vec![message("1", &posted)]).await;
    let mut said = grading("D", 1);
    said["LocalId"] = posted["Order"]["LocalId"].clone();
    grade(&host, vec![message("g1", &said)]).await;
    receipts(&host, 1).await;
    let names = files(&host.host.blobs, "harborview-results", "").await;
    assert_eq!(names, ["in/.._.._x/.._.._receipts_x_.._y.pdf"], "one file, where it belongs");
    host.settled().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_are_never_mixed() {
    let first = organization(&json!([
        { "id": "reports", "format": "result", "to": { "container": { "name": "{orderLocalId}.json" } } }
    ]));
    let other = |organization: &Organization| {
        let mut other = serde_json::to_value(organization).unwrap();
        other["slug"] = json!("lakeside");
        other["clientGuid"] = json!("5a3d1e70-0000-4000-8000-000000000002");
        Organization::parse(other.to_string().as_bytes()).unwrap()
    };
    let second = other(&first);
    let mut host = TestHost::configured(&[first.clone(), second.clone()], BTreeMap::new()).await;
    for (index, organization) in [&first, &second].into_iter().enumerate() {
        host.organization = organization.clone();
        for number in 1..=8 {
            let mut posted = order("D", number);
            posted["ClientGuid"] = json!(organization.client_guid);
            posted["Patient"]["Name"]["Last"] = json!(format!("Synthetic{index}"));
            let mut said = grading("D", number);
            said["ClientGuid"] = json!(organization.client_guid);
            host.post(vec![message(format!("o{number}"), &posted)]).await;
            grade(&host, vec![message(format!("g{number}"), &said)]).await;
        }
    }
    for (index, organization) in [&first, &second].into_iter().enumerate() {
        host.organization = organization.clone();
        receipts(&host, 8).await;
        let container = organization.results_container();
        let names = files(&host.host.blobs, &container, "").await;
        assert_eq!(names.len(), 8, "{names:?}");
        for name in names {
            let result: Value = serde_json::from_slice(&host.result(&name).await).unwrap();
            assert_eq!(result["Patient"]["Name"]["Last"], json!(format!("Synthetic{index}")));
        }
        for result in received(&host.host.broker, &organization.results_queue().unwrap(), 8).await {
            assert_eq!(result["Patient"]["Name"]["Last"], json!(format!("Synthetic{index}")));
        }
    }
    host.settled().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_both_eyes_are_on_the_report() {
    let host = TestHost::start().await;
    let directive = |name: &str, eye: &str| json!({ "Laterality": eye, "AzureBlobStorage": { "Container": "harborview-images", "FileName": name } });
    let mut posted = order("D", 1);
    posted["Camera"] = json!({ "Images": [directive("d-od.jpg", "OD"), directive("d-os.jpg", "OS")] });
    host.post(vec![message("1", &posted)]).await;
    host.upload_image("d-od.jpg", iris_report::sample::fundus(600, false).to_vec()).await;
    host.upload_image("d-os.jpg", iris_report::sample::fundus(600, true).to_vec()).await;
    host.events(4).await;
    grade(&host, vec![message("g1", &grading("D", 1))]).await;
    receipts(&host, 1).await;
    let pdf = host.result("reports/D-O1.pdf").await;
    let images = pdf.windows(9).filter(|window| window == b"DCTDecode").count();
    assert_eq!(images, 2);
    let results = received(&host.host.broker, "results-harborview", 1).await;
    let preferred: Vec<&Value> =
        results[0]["Images"].as_array().unwrap().iter().map(|image| &image["Preferred"]).collect();
    assert_eq!(preferred, [&json!(true), &json!(true)]);
    host.settled().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_and_dead_messages_of_deliveries_are_sent_again() {
    let host = TestHost::with_settings(&[("AzureWebJobs.deliver_result.Disabled", "true")]).await;
    let directive = |name: &str, eye: &str| json!({ "Laterality": eye, "AzureBlobStorage": { "Container": "harborview-images", "FileName": name } });
    let mut posted = order("D", 1);
    posted["Camera"] = json!({ "Images": [directive("d-od.jpg", "OD"), directive("d-os.jpg", "OS")] });
    host.post(vec![message("1", &posted)]).await;
    host.upload_image("d-od.jpg", iris_report::sample::fundus(200, false).to_vec()).await;
    host.upload_image("d-os.jpg", iris_report::sample::fundus(200, true).to_vec()).await;
    host.events(4).await;
    grade(&host, vec![message("g1", &grading("D", 1))]).await;
    let broker = &host.host.broker;
    // Sent and confirmed: what is still in the outbox would be sent once more.
    until("both messages", async || {
        broker.status("deliveries").unwrap().active == 2
            && host.host.orders.outbox_depth().await.unwrap().envelopes == 0
    })
    .await;
    // One is taken by a receiver that dies with it, one is given up.
    let taken = broker.receive("deliveries", 2, Duration::from_secs(5)).await.unwrap();
    broker.complete("deliveries", taken[0].lock_token).await.unwrap();
    broker.dead_letter("deliveries", taken[1].lock_token, "MaxDeliveryCountExceeded", "").await.unwrap();

    let host = host.restart().await;
    host.host.functions.run_now("sweep_outbox").await.unwrap();
    host.settled().await;
    assert_eq!(host.host.broker.status("results-harborview").unwrap().active, 0, "nobody calls them lost so soon");
    // An hour and more passes.
    host.execute(&["UPDATE deliveries SET at = at - 3700000000"]).await;
    host.host.functions.run_now("sweep_outbox").await.unwrap();
    received(&host.host.broker, "results-harborview", 1).await;
    receipts(&host, 1).await;
    assert!(host.result("reports/D-O1.pdf").await.starts_with(b"%PDF-"));
    host.settled().await;
    assert_eq!(host.log().lines().filter(|line| line.contains("were lost and are sent again")).count(), 1);
    host.host.stop().await;
}

/// Posts orders with an image of each eye, and waits until they can be graded.
async fn with_images(host: &TestHost, series: &str, numbers: std::ops::Range<usize>, images: [&[u8]; 2]) {
    let name = |number: usize, eye: &str| format!("{series}-{number}-{eye}.jpg");
    let directive = |number: usize, eye: &str| {
        json!({ "Laterality": eye, "AzureBlobStorage": {
            "Container": host.organization.images_container(), "FileName": name(number, eye) } })
    };
    let posted = |number: usize| {
        let mut posted = order(series, number);
        posted["Camera"] = json!({ "Images": [directive(number, "OD"), directive(number, "OS")] });
        message(format!("o-{series}-{number}"), &posted)
    };
    host.post(numbers.clone().map(posted).collect()).await;
    for number in numbers {
        for (eye, image) in ["OD", "OS"].into_iter().zip(images) {
            host.upload_image(&name(number, eye), image.to_vec()).await;
        }
    }
    host.settled().await;
}

/// The handler's memory above idle while results are delivered may be as large as while it loads a file.
const DELIVERING: u64 = 128 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_results_at_once_stay_within_memory() {
    const RESULTS: usize = 200;
    let mut organization = organization(&json!([
        { "id": "files", "format": "pdf", "to": { "container": { "name": "reports/{orderLocalId}.pdf" } } }
    ]));
    organization.grading.without_images = false;
    let host = TestHost::configured(&[organization], BTreeMap::new()).await;
    let (right, left) = (iris_report::sample::fundus(2_000, false), iris_report::sample::fundus(2_000, true));
    with_images(&host, "W", 0..4, [&right, &left]).await;
    grade(&host, vec![message("warm-up", &grading("W", 0))]).await;
    receipts(&host, 1).await;
    with_images(&host, "M", 0..RESULTS, [&right, &left]).await;
    let idle = host.host.functions.rss().unwrap();
    grade(&host, (0..RESULTS).map(|number| message(format!("g{number}"), &grading("M", number))).collect()).await;
    receipts(&host, 1 + RESULTS).await;
    received(&host.host.broker, "results-harborview", 1 + RESULTS).await;
    host.settled().await;
    let peak = host.host.functions.peak_rss().unwrap();
    assert!(peak < idle + DELIVERING, "{} MB above idle", (peak - idle) >> 20);
    host.stop().await;
}

async fn killed(database: Option<String>) {
    let organization = organization(&json!([
        { "id": "reports", "format": "pdf", "to": { "container": { "name": "reports/{orderLocalId}.pdf" } } }
    ]));
    let host = TestHost::in_database(database, &[organization], BTreeMap::new()).await;
    let kills = Kills { times: 20, from: Duration::from_millis(50), to: Duration::from_millis(400) };
    host.host.functions.set_faults(Faults { kill: Some(kills), duplicates: Duplicates::AtOnce, ..Faults::default() });
    let count = 60;
    host.post((0..count).map(|number| message(format!("o{number}"), &order("K", number))).collect()).await;
    grade(&host, (0..count).map(|number| message(format!("g{number}"), &grading("K", number))).collect()).await;
    let results = received(&host.host.broker, "results-harborview", count).await;
    receipts(&host, count).await;
    until("all kills", async || host.host.functions.faults().kill.is_none_or(|kills| kills.times == 0)).await;
    // Duplicates are counted above as well: the last ones may still be on their way.
    until("every delivery", async || {
        let orders = host.host.orders.orders(host.organization.client_guid, None, 1_000).await.unwrap().items;
        let mut made = 0;
        for order in orders {
            let deliveries = host.host.orders.deliveries(order.id).await.unwrap();
            made += deliveries.iter().filter(|delivery| delivery.delivered_at.is_some()).count();
        }
        made == 2 * count
    })
    .await;
    host.settled().await;
    // Each order has one result, the same bytes however often it came, and one report under its own name.
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    for result in results.into_iter().chain(received(&host.host.broker, "results-harborview", count).await) {
        let order = result["Order"]["LocalId"].as_str().unwrap().to_owned();
        let first = known.entry(order).or_insert_with(|| result.clone());
        assert_eq!(*first, result);
    }
    assert_eq!(known.len(), count);
    let names = files(&host.host.blobs, "harborview-results", "reports/").await;
    let expected: BTreeSet<String> = (0..count).map(|number| format!("reports/K-O{number}.pdf")).collect();
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected);
    // Each delivery is reported at least once, under one id.
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for receipt in receipts(&host, count).await {
        let order = receipt["OrderLocalId"].as_str().unwrap().to_owned();
        ids.entry(order).or_default().insert(receipt["TransactionId"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), count);
    assert!(ids.values().all(|ids| ids.len() == 1));
    for id in host.host.orders.orders(host.organization.client_guid, None, 1_000).await.unwrap().items {
        let deliveries = host.host.orders.deliveries(id.id).await.unwrap();
        assert!(deliveries.len() == 2 && deliveries.iter().all(|delivery| delivery.delivered_at.is_some()));
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_and_double_no_delivery() {
    killed(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_and_double_no_delivery_in_postgresql() {
    if let Some(database) = support::postgres().await {
        killed(Some(database)).await;
    }
}
