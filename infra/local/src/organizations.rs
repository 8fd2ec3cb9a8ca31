//! The organizations that the local host knows at the start: the sample one, and documents from a folder.

use crate::sample;
use anyhow::{Context, Result, ensure};
use iris_model::Organization;
use std::path::Path;

/// An organization and its document as written.
#[derive(Debug, Clone)]
pub struct Document {
    /// What it says.
    pub organization: Organization,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// The sample organization and every `{slug}.json` of the folder. A document in the folder replaces the sample of the
/// same name.
pub fn read(folder: Option<&Path>) -> Result<Vec<Document>> {
    let mut documents = vec![parse(sample::DOCUMENT.as_bytes().to_vec(), "the sample organization")?];
    let Some(folder) = folder else { return Ok(documents) };
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut paths: Vec<_> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    for path in paths {
        let place = path.display().to_string();
        let document = parse(std::fs::read(&path).with_context(|| format!("cannot read {place}"))?, &place)?;
        let slug = document.organization.slug.clone();
        ensure!(
            path.file_stem().is_some_and(|stem| stem == slug.as_str()),
            "{place} describes the organization {slug}; name the file {slug}.json"
        );
        documents.retain(|known| known.organization.slug != slug);
        documents.push(document);
    }
    Ok(documents)
}

fn parse(content: Vec<u8>, place: &str) -> Result<Document> {
    let organization = iris_channels::organization(&content)
        .with_context(|| format!("{place} is not a usable organization document"))?;
    let problems = iris_channels::template_problems(&organization);
    ensure!(problems.is_empty(), "{place} is not a usable organization document: {}", problems.join("; "));
    Ok(Document { organization, content })
}
