use super::*;
use proptest::prelude::*;
use serde_json::json;

const EVENT_GRID: &str = include_str!("../../tests/fixtures/blob-created-event-grid.json");
const CLOUD_EVENT: &str = include_str!("../../tests/fixtures/blob-created-cloud-events.json");
const HIERARCHICAL: &str = include_str!("../../tests/fixtures/blob-created-hierarchical.json");
const OURS: Account<'_> = Account { name: Some("acct"), hierarchical_namespace: false };

fn changed(change: impl FnOnce(&mut Value)) -> Result<Event, Error> {
    let mut event: Value = serde_json::from_str(EVENT_GRID).unwrap();
    change(&mut event);
    parse(event.to_string().as_bytes(), OURS)
}

fn created(event: Result<Event, Error>) -> BlobCreated {
    match event.unwrap() {
        Event::Created(created) => *created,
        Event::Ignored { reason } => panic!("ignored: {reason}"),
    }
}

#[test]
fn both_schemas_and_both_kinds_of_account_say_the_same() {
    for (body, length) in [(EVENT_GRID, 18_231), (CLOUD_EVENT, 104_857_600), (HIERARCHICAL, 18_231)] {
        let created = created(parse(body.as_bytes(), OURS));
        assert_eq!(created.address.container(), "inbox");
        assert_eq!(created.address.name(), "site7/batch 1.xlsx");
        assert_eq!(created.etag.to_string(), "\"0x8DE27FACDC0C3402\"");
        assert_eq!(created.content_length, Some(length));
        assert_eq!(created.id, "831e1650-001e-001b-66ab-eeb76e069631");
        assert_eq!(created.time, Some("2026-11-20T09:15:02.5314827Z".parse().unwrap()));
    }
}

#[test]
fn an_array_of_one_is_taken_and_of_two_is_not() {
    assert!(parse(format!("[{EVENT_GRID}]").as_bytes(), OURS).is_ok());
    assert_eq!(parse(format!("[{EVENT_GRID},{EVENT_GRID}]").as_bytes(), OURS), Err(Error::NotJson));
}

#[test]
fn names_are_raw_and_never_decoded() {
    for name in ["100%25 done.csv", "a+b.csv", "blobs/a/blobs/b.csv", "J\u{fc}rgen?#.csv", "a%2F..%2Fb"] {
        let subject = format!("/blobServices/default/containers/inbox/blobs/{name}");
        assert_eq!(created(changed(|event| event["subject"] = json!(subject))).address.name(), name);
    }
}

#[test]
fn an_etag_in_quotes_is_the_same_etag() {
    let plain = created(changed(|_| {}));
    assert_eq!(created(changed(|event| event["data"]["eTag"] = json!("\"0x8DE27FACDC0C3402\""))).etag, plain.etag);
}

#[test]
fn content_that_is_not_complete_is_ignored() {
    for (api, reason) in
        [("CreateFile", "incomplete"), ("SftpCreate", "incomplete"), ("AppendFile", "unknown-operation")]
    {
        assert_eq!(changed(|event| event["data"]["api"] = json!(api)), Ok(Event::Ignored { reason }));
    }
    let copied: Vec<u8> = EVENT_GRID.replace("PutBlob", "CopyBlob").into_bytes();
    assert!(matches!(parse(&copied, OURS), Ok(Event::Created(_))));
    let hierarchical = Account { hierarchical_namespace: true, ..OURS };
    assert_eq!(parse(&copied, hierarchical), Ok(Event::Ignored { reason: "incomplete" }));
    let by_url = HIERARCHICAL.replace("FlushWithClose", "CopyBlob");
    assert_eq!(parse(by_url.as_bytes(), OURS), Ok(Event::Ignored { reason: "incomplete" }));
}

#[test]
fn other_events_are_ignored() {
    let deleted = changed(|event| event["eventType"] = json!("Microsoft.Storage.BlobDeleted"));
    assert_eq!(deleted, Ok(Event::Ignored { reason: "event-type" }));
}

#[test]
fn a_foreign_account_is_refused_whatever_its_topic_looks_like() {
    let base = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts";
    assert!(changed(|event| event["topic"] = json!(format!("{base}/ACCT").to_uppercase())).is_ok());
    for topic in [format!("{base}/other"), format!("{base}/acct/x"), "acct".into(), "/storageAccounts/acct".into()] {
        assert_eq!(changed(|event| event["topic"] = json!(topic)), Err(Error::ForeignAccount), "{topic}");
    }
    assert!(matches!(changed(|event| event["topic"] = Value::Null), Err(Error::Member { member: "topic" })));
    assert!(parse(EVENT_GRID.replace("/acct\"", "/other\"").as_bytes(), Account::default()).is_ok());
}

#[test]
fn what_no_event_lacks_must_be_there() {
    for member in ["subject", "eventType", "id"] {
        assert!(matches!(changed(|event| event[member] = Value::Null), Err(Error::Member { .. })), "{member}");
    }
    for member in ["api", "eTag"] {
        assert!(matches!(changed(|event| event["data"][member] = json!(1)), Err(Error::Member { .. })), "{member}");
    }
    for subject in [
        "",
        "/blobServices/default/containers/inbox",
        "/blobServices/default/containers/inbox/blobs/",
        "/blobServices/default/containers/$logs/blobs/x",
        "/blobServices/default/containers/../blobs/x",
        "/blobServices/default/containers/inbox/blobs/..",
    ] {
        assert_eq!(changed(|event| event["subject"] = json!(subject)), Err(Error::Member { member: "subject" }));
    }
    for body in ["", "null", "[]", "\"text\"", "{\"data\":1,", "1"] {
        assert_eq!(parse(body.as_bytes(), OURS), Err(Error::NotJson));
    }
}

#[test]
fn sequencers_are_compared_as_if_padded() {
    let (short, long) = (Sequencer::new("ff"), Sequencer::new("0000000100"));
    assert!(short < long);
    assert_eq!(Sequencer::new("00AB"), Sequencer::new("ab"));
}

#[test]
fn names_do_not_show_in_debug_output() {
    assert!(!format!("{:?}", parse(EVENT_GRID.as_bytes(), OURS)).contains("batch"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&body, OURS);
    }

    #[test]
    fn no_subject_makes_the_parser_panic(subject in "(/blobServices/default/containers/)?.{0,40}(/blobs/)?.{0,40}") {
        let _ = changed(|event| event["subject"] = json!(subject));
    }
}
