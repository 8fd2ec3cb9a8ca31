//! OrderResult: what an organization gets back for a graded order, one message on its results queue (iris-facts §5).
//!
//! These types write the canonical form: PascalCase keys, string codes, unset properties omitted. What some of the
//! published clients need instead is made from it by [`compatible`].

mod compatibility;
mod notification;
mod parts;
mod severity;

pub use compatibility::compatible;
pub use notification::{NotificationKind, UrgentFindingNotification};
pub use parts::{
    CameraOperator, DiagnosisCode, DocumentLocation, EyeSideGrading, Gradings, ImageDetails, Procedure,
    ResultHealthPlan, ResultImage, ResultOrder, ResultPatient, ResultSite, ResultsDocument,
};
pub use severity::Severity;

use crate::request::Provider;
use crate::{DateTimeOffset, ResultCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What every OrderResult says it is.
pub const RESULT_OBJECT_TYPE: &str = "OrderResult";

/// The result of an order (iris-facts §5.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct OrderResult {
    /// `2.3.1`.
    pub version: String,
    /// When it was made.
    pub timestamp: DateTimeOffset,
    /// Unique per communication and stable over redelivery; a result sent again on request has a new one. Also the
    /// message id.
    pub transaction_id: Uuid,
    /// True: a document that cannot be made is not sent.
    pub success: bool,
    /// `OrderResult`.
    pub result_object_type: String,
    /// What kind of result it is.
    pub result_code: ResultCode,
    /// Where the exam took place.
    pub site: ResultSite,
    /// An embedded report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results_document: Option<ResultsDocument>,
    /// Counts of the images.
    pub image_details: ImageDetails,
    /// The images, without pixels.
    pub images: Vec<ResultImage>,
    /// The order, mostly as submitted.
    pub order: ResultOrder,
    /// The patient as submitted.
    pub patient: ResultPatient,
    /// Who ordered, as submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordering_provider: Option<Provider>,
    /// Who referred, as submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referring_provider: Option<Provider>,
    /// What was found.
    pub gradings: Gradings,
    /// Who took the images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera_operator: Option<CameraOperator>,
    /// The health plan as submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_plan: Option<ResultHealthPlan>,
    /// The procedure as submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpt: Option<Procedure>,
}

/// Stands on the results queue for a result that is larger than a message may be even without its report: says where
/// the whole document is (decisions 129, 287).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ResultPointer {
    /// `2.3.1`.
    pub version: String,
    /// When the result was made.
    pub timestamp: String,
    /// That of the result.
    pub transaction_id: Uuid,
    /// `OrderResultLocation`.
    pub result_object_type: String,
    /// That of the result.
    pub result_code: String,
    /// The order in IRIS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iris_order_id: Option<i64>,
    /// The order as the submitter calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_local_id: Option<String>,
    /// Where the document is.
    pub document: DocumentLocation,
}

/// What a [`ResultPointer`] says it is.
pub const POINTER_OBJECT_TYPE: &str = "OrderResultLocation";
