//! Reading an OrderRequest leniently: every published variant of iris-facts §2 and §13 becomes the one canonical form.
//!
//! Property names are compared without regard to case. `null`, text of white space, and arrays and objects of nothing
//! else are the same as absent, so the empty providers and plans that the published clients always send
//! (iris-facts §2.10) create nothing. Enumerations are read by code in any case or by number. What has the wrong JSON type, or is
//! not of its list, becomes an issue with its path and is left out; properties nobody knows become warnings. Whether
//! what is there *suffices* and is *plausible* is not decided here but in [`crate::submission::validate`].

mod grading;
mod image;
mod object;
mod path;
mod person;
mod place;

use crate::json::{self, Node};
use crate::request::{HealthPlan, Order, Parsed};
use crate::{Issue, IssueCode, OrderRequest};
use object::{Findings, Object, section};
use path::Path;

impl OrderRequest {
    /// Reads a message.
    ///
    /// # Errors
    /// The one issue that keeps it from being read at all: `bad-json`, `bad-encoding`, `empty`, `too-deep`,
    /// `too-large`.
    pub fn parse(bytes: &[u8]) -> Result<Parsed, Issue> {
        json::parse(bytes).map(|node| Self::from_node(&node))
    }

    /// Reads a JSON tree.
    #[must_use]
    pub fn from_node(node: &Node<'_>) -> Parsed {
        if let Some(issue) = not_a_request(node) {
            return Parsed { request: Self::default(), issues: vec![issue] };
        }
        let mut findings = Findings::default();
        let request = section(node, Path::Root, &mut findings, root).unwrap_or_default();
        Parsed { request, issues: findings.into_issues() }
    }
}

/// Properties that only documents of the platform have: results, events, and pointers to results.
const OF_ANSWERS: [&str; 4] = ["ResultObjectType", "ResultCode", "ResultsDocument", "Gradings"];

/// Why an element is not a request: it is an answer of the platform, sent back by mistake. A result names an order, a
/// patient and a site, so it would otherwise become an order.
#[must_use]
pub fn not_a_request(node: &Node<'_>) -> Option<Issue> {
    let has = |name: &&str| node.get(name).is_some_and(|value| !value.is_blank() || matches!(value, Node::Object(_)));
    let name = OF_ANSWERS.iter().find(|name| has(name))?;
    let message = format!(
        "This has {name}, so it is an answer of the platform (a result, grading or event) and no order. Send an \
         OrderRequest."
    );
    Some(Issue::error(IssueCode::WrongType, "", message))
}

fn root(object: &mut Object<'_, '_>) -> OrderRequest {
    let mut request = OrderRequest {
        version: object.text(&["Version"]),
        client_guid: object.guid("ClientGuid"),
        user_name_submitting: object.text(&["UserNameSubmitting"]),
        order_control_code: object.code("OrderControlCode"),
        site: object.child(&["Site"], place::site),
        camera: object.child(&["Camera"], place::camera),
        order: object.child(&["Order"], order),
        patient: object.child(&["Patient"], person::patient),
        ordering_provider: object.child(&["OrderingProvider"], person::provider),
        referring_provider: object.child(&["ReferringProvider"], person::provider),
        camera_operator: object.child(&["CameraOperator"], person::provider),
        camera_operator_user_name: object.text(&["CameraOperatorUserName"]),
        health_plan: object.child(&["HealthPlan"], health_plan),
    };
    // Results have the procedure at the root; some senders echo that (iris-facts §13 #7).
    let (code, description) = object.procedure(&["Cpt"]);
    if code.is_some() || description.is_some() {
        let order = request.order.get_or_insert_default();
        order.cpt_code = order.cpt_code.take().or(code);
        order.cpt_description = order.cpt_description.take().or(description);
    }
    object.ignore("$schema");
    request
}

fn order(object: &mut Object<'_, '_>) -> Order {
    let (cpt_code, cpt_description) = object.procedure(&["CPTCode", "Cpt"]);
    Order {
        evaluation_types: object.codes(&["EvaluationTypes", "EvaluationType"]),
        local_id: object.text(&["LocalId"]),
        scheduled_time: object.date_time("ScheduledTime"),
        created_time: object.date_time("CreatedTime"),
        department_id: object.text(&["DepartmentId"]),
        encounter_number: object.text(&["EncounterNumber"]),
        study_instance_unique_id: object.text(&["StudyInstanceUniqueId"]),
        orderable_identifier: object.text(&["OrderableIdentifier"]),
        cpt_code,
        cpt_description: object.text(&["CPTDescription"]).or(cpt_description),
        additional_info: object.text(&["AdditionalInfo"]),
        state: object.state(&["State"]),
        single_eye_only: object.boolean("SingleEyeOnly"),
        missing_eye_reason: object.text(&["MissingEyeReason"]),
        urgent: object.boolean("Urgent"),
    }
}

fn health_plan(object: &mut Object<'_, '_>) -> HealthPlan {
    HealthPlan {
        local_id: object.text(&["LocalId"]),
        name: object.text(&["Name"]),
        member_id: object.text(&["MemberId"]),
        individual_id: object.text(&["IndividualId"]),
        health_plan_payer_name: object.text(&["HealthPlanPayerName", "PayerName"]),
        group_name: object.text(&["GroupName"]),
        group_number: object.text(&["GroupNumber"]),
        policy_number: object.text(&["PolicyNumber"]),
        effective_date: object.date("EffectiveDate"),
        expiration_date: object.date("ExpirationDate"),
        primary_care_provider: object.child(&["PrimaryCareProvider", "PCP"], person::primary_care_provider),
    }
}
