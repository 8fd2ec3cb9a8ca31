//! `mappings`.

use crate::cli::{MappingsCommand, TriedFile};
use crate::commands::organizations::others_allow;
use crate::platform::Platform;
use crate::report::{Report, Row};
use anyhow::{Context, Result, bail};
use iris_azure::blob::{Error as BlobError, UploadOptions};
use iris_drops::mappings;
use iris_drops::proposal::propose;
use iris_drops::trial::{attempt, with_mapping};
use iris_intake::Limits;
use iris_intake::suggest::{Confidence, View};
use iris_model::Severity;
use iris_model::organization::DropRule;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

pub(crate) async fn run(platform: &Platform, command: &MappingsCommand) -> Result<Report> {
    match command {
        MappingsCommand::Suggest { tried, out } => suggest(platform, tried, out.as_deref()).await,
        MappingsCommand::Try { tried, mapping } => trial(platform, tried, mapping.as_deref()).await,
        MappingsCommand::Put { tried, mapping } => put(platform, tried, mapping).await,
    }
}

async fn suggest(platform: &Platform, tried: &TriedFile, out: Option<&Path>) -> Result<Report> {
    let organization = platform.organization(&tried.organization).await?;
    platform.viewing("mappings.suggest", tried.organization.as_str(), Some(organization.client_guid)).await?;
    let name = name(&tried.file)?;
    let proposal = match propose(&tried.file, &name, &organization, &Limits::default(), &View::default())? {
        Ok(proposal) => proposal,
        Err(issue) => bail!("{}", issue.message),
    };
    let rule = proposal.rule(&name);
    if let Some(out) = out {
        std::fs::write(out, serde_json::to_vec_pretty(&rule)?)
            .with_context(|| format!("cannot write {}", out.display()))?;
    }
    let columns = proposal.look.columns.iter().zip(&proposal.suggestions.columns);
    let rows = columns.map(|(column, suggestion)| -> Row {
        let confidence = suggestion.as_ref().map(|found| match found.confidence {
            Confidence::Exact => "exact",
            Confidence::Strong => "strong",
            Confidence::Weak => "weak",
        });
        vec![
            ("column", column.header.clone().into()),
            ("field", suggestion.as_ref().map(|found| found.field.name()).into()),
            ("confidence", confidence.into()),
            ("why", suggestion.as_ref().map(|found| found.reasons.join(" ")).into()),
            ("values", platform.personal(Some(&column.samples.join(" | ")))),
        ]
    });
    let missing = proposal.choices.missing(&proposal.look, &organization);
    let missing: Vec<&str> = missing.iter().map(|field| field.name()).collect();
    let fields = vec![
        ("headerRow", proposal.look.header_row.into()),
        ("rows", proposal.look.rows.into()),
        ("dates", serde_json::to_value(proposal.suggestions.dates)?),
        ("stillNeeded", missing.join(", ").into()),
        ("pattern", rule.pattern.into()),
    ];
    Ok(Report { fields, lists: vec![("columns", rows.collect())], failure: None })
}

async fn trial(platform: &Platform, tried: &TriedFile, mapping: Option<&Path>) -> Result<Report> {
    let mut organization = platform.organization(&tried.organization).await?;
    let name = name(&tried.file)?;
    if let Some(mapping) = mapping {
        organization = with_mapping(&organization, &name, rule(mapping)?.mapping);
    }
    platform.viewing("mappings.try", tried.organization.as_str(), Some(organization.client_guid)).await?;
    let file = tried.file.clone();
    let tried = attempt(platform.store.as_ref(), Arc::new(organization), file, name, Limits::default()).await?;
    let rows = tried.groups.iter().map(|group| -> Row {
        vec![
            ("rows", group.rows.into()),
            ("firstRow", group.first.row.into()),
            ("column", group.first.header.clone().into()),
            ("code", group.first.code.as_str().into()),
            ("rejects", (group.first.severity == Severity::Error).into()),
            ("message", platform.personal(Some(&group.first.message))),
        ]
    });
    let totals = &tried.totals;
    let fields = vec![
        ("mapping", tried.mapping.clone().into()),
        ("rows", totals.rows.into()),
        ("created", totals.created.into()),
        ("changed", totals.changed.into()),
        ("rejected", totals.failed.into()),
        ("waiting", tried.waiting.into()),
        ("defect", platform.personal(tried.defect.as_ref().map(|issue| issue.message.as_ref()))),
    ];
    let is_useless = tried.defect.is_some() || (totals.rows > 0 && totals.failed == totals.rows);
    let failure = is_useless.then(|| "nothing, or not all, of the file could be loaded".to_owned());
    Ok(Report { fields, lists: vec![("issues", rows.collect())], failure })
}

async fn put(platform: &Platform, tried: &TriedFile, mapping: &Path) -> Result<Report> {
    let (rule, name, slug) = (rule(mapping)?, name(&tried.file)?, &tried.organization);
    let document = platform.document(slug).await?.with_context(|| format!("there is no organization {slug}"))?;
    let edited = mappings::put(&document.content, &rule, &name, iris_channels::organization)?;
    others_allow(platform, &edited.organization).await?;
    let version = document.etag.bare().to_owned();
    let details = serde_json::json!({ "before": version, "pattern": rule.pattern, "replaced": edited.replaced });
    let entry = platform.entry("mappings.put", slug.as_str(), Some(edited.organization.client_guid), details)?;
    platform.administration().audit(&entry).await.context("the audit")?;
    let options = UploadOptions {
        content_type: Some("application/json".to_owned()),
        if_match: Some(document.etag),
        ..UploadOptions::default()
    };
    let version = match platform.blobs.upload(&platform.document_address(slug)?, edited.content.into(), options).await {
        Ok(version) => version,
        Err(BlobError::Changed) => bail!("somebody else has changed the document of {slug} in this moment; try again"),
        Err(error) => return Err(error).context("the document cannot be written"),
    };
    Ok(Report::of(vec![
        ("slug", slug.as_str().into()),
        ("pattern", rule.pattern.into()),
        ("place", edited.place.into()),
        ("was", Value::from(if edited.replaced { "replaced" } else { "added" })),
        ("version", version.bare().into()),
    ]))
}

fn rule(file: &Path) -> Result<DropRule> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("{} is not a mapping: an object with pattern and mapping", file.display()))
}

fn name(file: &Path) -> Result<String> {
    let name = file.file_name().and_then(|name| name.to_str());
    Ok(name.with_context(|| format!("{} has no usable name", file.display()))?.to_owned())
}
