//! JSON files: messages, and flat records as a Salesforce flow writes them.

use crate::support::take;

const FLAT: &str = r#"{"attributes":{"type":"Visit__c"},"Site_Local_Id__c":"S1","PatientLocalId":"P1","Order Local Id":1001,"PatientDob":null}"#;

#[test]
fn one_object_an_array_lines_and_a_wrapper() {
    let second = FLAT.replace("1001", "1002");
    for (name, text, expected) in [
        ("a.json", FLAT.to_owned(), vec!["1 1001"]),
        ("a.json", format!("[{FLAT},\n{second}]"), vec!["1 1001", "2 1002"]),
        ("a.ndjson", format!("{FLAT}\n\n{second}\n"), vec!["1 1001", "3 1002"]),
        ("a.json", format!("{FLAT}\n{second}"), vec!["1 1001", "2 1002"]),
        (
            "a.json",
            format!("{{\"totalSize\":2,\"done\":true,\n\"records\":[{FLAT},{second}]}}"),
            vec!["1 1001", "2 1002"],
        ),
    ] {
        let outcome = take(name, text.as_bytes());
        assert_eq!(
            (outcome.lines(), outcome.code()),
            (expected.iter().map(ToString::to_string).collect(), String::new()),
            "{text:.60}"
        );
        assert!(outcome.warnings().is_empty());
    }
}

#[test]
fn a_wrapper_may_be_longer_than_a_message() {
    let records: Vec<String> = (0..20_000).map(|index| FLAT.replace("1001", &index.to_string())).collect();
    let outcome = take("a.json", format!("{{\"records\":[{}]}}", records.join(",")).as_bytes());
    assert_eq!((outcome.rows.len(), outcome.code()), (20_000, String::new()));
}

#[test]
fn any_encoding_is_read() {
    let text = FLAT.replace("P1", "Zoë");
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let latin: Vec<u8> = text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    for bytes in [utf16, latin, format!("\u{feff}{text}").into_bytes()] {
        let outcome = take("a.json", &bytes);
        assert_eq!(outcome.rows[0].request.patient.as_ref().unwrap().local_id.as_deref(), Some("Zoë"));
    }
}

#[test]
fn messages_need_no_mapping() {
    let message =
        r#"{"OrderControlCode":1,"Order":{"LocalId":"O1","EvaluationTypes":["nonsense"]},"Patient":{"LocalId":"P1"}}"#;
    let outcome = take("a.json", message.as_bytes());
    assert_eq!(outcome.lines().len(), 1);
    assert!(outcome.lines()[0].starts_with("1 O1 ! unknown-code"), "{:?}", outcome.lines());
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    for (name, text, lines, code) in [
        ("a.json", "[1,2]", vec!["1  ! wrong-type", "2  ! wrong-type"], ""),
        (
            "a.ndjson",
            "{\"OrderLocalId\":\"A\"}\n{oops}\n{\"OrderLocalId\":\"B\"}\n",
            vec!["1 A", "2  ! bad-json", "3 B"],
            "",
        ),
        ("a.json", "[{\"OrderLocalId\":\"A\"},]", vec!["1 A"], "bad-json"),
        ("a.json", "[{\"OrderLocalId\":\"A\"}", vec!["1 A"], "bad-json"),
        ("a.json", "{\"OrderLocalId\":{\"deep\":1},\"PatientLocalId\":\"P\"}", vec!["1 P ! wrong-type@1"], ""),
        ("a.json", "{\"OrderLocalId\":123456789012345678901234567890}", vec!["1  ! wrong-type@1"], ""),
    ] {
        let outcome = take(name, text.as_bytes());
        assert_eq!(
            (outcome.lines(), outcome.code()),
            (lines.iter().map(ToString::to_string).collect::<Vec<_>>(), code.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn rejected_elements_are_kept_as_they_came() {
    let text = r#"{"OrderLocalId":12345678901234,"x":[1.5,true,null,"a\"\u0001"],"y":{"z":"é"}}"#;
    let outcome = take("a.json", text.as_bytes());
    assert_eq!(outcome.rows.into_iter().next().unwrap().original.into_cells().to_vec(), [text]);
}

#[test]
fn our_own_remarks_are_ignored_when_they_come_back() {
    for text in [r#"{"Order":{"LocalId":"O1"},"Issues":"x: y"}"#, r#"{"OrderLocalId":"O1","Issues":"x: y"}"#] {
        let outcome = take("a.json", text.as_bytes());
        assert_eq!((outcome.lines(), outcome.warnings()), (vec!["1 O1".to_owned()], vec![]));
    }
}

#[test]
fn wrappers_line_by_line_have_numbers_of_their_own() {
    let line = "{\"records\": [{\"OrderLocalId\": \"A\"}, {\"OrderLocalId\": \"B\"}]}\n";
    let twice = line.repeat(2).replacen('A', "C", 1).replacen('B', "D", 1);
    for name in ["a.ndjson", "a.json"] {
        let outcome = take(name, twice.as_bytes());
        assert_eq!(
            (outcome.lines(), outcome.code()),
            (["1 C", "2 D", "3 A", "4 B"].map(str::to_owned).to_vec(), String::new())
        );
    }
}

#[test]
fn our_remarks_are_ignored_wherever_corrected_orders_stand() {
    let request = r#"{"Order":{"LocalId":"O1"},"OriginalRow":7,"issues":"Patient.Dob: bad-date: x"}"#;
    for text in [
        format!("{{\"records\":[{request}]}}"),
        format!("{{\"Orders\":[{request}]}}"),
        format!("[{request}]"),
        format!("{request}\n"),
    ] {
        for name in ["a.json", "a.ndjson"] {
            let outcome = take(name, text.as_bytes());
            assert_eq!((outcome.lines(), outcome.code()), (vec!["1 O1".to_owned()], String::new()), "{name} {text}");
        }
    }
}

#[test]
fn orders_may_be_wrapped_at_any_length() {
    let orders: Vec<String> = (0..20_000).map(|index| format!("{{\"Order\":{{\"LocalId\":\"{index}\"}}}}")).collect();
    let outcome = take("a.json", format!("{{\"Version\":1,\n\"Orders\":[{}]}}", orders.join(",\n")).as_bytes());
    assert_eq!((outcome.rows.len(), outcome.code()), (20_000, String::new()));
}

#[test]
fn a_broken_line_is_kept_as_it_stands() {
    let outcome = take("a.ndjson", b"{\"OrderLocalId\":\"A\"}\n  {oops, \n{\"OrderLocalId\":\"B\"}\n");
    assert_eq!(outcome.rows[1].original.clone().into_cells().to_vec(), ["{oops,"]);
}

#[test]
fn a_broken_array_says_what_was_read() {
    let outcome = take("a.json", b"[{\"OrderLocalId\":\"A\"},{\"OrderLocalId\":\"B\"},{\"OrderLocalId\" \"C\"}]");
    assert_eq!(outcome.lines(), ["1 A", "2 B"]);
    assert!(outcome.message().contains("The 2 elements before it stand"), "{}", outcome.message());
    assert_eq!(outcome.failure.unwrap().row, Some(3));
}

#[test]
fn a_list_in_a_cell_is_about_its_field() {
    let outcome = take("a.json", br#"{"OrderLocalId":["1"],"PatientLocalId":"P"}"#);
    assert_eq!(outcome.rows[0].issues[0].issue.path, "Order.LocalId");
}
