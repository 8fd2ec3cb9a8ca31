//! The program itself, as an operator starts it: what it prints, where, and its exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_local::app_folder::AppFolder;
use iris_local::entities::Entities;
use iris_local::{LocalHost, Options};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

const PROGRAM: &str = env!("CARGO_BIN_EXE_iris-admin");

async fn run(arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(PROGRAM);
    // Settings in the test's own environment must not reach the program.
    command.env_clear().env("USER", "operator").args(arguments).kill_on_drop(true);
    command.output().await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn it_tells_what_it_can_do() {
    let help = run(&["--help"]).await;
    assert!(help.status.success());
    for command in ["organizations", "drops", "orders", "dead-letters", "outbox", "deliveries", "destinations", "audit"]
    {
        assert!(text(&help.stdout).contains(&format!("\n  {command} ")), "{command}: {}", text(&help.stdout));
    }
    let unknown = run(&["order", "show", "1"]).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("orders"), "{}", text(&unknown.stderr));
}

#[tokio::test]
async fn without_a_platform_it_says_what_is_missing() {
    let nothing = run(&["drops", "list"]).await;
    assert_eq!((nothing.status.code(), text(&nothing.stdout)), (Some(1), ""));
    assert!(text(&nothing.stderr).starts_with("error: "), "{}", text(&nothing.stderr));
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = run(&["--local", folder.path().to_str().unwrap(), "drops", "list"]).await;
    assert!(text(&elsewhere.stderr).contains("is a local host running"), "{}", text(&elsewhere.stderr));
}

/// A local host whose handler is the local host's own program, which a workspace build puts beside this one.
async fn local_host(data: &Path) -> LocalHost {
    let handler = Path::new(PROGRAM).with_file_name("iris-local");
    assert!(handler.is_file(), "{} is not there; build the tests of the whole workspace", handler.display());
    LocalHost::start(Options {
        data: data.to_owned(),
        tls: false,
        amqp_port: Some(0),
        http_port: Some(0),
        blob_port: Some(0),
        database: None,
        organizations: iris_local::organizations::read(None).unwrap(),
        entities: Entities::default(),
        app: AppFolder::built_in(data, handler).unwrap(),
        settings: BTreeMap::new(),
        handlers: 1,
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_and_changes_a_running_platform() {
    let folder = tempfile::tempdir().unwrap();
    let host = local_host(folder.path()).await;
    let local = folder.path().to_str().unwrap();
    let list = run(&["--local", local, "--json", "organizations", "list"]).await;
    assert!(list.status.success(), "{}", text(&list.stderr));
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(list["organizations"][0]["slug"], "harborview");

    let document = json!({ "slug": "lakeside", "name": "Lakeside (sample)", "clientGuid": "5a3d1e70-0000-4000-8000-0000000000aa" });
    let file = folder.path().join("lakeside.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let put = ["--local", local, "organizations", "put", file.to_str().unwrap()];
    let refused = run(&put).await;
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(1), ""));
    assert!(text(&refused.stderr).contains("--reason"), "{}", text(&refused.stderr));
    let done = run(&[put.as_slice(), &["--reason", "ticket 12"]].concat()).await;
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains("created"), "{}", text(&done.stdout));

    let audit = run(&["--local", local, "--json", "audit", "list"]).await;
    let audit: Value = serde_json::from_slice(&audit.stdout).unwrap();
    let entry = &audit["entries"][0];
    assert_eq!((&entry["action"], &entry["actor"]), (&json!("organizations.put"), &json!("operator")));
    assert_eq!((&entry["subject"], &entry["reason"]), (&json!("lakeside"), &json!("ticket 12")));
    host.stop().await;
}
