//! The parts of deny.toml that this check reads. The meaning of each key is cargo-deny's.

use anyhow::{Context, Result};
use semver::{Version, VersionReq};
use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

/// The rules.
pub(super) struct Policy {
    allowed: Vec<Licensee>,
    exceptions: Vec<(String, Vec<Licensee>)>,
    bans: Vec<Ban>,
}

struct Ban {
    name: String,
    /// Which versions; absent = all.
    versions: Option<VersionReq>,
    reason: String,
}

#[derive(Deserialize)]
struct Document {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Denied>,
}

#[derive(Deserialize)]
struct Denied {
    /// `name`, or `name:requirement`.
    #[serde(rename = "crate")]
    spec: String,
    reason: String,
}

impl Policy {
    /// Reads the document.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let document: Document = toml::from_str(text)?;
        let exceptions = document.licenses.exceptions.into_iter();
        Ok(Self {
            allowed: licensees(&document.licenses.allow)?,
            exceptions: exceptions
                .map(|exception| Ok((exception.name, licensees(&exception.allow)?)))
                .collect::<Result<_>>()?,
            bans: document.bans.deny.into_iter().map(Ban::parse).collect::<Result<_>>()?,
        })
    }

    /// Why this version must not be used, if it is banned.
    pub(super) fn ban(&self, name: &str, version: &Version) -> Option<&str> {
        self.bans.iter().find(|ban| ban.name == name && ban.covers(version)).map(|ban| ban.reason.as_str())
    }

    /// What is wrong with the license, if anything.
    pub(super) fn license_refusal(&self, name: &str, license: Option<&str>) -> Option<String> {
        let Some(license) = license else {
            return Some("it states no license".to_owned());
        };
        let Ok(expression) = Expression::parse_mode(license, ParseMode::LAX) else {
            return Some(format!("its license `{license}` is no SPDX expression"));
        };
        let own = self.exceptions.iter().filter(|(exception, _)| exception == name).flat_map(|(_, allowed)| allowed);
        let allowed: Vec<&Licensee> = self.allowed.iter().chain(own).collect();
        let acceptable = expression.evaluate(|required| allowed.iter().any(|licensee| licensee.satisfies(required)));
        (!acceptable).then(|| format!("its license `{license}` is not allowed"))
    }
}

impl Ban {
    fn parse(denied: Denied) -> Result<Self> {
        let (name, versions) = match denied.spec.split_once(':') {
            Some((name, versions)) => {
                let versions =
                    VersionReq::parse(versions).with_context(|| format!("bad version in `{}`", denied.spec))?;
                (name.to_owned(), Some(versions))
            }
            None => (denied.spec, None),
        };
        Ok(Self { name, versions, reason: denied.reason })
    }

    fn covers(&self, version: &Version) -> bool {
        // A requirement matches no pre-release unless it names one; here a pre-release counts as its final release.
        let released = Version::new(version.major, version.minor, version.patch);
        self.versions.as_ref().is_none_or(|versions| versions.matches(&released))
    }
}

fn licensees(names: &[String]) -> Result<Vec<Licensee>> {
    names.iter().map(|name| Licensee::parse(name).with_context(|| format!("`{name}` is no SPDX license"))).collect()
}
