//! Recognizing the same content again (decision 2).

use crate::OrderRequest;
use crate::request::{Camera, HealthPlan, Order, Patient, Provider, Site};
use serde::Serialize;
use uuid::Uuid;

/// Namespace of fingerprints. Changing it makes every stored order look changed.
const NAMESPACE: Uuid = Uuid::from_u128(0x0c1f_6a55_27d4_4b0e_9c39_3a5d_6e8b_7f12);

/// What counts as content: everything but what only concerns the message.
#[derive(Serialize)]
struct Content<'a> {
    site: &'a Option<Site>,
    camera: &'a Option<Camera>,
    order: &'a Option<Order>,
    patient: &'a Option<Patient>,
    ordering_provider: &'a Option<Provider>,
    referring_provider: &'a Option<Provider>,
    camera_operator: &'a Option<Provider>,
    camera_operator_user_name: &'a Option<String>,
    health_plan: &'a Option<HealthPlan>,
}

/// A name for the content of a canonical request: equal content has equal fingerprints, whatever spelling it came in.
/// What only concerns the message (Version, ClientGuid, UserNameSubmitting, OrderControlCode) is left out.
#[must_use]
pub fn fingerprint(request: &OrderRequest) -> Uuid {
    let content = Content {
        site: &request.site,
        camera: &request.camera,
        order: &request.order,
        patient: &request.patient,
        ordering_provider: &request.ordering_provider,
        referring_provider: &request.referring_provider,
        camera_operator: &request.camera_operator,
        camera_operator_user_name: &request.camera_operator_user_name,
        health_plan: &request.health_plan,
    };
    #[expect(clippy::disallowed_methods, reason = "serialization of these types to memory cannot fail")]
    let content = serde_json::to_vec(&content).unwrap_or_default();
    Uuid::new_v5(&NAMESPACE, &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: &str) -> OrderRequest {
        OrderRequest::parse(json.as_bytes()).unwrap().request
    }

    #[test]
    fn spelling_and_message_properties_do_not_count() {
        let one = request(
            r#"{"Version":"V2.3.1","OrderControlCode":1,"UserNameSubmitting":"a@b.example","Order":{"EvaluationTypes":[1],"LocalId":"O-1","State":""},"Site":{"LocalId":"S"}}"#,
        );
        let other =
            request(r#"{"site":{"localId":" S "},"order":{"localId":"O-1","evaluationTypes":"dr"},"Patient":{}}"#);
        assert_eq!(fingerprint(&one), fingerprint(&other));
    }

    #[test]
    fn content_counts_and_stays_where_it_belongs() {
        let requests = [
            r#"{"Order":{"LocalId":"1"}}"#,
            r#"{"Order":{"LocalId":"2"}}"#,
            r#"{"Site":{"LocalId":"1"}}"#,
            r#"{"Patient":{"LocalId":"1"}}"#,
            r#"{"OrderingProvider":{"NPI":"9000000015"}}"#,
            r#"{"ReferringProvider":{"NPI":"9000000015"}}"#,
            r#"{"CameraOperatorUserName":"1"}"#,
            r#"{"HealthPlan":{"LocalId":"1"}}"#,
            r#"{"Camera":{"LocalId":"1"}}"#,
        ];
        let distinct: std::collections::HashSet<_> = requests.iter().map(|json| fingerprint(&request(json))).collect();
        assert_eq!(distinct.len(), requests.len());
    }

    #[test]
    fn fingerprints_are_the_same_in_every_release() {
        let fingerprint = fingerprint(&request(
            r#"{"Order":{"LocalId":"O-1","EvaluationTypes":["DR"]},"Patient":{"Dob":"1/2/1950"}}"#,
        ));
        assert_eq!(fingerprint.to_string(), "edc9a9d3-8e59-5051-bc76-f829b9dd3a8b");
    }
}
