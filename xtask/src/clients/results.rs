//! What the suites proved: which operations work with which clients.

use super::text;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A line a test wrote.
#[derive(Deserialize)]
struct Line {
    operation: String,
    client: String,
    passed: bool,
}

/// For each client and operation, whether all of its tests passed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Results {
    by_client: BTreeMap<String, BTreeMap<String, bool>>,
}

impl Results {
    /// Reads every record of the folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut results = Self::default();
        for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            results.add(&text(&entry.context("cannot read the results")?.path())?)?;
        }
        Ok(results)
    }

    pub(super) fn add(&mut self, lines: &str) -> Result<()> {
        for line in lines.lines() {
            let line: Line = serde_json::from_str(line).with_context(|| format!("no result: {line}"))?;
            let passed = self.by_client.entry(line.client).or_default().entry(line.operation).or_insert(true);
            *passed &= line.passed;
        }
        Ok(())
    }

    /// The clients that tried any of these operations.
    pub(super) fn clients<'a>(&'a self, operations: &[&str]) -> Vec<&'a str> {
        let tried = |outcomes: &BTreeMap<String, bool>| operations.iter().any(|name| outcomes.contains_key(*name));
        self.by_client.iter().filter(|(_, outcomes)| tried(outcomes)).map(|(client, _)| client.as_str()).collect()
    }

    pub(super) fn outcome(&self, client: &str, operation: &str) -> Option<bool> {
        self.by_client.get(client)?.get(operation).copied()
    }
}
