//! Drops, their batches of rows, and the outbox.

use super::{corrupt, count, from_json, issues, pending, time};
use crate::Error;
use crate::drops::{DropStatus, DropTotals};
use crate::outbox::{Destination, Envelope};
use crate::queries::{DropSummary, ParkedEnvelope};
use iris_model::ClientGuid;
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) fn destination(text: &str) -> Result<Destination, Error> {
    Destination::from_text(text).ok_or_else(|| corrupt("a destination"))
}

#[derive(sqlx::FromRow)]
pub(crate) struct EnvelopeRow {
    pub(crate) id: i64,
    pub(crate) available_at: i64,
    attempts: i32,
    destination: String,
    payload: String,
}

impl EnvelopeRow {
    pub(crate) const COLUMNS: &'static str = "id, available_at, attempts, destination, payload";

    pub(crate) fn envelope(self) -> Result<Envelope, Error> {
        Ok(Envelope {
            id: self.id,
            destination: destination(&self.destination)?,
            messages: crate::outbox::unseal(&self.payload).ok_or_else(|| corrupt("an envelope"))?,
            attempts: u32::try_from(self.attempts).unwrap_or_default(),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct ParkedRow {
    id: i64,
    parked_at: i64,
    messages: i32,
    destination: String,
    reason: String,
}

impl ParkedRow {
    pub(crate) const COLUMNS: &'static str = "id, parked_at, messages, destination, reason";

    pub(crate) fn record(self) -> Result<ParkedEnvelope, Error> {
        Ok(ParkedEnvelope {
            id: self.id,
            destination: destination(&self.destination)?,
            messages: u32::try_from(self.messages).unwrap_or_default(),
            parked_at: time(self.parked_at)?,
            reason: self.reason,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct DropRow {
    pub(crate) id: Uuid,
    organization: Uuid,
    pub(crate) epoch: i64,
    size: i64,
    received_at: i64,
    begun_at: Option<i64>,
    finished_at: Option<i64>,
    status: String,
    container: String,
    name: String,
    issues: Option<String>,
}

impl DropRow {
    pub(crate) const COLUMNS: &'static str =
        "id, organization, epoch, size, received_at, begun_at, finished_at, status, container, name, issues";

    pub(crate) fn status(&self) -> Result<DropStatus, Error> {
        DropStatus::from_text(&self.status).ok_or_else(|| corrupt("a drop's status"))
    }

    /// When its current holder began.
    pub(crate) fn begun_at(&self) -> i64 {
        self.begun_at.unwrap_or(self.received_at)
    }

    pub(crate) fn first_seen(&self) -> Result<Timestamp, Error> {
        time(self.received_at)
    }

    pub(crate) fn summary(self, totals: DropTotals) -> Result<DropSummary, Error> {
        Ok(DropSummary {
            id: self.id,
            organization: ClientGuid(self.organization),
            status: self.status()?,
            received_at: time(self.received_at)?,
            finished_at: self.finished_at.map(time).transpose()?,
            issues: issues(self.issues.as_deref())?,
            container: self.container,
            name: self.name,
            size: count(self.size),
            totals,
        })
    }
}

/// A batch of a drop, without its lines.
#[derive(sqlx::FromRow)]
pub(crate) struct BatchRow {
    pub(crate) number: i32,
    totals: String,
    pending: Option<String>,
    at: Option<i64>,
    first_row: Option<i32>,
    last_row: Option<i32>,
}

impl BatchRow {
    pub(crate) const COLUMNS: &'static str = "number, totals, pending, at, first_row, last_row";

    pub(crate) fn totals(&self) -> Result<DropTotals, Error> {
        from_json(&self.totals, "totals")
    }

    pub(crate) fn pending(&self) -> Result<Vec<u32>, Error> {
        pending(self.pending.as_deref())
    }

    /// When it was committed; 0 for batches written by earlier releases.
    pub(crate) fn at(&self) -> i64 {
        self.at.unwrap_or_default()
    }

    /// Its first and last row; `None` for batches written by earlier releases.
    pub(crate) fn rows(&self) -> Result<Option<(u32, u32)>, Error> {
        let row = |row: i32| u32::try_from(row).map_err(|_| corrupt("a row number"));
        self.first_row.zip(self.last_row).map(|(first, last)| Ok((row(first)?, row(last)?))).transpose()
    }
}
