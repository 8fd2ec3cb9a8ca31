//! Word to the people who must know of an urgent finding at once, as events (iris-facts §12.1; decision 127).

use crate::DateTimeOffset;
use crate::organization::{CareLevel, Contact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An urgent finding and one contact who is to be told. Says nothing about the patient beyond the submitter's ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct UrgentFindingNotification {
    /// Unique per notification and stable over redelivery; also the message id.
    pub transaction_id: Uuid,
    /// When the grading was applied.
    pub timestamp: DateTimeOffset,
    /// The order in IRIS.
    pub iris_order_id: i64,
    /// The order as the submitter calls it.
    pub order_local_id: String,
    /// The patient as the submitter calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_local_id: Option<String>,
    /// Urgent or Emergent.
    pub care_level: CareLevel,
    /// The title of the order's care plan.
    pub care_plan_name: String,
    /// Who is to be told.
    pub contact: Contact,
    /// True.
    pub success: bool,
    /// Null: published readers of events expect it.
    #[serde(default)]
    pub error_message: Option<String>,
    /// `UrgentFindingNotification`.
    pub result_object_type: NotificationKind,
    /// `2.3.1`.
    pub version: String,
}

/// The discriminator of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NotificationKind {
    /// An urgent or emergent finding.
    UrgentFindingNotification,
}
