//! `deliveries`: results on their way to their destinations.

use super::{instant, some_instant};
use crate::cli::DeliveriesCommand;
use crate::platform::Platform;
use crate::report::{Report, Row};
use anyhow::{Result, bail};
use iris_rules::deliveries::{DeliveryMove, DeliverySearch, DeliveryState, DeliverySummary};
use serde_json::json;

pub(crate) async fn run(platform: &Platform, command: &DeliveriesCommand) -> Result<Report> {
    let store = platform.administration();
    match command {
        DeliveriesCommand::List { organization, destination, states, order, all, before, limit } => {
            let mut states = states.clone();
            if states.is_empty() && order.is_none() && !all {
                states = DeliveryState::ALL.into_iter().filter(|state| *state != DeliveryState::Delivered).collect();
            }
            let search = DeliverySearch {
                organization: platform.guid(organization.as_ref()).await?,
                destination: destination.clone(),
                states,
                order: *order,
                before: *before,
            };
            let found = store.search_deliveries(&search, *limit).await?;
            Ok(Report::list("deliveries", found.iter().map(row).collect()))
        }
        DeliveriesCommand::Show { delivery, limit } => {
            let search = DeliverySearch { before: Some(delivery.saturating_add(1)), ..DeliverySearch::default() };
            let found = store.search_deliveries(&search, 1).await?;
            let Some(found) = found.iter().find(|found| found.id == *delivery) else {
                bail!("{delivery} is no delivery; see deliveries list --all")
            };
            let attempts = platform.store.delivery_attempts(*delivery, *limit).await?;
            let attempts = attempts.iter().map(|attempt| {
                vec![
                    ("at", instant(attempt.at)),
                    ("tookMs", attempt.took_ms.into()),
                    ("outcome", attempt.outcome.clone().into()),
                    ("said", attempt.said.clone().into()),
                ]
            });
            Ok(Report::of(row(found)).and("attempts", attempts.collect()))
        }
        DeliveriesCommand::Retry { deliveries } => {
            let mut moves = Vec::new();
            for id in deliveries {
                let entry = platform.entry("deliveries.retry", format!("delivery/{id}"), None, json!({}))?;
                moves.push((*id, store.retry_delivery(*id, &entry).await?));
            }
            Ok(moved(&moves, "waiting again", |state| match state {
                DeliveryState::Held => "is held because its destination is disabled: destinations resume".to_owned(),
                _ => "was delivered; to send the result once more, post ResendResult for its order".to_owned(),
            }))
        }
        DeliveriesCommand::Park { deliveries } => {
            let mut moves = Vec::new();
            for id in deliveries {
                let entry = platform.entry("deliveries.park", format!("delivery/{id}"), None, json!({}))?;
                moves.push((*id, store.park_delivery(*id, &entry).await?));
            }
            Ok(moved(&moves, "parked", |state| format!("is {} and holds nothing up", state.as_str())))
        }
    }
}

/// What became of each delivery, or why nothing was done.
fn moved(moves: &[(i64, DeliveryMove)], done: &str, refused: impl Fn(DeliveryState) -> String) -> Report {
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (id, moved) in moves {
        let outcome = match moved {
            DeliveryMove::Done => Ok(done.to_owned()),
            DeliveryMove::Unknown => Err("is no delivery; see deliveries list --all".to_owned()),
            DeliveryMove::Refused(state) => Err(refused(*state)),
            DeliveryMove::Overtaken => {
                Err("has been overtaken: its destination has a later result of the order already".to_owned())
            }
        };
        match outcome {
            Ok(text) => rows.push(vec![("delivery", (*id).into()), ("outcome", text.into())]),
            Err(text) => problems.push(format!("{id} {text}")),
        }
    }
    let failure = (!problems.is_empty()).then(|| problems.join("; "));
    Report { failure, ..Report::list("deliveries", rows) }
}

/// A delivery as a row, in its own list or within its order.
pub(super) fn row(delivery: &DeliverySummary) -> Row {
    vec![
        ("id", delivery.id.into()),
        ("organization", delivery.slug.as_str().into()),
        ("order", delivery.order.into()),
        ("destination", delivery.destination.clone().into()),
        ("state", delivery.state.as_str().into()),
        ("writtenAt", instant(delivery.at)),
        ("seenAt", some_instant(delivery.seen_at)),
        ("deliveredAt", some_instant(delivery.delivered_at)),
        ("sentAgain", delivery.announced.into()),
        ("result", delivery.transaction_id.to_string().into()),
    ]
}
