//! CSV as payers, partners and spreadsheets write it.

use crate::support::{plain, take, take_with};
use iris_intake::Limits;

const HEADER: &str = "SiteLocalId,PatientLocalId,PatientFirstName,PatientLastName,PatientDob,PatientBirthGender,OrderLocalId,EvaluationType";

fn row(order: &str) -> String {
    format!("S1,P-{order},Ada,Testpatient,1950-02-03,F,{order},DR")
}

#[test]
fn rows_are_numbered_by_the_line_they_begin_on() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["Report", "", HEADER, &row("A"), "", "  ,,", &row("B"), &row("C")].join(end);
        assert_eq!(take("a.csv", text.as_bytes()).lines(), ["4 A", "7 B", "8 C"], "{end:?}");
    }
    let mixed = format!("{HEADER}\r\n{}\n{}\r{}\r\n\n{}", row("A"), row("B"), row("C"), row("D"));
    assert_eq!(take("a.csv", mixed.as_bytes()).lines(), ["2 A", "3 B", "4 C", "6 D"]);
}

#[test]
fn the_delimiter_is_found_in_the_header() {
    for delimiter in [",", ";", "\t", "|"] {
        let text = format!("{HEADER}\n{}\n", row("A")).replace(',', delimiter);
        let outcome = take("a.txt", text.as_bytes());
        assert_eq!(outcome.lines(), ["2 A"]);
        assert_eq!(outcome.layout.unwrap().delimiter, delimiter.chars().next());
    }
    let with_hint = format!("sep=;\n{}\n{}", HEADER.replace(',', ";"), row("A").replace(',', ";"));
    assert_eq!(take("a.csv", with_hint.as_bytes()).lines(), ["3 A"]);
}

#[test]
fn cells_may_be_quoted_and_go_over_lines() {
    let header = HEADER.replace("EvaluationType", "OrderAdditionalInfo");
    let text = format!("{header}\n{}\n{}\n", row("A").replace("DR", "\"two\r\nlines, \"\"quoted\"\"\""), row("B"));
    let outcome = take("a.csv", text.as_bytes());
    assert_eq!(outcome.lines(), ["2 A", "4 B"]);
    let order = outcome.rows[0].request.order.as_ref().unwrap();
    assert_eq!(order.additional_info.as_deref(), Some("two\r\nlines, \"quoted\""));
}

#[test]
fn a_quotation_mark_left_open_costs_its_own_row_only() {
    let open = |cell: &str| row("BAD").replace(cell, &format!("\"{cell}"));
    for cell in ["P-BAD", "Testpatient", "DR"] {
        let rows: Vec<String> = (0..2_000).map(|index| row(&format!("N{index}"))).collect();
        let text = format!("{HEADER}\n{}\n{}\n{}\n", row("A"), open(cell), rows.join("\n"));
        let outcome = take("a.csv", text.as_bytes());
        assert_eq!(outcome.failure, None);
        assert_eq!(outcome.rows.len(), 2_002, "{cell}");
        let bad = &outcome.rows[1];
        let place = HEADER.split(',').position(|name| match cell {
            "P-BAD" => name == "PatientLocalId",
            "DR" => name == "EvaluationType",
            _ => name == "PatientLastName",
        });
        let issue = bad.issues.iter().find(|located| located.issue.message.contains("quotation mark")).unwrap();
        assert_eq!((bad.number, issue.column), (3, place.map(|place| place as u32 + 1)), "{cell}");
        assert!(outcome.rows.iter().skip(2).all(|row| row.issues.is_empty()), "{cell}");
    }
}

#[test]
fn a_stray_quotation_mark_that_meets_another_is_found_too() {
    let text = format!(
        "{HEADER}\n{}\n{}\n{}\n{}\n",
        row("A").replace("Ada", "\"Ada"),
        row("B"),
        row("C").replace("Ada", "\"Ada"),
        row("D")
    );
    let lines = take("a.csv", text.as_bytes()).lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[0].contains("limit-exceeded@3"), "{lines:?}");
    assert_eq!((&*lines[1], &*lines[3]), ("3 B", "5 D"));
    assert!(lines[2].contains("limit-exceeded@3"));
}

#[test]
fn a_quotation_mark_within_a_bare_cell_is_a_character() {
    let text = format!("{HEADER}\n{}\n{}\n", row("A").replace("Ada", "5' 2\" Ada"), row("B"));
    let outcome = take("a.csv", text.as_bytes());
    assert_eq!(outcome.lines(), ["2 A", "3 B"]);
    let name = outcome.rows[0].request.patient.as_ref().unwrap().name.clone().unwrap();
    assert_eq!(name.first.as_deref(), Some("5' 2\" Ada"));
}

#[test]
fn oddities_are_issues_of_their_rows() {
    let long = "x".repeat(40_000);
    let endless = "y".repeat(3 << 20);
    for (line, expected) in [
        (format!("{},surplus", row("B")), "3 B ! extra-cells"),
        (format!("{},,,", row("B")), "3 B"),
        ("S1,P-B,Ada".to_owned(), "3 P-B"),
        (row("B").replace("Ada", &long), "3 B ! limit-exceeded@3"),
        (row("B").replace("Ada", "A\0da"), "3 B ! control-character@3"),
        (row("B").replace("1950-02-03", "13/45/1950"), "3 B ! bad-date@5"),
        (row("B").replace("1950-02-03", "2/3/50").replace(",F,", ",X9,"), "3 B ! two-digit-year@5 ! unknown-code@6"),
        (row("A"), "3 A ! duplicate-row@7"),
        (row("B").replace("P-B", "1.23457E+11"), "3 B ! bad-number@2"),
        (endless, "3  ! limit-exceeded"),
    ] {
        let text = format!("{HEADER}\n{}\n{line}\n{}\n", row("A"), row("C"));
        let lines = take("a.csv", text.as_bytes()).lines();
        assert_eq!(lines.first().map(String::as_str), Some("2 A"));
        let found = lines.get(1).map(String::as_str);
        if expected == "3  ! limit-exceeded" {
            assert!(found.is_some_and(|line| line.contains("limit-exceeded")), "{found:?}");
        } else {
            assert_eq!(found, Some(expected));
        }
        assert_eq!(lines.get(2).map(String::as_str), Some("4 C"), "{expected}");
    }
}

#[test]
fn bytes_that_are_not_text_fail_their_row() {
    let mut text = format!("{HEADER}\n{}\n", row("A").replace("Ada", "Åda Zoë")).into_bytes();
    text.extend(
        row("B").replace("Ada", "\u{1}").into_bytes().into_iter().map(|byte| if byte == 1 { 0xe9 } else { byte }),
    );
    text.extend(format!("\n{}\n", row("C")).bytes());
    assert_eq!(take("a.csv", &text).lines(), ["2 A", "3 B ! bad-encoding", "4 C"]);
}

#[test]
fn every_encoding_is_read() {
    let text = format!("{HEADER}\n{}\n", row("A").replace("Ada", "Zoë"));
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin: Vec<u8> = text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    for bytes in [text.clone().into_bytes(), format!("\u{feff}{text}").into_bytes(), utf16, big, latin] {
        let outcome = take("a.csv", &bytes);
        let name = outcome.rows[0].request.patient.as_ref().unwrap().name.clone().unwrap();
        assert_eq!(name.first.as_deref(), Some("Zoë"));
    }
}

#[test]
fn files_that_cannot_be_loaded_say_why() {
    let wide = (0..10_000).map(|index| format!("c{index}")).collect::<Vec<_>>().join(",");
    for (text, code, word) in [
        ("Dear Sir or Madam,\nhere are the members.\n".to_owned(), "no-header", "column names"),
        ("\u{feff}\n".to_owned(), "empty", "empty"),
        (format!("{HEADER},PatientDob\n"), "ambiguous-column", "PatientDob"),
        (format!("SiteLocalId,PatientLocalId,{wide}\n"), "limit-exceeded", "10002 columns"),
        (
            "SiteLocalId,PatientFirstName,EvaluationType\n".to_owned(),
            "missing-column",
            "PatientLocalId, PatientLastName, PatientDob, PatientBirthGender, OrderLocalId",
        ),
        (
            "SiteLocalId,PatientFirstName,EvaluationType\n".to_owned(),
            "missing-column",
            "\"SiteLocalId\", \"PatientFirstName\"",
        ),
    ] {
        let outcome = take("a.csv", text.as_bytes());
        assert_eq!(outcome.code(), code, "{text:.40}");
        assert!(outcome.message().contains(word), "{}", outcome.message());
        assert!(outcome.rows.is_empty());
    }
    let outcome = take("a.csv", format!("{HEADER},Favorite Color\n").as_bytes());
    assert!(outcome.warnings()[0].contains("Favorite Color"));
}

#[test]
fn limits_end_the_file_and_keep_what_came_before() {
    let text = format!("{HEADER}\n{}\n{}\n{}\n", row("A"), row("B"), row("C"));
    let outcome = take_with("a.csv", text.as_bytes(), &plain(), &Limits { rows: 2, ..Limits::default() });
    assert_eq!(
        (outcome.lines(), outcome.code()),
        (vec!["2 A".to_owned(), "3 B".to_owned()], "limit-exceeded".to_owned())
    );
    assert_eq!(outcome.failure.unwrap().row, Some(4));
    let outcome = take_with("a.csv", text.as_bytes(), &plain(), &Limits { file_bytes: 100, ..Limits::default() });
    assert_eq!(outcome.code(), "too-large");
    assert!(!outcome.failure.unwrap().transient);
}

#[test]
fn batches_are_small_when_rows_are_large() {
    let header = format!("{HEADER},OrderAdditionalInfo,PatientAdditionalInfo");
    let big = "z".repeat(30_000);
    let rows: String = (0..400).map(|index| format!("{},{big},{big}\n", row(&index.to_string()))).collect();
    let outcome = take("a.csv", format!("{header}\n{rows}").as_bytes());
    assert_eq!(outcome.rows.len(), 400);
    assert!(outcome.batches.iter().all(|rows| *rows < 100), "{:?}", outcome.batches);
}

#[test]
fn a_corrected_file_of_rejected_rows_comes_back_as_it_was_meant() {
    let text = format!("{HEADER},PatientPhone,Issues\n{},'+1 206 555 0100,PatientDob: bad-date\n", row("A"));
    let outcome = take("a.rejected.csv", text.as_bytes());
    assert_eq!((outcome.lines(), outcome.warnings()), (vec!["2 A".to_owned()], vec![]));
    assert_eq!(outcome.rows[0].request.patient.as_ref().unwrap().phone.as_deref(), Some("+1 206 555 0100"));
}

#[test]
fn rejected_rows_know_their_row_and_come_back_without_it() {
    let text = format!("{HEADER},OriginalRow,Issues\n{},17,PatientDob: bad-date\n", row("A"));
    let outcome = take("a.rejected.csv", text.as_bytes());
    assert_eq!((outcome.lines(), outcome.warnings()), (vec!["2 A".to_owned()], vec![]));
}

#[test]
fn a_quotation_mark_left_open_does_not_hide_the_next_patient() {
    let header = "SiteLocalId,PatientLocalId,OrderLocalId,PatientPhone,OrderAdditionalInfo";
    for next in ["S1,P2,O2,\"555\",\"ok\"", "S1,P2,O2,,\"\"", "S1,P2,O2,,7\"", "S1,P2,O2,,\"a \"\"b\"\"\""] {
        let text = format!("{header}\nS1,P1,O1,,\"call in the morning\n{next}\nS1,P3,O3,,\n");
        let lines = take("a.csv", text.as_bytes()).lines();
        assert_eq!(lines, ["2 O1 ! limit-exceeded@5", "3 O2", "4 O3"], "{next}");
    }
    let sound = format!("{header}\nS1,P1,O1,,\"call, please,\nin the morning\"\nS1,P3,O3,,\n");
    assert_eq!(take("a.csv", sound.as_bytes()).lines(), ["2 O1", "4 O3"], "a comment of two lines is none");
}

#[test]
fn the_layout_says_how_the_file_was_read() {
    let encoding = |bytes: &[u8]| take("a.csv", bytes).layout.unwrap().encoding;
    let text = format!("{HEADER}\n{}\n", row("A"));
    assert_eq!(encoding(text.as_bytes()), Some("UTF-8"));
    let late: String = (0..20_000).map(|index| format!("{}\n", row(&index.to_string()))).collect();
    let latin = [text.as_bytes(), late.as_bytes(), b"S1,P-B,Zo\xeb,Testpatient,1950-02-03,F,B,DR\n"].concat();
    assert_eq!(encoding(&latin), Some("windows-1252"), "although it shows only in the last row");
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(encoding(&utf16), Some("UTF-16LE"));
    assert_eq!(take("a.csv", text.as_bytes()).layout.unwrap().mapping, "plain");
}

#[test]
fn a_header_alone_is_a_file_without_rows() {
    let outcome = take("a.csv", format!("{HEADER}\n").as_bytes());
    assert_eq!((outcome.code(), outcome.rows.len(), outcome.layout.is_some()), (String::new(), 0, true));
}

#[test]
fn text_files_of_every_temper_end() {
    let head = "PatientLocalId,OrderLocalId,SiteLocalId";
    for (name, content, rows, code) in [
        ("quote.csv", format!("{head}\n1,\"never closed\n2,b\n3,c\n"), 3, ""),
        ("line.csv", format!("{head}\n\"{}", "x".repeat(40 << 20)), 1, ""),
        ("nul.csv", format!("{head}\n1,a\0b\n"), 1, ""),
        ("wide.csv", (0..10_000).map(|n| format!("c{n},")).collect(), 0, "no-header"),
        ("wide2.csv", format!("{head}{}\n1,a\n", ",x".repeat(10_000)), 0, "limit-exceeded"),
        ("deep.json", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), 1, ""),
        ("twice.json", "[{\"PatientLocalId\": \"1\", \"PatientLocalId\": \"2\"}]".to_owned(), 1, ""),
        ("long.ndjson", format!("{{\"a\": \"{}\"}}\n{{\"PatientLocalId\": \"1\"}}\n", "x".repeat(2 << 20)), 2, ""),
    ] {
        let outcome = take(name, content.as_bytes());
        assert_eq!((outcome.rows.len(), outcome.code()), (rows, code.to_owned()), "{name}");
    }
}
