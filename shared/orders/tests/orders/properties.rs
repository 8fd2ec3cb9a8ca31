//! Properties: whatever is sent, in whatever order.

use crate::backend::{Backend, options};
use crate::requests::*;
use iris_model::enumeration::OrderStatus;
use iris_model::organization::{OpenOrderPolicy, OpenOrderScope, PatientScope};
use iris_model::{EvaluationType, Organization, OutcomeKind};
use iris_orders::Orders;
use iris_rules::decide::{Decision, NewIds, decide};
use iris_rules::record::OrderRecord;
use iris_rules::{Answer, Incoming, Outcome, Snapshot};
use iris_store::drops::{NewDrop, RowDetail};
use jiff::Timestamp;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const TYPES: [&[EvaluationType]; 3] =
    [&[EvaluationType::Dr], &[EvaluationType::Amd], &[EvaluationType::Dr, EvaluationType::Amd]];

/// A step of a scenario. There are few names, so that steps collide.
#[derive(Debug, Clone)]
enum Step {
    New {
        order: u8,
        patient: u8,
        types: usize,
        info: u8,
        site: bool,
        camera: bool,
    },
    Register {
        patient: u8,
        name: u8,
    },
    Change {
        order: u8,
        info: Option<u8>,
        site: Option<bool>,
        state: bool,
    },
    Cancel {
        order: u8,
    },
    Resend {
        order: u8,
    },
    /// The order advances, as later stages would make it.
    Advance {
        order: u8,
        to: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..5u8, 0..3u8, 0..3usize, 0..2u8, any::<bool>(), any::<bool>())
            .prop_map(|(order, patient, types, info, site, camera)| Step::New { order, patient, types, info, site, camera }),
        1 => (0..3u8, 0..3u8).prop_map(|(patient, name)| Step::Register { patient, name }),
        3 => (0..5u8, proptest::option::of(0..3u8), proptest::option::of(any::<bool>()), any::<bool>())
            .prop_map(|(order, info, site, state)| Step::Change { order, info, site, state }),
        2 => (0..5u8).prop_map(|order| Step::Cancel { order }),
        1 => (0..5u8).prop_map(|order| Step::Resend { order }),
        2 => (0..5u8, 0..4usize).prop_map(|(order, to)| Step::Advance { order, to }),
    ]
}

fn site(south: bool) -> &'static str {
    if south { "S2" } else { "S1" }
}

/// The request of a step; `None` if it is a later stage's.
fn request(step: &Step) -> Option<Request> {
    Some(match step {
        Step::New { order, patient, types, info, site: south, camera } => {
            let request = new_order(&format!("O{order}"), &format!("P{patient}")).site(site(*south));
            let request = request.evaluations(TYPES[*types]).info(&format!("info {info}"));
            if *camera { request.camera("C1") } else { request }
        }
        Step::Register { patient, name } => {
            register(&format!("P{patient}")).person("Test", &format!("Name-{name}"), jiff::civil::date(1960, 5, 17))
        }
        Step::Change { order, info, site: south, state } => {
            let mut request = change(&format!("O{order}"));
            if let Some(info) = info {
                request = request.info(&format!("info {info}"));
            }
            if let Some(south) = south {
                request = request.site(site(*south));
            }
            if *state { request.state("NM") } else { request }
        }
        Step::Cancel { order } => cancel(&format!("O{order}")),
        Step::Resend { order } => resend(&format!("O{order}")),
        Step::Advance { .. } => return None,
    })
}

fn settings() -> impl Strategy<Value = Organization> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(by_evaluation, reject, floating)| {
        let mut document = organization();
        if by_evaluation {
            document.open_order_scope = OpenOrderScope::PatientAndEvaluation;
        }
        if reject {
            document.open_order_policy = OpenOrderPolicy::Reject;
        }
        if floating {
            document.patient_scope = PatientScope::Organization;
        }
        document
    })
}

/// The rows in comparable form.
fn rows(snapshot: &Snapshot) -> (BTreeMap<i64, OrderRecord>, BTreeMap<i64, String>) {
    let orders = snapshot.orders().map(|order| (order.id, order.clone())).collect();
    let patients = snapshot.patients().map(|patient| (patient.id, patient.details.clone())).collect();
    (orders, patients)
}

/// There are never two open orders in scope, and never two current orders with one LocalId.
fn check(snapshot: &Snapshot, organization: &Organization) {
    let (mut slots, mut names) = (BTreeSet::new(), BTreeSet::new());
    for order in snapshot.orders() {
        assert!(
            !order.current || names.insert(order.key.local_id.clone()),
            "two current orders {}",
            order.key.local_id
        );
        if !order.is_open() {
            continue;
        }
        assert!(order.current, "an open order nobody can name");
        match organization.open_order_scope {
            OpenOrderScope::Patient => assert!(slots.insert((order.patient, None)), "two open orders"),
            OpenOrderScope::PatientAndEvaluation => {
                for kind in &order.evaluation_types {
                    assert!(slots.insert((order.patient, Some(*kind))), "two open orders of {kind}");
                }
            }
        }
    }
}

struct Model {
    snapshot: Snapshot,
    ids: NewIds,
}

impl Model {
    fn new() -> Self {
        Self { snapshot: Snapshot::default(), ids: NewIds { order: 100_001, patient: 100_001 } }
    }

    fn apply(&mut self, incoming: &Incoming, now: Timestamp) -> Decision {
        let decision = decide(incoming, &self.snapshot, self.ids, now).unwrap();
        assert_eq!(decision, decide(incoming, &self.snapshot, self.ids, now).unwrap(), "decided twice, differently");
        self.ids.order += i64::from(decision.used().order);
        self.ids.patient += i64::from(decision.used().patient);
        self.snapshot.apply(incoming, &decision);
        decision
    }

    fn advance(&mut self, organization: &Organization, order: u8, to: usize) {
        let statuses =
            [OrderStatus::QueuedForGrading, OrderStatus::Graded, OrderStatus::Complete, OrderStatus::AwaitingImages];
        let key = iris_rules::record::OrderRef {
            organization: organization.client_guid,
            local_id: local(&format!("O{order}")),
        };
        if let Some(order) = self.snapshot.order(&key).filter(|order| order.is_open()).cloned() {
            self.snapshot.put_order(OrderRecord { status: statuses[to], images: order.images + 1, ..order });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_input_has_one_outcome_and_the_rules_hold(
        document in settings(),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let organization = Arc::new(document);
        let now = Timestamp::now();
        let mut model = Model::new();
        for (number, step) in steps.iter().enumerate() {
            if let Step::Advance { order, to } = step {
                model.advance(&organization, *order, *to);
                continue;
            }
            let message = out_of_patience(request(step).unwrap().message(&organization, number as u128 + 1));
            let decision = model.apply(&message, now);
            let Answer::Done(outcome) = &decision.answer else { panic!("no outcome") };
            check(&model.snapshot, &organization);

            // There is one receipt per input, apart from events about other orders, and all ids differ.
            let ids: BTreeSet<_> = decision.events.iter().map(|event| event.transaction_id).collect();
            prop_assert_eq!(ids.len(), decision.events.len());
            let failed = matches!(outcome.kind, OutcomeKind::Failed | OutcomeKind::Ignored | OutcomeKind::Replayed);
            prop_assert!(!failed || decision.changes.is_empty());
            prop_assert!(outcome.kind != OutcomeKind::Failed || outcome.issues.iter().any(iris_model::Issue::is_error));

            // The same message again changes nothing, and, for creations, neither does the same content in another
            // message.
            let before = rows(&model.snapshot);
            let again = model.apply(&message, now);
            prop_assert_eq!(&again.answer, &decision.answer);
            prop_assert!(again.events.is_empty());
            if outcome.kind == OutcomeKind::Created || outcome.kind == OutcomeKind::PatientRegistered {
                let resent = request(step).unwrap().message(&organization, 1_000_000 + number as u128);
                let replay = model.apply(&resent, now);
                prop_assert_eq!(replay.answer.outcome().unwrap().kind, OutcomeKind::Replayed);
                prop_assert_eq!(replay.answer.outcome().unwrap().iris_order_id, outcome.iris_order_id);
            }
            prop_assert_eq!(rows(&model.snapshot), before);
        }
    }
}

/// The comparable parts of an outcome; ids are assigned differently.
fn comparable(outcome: &Outcome) -> (OutcomeKind, Option<&str>, Option<&str>, Vec<&str>) {
    let codes = outcome.issues.iter().map(|issue| issue.code.as_str()).collect();
    (outcome.kind, outcome.order_local_id.as_deref(), outcome.patient_local_id.as_deref(), codes)
}

/// Runs the steps through the model and, in batches, through a store; both must agree.
async fn agree(backend: &Backend, document: Organization, steps: &[Step], batch: usize) {
    let organization = Arc::new(document);
    let recorder = Arc::new(crate::backend::Recorder::default());
    let orders = Orders::open(backend.open().await, recorder, options());
    let drop = NewDrop {
        id: uuid::Uuid::from_u128(1),
        organization: organization.client_guid,
        container: "acme-drops".into(),
        name: "steps.csv".into(),
        etag: "1".into(),
        size: 0,
        received_at: Timestamp::now(),
    };
    let lease = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    let mut model = Model::new();
    let mut expected = Vec::new();
    let mut rows = Vec::new();
    for (number, request) in (2u32..).zip(steps.iter().filter_map(request)) {
        let row = out_of_patience(request.row(&organization, drop.id, number));
        expected.push(model.apply(&row, Timestamp::now()).answer);
        rows.push((row, RowDetail { row: number, ..RowDetail::default() }));
    }
    let mut answers = Vec::new();
    for (number, batch) in (0u32..).zip(rows.chunks(batch)) {
        answers.extend(orders.submit_rows(&lease, number, batch.to_vec()).await.unwrap());
    }
    assert_eq!(answers.len(), expected.len());
    for (answer, expected) in answers.iter().zip(&expected) {
        assert_eq!(comparable(answer.outcome().unwrap()), comparable(expected.outcome().unwrap()));
    }
    let stored = orders.store().orders(organization.client_guid, None, 1_000).await.unwrap().items;
    let mut stored: Vec<_> =
        stored.iter().map(|order| (order.local_id.clone(), order.status, order.state.clone())).collect();
    let mut known: Vec<_> = model
        .snapshot
        .orders()
        .map(|order| (order.key.local_id.to_string(), order.status, order.state.clone()))
        .collect();
    stored.sort();
    known.sort();
    assert_eq!(stored, known);
    orders.close().await;
}

#[test]
fn the_store_agrees_with_the_model() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cases = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let input = (settings(), proptest::collection::vec(step(), 1..80), 1..30usize);
    proptest!(cases, |((document, steps, batch) in input)| {
        runtime.block_on(agree(&Backend::sqlite(), document, &steps, batch));
    });
    let cases = ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() };
    let input = (settings(), proptest::collection::vec(step(), 1..80), 1..30usize);
    proptest!(cases, |((document, steps, batch) in input)| {
        runtime.block_on(async {
            if let Some(backend) = Backend::postgres().await {
                agree(&backend, document, &steps, batch).await;
                backend.drop().await;
            }
        });
    });
}
