//! Image submissions: version, sender, the order's id and one complete directive (iris-facts §2.11).

use super::{Review, canonical, message, place, text};
use crate::image::ImageRequest;
use crate::submission::{Action, Context, Submission};
use crate::{Issue, LocalId};
use std::borrow::Cow;

/// What places of an image submission are called while it is validated as an order with one directive.
const PLACES: [(&str, &str); 2] = [("Camera.Images[0]", "Image"), ("Order.LocalId", "OrderLocalId")];

/// Validates an image submission. `issues` are those already found while it was read; they count.
///
/// # Errors
/// All issues, warnings included, when at least one of them is an error.
pub fn validate_image(
    request: ImageRequest,
    issues: Vec<Issue>,
    context: &Context<'_>,
) -> Result<Submission, Vec<Issue>> {
    let mut review = Review { request: request.into_order_request(), issues, context: *context };
    for issue in &mut review.issues {
        rename(issue, |(order, image)| (image, order));
    }
    text::check(&mut review);
    canonical::fold(&mut review);
    message::check_sender(&mut review);
    place::check(&mut review);
    let images = review.request.camera.as_ref().map_or(0, |camera| camera.images.len());
    if images == 0 && !review.has_error_at("Camera.Images[0]") {
        review.missing("Image", "An image submission says where the image lies and which eye it shows.");
    }
    let sent = review.request.order.as_ref().and_then(|order| order.local_id.as_deref());
    let order = sent.and_then(LocalId::new);
    if sent.is_none() {
        review.missing("Order.LocalId", "An image submission names the order the image belongs to.");
    }
    let Review { request, mut issues, .. } = review;
    for issue in &mut issues {
        rename(issue, |places| places);
    }
    match order {
        Some(order) if !issues.iter().any(Issue::is_error) => {
            Ok(Submission { action: Action::AttachImage { order }, request, warnings: issues })
        }
        _ => Err(issues),
    }
}

/// Replaces the first name of a place with the second at the start of an issue's path.
fn rename(issue: &mut Issue, direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str)) {
    for (from, to) in PLACES.into_iter().map(direction) {
        let renamed = issue
            .path
            .strip_prefix(from)
            .filter(|rest| rest.is_empty() || rest.starts_with('.'))
            .map(|rest| format!("{to}{rest}"));
        if let Some(path) = renamed {
            issue.path = Cow::Owned(path);
            return;
        }
    }
}
