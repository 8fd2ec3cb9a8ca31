//! `organizations`.

use crate::cli::OrganizationsCommand;
use crate::platform::Platform;
use crate::report::{Report, Row};
use anyhow::{Context, Result, bail};
use iris_azure::blob::{Error as BlobError, UploadOptions};
use iris_model::Organization;
use iris_model::organization::Error;
use std::path::{Path, PathBuf};

pub(crate) async fn run(platform: &Platform, command: &OrganizationsCommand) -> Result<Report> {
    match command {
        OrganizationsCommand::Validate { files } => validate(files),
        OrganizationsCommand::Put { file } => put(platform, file).await,
        OrganizationsCommand::List => {
            let organizations = platform.organizations().await?;
            let rows = organizations.iter().map(|(slug, organization)| match organization {
                Ok(organization) => row(slug.as_str(), organization, None),
                Err(error) => vec![
                    ("slug", slug.as_str().into()),
                    ("name", serde_json::Value::Null),
                    ("clientGuid", serde_json::Value::Null),
                    ("environment", serde_json::Value::Null),
                    ("sites", serde_json::Value::Null),
                    ("problem", format!("{error:#}").into()),
                ],
            });
            Ok(Report::list("organizations", rows.collect()))
        }
        OrganizationsCommand::Show { organization } => {
            let document = platform
                .document(organization)
                .await?
                .with_context(|| format!("there is no organization {organization}"))?;
            let content = serde_json::from_slice(&document.content).context("the document is not JSON")?;
            Ok(Report::of(vec![
                ("slug", organization.as_str().into()),
                ("version", document.etag.bare().into()),
                ("document", content),
            ]))
        }
    }
}

/// Checks documents without connecting to anything. One line per problem.
pub(crate) fn validate(files: &[PathBuf]) -> Result<Report> {
    let (mut rows, mut bad) = (Vec::new(), 0);
    for file in files {
        let problems = match std::fs::read(file) {
            Ok(content) => examine(&content).err().unwrap_or_default(),
            Err(error) => vec![format!("cannot be read: {error}")],
        };
        let row = |verdict: &str, problem: Option<&str>| {
            vec![("file", file.display().to_string().into()), ("verdict", verdict.into()), ("problem", problem.into())]
        };
        if problems.is_empty() {
            rows.push(row("usable", None));
        } else {
            bad += 1;
            rows.extend(problems.iter().map(|problem| row("not usable", Some(problem))));
        }
    }
    let failure = (bad > 0).then(|| format!("{bad} of {} documents are not usable", files.len()));
    Ok(Report { failure, ..Report::list("documents", rows) })
}

/// The organization that a document describes, or everything that is wrong with the document.
fn examine(content: &[u8]) -> Result<Organization, Vec<String>> {
    let organization = iris_channels::organization(content).map_err(|error| match error {
        Error::Problems(problems) => problems,
        Error::Shape(_) => vec![error.to_string()],
    })?;
    let problems = iris_channels::template_problems(&organization);
    if problems.is_empty() { Ok(organization) } else { Err(problems) }
}

fn read(file: &Path) -> Result<(Organization, Vec<u8>)> {
    let content = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    match examine(&content) {
        Ok(organization) => Ok((organization, content)),
        Err(problems) => bail!("{} is not usable: {}", file.display(), problems.join("; ")),
    }
}

async fn put(platform: &Platform, file: &Path) -> Result<Report> {
    let (organization, content) = read(file)?;
    let slug = &organization.slug;
    others_allow(platform, &organization).await?;
    let known = platform.document(slug).await?;
    let (before, created) = (known.as_ref().map(|document| document.etag.bare().to_owned()), known.is_none());
    let details = serde_json::json!({ "before": before, "bytes": content.len() });
    let entry = platform.entry("organizations.put", slug.as_str(), Some(organization.client_guid), details)?;
    platform.administration().audit(&entry).await.context("the audit")?;
    let options = UploadOptions {
        content_type: Some("application/json".to_owned()),
        if_absent: created,
        if_match: known.map(|document| document.etag),
        ..UploadOptions::default()
    };
    let version = match platform.blobs.upload(&platform.document_address(slug)?, content.into(), options).await {
        Ok(version) => version,
        Err(BlobError::Changed | BlobError::AlreadyExists) => {
            bail!("somebody else has put a document of {slug} in this moment; look at it, and try again")
        }
        Err(error) => return Err(error).context("the document cannot be written"),
    };
    let mut fields = row(slug.as_str(), &organization, None);
    fields.push(("was", if created { "created" } else { "replaced" }.into()));
    fields.push(("version", version.bare().into()));
    Ok(Report::of(fields))
}

/// Refuses a document that would take something from another organization, or change this organization's identity.
pub(crate) async fn others_allow(platform: &Platform, organization: &Organization) -> Result<()> {
    let slug = &organization.slug;
    for (other, known) in platform.organizations().await? {
        let Ok(known) = known else { continue };
        if other == *slug {
            if known.client_guid != organization.client_guid {
                bail!("{slug} has another clientGuid now; what it has sent would be nobody's. Use another slug.");
            }
            continue;
        }
        if known.client_guid == organization.client_guid {
            bail!("clientGuid is that of {other}");
        }
        if let Some(user) = organization.users.iter().find(|user| known.users.contains(user)) {
            bail!("users: {user} belongs to {other}; a user has one organization");
        }
    }
    Ok(())
}

fn row(slug: &str, organization: &Organization, problem: Option<String>) -> Row {
    vec![
        ("slug", slug.into()),
        ("name", organization.name.clone().into()),
        ("clientGuid", organization.client_guid.to_string().into()),
        ("environment", serde_json::to_value(organization.environment).unwrap_or_default()),
        ("sites", organization.sites.len().into()),
        ("problem", problem.into()),
    ]
}
