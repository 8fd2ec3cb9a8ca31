//! Signing in to PostgreSQL with a managed identity: the deployed program, a token endpoint like that of Azure App
//! Service, and a server that asks for a password.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const TOKEN: &str = "a-token-of-the-handler";
const LIMIT: Duration = Duration::from_secs(60);

/// A process that ends with its test.
struct Handler(Child);

impl Drop for Handler {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Passes the first connection to `serve`, and returns the result through the channel.
fn once<T: Send + 'static>(serve: impl Fn(TcpStream) -> T + Send + 'static) -> (u16, mpsc::Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || sender.send(serve(listener.accept().unwrap().0)));
    (port, receiver)
}

/// Answers with a token that is valid for a day. Returns the request.
fn token_endpoint(stream: TcpStream) -> String {
    let mut request = String::new();
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        let line = line.unwrap();
        if line.is_empty() {
            break;
        }
        request.push_str(&line);
        request.push('\n');
    }
    let expires = jiff::Timestamp::now().as_second() + 86_400;
    let body = format!(r#"{{"access_token":"{TOKEN}","expires_on":"{expires}","resource":"x","token_type":"Bearer"}}"#);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut stream = stream;
    stream.write_all((head + &body).as_bytes()).unwrap();
    request
}

/// Asks for a password in clear text. Returns the start-up message and the password.
fn database(mut stream: TcpStream) -> (String, String) {
    let startup = message(&mut stream);
    stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).unwrap();
    let mut kind = [0];
    stream.read_exact(&mut kind).unwrap();
    assert_eq!(kind, *b"p");
    (startup, message(&mut stream))
}

/// A message of PostgreSQL's protocol: its length, then its content.
fn message(stream: &mut TcpStream) -> String {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut content = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap() - 4];
    stream.read_exact(&mut content).unwrap();
    String::from_utf8_lossy(&content).into_owned()
}

#[test]
fn the_password_is_a_token_of_the_identity() {
    let (endpoint, asked) = once(token_endpoint);
    let (server, signed_in) = once(database);
    let handler = Command::new(env!("CARGO_BIN_EXE_handler"))
        .env_clear()
        .env("IDENTITY_ENDPOINT", format!("http://127.0.0.1:{endpoint}/msi/token"))
        .env("IDENTITY_HEADER", "the-platforms-secret")
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", "0")
        .env("ServiceBus", "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=a2V5")
        .env("Storage", "UseDevelopmentStorage=true")
        .env("Database", format!("postgres://iris-handler@127.0.0.1:{server}/iris?sslmode=disable"))
        .env("Database__managedIdentity", "true")
        .env("Database__clientId", "11111111-2222-3333-4444-555555555555")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _handler = Handler(handler);
    let request = asked.recv_timeout(LIMIT).unwrap().to_lowercase();
    assert!(request.starts_with("get /msi/token?"), "{request}");
    for part in
        ["ossrdbms-aad.database.windows.net", "client_id=11111111-2222", "x-identity-header: the-platforms-secret"]
    {
        assert!(request.contains(part), "{part}: {request}");
    }
    let (startup, password) = signed_in.recv_timeout(LIMIT).unwrap();
    assert!(startup.contains("user\0iris-handler\0"), "{startup}");
    assert_eq!(password, format!("{TOKEN}\0"));
}
