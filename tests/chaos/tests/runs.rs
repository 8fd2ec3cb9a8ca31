//! Chaos runs, short enough for every test run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use futures::StreamExt;
use iris_chaos::plan::Shape;
use iris_chaos::{Place, Server};

/// At most this many runs at the same time; they mostly wait.
const TOGETHER: usize = 4;

async fn runs(server: Option<Server>, handlers: u8, seeds: std::ops::Range<u64>) {
    let shape = Shape { handlers, organizations: 2, orders: 6, rows: 20, server: server.is_some(), for_good: false };
    let place = Place { program: env!("CARGO_BIN_EXE_iris-chaos").into(), server };
    let runs = futures::stream::iter(seeds.map(|seed| iris_chaos::run(&place, &shape, seed)));
    let outcomes: Vec<_> = runs.buffer_unordered(TOGETHER).collect().await;
    for outcome in outcomes {
        let outcome = outcome.unwrap();
        let report = &outcome.report;
        assert!(report.findings.is_empty(), "seed {}: {:#?}, see {:?}", outcome.seed, report.findings, outcome.kept);
        assert!(report.changes > 0 && outcome.damage.kills + outcome.damage.blows + outcome.damage.restarts > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_handler_on_sqlite_loses_doubles_and_crosses_nothing() {
    runs(None, 1, 1..4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_handlers_on_one_postgresql_lose_double_and_cross_nothing() {
    let Ok(url) = std::env::var("IRIS_TEST_POSTGRES") else { return };
    // Other tests use the server, too.
    runs(Some(Server { url, may_crash: false }), 3, 1..8).await;
}
