//! Describes submissions that are refused before the rules are applied.

use iris_model::{ImageRequest, Issue, OrderControlCode, OrderRequest};
use iris_rules::{Refusal, Requested};

/// A refusal of input that could not be read at all.
#[must_use]
pub fn unreadable(issue: Issue) -> Refusal {
    Refusal { issues: vec![issue], ..Refusal::default() }
}

/// A refusal with as much about the request as could be read; its issues are added later. Created before validation
/// consumes the request.
#[must_use]
pub fn about(request: &OrderRequest) -> Refusal {
    Refusal {
        issues: Vec::new(),
        requested: requested(request),
        order_local_id: request.order.as_ref().and_then(|order| order.local_id.clone()),
        patient_local_id: request.patient.as_ref().and_then(|patient| patient.local_id.clone()),
        image_local_id: None,
    }
}

/// The same for an image submission.
#[must_use]
pub fn about_image(request: &ImageRequest) -> Refusal {
    Refusal {
        issues: Vec::new(),
        requested: Requested::Image,
        order_local_id: request.order_local_id.clone(),
        patient_local_id: None,
        image_local_id: request.image.as_ref().and_then(|image| image.local_id.clone()),
    }
}

fn requested(request: &OrderRequest) -> Requested {
    match request.order_control_code {
        Some(OrderControlCode::Change | OrderControlCode::ChangeRequest) => Requested::Change,
        Some(OrderControlCode::Cancel | OrderControlCode::CancelRequest) => Requested::Cancellation,
        Some(OrderControlCode::ResendResult) => Requested::Resend,
        _ if request.order.is_none() && request.patient.is_some() => Requested::Patient,
        _ => Requested::Order,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_known_although_the_request_is_wrong() {
        for (json, expected) in [
            (r#"{"OrderControlCode":"CA","Order":{"LocalId":"1"}}"#, Requested::Cancellation),
            (r#"{"OrderControlCode":2,"Order":{"LocalId":"1"}}"#, Requested::Change),
            (r#"{"OrderControlCode":"ResendResult"}"#, Requested::Resend),
            (r#"{"Patient":{"LocalId":"1"}}"#, Requested::Patient),
            (r#"{"Patient":{"LocalId":"1"},"Order":{"LocalId":"1"}}"#, Requested::Order),
            ("{}", Requested::Order),
        ] {
            assert_eq!(about(&OrderRequest::parse(json.as_bytes()).unwrap().request).requested, expected, "{json}");
        }
    }
}
