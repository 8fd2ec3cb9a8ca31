//! The operations of operators and the retention timer. Every change is committed together with its audit entry.

use crate::Error;
use crate::audit::{AuditEntry, AuditRecord, AuditSearch};
use crate::queries::{OutboxEnvelope, Resubmission, SubmissionRecord};
use async_trait::async_trait;
use iris_model::ClientGuid;
use iris_rules::deliveries::{DeliveryMove, DeliverySearch, DeliverySummary};
use iris_rules::retention::Prune;
use uuid::Uuid;

/// The operators' part of the database.
#[async_trait]
pub trait Administration: Send + Sync {
    /// Adds an entry for something done outside the database. Returns its number.
    async fn audit(&self, entry: &AuditEntry) -> Result<i64, Error>;
    /// Audit entries, latest first.
    async fn audit_entries(&self, search: &AuditSearch, limit: u32) -> Result<Vec<AuditRecord>, Error>;

    /// Envelopes waiting in the outbox, oldest first.
    async fn outbox_envelopes(&self, limit: u32) -> Result<Vec<OutboxEnvelope>, Error>;
    /// Makes an envelope that waits for its next try due at once; false if it is not in the outbox.
    async fn hasten(&self, envelope: i64, entry: &AuditEntry) -> Result<bool, Error>;
    /// Puts a parked envelope back into the outbox; false if there is none with this id.
    async fn retry_parked(&self, parked: i64, entry: &AuditEntry) -> Result<bool, Error>;
    /// Takes an envelope out of the outbox and parks it; `None` if it is not, or no longer, in the outbox.
    async fn park_envelope(&self, envelope: i64, entry: &AuditEntry) -> Result<Option<i64>, Error>;

    /// Deliveries that match, latest first.
    async fn search_deliveries(&self, search: &DeliverySearch, limit: u32) -> Result<Vec<DeliverySummary>, Error>;
    /// Sends a delivery's message again with the next sweep. One that was impossible, dropped or parked goes back to
    /// waiting.
    async fn retry_delivery(&self, delivery: i64, entry: &AuditEntry) -> Result<DeliveryMove, Error>;
    /// Sets aside a delivery that has not been made; whatever waited behind it goes on.
    async fn park_delivery(&self, delivery: i64, entry: &AuditEntry) -> Result<DeliveryMove, Error>;
    /// Enables a destination; the next sweeps send what was held for it, in order. Returns how much that is; `None` if
    /// the destination was not disabled.
    async fn resume_disabled(
        &self,
        organization: ClientGuid,
        destination: &str,
        entry: &AuditEntry,
    ) -> Result<Option<u64>, Error>;

    /// One recorded message.
    async fn submission(&self, id: Uuid) -> Result<Option<SubmissionRecord>, Error>;
    /// The submissions that repeat this one, oldest first.
    async fn resubmissions_of(&self, original: Uuid) -> Result<Vec<Resubmission>, Error>;
    /// The submission that this one repeats.
    async fn original_of(&self, submission: Uuid) -> Result<Option<Uuid>, Error>;
    /// Records that `submission` repeats `original`. Repeating the call only adds to the audit.
    async fn link_resubmission(&self, original: Uuid, submission: Uuid, entry: &AuditEntry) -> Result<(), Error>;

    /// Removes one batch of rows that are past their retention period, and returns how many. Fewer than the limit means
    /// that none are left.
    async fn prune(&self, prune: &Prune) -> Result<u64, Error>;
}
