//! Results: from a grading in its queue to the OrderResult with its report in the caller's queue, and the report as a
//! file.

use crate::local::Local;
use crate::report::Section;
use crate::report::Target::AtMost;
use crate::{Bench, clock, generate};
use anyhow::{Context, Result};
use iris_azure::blob::{BlobAddress, BlobStore, UploadOptions};
use iris_azure::servicebus::{OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_report::sample;
use serde_json::{Value, json};
use std::ops::Range;
use std::time::Instant;

/// Side of the images.
const SIDE: u32 = 1_200;
/// Gradings in the burst whose memory is measured.
const AT_ONCE: usize = 200;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Section>> {
    let count = bench.amount(2_000);
    let about = format!(
        "{} orders with two images of {SIDE} by {SIDE} pixels each are graded: posted in one batch, until the last \
         OrderResult with the PDF in it (or its location) is in the results queue and the last receipt of a PDF file \
         in the results container is in the events queue. Broker, Blob storage and Functions host run on the same \
         cores.",
        count as usize - AT_ONCE.min(count as usize / 2)
    );
    let mut section = Section::new("Results", about);
    let (right, left) = (sample::fundus(SIDE, false), sample::fundus(SIDE, true));
    let database = bench.databases.create(*bench.databases.kinds().last().context("there is a database")?).await?;
    let local = Local::start(bench, &database).await?;
    prepare(&local, 1 + count, &right, &left).await?;
    // One first, to set up connections, fonts and the allocator's memory.
    graded(&local, 0..1).await?;
    let idle = local.host.functions.rss().unwrap_or_default();
    let burst = AT_ONCE.min(count as usize / 2);
    graded(&local, 1..1 + burst).await?;
    let peak = local.host.functions.peak_rss().unwrap_or_default().saturating_sub(idle) as f64 / 1_048_576.0;
    let rate = graded(&local, 1 + burst..1 + count as usize).await?;
    section.figure("grading → OrderResult with PDF, and PDF file", rate, "results/s");
    section.aim(format!("handler's peak memory above idle, {burst} posted at once"), peak, "MB", AtMost(128.0));
    local.stop().await;
    bench.databases.remove(database).await?;
    Ok(vec![section])
}

/// Posts the orders and uploads their images.
async fn prepare(local: &Local, count: u32, right: &[u8], left: &[u8]) -> Result<()> {
    let container = local.organization.images_container();
    let caller = BlobStore::from_connection_string(&local.host.credentials.images_service(&local.organization))?;
    let sender = local.sender()?;
    for number in 0..count as usize {
        let mut order = generate::order("R", number);
        let place = |eye: &str| json!({ "Container": container, "FileName": format!("{number}-{eye}.jpg") });
        order["Camera"] =
            json!({ "Images": (["OD", "OS"].map(|eye| json!({ "Laterality": eye, "AzureBlobStorage": place(eye) }))) });
        let body = order.to_string().into();
        sender
            .send(
                &local.entry(),
                vec![OutgoingMessage { message_id: format!("o{number}"), body, ..OutgoingMessage::default() }],
            )
            .await?;
        for (eye, image) in [("OD", right), ("OS", left)] {
            let address = BlobAddress::new(&container, &format!("{number}-{eye}.jpg"))?;
            caller.upload(&address, image.to_vec().into(), UploadOptions::default()).await?;
        }
    }
    // A receipt for the order, one for each image, and the event that it is ready.
    clock::until("orders with images", async || Ok(local.waiting_events()? >= u64::from(count) * 4)).await
}

/// Results per second from the first grading to the last receipt.
async fn graded(local: &Local, numbers: Range<usize>) -> Result<f64> {
    let count = numbers.len() as u64;
    let sender = ServiceBusSender::with_connection_string(
        &local.host.credentials.grader(&local.organization),
        SenderOptions::default(),
    )?;
    let message = |number: usize| OutgoingMessage {
        message_id: format!("g{number}"),
        body: grading(local, number).to_string().into(),
        ..OutgoingMessage::default()
    };
    let messages = numbers.map(message).collect();
    let before = local.waiting_events()?;
    let results = local.organization.results_queue().context("the sample organization has results")?;
    let results_before = local.host.broker.status(&results)?.active as u64;
    let started = Instant::now();
    sender.send(&local.organization.slug.gradings_entry(), messages).await?;
    clock::until("all results", async || {
        let delivered = local.host.broker.status(&results)?.active as u64 >= results_before + count;
        // A receipt for the grading, the event that it was applied, and the receipt of the delivery.
        Ok(delivered && local.waiting_events()? >= before + count * 3)
    })
    .await?;
    Ok(clock::rate(u32::try_from(count)?, started))
}

fn grading(local: &Local, number: usize) -> Value {
    let eye = |level: &str| {
        json!({ "Gradable": true, "Findings": [
            { "Finding": "Diabetic Retinopathy", "Result": level },
            { "Finding": "Macular Edema", "Result": "None" }
        ] })
    };
    json!({
        "Version": "2.3.1",
        "ClientGuid": local.organization.client_guid,
        "LocalId": format!("R-O{number}"),
        "OD": eye("Mild"),
        "OS": eye("None")
    })
}
