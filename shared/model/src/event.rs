//! Events: what a caller learns about its submissions, one message each on its events queue (iris-facts §4).

use crate::DateTimeOffset;
use crate::request::VERSION;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event, in the key order of the published examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    /// Unique per event and stable over redelivery; also the message id.
    pub transaction_id: Uuid,
    /// When it came about.
    pub timestamp: DateTimeOffset,
    /// The image as the submitter calls it; only in an ImageReceipt, and absent for images that came without a
    /// directive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_local_id: Option<String>,
    /// The image in IRIS; only in an ImageReceipt, and absent while no image was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iris_image_id: Option<i64>,
    /// The order in IRIS; absent when none was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iris_order_id: Option<i64>,
    /// The order as the submitter calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_local_id: Option<String>,
    /// The patient as the submitter calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_local_id: Option<String>,
    /// The patient in IRIS; only in a PatientReceipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iris_patient_id: Option<i64>,
    /// When a result was handed over; only in a ResultsDeliveryReceipt, as are the three that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_delivered: Option<DateTimeOffset>,
    /// By what channel (iris-facts §3.16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_type: Option<String>,
    /// Where to: the queue, or container and name, or path; of a delivery that failed the destination's id (decision
    /// 208).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// How far it has come (iris-facts §3.17): `Complete`, or `Failed` when it never can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmission_status: Option<String>,
    /// Whether what was asked was done.
    pub success: bool,
    /// Why not, for a person; null on success.
    pub error_message: Option<String>,
    /// What was done all the same and should be looked at, one sentence each; absent when there is nothing (decision
    /// 282).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What kind of event it is.
    pub result_object_type: EventKind,
    /// `2.3.1`.
    pub version: String,
}

impl Event {
    /// A success event without details: the caller fills in what it is about.
    #[must_use]
    pub fn of(kind: EventKind, transaction_id: Uuid, timestamp: DateTimeOffset) -> Self {
        Self {
            transaction_id,
            timestamp,
            image_local_id: None,
            iris_image_id: None,
            iris_order_id: None,
            order_local_id: None,
            patient_local_id: None,
            iris_patient_id: None,
            time_delivered: None,
            delivery_type: None,
            endpoint: None,
            transmission_status: None,
            success: true,
            error_message: None,
            warnings: Vec::new(),
            result_object_type: kind,
            version: VERSION.to_owned(),
        }
    }
}

/// The kinds of event about orders and patients (iris-facts §3.15; additions of ours: decisions 5, 7, 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum EventKind {
    /// A new order was processed: created, replayed or refused.
    OrderCreationReceipt,
    /// An order was cancelled.
    OrderCancelled,
    /// A change was applied or ignored (ours).
    OrderChangeReceipt,
    /// A cancellation was ignored (ours).
    OrderCancelReceipt,
    /// A patient was registered or updated without an order (ours).
    PatientReceipt,
    /// A ResendResult was done, or refused, e.g. because there is no result yet (ours).
    ResendReceipt,
    /// An image was linked to its order, or why it was not.
    ImageReceipt,
    /// The order has the images it needs and is queued for grading.
    ReadyForGradingEvent,
    /// A grading was submitted: applied, or refused (ours, decision 120).
    GradingReceipt,
    /// The grading was applied.
    OrderGradedEvent,
    /// A result was delivered to a destination other than the results queue.
    ResultsDeliveryReceipt,
}

impl EventKind {
    /// The discriminator as written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrderCreationReceipt => "OrderCreationReceipt",
            Self::OrderCancelled => "OrderCancelled",
            Self::OrderChangeReceipt => "OrderChangeReceipt",
            Self::OrderCancelReceipt => "OrderCancelReceipt",
            Self::PatientReceipt => "PatientReceipt",
            Self::ResendReceipt => "ResendReceipt",
            Self::ImageReceipt => "ImageReceipt",
            Self::ReadyForGradingEvent => "ReadyForGradingEvent",
            Self::GradingReceipt => "GradingReceipt",
            Self::OrderGradedEvent => "OrderGradedEvent",
            Self::ResultsDeliveryReceipt => "ResultsDeliveryReceipt",
        }
    }
}
