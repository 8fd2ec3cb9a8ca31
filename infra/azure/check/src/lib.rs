//! `cargo xtask check-app`: whether the parts of a deployment fit together, checked without Azure.
//!
//! | module | compares |
//! |---|---|
//! | [`bicep`] | Bicep with its grammar; expands it as a deployment would |
//! | `checks::wiring` | every name that is used with what is declared |
//! | `checks::functions` | `host.json` and every `function.json` with the app settings and the queues |
//! | `checks::settings` | the app settings with what the handler reads |
//! | `checks::resources` | queues, entries, containers and events with those of the local host |
//! | `checks::alerts` | what alerts look for with what the code logs, and with docs/OPERATIONS.md |
//! | `checks::roles` | the role assignments with what the code does: none missing, none too many |
//!
//! Every parameter file is expanded and checked on its own, with the sample organization.

pub mod bicep;
mod checks;

use anyhow::{Context, Result};
use bicep::{Deployment, File, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::rc::Rc;

/// The template that is deployed.
const MAIN: &str = "main.bicep";

/// Something that does not match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where, e.g. `modules/storage.bicep`.
    pub place: String,
    /// What is wrong, and where possible what to do.
    pub what: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.what)
    }
}

/// One expansion, with everything else the checks need.
struct Checked<'a> {
    /// The root of the checkout.
    root: &'a Path,
    /// What would be deployed.
    deployment: Deployment,
    /// The organizations it provides for.
    organizations: Vec<iris_local::organizations::Document>,
    /// How many connections the database server allows.
    connections: Option<i64>,
}

/// Checks the checkout at `root`.
///
/// # Errors
/// A folder that cannot be read; a mismatch is a [`Problem`].
pub async fn check(root: &Path) -> Result<Vec<Problem>> {
    let folder = root.join("infra/azure");
    let mut problems = BTreeSet::new();
    let files = read(&folder, &mut problems)?;
    if !problems.is_empty() {
        return Ok(problems.into_iter().collect());
    }
    for file in files.values() {
        problems.extend(checks::wiring(file, &files));
    }
    for (name, mut parameters) in parameter_sets(&folder, &files)? {
        let organizations = iris_local::organizations::read(None)?;
        let slugs = organizations.iter().map(|document| Value::Text(document.organization.slug.to_string()));
        parameters.insert("organizations".to_owned(), Value::Array(slugs.collect()));
        parameters.insert("secretSettings".to_owned(), checks::sample_secret());
        parameters.insert("otlpEndpoint".to_owned(), checks::sample_collector());
        parameters.insert("issuersObjectId".to_owned(), checks::sample_issuers());
        if let Some(what) = checks::locked_out(&parameters) {
            problems.insert(Problem::new(&name, what));
        }
        let connections = parameters.get("database").and_then(|database| database.get("connections")?.number());
        let deployment = bicep::expand(&files, MAIN, parameters);
        let checked = Checked { root, deployment, organizations, connections };
        let found = checked.all().await?;
        problems
            .extend(found.into_iter().map(|problem| Problem::new(format!("{name}, {}", problem.place), problem.what)));
    }
    Ok(problems.into_iter().collect())
}

impl Checked<'_> {
    async fn all(&self) -> Result<Vec<Problem>> {
        let mut problems = self.deployment.problems.clone();
        if problems.is_empty() {
            problems.extend(checks::settings(self));
            problems.extend(checks::functions(self));
            problems.extend(checks::resources(self).await?);
            problems.extend(checks::roles(self));
            problems.extend(checks::alerts(self)?);
        }
        Ok(problems)
    }
}

/// Every Bicep file below the folder, by its path.
fn read(folder: &Path, problems: &mut BTreeSet<Problem>) -> Result<BTreeMap<String, Rc<File>>> {
    let mut files = BTreeMap::new();
    for below in ["", "modules/"] {
        let place = folder.join(below);
        for entry in std::fs::read_dir(&place).with_context(|| format!("cannot read {}", place.display()))? {
            let name = format!("{below}{}", entry?.file_name().to_string_lossy());
            if name.ends_with(".bicep") || name.ends_with(".bicepparam") {
                let (file, found) = bicep::read(folder, &name).with_context(|| format!("cannot read {name}"))?;
                problems.extend(found);
                files.insert(name, Rc::new(file));
            }
        }
    }
    Ok(files)
}

/// Values by parameter.
pub(crate) type Parameters = BTreeMap<String, Value>;

/// The parameters of every environment, by the file they are in: the `.bicepparam` files, and the JSON that `azd` uses.
fn parameter_sets(folder: &Path, files: &BTreeMap<String, Rc<File>>) -> Result<Vec<(String, Parameters)>> {
    let mut sets = Vec::new();
    for (name, file) in files.iter().filter(|(name, _)| name.ends_with(".bicepparam")) {
        sets.push((name.clone(), bicep::assignments(file).with_context(|| name.clone())?));
    }
    let name = "main.parameters.json";
    let text = std::fs::read_to_string(folder.join(name)).with_context(|| format!("cannot read {name}"))?;
    let document: serde_json::Value = serde_json::from_str(&text).with_context(|| format!("{name} is not JSON"))?;
    let given = document["parameters"].as_object().with_context(|| format!("{name} has no parameters"))?;
    sets.push((name.to_owned(), given.iter().map(|(name, entry)| (name.clone(), json(&entry["value"]))).collect()));
    Ok(sets)
}

fn json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Boolean(*flag),
        serde_json::Value::Number(number) => Value::Number(number.as_i64().unwrap_or_default()),
        // `azd` fills in `${NAME=default}`.
        serde_json::Value::String(text) => {
            Value::Text(text.strip_prefix("${").and_then(|text| text.strip_suffix('}')).map_or_else(
                || text.clone(),
                |name| name.split_once('=').map_or(name, |(_, default)| default).to_owned(),
            ))
        }
        serde_json::Value::Array(items) => Value::Array(items.iter().map(json).collect()),
        serde_json::Value::Object(properties) => {
            Value::Object(properties.iter().map(|(name, value)| (name.clone(), json(value))).collect())
        }
    }
}
