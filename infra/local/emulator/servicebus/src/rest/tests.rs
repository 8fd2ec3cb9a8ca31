//! Requests as sent over the wire.

use super::*;
use crate::access::{AccessKey, Right, derive_key};
use crate::broker::{Delivery, QueueOptions};
use crate::message::PropertyValue;
use base64::Engine as _;
use hmac::{KeyInit as _, Mac as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const LATER: i64 = 4_000_000_000;

fn key(entity: Option<&str>, name: &str, right: Right) -> AccessKey {
    let key = derive_key(b"seed", entity.unwrap_or_default(), name);
    AccessKey { name: name.into(), key, entity: entity.map(str::to_owned), right, known_as: None }
}

fn token(address: &str, expiry: i64, key: &AccessKey) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let resource = encode(address);
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key.key.as_bytes()).unwrap();
    mac.update(format!("{resource}\n{expiry}").as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    format!("SharedAccessSignature sr={resource}&sig={}&se={expiry}&skn={}", encode(&signature), key.name)
}

struct Site {
    broker: Broker,
    endpoint: HttpEndpoint,
}

impl Site {
    async fn new() -> Self {
        let broker = Broker::open(None).await.unwrap();
        broker.create_queue("orders", QueueOptions::default()).unwrap();
        broker.create_queue("tiny", QueueOptions { max_bytes: 1, ..QueueOptions::default() }).unwrap();
        broker.create_entry("entry", "orders", vec![("IrisOrganization".into(), "harborview".into())]).unwrap();
        let keys = vec![
            key(None, "root", Right::Manage),
            key(Some("entry"), "send", Right::Send),
            key(Some("orders"), "listen", Right::Listen),
        ];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = serve_http(broker.clone(), listener, Access::with_keys(keys)).unwrap();
        Self { broker, endpoint }
    }

    /// Sends a request unchanged; returns the answer's status and text.
    async fn raw(&self, request: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.endpoint.address()).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let text = String::from_utf8(answer).unwrap();
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
        (status, text)
    }

    async fn post(&self, path: &str, token: &str, headers: &str, body: &str) -> (u16, String) {
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {token}\r\n{headers}");
        self.raw(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await
    }

    async fn received(&self, queue: &str) -> Vec<Delivery> {
        self.broker.receive(queue, 10, Duration::ZERO).await.unwrap()
    }
}

fn root(address: &str) -> String {
    token(address, LATER, &key(None, "root", Right::Manage))
}

#[tokio::test]
async fn a_message_arrives_with_its_properties_and_the_entrys_stamp() {
    let site = Site::new().await;
    let caller = token("http://x/entry", LATER, &key(Some("entry"), "send", Right::Send));
    let headers = "Content-Type: application/json\r\n\
        BrokerProperties: {\"MessageId\":\"m-1\",\"Label\":\"L\",\"CorrelationId\":7,\"TimeToLive\":90,\"SequenceNumber\":3}\r\n\
        Priority: \"High\"\r\nIrisOrganization: \"someone-else\"\r\nCount: 12\r\nfree: text\r\nRatio: 0.5\r\nUser-Agent: curl\r\n";
    let (status, answer) = site.post("/Entry/messages?timeout=60&api-version=2015-01", &caller, headers, "{}").await;
    assert_eq!(status, 201, "{answer}");
    let message = &site.received("orders").await[0].message;
    assert_eq!(message.body, "{}");
    assert_eq!(message.content_type.as_deref(), Some("application/json"));
    let texts = (message.message_id.as_deref(), message.subject.as_deref(), message.correlation_id.as_deref());
    assert_eq!(texts, (Some("m-1"), Some("L"), Some("7")));
    assert_eq!(message.time_to_live, Some(Duration::from_secs(90)));
    assert_eq!(message.property("Priority"), Some(&"High".into()));
    assert_eq!(message.property("IrisOrganization"), Some(&"harborview".into()));
    assert_eq!(message.property("Count"), Some(&PropertyValue::Int(12)));
    assert_eq!(message.property("free"), Some(&"text".into()));
    assert_eq!(message.property("Ratio"), Some(&PropertyValue::Double(0.5)));
    assert_eq!(message.application_properties.len(), 5, "HTTP's own headers are none of them");
}

#[tokio::test]
async fn a_batch_is_taken_whole_or_not_at_all() {
    let site = Site::new().await;
    let kind = "Content-Type: application/vnd.microsoft.servicebus.json; charset=utf-8\r\n";
    let token = root("http://x/");
    let batch = r#"[{"Body":"1","BrokerProperties":{"TimeToLiveTimeSpan":"0.00:00:40"}},
        {"Body":"2","UserProperties":{"Priority":"Low","Flag":true}}]"#;
    assert_eq!(site.post("/orders/messages", &token, kind, batch).await.0, 201);
    let got = site.received("orders").await;
    assert_eq!(got.iter().map(|delivery| delivery.message.body.clone()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(got[0].message.time_to_live, Some(Duration::from_secs(40)));
    assert_eq!(got[1].message.property("Flag"), Some(&true.into()));
    for (bad, said) in [
        ("[]", "no messages"),
        ("{}", "array"),
        (r#"[{"Body":"1"},{"Body":2}]"#, "Message 2: Body is text"),
        (r#"[{"Body":"1","UserProperties":{"a":[1]}}]"#, "UserProperties"),
        (r#"[{"Body":"1","BrokerProperties":{"TimeToLive":"soon"}}]"#, "TimeToLive"),
    ] {
        let (status, answer) = site.post("/orders/messages", &token, kind, bad).await;
        assert!(status == 400 && answer.contains(said), "{bad}: {answer}");
    }
    assert_eq!(site.received("orders").await, []);
}

#[tokio::test]
async fn a_scheduled_message_waits() {
    let site = Site::new().await;
    let headers = "BrokerProperties: {\"ScheduledEnqueueTimeUtc\":\"Fri, 20 Nov 2099 09:15:02 GMT\"}\r\n";
    assert_eq!(site.post("/orders/messages", &root("http://x/orders/messages"), headers, "x").await.0, 201);
    assert_eq!(site.broker.status("orders").unwrap().scheduled, 1);
}

#[tokio::test]
async fn what_is_refused_is_told_with_status_and_reason() {
    let site = Site::new().await;
    let good = root("http://x/");
    let listen = token("http://x/orders", LATER, &key(Some("orders"), "listen", Right::Listen));
    let expired = token("http://x/orders", 1_000_000_000, &key(None, "root", Right::Manage));
    let forged =
        token("http://x/orders", LATER, &AccessKey { key: "other".into(), ..key(None, "root", Right::Manage) });
    let elsewhere = token("http://x/entry", LATER, &key(Some("entry"), "send", Right::Send));
    for (path, token, headers, status, said) in [
        ("/orders/messages", "", "", 401, "not a shared access signature"),
        ("/orders/messages", &expired, "", 401, "expired"),
        ("/orders/messages", &forged, "", 401, "does not match"),
        ("/orders/messages", &listen, "", 401, "'Send' claim"),
        ("/orders/messages", &elsewhere, "", 401, "'Send' claim"),
        ("/nowhere/messages", &good, "", 404, "nowhere"),
        ("/orders", &good, "", 501, "administration of entities"),
        ("/messages", &good, "", 501, "administration of entities"),
        ("/orders/messages/head", &good, "", 501, "receiving over HTTP"),
        ("/$servicebus/websocket", &good, "", 501, "WebSockets"),
        ("/orders/messages", &good, "BrokerProperties: {\r\n", 400, "BrokerProperties"),
        ("/orders/messages", &good, "BrokerProperties: {\"MessageId\":[]}\r\n", 400, "MessageId"),
        ("/%ff/messages", &good, "", 400, "UTF-8"),
    ] {
        let (got, answer) = site.post(path, token, headers, "x").await;
        assert!(got == status && answer.contains(said), "{path} {headers}: {answer}");
        assert!(answer.contains(&format!("<Error><Code>{status}</Code>")), "{answer}");
    }
    let missing = site.raw(b"POST /orders/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(missing.0 == 401 && missing.1.contains("missing"), "{}", missing.1);
    let receive = site.raw(b"DELETE /orders/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!(receive.0, 405);
    assert_eq!(site.received("orders").await, []);
}

#[tokio::test]
async fn large_messages_and_full_queues_are_refused() {
    let site = Site::new().await;
    let token = root("http://x/");
    let (status, answer) = site.post("/orders/messages", &token, "", &"x".repeat((1 << 20) + 1)).await;
    assert!(status == 413 && answer.contains("1048576"), "{answer}");
    // With its properties the message is larger than its body.
    assert_eq!(site.post("/orders/messages", &token, "", &"x".repeat(1 << 20)).await.0, 413);
    assert_eq!(site.post("/tiny/messages", &token, "", "x").await.0, 201);
    let (status, answer) = site.post("/tiny/messages?timeout=0", &token, "", "x").await;
    assert!(status == 403 && answer.contains("full"), "{answer}");
}

#[tokio::test]
async fn one_connection_carries_several_messages() {
    let site = Site::new().await;
    let token = root("http://x/");
    let mut stream = TcpStream::connect(site.endpoint.address()).await.unwrap();
    for number in 0..3 {
        let head =
            format!("POST /orders/messages HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nMy-Number: {number}\r\n");
        stream.write_all(format!("{head}Content-Length: 1\r\n\r\nx").as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 201");
        let mut rest = Vec::new();
        while !rest.ends_with(b"\r\n\r\n") {
            rest.push(stream.read_u8().await.unwrap());
        }
    }
    let numbers: Vec<_> =
        site.received("orders").await.iter().map(|delivery| delivery.message.property("My-Number").cloned()).collect();
    assert_eq!(numbers, (0..3).map(|number| Some(PropertyValue::Int(number))).collect::<Vec<_>>());
}
