//! A sentinel patient takes every path there is, right and wrong; no log line, span or measurement may contain their
//! data (docs/LOGGING.md).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/collector.rs"]
mod collector;
mod support;

use collector::Collector;
use iris_model::Organization;
use serde_json::json;
use support::generate::{csv, operation, order};
use support::results::{grade, grading};
use support::{TestHost, message, until};

/// Data of the patient that must not appear anywhere.
const SENTINELS: [&str; 6] =
    ["Zzyzxsentinel", "SENTINEL-MRN", "SENTINEL-ORDER", "1941-07-07", "7/7/1941", "sentinel secret"];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_told_knows_the_patient() {
    let collector = Collector::start().await;
    let settings = collector.settings();
    let mut organization = iris_local::organizations::read(None).unwrap().remove(0).organization;
    organization.grading.without_images = true;
    let organization = Organization::parse(&serde_json::to_vec(&organization).unwrap()).unwrap();
    let host = TestHost::configured(&[organization], settings).await;
    let mut known = order("A", 1);
    known["Patient"]["Name"]["Last"] = json!("Zzyzxsentinel");
    known["Patient"]["LocalId"] = json!("SENTINEL-MRN");
    known["Order"]["LocalId"] = json!("SENTINEL-ORDER");
    known["Patient"]["Dob"] = json!("1941-07-07");
    known["Order"]["AdditionalInfo"] = json!("sentinel secret");
    let mut wrong = known.clone();
    wrong["Patient"]["Dob"] = json!("7/7/1941 Zzyzxsentinel");
    wrong["Site"]["LocalId"] = json!("Zzyzxsentinel");
    let mut foreign = known.clone();
    foreign["ClientGuid"] = json!("11111111-2222-4333-8444-555555555555");
    let mut broken = message("4", &json!(null));
    broken.body = "{\"Patient\": {\"Name\": \"Zzyzxsentinel\", }}".into();
    let mut change = operation("A", 1, "XO");
    change["Order"] = json!({ "LocalId": "SENTINEL-ORDER", "AdditionalInfo": "sentinel secret" });
    host.post(vec![
        message("1", &known),
        message("2", &wrong),
        message("3", &foreign),
        broken,
        message("5", &change),
        message("6", &known),
    ])
    .await;

    host.settled().await;

    let mut sentinel = grading("S", 1);
    sentinel["LocalId"] = json!("SENTINEL-ORDER");
    sentinel["Provider"]["Name"]["Last"] = json!("Zzyzxsentinel");
    grade(&host, vec![message("7", &sentinel)]).await;
    sentinel["OD"]["Findings"][0]["Result"] = json!("Zzyzxsentinel");
    grade(&host, vec![message("8", &sentinel)]).await;
    host.upload_image("Zzyzxsentinel/1941-07-07.jpg", "no image of Zzyzxsentinel").await;

    let file = csv("S", 20, 4)
        .replace("Testpatient1", "Zzyzxsentinel")
        .replace("S-P", "SENTINEL-MRN")
        .replace("S-O", "SENTINEL-ORDER");
    host.load("Zzyzxsentinel 1941-07-07.csv", file.clone()).await;
    host.drop_file("Zzyzxsentinel.xlsx", "PK\u{3}\u{4} Zzyzxsentinel").await;
    host.drop_file("Zzyzxsentinel.hl7", "MSH|^~\\&|Zzyzxsentinel").await;
    host.drop_file("Zzyzxsentinel.json", "[{\"PatientLastName\": \"Zzyzxsentinel\", }]").await;
    host.receipts(4).await;
    // What a killed handler has not exported yet is lost.
    let loads = || collector.spans().iter().filter(|span| span.name == "load_drop").count();
    let delivered = || collector.total("iris.delivery.duration", &[("iris.outcome", "delivered")]);
    until("four files and a delivery", async || {
        collector.total("iris.drops", &[]) == 4 && loads() == 4 && delivered() >= 1
    })
    .await;
    host.host.functions.kill_handler();
    host.load("Zzyzxsentinel again.csv", file).await;
    host.settled().await;
    until("the last file", async || collector.total("iris.drops", &[]) == 5 && loads() == 5).await;

    for body in collector.bytes() {
        let text = String::from_utf8_lossy(&body).to_lowercase();
        let told = SENTINELS.iter().find(|sentinel| text.contains(&sentinel.to_lowercase()));
        assert!(told.is_none(), "{told:?} was exported: {text}");
    }
    let log = host.log();
    assert!(log.lines().count() > 10, "the log was not kept");
    for line in log.lines() {
        let told = SENTINELS.iter().find(|sentinel| line.to_lowercase().contains(&sentinel.to_lowercase()));
        assert!(told.is_none(), "{told:?} is in: {line}");
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "not one JSON object: {line}");
    }
    host.stop().await;
}
