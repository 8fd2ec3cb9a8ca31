//! The console over HTTP: what it shows, what it does, and to whom.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use iris_local_servicebus::message::Message;
use std::net::SocketAddr;
use std::time::Duration;
use support::{TestHost, until};
use tower::ServiceExt;

const ADDRESS: &str = "127.0.0.1:7071";

/// A local host's console, called as a browser would.
struct Console(Router);

impl Console {
    fn of(host: &TestHost) -> Self {
        Self(iris_local_console::router(host.host.platform(), ADDRESS.parse::<SocketAddr>().unwrap()))
    }

    async fn call(&self, request: axum::http::request::Builder, body: impl Into<Body>) -> Response<Body> {
        let request = request.header(header::HOST, ADDRESS).body(body.into()).unwrap();
        self.0.clone().oneshot(request).await.unwrap()
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.call(Request::get(path), Body::empty()).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        text(answer).await
    }

    async fn act(&self, path: &str, form: &'static str) -> StatusCode {
        let request = Request::post(path)
            .header(header::ORIGIN, format!("http://{ADDRESS}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("hx-request", "true");
        self.call(request, form).await.status()
    }

    async fn drop_file(&self, name: &str, content: impl Into<Body>) -> Response<Body> {
        let path = format!("/drops?organization=harborview&name={name}");
        self.call(Request::post(path).header(header::ORIGIN, format!("http://{ADDRESS}")), content).await
    }
}

async fn text(answer: Response<Body>) -> String {
    String::from_utf8(to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_dropped_on_the_console_is_a_drop_like_any_other() {
    let host = TestHost::start().await;
    let console = Console::of(&host);
    let file = "PatientLocalId,PatientFirstName,PatientLastName,PatientDob,PatientBirthGender,SiteLocalId,EvaluationType,OrderLocalId\n\
                P1,<script>alert(1)</script>,Testpatient,1960-01-02,F,HV-SEA,DR,O1\nP2,Bo,Testpatient,x<y,F,HV-SEA,DR,O2\n";
    assert_eq!(console.drop_file("a%20b.csv", file).await.status(), StatusCode::ACCEPTED);
    let receipt = host.receipts(1).await.pop().unwrap();
    assert_eq!((receipt.totals.created, receipt.totals.failed), (1, 1));
    host.settled().await;

    assert!(console.page("/").await.contains("a b.csv"));
    let page = console.page(&format!("/drops/{}", receipt.drop_id)).await;
    assert!(page.contains("x&lt;y") && !page.contains("x<y"), "{page}");
    let rejected = console.call(Request::get(format!("/drops/{}/rejected", receipt.drop_id)), Body::empty()).await;
    let named = rejected.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().to_owned();
    assert!(named.starts_with("attachment; filename=\"a b.csv.rejected.csv\""), "{named}");
    assert!(text(rejected).await.contains("O2"));

    let order = host.host.orders.search_orders(&iris_store::queries::OrderSearch::default(), 1).await.unwrap().items;
    let page = console.page(&format!("/orders/{}", order[0].id)).await;
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert"), "{page}");
    assert!(console.page("/orders?q=o1").await.contains("O1"));
    assert!(console.page("/orders?q=o2").await.contains("No order matches"));
    for path in ["/messages", "/messages?refused=true", "/events", "/queues", "/queues/messages?name=events-harborview"]
    {
        console.page(path).await;
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_for_other_sites_and_nothing_unknown_breaks_it() {
    let host = TestHost::start().await;
    let console = Console::of(&host);
    for path in [
        "/faults/kill",
        "/faults/hold",
        "/faults/twice",
        "/queues/redrive",
        "/privacy",
        "/drops?organization=harborview&name=a.csv",
    ] {
        for origin in ["http://attacker.example", "null"] {
            let request = Request::post(path)
                .header(header::ORIGIN, origin)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            assert_eq!(console.call(request, "hold=true&messages=5").await.status(), StatusCode::FORBIDDEN, "{path}");
        }
        let answer = console.call(Request::get(path), Body::empty()).await;
        assert!(answer.status().is_client_error(), "a GET of {path} must not act");
    }
    assert_eq!(host.host.functions.deliveries_twice(), 0);
    for path in [
        "/nowhere",
        "/orders/7",
        "/drops/00000000-0000-0000-0000-000000000000",
        "/queues/messages?name=nowhere",
        "/assets/../lib.rs",
    ] {
        assert_eq!(console.call(Request::get(path), Body::empty()).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/drops/not-an-id", "/orders/x", "/orders?before=x"] {
        assert!(console.call(Request::get(path), Body::empty()).await.status().is_client_error(), "{path}");
    }
    assert_eq!(console.drop_file("..", "x").await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(console.drop_file("%00", "x").await.status(), StatusCode::BAD_REQUEST);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_shown_and_sent_back() {
    let host = TestHost::start().await;
    let console = Console::of(&host);
    let (broker, queue) = (&host.host.broker, "events-harborview");
    broker.send(queue, Message::new("{\"Note\":\"<i>dead</i>\"}").with_message_id("m1")).await.unwrap();
    let taken = broker.receive(queue, 1, Duration::from_secs(5)).await.unwrap();
    broker.dead_letter(queue, taken[0].lock_token, "Unwanted", "nobody wants it").await.unwrap();

    assert!(console.page("/queues").await.contains("Redrive"));
    let page = console.page("/queues/messages?name=events-harborview%2F%24deadletterqueue").await;
    assert!(page.contains("Unwanted") && page.contains("&lt;i&gt;dead"), "{page}");
    assert_eq!(console.act("/queues/redrive", "name=events-harborview").await, StatusCode::NO_CONTENT);
    let status = broker.status(queue).unwrap();
    assert_eq!((status.active, status.dead_lettered), (1, 0));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_made_around_the_handler() {
    let host = TestHost::start().await;
    let console = Console::of(&host);
    assert_eq!(console.act("/faults/twice", "messages=2").await, StatusCode::NO_CONTENT);
    assert_eq!(console.act("/faults/hold", "hold=true").await, StatusCode::NO_CONTENT);
    assert!(console.page("/status").await.contains("Release events and results"));
    console.drop_file("held.csv", support::generate::csv("H", 5, 0)).await;
    host.receipts(1).await;
    assert_eq!(host.host.functions.deliveries_twice(), 1);
    until("events in the outbox", async || host.host.orders.outbox_depth().await.unwrap().messages == 5).await;
    assert_eq!(host.host.broker.status("events-harborview").unwrap().active, 0);

    assert_eq!(console.act("/faults/hold", "hold=false").await, StatusCode::NO_CONTENT);
    assert_eq!(host.events(5).await.len(), 5);
    host.settled().await;

    let before = host.host.functions.handler_pid();
    assert_eq!(console.act("/faults/kill", "").await, StatusCode::NO_CONTENT);
    until("another handler", async || {
        let pid = host.host.functions.handler_pid();
        pid.is_some() && pid != before
    })
    .await;
    host.stop().await;
}

/// A list with unknown column names, which needs a mapping.
const GAPS: &str = "Mbr #,First,Last,D.O.B.,Gender,Home Clinic,Referral #\nM1,Ada,Testpatient,04/23/1961,Female,Seattle,R-1\n\
                    M2,Ben,Testpatient,03/04/1958,Male,Portland,R-2\n";
const CHOICES: &str = "chosen=%2F1&header=1&c0=PatientLocalId&c1=PatientFirstName&c2=PatientLastName&c3=PatientDob&c4=PatientBirthGender&\
                       c5=SiteLocalId&c6=OrderLocalId&m-EvaluationType=constant&v-EvaluationType=DR&k-PatientLocalId=on&k-PatientDob=on&\
                       k-OrderLocalId=on&name=gaps&pattern=gaps-*.csv&reason=tried&do=save";

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_is_saved_into_the_version_it_was_made_for_and_into_the_audit() {
    let host = TestHost::start().await;
    let console = Console::of(&host);
    let path = "/workbench?organization=harborview&name=gaps-1.csv";
    let entered = console.call(Request::post(path).header(header::ORIGIN, format!("http://{ADDRESS}")), GAPS).await;
    assert_eq!(entered.status(), StatusCode::CREATED);
    let address = entered.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let page = console.page(&address).await;
    let version = page.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(!page.contains("Save the mapping"), "nothing is confirmed yet");
    assert_eq!(host.host.orders.outbox_depth().await.unwrap().messages, 0);

    // Somebody else uploads the document in the meantime.
    let document = &host.host.organizations[0];
    let place = (
        iris_local_blob::ContainerName::new("organizations").unwrap(),
        iris_local_blob::BlobName::new("harborview.json").unwrap(),
    );
    let options = iris_local_blob::store::PutOptions::content_type("application/json");
    host.host.blobs.put(&place.0, &place.1, document.content.clone(), options).await.unwrap();
    let save = async |version: &str| {
        let request = Request::post(&address)
            .header(header::ORIGIN, format!("http://{ADDRESS}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        console.call(request, format!("{CHOICES}&version={version}")).await
    };
    let refused = save(&version).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(text(refused).await.contains("changed the organization's document since"));

    let page = console.page(&address).await;
    let version = page.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let saved = text(save(&version).await).await;
    assert!(saved.contains("The mapping is saved") && saved.contains("2 created"), "{saved}");
    let search = iris_store::audit::AuditSearch::default();
    let audited = host.host.orders.administration().audit_entries(&search, 10).await.unwrap();
    assert!(audited.iter().any(|record| record.action == "mappings.put" && record.reason == "tried"));

    // The new document is used at once, even if an older one is cached.
    console.drop_file("gaps-1.csv", GAPS).await;
    let receipt = host.receipts(1).await.pop().unwrap();
    assert_eq!((receipt.totals.created, receipt.read_as.unwrap().mapping), (2, "gaps".to_owned()));
    host.stop().await;
}
