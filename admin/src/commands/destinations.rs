//! `destinations`: where results go, and whether they arrive.

use super::some_instant;
use crate::cli::DestinationsCommand;
use crate::platform::Platform;
use crate::report::{Report, Row};
use anyhow::{Context, Result, bail};
use iris_channels::channel;
use iris_model::organization::DestinationDocument;
use iris_model::{Organization, Slug};
use iris_rules::deliveries::DestinationHealth;
use serde_json::{Value, json};

pub(crate) async fn run(platform: &Platform, command: &DestinationsCommand) -> Result<Report> {
    match command {
        DestinationsCommand::List { organization: Some(slug) } => {
            let known = platform.organization(slug).await?;
            let health = platform.store.destination_health(Some(known.client_guid)).await?;
            Ok(Report::list("destinations", rows(&known, &health)))
        }
        DestinationsCommand::List { organization: None } => {
            let health = platform.store.destination_health(None).await?;
            let (mut all, mut unusable) = (Vec::new(), Vec::new());
            for (slug, organization) in platform.organizations().await? {
                match organization {
                    Ok(organization) => all.extend(rows(&organization, &health)),
                    Err(_) => unusable.push(slug.to_string()),
                }
            }
            let failure = (!unusable.is_empty()).then(|| {
                format!("without documents that can be used: {}; see organizations list", unusable.join(", "))
            });
            Ok(Report { failure, ..Report::list("destinations", all) })
        }
        DestinationsCommand::Resume { organization, destination } => resume(platform, organization, destination).await,
    }
}

async fn resume(platform: &Platform, slug: &Slug, destination: &str) -> Result<Report> {
    let organization = platform.organization(slug).await?;
    let guid = organization.client_guid;
    let health = platform.store.destination_health(Some(guid)).await?;
    let known = health.iter().find(|health| health.destination == destination);
    match known {
        None if organization.destination(destination).is_none() => {
            let ids: Vec<String> = organization.all_destinations().map(|destination| destination.id).collect();
            bail!("{slug} has no destination of this id; it has {}", ids.join(", "))
        }
        None => bail!("{destination} of {slug} works; there is nothing to resume"),
        Some(health) if health.disabled_at.is_none() => bail!(
            "{destination} of {slug} fails since {}, and is not disabled: it is tried again and again until it works",
            health.failing_since.strftime("%F %R UTC")
        ),
        Some(_) => {}
    }
    let entry = platform.entry("destinations.resume", format!("{slug}/{destination}"), Some(guid), json!({}))?;
    let resumed = platform
        .administration()
        .resume_disabled(guid, destination, &entry)
        .await?
        .context("somebody else has resumed it in this moment")?;
    Ok(Report::of(vec![
        ("organization", slug.as_str().into()),
        ("destination", destination.into()),
        ("resumed", resumed.into()),
    ]))
}

/// The destinations of an organization, and those that are no longer in its document but had failures.
fn rows(organization: &Organization, health: &[DestinationHealth]) -> Vec<Row> {
    let own: Vec<&DestinationHealth> =
        health.iter().filter(|health| health.organization == organization.client_guid).collect();
    let documents: Vec<DestinationDocument> = organization.all_destinations().collect();
    let gone = own.iter().filter(|health| documents.iter().all(|document| document.id != health.destination));
    let known = documents.iter().map(|document| {
        let health = own.iter().find(|health| health.destination == document.id);
        row(organization, &document.id, channel(&document.to).place().into(), health.copied())
    });
    known
        .chain(gone.map(|health| row(organization, &health.destination, "(not in the document)".into(), Some(health))))
        .collect()
}

fn row(organization: &Organization, id: &str, target: Value, health: Option<&DestinationHealth>) -> Row {
    let state = match health {
        None => "works",
        Some(health) if health.disabled_at.is_some() => "disabled",
        Some(_) => "fails",
    };
    vec![
        ("organization", organization.slug.as_str().into()),
        ("destination", id.into()),
        ("to", target),
        ("state", state.into()),
        ("failingSince", some_instant(health.map(|health| health.failing_since))),
        ("disabledAt", some_instant(health.and_then(|health| health.disabled_at))),
        ("held", health.map_or(0, |health| health.held).into()),
        ("reason", health.map(|health| health.reason.clone()).into()),
    ]
}
