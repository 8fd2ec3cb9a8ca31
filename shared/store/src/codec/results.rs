//! Gradings, results, their deliveries and their batches.

use super::{corrupt, count, states, time};
use crate::Error;
use iris_model::{ClientGuid, ResultCode, Slug};
use iris_rules::batches::{Batch, BatchResult};
use iris_rules::deliveries::life::{Lease, Life, Purpose};
use iris_rules::deliveries::{Attempt, Delivery, DeliveryState, DeliverySummary, DestinationHealth};
use iris_rules::record::{GradingRecord, ResultRecord};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
pub(crate) struct GradingRow {
    order_id: i32,
    number: i32,
    at: i64,
    code: String,
    submission: Uuid,
    fingerprint: Uuid,
    details: String,
}

impl GradingRow {
    pub(crate) const COLUMNS: &'static str =
        "g.order_id, g.number, g.at, g.code, g.submission, g.fingerprint, g.details";

    pub(crate) fn record(self) -> Result<GradingRecord, Error> {
        Ok(GradingRecord {
            order: i64::from(self.order_id),
            number: self.number,
            at: time(self.at)?,
            code: result_code(&self.code)?,
            submission: self.submission,
            fingerprint: self.fingerprint,
            details: self.details,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct ResultRow {
    transaction_id: Uuid,
    order_id: i32,
    at: i64,
    code: String,
    document: String,
    report: String,
}

impl ResultRow {
    pub(crate) const COLUMNS: &'static str = "r.transaction_id, r.order_id, r.at, r.code, r.document, r.report";

    pub(crate) fn record(self) -> Result<ResultRecord, Error> {
        Ok(ResultRecord {
            transaction_id: self.transaction_id,
            order: i64::from(self.order_id),
            at: time(self.at)?,
            code: result_code(&self.code)?,
            document: self.document,
            report: self.report,
        })
    }
}

pub(crate) fn delivery_state_column(state: DeliveryState) -> i16 {
    match state {
        DeliveryState::Waiting => 0,
        DeliveryState::Delivered => 1,
        DeliveryState::Held => 2,
        DeliveryState::Resumed => 3,
        DeliveryState::Dropped => 4,
        DeliveryState::Failed => 5,
        DeliveryState::Parked => 6,
        DeliveryState::HandedOver => 7,
        DeliveryState::Uncertain => 8,
    }
}

pub(crate) fn delivery_state(column: i16) -> Result<DeliveryState, Error> {
    let known = DeliveryState::ALL.into_iter().find(|state| delivery_state_column(*state) == column);
    known.ok_or_else(|| corrupt("a delivery's state"))
}

#[derive(sqlx::FromRow)]
pub(crate) struct DeliveryRow {
    sequence: i64,
    transaction_id: Uuid,
    organization: Uuid,
    order_id: i32,
    at: i64,
    delivered_at: Option<i64>,
    state: i16,
    destination: String,
    code: String,
    document: String,
    report: String,
    behind: bool,
    disabled_at: Option<i64>,
    seen_at: Option<i64>,
    announced: i32,
    purpose: i16,
    next_at: i64,
    leased_until: Option<i64>,
    leased_by: Option<i32>,
    failures: i32,
    failing_since: Option<i64>,
    lost: i32,
}

impl DeliveryRow {
    pub(crate) fn columns() -> String {
        let open = states::deliveries(DeliveryState::is_open);
        format!(
            "d.sequence, d.transaction_id, d.organization, d.order_id, d.at, d.delivered_at, d.state, d.destination, \
                 d.seen_at, \
             d.announced, d.purpose, d.next_at, d.leased_until, d.leased_by, d.failures, d.failing_since, d.lost, \
             r.code, r.document, r.report, s.disabled_at, \
             EXISTS (SELECT 1 FROM deliveries e WHERE e.order_id = d.order_id AND e.destination = d.destination \
                 AND e.sequence < d.sequence AND e.state IN ({open})) AS behind"
        )
    }

    pub(crate) fn record(self) -> Result<Delivery, Error> {
        Ok(Delivery {
            sequence: self.sequence,
            transaction_id: self.transaction_id,
            destination: self.destination,
            organization: ClientGuid(self.organization),
            order: i64::from(self.order_id),
            state: delivery_state(self.state)?,
            at: time(self.at)?,
            delivered_at: self.delivered_at.map(time).transpose()?,
            code: result_code(&self.code)?,
            document: self.document,
            report: self.report,
            is_behind: self.behind,
            disabled_at: self.disabled_at.map(time).transpose()?,
            seen_at: self.seen_at.map(time).transpose()?,
            announced: u32::try_from(self.announced).unwrap_or_default(),
            life: Life {
                purpose: if self.purpose == 0 { Purpose::AtLeastOnce } else { Purpose::AtMostOnce },
                failures: u32::try_from(self.failures).unwrap_or_default(),
                failing_since: self.failing_since.map(time).transpose()?,
                broken_off: u32::try_from(self.lost).unwrap_or_default(),
                next_at: time(self.next_at)?,
                lease: match (self.leased_until, self.leased_by) {
                    (Some(until), Some(by)) => {
                        Some(Lease { until: time(until)?, by: u32::try_from(by).unwrap_or_default() })
                    }
                    _ => None,
                },
            },
        })
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct AttemptRow {
    at: i64,
    took_ms: i64,
    outcome: String,
    said: String,
}

impl AttemptRow {
    pub(crate) fn record(self) -> Result<Attempt, Error> {
        let (outcome, said) = (self.outcome, self.said);
        Ok(Attempt { at: time(self.at)?, took_ms: u64::try_from(self.took_ms).unwrap_or_default(), outcome, said })
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct DeliverySummaryRow {
    sequence: i64,
    transaction_id: Uuid,
    organization: Uuid,
    order_id: i32,
    at: i64,
    delivered_at: Option<i64>,
    seen_at: Option<i64>,
    announced: i32,
    state: i16,
    destination: String,
    slug: String,
}

impl DeliverySummaryRow {
    pub(crate) const COLUMNS: &'static str = "d.sequence, d.transaction_id, d.organization, d.order_id, d.at, d.delivered_at, d.seen_at, \
         d.announced, d.state, d.destination, d.slug";

    pub(crate) fn record(self) -> Result<DeliverySummary, Error> {
        Ok(DeliverySummary {
            id: self.sequence,
            transaction_id: self.transaction_id,
            destination: self.destination,
            organization: ClientGuid(self.organization),
            slug: Slug::new(&self.slug).ok_or_else(|| corrupt("a slug"))?,
            order: i64::from(self.order_id),
            state: delivery_state(self.state)?,
            at: time(self.at)?,
            seen_at: self.seen_at.map(time).transpose()?,
            delivered_at: self.delivered_at.map(time).transpose()?,
            announced: u32::try_from(self.announced).unwrap_or_default(),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct HealthRow {
    organization: Uuid,
    destination: String,
    failing_since: i64,
    disabled_at: Option<i64>,
    reason: String,
    held: i64,
}

impl HealthRow {
    pub(crate) fn columns() -> String {
        let held = states::delivery(DeliveryState::Held);
        format!(
            "s.organization, s.destination, s.failing_since, s.disabled_at, s.reason, \
             (SELECT COUNT(*) FROM deliveries d WHERE d.organization = s.organization \
                 AND d.destination = s.destination \
                 AND d.state = {held}) AS held"
        )
    }

    pub(crate) fn record(self) -> Result<DestinationHealth, Error> {
        Ok(DestinationHealth {
            organization: ClientGuid(self.organization),
            destination: self.destination,
            failing_since: time(self.failing_since)?,
            disabled_at: self.disabled_at.map(time).transpose()?,
            reason: self.reason,
            held: count(self.held),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct ResultBatchRow {
    organization: Uuid,
    number: i32,
    starts_at: Option<i64>,
    ends_at: i64,
    day: String,
    opened_at: i64,
    closed_at: Option<i64>,
    has_more: bool,
}

impl ResultBatchRow {
    pub(crate) const COLUMNS: &'static str =
        "b.organization, b.number, b.starts_at, b.ends_at, b.day, b.opened_at, b.closed_at, b.has_more";

    pub(crate) fn record(self) -> Result<Batch, Error> {
        Ok(Batch {
            organization: ClientGuid(self.organization),
            number: batch_number(self.number)?,
            starts_at: self.starts_at.map(time).transpose()?,
            ends_at: time(self.ends_at)?,
            day: self.day.parse().map_err(|_| corrupt("day of a batch"))?,
            opened_at: time(self.opened_at)?,
            closed_at: self.closed_at.map(time).transpose()?,
            has_more: self.has_more,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct BatchResultRow {
    sequence: i64,
    transaction_id: Uuid,
    order_id: i32,
    at: i64,
    code: String,
    own_code: String,
    sent_at: Option<i64>,
    earlier: Option<i32>,
    document: String,
    report: String,
}

impl BatchResultRow {
    pub(crate) fn record(self) -> Result<BatchResult, Error> {
        Ok(BatchResult {
            sequence: self.sequence,
            transaction_id: self.transaction_id,
            order: i64::from(self.order_id),
            at: time(self.at)?,
            code: result_code(&self.code)?,
            own_code: result_code(&self.own_code)?,
            sent_at: self.sent_at.map(time).transpose()?,
            earlier: self.earlier.map(batch_number).transpose()?,
            document: self.document,
            report: self.report,
        })
    }
}

fn batch_number(number: i32) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| corrupt("a batch number"))
}

fn result_code(text: &str) -> Result<ResultCode, Error> {
    ResultCode::from_text(text).ok_or_else(|| corrupt("a result code"))
}

pub(crate) fn purpose_column(purpose: Purpose) -> i16 {
    match purpose {
        Purpose::AtLeastOnce => 0,
        Purpose::AtMostOnce => 1,
    }
}
