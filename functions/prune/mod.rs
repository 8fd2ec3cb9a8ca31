//! `prune`: removes what is past its retention period; runs on a timer.
//!
//! Every batch is a transaction, together with the audit entry that counts it. So a timer that is killed or runs twice
//! does no harm, and orders that arrive in the meantime wait for one batch at most. A run that takes longer than
//! [`TIME`] leaves the rest to the next one. [`iris_rules::retention`] says what is never removed.

use crate::app::App;
use iris_azure::handler::Outcome;
use iris_azure::settings::RetentionSettings;
use iris_rules::retention::{Kind, Prune};
use iris_store::Administration;
use iris_store::Error;
use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// How long one run keeps starting batches.
const TIME: Duration = Duration::from_secs(300);

/// Prunes once.
pub async fn run(app: &App) -> Outcome {
    match prune(app.orders.store().administration(), app.retention, Timestamp::now()).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            warn!(%error, "not everything past its retention period was removed");
            Outcome::Retry { code: "prune" }
        }
    }
}

async fn prune(store: &dyn Administration, settings: RetentionSettings, now: Timestamp) -> Result<(), Error> {
    let begun = Instant::now();
    for kind in Kind::ALL {
        let days = match kind {
            Kind::Bodies | Kind::Lines => settings.bodies_days,
            Kind::OrderHistory | Kind::PatientHistory => settings.history_days,
            Kind::Images | Kind::Submissions | Kind::Links | Kind::Drops | Kind::Deliveries => settings.receipts_days,
            Kind::BatchEntries | Kind::Batches | Kind::Results | Kind::Gradings => settings.results_days,
        };
        let before = now.saturating_sub(SignedDuration::from_hours(days.saturating_mul(24))).unwrap_or(Timestamp::MIN);
        let mut removed = 0;
        while begun.elapsed() < TIME {
            let rows = store.prune(&Prune { kind, before, limit: settings.batch, at: Timestamp::now() }).await?;
            removed += rows;
            if rows < u64::from(settings.batch) {
                break;
            }
        }
        if removed > 0 {
            info!(kind = kind.as_str(), removed, "removed what is past its retention period");
        }
    }
    Ok(())
}
