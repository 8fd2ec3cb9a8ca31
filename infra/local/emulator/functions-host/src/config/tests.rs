use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::*;

fn settings(pairs: &[(&str, &str)]) -> Settings {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>().into()
}

/// An app in a folder of its own, removed with the value.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(host: &str, functions: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("host.json"), host).unwrap();
        for (name, json) in functions {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("function.json"), json).unwrap();
        }
        Self(folder)
    }

    fn load(&self, settings: &Settings) -> Result<App, Error> {
        App::load(self.0.path(), self.0.path(), settings)
    }
}

const HOST: &str = r#"{ "version": "2.0",
  "extensionBundle": { "id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.0.0, 5.0.0)" },
  "customHandler": { "description": { "defaultExecutablePath": "handler" } } }"#;

const QUEUE: &str = r#"{ "bindings": [ { "type": "serviceBusTrigger", "direction": "in", "name": "message",
  "queueName": "%Q%", "connection": "ServiceBus", "dataType": "binary" } ] }"#;

fn bus() -> Settings {
    settings(&[("Q", "orders"), ("ServiceBus", "Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=a;SharedAccessKey=b")])
}

#[test]
fn loads_an_app_as_it_is_deployed() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/app");
    let settings = settings(&[
        ("ORDERS_QUEUE", "orders"),
        ("SWEEP_SCHEDULE", "0 */1 * * * *"),
        ("ServiceBus__fullyQualifiedNamespace", "example.servicebus.windows.net"),
        ("azurewebjobs.sweep.disabled", "true"),
        ("AzureWebJobsStorage", "UseDevelopmentStorage=true"),
    ]);
    let app = App::load(&root, &root.join("functions"), &settings).unwrap();
    assert_eq!(app.warnings, Vec::<String>::new());
    assert_eq!(app.host.function_timeout, Some(Duration::from_secs(1_800)));
    assert_eq!(app.host.service_bus.max_auto_lock_renewal, Duration::from_secs(1_740));
    let submit = app.function("submit").unwrap();
    let Trigger::ServiceBus(trigger) = &submit.trigger else { panic!("not a Service Bus trigger") };
    assert_eq!((trigger.entity.as_str(), trigger.many, trigger.data_type), ("orders", false, DataType::Binary));
    assert_eq!(trigger.namespace, "example.servicebus.windows.net");
    let sweep = app.function("sweep").unwrap();
    assert!(sweep.disabled && !submit.disabled);
    assert_eq!(sweep.retry.unwrap().max, Some(3));
}

#[test]
fn a_timer_without_storage_for_its_lease_is_warned_of() {
    let function =
        r#"{ "bindings": [{ "type": "timerTrigger", "direction": "in", "name": "t", "schedule": "0 * * * * *" }] }"#;
    let load = |given: &[(&str, &str)]| Folder::new(HOST, &[("f", function)]).load(&settings(given)).unwrap().warnings;
    let warnings = load(&[]);
    assert!(matches!(&warnings[..], [warning] if warning.contains("AzureWebJobsStorage")), "{warnings:?}");
    assert_eq!(load(&[("AzureWebJobsStorage", "UseDevelopmentStorage=true")]), Vec::<String>::new());
}

#[test]
fn takes_topics_outputs_and_defaults() {
    let function = r#"{ "disabled": true, "bindings": [
      { "type": "serviceBusTrigger", "direction": "in", "name": "m", "topicName": "t", "subscriptionName": "s",
        "connection": "ServiceBus", "cardinality": "many", "dataType": "binary" },
      { "type": "serviceBus", "direction": "out", "name": "out", "topicName": "results", "connection": "ServiceBus" } ] }"#;
    let app = Folder::new(HOST, &[("f", function)]).load(&bus()).unwrap();
    let Trigger::ServiceBus(trigger) = &app.functions[0].trigger else { panic!("not a Service Bus trigger") };
    assert_eq!(
        (trigger.entity.as_str(), trigger.many, trigger.namespace.as_str()),
        ("t/subscriptions/s", true, "127.0.0.1")
    );
    assert_eq!(app.functions[0].outputs[0].entity, "results");
    assert!(app.functions[0].disabled);
    assert_eq!(app.host.custom_handler.initialization_timeout, Duration::from_secs(30));
    assert_eq!(app.host.service_bus.max_auto_lock_renewal, Duration::from_secs(300));
}

#[test]
fn retries_wait_as_configured() {
    let timer = r#"{ "bindings": [ { "type": "timerTrigger", "name": "t", "schedule": "0 0 * * * *" } ],
      "retry": { "strategy": "exponentialBackoff", "maxRetryCount": -1, "minimumInterval": "00:00:05", "maximumInterval": "00:01:00" } }"#;
    let app = Folder::new(HOST, &[("f", timer)]).load(&bus()).unwrap();
    let retry = app.functions[0].retry.unwrap();
    assert_eq!(retry.max, None);
    assert_eq!([0, 1, 3, 4, 99].map(|n| retry.delay(n).as_secs()), [5, 10, 40, 60, 60]);
}

/// Each case: a host.json, a function.json, and what the error must say.
#[test]
fn says_what_would_not_work_in_azure() {
    let queue = |more: &str| QUEUE.replace(r#""dataType": "binary""#, more);
    let host = |more: &str| HOST.replacen('{', &format!("{{ {more},"), 1);
    let plain = HOST.to_owned();
    let cases = [
        (plain.replace("2.0\"", "1.0\""), QUEUE.to_owned(), "version"),
        (plain.replace("[4.0.0, 5.0.0)", "[3.*, 4.0.0)"), QUEUE.to_owned(), "out of support"),
        (plain.replace("\"handler\"", "\" \""), QUEUE.to_owned(), "defaultExecutablePath"),
        (
            r#"{ "version": "2.0", "customHandler": { "description": { "defaultExecutablePath": "h" } } }"#.to_owned(),
            QUEUE.to_owned(),
            "extensionBundle",
        ),
        (r#"{ "version": "2.0" }"#.to_owned(), QUEUE.to_owned(), "customHandler"),
        (host(r#""httpWorker": {}"#), QUEUE.to_owned(), "deprecated"),
        (host(r#""functionTimeout": "30""#), QUEUE.to_owned(), "functionTimeout"),
        (
            host(r#""extensions": { "serviceBus": { "autoCompleteMessages": false } }"#),
            QUEUE.to_owned(),
            "nobody would complete",
        ),
        (host(r#""extensions": { "serviceBus": { "messageHandlerOptions": {} } }"#), QUEUE.to_owned(), "bundle 2"),
        (host(r#""extensions": { "serviceBus": { "maxConcurrentCalls": 0 } }"#), QUEUE.to_owned(), "at least 1"),
        (plain.clone(), QUEUE.replace("%Q%", "%NOWHERE%"), "app setting NOWHERE"),
        (plain.clone(), QUEUE.replace("\"ServiceBus\"", "\"Elsewhere\""), "Elsewhere__fullyQualifiedNamespace"),
        (plain.clone(), QUEUE.replace("\"ServiceBus\"", "\"%Q%\""), "percent"),
        (plain.clone(), QUEUE.replace("serviceBusTrigger", "serviceBustrigge"), "not a known binding type"),
        (plain.clone(), QUEUE.replace("serviceBusTrigger", "httpTrigger"), "not emulated"),
        (plain.clone(), queue(r#""autoCompleteMessages": false"#), "nobody would complete"),
        (plain.clone(), queue(r#""isSessionsEnabled": true"#), "session"),
        (plain.clone(), queue(r#""cardinality": "some""#), "cardinality"),
        (plain.clone(), queue(r#""dataType": "stream""#), "dataType"),
        (plain.clone(), queue(r#""topicName": "t""#), "either queueName"),
        (plain.clone(), QUEUE.replace("\"in\"", "\"out\""), "direction"),
        (plain.clone(), r#"{ "bindings": [] }"#.to_owned(), "no trigger"),
        (
            plain.clone(),
            r#"{ "bindings": [ { "type": "timerTrigger", "name": "t", "schedule": "00:05:00" } ] }"#.to_owned(),
            "Dedicated",
        ),
        (
            plain.clone(),
            r#"{ "bindings": [ { "type": "blobTrigger", "name": "b", "path": "in/{name}" } ] }"#.to_owned(),
            "Flex",
        ),
        (plain, "{ nonsense".to_owned(), "is not valid"),
    ];
    for (host, function, expected) in cases {
        let error = Folder::new(&host, &[("f", &function)]).load(&bus()).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error:?} does not contain {expected:?}");
    }
    let error = Folder::new(HOST, &[("9f", QUEUE)]).load(&bus()).unwrap_err().to_string();
    assert!(error.contains("function name"), "{error}");
    let error = Folder::new(HOST, &[]).load(&bus()).unwrap_err().to_string();
    assert!(error.contains("no folder"), "{error}");
    let mut other_runtime = bus();
    other_runtime = other_runtime
        .iter()
        .map(|(k, v)| (k.clone(), v.clone()))
        .chain([("FUNCTIONS_WORKER_RUNTIME".to_owned(), "node".to_owned())])
        .collect::<BTreeMap<_, _>>()
        .into();
    assert!(Folder::new(HOST, &[("f", QUEUE)]).load(&other_runtime).unwrap_err().to_string().contains("custom"));
}

#[test]
fn warns_of_what_is_probably_not_meant() {
    let host = HOST.replacen('{', r#"{ "retry": {}, "concurrency": { "dynamicConcurrencyEnabled": true }, "extensions": { "serviceBus": { "maxConcurrentCall": 3 } },"#, 1);
    let function = QUEUE.replace(r#", "dataType": "binary""#, "");
    let app = Folder::new(&host, &[("f", &function)]).load(&bus()).unwrap();
    for expected in ["retry", "dynamicConcurrency", "maxConcurrentCall ", "overwrite"] {
        assert!(app.warnings.iter().any(|warning| warning.contains(expected)), "{expected}: {:?}", app.warnings);
    }
}

#[test]
fn expansion_is_by_pairs_of_percent_signs() {
    let settings = settings(&[("A", "1")]);
    let expand = |text| settings.expand(Path::new("f"), "p", text).map_err(|error| error.to_string());
    assert_eq!(expand("x%A%y%a%").unwrap(), "x1y1");
    assert_eq!(expand("100%").unwrap(), "100%");
    assert_eq!(expand("100%%").unwrap(), "100%");
    assert!(expand("50% of %A%").unwrap_err().contains(" of "));
}
