//! `template`: the workbook that an organization's people fill in.

use crate::cli::{CommonArgs, TemplateArgs};
use crate::organizations;
use crate::serve::say;
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;

/// Writes it. An existing file is left unchanged: somebody may have filled it in.
pub fn run(arguments: &TemplateArgs, common: &CommonArgs) -> Result<()> {
    let slug = &arguments.organization;
    let documents = organizations::read(common.organizations.as_deref())?;
    let document = documents.iter().find(|document| document.organization.slug == *slug);
    let organization = &document
        .with_context(|| {
            format!("there is no organization {slug}; give the folder of its document with --organizations")
        })?
        .organization;
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("{slug}-orders.xlsx")));
    let name =
        out.file_name().and_then(|name| name.to_str()).with_context(|| format!("{} names no file", out.display()))?;
    ensure!(
        out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xlsx")),
        "{name} is not the name of a workbook; let it end in .xlsx"
    );
    ensure!(!out.exists(), "{} exists; remove it or choose another name with --out", out.display());
    let book = iris_intake::template::write(organization, name).context("the workbook cannot be made")?;
    std::fs::write(&out, book).with_context(|| format!("{} cannot be written", out.display()))?;
    say(&format!(
        "{} is for files that {} drops into {}",
        out.display(),
        organization.name,
        organization.drops_container()
    ));
    Ok(())
}
