//! From an order to its result: gradings from their queue to events and results, through broker, Functions host and
//! handler.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use iris_azure::servicebus::{SenderOptions, ServiceBusSender};
use iris_model::Organization;
use iris_model::organization::{EnumEncoding, KeySpelling};
use serde_json::{Value, json};
use support::generate::{operation, order};
use support::{TestHost, message, until};

const GUID: &str = "5a3d1e70-0000-4000-8000-000000000001";

/// A grading of an order in the series: moderate retinopathy with macular edema in the right eye, nothing in the left.
fn grading(series: &str, number: usize) -> Value {
    json!({
        "Version": "2.3.1",
        "ClientGuid": GUID,
        "Site": { "LocalId": (["HV-SEA", "HV-PDX", "HV-BOI"][number % 3]) },
        "LocalId": format!("{series}-O{number}"),
        "GradedTime": "2026-11-20T17:30:00.0000000+00:00",
        "Provider": { "NPI": "9000000007", "Name": { "First": "Sample", "Last": "Grader" }, "Degrees": "OD" },
        "Notes": [{ "Text": "Synthetic note: a few dot hemorrhages." }],
        "OD": { "Gradable": true, "Findings": [
            { "Finding": "Diabetic Retinopathy", "Result": "Moderate" },
            { "Finding": "Macular Edema", "Result": "Positive" },
            { "Finding": "Suspected Cataract" }
        ] },
        "OS": { "Gradable": true, "Findings": [
            { "Finding": "Diabetic Retinopathy", "Result": "None" },
            { "Finding": "Macular Edema", "Result": "None" }
        ] }
    })
}

/// A host whose organization grades without images, and otherwise is as the test wants it.
async fn host(settings: impl FnOnce(&mut Organization)) -> TestHost {
    let host = TestHost::start().await;
    let mut organization = host.organization.clone();
    organization.grading.without_images = true;
    organization.destinations.clear();
    settings(&mut organization);
    host.put_organization(&organization).await;
    host
}

/// Posts gradings with the caller's own credential.
async fn grade(host: &TestHost, messages: Vec<iris_azure::servicebus::OutgoingMessage>) {
    let access = host.host.credentials.caller(&host.organization).gradings.unwrap();
    let sender = ServiceBusSender::with_connection_string(&access, SenderOptions::default()).unwrap();
    sender.send(&host.organization.slug.gradings_entry(), messages).await.unwrap();
}

/// Waits until this many messages are in a queue, and returns all of them.
async fn received(host: &TestHost, queue: &str, count: usize) -> Vec<Value> {
    let queue = format!("{queue}-{}", host.organization.slug);
    support::results::received(&host.host.broker, &queue, count).await
}

fn kinds(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["ResultObjectType"].as_str().unwrap()).collect()
}

/// The content of a message, without what differs from run to run.
fn stable(message: &Value) -> String {
    serde_json::to_string_pretty(message).unwrap()
}

fn snapshots() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r#""TransactionId": "[0-9a-f-]{36}""#, r#""TransactionId": "[uuid]""#);
    settings.add_filter(r"\b100\d{3}\b", "[id]");
    settings.add_filter(r#""Content": "[A-Za-z0-9+/=]+""#, r#""Content": "[base64]""#);
    settings.add_filter(r#""OrderImageID": \d+"#, r#""OrderImageID": [id]"#);
    settings.add_filter(r#""(Timestamp|CreatedTime|Received)": "[^"]+""#, r#""$1": "[time]""#);
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_graded_and_its_result_arrives() {
    let host = host(|_| {}).await;
    let mut posted = order("G", 1);
    posted["Patient"]["DxCode"] = json!("E10.9");
    posted["Order"]["CPTCode"] = json!("92250");
    host.post(vec![message("1", &posted)]).await;
    host.events(1).await;
    grade(&host, vec![message("g1", &grading("G", 1))]).await;
    let results = received(&host, "results", 1).await;
    let events = received(&host, "events", 3).await;
    assert_eq!(kinds(&events), ["OrderCreationReceipt", "GradingReceipt", "OrderGradedEvent"]);
    snapshots().bind(|| {
        insta::assert_snapshot!("grading.receipt", stable(&events[1]));
        insta::assert_snapshot!("grading.graded", stable(&events[2]));
        insta::assert_snapshot!("grading.result", stable(&results[0]));
    });
    // Delivered again, and sent again under another id: nothing changes, but the second is answered.
    grade(&host, vec![message("g1", &grading("G", 1)), message("g2", &grading("G", 1))]).await;
    let events = received(&host, "events", 4).await;
    host.settled().await;
    assert_eq!(kinds(&events)[3], "GradingReceipt");
    assert_eq!(received(&host, "results", 1).await.len(), 1);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_loop_from_order_over_images_to_result() {
    let host = TestHost::start().await;
    let directive = |name: &str, eye: &str| {
        json!({ "LocalId": format!("L-{name}"), "Laterality": eye, "Taken": "2026-11-20T09:15:02.0000000-08:00",
            "AzureBlobStorage": { "Container": "harborview-images", "FileName": name } })
    };
    let mut posted = order("G", 8);
    posted["Camera"] = json!({ "Images": [directive("g-od.jpg", "OD"), directive("g-os.jpg", "OS")] });
    host.post(vec![message("1", &posted)]).await;
    host.events(1).await;
    grade(&host, vec![message("g0", &grading("G", 8))]).await;
    let early = received(&host, "events", 2).await;
    assert!(early[1]["ErrorMessage"].as_str().unwrap().contains("[no-images]"));

    let picture =
        |name: &str| std::fs::read(format!("{}/../../tests/images/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    host.upload_image("g-od.jpg", picture("plain-od.jpg")).await;
    received(&host, "events", 3).await;
    host.upload_image("g-os.jpg", picture("plain-os.jpg")).await;
    received(&host, "events", 5).await;
    let mut half = grading("G", 8);
    half["OS"] = Value::Null;
    grade(&host, vec![message("g1", &half)]).await;
    let refused = received(&host, "events", 6).await;
    assert!(refused[5]["ErrorMessage"].as_str().unwrap().contains("[eye-not-graded]"));
    grade(&host, vec![message("g2", &grading("G", 8))]).await;
    let events = received(&host, "events", 9).await;
    assert_eq!(
        kinds(&events),
        [
            "OrderCreationReceipt",
            "GradingReceipt",
            "ImageReceipt",
            "ImageReceipt",
            "ReadyForGradingEvent",
            "GradingReceipt",
            "GradingReceipt",
            "OrderGradedEvent",
            "ResultsDeliveryReceipt"
        ]
    );
    let results = received(&host, "results", 1).await;
    snapshots().bind(|| insta::assert_snapshot!("grading.result.images", stable(&results[0]["Images"])));
    assert_eq!(results[0]["ImageDetails"]["TotalCount"], json!(2));
    assert_eq!(results[0]["Order"]["ServicedTime"], json!("2026-11-20T09:15:02.0000000-08:00"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corrections_addenda_and_results_sent_again() {
    let host = host(|_| {}).await;
    host.post(vec![message("1", &order("G", 2))]).await;
    host.events(1).await;
    grade(&host, vec![message("g1", &grading("G", 2))]).await;
    received(&host, "results", 1).await;

    let mut correction = grading("G", 2);
    correction["ResultCode"] = json!("C");
    correction["OD"] = json!({ "Gradable": false, "UngradableReasons": ["Media Opacity"] });
    grade(&host, vec![message("g2", &correction)]).await;
    received(&host, "results", 2).await;

    let addendum = json!({ "Version": "2.3.1", "ClientGuid": GUID, "LocalId": "G-O2", "ResultCode": "A",
        "Notes": [{ "Text": "Synthetic addendum." }] });
    grade(&host, vec![message("g3", &addendum)]).await;
    received(&host, "results", 3).await;

    host.post(vec![message("2", &operation("G", 2, "ResendResult"))]).await;
    let results = received(&host, "results", 4).await;
    let codes: Vec<&str> = results.iter().map(|result| result["ResultCode"].as_str().unwrap()).collect();
    assert_eq!(codes, ["F", "C", "A", "R"]);
    let ids: std::collections::BTreeSet<&str> =
        results.iter().map(|result| result["TransactionId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 4, "each communication has an id of its own");
    assert_eq!(results[3]["Gradings"], results[2]["Gradings"], "what is sent again is what stands");
    assert_eq!(results[3]["Gradings"]["OD"]["UngradableReasons"], json!(["Media Opacity"]));
    assert_eq!(results[3]["Gradings"]["Notes"].as_array().unwrap().len(), 2);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_grading_is_answered_and_recorded() {
    let host = host(|organization| organization.grading.without_images = false).await;
    host.post(vec![message("1", &order("G", 3))]).await;
    host.events(1).await;
    let mut wrong = grading("G", 3);
    wrong["Version"] = json!("1.0");
    grade(&host, vec![message("g1", &grading("G", 3)), message("g2", &wrong)]).await;
    let mut foreign = grading("G", 3);
    foreign["ClientGuid"] = json!("11111111-2222-4333-8444-555555555555");
    grade(&host, vec![message("g3", &foreign)]).await;
    host.settled().await;
    let events = received(&host, "events", 3).await;
    assert_eq!(
        kinds(&events),
        ["OrderCreationReceipt", "GradingReceipt", "GradingReceipt"],
        "the forged one is not answered"
    );
    let texts: Vec<&str> = events[1..].iter().map(|event| event["ErrorMessage"].as_str().unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains("[no-images]")), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("[unsupported-version]")), "{texts:?}");
    assert!(events[1..].iter().all(|event| event["Success"] == json!(false)));
    let refused = host.host.orders.submissions(None, Some(iris_model::OutcomeKind::Failed), 10).await.unwrap();
    assert_eq!(refused.len(), 2);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergent_finding_is_announced_to_the_contacts() {
    let host = host(|organization| {
        let contact = json!({ "name": "Sample on-call desk", "email": "on-call@harborview.example", "emergent": true });
        organization.grading.contacts = vec![serde_json::from_value(contact).unwrap()];
    })
    .await;
    host.post(vec![message("1", &order("G", 4))]).await;
    host.events(1).await;
    let mut emergent = grading("G", 4);
    let suspected = json!({ "Finding": "suspected bilateral papilledema" });
    emergent["OS"]["Findings"].as_array_mut().unwrap().push(suspected);
    grade(&host, vec![message("g1", &emergent)]).await;
    let events = received(&host, "events", 4).await;
    assert_eq!(kinds(&events)[3], "UrgentFindingNotification");
    let results = received(&host, "results", 1).await;
    assert_eq!(results[0]["Gradings"]["Emergent"], json!(true));
    snapshots().bind(|| insta::assert_snapshot!("grading.notification", stable(&events[3])));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_as_the_published_clients_read_it() {
    let host = host(|organization| {
        organization.results.enum_encoding = EnumEncoding::Numeric;
        organization.results.key_spelling = KeySpelling::Both;
    })
    .await;
    host.post(vec![message("1", &order("G", 5))]).await;
    host.events(1).await;
    grade(&host, vec![message("g1", &grading("G", 5))]).await;
    let results = received(&host, "results", 1).await;
    snapshots().bind(|| insta::assert_snapshot!("grading.result.numeric", stable(&results[0])));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_too_large_for_its_queue_is_put_into_the_container() {
    let host = host(|organization| organization.results.message_limit = 4_096).await;
    let mut posted = order("G", 6);
    posted["Order"]["AdditionalInfo"] = json!("x".repeat(3_900));
    host.post(vec![message("1", &posted)]).await;
    host.events(1).await;
    grade(&host, vec![message("g1", &grading("G", 6))]).await;
    let results = received(&host, "results", 1).await;
    assert_eq!(kinds(&results), ["OrderResultLocation"]);
    let place = results[0]["Document"]["FileName"].as_str().unwrap();
    let document: Value = serde_json::from_slice(&host.result(place).await).unwrap();
    assert_eq!(document["TransactionId"], results[0]["TransactionId"]);
    assert_eq!(document["Order"]["AdditionalInfo"].as_str().unwrap().len(), 3_900);
    assert_eq!(document["Order"]["PatientOrderId"], results[0]["IrisOrderId"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_whose_report_is_too_large_for_its_queue_comes_without_it() {
    let host = host(|organization| organization.results.message_limit = 12_000).await;
    host.post(vec![message("1", &order("G", 9))]).await;
    host.events(1).await;
    grade(&host, vec![message("g1", &grading("G", 9))]).await;
    let results = received(&host, "results", 1).await;
    assert_eq!(kinds(&results), ["OrderResult"], "nobody takes it for a result that found nothing");
    assert!(results[0]["Gradings"]["OD"]["Findings"].as_array().is_some_and(|found| !found.is_empty()));
    let report = &results[0]["ResultsDocument"];
    assert_eq!((&report["Type"], &report["Content"]), (&json!("PDF"), &Value::Null));
    let place = report["Location"]["FileName"].as_str().unwrap();
    let whole: Value = serde_json::from_slice(&host.result(place).await).unwrap();
    assert!(whole["ResultsDocument"]["Content"].as_str().is_some_and(|content| content.len() > 12_000));
    assert_eq!(whole["Gradings"], results[0]["Gradings"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grading_that_overtook_its_order_waits_for_it() {
    let host = host(|_| {}).await;
    grade(&host, vec![message("g1", &grading("G", 7))]).await;
    until("the grading waits", async || host.host.broker.status("gradings").unwrap().scheduled == 1).await;
    host.post(vec![message("1", &order("G", 7))]).await;
    let results = received(&host, "results", 1).await;
    assert_eq!(results[0]["Order"]["LocalId"], json!("G-O7"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivered_twice_and_killed_every_order_has_one_result() {
    let host = host(|_| {}).await;
    host.host.functions.set_faults(iris_local_functions_host::Faults {
        duplicates: iris_local_functions_host::Duplicates::AtOnce,
        shuffle: Some(std::time::Duration::from_millis(100)),
        ..iris_local_functions_host::Faults::default()
    });
    let numbers = 100..140;
    host.post(numbers.clone().map(|number| message(format!("n{number}"), &order("G", number))).collect()).await;
    let gradings = numbers.clone().map(|number| message(format!("g{number}"), &grading("G", number)));
    grade(&host, gradings.collect()).await;
    received(&host, "results", 5).await;
    host.host.functions.kill_handler();
    received(&host, "results", 40).await;
    host.settled().await;
    // A message may arrive twice after a kill, under the same id, but no order has two different results.
    let mut ids = std::collections::BTreeMap::new();
    for result in received(&host, "results", 40).await {
        let order = result["Order"]["LocalId"].as_str().unwrap().to_owned();
        let known = ids.entry(order).or_insert_with(|| result["TransactionId"].clone());
        assert_eq!(*known, result["TransactionId"]);
    }
    assert_eq!(ids.len(), 40);
    host.stop().await;
}
