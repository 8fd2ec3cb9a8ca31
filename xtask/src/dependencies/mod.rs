//! Whether the dependencies comply with deny.toml, and those among our own crates with the [table](arrows).
//!
//! cargo-deny can do more (it clarifies licenses from files, and shows who needs what), but it may not be installed;
//! this check always runs, on the output of `cargo metadata`, for all platforms. Neither looks up advisories, because
//! their database is not in a package registry. Known ones are in deny.toml as banned versions.

mod arrows;
mod graph;
mod policy;

use crate::child::{cargo, output, succeed};
use crate::console;
use anyhow::{Context, Result, bail};
use graph::Package;
use policy::Policy;

/// Checks the dependencies of the workspace, and checks again with cargo-deny where it is installed.
pub(crate) async fn run() -> Result<()> {
    let text = std::fs::read_to_string(crate::workspace::root().join("deny.toml")).context("cannot read deny.toml")?;
    let policy = Policy::parse(&text).context("deny.toml")?;
    let metadata = output(cargo().args(["metadata", "--format-version", "1", "--locked"])).await?;
    let packages = graph::resolved(&metadata)?;
    let findings = check(&policy, &packages);
    let crossed = arrows::check(&metadata)?;
    for finding in findings.iter().chain(&crossed) {
        console::note(finding);
    }
    if !crossed.is_empty() {
        bail!("{} arrows between our crates are not as xtask/src/dependencies/arrows.rs has them", crossed.len());
    }
    if !findings.is_empty() {
        bail!("{} of {} packages break deny.toml", findings.len(), packages.len());
    }
    console::note(&format!(
        "{} packages keep deny.toml (licenses, banned crates and versions, sources)",
        packages.len()
    ));
    if output(cargo().args(["deny", "--version"])).await.is_ok() {
        succeed(cargo().args(["deny", "check", "licenses", "bans", "sources"])).await
    } else {
        console::note("cargo-deny is not installed: its own check of the same rules was skipped");
        Ok(())
    }
}

/// One sentence per broken rule.
fn check(policy: &Policy, packages: &[Package]) -> Vec<String> {
    packages.iter().flat_map(|package| check_package(policy, package)).collect()
}

fn check_package(policy: &Policy, package: &Package) -> Vec<String> {
    let Package { name, version, .. } = package;
    let mut findings = Vec::new();
    if let Some(reason) = policy.ban(name, version) {
        findings.push(format!("{name} {version} is banned: {reason}"));
    }
    if let Some(refusal) = policy.license_refusal(name, package.license.as_deref()) {
        findings.push(format!("{name} {version}: {refusal}"));
    }
    if !package.has_known_source() {
        findings.push(format!("{name} {version} comes neither from crates.io nor from this workspace"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
        [licenses]
        allow = ["MIT", "Apache-2.0"]
        exceptions = [{ crate = "roots", allow = ["CDLA-Permissive-2.0"] }]
        [bans]
        deny = [{ crate = "rsa", reason = "side channel" }, { crate = "zip:<2.3", reason = "advisory" }]
    "#;

    fn findings(name: &str, version: &str, license: Option<&str>, source: Option<&str>) -> Vec<String> {
        let policy = Policy::parse(POLICY).unwrap();
        let package = Package {
            name: name.to_owned(),
            version: version.parse().unwrap(),
            license: license.map(str::to_owned),
            source: source.map(str::to_owned),
        };
        check(&policy, &[package])
    }

    const REGISTRY: Option<&str> = Some("registry+https://github.com/rust-lang/crates.io-index");

    #[test]
    fn a_package_that_keeps_all_rules_is_not_mentioned() {
        assert!(findings("zip", "2.3.0", Some("MIT OR GPL-3.0-only"), REGISTRY).is_empty());
        assert!(findings("roots", "1.0.0", Some("CDLA-Permissive-2.0"), REGISTRY).is_empty());
        assert!(findings("own", "0.1.0", Some("MIT"), None).is_empty());
    }

    #[test]
    fn bans_are_of_crates_or_of_versions() {
        assert_eq!(findings("rsa", "0.9.8", Some("MIT"), REGISTRY), ["rsa 0.9.8 is banned: side channel"]);
        assert_eq!(findings("zip", "2.2.9", Some("MIT"), REGISTRY), ["zip 2.2.9 is banned: advisory"]);
        assert_eq!(findings("zip", "2.2.0-rc.1", Some("MIT"), REGISTRY), ["zip 2.2.0-rc.1 is banned: advisory"]);
    }

    #[test]
    fn licenses_must_be_allowed() {
        assert_eq!(findings("a", "1.0.0", Some("MIT AND GPL-3.0-only"), REGISTRY).len(), 1);
        assert_eq!(findings("a", "1.0.0", Some("CDLA-Permissive-2.0"), REGISTRY).len(), 1);
        assert_eq!(findings("a", "1.0.0", Some("my own"), REGISTRY).len(), 1);
        assert_eq!(findings("a", "1.0.0", None, REGISTRY).len(), 1);
        assert!(findings("a", "1.0.0", Some("MIT/Apache-2.0"), REGISTRY).is_empty());
    }

    #[test]
    fn only_the_registry_and_the_workspace_are_sources() {
        assert_eq!(findings("a", "1.0.0", Some("MIT"), Some("git+https://example.org/a#0")).len(), 1);
    }
}
