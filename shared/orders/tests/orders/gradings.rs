//! Gradings: the rules by example and by property, and what the stores keep.

use crate::backend::{Backend, on_every_store, published, service};
use crate::requests::*;
use iris_model::enumeration::OrderStatus;
use iris_model::event::EventKind;
use iris_model::submission::validate_grading;
use iris_model::{GradingSubmission, IssueCode, Organization, OutcomeKind, ResultCode};
use iris_orders::Orders;
use iris_rules::decide::{Change, Decision, NewIds, decide};
use iris_rules::record::{OrderRecord, OrderRef};
use iris_rules::{Answer, Incoming, Outcome, Refusal, Requested, Snapshot, Source};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

on_every_store!(
    a_grading_is_stored_with_its_result,
    the_same_grading_many_times_is_one_result,
    corrections_at_the_same_time_follow_each_other,
    results_are_sent_again,
);

/// An organization that grades without images.
pub(crate) fn grading_organization() -> Organization {
    let mut organization = organization();
    organization.grading.without_images = true;
    organization
}

/// A grading of a DR exam with these levels of retinopathy, without macular edema.
fn grading(order: &str, right: &str, left: &str) -> Value {
    let eye = |level: &str| {
        json!({ "Gradable": true, "Findings": [
            { "Finding": "Diabetic Retinopathy", "Result": level }, { "Finding": "Macular Edema", "Result": "None" }
        ] })
    };
    json!({ "Version": "2.3.1", "ClientGuid": organization().client_guid, "LocalId": order, "OD": eye(right), "OS": eye(left) })
}

fn with(mut grading: Value, key: &str, value: Value) -> Value {
    grading[key] = value;
    grading
}

fn incoming(organization: &Arc<Organization>, grading: &Value, id: u128) -> Incoming {
    let body = grading.to_string();
    let parsed = GradingSubmission::parse(body.as_bytes()).unwrap();
    let refused = |issues| Refusal { issues, requested: Requested::Grading, ..Refusal::default() };
    out_of_patience(Incoming {
        id: Uuid::from_u128(id),
        message_id: None,
        organization: Arc::clone(organization),
        received_at: Timestamp::now(),
        first_seen: Timestamp::now(),
        source: Source::Message,
        request: validate_grading(parsed, organization).map_err(refused),
        body: Some(body.into_bytes().into()),
    })
}

/// The rules without a database.
struct World {
    organization: Arc<Organization>,
    snapshot: Snapshot,
    messages: u128,
}

impl World {
    /// A world that knows the order O1 of patient P1.
    fn new(organization: Organization) -> Self {
        let mut world = Self { organization: Arc::new(organization), snapshot: Snapshot::default(), messages: 0 };
        world.order(new_order("O1", "P1"));
        world
    }

    fn decide(&mut self, incoming: &Incoming) -> (Outcome, Decision) {
        let ids = NewIds { order: 100_000 + i64::try_from(self.messages).unwrap(), patient: 200_000 };
        let decision = decide(incoming, &self.snapshot, ids, Timestamp::now()).unwrap();
        self.snapshot.apply(incoming, &decision);
        let Answer::Done(outcome) = decision.answer.clone() else { panic!("no outcome") };
        (outcome, decision)
    }

    fn order(&mut self, request: Request) -> Outcome {
        self.messages += 1;
        let incoming = out_of_patience(request.message(&self.organization, self.messages));
        self.decide(&incoming).0
    }

    fn grade(&mut self, grading: &Value) -> (Outcome, Decision) {
        self.messages += 1;
        let incoming = incoming(&self.organization, grading, self.messages);
        self.decide(&incoming)
    }

    fn codes(&mut self, grading: &Value) -> Vec<IssueCode> {
        let (outcome, decision) = self.grade(grading);
        assert!(matches!(outcome.kind, OutcomeKind::Failed | OutcomeKind::Ignored), "{outcome:?}");
        assert_eq!(events(&decision), [(EventKind::GradingReceipt, false)]);
        assert!(decision.changes.is_empty() && decision.notifications.is_empty());
        outcome.issues.iter().map(|issue| issue.code).collect()
    }

    fn record(&self) -> &OrderRecord {
        let key = OrderRef { organization: self.organization.client_guid, local_id: local("O1") };
        self.snapshot.order(&key).unwrap()
    }
}

fn events(decision: &Decision) -> Vec<(EventKind, bool)> {
    decision.events.iter().map(|event| (event.result_object_type, event.success)).collect()
}

fn results(decision: &Decision) -> Vec<Value> {
    let result = |change: &Change| match change {
        Change::NewResult(result) => Some(serde_json::from_str(&result.document).unwrap()),
        _ => None,
    };
    decision.changes.iter().filter_map(result).collect()
}

#[test]
fn a_grading_closes_the_order_and_writes_its_result() {
    let mut world = World::new(grading_organization());
    let (outcome, decision) = world.grade(&grading("O1", "Mild", "None"));
    assert_eq!(outcome.kind, OutcomeKind::Changed);
    assert_eq!(events(&decision), [(EventKind::GradingReceipt, true), (EventKind::OrderGradedEvent, true)]);
    assert_eq!(world.record().status, OrderStatus::Graded);
    let result = &results(&decision)[0];
    assert_eq!(result["ResultCode"], json!("F"));
    assert_eq!(result["Gradings"]["DxCodes"], json!(["E113291"]));
    assert_eq!(result["Gradings"]["Pathology"], json!(true));
    assert_eq!(result["Order"]["PatientOrderId"], json!(world.record().id));
    assert_eq!(result["Patient"]["Name"]["Last"], json!("Synthetic-P1"));
}

#[test]
fn what_cannot_be_graded_is_refused_or_ignored() {
    let mut world = World::new(organization());
    assert_eq!(world.codes(&grading("O1", "None", "None")), [IssueCode::NoImages]);
    let mut world = World::new(grading_organization());
    assert_eq!(world.codes(&grading("O9", "None", "None")), [IssueCode::UnknownOrder]);
    assert_eq!(
        world.codes(&with(grading("O1", "None", "None"), "ResultCode", json!("C"))),
        [IssueCode::NothingToCorrect]
    );
    assert_eq!(world.codes(&with(grading("O1", "None", "None"), "ResultCode", json!("P"))), [IssueCode::UnknownCode]);
    assert_eq!(world.codes(&grading("O1", "Purple", "None")), [IssueCode::FindingNotAllowed]);
    assert_eq!(world.record().status, OrderStatus::AwaitingImages);
    world.grade(&grading("O1", "None", "None"));
    assert_eq!(world.codes(&grading("O1", "Mild", "None")), [IssueCode::OrderClosed]);
    let mut cancelled = World::new(grading_organization());
    cancelled.order(cancel("O1"));
    assert_eq!(cancelled.codes(&grading("O1", "None", "None")), [IssueCode::OrderClosed]);
}

#[test]
fn a_foreign_grading_is_not_answered() {
    let mut world = World::new(grading_organization());
    let foreign = with(grading("O1", "None", "None"), "ClientGuid", json!(Uuid::from_u128(9)));
    let (outcome, decision) = world.grade(&foreign);
    assert_eq!(outcome.kind, OutcomeKind::Failed);
    assert!(decision.events.is_empty());
}

#[test]
fn graders_are_licensed_where_the_exam_took_place() {
    let mut organization = grading_organization();
    let grader = |npi: &str, state: &str| json!({ "npi": npi, "firstName": "Sample", "lastName": "Grader", "degrees": "MD", "states": [state] });
    organization.grading.graders =
        serde_json::from_value(json!([grader("9000000007", "TX"), grader("9000000015", "OK")])).unwrap();
    let mut world = World::new(organization);
    let by = |npi: &str| with(grading("O1", "None", "None"), "Provider", json!({ "NPI": npi }));
    assert_eq!(world.codes(&by("9000000015")), [IssueCode::GraderNotLicensed]);
    assert_eq!(world.codes(&by("9000000023")), [IssueCode::UnknownGrader]);
    let (_, decision) = world.grade(&by("9000000007"));
    assert_eq!(results(&decision)[0]["Gradings"]["Provider"]["Name"]["Last"], json!("Grader"));
    assert_eq!(results(&decision)[0]["Gradings"]["Provider"]["Degrees"], json!("MD"));
}

#[test]
fn a_correction_replaces_and_an_addendum_adds() {
    let mut world = World::new(grading_organization());
    world.grade(&grading("O1", "None", "None"));
    let correction = with(grading("O1", "Proliferative", "None"), "ResultCode", json!("C"));
    let (_, decision) = world.grade(&correction);
    assert_eq!(events(&decision), [(EventKind::GradingReceipt, true), (EventKind::OrderGradedEvent, true)]);
    let corrected = results(&decision)[0].clone();
    assert_eq!((&corrected["ResultCode"], &corrected["Gradings"]["Urgent"]), (&json!("C"), &json!(true)));
    let addendum = json!({ "Version": "2.3.1", "ClientGuid": organization().client_guid, "LocalId": "O1", "ResultCode": "A",
        "Notes": [{ "Text": "A synthetic remark." }] });
    let (_, decision) = world.grade(&addendum);
    assert_eq!(events(&decision), [(EventKind::GradingReceipt, true)]);
    let added = results(&decision)[0].clone();
    assert_eq!(added["Gradings"]["Notes"].as_array().unwrap().len(), 1);
    assert_eq!(added["Gradings"]["OD"], corrected["Gradings"]["OD"]);
    for known in [&correction, &addendum] {
        let (outcome, decision) = world.grade(known);
        assert_eq!(outcome.kind, OutcomeKind::Replayed);
        assert!(decision.notifications.is_empty() && decision.changes.is_empty());
    }
    assert_eq!(world.codes(&with(addendum.clone(), "Notes", json!([]))), [IssueCode::Missing]);
    let mixed = with(addendum, "OD", json!({ "Gradable": false }));
    assert_eq!(world.codes(&mixed), [IssueCode::ContradictoryEye]);
}

#[test]
fn urgent_findings_reach_the_contacts_of_the_site() {
    let mut organization = grading_organization();
    organization.grading.contacts = serde_json::from_value(json!([
        { "name": "Desk", "email": "desk@acme.example", "urgent": true, "emergent": true },
        { "name": "South", "email": "south@acme.example", "urgent": true, "sites": ["S2"] },
        { "name": "Emergencies only", "phone": "206-555-0100", "emergent": true },
    ]))
    .unwrap();
    let mut world = World::new(organization);
    let (outcome, decision) = world.grade(&grading("O1", "Proliferative", "None"));
    assert_eq!(outcome.issues, []);
    let told: Vec<Value> = decision
        .notifications
        .iter()
        .map(|notification| serde_json::to_value(notification).unwrap()["Contact"]["Name"].clone())
        .collect();
    assert_eq!(told, ["Desk"]);
    let mut nobody = World::new(grading_organization());
    let (outcome, _) = nobody.grade(&grading("O1", "Proliferative", "None"));
    assert_eq!(outcome.issues.iter().map(|issue| issue.code).collect::<Vec<_>>(), [IssueCode::NoContact]);
    assert_eq!(outcome.kind, OutcomeKind::Changed, "the result is not held back");
}

#[test]
fn care_plans_are_fixed_when_the_grading_is_applied() {
    let mut world = World::new(grading_organization());
    let (_, decision) = world.grade(&grading("O1", "Mild", "None"));
    let before = results(&decision)[0]["Gradings"]["CarePlanName"].clone();
    let mut changed = grading_organization();
    changed.grading.care_plans = serde_json::from_value(json!({
        "plans": [{ "id": "mild", "name": "Another plan", "instructions": "Do something else.", "level": "Urgent", "priority": 99 }]
    }))
    .unwrap();
    world.organization = Arc::new(changed);
    world.messages += 1;
    let resend = resend("O1").message(&world.organization, world.messages);
    let (outcome, decision) = world.decide(&resend);
    assert_eq!(outcome.kind, OutcomeKind::Resent);
    let again = &results(&decision)[0];
    assert_eq!((&again["ResultCode"], &again["Gradings"]["CarePlanName"]), (&json!("R"), &before));
    assert_eq!(events(&decision), [(EventKind::ResendReceipt, true)]);
}

const LEVELS: [&str; 7] = ["None", "Mild", "Moderate", "Severe", "Proliferative", "Indeterminable", "Nonsense"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever is graded, corrected, added, canceled and repeated: a decision that writes a grading writes exactly
    /// one result and raises the order's version by one; every other decision writes neither; and each message has one
    /// outcome, which stays the same when it is delivered again.
    #[test]
    fn gradings_and_results_belong_together(
        steps in proptest::collection::vec((0..4usize, 0..7usize, 0..7usize, any::<bool>()), 1..12),
    ) {
        let mut world = World::new(grading_organization());
        let mut applied = 0;
        for (kind, right, left, repeat) in steps {
            let mut sent = grading("O1", LEVELS[right], LEVELS[left]);
            match kind {
                1 => sent["ResultCode"] = json!("C"),
                2 => sent = json!({ "Version": "2.3.1", "ClientGuid": organization().client_guid, "LocalId": "O1",
                        "ResultCode": "A", "Notes": [{ "Text": LEVELS[right] }] }),
                _ => {}
            }
            let version = world.record().version;
            world.messages += 1;
            let message = incoming(&world.organization, &sent, world.messages);
            let (outcome, decision) = world.decide(&message);
            let count = |wanted: fn(&Change) -> bool| decision.changes.iter().filter(|change| wanted(change)).count();
            let gradings = count(|change| matches!(change, Change::NewGrading(_)));
            prop_assert_eq!(gradings, count(|change| matches!(change, Change::NewResult(_))));
            prop_assert_eq!(gradings, results(&decision).len());
            prop_assert_eq!(gradings, usize::from(outcome.kind == OutcomeKind::Changed));
            prop_assert_eq!(world.record().version, version + i32::try_from(gradings).unwrap());
            applied += gradings;
            prop_assert_eq!(world.snapshot.gradings(world.record().id).len(), applied);
            if repeat {
                let (again, decision) = world.decide(&message);
                prop_assert!(decision.known && decision.changes.is_empty() && decision.notifications.is_empty());
                prop_assert_eq!(again, outcome);
            }
            if applied > 0 {
                prop_assert_eq!(world.record().status, OrderStatus::Graded);
            }
        }
    }
}

async fn done(orders: &Orders, incoming: Incoming) -> Outcome {
    match orders.submit(incoming).await.unwrap() {
        Answer::Done(outcome) => outcome,
        Answer::NotYet => panic!("not yet"),
    }
}

/// Creates and grades an order for a new patient; returns its IRIS id.
pub(crate) async fn graded_order(orders: &Orders, order: &str) -> i64 {
    let acme = Arc::new(grading_organization());
    let number = order.bytes().last().map_or(0, u128::from) * 10;
    let id = done(orders, new_order(order, &format!("P-{order}")).message(&acme, number)).await.iris_order_id.unwrap();
    done(orders, incoming(&acme, &grading(order, "Mild", "None"), number + 1)).await;
    id
}

/// Has the result of an order resent.
pub(crate) async fn resent(orders: &Orders, order: &str) {
    let acme = Arc::new(grading_organization());
    let message = resend(order).message(&acme, uuid::Uuid::new_v4().as_u128());
    assert_eq!(done(orders, message).await.kind, OutcomeKind::Resent);
}

/// Corrects the grading of an order.
pub(crate) async fn corrected(orders: &Orders, order: &str) {
    let correction = with(grading(order, "Severe", "None"), "ResultCode", json!("C"));
    let message = incoming(&Arc::new(grading_organization()), &correction, uuid::Uuid::new_v4().as_u128());
    assert_eq!(done(orders, message).await.kind, OutcomeKind::Changed);
}

async fn a_grading_is_stored_with_its_result(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let acme = Arc::new(grading_organization());
    let id = done(&orders, new_order("O1", "P1").message(&acme, 1)).await.iris_order_id.unwrap();
    let graded = done(&orders, incoming(&acme, &grading("O1", "Mild", "Severe"), 2)).await;
    assert_eq!((graded.kind, graded.iris_order_id), (OutcomeKind::Changed, Some(id)));
    published(&orders).await;
    let detail = orders.store().order(id).await.unwrap().unwrap();
    assert_eq!(detail.summary.status, OrderStatus::Graded);
    assert_eq!(detail.history.last().unwrap().change, "graded");
    let gradings = orders.store().gradings(id).await.unwrap();
    assert_eq!(
        gradings.iter().map(|grading| (grading.number, grading.code)).collect::<Vec<_>>(),
        [(1, ResultCode::Final)]
    );
    let stored = orders.store().results(id).await.unwrap();
    assert_eq!(stored.len(), 1);
    let document: Value = serde_json::from_str(&stored[0].document).unwrap();
    assert_eq!(document["TransactionId"], json!(stored[0].transaction_id));
    assert!(recorder.bodies().iter().any(|body| body["transactionId"] == document["TransactionId"]), "on its way");
    orders.close().await;

    let (orders, _) = service(backend).await;
    let again = done(&orders, incoming(&acme, &grading("O1", "Mild", "Severe"), 3)).await;
    assert_eq!(again.kind, OutcomeKind::Replayed, "known after a restart, under another message id");
    assert_eq!(
        done(&orders, new_order("O2", "P1").message(&acme, 4)).await.kind,
        OutcomeKind::Created,
        "the order is closed"
    );
    orders.close().await;
}

async fn the_same_grading_many_times_is_one_result(backend: &Backend) {
    let (one, _) = service(backend).await;
    let (other, _) = service(backend).await;
    let acme = Arc::new(grading_organization());
    let id = done(&one, new_order("O1", "P1").message(&acme, 1)).await.iris_order_id.unwrap();
    let mut tasks = Vec::new();
    for number in 0..20 {
        let orders = if number % 2 == 0 { one.clone() } else { other.clone() };
        // Half of them are redeliveries of one message, half are separate messages.
        let message = incoming(&acme, &grading("O1", "Mild", "None"), if number < 10 { 2 } else { 100 + number });
        tasks.push(tokio::spawn(async move { done(&orders, message).await }));
    }
    for task in tasks {
        assert!(matches!(task.await.unwrap().kind, OutcomeKind::Changed | OutcomeKind::Replayed));
    }
    assert_eq!(one.store().results(id).await.unwrap().len(), 1);
    assert_eq!(one.store().gradings(id).await.unwrap().len(), 1);
    one.close().await;
    other.close().await;
}

async fn corrections_at_the_same_time_follow_each_other(backend: &Backend) {
    let (one, _) = service(backend).await;
    let (other, _) = service(backend).await;
    let acme = Arc::new(grading_organization());
    let id = done(&one, new_order("O1", "P1").message(&acme, 1)).await.iris_order_id.unwrap();
    done(&one, incoming(&acme, &grading("O1", "None", "None"), 2)).await;
    let mut tasks = Vec::new();
    for (number, level) in (3..).zip(["Mild", "Moderate", "Severe", "Proliferative"]) {
        let orders = if number % 2 == 0 { one.clone() } else { other.clone() };
        let correction = with(grading("O1", level, "None"), "ResultCode", json!("C"));
        let message = incoming(&acme, &correction, number);
        tasks.push(tokio::spawn(async move { done(&orders, message).await }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap().kind, OutcomeKind::Changed);
    }
    let numbers: Vec<i32> = one.store().gradings(id).await.unwrap().iter().map(|grading| grading.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(one.store().results(id).await.unwrap().len(), 5);
    one.close().await;
    other.close().await;
}

async fn results_are_sent_again(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(grading_organization());
    let id = done(&orders, new_order("O1", "P1").message(&acme, 1)).await.iris_order_id.unwrap();
    assert_eq!(done(&orders, resend("O1").message(&acme, 2)).await.kind, OutcomeKind::Failed);
    done(&orders, incoming(&acme, &grading("O1", "None", "None"), 3)).await;
    for message in [4, 4, 5] {
        assert_eq!(done(&orders, resend("O1").message(&acme, message)).await.kind, OutcomeKind::Resent);
    }
    published(&orders).await;
    let results = orders.store().results(id).await.unwrap();
    assert_eq!(
        results.iter().map(|result| result.code).collect::<Vec<_>>(),
        [ResultCode::Final, ResultCode::Resend, ResultCode::Resend]
    );
    orders.close().await;
}

#[test]
fn a_grading_of_another_site_or_of_the_future_is_refused() {
    let mut world = World::new(grading_organization());
    let of = |site: &str| with(grading("O1", "Mild", "None"), "Site", json!({ "LocalId": site }));
    assert_eq!(world.codes(&of("ELSEWHERE")), [IssueCode::OtherSite]);
    let site = world.record().site.to_string();
    let at = |time: Timestamp| with(of(&site), "GradedTime", json!(time.to_string()));
    let later = Timestamp::now() + jiff::SignedDuration::from_mins(7);
    assert_eq!(world.codes(&at(later)), [IssueCode::ImplausibleDate]);
    let soon = Timestamp::now() + jiff::SignedDuration::from_mins(3);
    assert_eq!(world.grade(&at(soon)).0.kind, OutcomeKind::Changed, "clocks differ");
}

#[test]
fn a_bilateral_suspicion_of_one_eye_is_believed_and_said() {
    let mut world = World::new(grading_organization());
    let mut one = grading("O1", "None", "None");
    let suspicion = json!({ "Finding": "Suspected Bilateral Papilledema" });
    one["OD"]["Findings"].as_array_mut().unwrap().push(suspicion);
    one["OS"] = json!({ "MissingEyeReason": "Enucleation" });
    let (outcome, decision) = world.grade(&one);
    assert_eq!(outcome.kind, OutcomeKind::Changed);
    assert_eq!(results(&decision)[0]["Gradings"]["Emergent"], json!(true));
    let receipt = &decision.events[0];
    assert!(receipt.warnings[0].starts_with("[contradictory-eye] OD.Findings"), "{:?}", receipt.warnings);
    let both = grading("O1", "None", "None");
    let mut world = World::new(grading_organization());
    assert_eq!(world.grade(&both).1.events[0].warnings, [""; 0]);
}

#[test]
fn a_grading_that_cannot_be_read_is_no_grading() {
    let mut world = World::new(grading_organization());
    world.grade(&grading("O1", "Mild", "None"));
    let order = world.record().clone();
    let mut snapshot = Snapshot::default();
    snapshot.put_patient(world.snapshot.patient_by_id(order.patient).unwrap().clone());
    let stored = &world.snapshot.gradings(order.id)[0];
    let damaged = iris_rules::record::GradingRecord { details: "{}".into(), ..(**stored).clone() };
    snapshot.put_order(order);
    snapshot.put_grading(damaged);
    let message = resend("O1").message(&world.organization, 77);
    let ids = NewIds { order: 1, patient: 1 };
    let error = decide(&message, &snapshot, ids, Timestamp::now()).unwrap_err();
    assert_eq!(error.to_string(), "the stored grading of an order is not what was written");
}
