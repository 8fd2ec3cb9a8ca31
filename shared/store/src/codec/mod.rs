//! Conversion between records and columns, as far as it is the same for both databases. Here is what every table needs;
//! the submodules have the rows of each kind of record.

mod administration;
mod drops;
mod images;
mod orders;
mod results;
pub(crate) mod states;

pub(super) use administration::*;
pub(super) use drops::*;
pub(super) use images::*;
pub(super) use orders::*;
pub(super) use results::*;

use crate::Error;
use iris_model::{Issue, LocalId, OutcomeKind};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

/// Ids are below 2^31 by contract.
pub(crate) fn id(value: i64) -> Result<i32, Error> {
    i32::try_from(value).map_err(|_| Error::Corrupt(format!("id {value} is out of range")))
}

pub(crate) fn time(micros: i64) -> Result<Timestamp, Error> {
    Timestamp::from_microsecond(micros).map_err(|_| corrupt("a time"))
}

pub(crate) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

pub(crate) fn corrupt(what: &str) -> Error {
    Error::Corrupt(what.to_owned())
}

pub(crate) fn local_id(text: &str) -> Result<LocalId, Error> {
    LocalId::new(text).ok_or_else(|| corrupt("a local id"))
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    iris_rules::content::json(value)
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| corrupt(what))
}

/// Issues as stored: `None` when there are none.
pub(crate) fn issues_column(issues: &[Issue]) -> Option<String> {
    (!issues.is_empty()).then(|| to_json(&issues))
}

fn issues(text: Option<&str>) -> Result<Vec<Issue>, Error> {
    text.map_or(Ok(Vec::new()), |text| from_json(text, "issues"))
}

pub(crate) fn pending_column(pending: &[u32]) -> Option<String> {
    (!pending.is_empty()).then(|| to_json(&pending))
}

pub(crate) fn pending(text: Option<&str>) -> Result<Vec<u32>, Error> {
    text.map_or(Ok(Vec::new()), |text| from_json(text, "pending rows"))
}

pub(crate) fn outcome_kind(text: &str) -> Result<OutcomeKind, Error> {
    OutcomeKind::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| corrupt("an outcome"))
}
