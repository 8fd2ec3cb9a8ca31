//! `orders`.

use super::instant;
use crate::cli::OrdersCommand;
use crate::platform::Platform;
use crate::report::{Report, Row};
use anyhow::{Context, Result};
use iris_orders::images::ImageRecord;
use iris_orders::queries::{OrderHistory, OrderSearch, OrderSummary};
use serde_json::Value;

pub(crate) async fn run(platform: &Platform, command: &OrdersCommand) -> Result<Report> {
    match command {
        OrdersCommand::Find { text, organization, limit } => {
            let organization = platform.guid(organization.as_ref()).await?;
            let search = OrderSearch { organization, text: Some(text.clone()), ..OrderSearch::default() };
            let page = platform.store.search_orders(&search, *limit).await?;
            platform.viewing("orders.view", "search", organization).await?;
            Ok(Report::list("orders", page.items.iter().map(|order| row(platform, order)).collect()))
        }
        OrdersCommand::Show { id } => {
            let order = platform.store.order(*id).await?.context("there is no order with this number")?;
            platform.viewing("orders.view", id.to_string(), Some(order.summary.organization)).await?;
            let mut fields = row(platform, &order.summary);
            fields.push(("organization", order.summary.organization.to_string().into()));
            fields.push(("evaluationTypes", serde_json::to_value(&order.summary.evaluation_types)?));
            fields.push(("patient", document(platform, &order.patient)));
            fields.push(("content", document(platform, &order.content)));
            let images = platform.store.images_of(*id).await?;
            Ok(Report::of(fields)
                .and("history", order.history.iter().map(|entry| history(platform, entry)).collect())
                .and("images", images.iter().map(image).collect()))
        }
    }
}

/// JSON of personal data.
fn document(platform: &Platform, text: &str) -> Value {
    if platform.shows() {
        serde_json::from_str(text).unwrap_or_else(|_| text.into())
    } else {
        platform.personal(Some(text))
    }
}

fn row(platform: &Platform, order: &OrderSummary) -> Row {
    vec![
        ("id", order.id.into()),
        ("localId", platform.personal(Some(&order.local_id))),
        ("patientId", order.patient_id.into()),
        ("patientLocalId", platform.personal(Some(&order.patient_local_id))),
        ("site", platform.personal(Some(&order.site))),
        ("state", order.state.clone().into()),
        ("status", serde_json::to_value(order.status).unwrap_or_default()),
        ("createdAt", instant(order.created_at)),
    ]
}

fn history(platform: &Platform, entry: &OrderHistory) -> Row {
    vec![
        ("version", entry.version.into()),
        ("at", instant(entry.at)),
        ("change", entry.change.clone().into()),
        ("statusBefore", serde_json::to_value(entry.status).unwrap_or_default()),
        ("submission", entry.submission.to_string().into()),
        ("contentBefore", entry.content.as_deref().map_or(Value::Null, |content| document(platform, content))),
    ]
}

fn image(image: &ImageRecord) -> Row {
    vec![
        ("id", image.iris_id.into()),
        ("receivedAt", instant(image.received_at)),
        ("format", image.format.clone().into()),
        ("bytes", image.size.into()),
        ("status", format!("{:?}", image.status).to_lowercase().into()),
    ]
}
