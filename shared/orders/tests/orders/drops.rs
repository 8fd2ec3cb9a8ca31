//! Drops: epochs, batches, resuming, lines.

use crate::backend::{Backend, on_every_store, published, service};
use crate::requests::*;
use iris_model::receipt::EarlierRow;
use iris_model::{Issue, IssueCode, Organization, OutcomeKind, RowIssue, RowLine};
use iris_orders::Orders;
use iris_rules::{Answer, Incoming, Refusal};
use iris_store::Error;
use iris_store::drops::{DropFinish, DropStatus, NewDrop, RowDetail, drop_id};
use jiff::Timestamp;
use std::sync::Arc;
use uuid::Uuid;

on_every_store!(
    a_drop_is_loaded_and_told_line_by_line,
    a_batch_is_done_once,
    a_row_that_takes_the_place_of_another_names_both,
    who_lost_the_drop_commits_nothing,
    a_drop_resumes_where_it_stopped,
    late_parents_are_pending_until_they_are_done,
    the_end_of_a_drop_is_final,
    a_refused_drop_is_recorded,
    concurrent_batches_about_the_same_patient_keep_their_order,
    failed_rows_keep_their_cells_and_columns,
    who_lost_the_drop_refuses_nothing,
    a_drop_that_is_being_loaded_is_not_taken_for_abandoned,
    a_drop_resumes_by_rows_whatever_its_batches,
);

fn new_drop(organization: &Organization, name: &str) -> NewDrop {
    NewDrop {
        id: drop_id("acme-drops", name, "0x1"),
        organization: organization.client_guid,
        container: "acme-drops".into(),
        name: name.into(),
        etag: "0x1".into(),
        size: 4711,
        received_at: Timestamp::now(),
    }
}

fn row(acme: &Arc<Organization>, drop: Uuid, number: u32, request: Request) -> (Incoming, RowDetail) {
    let detail = RowDetail {
        row: number,
        cells: [format!("cell-{number}").as_str()].into_iter().collect(),
        ..RowDetail::default()
    };
    (request.row(acme, drop, number), detail)
}

fn rows(acme: &Arc<Organization>, drop: Uuid, numbers: std::ops::Range<u32>) -> Vec<(Incoming, RowDetail)> {
    numbers.map(|number| row(acme, drop, number, new_order(&format!("O{number}"), &format!("P{number}")))).collect()
}

async fn all_lines(orders: &Orders, drop: Uuid) -> Vec<RowLine> {
    let (mut lines, mut after) = (Vec::new(), None);
    while let Some((number, batch)) = orders.read_lines(drop, after).await.unwrap() {
        lines.extend(batch);
        after = Some(number);
    }
    lines
}

fn loaded() -> DropFinish {
    DropFinish { status: DropStatus::Loaded, issues: Vec::new(), at: Timestamp::now() }
}

fn refused(issues: Vec<Issue>) -> DropFinish {
    DropFinish { status: DropStatus::Refused, issues, at: Timestamp::now() }
}

fn kinds(answers: &[Answer]) -> Vec<OutcomeKind> {
    answers.iter().map(|answer| answer.outcome().unwrap().kind).collect()
}

async fn a_drop_is_loaded_and_told_line_by_line(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "a.csv");
    let state = orders.begin_drop(&drop).await.unwrap();
    assert_eq!((state.status, state.done.len(), state.pending.len()), (DropStatus::Loading, 0, 0));
    let lease = state.lease.unwrap();
    for (number, numbers) in [(0, 2..302), (1, 302..602), (2, 602..650)] {
        let answers = orders.submit_rows(&lease, number, rows(&acme, drop.id, numbers)).await.unwrap();
        assert!(kinds(&answers).iter().all(|kind| *kind == OutcomeKind::Created));
    }
    orders.finish_drop(&lease, &loaded()).await.unwrap();
    let lines = all_lines(&orders, drop.id).await;
    assert_eq!(lines.iter().map(|line| line.row).collect::<Vec<_>>(), (2..650).collect::<Vec<_>>());
    assert!(lines.iter().all(|line| line.cells.is_none() && line.iris_order_id.is_some()));
    let summary = orders.store().drop_summary(drop.id).await.unwrap().unwrap();
    assert_eq!((summary.status, summary.totals.rows(), summary.size), (DropStatus::Loaded, 648, 4711));
    assert!(summary.finished_at.is_some());
    assert_eq!(orders.store().drops(Some(acme.client_guid), 10).await.unwrap(), [summary]);
    published(&orders).await;
    assert_eq!(recorder.ids().len(), 648);
    orders.close().await;
}

async fn a_batch_is_done_once(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "a.csv");
    let lease = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    let mut batch = rows(&acme, drop.id, 2..12);
    batch.push(row(&acme, drop.id, 12, cancel("nowhere")));
    batch.push(row(&acme, drop.id, 13, resend("O2")));
    let first = orders.submit_rows(&lease, 0, batch.clone()).await.unwrap();
    let again = orders.submit_rows(&lease, 0, batch).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(first[10], Answer::NotYet);
    assert_eq!(orders.store().counts(None).await.unwrap().patients, 10);
    assert_eq!(all_lines(&orders, drop.id).await.len(), 11);
    orders.close().await;
}

async fn a_row_that_takes_the_place_of_another_names_both(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "a.csv");
    let lease = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    let mut batch = rows(&acme, drop.id, 7..8);
    for (number, earlier) in [(8, EarlierRow::new(7, "O7")), (9, EarlierRow::new(7, "O7"))] {
        let (incoming, detail) = row(&acme, drop.id, number, new_order(&format!("O{number}"), "P7"));
        batch.push((incoming, RowDetail { earlier: Some(earlier), ..detail }));
    }
    orders.submit_rows(&lease, 0, batch).await.unwrap();
    let lines = all_lines(&orders, drop.id).await;
    let message = |line: usize| lines[line].issues[0].issue.message.to_string();
    assert!(message(1).contains("Row 8 takes the place of row 7") && message(1).contains("O7"), "{}", message(1));
    assert!(message(2).contains("open order O8 was cancelled"), "row 7 is not the one it replaces: {}", message(2));
    orders.close().await;
}

async fn who_lost_the_drop_commits_nothing(backend: &Backend) {
    let (one, first) = service(backend).await;
    let (two, second) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "a.csv");
    let old = one.begin_drop(&drop).await.unwrap().lease.unwrap();
    one.submit_rows(&old, 0, rows(&acme, drop.id, 2..10)).await.unwrap();
    let new = two.begin_drop(&drop).await.unwrap().lease.unwrap();
    assert!(new.epoch > old.epoch);
    assert!(matches!(one.submit_rows(&old, 1, rows(&acme, drop.id, 10..20)).await, Err(Error::LostDrop)));
    assert!(matches!(one.finish_drop(&old, &loaded()).await, Err(Error::LostDrop)));
    two.submit_rows(&new, 1, rows(&acme, drop.id, 10..20)).await.unwrap();
    two.finish_drop(&new, &loaded()).await.unwrap();
    published(&two).await;
    assert_eq!((first.ids().len(), second.ids().len()), (8, 10));
    assert_eq!(all_lines(&two, drop.id).await.len(), 18);
    one.close().await;
    two.close().await;
}

async fn a_drop_resumes_where_it_stopped(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "a.csv");
    let lease = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    orders.submit_rows(&lease, 0, rows(&acme, drop.id, 2..10)).await.unwrap();
    orders.submit_rows(&lease, 2, rows(&acme, drop.id, 20..30)).await.unwrap();
    orders.close().await;

    let (orders, _) = service(backend).await;
    let state = orders.begin_drop(&drop).await.unwrap();
    assert_eq!(state.done.iter().copied().collect::<Vec<_>>(), [0, 2]);
    assert_eq!(state.totals.rows(), 18);
    assert_eq!(state.first_seen.as_microsecond(), drop.received_at.as_microsecond());
    let lease = state.lease.unwrap();
    orders.submit_rows(&lease, 1, rows(&acme, drop.id, 10..20)).await.unwrap();
    orders.finish_drop(&lease, &loaded()).await.unwrap();
    let numbers: Vec<u32> = all_lines(&orders, drop.id).await.iter().map(|line| line.row).collect();
    assert_eq!(numbers, (2..30).collect::<Vec<_>>());
    orders.close().await;
}

async fn late_parents_are_pending_until_they_are_done(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "a.csv");
    let lease = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    let early = vec![
        row(&acme, drop.id, 2, cancel("O9")),
        row(&acme, drop.id, 3, change("O8")),
        row(&acme, drop.id, 4, new_order("O4", "P4")),
    ];
    let answers = orders.submit_rows(&lease, 0, early).await.unwrap();
    assert_eq!((&answers[0], &answers[1]), (&Answer::NotYet, &Answer::NotYet));
    orders.submit_rows(&lease, 1, vec![row(&acme, drop.id, 9, new_order("O9", "P9"))]).await.unwrap();

    let state = orders.begin_drop(&drop).await.unwrap();
    assert_eq!(state.pending, [2, 3]);
    let lease = state.lease.unwrap();
    let again = vec![row(&acme, drop.id, 2, cancel("O9")), row(&acme, drop.id, 3, change("O8"))];
    let answers = orders.submit_rows(&lease, 1_000_000, again).await.unwrap();
    assert_eq!(answers[0].outcome().unwrap().kind, OutcomeKind::Cancelled);
    assert_eq!(answers[1], Answer::NotYet);
    let state = orders.begin_drop(&drop).await.unwrap();
    assert_eq!(state.pending, [3]);
    let (late, detail) = row(&acme, drop.id, 3, change("O8"));
    let answers =
        orders.submit_rows(&state.lease.unwrap(), 1_000_001, vec![(out_of_patience(late), detail)]).await.unwrap();
    assert_eq!(answers[0].outcome().unwrap().issues[0].code, IssueCode::UnknownOrder);
    assert!(orders.begin_drop(&drop).await.unwrap().pending.is_empty());
    let mut numbers: Vec<u32> = all_lines(&orders, drop.id).await.iter().map(|line| line.row).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3, 4, 9]);
    orders.close().await;
}

async fn the_end_of_a_drop_is_final(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "a.csv");
    let lease = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    let broken = DropFinish {
        status: DropStatus::Broken,
        issues: vec![Issue::error(IssueCode::UnreadableFile, "", "The file ends in the middle.")],
        at: Timestamp::now(),
    };
    orders.finish_drop(&lease, &broken).await.unwrap();
    orders.finish_drop(&lease, &broken).await.unwrap();
    assert!(matches!(orders.submit_rows(&lease, 0, rows(&acme, drop.id, 2..4)).await, Err(Error::LostDrop)));
    let state = orders.begin_drop(&drop).await.unwrap();
    assert!(state.lease.is_none());
    assert_eq!(state.status, DropStatus::Broken);
    assert!(matches!(orders.finish_drop(&lease, &refused(Vec::new())).await, Err(Error::LostDrop)));
    let summary = orders.store().drop_summary(drop.id).await.unwrap().unwrap();
    assert_eq!((summary.status, summary.issues), (DropStatus::Broken, broken.issues));
    assert_eq!(orders.store().counts(None).await.unwrap().patients, 0);
    orders.close().await;
}

async fn a_refused_drop_is_recorded(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "scan.pdf");
    let issues = [Issue::error(IssueCode::UnsupportedFormat, "", "A PDF cannot be loaded.")];
    let lease = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    orders.finish_drop(&lease, &refused(issues.to_vec())).await.unwrap();
    let state = orders.begin_drop(&drop).await.unwrap();
    assert!(state.lease.is_none());
    assert_eq!(state.status, DropStatus::Refused);
    let listed = orders.store().drops(None, 10).await.unwrap();
    assert_eq!((listed.len(), &listed[0].issues[..]), (1, &issues[..]));
    assert!(orders.store().drop_summary(Uuid::from_u128(1)).await.unwrap().is_none());
    orders.close().await;
}

async fn who_lost_the_drop_refuses_nothing(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "a.csv");
    let old = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    let new = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    assert!(matches!(orders.finish_drop(&old, &refused(Vec::new())).await, Err(Error::LostDrop)));
    orders.submit_rows(&new, 0, rows(&acme, drop.id, 2..4)).await.unwrap();
    orders.finish_drop(&new, &loaded()).await.unwrap();
    orders.close().await;
}

async fn a_drop_that_is_being_loaded_is_not_taken_for_abandoned(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    // With the precision with which it is stored.
    let began = Timestamp::from_microsecond(Timestamp::now().as_microsecond()).unwrap();
    let drop = NewDrop { received_at: began, ..new_drop(&acme, "a.csv") };
    let lease = orders.begin_abandoned_drop(&drop, began).await.unwrap().lease.unwrap();
    // Nobody else took it, so its holder goes on.
    let state = orders.begin_abandoned_drop(&drop, began).await.unwrap();
    assert!(state.lease.is_none());
    assert_eq!(state.status, DropStatus::Loading);
    orders.submit_rows(&lease, 0, rows(&acme, drop.id, 2..4)).await.unwrap();
    // Its latest batch is also a sign of life.
    let committed = Timestamp::now();
    let first_batch_at = began.checked_add(jiff::SignedDuration::from_micros(1)).unwrap();
    assert!(orders.begin_abandoned_drop(&drop, first_batch_at).await.unwrap().lease.is_none());
    let later = NewDrop { received_at: committed, ..drop.clone() };
    let silent = committed.checked_add(jiff::SignedDuration::from_secs(1)).unwrap();
    let taken = orders.begin_abandoned_drop(&later, silent).await.unwrap().lease.unwrap();
    assert!(taken.epoch > lease.epoch);
    assert!(matches!(orders.submit_rows(&lease, 1, rows(&acme, drop.id, 4..6)).await, Err(Error::LostDrop)));
    orders.finish_drop(&taken, &loaded()).await.unwrap();
    assert!(orders.begin_abandoned_drop(&later, silent).await.unwrap().lease.is_none());
    orders.close().await;
}

async fn a_drop_resumes_by_rows_whatever_its_batches(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "a.csv");
    let lease = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    orders.submit_rows(&lease, 2, rows(&acme, drop.id, 2..10)).await.unwrap();
    orders.submit_rows(&lease, 20, rows(&acme, drop.id, 20..30)).await.unwrap();
    let state = orders.begin_drop(&drop).await.unwrap();
    let done: Vec<u32> = (0..40).filter(|row| state.rows.contains(*row)).collect();
    assert_eq!(done, (2..10).chain(20..30).collect::<Vec<_>>());
    orders.close().await;
}

async fn concurrent_batches_about_the_same_patient_keep_their_order(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "a.csv");
    let lease = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    let batch = |number: u32| vec![row(&acme, drop.id, number + 2, new_order(&format!("O{number}"), "P1"))];
    let submissions = (0..12).map(|number| orders.submit_rows(&lease, number, batch(number)));
    let answers = futures::future::join_all(submissions).await;
    assert!(answers.iter().all(|answer| kinds(answer.as_ref().unwrap()) == [OutcomeKind::Created]));
    let listed = orders.store().orders(acme.client_guid, None, 100).await.unwrap().items;
    let open: Vec<_> =
        listed.iter().filter(|order| order.status.is_open()).map(|order| order.local_id.as_str()).collect();
    assert_eq!(open, ["O11"]);
    orders.close().await;
}

async fn failed_rows_keep_their_cells_and_columns(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let drop = new_drop(&acme, "a.csv");
    let lease = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    let lease = lease.with_columns(Arc::new(|path| (path == "Site.LocalId").then(|| (4, "Clinic".to_owned()))));
    let bad_date = Issue::error(IssueCode::BadDate, "Patient.Dob", "Not a date.");
    let (mut refused, mut detail) = row(&acme, drop.id, 3, new_order("O3", "P3"));
    refused.request = Err(Refusal { issues: vec![bad_date.clone()], ..Refusal::default() });
    detail.issues = vec![RowIssue { column: Some(7), header: Some("Born".into()), issue: bad_date }];
    let batch = vec![row(&acme, drop.id, 2, new_order("O2", "P2").site("nowhere")), (refused, detail)];
    orders.submit_rows(&lease, 0, batch).await.unwrap();
    let lines = all_lines(&orders, drop.id).await;
    let places: Vec<_> =
        lines.iter().map(|line| (line.issues.len(), line.issues[0].column, line.issues[0].header.as_deref())).collect();
    assert_eq!(places, [(1, Some(4), Some("Clinic")), (1, Some(7), Some("Born"))]);
    assert_eq!(lines[0].cells.as_deref(), Some(&["cell-2".to_owned()][..]));
    orders.close().await;
}
