//! Results in batches: from gradings to files a payer reads, through broker, Functions host and handler.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use iris_azure::servicebus::{OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_local_blob::ContainerName;
use iris_local_blob::store::ListQuery;
use iris_local_functions_host::{Faults, Kills};
use iris_model::organization::{BatchFormat, BatchPeriod, BatchSettings};
use iris_results::batch::Manifest;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::time::Duration;
use support::generate::{operation, order};
use support::{TestHost, message, until};

const GUID: &str = "5a3d1e70-0000-4000-8000-000000000001";

fn grading(series: &str, number: usize, right: &str, code: &str) -> OutgoingMessage {
    let eye = |level: &str| {
        json!({ "Gradable": true, "Findings": [
            { "Finding": "Diabetic Retinopathy", "Result": level }, { "Finding": "Macular Edema", "Result": "None" }
        ] })
    };
    let grading = json!({
        "Version": "2.3.1", "ClientGuid": GUID, "LocalId": format!("{series}-O{number}"), "ResultCode": code,
        "GradedTime": "2026-11-20T17:30:00.0000000+00:00",
        "Provider": { "NPI": "9000000007", "Name": { "First": "Sample", "Last": "Grader" }, "Degrees": "OD" },
        "Notes": [{ "Text": "=HYPERLINK(\"http://example.org\")" }],
        "OD": eye(right), "OS": eye("None"),
    });
    message(format!("g-{series}-{number}-{code}-{right}"), &grading)
}

/// A host whose organization grades without images and gets batches of every kind, with days that end at midnight in
/// its time zone.
async fn host(database: Option<String>, formats: &[BatchFormat]) -> TestHost {
    let host = TestHost::with(database).await;
    let mut organization = host.organization.clone();
    organization.grading.without_images = true;
    organization.batches = Some(BatchSettings {
        every: BatchPeriod::Daily,
        hour: 0,
        time_zone: "America/Phoenix".to_owned(),
        formats: formats.to_vec(),
    });
    host.put_organization(&organization).await;
    host
}

async fn grade(host: &TestHost, messages: Vec<OutgoingMessage>) {
    let access = host.host.credentials.caller(&host.organization).gradings.unwrap();
    let sender = ServiceBusSender::with_connection_string(&access, SenderOptions::default()).unwrap();
    sender.send(&host.organization.slug.gradings_entry(), messages).await.unwrap();
}

async fn results(host: &TestHost, count: usize) {
    let queue = host.organization.slug.results_queue();
    until("results", async || host.host.broker.status(&queue).unwrap().active >= count).await;
}

/// The files of batches, by name.
async fn files(host: &TestHost) -> BTreeSet<String> {
    let container = ContainerName::new(host.organization.results_container()).unwrap();
    let page = host.host.blobs.list_blobs(&container, ListQuery::default()).await.unwrap();
    page.blobs().map(|blob| blob.name.as_str().to_owned()).filter(|name| name.starts_with("batches/")).collect()
}

async fn manifests(host: &TestHost) -> Vec<Manifest> {
    let mut manifests: Vec<Manifest> = Vec::new();
    for name in files(host).await.iter().filter(|name| name.ends_with(".manifest.json")) {
        manifests.push(serde_json::from_slice(&host.result(name).await).unwrap());
    }
    manifests.sort_by_key(|manifest| manifest.batch);
    manifests
}

/// The rows of a batch's CSV file, without the header.
async fn rows(host: &TestHost, manifest: &Manifest) -> Vec<Vec<String>> {
    let Some(file) = manifest.files.iter().find(|file| file.name.ends_with(".csv")) else { return Vec::new() };
    let content = host.result(&file.name).await;
    let mut reader = csv::Reader::from_reader(Cursor::new(content));
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// A day passes: everything so far is moved a day back.
async fn a_day_passes(host: &TestHost) {
    let day = 86_400_000_000_i64;
    host.execute(&[
        &format!("UPDATE batch_results SET at = at - {day}"),
        &format!("UPDATE batches SET starts_at = starts_at - {day}, ends_at = ends_at - {day}"),
    ])
    .await;
}

/// Runs the timer until the number of manifests is this.
async fn written(host: &TestHost, count: usize) -> Vec<Manifest> {
    until("manifests", async || {
        host.host.functions.run_now("write_batches").await.ok();
        manifests(host).await.len() >= count
    })
    .await;
    manifests(host).await
}

fn snapshots() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"\b100\d{3}\b", "[id]");
    settings.add_filter(r"\d{4}-\d{2}-\d{2}(\.\d{6}\.)", "[day]$1");
    settings.add_filter(r"\d{4}-\d{2}-\d{2}T[0-9:.]+Z", "[time]");
    settings.add_filter(r#""sha256": "[0-9a-f]{64}""#, r#""sha256": "[digest]""#);
    settings.add_filter(r#""size": \d+"#, r#""size": [bytes]"#);
    // The time of sending is the only one in a row that the test does not set.
    settings.add_filter(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2},([A-Z]{2},Integration)", "[sent],$1");
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_gets_each_result_once_and_corrections_again() {
    let host = host(None, &[BatchFormat::Csv, BatchFormat::Xlsx, BatchFormat::Zip]).await;
    let mut first = order("B", 1);
    first["Patient"]["Phone"] = json!("+1 555 0100");
    first["Order"]["CPTCode"] = json!("92250");
    host.post(vec![message("1", &first), message("2", &order("B", 2)), message("3", &order("B", 3))]).await;
    host.events(3).await;

    // Nothing has been graded yet, which the first batch says.
    let empty = written(&host, 1).await.remove(0);
    assert_eq!((empty.results, empty.files.len(), empty.period.from), (0, 0, None));
    assert_eq!(files(&host).await.len(), 1);

    // One after the other, because rows are in the order of the results.
    grade(&host, vec![grading("B", 1, "Moderate", "F")]).await;
    results(&host, 1).await;
    grade(&host, vec![grading("B", 2, "None", "F")]).await;
    results(&host, 2).await;
    // Each is marked as sent.
    host.settled().await;
    a_day_passes(&host).await;
    let second = written(&host, 2).await.remove(1);
    assert_eq!((second.batch, second.results, second.again.len()), (2, 2, 0));
    assert!(second.period.from.is_some());
    let mut names: Vec<&str> = second.files.iter().map(|file| file.name.rsplit(".000002").next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, [".csv", ".reports.zip", ".xlsx"]);
    for file in &second.files {
        let content = host.result(&file.name).await;
        assert_eq!((file.size, &file.sha256), (content.len() as u64, &sha256(&content)));
    }
    let rows_of_second = rows(&host, &second).await;
    assert_eq!(rows_of_second.len(), 2);
    assert_eq!(rows_of_second[0][9], "'+1 555 0100", "no cell is a formula");
    assert!(rows_of_second[0][20].starts_with("'=HYPERLINK"));
    let csv = second.files.iter().find(|file| file.name.ends_with(".csv")).unwrap();
    let csv = String::from_utf8(host.result(&csv.name).await.to_vec()).unwrap();
    snapshots().bind(|| {
        insta::assert_snapshot!("batch.csv", csv);
        insta::assert_snapshot!("batch.manifest", serde_json::to_string_pretty(&second).unwrap());
    });
    let archive = second.files.iter().find(|file| file.name.ends_with(".zip")).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(host.result(&archive.name).await.to_vec())).unwrap();
    assert_eq!(archive.len(), 2);
    let mut start = [0; 5];
    archive.by_index(0).unwrap().read_exact(&mut start).unwrap();
    assert_eq!(&start, b"%PDF-");

    // A correction, a result sent again, and a new one: in the next day's batch, which names the earlier ones.
    grade(&host, vec![grading("B", 1, "Severe", "C"), grading("B", 3, "Mild", "F")]).await;
    results(&host, 4).await;
    let mut again = operation("B", 2, "ResendResult");
    again["ClientGuid"] = json!(GUID);
    host.post(vec![message("5", &again)]).await;
    results(&host, 5).await;
    a_day_passes(&host).await;
    let third = written(&host, 3).await.remove(2);
    assert_eq!(third.results_by_code, BTreeMap::from([("C".into(), 1), ("F".into(), 1), ("R".into(), 1)]));
    let again: Vec<(&str, u32)> = third.again.iter().map(|again| (again.code.code(), again.batch)).collect();
    assert_eq!(again, [("C", 2), ("R", 2)]);
    assert_eq!(rows(&host, &third).await.len(), 3);

    // The same period is not written twice.
    for _ in 0..3 {
        host.host.functions.run_now("write_batches").await.unwrap();
    }
    assert_eq!(manifests(&host).await.len(), 3);

    // A batch is left open, and meanwhile the settings name a zone where the period ended a day earlier: the names stay
    // the same.
    let before = files(&host).await;
    let mut organization = host.organization.clone();
    organization.batches = Some(BatchSettings {
        every: BatchPeriod::Daily,
        hour: 21,
        time_zone: "Pacific/Honolulu".to_owned(),
        formats: vec![BatchFormat::Csv, BatchFormat::Xlsx, BatchFormat::Zip],
    });
    host.put_organization(&organization).await;
    host.execute(&["UPDATE batches SET closed_at = NULL WHERE number = 3"]).await;
    until("the run", async || host.host.functions.run_now("write_batches").await.is_ok()).await;
    assert_eq!(files(&host).await, before);
    host.stop().await;
}

fn sha256(content: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Batches are written while the handler is killed again and again: every result is in exactly one of them.
async fn killed(database: Option<String>) {
    const RESULTS: usize = 300;
    const DAYS: usize = 4;
    let host = host(database, &[BatchFormat::Csv, BatchFormat::Zip]).await;
    host.post((0..RESULTS).map(|number| message(format!("o{number}"), &order("K", number))).collect()).await;
    host.events(RESULTS).await;
    let kills = Kills { times: 20, from: Duration::from_millis(100), to: Duration::from_millis(600) };
    host.host.functions.set_faults(Faults { kill: Some(kills), ..Faults::default() });
    let numbers: Vec<usize> = (0..RESULTS).collect();
    for (day, numbers) in (1..).zip(numbers.chunks(RESULTS / DAYS)) {
        grade(&host, numbers.iter().map(|number| grading("K", *number, "Mild", "F")).collect()).await;
        results(&host, numbers.len() * day).await;
        a_day_passes(&host).await;
        written(&host, day).await;
    }
    until("all kills", async || host.host.functions.faults().kill.is_none_or(|kills| kills.times == 0)).await;
    host.settled().await;
    a_day_passes(&host).await;
    let before = manifests(&host).await.len();
    let manifests = written(&host, before + 1).await;
    let numbers: Vec<u32> = manifests.iter().map(|manifest| manifest.batch).collect();
    assert_eq!(numbers, (1..=u32::try_from(manifests.len()).unwrap()).collect::<Vec<_>>());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for manifest in &manifests {
        let rows = rows(&host, manifest).await;
        assert_eq!(rows.len() as u64, manifest.results);
        for row in rows {
            *seen.entry(row[0].clone()).or_default() += 1;
        }
        for file in &manifest.files {
            assert_eq!(file.sha256, sha256(&host.result(&file.name).await), "{}", file.name);
        }
    }
    assert_eq!(seen.len(), RESULTS);
    assert!(seen.values().all(|times| *times == 1), "a result was handed over twice");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_and_double_no_result() {
    killed(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_and_double_no_result_in_postgresql() {
    if let Some(database) = support::postgres().await {
        killed(Some(database)).await;
    }
}
