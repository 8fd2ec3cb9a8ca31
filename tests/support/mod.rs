//! A local host in a temporary folder, and what a caller does with it.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

pub(crate) mod generate;
pub(crate) mod results;

use iris_azure::blob::{BlobAddress, BlobStore, UploadOptions};
use iris_azure::servicebus::{OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_intake::receipt::Receipt;
use iris_local::app_folder::AppFolder;
use iris_local::entities::Entities;
use iris_local::organizations::Document;
use iris_local::{LocalHost, Options};
use iris_local_blob::store::ListQuery;
use iris_local_blob::{BlobName, ContainerName};
use iris_model::{Event, Organization};
use sqlx::Connection;
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;

/// Longer than anything should take; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

/// How often a condition is checked.
const LOOK: Duration = Duration::from_millis(20);

/// A local host with the sample organization.
pub(crate) struct TestHost {
    pub(crate) host: LocalHost,
    pub(crate) organization: Organization,
    folder: TempDir,
    database: Option<String>,
}

impl TestHost {
    /// Starts one with an SQLite database.
    pub(crate) async fn start() -> Self {
        Self::with(None).await
    }

    /// Starts one with this database, or SQLite.
    pub(crate) async fn with(database: Option<String>) -> Self {
        let folder = tempfile::Builder::new().prefix("iris-test-").tempdir().unwrap();
        let organizations = iris_local::organizations::read(None).unwrap();
        Self::of(folder, database, organizations, BTreeMap::new(), 1).await
    }

    /// Starts one with several processes of the handler.
    pub(crate) async fn with_handlers(database: Option<String>, handlers: u8) -> Self {
        let folder = tempfile::Builder::new().prefix("iris-test-").tempdir().unwrap();
        let organizations = iris_local::organizations::read(None).unwrap();
        Self::of(folder, database, organizations, BTreeMap::new(), handlers).await
    }

    /// Starts one with these settings of the handler in addition to the usual ones.
    pub(crate) async fn with_settings(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("iris-test-").tempdir().unwrap();
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::of(folder, None, iris_local::organizations::read(None).unwrap(), settings, 1).await
    }

    /// Starts one with these organizations, and these settings of the handler in addition to the usual ones.
    pub(crate) async fn configured(organizations: &[Organization], settings: BTreeMap<String, String>) -> Self {
        Self::in_database(None, organizations, settings).await
    }

    /// The same with this database, or SQLite.
    pub(crate) async fn in_database(
        database: Option<String>,
        organizations: &[Organization],
        settings: BTreeMap<String, String>,
    ) -> Self {
        let folder = tempfile::Builder::new().prefix("iris-test-").tempdir().unwrap();
        let document = |organization: &Organization| Document {
            organization: organization.clone(),
            content: serde_json::to_vec(organization).unwrap(),
        };
        Self::of(folder, database, organizations.iter().map(document).collect(), settings, 1).await
    }

    async fn of(
        folder: TempDir,
        database: Option<String>,
        organizations: Vec<Document>,
        settings: BTreeMap<String, String>,
        handlers: u8,
    ) -> Self {
        let organization = organizations[0].organization.clone();
        let host = LocalHost::start(Options {
            data: folder.path().to_owned(),
            tls: false,
            amqp_port: Some(0),
            http_port: Some(0),
            blob_port: Some(0),
            database: database.clone(),
            organizations,
            entities: Entities::default(),
            app: AppFolder::built_in(folder.path(), env!("CARGO_BIN_EXE_iris-local").into()).unwrap(),
            settings: settings.into_iter().chain([("LOG_LEVEL".to_owned(), "debug".to_owned())]).collect(),
            handlers,
        })
        .await
        .unwrap();
        Self { host, organization, folder, database }
    }

    /// Uploads a file with the caller's own credential.
    pub(crate) async fn drop_file(&self, name: &str, content: impl Into<bytes::Bytes>) {
        let caller =
            BlobStore::from_connection_string(&self.host.credentials.drops_service(&self.organization)).unwrap();
        let address = BlobAddress::new(&self.organization.drops_container(), name).unwrap();
        caller.upload(&address, content.into(), UploadOptions::default()).await.unwrap();
    }

    /// Uploads an image with the caller's own credential.
    pub(crate) async fn upload_image(&self, name: &str, content: impl Into<bytes::Bytes>) {
        let caller =
            BlobStore::from_connection_string(&self.host.credentials.images_service(&self.organization)).unwrap();
        let address = BlobAddress::new(&self.organization.images_container(), name).unwrap();
        caller.upload(&address, content.into(), UploadOptions::default()).await.unwrap();
    }

    /// Drops a file and waits for its receipt.
    pub(crate) async fn load(&self, name: &str, content: impl Into<bytes::Bytes>) -> Receipt {
        let before = self.results(".json").await;
        self.drop_file(name, content).await;
        self.receipts(before.len() + 1).await;
        let mut now = self.results(".json").await;
        now.retain(|receipt| !before.contains(receipt));
        let [(receipt, _)] = now.as_slice() else { panic!("{} receipts of one file", now.len()) };
        serde_json::from_slice(&self.result(receipt).await).unwrap()
    }

    /// Waits until there are this many receipts; returns them in the order they were written.
    pub(crate) async fn receipts(&self, count: usize) -> Vec<Receipt> {
        until("receipts", async || self.results(".json").await.len() >= count).await;
        let mut names = self.results(".json").await;
        names.sort_by_key(|(_, sequence)| sequence.clone());
        let mut receipts = Vec::new();
        for (name, _) in names {
            receipts.push(serde_json::from_slice(&self.result(&name).await).unwrap());
        }
        receipts
    }

    /// Names in the results container with this ending, each with what orders them by time.
    pub(crate) async fn results(&self, ending: &str) -> Vec<(String, String)> {
        let container = ContainerName::new(self.organization.results_container()).unwrap();
        let page = self.host.blobs.list_blobs(&container, ListQuery::default()).await.unwrap();
        let wanted = |name: &str| name.ends_with(ending) && !(ending == ".json" && name.ends_with(".rejected.json"));
        let blobs = page.blobs().filter(|blob| wanted(blob.name.as_str()));
        blobs.map(|blob| (blob.name.as_str().to_owned(), blob.modified.to_string())).collect()
    }

    /// A document of the results container.
    pub(crate) async fn result(&self, name: &str) -> bytes::Bytes {
        let container = ContainerName::new(self.organization.results_container()).unwrap();
        self.host.blobs.get(&container, &BlobName::new(name).unwrap()).await.unwrap()
    }

    /// A sender with the caller's own send-only credential.
    pub(crate) fn caller(&self) -> ServiceBusSender {
        {
            let access = self.host.credentials.caller(&self.organization);
            ServiceBusSender::with_connection_string(&access.orders, SenderOptions::default()).unwrap()
        }
    }

    /// Posts messages to the organization's entry.
    pub(crate) async fn post(&self, messages: Vec<OutgoingMessage>) {
        self.caller().send(&self.organization.slug.orders_entry(), messages).await.unwrap();
    }

    /// Waits until `count` events have arrived, and returns all of them.
    pub(crate) async fn events(&self, count: usize) -> Vec<Event> {
        let queue = self.organization.events_queue().unwrap();
        until("events", async || self.host.broker.status(&queue).unwrap().active >= count).await;
        let deliveries = self.host.broker.peek(&queue, 0, usize::MAX).unwrap();
        deliveries.iter().map(|delivery| serde_json::from_slice(&delivery.message.body).unwrap()).collect()
    }

    /// Waits until nothing is under way: no message in the platform's queues, none scheduled, nothing in the outbox.
    pub(crate) async fn settled(&self) {
        until("everything handled", async || self.is_quiet().await).await;
    }

    /// Whether nothing is under way.
    pub(crate) async fn is_quiet(&self) -> bool {
        self.host.is_quiet().await.unwrap()
    }

    /// Messages that nobody could handle. There must never be any.
    pub(crate) fn dead_letters(&self) -> usize {
        self.host.broker.entities().iter().map(|entity| entity.dead_lettered + entity.not_forwarded).sum()
    }

    /// Replaces the organization's document, and waits until the handler has to read it again.
    pub(crate) async fn put_organization(&self, document: &Organization) {
        let container = ContainerName::new("organizations").unwrap();
        let name = BlobName::new(format!("{}.json", document.slug)).unwrap();
        let content = serde_json::to_vec(document).unwrap();
        self.host.blobs.put(&container, &name, content, iris_local_blob::store::PutOptions::default()).await.unwrap();
        self.host.functions.kill_handler();
    }

    /// Stops everything and starts it again on the same folder.
    pub(crate) async fn restart(self) -> Self {
        let Self { host, folder, .. } = self;
        host.stop().await;
        Self::of(folder, None, iris_local::organizations::read(None).unwrap(), BTreeMap::new(), 1).await
    }

    /// The folder that keeps everything.
    pub(crate) fn data(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Changes the database behind the handler's back, for what a test cannot wait for.
    pub(crate) async fn execute(&self, statements: &[&str]) {
        for statement in statements {
            let statement = sqlx::AssertSqlSafe((*statement).to_owned());
            match &self.database {
                Some(url) => {
                    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
                    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
                }
                None => {
                    let url = format!("sqlite:{}", self.folder.path().join("iris.db").display());
                    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
                    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
                }
            }
        }
    }

    /// Everything the handler has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("handler.log")).unwrap()
    }

    /// Stops it, checking that nothing was left behind.
    pub(crate) async fn stop(self) {
        assert_eq!(self.dead_letters(), 0, "dead letters");
        self.host.stop().await;
    }
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut look = tokio::time::interval(LOOK);
    let waiting = async {
        while !condition().await {
            look.tick().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain for {what}");
}

/// A message with a MessageId.
pub(crate) fn message(id: impl Into<String>, body: &serde_json::Value) -> OutgoingMessage {
    OutgoingMessage { message_id: id.into(), body: body.to_string().into(), ..OutgoingMessage::default() }
}

/// A new, empty PostgreSQL database on the server the environment names (`cargo xtask test` starts one); `None` without
/// a server.
pub(crate) async fn postgres() -> Option<String> {
    let server = std::env::var("IRIS_TEST_POSTGRES").ok()?;
    let name = format!("iris_{}", uuid::Uuid::new_v4().simple());
    let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    let (address, _) = server.rsplit_once('/').unwrap();
    Some(format!("{address}/{name}"))
}
