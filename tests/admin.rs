//! `iris-admin` against a local host: what operators see, what they do, and what they must not see.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use clap::Parser;
use iris_admin::cli::Cli;
use iris_local_servicebus::message::{Message, PropertyValue};
use iris_model::OutcomeKind;
use iris_model::names::queue::ORDERS;
use iris_store::audit::AuditSearch;
use serde_json::{Value, json};
use sqlx::Connection;
use std::collections::BTreeMap;
use std::time::Duration;
use support::generate::{csv, order};
use support::results::{
    fails_for_days, free_address, grade, graded, grading, organization, partner, partner_queue, received,
};
use support::{TestHost, message, until};

/// Data of the patient that only an operator who asked for it may see.
const SENTINELS: [&str; 6] =
    ["Zzyzxsentinel", "SENTINEL-MRN", "SENTINEL-ORDER", "1941-07-07", "7/7/1941", "sentinel secret"];

/// Runs a command line as an operator types it.
async fn admin(host: &TestHost, arguments: &[&str]) -> anyhow::Result<String> {
    let folder = host.data().to_str().unwrap();
    let common = ["iris-admin", "--local", folder, "--actor", "tester"];
    let cli = Cli::try_parse_from(common.iter().chain(arguments))?;
    let mut out = Vec::new();
    let done = Box::pin(iris_admin::run(&cli, &mut out)).await;
    let text = String::from_utf8(out)?;
    done.map(|()| text)
}

async fn seen(host: &TestHost, arguments: &[&str]) -> String {
    admin(host, arguments).await.unwrap_or_else(|error| panic!("{arguments:?}: {error:#}"))
}

async fn json_of(host: &TestHost, arguments: &[&str]) -> Value {
    let all: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    serde_json::from_str(&seen(host, &all).await).unwrap()
}

async fn refusal(host: &TestHost, arguments: &[&str]) -> String {
    format!("{:#}", admin(host, arguments).await.unwrap_err())
}

/// The entries of the audit, oldest first.
async fn audited(host: &TestHost) -> Vec<String> {
    let store = host.host.orders.administration();
    let entries = store.audit_entries(&AuditSearch::default(), 1000).await.unwrap();
    entries.into_iter().rev().map(|entry| format!("{} {}: {}", entry.action, entry.subject, entry.reason)).collect()
}

/// A patient with everything that must stay hidden.
fn sentinel() -> Value {
    let mut sentinel = order("A", 1);
    sentinel["Patient"]["Name"]["Last"] = json!("Zzyzxsentinel");
    sentinel["Patient"]["LocalId"] = json!("SENTINEL-MRN");
    sentinel["Patient"]["Dob"] = json!("1941-07-07");
    sentinel["Order"]["LocalId"] = json!("SENTINEL-ORDER");
    sentinel["Order"]["AdditionalInfo"] = json!("sentinel secret");
    sentinel
}

/// The organization's orders that could not be forwarded.
const FORWARDING: &str = "orders-harborview/subscriptions/forward/$Transfer";

/// A host whose handler takes no messages, with one that a receiver gave up, in its own words.
async fn with_dead_letter() -> (TestHost, String) {
    let host = TestHost::with_settings(&[("AzureWebJobs.submit_order.Disabled", "true")]).await;
    let broker = &host.host.broker;
    let mut lost = Message::new(sentinel().to_string()).with_message_id("SENTINEL-ORDER message");
    lost.application_properties.push(("IrisOrganization".to_owned(), PropertyValue::String("harborview".to_owned())));
    broker.send(ORDERS, lost).await.unwrap();
    let taken = broker.receive(ORDERS, 1, Duration::from_secs(5)).await.unwrap();
    broker.dead_letter(ORDERS, taken[0].lock_token, "Unwanted by Zzyzxsentinel", "sentinel secret").await.unwrap();
    let letters = json_of(&host, &["dead-letters", "list"]).await;
    assert_eq!(letters["deadLetters"].as_array().unwrap().len(), 1, "{letters}");
    assert_eq!(letters["deadLetters"][0]["queue"], ORDERS);
    let number = letters["deadLetters"][0]["number"].to_string();
    (host, number)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_entry_could_not_forward_is_listed_and_goes_through_it_again() {
    let host = TestHost::with_settings(&[("AzureWebJobs.submit_order.Disabled", "true")]).await;
    let broker = &host.host.broker;
    broker.delete(ORDERS).await.unwrap();
    host.post(vec![message("forwarded late", &sentinel())]).await;
    let letters = json_of(&host, &["dead-letters", "list"]).await;
    let letter = &letters["deadLetters"][0];
    assert_eq!((&letter["queue"], &letter["reason"]), (&json!(FORWARDING), &json!("ForwardingFailed")), "{letters}");
    let number = letter["number"].to_string();
    let shown = json_of(&host, &["dead-letters", "show", FORWARDING, &number]).await;
    assert_eq!(shown["properties"]["IrisOrganization"], "harborview", "stamped before it was to be forwarded");

    // The restarted host still has the queue.
    let host = host.restart().await;
    let redriven = seen(&host, &["dead-letters", "redrive", FORWARDING, &number, "--reason", "queue is back"]).await;
    assert!(redriven.contains(&number), "{redriven}");
    let event = host.events(1).await.remove(0);
    assert_eq!((event.success, event.order_local_id.as_deref()), (true, Some("SENTINEL-ORDER")));
    host.settled().await;
    assert_eq!(host.dead_letters(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_of_what_is_not_there_leaves_no_trace_in_the_audit() {
    let (host, number) = with_dead_letter().await;
    let redrive = ["dead-letters", "redrive", ORDERS, "4711", &number, "--reason", "two at once"];
    let refused = refusal(&host, &redrive).await;
    assert!(refused.contains("orders has no dead letter 4711"), "{refused}");
    assert_eq!(audited(&host).await, [format!("dead-letters.redrive {ORDERS}/{number}: two at once")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_listed_shown_redriven_and_processed() {
    let (host, number) = with_dead_letter().await;
    let shown = json_of(&host, &["dead-letters", "show", ORDERS, &number]).await;
    assert_eq!(shown["content"]["OrderControlCode"], "NW");
    assert_eq!(shown["content"]["Patient"]["Name"]["Last"], "(text, 13 characters)");
    assert_eq!(shown["properties"]["IrisOrganization"], "harborview");
    assert_eq!(audited(&host).await, Vec::<String>::new(), "nothing personal was shown");

    let redrive = ["dead-letters", "redrive", ORDERS, &number];
    assert!(refusal(&host, &redrive).await.contains("--reason"));
    let host = host.restart().await;
    let because: Vec<&str> = redrive.iter().copied().chain(["--reason", "handler was off"]).collect();
    assert!(seen(&host, &because).await.contains(&number));
    let event = host.events(1).await.remove(0);
    assert!(event.success, "{:?}", event.error_message);
    assert_eq!(event.order_local_id.as_deref(), Some("SENTINEL-ORDER"));
    host.settled().await;
    assert_eq!(audited(&host).await, [format!("dead-letters.redrive {ORDERS}/{number}: handler was off")]);
    assert_eq!(seen(&host, &["dead-letters", "list"]).await, "(none)\n");
    assert!(refusal(&host, &because).await.contains(&format!("orders has no dead letter {number}")));

    // The same message from its sender, late: the ledger recognizes it by the id it came with.
    let mut again = Message::new(sentinel().to_string()).with_message_id("SENTINEL-ORDER message");
    again.application_properties.push(("IrisOrganization".to_owned(), PropertyValue::String("harborview".to_owned())));
    host.host.broker.send(ORDERS, again).await.unwrap();
    host.settled().await;
    let all = host.host.orders.submissions(None, None, 10).await.unwrap();
    assert_eq!(all.len(), 1);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_message_is_corrected_and_resubmitted() {
    let host = TestHost::start().await;
    let mut wrong = order("A", 1);
    wrong["Patient"]["Dob"] = json!("13/45/2000");
    host.post(vec![message("1", &wrong)]).await;
    assert!(!host.events(1).await[0].success);
    host.settled().await;
    let list = json_of(&host, &["submissions", "list", "--organization", "harborview"]).await;
    let original = list["submissions"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(list["submissions"][0]["issues"][0], "bad-date at Patient.Dob");
    assert!(refusal(&host, &["submissions", "resubmit", &original]).await.contains("--reason"));

    // Unchanged: refused again, as a submission of its own.
    let again = ["submissions", "resubmit", &original, "--reason", "ticket 7"];
    let first = json_of(&host, &again).await;
    assert!(!host.events(2).await[1].success);
    host.settled().await;
    // Corrected: it becomes an order.
    let file = host.data().join("corrected.json");
    std::fs::write(&file, order("A", 1).to_string()).unwrap();
    let corrected: Vec<&str> = again.iter().copied().chain(["--file", file.to_str().unwrap()]).collect();
    let second = json_of(&host, &corrected).await;
    assert!(host.events(3).await[2].success);
    host.settled().await;

    let shown = json_of(&host, &["submissions", "show", &original]).await;
    let links: Vec<_> = shown["resubmissions"].as_array().unwrap().iter().collect();
    assert_eq!(links.len(), 2);
    for (link, sent) in links.iter().zip([&first, &second]) {
        assert_eq!(link["submission"], sent["submission"]);
        assert_eq!(link["handled"], true);
    }
    let new = json_of(&host, &["submissions", "show", second["submission"].as_str().unwrap()]).await;
    assert_eq!((&new["resubmissionOf"], &new["outcome"]), (&json!(original), &json!("created")));
    let created = second["submission"].as_str().unwrap();
    let refused = refusal(&host, &["submissions", "resubmit", created, "--reason", "x"]).await;
    assert!(refused.contains("was not rejected"), "{refused}");
    assert_eq!(audited(&host).await.len(), 2);

    let order = new["irisOrderId"].to_string();
    let shown = json_of(&host, &["orders", "show", &order]).await;
    assert_eq!((&shown["status"], &shown["patient"]), (&json!("AwaitingImages"), &json!("(hidden)")));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_data_is_shown_only_when_asked_for_and_that_is_audited() {
    let (host, number) = with_dead_letter().await;
    let host = host.restart().await;
    let mut wrong = sentinel();
    wrong["Patient"]["Dob"] = json!("7/7/1941 Zzyzxsentinel");
    wrong["Zzyzxsentinel"] = json!({ "1941-07-07": "sentinel secret" });
    wrong["Site"]["LocalId"] = json!("Zzyzxsentinel");
    let mut broken = message("3", &json!(null));
    broken.body = "{\"Patient\": {\"Name\": \"Zzyzxsentinel\", }}".into();
    host.post(vec![message("1", &sentinel()), message("2", &wrong), broken]).await;
    let file = csv("S", 12, 4)
        .replace("Testpatient1", "Zzyzxsentinel")
        .replace("S-P", "SENTINEL-MRN")
        .replace("S-O", "SENTINEL-ORDER");
    let receipt = host.load("Zzyzxsentinel 1941-07-07.csv", file).await;
    host.settled().await;
    let found = json_of(&host, &["orders", "find", "SENTINEL-ORDER"]).await;
    let order = found["orders"][0]["id"].to_string();
    let rejected = json_of(&host, &["submissions", "list"]).await;
    let rejected: Vec<String> = rejected["submissions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(rejected.len(), 2);
    let drop = receipt.drop_id.to_string();

    let commands: Vec<Vec<&str>> = vec![
        vec!["organizations", "list"],
        vec!["organizations", "show", "harborview"],
        vec!["drops", "list"],
        vec!["drops", "show", &drop],
        vec!["orders", "find", "sentinel"],
        vec!["orders", "show", &order],
        vec!["dead-letters", "list"],
        vec!["dead-letters", "show", ORDERS, &number],
        vec!["outbox", "list"],
        vec!["submissions", "list", "--all"],
        vec!["submissions", "show", &rejected[0]],
        vec!["submissions", "show", &rejected[1]],
        vec!["audit", "list"],
    ];
    for command in &commands {
        for json in [false, true] {
            let mut arguments = command.clone();
            arguments.extend(json.then_some("--json"));
            let text = seen(&host, &arguments).await.to_lowercase();
            let told = SENTINELS.iter().find(|sentinel| text.contains(&sentinel.to_lowercase()));
            assert!(told.is_none(), "{told:?} is in the output of {command:?}:\n{text}");
        }
        let mut arguments = command.clone();
        arguments.push("--show-personal-data");
        assert!(refusal(&host, &arguments).await.contains("--reason"));
    }
    // Errors are shown on terminals and in logs alike.
    for arguments in [["drops", "show", &rejected[0]], ["submissions", "show", &drop], ["orders", "show", "7"]] {
        assert!(refusal(&host, &arguments).await.contains("there is no"));
    }
    assert_eq!(audited(&host).await, Vec::<String>::new());

    let asked: [(Vec<&str>, &str); 6] = [
        (vec!["drops", "list"], "Zzyzxsentinel 1941-07-07.csv"),
        (vec!["drops", "show", &drop], "SENTINEL-ORDER"),
        (vec!["orders", "show", &order], "Zzyzxsentinel"),
        (vec!["dead-letters", "show", ORDERS, &number], "sentinel secret"),
        (vec!["submissions", "list"], "SENTINEL-MRN"),
        (vec!["submissions", "show", &rejected[0]], "Zzyzxsentinel"),
    ];
    for (command, wanted) in &asked {
        let arguments =
            command.iter().copied().chain(["--show-personal-data", "--reason", "ticket 9"]).collect::<Vec<_>>();
        let text = seen(&host, &arguments).await;
        assert!(text.contains(wanted), "{command:?}:\n{text}");
    }
    let known = audited(&host).await;
    let subject = |what: &str| format!("{what}: ticket 9");
    assert_eq!(
        known,
        [
            subject("drops.view list"),
            subject(&format!("drops.view {drop}")),
            subject(&format!("orders.view {order}")),
            subject(&format!("dead-letters.view {ORDERS}/{number}")),
            subject("submissions.view list"),
            subject(&format!("submissions.view {}", rejected[0])),
        ]
    );
    let listed = json_of(&host, &["audit", "list", "--by", "tester", "--limit", "1"]).await;
    assert_eq!(listed["entries"][0]["action"], "submissions.view");
    host.host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_are_validated_and_put() {
    let host = TestHost::start().await;
    let mut document = serde_json::to_value(&host.organization).unwrap();
    document["name"] = json!("Harborview, renamed");
    let file = host.data().join("harborview.json");
    let path = file.to_str().unwrap();
    let write = |document: &Value| std::fs::write(&file, document.to_string()).unwrap();
    write(&document);
    assert!(seen(&host, &["organizations", "validate", path]).await.contains("usable"));
    assert!(refusal(&host, &["organizations", "put", path]).await.contains("--reason"));
    let put = ["organizations", "put", path, "--reason", "ticket 11"];
    assert_eq!(json_of(&host, &put).await["was"], "replaced");
    let shown = json_of(&host, &["organizations", "show", "harborview"]).await;
    assert_eq!(shown["document"]["name"], "Harborview, renamed");

    document["slug"] = json!("harborview-two");
    write(&document);
    assert!(refusal(&host, &put).await.contains("clientGuid is that of harborview"));
    document["clientGuid"] = json!("5a3d1e70-0000-4000-8000-0000000000aa");
    document["users"] = json!([]);
    write(&document);
    assert_eq!(json_of(&host, &put).await["was"], "created");
    document["evaluationTypes"] = json!([]);
    write(&document);
    assert!(refusal(&host, &put).await.contains("evaluationTypes"));
    assert!(refusal(&host, &["organizations", "validate", path]).await.contains("1 of 1 documents"));
    let list = json_of(&host, &["organizations", "list"]).await;
    assert_eq!(list["organizations"].as_array().unwrap().len(), 2);
    assert_eq!(
        audited(&host).await,
        ["organizations.put harborview: ticket 11", "organizations.put harborview-two: ticket 11"]
    );
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_is_parked_and_retried() {
    let host = TestHost::start().await;
    host.host.broker.hold("events-harborview", true).unwrap();
    host.post(vec![message("1", &order("A", 1))]).await;
    until("an envelope waits", async || host.host.orders.outbox_depth().await.unwrap().envelopes == 1).await;
    let list = json_of(&host, &["outbox", "list"]).await;
    assert_eq!(list["waiting"][0]["destination"], "queue:events-harborview");
    let waiting = list["waiting"][0]["id"].to_string();
    seen(&host, &["outbox", "hasten", &waiting, "--reason", "r"]).await;
    seen(&host, &["outbox", "park", &waiting, "--reason", "r"]).await;
    let list = json_of(&host, &["outbox", "list"]).await;
    assert_eq!(list["waiting"], json!([]));
    let parked = list["parked"][0]["id"].to_string();
    assert!(refusal(&host, &["outbox", "retry", "4711", "--reason", "r"]).await.contains("not found"));
    host.host.broker.hold("events-harborview", false).unwrap();
    seen(&host, &["outbox", "retry", &parked, "--reason", "r"]).await;
    assert!(host.events(1).await[0].success);
    host.settled().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_destination_is_listed_resumed_and_gets_its_results() {
    let address = free_address();
    let (destinations, settings) = partner_queue(address);
    let host = TestHost::configured(&[organization(&destinations)], settings).await;
    fails_for_days(&host).await;
    let states = async || -> Vec<String> {
        let list = json_of(&host, &["destinations", "list", "--organization", "harborview"]).await;
        let rows = list["destinations"].as_array().unwrap().iter();
        rows.map(|row| format!("{} {} {}", row["destination"], row["state"], row["held"])).collect()
    };
    assert_eq!(states().await, [r#""results-queue" "works" 0"#, r#""partner" "fails" 0"#, r#""reports" "works" 0"#]);
    let resume = ["destinations", "resume", "harborview", "partner", "--reason", "partner is back"];
    assert!(refusal(&host, &resume).await.contains("is not disabled"));
    for number in [1, 2] {
        graded(&host, "D", number).await;
        let held = u64::try_from(number).unwrap();
        until("held", async || host.host.orders.destination_health(None).await.unwrap()[0].held == held).await;
    }
    host.settled().await;
    assert_eq!(states().await[1], r#""partner" "disabled" 2"#);
    let list = json_of(&host, &["deliveries", "list"]).await;
    let held = list["deliveries"].as_array().unwrap();
    assert_eq!((held.len(), &held[0]["state"], &held[0]["destination"]), (2, &json!("held"), &json!("partner")));
    let id = held[1]["id"].to_string();
    assert!(refusal(&host, &["deliveries", "retry", &id, "--reason", "r"]).await.contains("destinations resume"));
    assert!(refusal(&host, &resume[..4]).await.contains("--reason"));
    let wrong = ["destinations", "resume", "harborview", "partners", "--reason", "r"];
    assert!(refusal(&host, &wrong).await.contains("it has results-queue, partner, reports"));
    assert_eq!(audited(&host).await, Vec::<String>::new());

    let (inbox, endpoint) = partner(address).await;
    assert_eq!(json_of(&host, &resume).await["resumed"], 2);
    let results = received(&inbox, "inbox", 2).await;
    let orders: Vec<&Value> = results.iter().map(|result| &result["Order"]["LocalId"]).collect();
    assert_eq!(orders, [&json!("D-O1"), &json!("D-O2")]);
    host.settled().await;
    assert_eq!(states().await[1], r#""partner" "works" 0"#);
    assert!(refusal(&host, &resume).await.contains("there is nothing to resume"));
    assert_eq!(seen(&host, &["deliveries", "list"]).await, "(none)\n");
    let of_partner = json_of(&host, &["deliveries", "list", "--all", "--destination", "partner"]).await;
    let of_partner = of_partner["deliveries"].as_array().unwrap();
    assert!(of_partner.len() == 2 && of_partner.iter().all(|delivery| delivery["deliveredAt"].is_string()));
    assert!(refusal(&host, &["deliveries", "retry", &id, "--reason", "r"]).await.contains("ResendResult"));
    assert_eq!(audited(&host).await, ["destinations.resume harborview/partner: partner is back"]);
    host.stop().await;
    endpoint.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_parked_and_retried() {
    let host = TestHost::configured(&[organization(&json!([]))], BTreeMap::new()).await;
    host.host.broker.hold("results-harborview", true).unwrap();
    graded(&host, "D", 1).await;
    until("it fails", async || !host.host.orders.destination_health(None).await.unwrap().is_empty()).await;
    let waiting = json_of(&host, &["deliveries", "list", "--state", "waiting"]).await;
    let id = waiting["deliveries"][0]["id"].to_string();
    assert!(refusal(&host, &["deliveries", "park", &id]).await.contains("--reason"));
    seen(&host, &["deliveries", "park", &id, "--reason", "ticket 3"]).await;
    host.host.broker.hold("results-harborview", false).unwrap();
    host.settled().await;
    assert_eq!(host.host.broker.status("results-harborview").unwrap().active, 0);
    let parked = json_of(&host, &["deliveries", "list", "--state", "parked", "--organization", "harborview"]).await;
    assert_eq!(parked["deliveries"][0]["id"].to_string(), id);
    assert!(
        refusal(&host, &["deliveries", "park", &id, "4711", "--reason", "r"]).await.contains("4711 is no delivery")
    );

    seen(&host, &["deliveries", "retry", &id, "--reason", "ticket 3"]).await;
    received(&host.host.broker, "results-harborview", 1).await;
    host.settled().await;
    let subject = |what: &str| format!("deliveries.{what} delivery/{id}: ticket 3");
    assert_eq!(audited(&host).await, [subject("park"), subject("retry")]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shown_with_all_it_led_to_and_without_personal_data() {
    let destinations = json!([
        { "id": "files", "format": "pdf", "to": { "container": { "name": "in/{patientLastName}/{orderLocalId}.pdf" } } }
    ]);
    let host = TestHost::configured(&[organization(&destinations)], BTreeMap::new()).await;
    host.post(vec![message("1", &sentinel())]).await;
    let mut said = grading("D", 1);
    said["LocalId"] = json!("SENTINEL-ORDER");
    said["Notes"] = json!([{ "Text": "sentinel secret" }]);
    grade(&host, vec![message("g1", &said)]).await;
    received(&host.host.broker, "results-harborview", 1).await;
    host.settled().await;
    let shown = json_of(&host, &["orders", "show", "SENTINEL-ORDER"]).await;
    assert_eq!(shown["history"][0]["change"], "graded");
    assert_eq!((&shown["gradings"][0]["code"], &shown["results"][0]["code"]), (&json!("F"), &json!("F")));
    let deliveries = shown["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 2);
    for delivery in deliveries {
        assert_eq!((&delivery["state"], &delivery["result"]), (&json!("delivered"), &shown["results"][0]["id"]));
    }
    let id = shown["id"].to_string();
    assert!(refusal(&host, &["orders", "show", "SENTINEL"]).await.contains("orders find"));
    assert!(refusal(&host, &["orders", "show", "4711"]).await.contains("there is no order"));

    let commands = [
        vec!["orders", "show", &id],
        vec!["deliveries", "list", "--all"],
        vec!["deliveries", "list", "--order", &id],
        vec!["destinations", "list"],
    ];
    for command in &commands {
        for form in [&[][..], &["--json"]] {
            let text = seen(&host, &[command.as_slice(), form].concat()).await.to_lowercase();
            let told = SENTINELS.iter().find(|sentinel| text.contains(&sentinel.to_lowercase()));
            assert!(told.is_none(), "{told:?} is in the output of {command:?}:\n{text}");
        }
    }
    assert_eq!(audited(&host).await, Vec::<String>::new());
    let asked = ["orders", "show", &id, "--show-personal-data", "--reason", "ticket 9"];
    let shown = json_of(&host, &asked).await;
    assert_eq!(shown["results"][0]["document"]["Patient"]["Name"]["Last"], "Zzyzxsentinel");
    assert!(shown["gradings"][0]["assessment"].is_object());
    assert_eq!(audited(&host).await, [format!("orders.view {id}: ticket 9")]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_grading_is_resubmitted_as_one() {
    let host = TestHost::configured(&[organization(&json!([]))], BTreeMap::new()).await;
    host.post(vec![message("1", &order("D", 1))]).await;
    host.events(1).await;
    let mut wrong = grading("D", 1);
    wrong["OD"]["Findings"][0]["Result"] = json!("Purple");
    grade(&host, vec![message("g1", &wrong)]).await;
    host.events(2).await;
    host.settled().await;
    let list = json_of(&host, &["submissions", "list"]).await;
    let original = list["submissions"][0]["id"].as_str().unwrap().to_owned();
    let file = host.data().join("corrected.json");
    std::fs::write(&file, grading("D", 1).to_string()).unwrap();
    let again = ["submissions", "resubmit", &original, "--file", file.to_str().unwrap(), "--reason", "ticket 5"];
    let sent = json_of(&host, &again).await;
    assert_eq!(sent["sentTo"], "gradings-harborview");
    received(&host.host.broker, "results-harborview", 1).await;
    host.settled().await;
    let shown = json_of(&host, &["submissions", "show", &original]).await;
    assert_eq!(shown["resubmissions"][0]["submission"], sent["submission"]);
    assert_eq!(shown["resubmissions"][0]["handled"], true);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timer_removes_what_is_past_its_time() {
    let host = TestHost::start().await;
    let mut wrong = order("A", 1);
    wrong["Patient"]["Dob"] = json!("13/45/2000");
    host.post(vec![message("1", &wrong), message("2", &order("A", 2))]).await;
    host.load("a.csv", csv("S", 3, 2)).await;
    host.events(5).await;
    host.settled().await;
    let refused = host.host.orders.submissions(None, Some(OutcomeKind::Failed), 1).await.unwrap()[0].id;
    host.host.functions.run_now("prune").await.unwrap();
    assert!(host.host.orders.refused_body(refused).await.unwrap().is_some(), "it is not old enough");

    // A hundred days pass.
    let url = format!("sqlite:{}", host.data().join("iris.db").display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    for sql in
        ["UPDATE submissions SET at = at - 8640000000000", "UPDATE drops SET finished_at = finished_at - 8640000000000"]
    {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    host.host.functions.run_now("prune").await.unwrap();
    assert_eq!(host.host.orders.refused_body(refused).await.unwrap(), None);
    let drops = host.host.orders.drops(None, 10).await.unwrap();
    assert_eq!(host.host.orders.drop_lines(drops[0].id, None).await.unwrap().unwrap().1, "");
    assert_eq!(host.host.orders.submissions(None, None, 10).await.unwrap().len(), 2, "records outlive bodies");
    let told = seen(&host, &["drops", "show", &drops[0].id.to_string()]).await;
    assert!(told.contains("past their retention period"), "{told}");
    let refusal = refusal(&host, &["submissions", "resubmit", &refused.to_string(), "--reason", "r"]).await;
    assert!(refusal.contains("--file"), "{refusal}");
    let entries = audited(&host).await;
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert!(entries.iter().all(|entry| entry.starts_with("prune ")), "{entries:?}");
    host.stop().await;
}
