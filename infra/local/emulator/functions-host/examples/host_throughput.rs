//! Measures how many invocations the host makes per second against a handler that does nothing.
//!
//! `cargo run --release -p iris-local-functions-host --example host_throughput [MESSAGES]`, after
//! `cargo build --release -p iris-local-functions-host --examples`.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use iris_local_functions_host::{Executable, Host, HostOptions};
use iris_local_servicebus::broker::{Broker, QueueOptions};
use iris_local_servicebus::message::Message;
use serde_json::json;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A body of the size of an ordinary order.
const BODY_BYTES: usize = 1_024;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let messages: usize = std::env::args().nth(1).map_or(Ok(50_000), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    write_app(folder.path())?;
    let broker = Broker::open(None).await?;
    broker.create_queue("orders", QueueOptions::default())?;
    let body = vec![b'x'; BODY_BYTES];
    broker.send_all("orders", vec![Message::new(body); messages]).await?;

    let settings = [("ServiceBus".to_owned(), "Endpoint=sb://127.0.0.1".to_owned())];
    let mut options = HostOptions::new(folder.path().to_owned(), settings.into(), broker.clone());
    let handler = std::env::current_exe()?.with_file_name(format!("echo_handler{}", std::env::consts::EXE_SUFFIX));
    options.executable = Some(Executable { path: handler, arguments: Vec::new() });
    let host = Host::start(options)?;
    host.ready().await?;
    let started = Instant::now();
    let mut changes = broker.changes();
    while broker.status("orders")?.active > 0 {
        changes.changed().await?;
    }
    let elapsed = started.elapsed();
    host.stop().await;
    let rate = u128::try_from(messages)? * 1_000_000 / elapsed.as_micros().max(1);
    let figures = host.statistics();
    writeln!(std::io::stdout(), "{rate} invocations/s; {figures:?}")?;
    Ok(())
}

fn write_app(root: &Path) -> Result<(), Failure> {
    let host = json!({
        "version": "2.0",
        "extensionBundle": { "id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.0.0, 5.0.0)" },
        "customHandler": { "description": { "defaultExecutablePath": "handler" } },
        "extensions": { "serviceBus": { "maxConcurrentCalls": 128 } }
    });
    std::fs::write(root.join("host.json"), host.to_string())?;
    let function = json!({ "bindings": [ { "type": "serviceBusTrigger", "direction": "in", "name": "message", "queueName": "orders",
        "connection": "ServiceBus", "dataType": "binary" } ] });
    std::fs::create_dir(root.join("quiet"))?;
    std::fs::write(root.join("quiet/function.json"), function.to_string())?;
    Ok(())
}
