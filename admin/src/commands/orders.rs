//! `orders`.

use super::instant;
use crate::cli::OrdersCommand;
use crate::platform::Platform;
use crate::report::{Report, Row};
use anyhow::{Context, Result, bail};
use iris_model::{Laterality, Slug};
use iris_rules::deliveries::DeliverySearch;
use iris_rules::images::ImageRecord;
use iris_rules::record::{GradingRecord, ResultRecord};
use iris_store::queries::{OrderDetail, OrderHistory, OrderSearch, OrderSummary};
use serde_json::Value;

/// The most orders with similar ids that are searched, and the most deliveries shown for an order.
const MOST: u32 = 1000;

pub(crate) async fn run(platform: &Platform, command: &OrdersCommand) -> Result<Report> {
    match command {
        OrdersCommand::Find { text, organization, limit } => {
            let organization = platform.guid(organization.as_ref()).await?;
            let search = OrderSearch { organization, text: Some(text.clone()), ..OrderSearch::default() };
            let page = platform.store.search_orders(&search, *limit).await?;
            platform.viewing("orders.view", "search", organization).await?;
            Ok(Report::list("orders", page.items.iter().map(|order| row(platform, order)).collect()))
        }
        OrdersCommand::Show { id, organization } => {
            let id = number(platform, id, organization.as_ref()).await?;
            let order = platform.store.order(id).await?.context("there is no order with this number")?;
            platform.viewing("orders.view", id.to_string(), Some(order.summary.organization)).await?;
            show(platform, &order).await
        }
    }
}

/// The number of the order that is meant. `text` is the number itself or the submitter's id; of several orders with
/// that id, the latest counts.
async fn number(platform: &Platform, text: &str, organization: Option<&Slug>) -> Result<i64> {
    if let (Ok(id), None) = (text.parse(), organization) {
        return Ok(id);
    }
    let organization = platform.guid(organization).await?;
    let search = OrderSearch { organization, text: Some(text.to_owned()), ..OrderSearch::default() };
    let found = platform.store.search_orders(&search, MOST).await?.items;
    let mut same = found.iter().filter(|order| order.local_id == text || order.id.to_string() == text);
    let order = same.next().context("there is no order with this number or id; orders find looks for parts of ids")?;
    if same.any(|other| other.organization != order.organization) {
        bail!("several organizations have an order of this id; say whose with --organization");
    }
    Ok(order.id)
}

async fn show(platform: &Platform, order: &OrderDetail) -> Result<Report> {
    let id = order.summary.id;
    let mut fields = row(platform, &order.summary);
    fields.push(("organization", order.summary.organization.to_string().into()));
    fields.push(("evaluationTypes", serde_json::to_value(&order.summary.evaluation_types)?));
    fields.push(("imagesAnnounced", order.images.len().into()));
    fields.push(("patient", document(platform, &order.patient)));
    fields.push(("content", document(platform, &order.content)));
    let images = platform.store.images_of(id).await?;
    let gradings = platform.store.gradings(id).await?;
    let results = platform.store.results(id).await?;
    let search = DeliverySearch { order: Some(id), ..DeliverySearch::default() };
    let mut deliveries = platform.administration().search_deliveries(&search, MOST).await?;
    deliveries.reverse();
    Ok(Report::of(fields)
        .and("history", order.history.iter().map(|entry| history(platform, entry)).collect())
        .and("images", images.iter().map(|record| image(platform, record)).collect())
        .and("gradings", gradings.iter().map(|record| grading(platform, record)).collect())
        .and("results", results.iter().map(|record| result(platform, record)).collect())
        .and("deliveries", deliveries.iter().map(super::deliveries::row).collect()))
}

/// JSON with personal data, shown or hidden.
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

fn image(platform: &Platform, image: &ImageRecord) -> Row {
    vec![
        ("id", image.iris_id.into()),
        ("receivedAt", instant(image.received_at)),
        ("file", platform.personal(Some(&image.blob.file_name))),
        ("localId", platform.personal(image.local_id.as_deref())),
        ("format", image.format.clone().into()),
        ("bytes", image.size.into()),
        ("eye", image.laterality.map(Laterality::code).into()),
        ("status", format!("{:?}", image.status).to_lowercase().into()),
        ("archived", (!image.archive.is_empty()).into()),
    ]
}

fn grading(platform: &Platform, grading: &GradingRecord) -> Row {
    vec![
        ("number", grading.number.into()),
        ("at", instant(grading.at)),
        ("code", grading.code.code().into()),
        ("submission", grading.submission.to_string().into()),
        ("assessment", document(platform, &grading.details)),
    ]
}

fn result(platform: &Platform, result: &ResultRecord) -> Row {
    vec![
        ("id", result.transaction_id.to_string().into()),
        ("at", instant(result.at)),
        ("code", result.code.code().into()),
        ("bytes", result.document.len().into()),
        ("document", document(platform, &result.document)),
    ]
}
