//! What a request means: the validated form that the rules decide about.
//!
//! [`validate`] turns an [`OrderRequest`] into a [`Submission`] or into *all* the issues found. It checks what can be
//! known from the request and the organization document alone; what depends on stored state is decided in the orders
//! library.

use crate::organization::Organization;
use crate::request::Name;
use crate::{EvaluationType, LocalId, OrderRequest};
use jiff::civil::Date;

mod fingerprint;
mod grading;
mod validate;

pub use fingerprint::fingerprint;
pub use grading::validate_grading;
pub(crate) use validate::{EMAIL_LIMIT, FILE_NAME_LIMIT, FREE_TEXT_LIMIT, NAME_LIMIT};
pub use validate::{validate, validate_image};

/// A request found to be complete and well formed.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// What to do.
    pub action: Action,
    /// The request in canonical form (version 2.3.1, trimmed, states as two letters): what is stored, compared and
    /// echoed.
    pub request: OrderRequest,
    /// Findings that do not refuse it.
    pub warnings: Vec<crate::Issue>,
}

/// What a submission asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Register or update a patient, without an order (decision 5).
    RegisterPatient {
        /// Where the patient belongs.
        site: LocalId,
        /// The patient; demographics are present.
        patient: PatientKey,
    },
    /// Create an order (NW).
    Create {
        /// Where the exam takes place.
        site: LocalId,
        /// For whom.
        patient: PatientKey,
        /// The order.
        order: NewOrder,
    },
    /// Change an order (XO, XR).
    Change {
        /// Which order.
        order: LocalId,
        /// The site, when sent.
        site: Option<LocalId>,
    },
    /// Cancel an order (CA, CR).
    Cancel {
        /// Which order.
        order: LocalId,
    },
    /// Add an image to an order (iris-facts §2.11). The request's camera holds exactly this one directive.
    AttachImage {
        /// Which order.
        order: LocalId,
    },
    /// Regenerate and redeliver a result.
    ResendResult {
        /// Which order.
        order: LocalId,
    },
    /// Apply a grading.
    Grade {
        /// Which order.
        order: LocalId,
        /// What was seen.
        grading: Box<crate::GradingSubmission>,
    },
}

/// A patient of a submission.
#[derive(Debug, Clone, PartialEq)]
pub struct PatientKey {
    /// The submitter's id.
    pub local_id: LocalId,
    /// Name and birth date when demographics were sent; `None` refers to a patient already known (decision 5).
    pub demographics: Option<Demographics>,
}

/// What makes a person recognizable.
#[derive(Debug, Clone, PartialEq)]
pub struct Demographics {
    /// First and last name are present.
    pub name: Name,
    /// Birth date.
    pub dob: Date,
}

/// The essentials of a new order.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOrder {
    /// The submitter's id. For a row without one that its mapping allows, the derived id (decision 4).
    pub local_id: LocalId,
    /// At least one, each subscribed; sorted, without repetition.
    pub evaluation_types: Vec<EvaluationType>,
    /// Two-letter state sent with the order; `None` = the site's.
    pub state: Option<String>,
    /// Camera, when named.
    pub camera: Option<LocalId>,
}

/// Where a request came from, as far as validation depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The day validation takes place, for plausibility of birth dates.
    pub today: Date,
    /// Fills Version, ClientGuid and OrderControlCode (`NW`) from the organization where they are absent: for rows and
    /// flat records of a drop, whose container says who sends them. A ClientGuid that is present must still be the
    /// organization's.
    pub fill_from_organization: bool,
    /// The order id to use for a new order that has none; `None` = such an order is refused (decision 4).
    pub derived_order_id: Option<LocalId>,
}

/// Everything [`validate`] needs besides the request.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The organization the entry belongs to.
    pub organization: &'a Organization,
    /// Where the request came from.
    pub origin: &'a Origin,
}
