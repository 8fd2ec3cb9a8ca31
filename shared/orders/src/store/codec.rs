//! Between records and columns: what both databases have in common.

use crate::Error;
use crate::batches::{Batch, BatchResult};
use crate::deliveries::{Delivery, DeliveryState, DeliverySummary, DestinationHealth};
use crate::drops::{DropStatus, DropTotals};
use crate::images::{BlobRef, Claims, DirectiveRecord, DirectiveState, ImageRecord, ImageStatus, Wait};
use crate::incoming::Outcome;
use crate::outbox::{Destination, Envelope};
use crate::queries::{DropSummary, OrderHistory, OrderSummary, ParkedEnvelope, SubmissionRecord};
use crate::record::{
    CameraRecord, GradingRecord, OrderRecord, OrderRef, PatientRecord, PatientRef, ResultRecord, SiteRecord,
};
use iris_model::enumeration::OrderStatus;
use iris_model::organization::OpenOrderScope;
use iris_model::{
    ClientGuid, EvaluationType, ImageContext, Issue, IssueCode, Laterality, LocalId, OutcomeKind, ResultCode, Slug,
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// Ids are below 2^31 by contract.
pub(super) fn id(value: i64) -> Result<i32, Error> {
    i32::try_from(value).map_err(|_| Error::Corrupt(format!("id {value} is out of range")))
}

pub(super) fn time(micros: i64) -> Result<Timestamp, Error> {
    Timestamp::from_microsecond(micros).map_err(|_| corrupt("a time"))
}

pub(super) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

pub(super) fn corrupt(what: &str) -> Error {
    Error::Corrupt(what.to_owned())
}

pub(super) fn local_id(text: &str) -> Result<LocalId, Error> {
    LocalId::new(text).ok_or_else(|| corrupt("a local id"))
}

pub(super) fn to_json<T: Serialize>(value: &T) -> String {
    crate::content::json(value)
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| corrupt(what))
}

/// Issues as stored: nothing when there are none.
pub(super) fn issues_column(issues: &[Issue]) -> Option<String> {
    (!issues.is_empty()).then(|| to_json(&issues))
}

fn issues(text: Option<&str>) -> Result<Vec<Issue>, Error> {
    text.map_or(Ok(Vec::new()), |text| from_json(text, "issues"))
}

pub(super) fn pending_column(pending: &[u32]) -> Option<String> {
    (!pending.is_empty()).then(|| to_json(&pending))
}

pub(super) fn pending(text: Option<&str>) -> Result<Vec<u32>, Error> {
    text.map_or(Ok(Vec::new()), |text| from_json(text, "pending rows"))
}

pub(super) fn outcome_kind(text: &str) -> Result<OutcomeKind, Error> {
    OutcomeKind::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| corrupt("an outcome"))
}

pub(super) fn destination(text: &str) -> Result<Destination, Error> {
    Destination::from_text(text).ok_or_else(|| corrupt("a destination"))
}

const STATUSES: [OrderStatus; 8] = [
    OrderStatus::AwaitingImages,
    OrderStatus::QueuedForGrading,
    OrderStatus::CheckedOutForGrading,
    OrderStatus::Graded,
    OrderStatus::OrderCancelled,
    OrderStatus::UnderReview,
    OrderStatus::Error,
    OrderStatus::Complete,
];

pub(super) fn status_column(status: OrderStatus) -> i16 {
    match status {
        OrderStatus::AwaitingImages => 0,
        OrderStatus::QueuedForGrading => 1,
        OrderStatus::CheckedOutForGrading => 2,
        OrderStatus::Graded => 3,
        OrderStatus::OrderCancelled => 4,
        OrderStatus::UnderReview => 5,
        OrderStatus::Error => 6,
        OrderStatus::Complete => 7,
    }
}

pub(super) fn status(column: i16) -> Result<OrderStatus, Error> {
    STATUSES.iter().copied().find(|status| status_column(*status) == column).ok_or_else(|| corrupt("a status"))
}

/// The order's place among the open ones: see the schema.
pub(super) fn slot_column(order: &OrderRecord) -> i16 {
    match (order.is_open(), order.scope) {
        (false, _) => 0,
        (true, OpenOrderScope::Patient) => 1,
        (true, OpenOrderScope::PatientAndEvaluation) => 2,
    }
}

pub(super) fn evaluations_column(types: &[EvaluationType]) -> String {
    types.iter().map(|kind| kind.code()).collect::<Vec<_>>().join(",")
}

fn evaluations(text: &str) -> Result<Vec<EvaluationType>, Error> {
    let types = text.split(',').filter(|code| !code.is_empty());
    types.map(|code| EvaluationType::from_text(code).ok_or_else(|| corrupt("an evaluation type"))).collect()
}

/// The site column of a patient: empty when the LocalId is unique in the organization.
pub(super) fn scope_column(key: &PatientRef) -> &str {
    key.site.as_ref().map_or("", LocalId::as_str)
}

#[derive(sqlx::FromRow)]
pub(super) struct SiteRow {
    organization: Uuid,
    local_id: String,
    name: String,
    state: String,
    address: String,
    created_at: i64,
}

impl SiteRow {
    pub(super) fn record(self) -> Result<SiteRecord, Error> {
        Ok(SiteRecord {
            organization: ClientGuid(self.organization),
            local_id: local_id(&self.local_id)?,
            name: self.name,
            state: self.state,
            address: self.address,
            created_at: time(self.created_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct CameraRow {
    organization: Uuid,
    local_id: String,
    site: String,
    details: String,
    created_at: i64,
}

impl CameraRow {
    pub(super) fn record(self) -> Result<CameraRecord, Error> {
        Ok(CameraRecord {
            organization: ClientGuid(self.organization),
            local_id: local_id(&self.local_id)?,
            site: local_id(&self.site)?,
            details: self.details,
            created_at: time(self.created_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct PatientRow {
    id: i32,
    version: i32,
    created_at: i64,
    organization: Uuid,
    site: String,
    local_id: String,
    details: String,
}

impl PatientRow {
    pub(super) const COLUMNS: &'static str =
        "p.id, p.version, p.created_at, p.organization, p.site, p.local_id, p.details";

    pub(super) fn record(self) -> Result<PatientRecord, Error> {
        let site = if self.site.is_empty() { None } else { Some(local_id(&self.site)?) };
        Ok(PatientRecord {
            id: i64::from(self.id),
            key: PatientRef { organization: ClientGuid(self.organization), site, local_id: local_id(&self.local_id)? },
            details: self.details,
            version: self.version,
            created_at: time(self.created_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct OrderRow {
    id: i32,
    patient: i32,
    version: i32,
    images: i32,
    created_at: i64,
    status: i16,
    slot: i16,
    current: bool,
    organization: Uuid,
    fingerprint: Uuid,
    local_id: String,
    site: String,
    camera: Option<String>,
    state: String,
    evaluations: String,
    content: Option<String>,
}

impl OrderRow {
    /// All columns but `content`.
    pub(super) const COLUMNS: &'static str = "o.id, o.patient, o.version, o.images, o.created_at, o.status, o.slot, o.current, \
         o.organization, o.fingerprint, o.local_id, o.site, o.camera, o.state, o.evaluations";

    pub(super) fn record(self) -> Result<OrderRecord, Error> {
        Ok(OrderRecord {
            id: i64::from(self.id),
            key: OrderRef { organization: ClientGuid(self.organization), local_id: local_id(&self.local_id)? },
            current: self.current,
            patient: i64::from(self.patient),
            site: local_id(&self.site)?,
            state: self.state,
            camera: self.camera.as_deref().map(local_id).transpose()?,
            evaluation_types: evaluations(&self.evaluations)?,
            status: status(self.status)?,
            scope: if self.slot == 2 { OpenOrderScope::PatientAndEvaluation } else { OpenOrderScope::Patient },
            images: self.images,
            fingerprint: self.fingerprint,
            content: self.content,
            version: self.version,
            created_at: time(self.created_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct GradingRow {
    order_id: i32,
    number: i32,
    at: i64,
    code: String,
    submission: Uuid,
    fingerprint: Uuid,
    details: String,
}

impl GradingRow {
    pub(super) const COLUMNS: &'static str =
        "g.order_id, g.number, g.at, g.code, g.submission, g.fingerprint, g.details";

    pub(super) fn record(self) -> Result<GradingRecord, Error> {
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
pub(super) struct ResultRow {
    transaction_id: Uuid,
    order_id: i32,
    at: i64,
    code: String,
    document: String,
    report: String,
}

impl ResultRow {
    pub(super) const COLUMNS: &'static str = "r.transaction_id, r.order_id, r.at, r.code, r.document, r.report";

    pub(super) fn record(self) -> Result<ResultRecord, Error> {
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

pub(super) fn delivery_state_column(state: DeliveryState) -> i16 {
    match state {
        DeliveryState::Waiting => 0,
        DeliveryState::Delivered => 1,
        DeliveryState::Held => 2,
        DeliveryState::Resumed => 3,
        DeliveryState::Dropped => 4,
        DeliveryState::Failed => 5,
        DeliveryState::Parked => 6,
    }
}

pub(super) fn delivery_state(column: i16) -> Result<DeliveryState, Error> {
    let known = DeliveryState::ALL.into_iter().find(|state| delivery_state_column(*state) == column);
    known.ok_or_else(|| corrupt("a delivery's state"))
}

#[derive(sqlx::FromRow)]
pub(super) struct DeliveryRow {
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
}

impl DeliveryRow {
    pub(super) const COLUMNS: &'static str = "d.sequence, d.transaction_id, d.organization, d.order_id, d.at, d.delivered_at, d.state, \
         d.destination, d.seen_at, d.announced, r.code, r.document, r.report, s.disabled_at, \
         EXISTS (SELECT 1 FROM deliveries e WHERE e.order_id = d.order_id AND e.destination = d.destination \
             AND e.sequence < d.sequence AND e.state IN (0, 2, 3)) AS behind";

    pub(super) fn record(self) -> Result<Delivery, Error> {
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
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct DeliverySummaryRow {
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
    pub(super) const COLUMNS: &'static str = "d.sequence, d.transaction_id, d.organization, d.order_id, d.at, d.delivered_at, d.seen_at, \
         d.announced, d.state, d.destination, d.slug";

    pub(super) fn record(self) -> Result<DeliverySummary, Error> {
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
pub(super) struct HealthRow {
    organization: Uuid,
    destination: String,
    failing_since: i64,
    disabled_at: Option<i64>,
    reason: String,
    held: i64,
}

impl HealthRow {
    pub(super) const COLUMNS: &'static str = "s.organization, s.destination, s.failing_since, s.disabled_at, s.reason, \
         (SELECT COUNT(*) FROM deliveries d WHERE d.organization = s.organization AND d.destination = s.destination \
             AND d.state = 2) AS held";

    pub(super) fn record(self) -> Result<DestinationHealth, Error> {
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
pub(super) struct ResultBatchRow {
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
    pub(super) const COLUMNS: &'static str =
        "b.organization, b.number, b.starts_at, b.ends_at, b.day, b.opened_at, b.closed_at, b.has_more";

    pub(super) fn record(self) -> Result<Batch, Error> {
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
pub(super) struct BatchResultRow {
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
    pub(super) fn record(self) -> Result<BatchResult, Error> {
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

#[derive(sqlx::FromRow)]
pub(super) struct SubmissionRow {
    id: Uuid,
    organization: Uuid,
    at: i64,
    iris_order_id: Option<i32>,
    outcome: String,
    order_local_id: Option<String>,
    patient_local_id: Option<String>,
    issues: Option<String>,
}

impl SubmissionRow {
    pub(super) const COLUMNS: &'static str =
        "s.id, s.organization, s.at, s.iris_order_id, s.outcome, s.order_local_id, s.patient_local_id, s.issues";

    pub(super) fn outcome(self) -> Result<(Uuid, Outcome), Error> {
        let outcome = Outcome {
            kind: outcome_kind(&self.outcome)?,
            iris_order_id: self.iris_order_id.map(i64::from),
            order_local_id: self.order_local_id,
            patient_local_id: self.patient_local_id,
            issues: issues(self.issues.as_deref())?,
        };
        Ok((self.id, outcome))
    }

    pub(super) fn record(self) -> Result<SubmissionRecord, Error> {
        let (organization, at) = (ClientGuid(self.organization), time(self.at)?);
        let (id, outcome) = self.outcome()?;
        Ok(SubmissionRecord {
            id,
            organization,
            at,
            outcome: outcome.kind,
            iris_order_id: outcome.iris_order_id,
            order_local_id: outcome.order_local_id,
            patient_local_id: outcome.patient_local_id,
            issues: outcome.issues,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct EnvelopeRow {
    pub(super) id: i64,
    pub(super) available_at: i64,
    attempts: i32,
    destination: String,
    payload: String,
}

impl EnvelopeRow {
    pub(super) const COLUMNS: &'static str = "id, available_at, attempts, destination, payload";

    pub(super) fn envelope(self) -> Result<Envelope, Error> {
        Ok(Envelope {
            id: self.id,
            destination: destination(&self.destination)?,
            messages: crate::outbox::unseal(&self.payload).ok_or_else(|| corrupt("an envelope"))?,
            attempts: u32::try_from(self.attempts).unwrap_or_default(),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ParkedRow {
    id: i64,
    parked_at: i64,
    messages: i32,
    destination: String,
    reason: String,
}

impl ParkedRow {
    pub(super) const COLUMNS: &'static str = "id, parked_at, messages, destination, reason";

    pub(super) fn record(self) -> Result<ParkedEnvelope, Error> {
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
pub(super) struct SummaryRow {
    id: i32,
    organization: Uuid,
    local_id: String,
    patient: i32,
    patient_local_id: String,
    site: String,
    state: String,
    camera: Option<String>,
    evaluations: String,
    status: i16,
    created_at: i64,
}

impl SummaryRow {
    pub(super) const COLUMNS: &'static str = "o.id, o.organization, o.local_id, o.patient, p.local_id AS patient_local_id, o.site, \
         o.state, o.camera, o.evaluations, o.status, o.created_at";

    pub(super) fn record(self) -> Result<OrderSummary, Error> {
        Ok(OrderSummary {
            id: i64::from(self.id),
            organization: ClientGuid(self.organization),
            local_id: self.local_id,
            patient_id: i64::from(self.patient),
            patient_local_id: self.patient_local_id,
            site: self.site,
            state: self.state,
            camera: self.camera,
            evaluation_types: evaluations(&self.evaluations)?,
            status: status(self.status)?,
            created_at: time(self.created_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct HistoryRow {
    version: i32,
    at: i64,
    submission: Uuid,
    status: i16,
    change: String,
    content: Option<String>,
}

impl HistoryRow {
    pub(super) fn record(self) -> Result<OrderHistory, Error> {
        Ok(OrderHistory {
            version: self.version,
            at: time(self.at)?,
            change: self.change,
            submission: self.submission,
            status: status(self.status)?,
            content: self.content,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct DropRow {
    pub(super) id: Uuid,
    organization: Uuid,
    pub(super) epoch: i64,
    size: i64,
    received_at: i64,
    finished_at: Option<i64>,
    status: String,
    container: String,
    name: String,
    issues: Option<String>,
}

impl DropRow {
    pub(super) const COLUMNS: &'static str =
        "id, organization, epoch, size, received_at, finished_at, status, container, name, issues";

    pub(super) fn status(&self) -> Result<DropStatus, Error> {
        DropStatus::from_text(&self.status).ok_or_else(|| corrupt("a drop's status"))
    }

    pub(super) fn first_seen(&self) -> Result<Timestamp, Error> {
        time(self.received_at)
    }

    pub(super) fn summary(self, totals: DropTotals) -> Result<DropSummary, Error> {
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

/// A batch of a drop without its lines.
#[derive(sqlx::FromRow)]
pub(super) struct BatchRow {
    pub(super) number: i32,
    totals: String,
    pending: Option<String>,
}

impl BatchRow {
    pub(super) const COLUMNS: &'static str = "number, totals, pending";

    pub(super) fn totals(&self) -> Result<DropTotals, Error> {
        from_json(&self.totals, "totals")
    }

    pub(super) fn pending(&self) -> Result<Vec<u32>, Error> {
        pending(self.pending.as_deref())
    }
}

pub(super) fn image_status_column(status: ImageStatus) -> i16 {
    match status {
        ImageStatus::Waiting => 0,
        ImageStatus::Linked => 1,
        ImageStatus::Quarantined => 2,
    }
}

pub(super) fn directive_state_column(state: DirectiveState) -> i16 {
    match state {
        DirectiveState::Pending => 0,
        DirectiveState::Linked => 1,
        DirectiveState::Failed => 2,
    }
}

fn wait(tries: i32, next_try_at: Option<i64>, give_up_at: i64) -> Result<Wait, Error> {
    Ok(Wait { tries, next_try_at: next_try_at.map(time).transpose()?, give_up_at: time(give_up_at)? })
}

fn laterality(text: Option<&str>) -> Result<Option<Laterality>, Error> {
    text.map(|text| Laterality::from_text(text).ok_or_else(|| corrupt("an eye"))).transpose()
}

#[derive(sqlx::FromRow)]
pub(super) struct DirectiveRow {
    order_id: i32,
    ordinal: i32,
    container: String,
    file_name: String,
    details: String,
    state: i16,
    tries: i32,
    next_try_at: Option<i64>,
    give_up_at: i64,
}

impl DirectiveRow {
    pub(super) const COLUMNS: &'static str = "d.order_id, d.ordinal, d.container, d.file_name, d.details, d.state, d.tries, d.next_try_at, \
         d.give_up_at";

    pub(super) fn record(self) -> Result<DirectiveRecord, Error> {
        Ok(DirectiveRecord {
            order: i64::from(self.order_id),
            ordinal: self.ordinal,
            container: self.container,
            file_name: self.file_name,
            details: self.details,
            state: match self.state {
                0 => DirectiveState::Pending,
                1 => DirectiveState::Linked,
                2 => DirectiveState::Failed,
                _ => return Err(corrupt("a directive's state")),
            },
            wait: wait(self.tries, self.next_try_at, self.give_up_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ImageRow {
    id: Uuid,
    iris_id: i32,
    version: i32,
    order_id: Option<i32>,
    tries: i32,
    received_at: i64,
    next_try_at: Option<i64>,
    give_up_at: i64,
    size: i64,
    status: i16,
    organization: Uuid,
    container: String,
    file_name: String,
    format: String,
    archive: String,
    accession: Option<String>,
    patient: Option<String>,
    study: Option<String>,
    device: Option<String>,
    own_laterality: Option<String>,
    laterality: Option<String>,
    context: String,
    local_id: Option<String>,
    taken: Option<String>,
    reason: Option<String>,
    defect: Option<String>,
    details: String,
}

impl ImageRow {
    pub(super) const COLUMNS: &'static str = "i.id, i.iris_id, i.version, i.order_id, i.tries, i.received_at, i.next_try_at, i.give_up_at, \
         i.size, i.status, i.organization, i.container, i.file_name, i.format, i.archive, i.accession, i.patient, i.study, i.device, \
         i.own_laterality, i.laterality, i.context, i.local_id, i.taken, i.reason, i.defect, i.details";

    pub(super) fn record(self) -> Result<ImageRecord, Error> {
        let code = |text: &str| IssueCode::ALL.iter().copied().find(|code| code.as_str() == text);
        let (organization, container, file_name) = (ClientGuid(self.organization), self.container, self.file_name);
        Ok(ImageRecord {
            id: self.id,
            iris_id: i64::from(self.iris_id),
            version: self.version,
            blob: BlobRef { organization, container, file_name },
            received_at: time(self.received_at)?,
            size: count(self.size),
            format: self.format,
            archive: self.archive,
            claims: Claims {
                accession: self.accession,
                patient: self.patient,
                study: self.study,
                device: self.device,
                laterality: laterality(self.own_laterality.as_deref())?,
                taken: self.taken.map(|text| text.parse().map_err(|_| corrupt("a time of taking"))).transpose()?,
            },
            status: match self.status {
                0 => ImageStatus::Waiting,
                1 => ImageStatus::Linked,
                2 => ImageStatus::Quarantined,
                _ => return Err(corrupt("an image's status")),
            },
            reason: self.reason.map(|text| code(&text).ok_or_else(|| corrupt("a reason"))).transpose()?,
            defect: self.defect,
            order: self.order_id.map(i64::from),
            laterality: laterality(self.laterality.as_deref())?,
            context: ImageContext::from_text(&self.context).ok_or_else(|| corrupt("an image context"))?,
            local_id: self.local_id,
            wait: wait(self.tries, self.next_try_at, self.give_up_at)?,
            details: self.details,
        })
    }
}
