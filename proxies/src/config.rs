//! The configuration of the proxy: one JSON document.

use anyhow::{Context, Result, ensure};
use iris_model::Slug;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// The configuration.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Configuration {
    /// The organization, by its short name.
    pub organization: Slug,
    /// Connection string for handing in orders and answers: may send to `hl7-{organization}`.
    pub orders: String,
    /// Connection string for taking messages for hospitals: may listen to `hl7out-{organization}`.
    pub results: String,
    /// Address of the Blob service with a signature that may read the organization's results container, which holds
    /// messages larger than the queue takes.
    pub documents: String,
    /// The hospitals' systems.
    pub interfaces: Vec<Interface>,
}

/// A hospital's system.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Interface {
    /// The id of the interface in the organization's document.
    pub id: String,
    /// Where the proxy listens for orders.
    #[serde(default)]
    pub listen: Option<SocketAddr>,
    /// Where the proxy connects for results: host and port.
    #[serde(default)]
    pub connect: Option<String>,
    /// How long an answer may take, in milliseconds.
    #[serde(default = "half_a_minute")]
    pub answer_ms: u64,
}

impl Interface {
    /// How long an answer may take.
    #[must_use]
    pub fn answer_within(&self) -> Duration {
        Duration::from_millis(self.answer_ms)
    }
}

impl Configuration {
    /// Reads a file.
    ///
    /// # Errors
    /// When it does not exist, or does not have this form. No error contains a credential.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let configuration: Self = serde_json::from_slice(&text)
            .map_err(|error| anyhow::anyhow!("line {}, column {}", error.line(), error.column()))
            .with_context(|| format!("{} is not a configuration", file.display()))?;
        let mut ids: Vec<&str> = configuration.interfaces.iter().map(|interface| interface.id.as_str()).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        ensure!(ids.len() == count, "two interfaces have the same id");
        Ok(configuration)
    }
}

fn half_a_minute() -> u64 {
    30_000
}
