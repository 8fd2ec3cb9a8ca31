//! Destinations in an organization's document: what is accepted, and how precisely an invalid one is described.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_channels::{channel, organization};
use iris_model::Organization;
use iris_model::organization::{DeliveryTarget, Error};
use serde_json::{Value, json};

fn sample() -> Value {
    json!({
        "slug": "harborview",
        "name": "Harborview Health Plan (sample)",
        "clientGuid": "5a3d1e70-0000-4000-8000-000000000001",
        "sites": [{ "localId": "HV-SEA", "name": "Seattle" }]
    })
}

fn read(document: &Value) -> Result<Organization, Error> {
    organization(document.to_string().as_bytes())
}

/// The sample with one more property.
fn with(property: &str, value: Value) -> Value {
    let mut document = sample();
    document[property] = value;
    document
}

fn report(cases: &[(&str, Value)]) -> String {
    let lines: Vec<String> =
        cases.iter().map(|(name, document)| format!("{name}: {}", read(document).unwrap_err())).collect();
    lines.join("\n")
}

#[test]
fn problems_of_destinations_name_their_place() {
    let destination = |to: Value| with("destinations", json!([{ "id": "x", "format": "result", "to": to }]));
    let file = |name: &str| destination(json!({ "container": { "name": name } }));
    let queue = |queue: Value| destination(json!({ "queue": queue }));
    let second = |change: Value| {
        let mut entry = json!({ "id": "y", "format": "result", "to": { "container": { "name": "{orderId}.json" } } });
        entry.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let first = json!({ "id": "x", "format": "pdf", "to": { "filePath": "{orderId}.pdf" } });
        with("destinations", json!([first, entry]))
    };
    let template = json!({ "evaluationType": "DR", "html": "<p>x</p>" });
    let cases = [
        ("kind of target", destination(json!({ "sftp": { "name": "{orderId}.json" } }))),
        ("kind of queue", queue(json!({ "name": "results-harborview.x", "kind": "kafka" }))),
        ("two targets", destination(json!({ "filePath": "{orderId}.json", "queue": { "name": "x" } }))),
        ("no target", second(json!({ "to": {} }))),
        ("format", second(json!({ "format": "docx" }))),
        ("unknown token", file("{OrderId}.json")),
        ("token of another kind", file("{patientSsn}/{orderId}.json")),
        ("open brace", file("{orderId.json")),
        ("no extension", file("reports/{orderId}")),
        ("empty", file("")),
        ("leaves upward", file("../{orderId}.json")),
        ("leaves in between", file("a/../../{orderId}.json")),
        ("absolute", file("/{orderId}.json")),
        ("drive", second(json!({ "to": { "filePath": "C:\\in\\{orderId}.json" } }))),
        ("share", second(json!({ "to": { "filePath": "\\\\server\\in\\{orderId}.json" } }))),
        ("unsafe", file("a|b/{orderId}.json")),
        ("id", second(json!({ "id": "The Second" }))),
        ("id of the results queue", second(json!({ "id": "results-queue" }))),
        ("id twice", second(json!({ "id": "x" }))),
        ("site", second(json!({ "sites": ["HV-SEA", "HV-XXX"] }))),
        ("queue's name", queue(json!({ "name": "results-harborview." }))),
        ("another's queue", queue(json!({ "name": "results-lakeside.x" }))),
        ("another's credential", queue(json!({ "name": "x", "connection": "DESTINATION_LAKESIDE__X" }))),
        ("the platform's credential", queue(json!({ "name": "x", "connection": "ServiceBus" }))),
        ("a credential itself", queue(json!({ "name": "x", "connection": "Endpoint=sb://x/;SharedAccessKey=y" }))),
        ("message limit", queue(json!({ "name": "results-harborview.x", "messageLimit": 12 }))),
        (
            "a file for a queue",
            second(json!({ "format": "pdf", "to": { "queue": { "name": "results-harborview.x" } } })),
        ),
        ("container without connection", destination(json!({ "container": { "name": "a.b", "container": "x-y" } }))),
        (
            "connection without container",
            destination(json!({ "container": { "name": "a.b", "connection": "DESTINATION_HARBORVIEW__X" } })),
        ),
        (
            "another's credential for a container",
            destination(
                json!({ "container": { "name": "a.b", "container": "x-y", "connection": "DESTINATION_LAKESIDE__X" } }),
            ),
        ),
        (
            "name of a container",
            destination(
                json!({ "container": { "name": "a.b", "container": "X", "connection": "DESTINATION_HARBORVIEW__X" } }),
            ),
        ),
        ("patience", with("results", json!({ "disableAfterDays": 0 }))),
        ("template twice", with("reports", json!({ "templates": [template, template] }))),
        ("exam of a template", with("reports", json!({ "templates": [{ "evaluationType": "XX", "html": "" }] }))),
    ];
    insta::assert_snapshot!(report(&cases));
}

#[test]
fn a_channel_says_what_is_particular_to_it() {
    let target = |target: Value| serde_json::from_value::<DeliveryTarget>(target).unwrap();
    let own = target(json!({ "queue": { "name": "results-harborview.x" } }));
    let other = target(json!({ "queue": { "name": "x", "connection": "DESTINATION_HARBORVIEW__X" } }));
    let container = target(json!({ "container": { "name": "{orderId}.pdf" } }));
    let files = target(json!({ "filePath": "{orderId}.pdf" }));
    let said: Vec<String> = [&own, &other, &container, &files]
        .into_iter()
        .map(|target| {
            let channel = channel(target);
            let (kind, kind_of_receipt, place) = (channel.kind(), channel.delivery_type(), channel.place());
            format!("{kind} | {kind_of_receipt} | {place} | {:?}", channel.own_queue())
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    queue | azure-queue | queue results-harborview.x | Some("results-harborview.x")
    queue | azure-queue | queue x by DESTINATION_HARBORVIEW__X | None
    container | azureblob | results container | None
    file-path | icproxy | files of the proxy | None
    "#);
}

#[test]
fn everything_that_stands_against_a_document_is_told_at_once() {
    let mut document =
        with("destinations", json!([{ "id": "x", "format": "pdf", "to": { "queue": { "name": "x" } } }]));
    document["name"] = json!("");
    let Error::Problems(problems) = read(&document).unwrap_err() else { panic!("the shape is right") };
    assert_eq!(problems.len(), 3, "name, format and queue: {problems:?}");
}

#[test]
fn what_every_organization_has_without_saying_so_passes_its_channels_check() {
    let organization = read(&sample()).unwrap();
    let destinations: Vec<_> = organization.all_destinations().collect();
    assert!(!destinations.is_empty());
    for destination in destinations {
        let problems = channel(&destination.to).check(&destination, &organization);
        assert!(problems.is_empty(), "{}: {problems:?}", destination.id);
    }
}
