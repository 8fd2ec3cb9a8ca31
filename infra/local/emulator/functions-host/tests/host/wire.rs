//! What the handler sees: request, environment, working directory.

use iris_local_functions_host::{Input, Level};
use iris_local_servicebus::message::Message;
use serde_json::{Value, json};

use crate::harness::{empty, orders_trigger, setup};

fn header<'a>(request: &'a Value, name: &str) -> Option<&'a str> {
    let headers = request["headers"].as_array().unwrap();
    headers.iter().find(|pair| pair[0] == name).and_then(|pair| pair[1].as_str())
}

#[tokio::test]
async fn an_invocation_looks_as_in_azure() {
    let bench = setup().orders("Submit_Order").start().await;
    let message = Message {
        subject: Some("new".to_owned()),
        ..Message::new(r#"{"MessageId":"evil"}"#).with_message_id("order-1").with_property("organization", "harborview")
    };
    bench.broker.send("orders", message).await.unwrap();
    let request = bench.requests_until("Submit_Order", 1).await.remove(0);
    bench.orders_until(empty).await;

    assert_eq!(request["method"], "POST");
    let port = bench.host.handler_port().unwrap();
    assert_eq!(header(&request, "host"), Some(format!("127.0.0.1:{port}").as_str()));
    assert_eq!(header(&request, "x-azure-functions-hostversion"), Some("4.1048.200.26180"));
    assert_eq!(header(&request, "user-agent"), Some("Azure-Functions-Host/4.1048.200.26180"));
    assert_eq!(header(&request, "content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(header(&request, "transfer-encoding"), Some("chunked"));
    assert_eq!(header(&request, "content-length"), None);
    assert_eq!(header(&request, "x-azure-functions-invocationid").map(str::len), Some(36));
    let trace: Vec<usize> = header(&request, "traceparent").unwrap().split('-').map(str::len).collect();
    assert_eq!(trace, [2, 32, 16, 2]);

    let body = &request["body"];
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(body["Data"], json!({ "msg": "eyJNZXNzYWdlSWQiOiJldmlsIn0=" }));
    let metadata = &body["Metadata"];
    for (key, expected) in [
        ("MessageId", json!("\"order-1\"")),
        ("DeliveryCount", json!("1")),
        ("Subject", json!("\"new\"")),
        ("ApplicationProperties", json!({ "organization": "harborview" })),
        ("MessageReceiver", json!({})),
    ] {
        assert_eq!(metadata[key], expected, "{key}");
    }
    assert_eq!(metadata["sys"]["MethodName"], "Submit_Order");
    let figures = bench.finish().await;
    assert_eq!((figures.invocations, figures.failures, figures.completed), (1, 0, 1));
}

#[tokio::test]
async fn the_handler_gets_azures_environment() {
    let bench = setup().orders("f").setting("Some__Setting", "value").start().await;
    let text = bench.line(Level::Information, "\"start\"").await;
    bench.line(Level::Warning, "this is a warning").await;
    bench.host.ready().await.unwrap();
    let start: Value = serde_json::from_str(&text).unwrap();
    let environment = &start["environment"];
    let port = bench.host.handler_port().unwrap().to_string();
    let root = bench.folder.path().to_str().unwrap();
    for (name, expected) in [
        ("FUNCTIONS_CUSTOMHANDLER_PORT", port.as_str()),
        ("FUNCTIONS_HTTPWORKER_PORT", port.as_str()),
        ("FUNCTIONS_APP_ROOT_PATH", root),
        ("Some__Setting", "value"),
    ] {
        assert_eq!(environment[name], expected, "{name}");
    }
    assert_eq!(environment["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"], environment["FUNCTIONS_HTTPWORKER_ID"]);
    assert_eq!(environment["FUNCTIONS_HTTPWORKER_ID"].as_str().map(str::len), Some(36));
    assert_eq!(start["start"], json!(["handler"]));
    let folder = std::fs::canonicalize(start["folder"].as_str().unwrap()).unwrap();
    assert_eq!(folder, std::fs::canonicalize(root).unwrap());
    if cfg!(target_os = "linux") {
        assert!(bench.host.peak_rss().unwrap() > 500_000);
    }
    bench.host.stop().await;
}

#[tokio::test]
async fn batches_go_out_as_one_and_are_settled_as_one() {
    let mut trigger = orders_trigger();
    trigger["cardinality"] = json!("many");
    let bench = setup().function("batch", json!({ "bindings": [trigger] })).start().await;
    let messages = ["a", "b", "c"].map(|body| Message::new(body).with_message_id(body));
    bench.broker.send_all("orders", messages.to_vec()).await.unwrap();
    bench.orders_until(empty).await;
    let requests = bench.requests("batch");
    let bodies: Vec<String> = requests
        .iter()
        .flat_map(|request| {
            serde_json::from_str::<Vec<String>>(request["body"]["Data"]["msg"].as_str().unwrap()).unwrap()
        })
        .collect();
    assert_eq!(bodies, ["YQ==", "Yg==", "Yw=="]);
    let figures = bench.finish().await;
    assert_eq!((figures.completed, figures.abandoned), (3, 0));
}

#[tokio::test]
async fn a_batch_that_cannot_be_encoded_is_abandoned_whole() {
    let mut trigger = orders_trigger();
    trigger["cardinality"] = json!("many");
    trigger.as_object_mut().unwrap().remove("dataType");
    let bench = setup().function("batch", json!({ "bindings": [trigger] })).start().await;
    bench.broker.send_all("orders", vec![Message::new("{}"), Message::new("not JSON")]).await.unwrap();
    bench.line(Level::Error, "message 1 of the batch is not a JSON object").await;
    bench.orders_until(|status| status.dead_lettered >= 1).await;
    bench.host.stop().await;
}

#[tokio::test]
async fn values_from_elsewhere_can_be_pushed_in() {
    let bench = setup()
        .function("on_event", json!({ "bindings": [ { "type": "eventGridTrigger", "name": "event" } ] }))
        .start()
        .await;
    let event = json!({ "id": "1", "data": { "url": "https://example.invalid/a" } });
    bench.host.invoke("on_event", Input::EventGrid(event.clone())).await.unwrap();
    let requests = bench.requests_until("on_event", 1).await;
    assert_eq!(requests[0]["body"]["Data"]["event"], event);
    assert!(bench.host.invoke("other", Input::EventGrid(event)).await.is_err());
    bench.host.stop().await;
}
