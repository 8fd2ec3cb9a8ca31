//! What a batch consists of: written last, so that where it is, everything is.

use iris_model::ResultCode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The manifest of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The organization's short name.
    pub organization: String,
    /// Number of the batch among those of the organization, from 1, without gaps.
    pub batch: u32,
    /// Which results it has.
    pub period: Period,
    /// When its content was fixed.
    pub opened_at: Timestamp,
    /// Orders in it: rows of the files, reports in the archive. 0: nothing was graded in the period, and there are no
    /// files.
    pub results: u64,
    /// How many of them have which code: F final, C correction, A addendum, R sent again.
    pub results_by_code: BTreeMap<String, u64>,
    /// More results of the same period follow in the next batch.
    pub has_more: bool,
    /// Its files.
    pub files: Vec<ManifestFile>,
    /// Orders that an earlier batch had already: their rows replace those.
    pub again: Vec<Again>,
}

/// Which results a batch has: those written from the one time until before the other. A result that was under way when
/// its period ended is in the batch after, and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// Its beginning; absent for the first batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Its end.
    pub to: Timestamp,
    /// The time zone of the times in the files.
    pub time_zone: String,
}

/// A file of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManifestFile {
    /// Its name in the results container.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// An order that is there again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Again {
    /// The order in IRIS: `Order Id` of its row.
    pub order_id: i64,
    /// Why: C correction, A addendum, R sent again on request.
    pub code: ResultCode,
    /// The last batch that had it.
    pub batch: u32,
}

/// The JSON Schema of manifests.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Manifest).to_value();
    schema["$id"] = "batch-manifest.schema.json".into();
    schema["title"] = "Manifest of a batch of results".into();
    schema
}
