//! `write_batches`: results of a day or week, as files for payers.
//!
//! For every organization that asks for batches, whenever one of its periods is over:
//!
//! 1. *Open*: one transaction takes the next number and fixes which results the batch has ([`iris_rules::batches`] says
//!    why there is no gap and no repeat).
//! 2. *Write*: the files, under names derived from the number, and the manifest last. Everything depends only on the
//!    fixed content: if the process is killed in the middle, the next run overwrites the files with the same bytes. If
//!    the manifest exists, so does everything else, and nothing is written any more.
//! 3. *Close*: the batch is done.
//!
//! A batch that was left open is written before the next is opened, so numbers appear in order. Periods missed while
//! the platform was down are combined into one batch. A run that finds nothing to do costs two look-ups per
//! organization.

mod files;
mod write;

use crate::app::App;
use iris_azure::handler::Outcome;
use iris_azure::organizations::Lookup;
use iris_model::organization::{BatchFormat, BatchSettings};
use iris_model::{Organization, Slug};
use iris_rules::batches::{Batch, NewBatch};
use jiff::Timestamp;
use tracing::{debug, error, info};

/// The most results in a batch: few enough to be written within a function's time limit. Further results become further
/// batches of the same period.
const LIMIT: u32 = 20_000;
/// The same if their reports are included, each with its images.
const LIMIT_WITH_REPORTS: u32 = 5_000;

/// Writes what is due. A failing organization does not hold up the others.
pub async fn run(app: &App) -> Outcome {
    let slugs = match app.organizations.all().await {
        Ok(slugs) => slugs,
        Err(error) => {
            error!(%error, "organizations cannot be listed");
            return Outcome::Retry { code: "organizations" };
        }
    };
    let mut outcome = Outcome::Done;
    for slug in slugs {
        if let Err(error) = of_organization(app, &slug).await {
            error!(alert = "batch", organization = %slug, %error, "a batch of results was not written");
            outcome = Outcome::Retry { code: "batch" };
        }
    }
    outcome
}

async fn of_organization(app: &App, slug: &Slug) -> anyhow::Result<()> {
    let Lookup::Known(organization) = app.organizations.get(slug).await? else { return Ok(()) };
    let Some(settings) = &organization.batches else { return Ok(()) };
    let now = Timestamp::now();
    while let Some(batch) = due(app, &organization, settings, now).await? {
        let results = write::write(app, &organization, settings, &batch).await?;
        app.orders.store().close_batch(batch.organization, batch.number, Timestamp::now()).await?;
        match results {
            Some(results) => info!(organization = %slug, batch = batch.number, results, "batch written"),
            None => info!(organization = %slug, batch = batch.number, "batch was written before"),
        }
    }
    Ok(())
}

/// The batch to write now: one that was left open, or a new one.
async fn due(
    app: &App,
    organization: &Organization,
    settings: &BatchSettings,
    now: Timestamp,
) -> anyhow::Result<Option<Batch>> {
    let Some(ends_at) = settings.last_end(now) else { return Ok(None) };
    let store = app.orders.store();
    let next = NewBatch {
        organization: organization.client_guid,
        number: 1,
        starts_at: None,
        ends_at,
        day: ends_at.to_zoned(zone(settings)).date(),
        opened_at: now,
        limit: if settings.formats.contains(&BatchFormat::Zip) { LIMIT_WITH_REPORTS } else { LIMIT },
    };
    let next = match store.last_batch(organization.client_guid).await? {
        Some(open) if open.closed_at.is_none() => return Ok(Some(open)),
        // The rest of the same period.
        Some(last) if last.has_more => {
            let Batch { starts_at, ends_at, day, .. } = last;
            NewBatch { number: last.number + 1, starts_at, ends_at, day, ..next }
        }
        Some(last) if last.ends_at >= ends_at => return Ok(None),
        Some(last) => NewBatch { number: last.number + 1, starts_at: Some(last.ends_at), ..next },
        None => next,
    };
    match store.open_batch(&next).await {
        Ok(batch) => Ok(Some(batch)),
        Err(iris_store::Error::Conflict) => {
            debug!(batch = next.number, "another instance opened the batch");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The zone of the times in the files.
fn zone(settings: &BatchSettings) -> jiff::tz::TimeZone {
    settings.zone().unwrap_or(jiff::tz::TimeZone::UTC)
}
