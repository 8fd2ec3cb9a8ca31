//! Images and orders: whatever comes first, however often, and through however many processes, they end up in the same
//! place.

use crate::backend::{Backend, on_every_store, published, service};
use crate::requests::*;
use iris_model::enumeration::OrderStatus;
use iris_model::request::{Image, Order};
use iris_model::{ImageContext, IssueCode, Laterality, Organization};
use iris_orders::Orders;
use iris_rules::Snapshot;
use iris_rules::images::{
    BlobRef, Claims, DirectiveRecord, DirectiveState, ImageRecord, ImageStatus, ImageTask, ImageWork, Wait, image_id,
    settle,
};
use iris_rules::record::{OrderRecord, OrderRef, PatientRecord, PatientRef};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Something that arrives.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Arrival {
    Order(usize),
    Image(usize),
}

const ORDERS: usize = 4;

/// Name, accession number, patient, study, and the image's own eye.
type Sample = (&'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>, Option<Laterality>);

const IMAGES: [Sample; 11] = [
    ("a.jpg", None, None, None, None),
    ("b.jpg", None, None, None, Some(Laterality::Os)),
    ("c.jpg", None, None, None, Some(Laterality::Os)),
    ("d.dcm", Some("O2"), None, None, Some(Laterality::Od)),
    ("e.dcm", Some("O2"), Some("P2"), None, Some(Laterality::Os)),
    ("f.dcm", Some("O2"), Some("P8"), None, Some(Laterality::Os)),
    ("g.dcm", None, Some("P4"), None, Some(Laterality::Od)),
    ("h.dcm", None, None, Some("1.2.3"), Some(Laterality::Os)),
    ("i.jpg", None, None, None, Some(Laterality::Od)),
    ("k.dcm", None, Some("P9"), None, Some(Laterality::Od)),
    ("l.dcm", Some("O2"), None, None, None),
];

fn directive(request: Request, file_name: &str, laterality: Laterality) -> Request {
    let mut request = request.image(file_name);
    let images = &mut request.request.camera.as_mut().unwrap().images;
    let image: &mut Image = images.last_mut().unwrap();
    image.laterality = Some(laterality);
    image.local_id = Some(format!("L-{file_name}"));
    request
}

fn order_of(number: usize) -> Request {
    let request = new_order(&format!("O{}", number + 1), &format!("P{}", number + 1));
    match number {
        0 => directive(directive(request, "a.jpg", Laterality::Od), "b.jpg", Laterality::Os),
        2 => {
            let mut request = directive(request, "c.jpg", Laterality::Od);
            request.request.order.as_mut().unwrap().single_eye_only = Some(true);
            request
        }
        3 => {
            let mut request = request;
            request.request.order.as_mut().unwrap().study_instance_unique_id = Some("1.2.3".into());
            request
        }
        _ => request,
    }
}

fn blob(organization: &Organization, file_name: &str) -> BlobRef {
    BlobRef {
        organization: organization.client_guid,
        container: organization.images_container(),
        file_name: file_name.to_owned(),
    }
}

fn image(organization: &Organization, (file_name, accession, patient, study, laterality): Sample) -> ImageRecord {
    let blob = blob(organization, file_name);
    let now = Timestamp::now();
    let text = |text: Option<&str>| text.map(str::to_owned);
    ImageRecord {
        id: image_id(&blob, file_name.as_bytes()),
        iris_id: 0,
        version: 0,
        blob,
        received_at: now,
        size: 1_000,
        format: "JPG".into(),
        archive: format!("acme/images/{file_name}"),
        claims: Claims {
            accession: text(accession),
            patient: text(patient),
            study: text(study),
            device: Some("C1".into()),
            laterality,
            taken: None,
        },
        status: ImageStatus::Waiting,
        reason: None,
        defect: None,
        order: None,
        laterality: None,
        context: ImageContext::Unknown,
        local_id: None,
        wait: Wait::starting(now, organization.image_patience_seconds),
        details: "{}".into(),
    }
}

/// An image linked to this order, one that waits for an order, and one that was quarantined; their patience is over.
pub(crate) fn one_of_each_status(order: i64) -> Vec<Arc<ImageRecord>> {
    let organization = organization();
    let statuses = [ImageStatus::Linked, ImageStatus::Waiting, ImageStatus::Quarantined];
    let images = (1..).zip(["linked.jpg", "waiting.jpg", "aside.jpg"]).zip(statuses).map(|((number, name), status)| {
        let mut image = image(&organization, (name, None, None, None, None));
        image.iris_id = number;
        image.wait.give_up_at = image.received_at;
        Arc::new(ImageRecord { status, order: (status == ImageStatus::Linked).then_some(order), ..image })
    });
    images.collect()
}

fn arrived(organization: &Arc<Organization>, sample: Sample) -> ImageWork {
    let task = ImageTask::Arrived(Box::new(image(organization, sample)));
    ImageWork { organization: Arc::clone(organization), task }
}

async fn submit(orders: &Orders, organization: &Arc<Organization>, arrival: Arrival, repetition: u128) {
    match arrival {
        Arrival::Order(number) => {
            let message = order_of(number).message(organization, number as u128 + 1 + 100 * repetition);
            orders.submit(message).await.unwrap();
        }
        Arrival::Image(number) => drop(orders.image(arrived(organization, IMAGES[number])).await.unwrap()),
    }
}

/// What the sweep does, for everything that waits, due or not.
async fn look_after_all(orders: &Orders, organization: &Arc<Organization>) {
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    for image in orders.store().images_due(later, 1_000).await.unwrap() {
        let task = ImageTask::Waiting(Box::new(image));
        orders.image(ImageWork { organization: Arc::clone(organization), task }).await.unwrap();
    }
    for (_, directive) in orders.store().directives_due(later, 1_000).await.unwrap() {
        let task = ImageTask::Missing { directive, blob_exists: false };
        orders.image(ImageWork { organization: Arc::clone(organization), task }).await.unwrap();
    }
}

/// The comparable parts of an image: order, eye, reason, local id.
type Place = (Option<String>, Option<Laterality>, Option<IssueCode>, Option<String>);

#[derive(Debug, PartialEq)]
struct End {
    images: BTreeMap<String, Place>,
    orders: BTreeMap<String, OrderStatus>,
}

async fn end(orders: &Orders, organization: &Arc<Organization>) -> End {
    let store = orders.store();
    let page = store.orders(organization.client_guid, None, 100).await.unwrap().items;
    let mut images = BTreeMap::new();
    for order in &page {
        for image in store.images_of(order.id).await.unwrap() {
            assert_eq!(image.status, ImageStatus::Linked);
            let place = (Some(order.local_id.clone()), image.laterality, image.reason, image.local_id);
            assert!(images.insert(image.blob.file_name, place).is_none(), "an image in two places");
        }
    }
    for image in store.unlinked_images(organization.client_guid, 100).await.unwrap() {
        let place = (None, image.laterality, image.reason, image.local_id);
        assert!(images.insert(image.blob.file_name, place).is_none(), "an image in two places");
    }
    End { images, orders: page.into_iter().map(|order| (order.local_id, order.status)).collect() }
}

fn expected() -> End {
    let linked = |order: &str, eye, local_id: Option<&str>| {
        (Some(order.to_owned()), Some(eye), None, local_id.map(str::to_owned))
    };
    let waits = |code| (None, None, Some(code), None);
    let images = [
        ("a.jpg", linked("O1", Laterality::Od, Some("L-a.jpg"))),
        ("b.jpg", linked("O1", Laterality::Os, Some("L-b.jpg"))),
        ("c.jpg", waits(IssueCode::ImageEyeMismatch)),
        ("d.dcm", linked("O2", Laterality::Od, None)),
        ("e.dcm", linked("O2", Laterality::Os, None)),
        ("f.dcm", waits(IssueCode::PatientMismatch)),
        ("g.dcm", linked("O4", Laterality::Od, None)),
        ("h.dcm", linked("O4", Laterality::Os, None)),
        ("i.jpg", waits(IssueCode::ImageUnidentified)),
        ("k.dcm", waits(IssueCode::ImageUnmatched)),
        ("l.dcm", waits(IssueCode::ImageEyeUnknown)),
    ];
    let queued = OrderStatus::QueuedForGrading;
    let orders = [("O1", queued), ("O2", queued), ("O3", OrderStatus::AwaitingImages), ("O4", queued)];
    End {
        images: images.into_iter().map(|(name, place)| (name.to_owned(), place)).collect(),
        orders: orders.into_iter().map(|(name, status)| (name.to_owned(), status)).collect(),
    }
}

/// One receipt for each image that was linked, one for the directive that contradicts its image, and one
/// ReadyForGradingEvent per order.
fn check_events(bodies: &[serde_json::Value]) {
    let of = |kind: &str| bodies.iter().filter(|body| body["ResultObjectType"] == kind).collect::<Vec<_>>();
    let receipts = of("ImageReceipt");
    let mut linked: Vec<&str> = receipts
        .iter()
        .filter(|body| body["Success"] == true)
        .map(|body| body["OrderLocalId"].as_str().unwrap())
        .collect();
    linked.sort_unstable();
    assert_eq!(linked, ["O1", "O1", "O2", "O2", "O4", "O4"]);
    let failed: Vec<_> = receipts.iter().filter(|body| body["Success"] == false).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!((failed[0]["OrderLocalId"].as_str(), failed[0]["ImageLocalId"].as_str()), (Some("O3"), Some("L-c.jpg")));
    let mut ready: Vec<&str> =
        of("ReadyForGradingEvent").iter().map(|body| body["OrderLocalId"].as_str().unwrap()).collect();
    ready.sort_unstable();
    assert_eq!(ready, ["O1", "O2", "O4"]);
}

fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let all: Vec<Arrival> = (0..ORDERS).map(Arrival::Order).chain((0..IMAGES.len()).map(Arrival::Image)).collect();
    let again = proptest::sample::subsequence(all.clone(), 0..all.len());
    again.prop_flat_map(move |again| Just([all.clone(), again].concat()).prop_shuffle())
}

async fn in_this_order(backend: &Backend, arrivals: &[Arrival]) {
    let organization = Arc::new(organization());
    let (orders, recorder) = service(backend).await;
    for (number, arrival) in (0u128..).zip(arrivals) {
        // An order is redelivered as the same message, or sent again as a new one.
        submit(&orders, &organization, *arrival, number % 2).await;
    }
    look_after_all(&orders, &organization).await;
    assert_eq!(end(&orders, &organization).await, expected());
    published(&orders).await;
    check_events(&recorder.bodies());
    // Whatever arrives again, nothing more happens.
    let before = recorder.ids().len();
    for arrival in arrivals.iter().filter(|arrival| matches!(arrival, Arrival::Image(_))) {
        submit(&orders, &organization, *arrival, 0).await;
    }
    look_after_all(&orders, &organization).await;
    published(&orders).await;
    assert_eq!(recorder.ids().len(), before);
    orders.close().await;
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cases = |cases| ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(cases(32), |(arrivals in arrivals())| {
        runtime.block_on(in_this_order(&Backend::sqlite(), &arrivals));
    });
    proptest!(cases(8), |(arrivals in arrivals())| {
        runtime.block_on(async {
            if let Some(backend) = Backend::postgres().await {
                in_this_order(&backend, &arrivals).await;
                backend.drop().await;
            }
        });
    });
}

/// Two processes at once: the sweep finds what missed each other in a race.
async fn races(backend: &Backend) {
    let organization = Arc::new(organization());
    let (one, first) = service(backend).await;
    let (two, second) = service(backend).await;
    let all: Vec<Arrival> = (0..IMAGES.len()).map(Arrival::Image).chain((0..ORDERS).map(Arrival::Order)).collect();
    let mut work = tokio::task::JoinSet::new();
    for (number, arrival) in all.iter().chain(&all).enumerate() {
        let (orders, organization, arrival) =
            (if number % 2 == 0 { one.clone() } else { two.clone() }, Arc::clone(&organization), *arrival);
        work.spawn(async move { submit(&orders, &organization, arrival, 0).await });
    }
    while let Some(done) = work.join_next().await {
        done.unwrap();
    }
    look_after_all(&one, &organization).await;
    look_after_all(&two, &organization).await;
    assert_eq!(end(&one, &organization).await, expected());
    published(&one).await;
    let bodies = [first.bodies(), second.bodies()].concat();
    check_events(&bodies);
    one.close().await;
    two.close().await;
}

async fn patience_ends(backend: &Backend) {
    let mut document = organization();
    document.image_patience_seconds = 0;
    let organization = Arc::new(document);
    let (orders, recorder) = service(backend).await;
    let lost = orders.image(arrived(&organization, IMAGES[9])).await.unwrap();
    assert!(lost.is_new && lost.given_up.is_none());
    orders.submit(order_of(0).message(&organization, 1)).await.unwrap();
    look_after_all(&orders, &organization).await;
    published(&orders).await;
    let failed: Vec<_> = recorder
        .bodies()
        .into_iter()
        .filter(|body| body["Success"] == false)
        .map(|body| body["ErrorMessage"].as_str().unwrap().split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(failed, ["[image-unmatched]", "[image-missing]", "[image-missing]"]);
    // Nothing waits any more, yet what comes late is still linked.
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    assert_eq!(orders.store().images_due(later, 10).await.unwrap().len(), 0);
    assert_eq!(orders.store().directives_due(later, 10).await.unwrap().len(), 0);
    for sample in &IMAGES[..2] {
        orders.image(arrived(&organization, *sample)).await.unwrap();
    }
    orders.submit(new_order("O9", "P9").message(&organization, 2)).await.unwrap();
    let end = end(&orders, &organization).await;
    assert_eq!(end.orders["O1"], OrderStatus::QueuedForGrading);
    assert_eq!(end.images["k.dcm"].0.as_deref(), Some("O9"));
    orders.close().await;
}

async fn images_stay_with_their_exam(backend: &Backend) {
    let organization = Arc::new(organization());
    let (orders, _) = service(backend).await;
    orders.submit(order_of(1).message(&organization, 1)).await.unwrap();
    orders.image(arrived(&organization, IMAGES[3])).await.unwrap();
    // A change of site cancels and recreates the order; the image goes with it.
    orders.submit(change("O2").site("S2").message(&organization, 2)).await.unwrap();
    let page = orders.store().orders(organization.client_guid, None, 10).await.unwrap().items;
    let newest = page.iter().max_by_key(|order| order.id).unwrap();
    assert_eq!((page.len(), newest.site.as_str()), (2, "S2"));
    assert_eq!(orders.store().images_of(newest.id).await.unwrap().len(), 1);
    orders.image(arrived(&organization, IMAGES[4])).await.unwrap();
    assert_eq!(end(&orders, &organization).await.images["e.dcm"].0.as_deref(), Some("O2"));
    let detail = orders.store().order(newest.id).await.unwrap().unwrap();
    assert_eq!(detail.summary.status, OrderStatus::QueuedForGrading);
    orders.close().await;
}

async fn organizations_never_meet(backend: &Backend) {
    let (one, other) = (Arc::new(organization()), Arc::new(other_organization(7)));
    let (orders, _) = service(backend).await;
    orders.submit(order_of(1).message(&one, 1)).await.unwrap();
    orders.submit(order_of(0).message(&one, 2)).await.unwrap();
    // Another organization's images with the same names and ids, and one of its orders that names the first
    // organization's container.
    for sample in IMAGES {
        orders.image(arrived(&other, sample)).await.unwrap();
    }
    orders.submit(directive(new_order("O7", "P7"), "a.jpg", Laterality::Od).message(&other, 3)).await.unwrap();
    let foreign = end(&orders, &other).await;
    assert!(foreign.images.values().all(|place| place.0.is_none()), "{foreign:?}");
    assert!(end(&orders, &one).await.images.is_empty());
    let detail = orders.store().orders(other.client_guid, None, 10).await.unwrap().items;
    let due = orders.store().directives_due(Timestamp::now() + SignedDuration::from_hours(1), 10).await.unwrap();
    assert!(due.iter().all(|(_, directive)| directive.order != detail[0].id), "a foreign container is not waited for");
    orders.close().await;
}

async fn a_name_used_again_is_not_believed(backend: &Backend) {
    let organization = Arc::new(organization());
    let (orders, recorder) = service(backend).await;
    orders.submit(order_of(0).message(&organization, 1)).await.unwrap();
    orders.image(arrived(&organization, IMAGES[0])).await.unwrap();
    let mut again = image(&organization, IMAGES[0]);
    again.id = image_id(&again.blob, b"other bytes");
    let id = again.id;
    let task = ImageTask::Arrived(Box::new(again));
    let work = ImageWork { organization: Arc::clone(&organization), task };
    let answer = orders.image(work.clone()).await.unwrap().image.unwrap();
    assert_eq!((answer.status, answer.reason), (ImageStatus::Waiting, Some(IssueCode::ImageUnidentified)));
    // The resent directive says that it belongs to the same order.
    let mut resent = order_of(0);
    resent.request.order.as_mut().unwrap().evaluation_types.clear();
    let mut change = change("O1");
    change.request.camera = resent.request.camera;
    change.request.order.as_mut().unwrap().additional_info = Some("a better picture".into());
    orders.submit(change.message(&organization, 2)).await.unwrap();
    let page = orders.store().orders(organization.client_guid, None, 10).await.unwrap().items;
    let images = orders.store().images_of(page[0].id).await.unwrap();
    assert!(images.len() == 2 && images.iter().any(|image| image.id == id), "{images:?}");
    published(&orders).await;
    let receipts = recorder.bodies().iter().filter(|body| body["ResultObjectType"] == "ImageReceipt").count();
    assert_eq!(receipts, 2);
    orders.close().await;
}

on_every_store!(
    races,
    patience_ends,
    images_stay_with_their_exam,
    organizations_never_meet,
    a_name_used_again_is_not_believed,
);

/// A snapshot with one order in this state, whose directive names `a.jpg`.
fn known(organization: &Organization, status: OrderStatus) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let key = PatientRef { organization: organization.client_guid, site: Some(local("S1")), local_id: local("P1") };
    let created_at = Timestamp::UNIX_EPOCH;
    snapshot.put_patient(PatientRecord { id: 1, key, details: "{}".into(), version: 1, created_at });
    let request = iris_model::OrderRequest { order: Some(Order::default()), ..Default::default() };
    snapshot.put_order(OrderRecord {
        id: 5,
        key: OrderRef { organization: organization.client_guid, local_id: local("O1") },
        current: true,
        patient: 1,
        site: local("S1"),
        state: "TX".into(),
        camera: None,
        evaluation_types: Vec::new(),
        status,
        scope: organization.open_order_scope,
        images: 0,
        fingerprint: uuid::Uuid::nil(),
        content: Some(iris_rules::content::of_order(&request)),
        version: 1,
        created_at,
    });
    snapshot.images.put_directives(
        5,
        vec![DirectiveRecord {
            order: 5,
            ordinal: 0,
            container: organization.images_container(),
            file_name: "a.jpg".into(),
            details: r#"{"Laterality":"OU"}"#.into(),
            version: 1,
            state: DirectiveState::Pending,
            wait: Wait::starting(created_at, 60),
        }],
    );
    snapshot
}

#[test]
fn an_image_of_a_graded_order_is_added_late() {
    let organization = organization();
    for status in [OrderStatus::Graded, OrderStatus::Complete] {
        let mut snapshot = known(&organization, status);
        let mut arrived = image(&organization, IMAGES[0]);
        arrived.iris_id = 9;
        snapshot.images.put_image(arrived.clone());
        let effects = settle(5, &mut snapshot, &organization, Timestamp::now()).unwrap();
        assert_eq!(effects.events.len(), 1, "linked, and nothing to grade");
        let linked = snapshot.images.image(arrived.id).unwrap();
        assert_eq!((linked.order, linked.context), (Some(5), ImageContext::AddedLate));
        assert_eq!(snapshot.order_by_id(5).unwrap().status, status);
        let again = settle(5, &mut snapshot, &organization, Timestamp::now()).unwrap();
        assert_eq!(again, iris_rules::images::Effects::default());
    }
}

#[test]
fn a_cancelled_order_takes_no_images() {
    let organization = organization();
    let mut snapshot = known(&organization, OrderStatus::OrderCancelled);
    snapshot.images.put_image(image(&organization, IMAGES[0]));
    assert_eq!(
        settle(5, &mut snapshot, &organization, Timestamp::now()).unwrap(),
        iris_rules::images::Effects::default()
    );
}
