//! The handler on its own, without a Functions host: for what the host never does, such as stopping it politely.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use crate::support::{PATIENCE, TestHost, until};
use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

/// A handler that is up and answers.
pub(crate) struct Handler {
    /// The host of everything it is connected to.
    _host: TestHost,
    process: Child,
    port: u16,
}

impl Handler {
    /// Starts one with these settings in addition to those from the local host.
    pub(crate) async fn start(settings: BTreeMap<String, String>) -> Self {
        let host = TestHost::start().await;
        let given = std::fs::read(host.data().join("handler-settings.json")).unwrap();
        let given: BTreeMap<String, String> = serde_json::from_slice(&given).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let process = Command::new(env!("CARGO_BIN_EXE_iris-local"))
            .arg("handler")
            .envs(given)
            .envs(settings)
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let handler = Self { _host: host, process, port };
        until("the handler", async || TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
        handler
    }

    /// Posts something and reads the whole answer.
    pub(crate) async fn post(&self, path: &str, body: &str) -> String {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        let id = self.process.id().unwrap().to_string();
        // Waiting would close the pipe, which the handler takes for the end of its host.
        let _held = self.process.stdin.take();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        tokio::time::timeout(PATIENCE, self.process.wait()).await.unwrap().unwrap()
    }
}
