//! The handler's life and deaths.

use iris_local_functions_host::{Error, Host, HostEvent, HostOptions, Level};
use serde_json::json;

use crate::harness::{delivery_counts, empty, setup};

#[tokio::test]
async fn a_killed_handler_is_restarted_and_its_messages_come_again() {
    let bench = setup().orders("f").start().await;
    for _ in 0..8 {
        bench.send(json!({ "hang": true, "until": 2 })).await;
    }
    bench.requests_until("f", 8).await;
    let (port, pid) = (bench.host.handler_port(), bench.host.handler_pid());
    let mut events = bench.host.subscribe();
    bench.host.kill_handler();
    bench.orders_until(empty).await;
    let exit = HostEvent::HandlerExited { reason: "killed on purpose".to_owned(), restarts: true };
    while events.recv().await.unwrap() != exit {}
    let mut counts = delivery_counts(&bench.requests_until("f", 16).await).join("");
    counts = counts.replace('1', "") + &counts.replace('2', "");
    assert_eq!(counts, "2222222211111111");
    assert_ne!((port, pid), (bench.host.handler_port(), bench.host.handler_pid()));
    let figures = bench.finish().await;
    assert_eq!((figures.completed, figures.abandoned, figures.failures), (8, 8, 8));
}

#[tokio::test]
async fn exit_code_zero_is_never_restarted() {
    let bench = setup().orders("f").start().await;
    bench.send(json!({ "exit": 0 })).await;
    bench.line(Level::Error, "exit code 0").await;
    bench.orders_until(|status| status.dead_lettered == 1).await;
    assert!(bench.host.ready().await.unwrap_err().to_string().contains("never restarted"));
    bench.send(json!({})).await;
    bench.orders_until(|status| status.dead_lettered == 2).await;
    assert_eq!(bench.requests("f").len(), 1);
    assert_eq!(bench.host.handler_port(), None);
    bench.host.stop().await;
}

#[tokio::test]
async fn exit_code_200_is_a_restart_without_a_strike() {
    let bench = setup().orders("f").queue(|queue| queue.max_delivery_count = 10).start().await;
    bench.send(json!({ "exit": 200, "until": 6 })).await;
    bench.orders_until(empty).await;
    assert_eq!(delivery_counts(&bench.requests_until("f", 6).await), ["1", "2", "3", "4", "5", "6"]);
    bench.host.stop().await;
}

#[tokio::test]
async fn three_strikes_stop_the_host() {
    let bench = setup().orders("f").queue(|queue| queue.max_delivery_count = 10).start().await;
    let mut events = bench.host.subscribe();
    bench.send(json!({ "exit": 7 })).await;
    let reason = bench.host.stopped().await;
    assert!(reason.contains("three times") && reason.contains("this is a warning"), "{reason}");
    assert_eq!(bench.requests_until("f", 3).await.len(), 3);
    assert!(matches!(bench.host.ready().await, Err(Error::Invocation(_))));
    while !matches!(events.recv().await.unwrap(), HostEvent::Stopped { .. }) {}
    bench.host.stop().await;
}

#[tokio::test]
async fn a_handler_that_leaves_at_start_strikes_out() {
    let bench = setup().orders("f").setting("START", "exit:3").start().await;
    let reason = bench.host.stopped().await;
    assert!(reason.contains("leaving at once"), "{reason}");
    assert!(bench.host.ready().await.is_err());
    bench.host.stop().await;
}

#[tokio::test]
async fn a_handler_that_never_listens_strikes_out() {
    let bench = setup()
        .orders("f")
        .setting("START", "deaf")
        .host(&["customHandler", "initializationTimeout"], json!("00:00:00.2"))
        .start()
        .await;
    let reason = bench.host.stopped().await;
    assert!(reason.contains("did not answer GET /"), "{reason}");
    bench.host.stop().await;
}

#[tokio::test]
async fn a_handler_that_cannot_be_started_strikes_out() {
    let bench = setup()
        .orders("f")
        .options(|options| options.executable.as_mut().unwrap().path = "/nonexistent".into())
        .start()
        .await;
    let reason = bench.host.stopped().await;
    assert!(reason.contains("cannot be started"), "{reason}");
}

#[tokio::test]
async fn a_missing_executable_is_an_error_at_start() {
    let bench = setup().orders("f").start().await;
    let mut options = HostOptions::new(bench.folder.path().to_owned(), bench.settings(), bench.broker.clone());
    let error = Host::start(options.clone()).unwrap_err();
    assert!(matches!(error, Error::NoExecutable(_)), "{error}");
    options.settings.insert("A=B".to_owned(), String::new());
    assert!(matches!(Host::start(options).unwrap_err(), Error::SettingName(_)));
    bench.host.stop().await;
}

#[tokio::test]
async fn stopping_lets_invocations_end_and_then_kills() {
    let bench = setup().orders("f").start().await;
    bench.send(json!({ "hold": 300 })).await;
    bench.requests_until("f", 1).await;
    let pid = bench.host.handler_pid().unwrap();
    let figures = bench.finish().await;
    assert_eq!((figures.completed, figures.in_flight), (1, 0));
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert_eq!(bench.host.stopped().await, "stopped");
    bench.host.stop().await;
}

#[tokio::test]
async fn stopping_gives_hanging_invocations_back() {
    let bench = setup().orders("f").options(|options| options.drain = std::time::Duration::ZERO).start().await;
    bench.send(json!({ "hang": true })).await;
    bench.requests_until("f", 1).await;
    let figures = bench.finish().await;
    assert_eq!((figures.abandoned, figures.in_flight), (1, 0));
    let status = bench.broker.status("orders").unwrap();
    assert_eq!((status.active, status.locked), (1, 0));
}

#[tokio::test]
async fn dropping_the_host_kills_the_handler() {
    let bench = setup().orders("f").start().await;
    bench.host.ready().await.unwrap();
    let mut events = bench.host.subscribe();
    drop(bench);
    while events.recv().await.is_ok() {}
}
