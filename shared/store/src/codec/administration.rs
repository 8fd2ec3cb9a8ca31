//! Rows of the audit, of the outbox for operators, and of resubmissions.

use super::{corrupt, destination, time};
use crate::Error;
use crate::audit::AuditRecord;
use crate::queries::{OutboxEnvelope, Resubmission};
use iris_model::ClientGuid;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
pub(crate) struct AuditRow {
    id: i64,
    at: i64,
    organization: Option<Uuid>,
    actor: String,
    login: String,
    action: String,
    subject: String,
    reason: String,
    details: String,
}

impl AuditRow {
    pub(crate) fn record(self) -> Result<AuditRecord, Error> {
        Ok(AuditRecord {
            id: self.id,
            at: time(self.at)?,
            organization: self.organization.map(ClientGuid),
            actor: self.actor,
            login: self.login,
            action: self.action,
            subject: self.subject,
            reason: self.reason,
            details: serde_json::from_str(&self.details).map_err(|_| corrupt("an audit entry"))?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct WaitingRow {
    id: i64,
    created_at: i64,
    available_at: i64,
    attempts: i32,
    messages: i32,
    destination: String,
}

impl WaitingRow {
    pub(crate) fn record(self) -> Result<OutboxEnvelope, Error> {
        Ok(OutboxEnvelope {
            id: self.id,
            destination: destination(&self.destination)?,
            messages: u32::try_from(self.messages).unwrap_or_default(),
            attempts: u32::try_from(self.attempts).unwrap_or_default(),
            created_at: time(self.created_at)?,
            available_at: time(self.available_at)?,
        })
    }
}

pub(crate) fn resubmission((submission, at, handled): (Uuid, i64, i64)) -> Result<Resubmission, Error> {
    Ok(Resubmission { submission, at: time(at)?, handled: handled > 0 })
}
