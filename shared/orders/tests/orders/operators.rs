//! Operators' rights in PostgreSQL: exactly what iris-admin does; and who owns the schema.

use crate::administration::entry;
use crate::backend::{Backend, Recorder, eventually, options};
use crate::requests::*;
use iris_orders::{Options, Orders, Publisher};
use iris_rules::deliveries::{DeliveryMove, DeliverySearch};
use iris_store::PostgresStore;
use iris_store::audit::AuditSearch;
use iris_store::deliveries::Deliveries;
use iris_store::drops::Drops;
use iris_store::inspection::Inspection;
use iris_store::postgres::PostgresOptions;
use iris_store::queries::OrderSearch;
use iris_store::{Error, Store};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A database, on a server that has the operators' role.
struct Server {
    backend: Backend,
    url: String,
    logins: Vec<String>,
}

impl Server {
    /// `None` if no server is configured.
    async fn start() -> Option<Self> {
        let backend = Backend::postgres().await?;
        let Backend::Postgres { server, database } = &backend else { return None };
        let url = format!("{}/{database}", server.rsplit_once('/').unwrap().0);
        let server = Self { url, backend, logins: Vec::new() };
        // Other tests may create it at the same moment.
        let role = "DO $$ BEGIN CREATE ROLE iris_operators NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";
        server.run(role).await.unwrap();
        Some(server)
    }

    /// Runs a statement as the owner of everything.
    async fn run(&self, sql: impl Into<String>) -> Result<u64, String> {
        run(&self.url, sql).await
    }

    /// Creates a login and returns the URL for it.
    async fn login(&mut self, member: bool) -> String {
        let name = format!("iris_test_{}", Uuid::new_v4().simple());
        let role = if member { " IN ROLE iris_operators" } else { "" };
        self.run(format!("CREATE ROLE {name} LOGIN PASSWORD 'secret'{role}")).await.unwrap();
        let (scheme, rest) = self.url.split_once("://").unwrap();
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        self.logins.push(name.clone());
        format!("{scheme}://{name}:secret@{host}")
    }

    async fn drop(self) {
        let Backend::Postgres { server, .. } = &self.backend else { return };
        let server = server.clone();
        self.backend.drop().await;
        for login in &self.logins {
            run(&server, format!("DROP ROLE {login}")).await.unwrap();
        }
    }
}

async fn run(url: &str, sql: impl Into<String>) -> Result<u64, String> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let done = sqlx::query(AssertSqlSafe(sql.into())).execute(&mut connection).await;
    done.map(|done| done.rows_affected()).map_err(|error| error.to_string())
}

/// Connects as iris-admin does.
async fn visit(url: &str) -> Result<PostgresStore, Error> {
    PostgresStore::connect(PostgresOptions { migrates: false, ..PostgresOptions::new(url.to_owned().into()) }).await
}

async fn refusal(url: &str) -> String {
    visit(url).await.err().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_do_what_iris_admin_does_and_no_more() {
    let Some(mut server) = Server::start().await else { return };
    let recorder = Arc::new(Recorder::default());
    // After its first try, an envelope waits longer than the test takes.
    let long = Duration::from_secs(600);
    let patient = Options { back_off: long, back_off_limit: long, ..options() };
    let orders = Orders::open(server.backend.open().await, Arc::clone(&recorder) as Arc<dyn Publisher>, patient);
    recorder.set_down(true);
    orders.submit(new_order("O1", "P1").message(&Arc::new(organization()), 1)).await.unwrap();
    let tried = async || orders.store().administration().outbox_envelopes(10).await.unwrap()[0].attempts == 1;
    eventually("the first try", tried).await;

    let ann = server.login(true).await;
    let visitor = visit(&ann).await.unwrap();
    let store = visitor.administration();
    let everything = OrderSearch::default();
    assert_eq!(visitor.search_orders(&everything, 10).await.unwrap().items.len(), 1);
    assert_eq!(visitor.submissions(None, None, 10).await.unwrap().len(), 1);
    assert_eq!(visitor.drops(None, 10).await.unwrap(), []);
    assert_eq!(store.search_deliveries(&DeliverySearch::default(), 10).await.unwrap(), []);
    assert_eq!(visitor.destination_health(None).await.unwrap(), []);

    let envelope = store.outbox_envelopes(10).await.unwrap()[0].id;
    assert!(store.hasten(envelope, &entry("outbox.hasten", "1")).await.unwrap());
    let parked = store.park_envelope(envelope, &entry("outbox.park", "1")).await.unwrap().unwrap();
    assert!(store.retry_parked(parked, &entry("outbox.retry", "1")).await.unwrap());
    store.link_resubmission(Uuid::new_v4(), Uuid::new_v4(), &entry("submissions.resubmit", "1")).await.unwrap();
    assert_eq!(store.retry_delivery(1, &entry("deliveries.retry", "1")).await.unwrap(), DeliveryMove::Unknown);
    assert_eq!(store.park_delivery(1, &entry("deliveries.park", "1")).await.unwrap(), DeliveryMove::Unknown);
    let acme = organization().client_guid;
    let resumed = store.resume_disabled(acme, "ehr", &entry("destinations.resume", "1")).await.unwrap();
    assert_eq!(resumed, None);
    store.audit(&entry("orders.view", "100001")).await.unwrap();
    let entries = store.audit_entries(&AuditSearch::default(), 10).await.unwrap();
    assert_eq!(entries.len(), 5);
    assert!(entries.iter().all(|entry| Some(&entry.login) == server.logins.first()), "{entries:?}");

    for sql in [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "UPDATE orders SET status = 7",
        "DELETE FROM orders",
        "DELETE FROM submissions",
        "DELETE FROM results",
        "UPDATE _sqlx_migrations SET success = false",
        "CREATE TABLE notes (text text)",
    ] {
        let refused = run(&ann, sql).await.unwrap_err();
        assert!(refused.contains("permission denied"), "{sql}: {refused}");
    }
    assert!(run(&ann, "DROP TRIGGER audit_is_kept ON audit").await.unwrap_err().contains("must be owner"));
    visitor.close().await;
    orders.close().await;
    server.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_are_given_after_the_tables_too_and_to_later_tables() {
    let Some(mut server) = Server::start().await else { return };
    server.backend.open().await.close().await;
    // As if the role had been created later.
    server.run("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM iris_operators").await.unwrap();
    let (ann, administrator) = (server.login(true).await, server.login(false).await);
    assert!(refusal(&ann).await.ends_with("has to be granted iris_operators"));
    run(&administrator, "SELECT grant_operators()").await.unwrap();
    visit(&ann).await.unwrap().close().await;
    assert!(run(&administrator, "SELECT 1 FROM orders").await.unwrap_err().contains("permission denied"));
    server.run("CREATE TABLE later (id integer)").await.unwrap();
    run(&ann, "SELECT 1 FROM later").await.unwrap();
    server.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_is_the_handlers() {
    let Some(server) = Server::start().await else { return };
    assert!(refusal(&server.url).await.contains("start the handler"));
    assert!(server.run("SELECT 1 FROM orders").await.unwrap_err().contains("does not exist"));
    server.backend.open().await.close().await;
    visit(&server.url).await.unwrap().close().await;

    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                     VALUES (9999, 'newer', true, '', 0)";
    server.run(newer).await.unwrap();
    assert!(refusal(&server.url).await.contains("is newer than this program"));
    // Migrations only add, so an older handler works with a newer schema.
    server.backend.open().await.close().await;
    let older = "DELETE FROM _sqlx_migrations WHERE version >= (SELECT max(version) FROM _sqlx_migrations \
                     WHERE version < 9999)";
    server.run(older).await.unwrap();
    assert!(refusal(&server.url).await.contains("is older than this program"));
    server.drop().await;
}
