//! Which images an order needs before it can be graded (iris-facts §2.5, §10.1; decisions 25, 176).

use super::{ImageRecord, ImageStatus};
use iris_model::{ImageContext, Laterality, OrderRequest, Organization};

/// The eyes of which an order needs an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// Both eyes.
    BothEyes,
    /// Either eye.
    OneEye,
}

/// What an order requires. One eye is enough if the order says so or gives a reason why one is missing, or if it says
/// nothing and the organization is configured that way. `SingleEyeOnly: false` counts as saying nothing, because the
/// published clients always send it (iris-facts §2.10).
#[must_use]
pub fn requirement(request: &OrderRequest, organization: &Organization) -> Requirement {
    let order = request.order.as_ref();
    let single = order.and_then(|order| order.single_eye_only) == Some(true);
    let missing = order.is_some_and(|order| order.missing_eye_reason.is_some());
    if single || missing || organization.single_eye_only { Requirement::OneEye } else { Requirement::BothEyes }
}

/// Whether these images fulfill a requirement: a primary image of each required eye. An image of both eyes counts for
/// each.
pub fn is_satisfied<'a>(requirement: Requirement, images: impl IntoIterator<Item = &'a ImageRecord>) -> bool {
    let (mut right, mut left) = (false, false);
    let counts = |image: &&ImageRecord| image.status == ImageStatus::Linked && image.context == ImageContext::Primary;
    for image in images.into_iter().filter(counts) {
        right |= matches!(image.laterality, Some(Laterality::Od | Laterality::Ou));
        left |= matches!(image.laterality, Some(Laterality::Os | Laterality::Ou));
    }
    match requirement {
        Requirement::BothEyes => right && left,
        Requirement::OneEye => right || left,
    }
}
