//! Files of any size and condition, dropped by a caller.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use iris_intake::receipt::{Status, Totals};
use iris_model::IssueCode;
use std::collections::HashSet;
use std::io::Write;
use support::TestHost;
use support::generate::{csv, header, row};

/// Memory that the handler may use above idle while it loads a file of any length (design §7), in bytes.
const LOADING: u64 = 128 << 20;

async fn a_hundred_thousand_rows(database: Option<String>) {
    let host = TestHost::with(database).await;
    host.load("warm-up.csv", csv("W", 10, 0)).await;
    let idle = host.host.functions.rss().unwrap();

    let file = csv("L", 100_000, 0);
    let first = host.load("large.csv", file.clone()).await;
    assert_eq!(first.totals, Totals { rows: 100_000, created: 100_000, ..Totals::default() });
    let events = host.events(100_010).await;
    let ids: HashSet<_> = events.iter().map(|event| event.transaction_id).collect();
    assert_eq!(ids.len(), 100_010);
    assert!(events.iter().all(|event| event.success && event.iris_order_id.is_some()));

    let second = host.load("large again.csv", file).await;
    assert_eq!(second.totals, Totals { rows: 100_000, replayed: 100_000, ..Totals::default() });
    host.events(200_010).await;
    host.settled().await;
    let orders: u64 = host.host.orders.counts(None).await.unwrap().orders.iter().map(|(_, count)| count).sum();
    assert_eq!(orders, 100_010);
    let rows = host.result(first.files.rows.as_ref().unwrap()).await;
    assert_eq!(rows.iter().filter(|byte| **byte == b'\n').count(), 100_001);
    assert_eq!(host.results(".json").await.len(), 3);

    let peak = host.host.functions.peak_rss().unwrap();
    assert!(peak < idle + LOADING, "{} MB above idle", (peak - idle) >> 20);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_rows_load_once_however_often_they_are_dropped() {
    a_hundred_thousand_rows(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_rows_load_once_in_postgresql_too() {
    if let Some(database) = support::postgres().await {
        a_hundred_thousand_rows(Some(database)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_announced_twice_is_one_drop() {
    let host = TestHost::start().await;
    host.host.broker.duplicate_deliveries(true);
    let receipt = host.load("once.csv", csv("A", 50, 10)).await;
    host.settled().await;
    assert_eq!((receipt.totals.created, receipt.totals.failed), (45, 5));
    assert_eq!(receipt.status, Status::Partial);
    assert_eq!(host.results(".json").await.len(), 1);
    assert_eq!(host.host.orders.drops(None, 10).await.unwrap().len(), 1);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_are_corrected_and_dropped_again() {
    let host = TestHost::start().await;
    let first = host.load("members.csv", csv("A", 20, 5)).await;
    let rejected = String::from_utf8(host.result(first.files.rejected.as_ref().unwrap()).await.to_vec()).unwrap();
    assert_eq!(rejected.lines().count(), 5);
    let column = header().iter().position(|name| *name == "PatientDob").unwrap();
    let mut lines = rejected.lines();
    let mut corrected = format!("{}\n", lines.next().unwrap());
    for line in lines {
        let mut cells: Vec<&str> = line.splitn(column + 2, ',').collect();
        cells[column] = "1961-12-01";
        corrected.push_str(&cells.join(","));
        corrected.push('\n');
    }
    let second = host.load("members corrected.csv", corrected).await;
    assert_eq!(second.totals, Totals { rows: 4, created: 4, ..Totals::default() });
    assert_eq!(second.status, Status::Loaded);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overwritten_file_is_a_drop_of_its_own() {
    let host = TestHost::start().await;
    host.load("daily.csv", csv("A", 5, 0)).await;
    let second = host.load("daily.csv", csv("B", 7, 0)).await;
    assert_eq!(second.totals.created, 7);
    assert_eq!(host.results(".json").await.len(), 2);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_event_was_lost_is_found() {
    let host = TestHost::start().await;
    let receipt = {
        let container = iris_local_blob::ContainerName::new(host.organization.drops_container()).unwrap();
        let name = iris_local_blob::BlobName::new("forgotten.csv").unwrap();
        // The drop is announced by its event and by this one, as the sweep would send it: it is still one drop.
        host.host
            .blobs
            .put(&container, &name, csv("A", 3, 0), iris_local_blob::store::PutOptions::default())
            .await
            .unwrap();
        host.host.functions.run_now("sweep_outbox").await.unwrap();
        host.receipts(1).await.remove(0)
    };
    assert_eq!(receipt.totals.created, 3);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_nothing_loads_nothing_when_a_row_fails() {
    let host = TestHost::start().await;
    let mut document = host.organization.clone();
    document.drops.insert(
        0,
        iris_model::organization::DropRule {
            pattern: "strict-*.csv".to_owned(),
            mapping: iris_model::organization::Mapping {
                name: "strict".to_owned(),
                all_or_nothing: true,
                ..iris_model::organization::Mapping::default()
            },
        },
    );
    host.put_organization(&document).await;
    let receipt = host.load("strict-1.csv", csv("A", 20, 10)).await;
    assert_eq!(receipt.totals, Totals { rows: 20, failed: 20, ..Totals::default() });
    assert_eq!(receipt.issues_by_code[&IssueCode::NotLoaded], 18);
    let receipt = host.load("strict-2.csv", csv("A", 20, 0)).await;
    assert_eq!(receipt.totals, Totals { rows: 20, created: 20, ..Totals::default() });
    host.stop().await;
}

/// A workbook of these parts.
fn archive(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        out.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(content).unwrap();
    }
    out.finish().unwrap().into_inner()
}

fn workbook(rows: usize) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_row(0, 0, header()).unwrap();
    for number in 0..rows {
        sheet.write_row(u32::try_from(number).unwrap() + 1, 0, row("X", number)).unwrap();
    }
    book.save_to_buffer().unwrap()
}

/// A workbook with one part replaced.
fn with_part(book: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut parts = zip::ZipArchive::new(std::io::Cursor::new(book)).unwrap();
    let mut changed = Vec::new();
    for index in 0..parts.len() {
        let mut part = parts.by_index(index).unwrap();
        let mut old = Vec::new();
        std::io::Read::read_to_end(&mut part, &mut old).unwrap();
        let own = part.name().unwrap().into_owned();
        let new = if own == name { content.to_vec() } else { old };
        changed.push((own, new));
    }
    let parts: Vec<(&str, Vec<u8>)> = changed.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
    archive(&parts)
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_refused_and_the_handler_lives_on() {
    let host = TestHost::start().await;
    host.load("before.csv", csv("W", 3, 0)).await;
    let pid = host.host.functions.handler_pid().unwrap();
    let good = workbook(5);
    let bomb = vec![b' '; 300 << 20];
    let strings = br#"<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="9" uniqueCount="900000000000"></sst>"#;
    let doctype = br#"<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY a "b">]><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>"#;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("strings.xlsx", with_part(&good, "xl/sharedStrings.xml", strings)),
        ("doctype.xlsx", with_part(&good, "xl/sharedStrings.xml", doctype)),
        ("bomb.xlsx", with_part(&good, "xl/sharedStrings.xml", &bomb)),
        ("path.xlsx", archive(&[("../../etc/passwd", b"x".to_vec())])),
        ("truncated.xlsx", good[..good.len() / 2].to_vec()),
        ("line.csv", [header().join(",").into_bytes(), b"\n\"".to_vec(), vec![b'x'; 40 << 20]].concat()),
        (
            "columns.csv",
            (0..10_000).map(|column| format!("PatientLocalId{column}")).collect::<Vec<_>>().join(",").into_bytes(),
        ),
        ("deep.json", [vec![b'['; 200_000], vec![b']'; 200_000]].concat()),
        ("nul.csv", vec![0; 5_000]),
    ];
    let count = cases.len();
    for (index, (name, content)) in cases.into_iter().enumerate() {
        host.drop_file(name, content).await;
        let receipts = host.receipts(index + 2).await;
        let receipt = receipts.iter().find(|receipt| receipt.file == name).unwrap();
        assert!(matches!(receipt.status, Status::Refused | Status::Broken | Status::Failed), "{name}: {receipt:?}");
        assert!(!receipt.issues[0].message.is_empty(), "{name}");
        assert_eq!(receipt.totals.created, 0, "{name}");
    }
    let after = host.load("after.csv", csv("Z", 3, 0)).await;
    assert_eq!(after.totals.created, 3);
    assert_eq!(host.receipts(count + 2).await.len(), count + 2);
    assert_eq!(host.host.functions.handler_pid(), Some(pid), "the handler died");
    host.stop().await;
}
