//! Sites, cameras, patients, orders and the submissions they came with.

use super::{corrupt, issues, local_id, outcome_kind, time};
use crate::Error;
use crate::queries::{OrderHistory, OrderSummary, SubmissionRecord};
use iris_model::enumeration::OrderStatus;
use iris_model::organization::OpenOrderScope;
use iris_model::{ClientGuid, EvaluationType, LocalId};
use iris_rules::incoming::Outcome;
use iris_rules::record::{CameraRecord, OrderRecord, OrderRef, PatientRecord, PatientRef, SiteRecord};
use uuid::Uuid;

pub(crate) const STATUSES: [OrderStatus; 8] = [
    OrderStatus::AwaitingImages,
    OrderStatus::QueuedForGrading,
    OrderStatus::CheckedOutForGrading,
    OrderStatus::Graded,
    OrderStatus::OrderCancelled,
    OrderStatus::UnderReview,
    OrderStatus::Error,
    OrderStatus::Complete,
];

pub(crate) fn status_column(status: OrderStatus) -> i16 {
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

pub(crate) fn status(column: i16) -> Result<OrderStatus, Error> {
    STATUSES.iter().copied().find(|status| status_column(*status) == column).ok_or_else(|| corrupt("a status"))
}

/// Which kind of open order it is, for the unique indexes; see the schema.
pub(crate) fn slot_column(order: &OrderRecord) -> i16 {
    match (order.is_open(), order.scope) {
        (false, _) => 0,
        (true, OpenOrderScope::Patient) => 1,
        (true, OpenOrderScope::PatientAndEvaluation) => 2,
    }
}

pub(crate) fn evaluations_column(types: &[EvaluationType]) -> String {
    types.iter().map(|kind| kind.code()).collect::<Vec<_>>().join(",")
}

fn evaluations(text: &str) -> Result<Vec<EvaluationType>, Error> {
    let types = text.split(',').filter(|code| !code.is_empty());
    types.map(|code| EvaluationType::from_text(code).ok_or_else(|| corrupt("an evaluation type"))).collect()
}

/// The patient's site column: empty when the LocalId is unique in the organization.
pub(crate) fn scope_column(key: &PatientRef) -> &str {
    key.site.as_ref().map_or("", LocalId::as_str)
}

#[derive(sqlx::FromRow)]
pub(crate) struct SiteRow {
    organization: Uuid,
    local_id: String,
    name: String,
    state: String,
    address: String,
    created_at: i64,
}

impl SiteRow {
    pub(crate) fn record(self) -> Result<SiteRecord, Error> {
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
pub(crate) struct CameraRow {
    organization: Uuid,
    local_id: String,
    site: String,
    details: String,
    created_at: i64,
}

impl CameraRow {
    pub(crate) fn record(self) -> Result<CameraRecord, Error> {
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
pub(crate) struct PatientRow {
    id: i32,
    version: i32,
    created_at: i64,
    organization: Uuid,
    site: String,
    local_id: String,
    details: String,
}

impl PatientRow {
    pub(crate) const COLUMNS: &'static str =
        "p.id, p.version, p.created_at, p.organization, p.site, p.local_id, p.details";

    pub(crate) fn record(self) -> Result<PatientRecord, Error> {
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
pub(crate) struct OrderRow {
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
    /// All columns except `content`.
    pub(crate) const COLUMNS: &'static str = "o.id, o.patient, o.version, o.images, o.created_at, o.status, o.slot, o.current, \
         o.organization, o.fingerprint, o.local_id, o.site, o.camera, o.state, o.evaluations";

    pub(crate) fn record(self) -> Result<OrderRecord, Error> {
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
pub(crate) struct SubmissionRow {
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
    pub(crate) const COLUMNS: &'static str =
        "s.id, s.organization, s.at, s.iris_order_id, s.outcome, s.order_local_id, s.patient_local_id, s.issues";

    pub(crate) fn outcome(self) -> Result<(Uuid, Outcome), Error> {
        let outcome = Outcome {
            kind: outcome_kind(&self.outcome)?,
            iris_order_id: self.iris_order_id.map(i64::from),
            order_local_id: self.order_local_id,
            patient_local_id: self.patient_local_id,
            issues: issues(self.issues.as_deref())?,
        };
        Ok((self.id, outcome))
    }

    pub(crate) fn record(self) -> Result<SubmissionRecord, Error> {
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
pub(crate) struct SummaryRow {
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
    pub(crate) const COLUMNS: &'static str = "o.id, o.organization, o.local_id, o.patient, p.local_id AS patient_local_id, o.site, \
         o.state, o.camera, o.evaluations, o.status, o.created_at";

    pub(crate) fn record(self) -> Result<OrderSummary, Error> {
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
pub(crate) struct HistoryRow {
    version: i32,
    at: i64,
    submission: Uuid,
    status: i16,
    change: String,
    content: Option<String>,
}

impl HistoryRow {
    pub(crate) fn record(self) -> Result<OrderHistory, Error> {
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
