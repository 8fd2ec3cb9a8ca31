//! `cargo xtask schemas`: the JSON Schemas of the platform's documents, generated from the types that read them, and
//! committed so that callers and editors can use them.

use crate::console;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Options of `schemas`.
#[derive(Args)]
pub(crate) struct Options {
    /// Writes nothing; fails when a file is not what would be written.
    #[arg(long)]
    check: bool,
}

/// Writes or checks them.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.check { check() } else { write() }
}

/// Fails when the committed files differ from those of the code, naming each that does.
pub(crate) fn check() -> Result<()> {
    let differences = differences(&expected()?, &committed(&folder())?);
    for difference in &differences {
        console::note(difference);
    }
    if !differences.is_empty() {
        bail!("schemas/ is not current; run `cargo xtask schemas`");
    }
    console::note("schemas/ is current");
    Ok(())
}

fn write() -> Result<()> {
    let (folder, expected) = (folder(), expected()?);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for name in committed(&folder)?.keys().filter(|name| !expected.contains_key(*name)) {
        fs::remove_file(folder.join(name)).with_context(|| format!("cannot remove schemas/{name}"))?;
        console::note(&format!("removed schemas/{name}"));
    }
    for (name, text) in &expected {
        fs::write(folder.join(name), text).with_context(|| format!("cannot write schemas/{name}"))?;
        console::note(&format!("wrote schemas/{name}"));
    }
    Ok(())
}

fn folder() -> std::path::PathBuf {
    crate::workspace::root().join("schemas")
}

/// The schemas of the code by file name.
fn expected() -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let receipt = ("drop-receipt.schema.json", iris_intake::receipt::schema());
    let manifest = ("batch-manifest.schema.json", iris_results::batch::schema());
    for (name, schema) in iris_model::schema::all().into_iter().chain([receipt, manifest]) {
        let text = serde_json::to_string_pretty(&schema).with_context(|| format!("cannot write {name}"))?;
        if files.insert(name.to_owned(), text + "\n").is_some() {
            bail!("two schemas are named {name}");
        }
    }
    Ok(files)
}

/// The schema files in the folder by name; none when there is no folder.
fn committed(folder: &Path) -> Result<BTreeMap<String, String>> {
    if !folder.exists() {
        return Ok(BTreeMap::new());
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = BTreeMap::new();
    for entry in entries {
        let path = entry.context("cannot list schemas/")?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".json")) else {
            continue;
        };
        files
            .insert(name.to_owned(), fs::read_to_string(&path).with_context(|| format!("cannot read schemas/{name}"))?);
    }
    Ok(files)
}

/// One sentence per file that is missing, outdated or left over.
fn differences(expected: &BTreeMap<String, String>, committed: &BTreeMap<String, String>) -> Vec<String> {
    let wrong = expected.iter().filter_map(|(name, text)| match committed.get(name) {
        None => Some(format!("schemas/{name} is missing")),
        Some(found) if found != text => Some(format!("schemas/{name} is outdated")),
        Some(_) => None,
    });
    let left_over = committed.keys().filter(|name| !expected.contains_key(*name));
    wrong.chain(left_over.map(|name| format!("schemas/{name} describes nothing any more"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let expected = files(&[("a.json", "1"), ("b.json", "1"), ("c.json", "1")]);
        let committed = files(&[("b.json", "2"), ("c.json", "1"), ("d.json", "1")]);
        assert_eq!(
            differences(&expected, &committed),
            ["schemas/a.json is missing", "schemas/b.json is outdated", "schemas/d.json describes nothing any more"]
        );
    }

    #[test]
    fn a_folder_that_is_not_there_holds_nothing() {
        assert!(committed(Path::new("/nonexistent")).unwrap().is_empty());
    }
}
