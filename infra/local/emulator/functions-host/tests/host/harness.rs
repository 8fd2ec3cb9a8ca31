//! An app in a temporary folder, a broker with its queues, a host that runs it, and ways to wait for what they do.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use iris_local_functions_host::{Executable, FunctionStatistics, Host, HostOptions, Level, Line, LineSource};
use iris_local_servicebus::broker::{Broker, EntityStatus, QueueOptions};
use iris_local_servicebus::message::Message;
use serde_json::{Value, json};
use tokio::sync::watch;

/// How long to wait for any condition.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Bench {
    pub(crate) host: Host,
    pub(crate) broker: Broker,
    pub(crate) folder: tempfile::TempDir,
    lines: watch::Receiver<Vec<Line>>,
    settings: BTreeMap<String, String>,
}

/// What differs from test to test.
pub(crate) struct Setup {
    host: Value,
    functions: Vec<(String, Value)>,
    queue: QueueOptions,
    settings: BTreeMap<String, String>,
    pub(crate) change: Box<dyn FnOnce(&mut HostOptions)>,
}

pub(crate) fn setup() -> Setup {
    let host = json!({
        "version": "2.0",
        "functionTimeout": "00:01:00",
        "extensionBundle": { "id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.0.0, 5.0.0)" },
        "customHandler": { "description": { "defaultExecutablePath": "replaced" } },
        "extensions": { "serviceBus": { "maxConcurrentCalls": 16 } }
    });
    let settings = [
        ("ServiceBus", "Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=k;SharedAccessKey=s"),
        ("AzureWebJobsStorage__accountName", "local"),
        ("QUEUE", "orders"),
    ];
    Setup {
        host,
        functions: Vec::new(),
        queue: QueueOptions { max_delivery_count: 3, ..QueueOptions::default() },
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        change: Box::new(|_| {}),
    }
}

impl Setup {
    /// Changes host.json at a JSON pointer.
    pub(crate) fn host(mut self, path: &[&str], value: Value) -> Self {
        let mut place = &mut self.host;
        for member in path {
            place = &mut place[*member];
        }
        *place = value;
        self
    }

    pub(crate) fn function(mut self, name: &str, json: Value) -> Self {
        self.functions.push((name.to_owned(), json));
        self
    }

    /// A function on the queue `orders`, cardinality one, binary.
    pub(crate) fn orders(self, name: &str) -> Self {
        self.function(name, json!({ "bindings": [orders_trigger()] }))
    }

    pub(crate) fn queue(mut self, change: impl FnOnce(&mut QueueOptions)) -> Self {
        change(&mut self.queue);
        self
    }

    pub(crate) fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn options(mut self, change: impl FnOnce(&mut HostOptions) + 'static) -> Self {
        self.change = Box::new(change);
        self
    }

    pub(crate) async fn start(self) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("host.json"), self.host.to_string()).unwrap();
        for (name, json) in self.functions {
            std::fs::create_dir(folder.path().join(&name)).unwrap();
            std::fs::write(folder.path().join(name).join("function.json"), json.to_string()).unwrap();
        }
        let broker = Broker::open(None).await.unwrap();
        broker.create_queue("orders", self.queue).unwrap();
        broker.create_queue("results", QueueOptions::default()).unwrap();
        let mut options = HostOptions::new(folder.path().to_owned(), self.settings.clone(), broker.clone());
        options.executable = Some(Executable { path: handler(), arguments: vec!["handler".to_owned()] });
        let (sender, lines) = watch::channel(Vec::new());
        options.lines = Arc::new(move |line| sender.send_modify(|lines| lines.push(line)));
        (self.change)(&mut options);
        let host = Host::start(options).unwrap();
        Bench { host, broker, folder, lines, settings: self.settings }
    }
}

pub(crate) fn orders_trigger() -> Value {
    json!({ "type": "serviceBusTrigger", "direction": "in", "name": "msg", "queueName": "%QUEUE%",
            "connection": "ServiceBus", "dataType": "binary" })
}

/// `cargo test` builds the examples together with the tests.
fn handler() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(|deps| deps.parent()).unwrap();
    let path = target.join("examples").join(format!("echo_handler{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is missing; cargo build -p iris-local-functions-host --examples", path.display());
    path
}

impl Bench {
    pub(crate) fn settings(&self) -> BTreeMap<String, String> {
        self.settings.clone()
    }

    pub(crate) async fn send(&self, body: Value) {
        self.broker.send("orders", Message::new(body.to_string())).await.unwrap();
    }

    /// Waits until the lines so far satisfy a condition, and returns what it found.
    pub(crate) async fn lines_until<T>(&self, mut found: impl FnMut(&[Line]) -> Option<T>) -> T {
        let mut lines = self.lines.clone();
        let wait = async {
            loop {
                if let Some(found) = found(&lines.borrow_and_update()) {
                    return found;
                }
                lines.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(found) => found,
            Err(_) => panic!(
                "waited in vain; lines: {:#?}",
                self.lines.borrow().iter().map(|line| &line.text).collect::<Vec<_>>()
            ),
        }
    }

    pub(crate) async fn line(&self, level: Level, part: &str) -> String {
        self.lines_until(|lines| {
            lines.iter().find(|line| line.level == level && line.text.contains(part)).map(|line| line.text.clone())
        })
        .await
    }

    /// The requests the handler has received for a function, in order.
    pub(crate) fn requests(&self, function: &str) -> Vec<Value> {
        requests(&self.lines.borrow(), function)
    }

    /// Waits for this many requests of a function.
    pub(crate) async fn requests_until(&self, function: &str, count: usize) -> Vec<Value> {
        self.lines_until(|lines| Some(requests(lines, function)).filter(|requests| requests.len() >= count)).await
    }

    /// Waits until the queue `orders` satisfies a condition.
    pub(crate) async fn orders_until(&self, wanted: impl Fn(&EntityStatus) -> bool) -> EntityStatus {
        self.queue_until("orders", wanted).await
    }

    pub(crate) async fn queue_until(&self, queue: &str, wanted: impl Fn(&EntityStatus) -> bool) -> EntityStatus {
        let mut changes = self.broker.changes();
        let wait = async {
            loop {
                changes.borrow_and_update();
                let status = self.broker.status(queue).unwrap();
                if wanted(&status) {
                    return status;
                }
                changes.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(status) => status,
            Err(_) => panic!("waited in vain; {:?}", self.broker.status(queue)),
        }
    }

    /// Stops the host, so that all counts are final, and returns the only function's figures.
    pub(crate) async fn finish(&self) -> FunctionStatistics {
        self.host.stop().await;
        self.host.statistics().remove(0)
    }
}

fn requests(lines: &[Line], function: &str) -> Vec<Value> {
    let path = format!("/{function}");
    let stdout = lines.iter().filter(|line| line.source == LineSource::Stdout);
    let parsed = stdout.filter_map(|line| serde_json::from_str::<Value>(&line.text).ok());
    parsed.filter(|line| line["path"] == path.as_str()).collect()
}

/// `Metadata.DeliveryCount` of each request.
pub(crate) fn delivery_counts(requests: &[Value]) -> Vec<&str> {
    requests.iter().filter_map(|request| request["body"]["Metadata"]["DeliveryCount"].as_str()).collect()
}

pub(crate) fn empty(status: &EntityStatus) -> bool {
    status.active == 0
}
