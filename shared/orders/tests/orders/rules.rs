//! The rules by example: iris-facts §1.4 cell by cell, and the decisions where the facts are silent.

use crate::requests::*;
use iris_model::enumeration::OrderStatus;
use iris_model::event::EventKind;
use iris_model::organization::{MismatchPolicy, OpenOrderPolicy, OpenOrderScope, PatientScope};
use iris_model::{EvaluationType, Issue, IssueCode, Organization, OutcomeKind};
use iris_rules::decide::{Change, Decision, NewIds, decide};
use iris_rules::record::{OrderRecord, OrderRef};
use iris_rules::{Answer, Incoming, Outcome, Refusal, Requested, Snapshot};
use jiff::Timestamp;
use jiff::civil::date;
use std::sync::Arc;

/// The rules without a database: decisions are applied to a snapshot.
struct World {
    organization: Arc<Organization>,
    snapshot: Snapshot,
    ids: NewIds,
    next_message: u128,
}

impl World {
    fn new() -> Self {
        Self::of(organization())
    }

    fn of(organization: Organization) -> Self {
        let ids = NewIds { order: 100_001, patient: 100_001 };
        Self { organization: Arc::new(organization), snapshot: Snapshot::default(), ids, next_message: 1 }
    }

    fn decide(&mut self, incoming: &Incoming) -> Decision {
        let decision = decide(incoming, &self.snapshot, self.ids, Timestamp::now()).unwrap();
        self.ids.order += i64::from(decision.used().order);
        self.ids.patient += i64::from(decision.used().patient);
        self.snapshot.apply(incoming, &decision);
        decision
    }

    fn send(&mut self, request: Request) -> (Outcome, Decision) {
        self.next_message += 1;
        let incoming = out_of_patience(request.message(&self.organization, self.next_message));
        let decision = self.decide(&incoming);
        let Answer::Done(outcome) = decision.answer.clone() else { panic!("no outcome") };
        (outcome, decision)
    }

    fn outcome(&mut self, request: Request) -> Outcome {
        self.send(request).0
    }

    fn kind(&mut self, request: Request) -> OutcomeKind {
        self.outcome(request).kind
    }

    fn order(&self, local_id: &str) -> &OrderRecord {
        let key = OrderRef { organization: self.organization.client_guid, local_id: local(local_id) };
        self.snapshot.order(&key).unwrap()
    }

    /// Advances an order as later stages would.
    fn advance(&mut self, local_id: &str, status: OrderStatus, images: i32) {
        let order = OrderRecord { status, images, ..self.order(local_id).clone() };
        self.snapshot.put_order(order);
    }

    fn patient_details(&self, id: i64) -> &str {
        &self.snapshot.patient_by_id(id).unwrap().details
    }
}

fn codes(outcome: &Outcome) -> Vec<IssueCode> {
    outcome.issues.iter().map(|issue| issue.code).collect()
}

fn events(decision: &Decision) -> Vec<(EventKind, bool)> {
    decision.events.iter().map(|event| (event.result_object_type, event.success)).collect()
}

#[test]
fn a_new_order_is_created_with_its_patient() {
    let mut world = World::new();
    let (outcome, decision) = world.send(new_order("O1", "P1").camera("C1").image("a.jpg"));
    assert_eq!(outcome.kind, OutcomeKind::Created);
    assert_eq!(outcome.iris_order_id, Some(100_001));
    assert_eq!((outcome.order_local_id.as_deref(), outcome.patient_local_id.as_deref()), (Some("O1"), Some("P1")));
    assert_eq!(events(&decision), [(EventKind::OrderCreationReceipt, true)]);
    let event = &decision.events[0];
    assert_eq!((event.iris_order_id, event.iris_patient_id), (Some(100_001), None));
    assert_eq!(event.error_message, None);
    assert_eq!(world.order("O1").state, "TX");
    assert!(
        decision
            .changes
            .iter()
            .any(|change| matches!(change, Change::Directives { directives, .. } if directives.len() == 1))
    );
}

#[test]
fn the_state_is_the_orders_or_the_sites_or_an_issue() {
    let mut world = World::new();
    world.outcome(new_order("O1", "P1").state("NM"));
    assert_eq!(world.order("O1").state, "NM");
    let outcome = world.outcome(new_order("O2", "P2").site("S0"));
    assert_eq!((outcome.kind, codes(&outcome)), (OutcomeKind::Failed, vec![IssueCode::NoState]));
    assert_eq!(world.kind(new_order("O2", "P2").site("S0").state("NM")), OutcomeKind::Created);
}

#[test]
fn all_issues_are_reported_and_nothing_is_written() {
    let mut world = World::new();
    let (outcome, decision) = world.send(new_order("O1", "?").known_patient("P1").site("nowhere").camera("C9"));
    assert_eq!(outcome.kind, OutcomeKind::Failed);
    assert_eq!(codes(&outcome), [IssueCode::UnknownSite, IssueCode::UnknownCamera, IssueCode::UnknownPatient]);
    assert!(decision.changes.is_empty());
    assert_eq!(events(&decision), [(EventKind::OrderCreationReceipt, false)]);
    assert!(decision.events[0].error_message.as_deref().unwrap().contains("[unknown-site] Site.LocalId:"));
}

#[test]
fn sites_and_cameras_are_created_where_the_organization_wants_it() {
    let mut document = organization();
    document.auto_create_sites = true;
    document.auto_create_cameras = true;
    let mut world = World::of(document);
    let incomplete = world.outcome(new_order("O1", "P1").site("S9"));
    assert_eq!(codes(&incomplete), [IssueCode::IncompleteSite, IssueCode::IncompleteSite]);
    assert_eq!(world.kind(new_order("O1", "P1").new_site("S9", "West", "nevada").camera("C9")), OutcomeKind::Created);
    assert_eq!(world.order("O1").state, "NV");
    assert_eq!(world.kind(new_order("O2", "P2").site("S9").camera("C9")), OutcomeKind::Created);
    let elsewhere = world.outcome(new_order("O3", "P3").camera("C9"));
    assert_eq!(codes(&elsewhere), [IssueCode::CameraOfOtherSite]);
}

#[test]
fn a_camera_of_another_site_is_refused() {
    let outcome = World::new().outcome(new_order("O1", "P1").camera("C2"));
    assert_eq!(codes(&outcome), [IssueCode::CameraOfOtherSite]);
}

#[test]
fn the_same_order_again_is_a_replay() {
    let mut world = World::new();
    let first = world.outcome(new_order("O1", "P1"));
    let (again, decision) = world.send(new_order("O1", "P1"));
    assert_eq!((again.kind, again.iris_order_id), (OutcomeKind::Replayed, first.iris_order_id));
    assert!(decision.changes.is_empty());
    assert_eq!(events(&decision), [(EventKind::OrderCreationReceipt, true)]);
    world.advance("O1", OrderStatus::Complete, 2);
    assert_eq!(world.kind(new_order("O1", "P1")), OutcomeKind::Replayed);
}

#[test]
fn the_same_local_id_with_other_content_is_refused_while_open_and_new_afterwards() {
    let mut world = World::new();
    let first = world.outcome(new_order("O1", "P1"));
    let other = world.outcome(new_order("O1", "P1").info("other"));
    assert_eq!((other.kind, codes(&other)), (OutcomeKind::Failed, vec![IssueCode::OrderExists]));
    world.advance("O1", OrderStatus::Complete, 2);
    let second = world.outcome(new_order("O1", "P1").info("other"));
    assert_eq!(second.kind, OutcomeKind::Created);
    assert_ne!(second.iris_order_id, first.iris_order_id);
    assert_eq!(world.kind(cancel("O1")), OutcomeKind::Cancelled);
    assert_eq!(world.kind(new_order("O1", "P1").info("other")), OutcomeKind::Created);
}

#[test]
fn a_newer_order_supersedes_an_open_one() {
    let mut world = World::new();
    let old = world.outcome(new_order("O1", "P1"));
    let (outcome, decision) = world.send(new_order("O2", "P1"));
    assert_eq!(outcome.kind, OutcomeKind::Created);
    assert_eq!(codes(&outcome), [IssueCode::Superseded], "the row that did it says so");
    assert_eq!(events(&decision), [(EventKind::OrderCancelled, true), (EventKind::OrderCreationReceipt, true)]);
    assert_eq!(decision.events[0].iris_order_id, old.iris_order_id);
    assert_eq!(decision.events[0].order_local_id.as_deref(), Some("O1"));
    assert_eq!(world.order("O1").status, OrderStatus::OrderCancelled);
}

#[test]
fn an_order_in_grading_or_a_strict_organization_refuses_the_newer_one() {
    let mut world = World::new();
    world.outcome(new_order("O1", "P1"));
    world.advance("O1", OrderStatus::QueuedForGrading, 2);
    assert_eq!(codes(&world.outcome(new_order("O2", "P1"))), [IssueCode::OpenOrder]);

    let mut strict = organization();
    strict.open_order_policy = OpenOrderPolicy::Reject;
    let mut world = World::of(strict);
    world.outcome(new_order("O1", "P1"));
    assert_eq!(codes(&world.outcome(new_order("O2", "P1"))), [IssueCode::OpenOrder]);
    assert_eq!(world.order("O1").status, OrderStatus::AwaitingImages);
}

#[test]
fn open_orders_may_be_one_per_evaluation_type() {
    let mut document = organization();
    document.open_order_scope = OpenOrderScope::PatientAndEvaluation;
    let mut world = World::of(document);
    world.outcome(new_order("O1", "P1"));
    assert_eq!(world.kind(new_order("O2", "P1").evaluations(&[EvaluationType::Amd])), OutcomeKind::Created);
    assert_eq!(world.order("O1").status, OrderStatus::AwaitingImages);
    world.outcome(new_order("O3", "P1").evaluations(&[EvaluationType::Amd, EvaluationType::Dr]));
    assert_eq!(world.order("O1").status, OrderStatus::OrderCancelled);
    assert_eq!(world.order("O2").status, OrderStatus::OrderCancelled);
}

#[test]
fn patients_are_registered_and_updated_without_an_order() {
    let mut world = World::new();
    let (outcome, decision) = world.send(register("P1"));
    assert_eq!((outcome.kind, outcome.iris_order_id), (OutcomeKind::PatientRegistered, None));
    assert_eq!(events(&decision), [(EventKind::PatientReceipt, true)]);
    assert_eq!(decision.events[0].iris_patient_id, Some(100_001));
    assert_eq!(world.kind(register("P1")), OutcomeKind::Replayed);
    let (outcome, decision) = world.send(register("P1").person("Test", "Married", date(1960, 5, 17)));
    assert_eq!(outcome.kind, OutcomeKind::PatientRegistered);
    assert!(
        matches!(&decision.changes[..], [Change::ChangedPatient { before, .. }] if before.contains("Synthetic-P1"))
    );
    assert_eq!(world.kind(new_order("O1", "P1").known_patient("P1")), OutcomeKind::Created);
    assert!(world.patient_details(100_001).contains("Married"));
}

#[test]
fn what_is_not_sent_stays() {
    let mut world = World::new();
    let mut first = register("P1");
    first.request.patient.as_mut().unwrap().phone = Some("555-0100".into());
    world.outcome(first);
    world.outcome(register("P1").person("Test", "Renamed", date(1960, 5, 17)));
    let details = world.patient_details(100_001);
    assert!(details.contains("555-0100") && details.contains("Renamed"), "{details}");
}

#[test]
fn another_name_and_birth_date_are_suspicious() {
    let mut world = World::new();
    world.outcome(register("P1"));
    let same_date = world.outcome(register("P1").person("Other", "Person", date(1960, 5, 17)));
    assert_eq!(codes(&same_date), []);
    let outcome = world.outcome(new_order("O1", "P1").person("Third", "Human", date(1971, 1, 1)));
    assert_eq!((outcome.kind, codes(&outcome)), (OutcomeKind::Created, vec![IssueCode::PatientMismatch]));

    let mut strict = organization();
    strict.patient_mismatch = MismatchPolicy::Error;
    let mut world = World::of(strict);
    world.outcome(register("P1"));
    assert_eq!(world.kind(register("P1").person("Third", "Human", date(1971, 1, 1))), OutcomeKind::Failed);
    assert!(world.patient_details(100_001).contains("Synthetic-P1"));
}

#[test]
fn patients_belong_to_a_site_or_to_the_organization() {
    let mut world = World::new();
    world.outcome(register("P1"));
    world.outcome(register("P1").site("S2"));
    assert_eq!(world.snapshot.patients().count(), 2);
    let mut floating = organization();
    floating.patient_scope = PatientScope::Organization;
    let mut world = World::of(floating);
    world.outcome(register("P1"));
    assert_eq!(world.kind(register("P1").site("S2")), OutcomeKind::Replayed);
    assert_eq!(world.snapshot.patients().count(), 1);
}

#[test]
fn before_images_everything_but_the_immutables_changes_in_place() {
    let mut world = World::new();
    let created = world.outcome(new_order("O1", "P1").info("old").camera("C1"));
    let request =
        change("O1").site("S2").camera("C2").info("new").evaluations(&[EvaluationType::Amd]).patient_id("P9").person(
            "Test",
            "Renamed",
            date(1961, 1, 1),
        );
    let (outcome, decision) = world.send(request);
    assert_eq!((outcome.kind, outcome.iris_order_id), (OutcomeKind::Changed, created.iris_order_id));
    // If both name and birth date differ, it could be another person; the organization's policy says how that is
    // reported.
    let told = [IssueCode::ImmutableValue, IssueCode::ImmutableValue, IssueCode::PatientMismatch];
    assert_eq!(codes(&outcome), told);
    assert_eq!(events(&decision), [(EventKind::OrderChangeReceipt, true)]);
    let order = world.order("O1");
    assert_eq!((order.site.as_str(), order.state.as_str()), ("S2", "OK"));
    assert_eq!(order.evaluation_types, [EvaluationType::Dr]);
    assert!(order.content.as_deref().unwrap().contains("new"));
    let details = world.patient_details(order.patient);
    assert!(details.contains("Renamed") && details.contains("1961-01-01") && details.contains("\"P1\""), "{details}");
}

#[test]
fn a_change_that_changes_nothing_is_a_replay() {
    let mut world = World::new();
    world.outcome(new_order("O1", "P1").info("same"));
    let (outcome, decision) = world.send(change("O1").info("same"));
    assert_eq!(outcome.kind, OutcomeKind::Replayed);
    assert!(decision.changes.is_empty());
}

#[test]
fn with_images_a_move_cancels_and_recreates() {
    let mut world = World::new();
    let created = world.outcome(new_order("O1", "P1"));
    world.advance("O1", OrderStatus::AwaitingImages, 1);
    assert_eq!(world.kind(change("O1").info("still in place")), OutcomeKind::Changed);
    assert_eq!(Some(world.order("O1").id), created.iris_order_id);
    world.advance("O1", OrderStatus::QueuedForGrading, 2);
    let (outcome, decision) = world.send(change("O1").state("NM"));
    assert_eq!(outcome.kind, OutcomeKind::Changed);
    assert_ne!(outcome.iris_order_id, created.iris_order_id);
    let kinds = [EventKind::OrderCancelled, EventKind::OrderCreationReceipt, EventKind::OrderChangeReceipt];
    assert_eq!(events(&decision), kinds.map(|kind| (kind, true)));
    let anew = world.order("O1");
    assert_eq!((anew.status, anew.state.as_str(), anew.images), (OrderStatus::AwaitingImages, "NM", 0));
    assert!(anew.content.as_deref().unwrap().contains("still in place"));
    assert_eq!(world.snapshot.open_orders(anew.patient).len(), 1);
}

#[test]
fn a_change_to_an_unusable_place_is_refused() {
    let mut world = World::new();
    world.outcome(new_order("O1", "P1").camera("C1"));
    assert_eq!(codes(&world.outcome(change("O1").site("nowhere"))), [IssueCode::UnknownSite]);
    assert_eq!(codes(&world.outcome(change("O1").site("S2"))), [IssueCode::CameraOfOtherSite]);
    assert_eq!(codes(&world.outcome(change("O1").camera("C9"))), [IssueCode::UnknownCamera]);
}

#[test]
fn closed_orders_ignore_changes_and_cancellations() {
    for status in [OrderStatus::Graded, OrderStatus::Complete, OrderStatus::OrderCancelled] {
        let mut world = World::new();
        world.outcome(new_order("O1", "P1"));
        world.advance("O1", status, 2);
        let (outcome, decision) = world.send(change("O1").info("late"));
        assert_eq!((outcome.kind, codes(&outcome)), (OutcomeKind::Ignored, vec![IssueCode::OrderClosed]));
        assert_eq!(events(&decision), [(EventKind::OrderChangeReceipt, false)]);
        let (outcome, decision) = world.send(cancel("O1"));
        assert_eq!(outcome.kind, OutcomeKind::Ignored);
        assert_eq!(events(&decision), [(EventKind::OrderCancelReceipt, false)]);
    }
}

#[test]
fn open_orders_are_cancelled_whatever_stage_they_reached() {
    for status in [OrderStatus::AwaitingImages, OrderStatus::QueuedForGrading, OrderStatus::UnderReview] {
        let mut world = World::new();
        world.outcome(new_order("O1", "P1"));
        world.advance("O1", status, 0);
        let (outcome, decision) = world.send(cancel("O1"));
        assert_eq!((outcome.kind, outcome.patient_local_id.as_deref()), (OutcomeKind::Cancelled, Some("P1")));
        assert_eq!(events(&decision), [(EventKind::OrderCancelled, true)]);
        assert_eq!(world.kind(new_order("O2", "P1")), OutcomeKind::Created);
    }
}

#[test]
fn there_is_no_result_to_resend() {
    let mut world = World::new();
    world.outcome(new_order("O1", "P1"));
    let (outcome, decision) = world.send(resend("O1"));
    assert_eq!((outcome.kind, codes(&outcome)), (OutcomeKind::Failed, vec![IssueCode::NoResultYet]));
    assert_eq!(events(&decision), [(EventKind::ResendReceipt, false)]);
    assert_eq!(codes(&world.outcome(resend("O9"))), [IssueCode::UnknownOrder]);
}

#[test]
fn a_late_parent_is_waited_for_and_then_missed() {
    let mut world = World::new();
    let organization = Arc::clone(&world.organization);
    for request in [change("O1"), cancel("O1")] {
        let early = request.clone().message(&organization, 500);
        let decision = world.decide(&early);
        assert_eq!(decision.answer, Answer::NotYet);
        assert!(decision.changes.is_empty() && decision.events.is_empty());
        assert_eq!(codes(&world.outcome(request)), [IssueCode::UnknownOrder]);
    }
    world.outcome(new_order("O1", "P1"));
    let decision = world.decide(&cancel("O1").message(&organization, 500));
    assert_eq!(decision.answer.outcome().unwrap().kind, OutcomeKind::Cancelled);
}

#[test]
fn a_message_delivered_again_gets_its_first_answer_and_no_events() {
    let mut world = World::new();
    let organization = Arc::clone(&world.organization);
    let message = new_order("O1", "P1").message(&organization, 77);
    let first = world.decide(&message);
    world.outcome(cancel("O1"));
    let again = world.decide(&message);
    assert_eq!(again.answer, first.answer);
    assert!(again.known && again.changes.is_empty() && again.events.is_empty());
    assert_eq!(world.order("O1").status, OrderStatus::OrderCancelled);
}

#[test]
fn refused_input_gets_the_receipt_of_what_it_asked_for() {
    let mut world = World::new();
    let cases = [
        (Requested::Order, EventKind::OrderCreationReceipt),
        (Requested::Patient, EventKind::PatientReceipt),
        (Requested::Change, EventKind::OrderChangeReceipt),
        (Requested::Cancellation, EventKind::OrderCancelReceipt),
        (Requested::Resend, EventKind::ResendReceipt),
    ];
    for (number, (requested, kind)) in cases.into_iter().enumerate() {
        let organization = Arc::clone(&world.organization);
        let mut message = new_order("-", "-").message(&organization, 900 + number as u128);
        message.request = Err(Refusal {
            image_local_id: None,
            issues: vec![Issue::error(IssueCode::BadDate, "Patient.Dob", "Not a date.")],
            requested,
            order_local_id: Some("O\u{0}1".into()),
            patient_local_id: None,
        });
        let decision = world.decide(&message);
        assert_eq!(events(&decision), [(kind, false)]);
        assert_eq!(decision.events[0].order_local_id.as_deref(), Some("O1"));
        assert_eq!(decision.events[0].error_message.as_deref(), Some("[bad-date] Patient.Dob: Not a date."));
    }
}

#[test]
fn a_foreign_client_guid_is_recorded_without_any_event() {
    let mut world = World::new();
    let organization = Arc::clone(&world.organization);
    let foreign = Issue::error(IssueCode::WrongOrganization, "ClientGuid", "Not the organization of this entry.");
    let missing = Issue::error(IssueCode::Missing, "ClientGuid", "ClientGuid is required.");
    for (number, issue) in [foreign, missing].into_iter().enumerate() {
        let mut message = new_order("O1", "P1").message(&organization, 40 + number as u128);
        message.request = Err(Refusal { issues: vec![issue], ..Refusal::default() });
        let decision = world.decide(&message);
        assert_eq!(decision.answer.outcome().unwrap().kind, OutcomeKind::Failed);
        assert!(decision.events.is_empty());
    }
}

#[test]
fn events_can_be_switched_off() {
    let mut document = organization();
    document.change_receipts = false;
    document.cancel_receipts = false;
    document.events_for_drops = false;
    let mut world = World::of(document);
    let organization = Arc::clone(&world.organization);
    let row = new_order("O1", "P1").row(&organization, uuid::Uuid::from_u128(9), 2);
    assert!(world.decide(&row).events.is_empty());
    assert!(world.send(change("O1").info("x")).1.events.is_empty());
    assert_eq!(events(&world.send(cancel("O1")).1), [(EventKind::OrderCancelled, true)]);
    assert!(world.send(cancel("O1")).1.events.is_empty());
}

#[test]
fn event_ids_are_stable_and_distinct() {
    let mut one = World::new();
    let mut two = World::new();
    for world in [&mut one, &mut two] {
        world.outcome(new_order("O1", "P1"));
    }
    let (_, first) = one.send(new_order("O2", "P1"));
    let (_, second) = two.send(new_order("O2", "P1"));
    let ids = |decision: &Decision| decision.events.iter().map(|event| event.transaction_id).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&second));
    assert_ne!(ids(&first)[0], ids(&first)[1]);
}

/// A change of order O1 that sends these demographics.
fn change_of_patient(first: &str, last: &str, born: jiff::civil::Date) -> Request {
    let mut request = change("O1");
    request.request.patient = Some(patient("P1"));
    request.person(first, last, born)
}

#[test]
fn a_change_does_not_make_another_person_of_a_patient() {
    let other = || change_of_patient("Some", "Body", date(1931, 2, 3));
    let mut strict = organization();
    strict.patient_mismatch = MismatchPolicy::Error;
    let mut world = World::of(strict);
    world.outcome(new_order("O1", "P1"));
    let before = world.patient_details(100_001).to_owned();
    let (outcome, decision) = world.send(other());
    assert_eq!((outcome.kind, codes(&outcome)), (OutcomeKind::Failed, vec![IssueCode::PatientMismatch]));
    assert!(decision.changes.is_empty());
    assert_eq!(world.patient_details(100_001), before);
    let renamed = change_of_patient("Some", "Body", date(1960, 5, 17));
    assert_eq!(world.kind(renamed), OutcomeKind::Changed, "one of them changes in life");

    let mut world = World::new();
    world.outcome(new_order("O1", "P1"));
    let (outcome, decision) = world.send(other());
    assert_eq!((outcome.kind, codes(&outcome)), (OutcomeKind::Changed, vec![IssueCode::PatientMismatch]));
    let event = decision.events.last().unwrap();
    assert!(event.success && event.error_message.is_none());
    assert!(event.warnings[0].starts_with("[patient-mismatch] Patient: "), "{:?}", event.warnings);
}

#[test]
fn a_new_order_for_another_person_says_so_in_its_event() {
    let mut world = World::new();
    world.outcome(new_order("O1", "P1"));
    world.outcome(cancel("O1"));
    let (outcome, decision) = world.send(new_order("O2", "P1").person("Some", "Body", date(1931, 2, 3)));
    assert_eq!(outcome.kind, OutcomeKind::Created);
    let created =
        decision.events.iter().find(|event| event.result_object_type == EventKind::OrderCreationReceipt).unwrap();
    assert_eq!(created.warnings.len(), 1, "{:?}", created.warnings);
}

#[test]
fn nothing_is_decided_on_what_cannot_be_read() {
    let broken = ["", "null", "[]", "{", r#"{"Name":7}"#, r#"{"Dob":"someday"}"#];
    for details in broken {
        let mut world = World::new();
        world.outcome(new_order("O1", "P1"));
        let mut patient = world.snapshot.patient_by_id(100_001).unwrap().clone();
        patient.details = details.into();
        world.snapshot.put_patient(patient);
        let message = change_of_patient("Some", "Body", date(1931, 2, 3)).message(&world.organization, 900);
        let error = decide(&message, &world.snapshot, world.ids, Timestamp::now()).unwrap_err();
        assert_eq!(error.to_string(), "the stored record of a patient is not what was written", "{details}");
        assert!(matches!(iris_store::Error::from(error), iris_store::Error::Corrupt(_)));
    }
    for content in
        [Some(String::new()), Some("[]".into()), Some(r#"{"Order":{"EvaluationTypes":["??"]}}"#.into()), None]
    {
        let mut world = World::new();
        world.outcome(new_order("O1", "P1"));
        let order = world.order("O1").clone();
        let mut snapshot = Snapshot::default();
        snapshot.put_patient(world.snapshot.patient_by_id(100_001).unwrap().clone());
        snapshot.put_order(OrderRecord { content: content.clone(), ..order });
        let message = change("O1").message(&world.organization, 901);
        let error = decide(&message, &snapshot, world.ids, Timestamp::now()).unwrap_err();
        assert_eq!(error.to_string(), "the stored content of an order is not what was written", "{content:?}");
    }
}
