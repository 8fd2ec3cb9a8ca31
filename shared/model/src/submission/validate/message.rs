//! What every message must carry: version, sender, and an operation that is served (iris-facts ).

use super::Review;
use crate::issue::quoted;
use crate::request::{VERSION, is_supported_version};
use crate::{IssueCode, OrderControlCode};

pub(super) fn check(review: &mut Review<'_>) {
    check_sender(review);
    operation(review);
    user(review);
}

/// What even messages without a control code must carry.
pub(super) fn check_sender(review: &mut Review<'_>) {
    version(review);
    sender(review);
}

fn version(review: &mut Review<'_>) {
    match &review.request.version {
        None => review.missing("Version", "Every message states its version. Send \"2.3.1\"."),
        Some(version) if is_supported_version(version) => review.request.version = Some(VERSION.to_owned()),
        Some(version) => {
            let message = format!("{} is not a supported version. Send \"2.3.1\".", quoted(version));
            review.error(IssueCode::UnsupportedVersion, "Version", message);
        }
    }
}

/// The entry says who sends; the message has to agree (design §3.4). Neither is quoted, so that a stranger learns
/// nothing.
fn sender(review: &mut Review<'_>) {
    let organization = review.context.organization.client_guid;
    match review.request.client_guid {
        None => {
            review.missing("ClientGuid", "Every message carries the ClientGuid that was issued to the organization.");
        }
        Some(sent) if sent == organization => {}
        Some(_) => review.error(
            IssueCode::WrongOrganization,
            "ClientGuid",
            "This ClientGuid does not belong to the queue or container it came through. Use the one that was issued \
             for it.",
        ),
    }
}

fn operation(review: &mut Review<'_>) {
    use OrderControlCode as Code;
    match review.operation() {
        None => review.missing(
            "OrderControlCode",
            "Say what to do: NW for a new order or patient, XO to change, CA to cancel, ResendResult to get a result \
             again.",
        ),
        Some(
            Code::NewOrder
            | Code::Change
            | Code::ChangeRequest
            | Code::Cancel
            | Code::CancelRequest
            | Code::ResendResult,
        ) => {}
        Some(code) => {
            let message = format!("{code} is not served. Use NW, XO, CA or ResendResult.");
            review.error(IssueCode::UnsupportedControlCode, "OrderControlCode", message);
        }
    }
}

fn user(review: &mut Review<'_>) {
    let users = &review.context.organization.users;
    if let Some(user) = &review.request.user_name_submitting
        && !users.is_empty()
        && !users.iter().any(|known| known.eq_ignore_ascii_case(user))
    {
        let message = format!("{} is not one of the organization's users.", quoted(user));
        review.warn(IssueCode::UnknownUser, "UserNameSubmitting", message);
    }
}
