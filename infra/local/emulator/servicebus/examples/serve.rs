//! A Service Bus to try an SDK against: `cargo run -p iris-local-servicebus --example serve -- [PORT] [FOLDER]`.
//!
//! Queue `orders`, queue `sessions` (requires sessions), queue `unique` (duplicate detection), queue `brief` (short
//! locks), topic `news` with subscription `all`, and the stamping entry `orders-harborview`. Ends with Ctrl-C.

#![allow(clippy::print_stdout, reason = "a program for people")]

use iris_local_servicebus::access::{Access, AccessKey, ROOT_KEY_NAME, Right, connection_string, derive_key};
use iris_local_servicebus::broker::{Broker, QueueOptions, Rule, SubscriptionOptions};
use iris_local_servicebus::serve;
use std::path::Path;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().map_or(Ok(5672), |port| port.parse())?;
    let folder = arguments.next();
    let broker = Broker::open(folder.as_deref().map(Path::new)).await?;
    broker.create_queue("orders", QueueOptions::default())?;
    broker.create_queue("sessions", QueueOptions { requires_session: true, ..QueueOptions::default() })?;
    let window = Some(Duration::from_secs(60));
    broker.create_queue("unique", QueueOptions { duplicate_detection: window, ..QueueOptions::default() })?;
    broker.create_queue("brief", QueueOptions { lock_duration: Duration::from_secs(2), ..QueueOptions::default() })?;
    broker.create_topic("news")?;
    let options = SubscriptionOptions { rules: vec![Rule::everything()], ..SubscriptionOptions::default() };
    broker.create_subscription("news", "all", options)?;
    broker.create_entry("orders-harborview", "orders", vec![("Organization".to_owned(), "harborview".into())])?;

    let root = derive_key(b"example", "", ROOT_KEY_NAME);
    let caller = derive_key(b"example", "orders-harborview", "send");
    let access = Access::with_keys(vec![
        AccessKey {
            name: ROOT_KEY_NAME.to_owned(),
            key: root.clone(),
            entity: None,
            right: Right::Manage,
            known_as: None,
        },
        AccessKey {
            name: "send".to_owned(),
            key: caller.clone(),
            entity: Some("orders-harborview".to_owned()),
            right: Right::Send,
            known_as: None,
        },
    ]);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let endpoint = serve(broker, listener, access)?;
    println!("{}", connection_string(endpoint.address(), ROOT_KEY_NAME, &root, None));
    println!("{}", connection_string(endpoint.address(), "send", &caller, Some("orders-harborview")));
    tokio::signal::ctrl_c().await?;
    endpoint.shutdown().await;
    Ok(())
}
