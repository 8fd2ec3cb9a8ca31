//! Images and orders finding each other, through broker, Blob endpoint, Functions host and handler. The files were made
//! with exiftool and pydicom (`tests/images/make_samples.py`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use iris_local_functions_host::{Faults, Kills};
use iris_model::enumeration::OrderStatus;
use iris_model::event::EventKind;
use iris_model::{Event, ImageContext, IssueCode, Laterality};
use iris_rules::images::{ImageRecord, ImageStatus};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use support::generate::{operation, order};
use support::{TestHost, message, until};

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../tests/images/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// An order with directives for these blobs.
fn with_images(mut order: Value, images: &[(&str, &str)]) -> Value {
    let directive = |(name, eye): &(&str, &str)| {
        json!({
            "LocalId": format!("L-{name}"),
            "AzureBlobStorage": { "Container": "harborview-images", "FileName": name },
            "Laterality": eye,
        })
    };
    order["Camera"] = json!({ "Images": images.iter().map(directive).collect::<Vec<_>>() });
    order
}

fn of_kind(events: &[Event], kind: EventKind) -> Vec<&Event> {
    events.iter().filter(|event| event.result_object_type == kind).collect()
}

async fn status(host: &TestHost, local_id: &str) -> OrderStatus {
    let orders = host.host.orders.orders(host.organization.client_guid, None, 1_000).await.unwrap().items;
    orders.iter().find(|order| order.local_id == local_id).unwrap().status
}

async fn images_of(host: &TestHost, order: i64) -> Vec<ImageRecord> {
    host.host.orders.images_of(order).await.unwrap()
}

/// Waits until this many images without an order are known.
async fn unlinked(host: &TestHost, count: usize) -> Vec<ImageRecord> {
    let guid = host.organization.client_guid;
    until("unlinked images", async || host.host.orders.unlinked_images(guid, 100).await.unwrap().len() == count).await;
    host.host.orders.unlinked_images(guid, 100).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_directives_gets_its_images_and_is_ready() {
    let host = TestHost::start().await;
    host.post(vec![message("1", &with_images(order("I", 1), &[("a od.jpg", "OD"), ("a os.jpg", "OS")]))]).await;
    let created = host.events(1).await.remove(0);
    host.upload_image("a od.jpg", sample("plain-od.jpg")).await;
    host.upload_image("a os.jpg", sample("plain-os.jpg")).await;
    let events = host.events(4).await;
    let receipts = of_kind(&events, EventKind::ImageReceipt);
    let mut local_ids: Vec<_> = receipts.iter().map(|event| event.image_local_id.clone().unwrap()).collect();
    local_ids.sort();
    assert_eq!(local_ids, ["L-a od.jpg", "L-a os.jpg"]);
    assert!(receipts.iter().all(|event| event.success && event.iris_image_id.is_some()));
    let ready = of_kind(&events, EventKind::ReadyForGradingEvent);
    assert_eq!(ready.len(), 1);
    for event in events.iter().skip(1) {
        assert_eq!(event.iris_order_id, created.iris_order_id);
        assert_eq!(event.order_local_id.as_deref(), Some("I-O1"));
        assert_eq!(event.patient_local_id.as_deref(), Some("I-P1"));
    }
    host.settled().await;
    assert_eq!(host.events(4).await.len(), 4);
    assert_eq!(status(&host, "I-O1").await, OrderStatus::QueuedForGrading);

    // The bytes are in our archive, and removed from the caller's container.
    let images = images_of(&host, created.iris_order_id.unwrap()).await;
    let archive = iris_local_blob::ContainerName::new("archive").unwrap();
    for image in &images {
        let name = iris_local_blob::BlobName::new(image.archive.clone()).unwrap();
        let eye = if image.laterality == Some(Laterality::Od) { "plain-od.jpg" } else { "plain-os.jpg" };
        assert_eq!(host.host.blobs.get(&archive, &name).await.unwrap(), sample(eye));
        let left = iris_local_blob::ContainerName::new("harborview-images").unwrap();
        let name = iris_local_blob::BlobName::new(image.blob.file_name.clone()).unwrap();
        assert!(host.host.blobs.get(&left, &name).await.is_err());
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_may_come_before_the_order_that_names_them() {
    let host = TestHost::start().await;
    host.upload_image("b-od.jpg", sample("plain-od.jpg")).await;
    host.upload_image("b-os.jpg", sample("plain-os.jpg")).await;
    let waiting = unlinked(&host, 2).await;
    assert!(waiting.iter().all(|image| image.reason == Some(IssueCode::ImageUnidentified)));
    host.post(vec![message("1", &with_images(order("I", 1), &[("b-od.jpg", "OD"), ("b-os.jpg", "OS")]))]).await;
    let events = host.events(4).await;
    assert_eq!(events[0].result_object_type, EventKind::OrderCreationReceipt);
    assert_eq!(of_kind(&events, EventKind::ImageReceipt).len(), 2);
    assert_eq!(events[3].result_object_type, EventKind::ReadyForGradingEvent);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_linked_by_what_exif_and_dicom_say() {
    let host = TestHost::start().await;
    for number in 1..=4 {
        host.post(vec![message(format!("{number}"), &order("I", number))]).await;
    }
    let mut of_study = order("I", 5);
    of_study["Order"]["StudyInstanceUniqueId"] = json!("1.2.826.0.1.3680043.10.99999.2.500");
    host.post(vec![message("5", &of_study)]).await;
    host.events(5).await;
    for name in [
        "patient-od.jpg",
        "patient-os.jpg",
        "accession-od.jpg",
        "accession-os.png",
        "photo-od.dcm",
        "photo-os-implicit.dcm",
        "photo-od-jpeg.dcm",
        "capture-os-big-endian.dcm",
        "tomography-ou.dcm",
    ] {
        host.upload_image(name, sample(name)).await;
    }
    let events = host.events(5 + 9 + 5).await;
    host.settled().await;
    assert!(events.iter().all(|event| event.success), "{events:?}");
    assert_eq!(of_kind(&events, EventKind::ImageReceipt).len(), 9);
    assert_eq!(of_kind(&events, EventKind::ReadyForGradingEvent).len(), 5);
    for number in 1..=5 {
        assert_eq!(status(&host, &format!("I-O{number}")).await, OrderStatus::QueuedForGrading);
    }
    let first = of_kind(&events, EventKind::OrderCreationReceipt)[0].iris_order_id.unwrap();
    let images = images_of(&host, first).await;
    assert_eq!(images[0].claims.device.as_deref(), Some("CAM-SEA-1"));
    assert_eq!(images[0].claims.taken, Some(jiff::civil::datetime(2026, 11, 20, 9, 15, 2, 0)));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_one_can_place_is_quarantined_and_linked_later_all_the_same() {
    let host = TestHost::start().await;
    let mut document = host.organization.clone();
    document.image_patience_seconds = 0;
    host.put_organization(&document).await;
    host.upload_image("lost.jpg", sample("patient-od.jpg")).await;
    unlinked(&host, 1).await;
    host.host.functions.run_now("sweep_outbox").await.unwrap();
    let events = host.events(1).await;
    assert_eq!(events[0].result_object_type, EventKind::ImageReceipt);
    assert!(!events[0].success && events[0].iris_order_id.is_none());
    let text = events[0].error_message.clone().unwrap();
    assert!(text.contains("image-unmatched") && text.contains("lost.jpg"), "{text}");
    assert_eq!(unlinked(&host, 1).await[0].status, ImageStatus::Quarantined);
    assert!(host.log().contains("image-given-up"));

    host.post(vec![message("1", &order("I", 1))]).await;
    let events = host.events(3).await;
    assert_eq!(events[2].result_object_type, EventKind::ImageReceipt);
    assert!(events[2].success && events[2].iris_order_id == events[1].iris_order_id);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directive_whose_blob_never_comes_is_reported_and_fulfilled_when_it_does() {
    let host = TestHost::start().await;
    let mut document = host.organization.clone();
    document.image_patience_seconds = 0;
    host.put_organization(&document).await;
    host.post(vec![message("1", &with_images(order("I", 1), &[("never.jpg", "OD")]))]).await;
    host.events(1).await;
    host.host.functions.run_now("sweep_outbox").await.unwrap();
    let events = host.events(2).await;
    assert!(events[0].success && !events[1].success);
    assert_eq!(events[1].image_local_id.as_deref(), Some("L-never.jpg"));
    assert!(events[1].error_message.as_ref().unwrap().contains("image-missing"));

    host.upload_image("never.jpg", sample("plain-od.jpg")).await;
    let events = host.events(3).await;
    assert!(events[2].success && events[2].iris_image_id.is_some());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_images_are_reported_and_the_handler_lives_on() {
    let host = TestHost::start().await;
    host.upload_image("before.jpg", sample("patient-od.jpg")).await;
    unlinked(&host, 1).await;
    let pid = host.host.functions.handler_pid().unwrap();
    let good = sample("photo-od.dcm");
    let mut endless = good[..400].to_vec();
    endless[140..144].copy_from_slice(&[0xff, 0xff, 0xff, 0xfe]);
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("notes.txt", b"not an image".to_vec(), "unsupported-format"),
        ("document.dcm", sample("document.dcm"), "unsupported-format"),
        ("deflated.dcm", sample("deflated.dcm"), "unsupported-format"),
        ("truncated.dcm", good[..good.len() / 2].to_vec(), "unreadable-file"),
        ("giant-length.dcm", endless, "unreadable-file"),
        ("empty.jpg", Vec::new(), "unreadable-file"),
    ];
    for (number, (name, content, code)) in cases.into_iter().enumerate() {
        host.upload_image(name, content).await;
        let events = host.events(number + 1).await;
        let text = events[number].error_message.clone().unwrap();
        assert!(text.contains(code) && text.contains(name), "{name}: {text}");
    }
    // A directive about a broken file is answered with its own ids.
    host.post(vec![message("1", &with_images(order("I", 9), &[("notes.txt", "OD")]))]).await;
    let events = host.events(8).await;
    assert_eq!(events[7].image_local_id.as_deref(), Some("L-notes.txt"));
    assert!(!events[7].success);
    assert_eq!(host.host.functions.handler_pid(), Some(pid), "the handler died");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_message_adds_an_image_to_its_order() {
    let host = TestHost::start().await;
    let attach = |number: u32, name: &str, eye: &str| {
        json!({
            "Version": "V2.3.1",
            "ClientGuid": "5a3d1e70-0000-4000-8000-000000000001",
            "Site": { "LocalId": "HV-PDX" },
            "OrderLocalId": format!("I-O{number}"),
            "Image": {
                "LocalId": format!("S-{name}"),
                "AzureBlobStorage": { "Container": "harborview-images", "FileName": name },
                "Laterality": eye,
            },
            "ImageClass": 0,
            "ImageEncoding": "JPG",
            "TotalImageCountForOrder": 2,
            "ItemNumberInCollection": 1,
        })
    };
    // The first overtakes its order, the second follows it, and each is delivered twice.
    host.host.broker.duplicate_deliveries(true);
    host.upload_image("s-od.jpg", sample("plain-od.jpg")).await;
    host.post(vec![message("1", &attach(1, "s-od.jpg", "OD"))]).await;
    host.post(vec![message("2", &order("I", 1)), message("3", &attach(1, "s-os.jpg", "OS"))]).await;
    host.upload_image("s-os.jpg", sample("plain-os.jpg")).await;
    let events = host.events(4).await;
    host.settled().await;
    assert_eq!(host.events(4).await.len(), 4);
    let mut local_ids: Vec<_> =
        of_kind(&events, EventKind::ImageReceipt).iter().map(|event| event.image_local_id.clone().unwrap()).collect();
    local_ids.sort();
    assert_eq!(local_ids, ["S-s-od.jpg", "S-s-os.jpg"]);
    assert_eq!(of_kind(&events, EventKind::ReadyForGradingEvent).len(), 1);

    let mut wrong = attach(1, "x.jpg", "OD");
    wrong["Image"]["Laterality"] = Value::Null;
    host.post(vec![message("4", &wrong)]).await;
    let events = host.events(5).await;
    let refused = events.last().unwrap();
    assert_eq!((refused.result_object_type, refused.success), (EventKind::ImageReceipt, false));
    assert_eq!(refused.image_local_id.as_deref(), Some("S-x.jpg"));
    assert!(refused.error_message.as_ref().unwrap().contains("Image.Laterality"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_image_twice_is_one_and_contradictions_are_not_believed() {
    let host = TestHost::start().await;
    host.post(vec![message("1", &with_images(order("I", 3), &[("wrong-eye.dcm", "OS"), ("right.dcm", "OD")]))]).await;
    let created = host.events(1).await.remove(0);
    host.upload_image("wrong-eye.dcm", sample("photo-od.dcm")).await;
    let events = host.events(2).await;
    assert!(events[1].error_message.as_ref().unwrap().contains("image-eye-mismatch"));
    host.upload_image("right.dcm", sample("photo-od.dcm")).await;
    host.events(3).await;
    host.settled().await;
    host.upload_image("right.dcm", sample("photo-od.dcm")).await;
    let container = iris_local_blob::ContainerName::new("harborview-images").unwrap();
    let name = iris_local_blob::BlobName::new("right.dcm").unwrap();
    until("the upload is done", async || host.host.blobs.get(&container, &name).await.is_err()).await;
    host.settled().await;
    assert_eq!(host.events(3).await.len(), 3);
    assert_eq!(images_of(&host, created.iris_order_id.unwrap()).await.len(), 1);
    assert_eq!(status(&host, "I-O3").await, OrderStatus::AwaitingImages);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_order_follows_its_images_and_one_eye_may_be_enough() {
    let host = TestHost::start().await;
    host.upload_image("one.jpg", sample("plain-od.jpg")).await;
    host.post(vec![message("1", &with_images(order("I", 1), &[("one.jpg", "OD")]))]).await;
    host.events(2).await;
    let mut change = operation("I", 1, "XO");
    change["Order"]["SingleEyeOnly"] = json!(true);
    host.post(vec![message("2", &change)]).await;
    let events = host.events(4).await;
    assert_eq!(of_kind(&events, EventKind::ReadyForGradingEvent).len(), 1);
    let images = images_of(&host, events[0].iris_order_id.unwrap()).await;
    assert_eq!(images[0].context, ImageContext::Primary);
    host.stop().await;
}

/// Orders with directives and their images, in any order, while the handler is killed again and again.
async fn killed(database: Option<String>) {
    const ORDERS: usize = 120;
    let host = TestHost::with(database).await;
    let kills = Kills { times: 20, from: Duration::from_millis(20), to: Duration::from_millis(250) };
    host.host.functions.set_faults(Faults { kill: Some(kills), ..Faults::default() });
    host.host.broker.duplicate_deliveries(true);
    for number in 0..ORDERS {
        let names = [format!("k{number}-od.jpg"), format!("k{number}-os.jpg")];
        let request = with_images(order("K", number), &[(&names[0], "OD"), (&names[1], "OS")]);
        let posted = message(format!("k{number}"), &request);
        if number % 2 == 0 {
            host.post(vec![posted]).await;
            host.upload_image(&names[0], sample("plain-od.jpg")).await;
            host.upload_image(&names[1], sample("plain-os.jpg")).await;
        } else {
            host.upload_image(&names[1], sample("plain-os.jpg")).await;
            host.post(vec![posted]).await;
            host.upload_image(&names[0], sample("plain-od.jpg")).await;
        }
    }
    until("all kills", async || host.host.functions.faults().kill.is_none_or(|kills| kills.times == 0)).await;
    host.settled().await;
    // Images and orders that missed each other in a race between two processes are found by the sweep, on its own
    // schedule.
    until("every order is ready", async || {
        let orders = host.host.orders.orders(host.organization.client_guid, None, 1_000).await.unwrap().items;
        orders.len() == ORDERS && orders.iter().all(|order| order.status == OrderStatus::QueuedForGrading)
    })
    .await;
    host.settled().await;
    let mut events: BTreeMap<(String, EventKind), BTreeSet<uuid::Uuid>> = BTreeMap::new();
    for event in host.events(ORDERS * 4).await {
        assert!(event.success, "{event:?}");
        let key = (event.order_local_id.unwrap(), event.result_object_type);
        events.entry(key).or_default().insert(event.transaction_id);
    }
    assert_eq!(events.len(), ORDERS * 3);
    for ((order, kind), ids) in events {
        let expected = if kind == EventKind::ImageReceipt { 2 } else { 1 };
        assert_eq!(ids.len(), expected, "{order} {kind:?}");
    }
    for order in host.host.orders.orders(host.organization.client_guid, None, 1_000).await.unwrap().items {
        assert_eq!(images_of(&host, order.id).await.len(), 2);
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_and_double_no_image() {
    killed(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_and_double_no_image_in_postgresql() {
    if let Some(database) = support::postgres().await {
        killed(Some(database)).await;
    }
}
