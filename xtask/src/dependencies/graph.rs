//! The packages the workspace is actually built from, according to `cargo metadata`.

use anyhow::{Context, Result};
use semver::Version;
use serde::Deserialize;
use std::collections::HashSet;

/// The sources of crates.io packages, for the index and for the sparse protocol.
const REGISTRIES: [&str; 2] =
    ["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];

/// A package of the dependency graph.
#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: Version,
    /// Its SPDX expression; absent when it states none or only a file.
    pub(super) license: Option<String>,
    /// Where it comes from; absent for a path in the workspace.
    pub(super) source: Option<String>,
}

impl Package {
    pub(super) fn has_known_source(&self) -> bool {
        self.source.as_deref().is_none_or(|source| REGISTRIES.contains(&source))
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Identified>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
    #[serde(flatten)]
    package: Package,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

/// The packages that are resolved with the features in use. Cargo.lock may list more: optional ones that nothing
/// enables.
pub(super) fn resolved(metadata: &str) -> Result<Vec<Package>> {
    let metadata: Metadata = serde_json::from_str(metadata).context("cargo metadata gave something unexpected")?;
    let used: HashSet<String> = metadata.resolve.nodes.into_iter().map(|node| node.id).collect();
    let packages = metadata.packages.into_iter().filter(|package| used.contains(&package.id));
    Ok(packages.map(|identified| identified.package).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_uses_does_not_count() {
        let metadata = r#"{
            "packages": [
                {"id": "a 1", "name": "a", "version": "1.0.0", "license": "MIT", "source": null},
                {"id": "b 1", "name": "b", "version": "1.0.0", "license": null, "source": null}
            ],
            "resolve": {"nodes": [{"id": "a 1"}]}
        }"#;
        let names: Vec<_> = resolved(metadata).unwrap().into_iter().map(|package| package.name).collect();
        assert_eq!(names, ["a"]);
    }
}
