//! Writes a batch: one page of results at a time into all of its files, then the manifest.

use super::files::{Entry, File};
use super::zone;
use crate::app::App;
use iris_azure::blob::{BlobAddress, Error as BlobError, UploadOptions};
use iris_channels::Result as StoredResult;
use iris_model::Organization;
use iris_model::organization::BatchSettings;
use iris_results::batch::{Again, Manifest, Period, file_name, row};
use iris_rules::batches::{Batch, BatchResult};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// How many results are held in memory at a time.
const PAGE: u32 = 200;

/// Writes what is still missing. Returns how many results there are, or `None` if everything was already there.
pub(super) async fn write(
    app: &App,
    organization: &Organization,
    settings: &BatchSettings,
    batch: &Batch,
) -> anyhow::Result<Option<u64>> {
    let zone = zone(settings);
    let address = |ending: &str| {
        BlobAddress::new(&organization.results_container(), &file_name(batch.day, batch.number, ending))
            .map_err(BlobError::from)
    };
    let manifest_address = address(".manifest.json")?;
    match app.blobs.properties(&manifest_address, None).await {
        Ok(_) => return Ok(None),
        Err(BlobError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let mut manifest = Manifest {
        organization: organization.slug.to_string(),
        batch: batch.number,
        period: Period { from: batch.starts_at, to: batch.ends_at, time_zone: settings.time_zone.clone() },
        opened_at: batch.opened_at,
        results: 0,
        results_by_code: BTreeMap::new(),
        has_more: batch.has_more,
        files: Vec::new(),
        again: Vec::new(),
    };
    let mut files = Vec::new();
    let mut after = 0;
    loop {
        let page = app.orders.store().batch_page(batch.organization, batch.number, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        if files.is_empty() {
            for format in &settings.formats {
                files.push(File::begin(*format, &app.blobs, &address(File::ending(*format))?, batch.opened_at)?);
            }
        }
        count(&mut manifest, &page);
        let entries = page.iter().map(|result| entry(result, &zone)).collect::<anyhow::Result<Vec<_>>>()?;
        for file in &mut files {
            file.write(app, &entries, organization).await?;
        }
    }
    for file in files {
        manifest.files.push(file.finish().await?);
    }
    let content = serde_json::to_vec_pretty(&manifest)?;
    let options = UploadOptions {
        content_type: Some("application/json".to_owned()),
        if_absent: true,
        ..UploadOptions::default()
    };
    match app.blobs.upload(&manifest_address, content.into(), options).await {
        // Another instance wrote the same manifest.
        Ok(_) | Err(BlobError::AlreadyExists) => Ok(Some(manifest.results)),
        Err(error) => Err(error.into()),
    }
}

fn count(manifest: &mut Manifest, page: &[BatchResult]) {
    for result in page {
        manifest.results += 1;
        *manifest.results_by_code.entry(result.code.code().to_owned()).or_default() += 1;
        if let Some(batch) = result.earlier {
            manifest.again.push(Again { order_id: result.order, code: result.code, batch });
        }
    }
}

fn entry(result: &BatchResult, zone: &TimeZone) -> anyhow::Result<Entry> {
    let stored = StoredResult::read(&result.document, &result.report, result.own_code)?;
    Ok(Entry { row: row(stored.seen(), result.sent_at, zone), result: stored })
}
