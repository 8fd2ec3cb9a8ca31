//! Tests of operators' actions and the retention timer, on every store.

use crate::backend::{Backend, Recorder, eventually, on_every_store, options, service};
use crate::requests::*;
use iris_model::{Issue, IssueCode, Organization};
use iris_orders::{Options, Orders, Publisher};
use iris_rules::retention::{Kind, Prune};
use iris_rules::{Incoming, Refusal};
use iris_store::audit::{AuditEntry, AuditSearch};
use iris_store::drops::{DropFinish, DropStatus, NewDrop, RowDetail, drop_id};
use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

on_every_store!(
    audit_rows_cannot_be_changed,
    operators_move_envelopes_and_it_is_audited,
    a_resubmission_is_linked_to_its_original,
    pruning_goes_by_kind_and_spares_what_is_open,
    drops_are_pruned_lines_first,
);

pub(crate) fn entry(action: &str, subject: &str) -> AuditEntry {
    AuditEntry {
        at: Timestamp::now(),
        organization: Some(organization().client_guid),
        actor: "operator".into(),
        action: action.into(),
        subject: subject.into(),
        reason: "ticket 7".into(),
        details: serde_json::json!({ "n": 1 }),
    }
}

async fn actions(orders: &Orders) -> Vec<String> {
    let entries = orders.store().administration().audit_entries(&AuditSearch::default(), 100).await.unwrap();
    entries.into_iter().rev().map(|entry| format!("{} {}", entry.action, entry.subject)).collect()
}

/// Runs a statement on a separate connection, as anybody with the platform's login could. `Err` = the database refused.
async fn run(backend: &Backend, sql: &'static str) -> Result<u64, String> {
    let sql = AssertSqlSafe(sql);
    match backend {
        Backend::Sqlite(folder) => {
            let url = format!("sqlite:{}", folder.path().join("orders.db").display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.map(|done| done.rows_affected()).map_err(|e| e.to_string())
        }
        Backend::Postgres { server, database } => {
            let (base, _) = server.rsplit_once('/').unwrap();
            let mut connection = PgConnection::connect(&format!("{base}/{database}")).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.map(|done| done.rows_affected()).map_err(|e| e.to_string())
        }
    }
}

async fn audit_rows_cannot_be_changed(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let store = orders.store().administration();
    store.audit(&entry("orders.view", "100001")).await.unwrap();
    let mut other = entry("orders.view", "100002");
    other.actor = "somebody".into();
    let last = store.audit(&other).await.unwrap();
    let before = store.audit_entries(&AuditSearch::default(), 10).await.unwrap();
    assert_eq!(before.len(), 2);
    assert_eq!((before[0].id, before[0].actor.as_str(), before[0].details["n"].as_i64()), (last, "somebody", Some(1)));

    let mut attempts = vec![
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
        "INSERT INTO audit (id, at, actor, action, subject, reason, details) VALUES (1, 0, 'x', 'x', 'x', 'x', '{}')",
    ];
    match backend {
        Backend::Sqlite(_) => attempts.push(
            "INSERT OR REPLACE INTO audit (id, at, actor, action, subject, reason, details) \
                 VALUES (1, 0, 'x', 'x', 'x', 'x', '{}')",
        ),
        Backend::Postgres { .. } => attempts.push("TRUNCATE audit"),
    }
    for sql in attempts {
        assert!(run(backend, sql).await.is_err(), "{sql} was done");
    }
    assert_eq!(store.audit_entries(&AuditSearch::default(), 10).await.unwrap(), before);

    let by = AuditSearch { actor: Some("somebody".into()), ..AuditSearch::default() };
    assert_eq!(store.audit_entries(&by, 10).await.unwrap().len(), 1);
    let about = AuditSearch { subject: Some("100001".into()), ..AuditSearch::default() };
    assert_eq!(store.audit_entries(&about, 10).await.unwrap()[0].actor, "operator");
    let older = AuditSearch { before: Some(last), ..AuditSearch::default() };
    assert_eq!(store.audit_entries(&older, 10).await.unwrap().len(), 1);
    if matches!(backend, Backend::Postgres { .. }) {
        let forged = "INSERT INTO audit (at, actor, login, action, subject, reason, details) \
                          VALUES (0, 'x', 'forged', 'x', 'x', 'x', '{}')";
        run(backend, forged).await.unwrap();
        let entries = store.audit_entries(&AuditSearch::default(), 1).await.unwrap();
        assert!(!entries[0].login.is_empty() && entries[0].login != "forged", "{}", entries[0].login);
    }
    orders.close().await;
}

async fn operators_move_envelopes_and_it_is_audited(backend: &Backend) {
    let recorder = Arc::new(Recorder::default());
    // After its first try, an envelope waits longer than the test takes.
    let long = Duration::from_secs(600);
    let patient = Options { back_off: long, back_off_limit: long, ..options() };
    let orders = Orders::open(backend.open().await, Arc::clone(&recorder) as Arc<dyn Publisher>, patient);
    let acme = Arc::new(organization());
    recorder.set_down(true);
    orders.submit(new_order("O1", "P1").message(&acme, 1)).await.unwrap();
    let store = orders.store().administration();
    eventually("the first try", async || store.outbox_envelopes(10).await.unwrap()[0].attempts == 1).await;
    let waiting = store.outbox_envelopes(10).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].messages), (1, 1));
    let envelope = waiting[0].id;
    assert!(store.hasten(envelope, &entry("outbox.hasten", "1")).await.unwrap());
    assert!(!store.hasten(envelope + 1, &entry("outbox.hasten", "2")).await.unwrap());

    let parked = store.park_envelope(envelope, &entry("outbox.park", "1")).await.unwrap().unwrap();
    assert_eq!(store.park_envelope(envelope, &entry("outbox.park", "again")).await.unwrap(), None);
    assert_eq!(store.outbox_envelopes(10).await.unwrap(), []);
    assert_eq!(orders.store().parked(10).await.unwrap()[0].id, parked);

    assert!(!store.retry_parked(parked + 1, &entry("outbox.retry", "2")).await.unwrap());
    assert!(store.retry_parked(parked, &entry("outbox.retry", "1")).await.unwrap());
    assert_eq!(orders.store().parked(10).await.unwrap(), []);
    assert_eq!(store.outbox_envelopes(10).await.unwrap()[0].attempts, 0);
    let known = actions(&orders).await;
    assert_eq!(known, ["outbox.hasten 1", "outbox.park 1", "outbox.retry 1"]);

    recorder.set_down(false);
    orders.sweep(Timestamp::now()).await.unwrap();
    assert_eq!(recorder.ids().len(), 1);
    orders.close().await;
}

/// A message that was refused before the rules were applied.
fn refused(acme: &Arc<Organization>, number: u128) -> Incoming {
    let issues = vec![Issue::error(IssueCode::BadDate, "Patient.Dob", "is no date")];
    Incoming {
        request: Err(Refusal { issues, ..Refusal::default() }),
        body: Some(b"{}".as_slice().into()),
        ..new_order("R", "R").message(acme, number)
    }
}

async fn a_resubmission_is_linked_to_its_original(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let (original, again) = (refused(&acme, 1), new_order("O1", "P1").message(&acme, 2));
    let (first, second) = (original.id, again.id);
    orders.submit(original).await.unwrap();
    let store = orders.store().administration();
    assert_eq!(store.submission(first).await.unwrap().unwrap().issues[0].code, IssueCode::BadDate);
    assert_eq!(store.submission(second).await.unwrap(), None);

    for _ in 0..2 {
        store.link_resubmission(first, second, &entry("submissions.resubmit", "first")).await.unwrap();
    }
    let linked = store.resubmissions_of(first).await.unwrap();
    assert_eq!((linked.len(), linked[0].submission, linked[0].handled), (1, second, false));
    orders.submit(again).await.unwrap();
    assert!(store.resubmissions_of(first).await.unwrap()[0].handled);
    assert_eq!(store.original_of(second).await.unwrap(), Some(first));
    assert_eq!(store.original_of(first).await.unwrap(), None);
    assert_eq!(actions(&orders).await, ["submissions.resubmit first", "submissions.resubmit first"]);
    orders.close().await;
}

/// Prunes everything of a kind that has ended by now, batch by batch.
pub(crate) async fn prune(orders: &Orders, kind: Kind, limit: u32) -> Vec<u64> {
    let before = Timestamp::now() + SignedDuration::from_mins(1);
    let mut batches = Vec::new();
    loop {
        let prune = Prune { kind, before, limit, at: Timestamp::now() };
        match orders.store().administration().prune(&prune).await.unwrap() {
            0 => return batches,
            rows => batches.push(rows),
        }
    }
}

async fn pruning_goes_by_kind_and_spares_what_is_open(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    for number in 1..=5 {
        orders.submit(refused(&acme, number)).await.unwrap();
    }
    let open = new_order("open", "P1").message(&acme, 11);
    let open_id = open.id;
    orders.submit(open).await.unwrap();
    orders.submit(new_order("closed", "P2").message(&acme, 12)).await.unwrap();
    orders.submit(cancel("closed").message(&acme, 13)).await.unwrap();
    let old = Prune {
        kind: Kind::Bodies,
        before: Timestamp::now() - SignedDuration::from_hours(1),
        limit: 10,
        at: Timestamp::now(),
    };
    assert_eq!(orders.store().administration().prune(&old).await.unwrap(), 0, "too young");

    let body = refused(&acme, 1).id;
    assert!(orders.store().refused_body(body).await.unwrap().is_some());
    assert_eq!(prune(&orders, Kind::Bodies, 2).await, [2, 2, 1]);
    assert_eq!(orders.store().refused_body(body).await.unwrap(), None);
    let store = orders.store().administration();
    assert!(store.submission(body).await.unwrap().is_some(), "the record outlives its body");

    assert_eq!(prune(&orders, Kind::Submissions, 100).await, [7]);
    assert!(store.submission(open_id).await.unwrap().is_some(), "the record of an open order stays");
    let page = orders.store().orders(acme.client_guid, None, 10).await.unwrap();
    assert_eq!(page.items.len(), 2, "orders stay");

    let entries = store.audit_entries(&AuditSearch::default(), 10).await.unwrap();
    assert_eq!(entries.len(), 4);
    assert!(entries.iter().all(|entry| entry.actor == "retention" && entry.action == "prune"));
    assert_eq!((entries[0].subject.as_str(), entries[0].details["rows"].as_u64()), ("submissions", Some(7)));

    // Former contents of a closed order go; those of an open one stay.
    let mut changed = new_order("open", "P1");
    changed.code = iris_model::enumeration::OrderControlCode::Change;
    changed.request.patient.as_mut().unwrap().name.as_mut().unwrap().last = Some("Synthetic-changed".into());
    orders.submit(changed.message(&acme, 14)).await.unwrap();
    assert_eq!(prune(&orders, Kind::PatientHistory, 100).await, Vec::<u64>::new());
    assert_eq!(prune(&orders, Kind::OrderHistory, 100).await, Vec::<u64>::new());
    orders.submit(cancel("open").message(&acme, 15)).await.unwrap();
    assert_eq!(prune(&orders, Kind::PatientHistory, 100).await, [1]);
    let histories = prune(&orders, Kind::OrderHistory, 100).await;
    let order = orders.store().order(page.items[1].id).await.unwrap().unwrap();
    assert!(order.history.iter().all(|entry| entry.content.is_none()), "{histories:?}");
    assert!(!order.history.is_empty(), "what happened is still known");
    orders.close().await;
}

async fn drops_are_pruned_lines_first(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = |name: &str| NewDrop {
        id: drop_id("acme-drops", name, "0x1"),
        organization: acme.client_guid,
        container: "acme-drops".into(),
        name: name.into(),
        etag: "0x1".into(),
        size: 1,
        received_at: Timestamp::now(),
    };
    let rows = |id: Uuid, number: u32| {
        let detail = RowDetail { row: number, ..RowDetail::default() };
        vec![(new_order(&format!("O{number}"), &format!("P{number}")).row(&acme, id, number), detail)]
    };
    let (over, loading) = (drop("over.csv"), drop("loading.csv"));
    for (drop, number) in [(&over, 1), (&loading, 2)] {
        let lease = orders.begin_drop(drop).await.unwrap().lease.unwrap();
        orders.submit_rows(&lease, 0, rows(drop.id, number)).await.unwrap();
        if number == 1 {
            let finish = DropFinish { status: DropStatus::Loaded, issues: Vec::new(), at: Timestamp::now() };
            orders.finish_drop(&lease, &finish).await.unwrap();
        }
    }
    assert_eq!(prune(&orders, Kind::Lines, 100).await, [1]);
    assert_eq!(orders.read_lines(over.id, None).await.unwrap().unwrap().1, []);
    assert_eq!(orders.read_lines(loading.id, None).await.unwrap().unwrap().1.len(), 1);
    assert_eq!(orders.store().drop_summary(over.id).await.unwrap().unwrap().totals.rows(), 1, "totals stay");

    assert_eq!(prune(&orders, Kind::Drops, 100).await, [1]);
    assert_eq!(orders.store().drop_summary(over.id).await.unwrap(), None);
    assert!(orders.store().drop_summary(loading.id).await.unwrap().is_some());
    orders.close().await;
}
