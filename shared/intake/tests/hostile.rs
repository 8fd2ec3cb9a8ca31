//! Hostile files (threats.md): each ends in rows or in a reason, cheaply, and never takes the process with it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_intake::{FileIssue, Limits, Row, Source, Step, detect, read};
use iris_model::{IntakeField, IssueCode, Organization};
use proptest::prelude::*;
use std::io::{Cursor, Read, Seek, Write};
use std::ops::ControlFlow;

fn organization() -> Organization {
    Organization::parse(include_bytes!("../../../samples/harborview.json")).unwrap()
}

/// Reads a file to its end.
fn load(name: &str, content: &[u8]) -> (Vec<Row>, Option<FileIssue>) {
    let format = match detect(name, &content[..content.len().min(4096)]) {
        Ok(format) => format,
        Err(issue) => return (Vec::new(), Some(FileIssue { issue, row: None, transient: false })),
    };
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    let mut rows = Vec::new();
    let mut sink = |step| {
        if let Step::Batch(batch) = step {
            rows.extend(batch);
        }
        ControlFlow::Continue(())
    };
    let done = read(Source::File(file), format, &organization(), name, &Limits::default(), 100, &mut sink);
    (rows, done.err())
}

fn header() -> Vec<&'static str> {
    IntakeField::ALL.iter().map(|field| field.name()).collect()
}

fn workbook() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_row(0, 0, header()).unwrap();
    sheet.write_row(1, 0, ["2.3.1", "", "NW", "HV-SEA", "P-1"]).unwrap();
    book.save_to_buffer().unwrap()
}

fn with_part(name: &str, content: &[u8]) -> Vec<u8> {
    let book = workbook();
    let mut parts = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..parts.len() {
        let mut part = parts.by_index(index).unwrap();
        let own = part.name().unwrap().into_owned();
        let mut old = Vec::new();
        part.read_to_end(&mut old).unwrap();
        out.start_file(&*own, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(if own == name { content } else { &old }).unwrap();
    }
    out.finish().unwrap().into_inner()
}

const SST: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

fn sheet(rows: &str) -> Vec<u8> {
    let header: String = header().iter().map(|name| format!("<c t=\"inlineStr\"><is><t>{name}</t></is></c>")).collect();
    format!("<?xml version=\"1.0\"?><worksheet xmlns=\"{SST}\"><sheetData><row r=\"1\">{header}</row>{rows}</sheetData></worksheet>")
        .into_bytes()
}

#[test]
fn a_sheet_of_two_far_corners_costs_two_cells() {
    let far = sheet("<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>");
    let (rows, failure) = load("far.xlsx", &with_part("xl/worksheets/sheet1.xml", &far));
    assert_eq!(failure, None);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].number, rows[0].issues[0].issue.code), (1_048_576, IssueCode::ExtraCells));
}

#[test]
fn a_sheet_of_huge_cells_is_cut_and_reported() {
    let cell = format!("<c t=\"inlineStr\"><is><t>{}</t></is></c>", "x".repeat(1 << 20));
    let rows: String = (2..302).map(|row| format!("<row r=\"{row}\">{cell}</row>")).collect();
    let mut content = Vec::new();
    let book = with_part("xl/worksheets/sheet1.xml", &sheet(&rows));
    content.extend_from_slice(&book);
    // So well does it compress that it is refused for that; stored as it is, every cell is reported.
    let (_, failure) = load("huge.xlsx", &content);
    assert_eq!(failure.unwrap().issue.code, IssueCode::UnreadableFile);
    let cell = format!("{},", "x".repeat(40_000));
    let csv = format!("PatientLocalId,OrderLocalId,SiteLocalId\n{cell}1\n{cell}2\n");
    let (rows, failure) = load("huge.csv", csv.as_bytes());
    assert_eq!(failure, None);
    assert!(rows.iter().all(|row| row.issues.iter().any(|issue| issue.issue.code == IssueCode::LimitExceeded)));
}

#[test]
fn workbooks_that_lie_are_not_opened() {
    let strings = |attributes: &str| format!("<?xml version=\"1.0\"?><sst xmlns=\"{SST}\" {attributes}></sst>");
    for content in [
        strings("count=\"1\" uniqueCount=\"900000000000\""),
        strings("uniqueCount='900000000000'"),
        strings("uniqueCount = \"99999999999999999999999999\""),
        format!("<?xml version=\"1.0\"?><!DOCTYPE sst [<!ENTITY a \"b\">]><sst xmlns=\"{SST}\"/>"),
        format!("<sst xmlns=\"{SST}\"><si><t>{}</t></si></sst>", "x".repeat(20 << 20)),
        " ".repeat(300 << 20),
        "<sst uniqueCount=\"900000000000\"/>".to_owned(),
        format!("<!--{}--><sst uniqueCount=\"900000000000\"/>", "x".repeat(10_000)),
        format!("{}<sst uniqueCount=\"900000000000\"/>", " ".repeat(10_000)),
        format!("<sst a=\"{}\" uniqueCount=\"900000000000\"/>", "x".repeat(10_000)),
        "x<sst uniqueCount=\"900000000000\"/>".to_owned(),
    ] {
        let (rows, failure) = load("liar.xlsx", &with_part("xl/sharedStrings.xml", content.as_bytes()));
        assert!(rows.is_empty());
        assert_eq!(failure.unwrap().issue.code, IssueCode::UnreadableFile, "{}", &content[..content.len().min(120)]);
    }
    let utf16: Vec<u8> = strings("").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(load("wide.xlsx", &with_part("xl/sharedStrings.xml", &utf16)).1.is_some());
}

#[test]
fn a_sheet_that_breaks_off_keeps_the_rows_before() {
    let good = "<row r=\"2\"><c r=\"E2\" t=\"inlineStr\"><is><t>P-1</t></is></c></row>";
    let broken = sheet(&format!("{good}<row r=\"3\"><c r=\"E3\"><v>1</wrong></row>"));
    let (rows, failure) = load("broken.xlsx", &with_part("xl/worksheets/sheet1.xml", &broken));
    assert_eq!(rows.len(), 1);
    assert!(failure.is_some());
}

#[test]
fn text_files_of_every_temper_end() {
    let head = "PatientLocalId,OrderLocalId,SiteLocalId";
    for (name, content, rows, code) in [
        ("quote.csv", format!("{head}\n1,\"never closed\n2,b\n3,c\n"), 1, None),
        ("line.csv", format!("{head}\n\"{}", "x".repeat(40 << 20)), 0, Some(IssueCode::LimitExceeded)),
        ("nul.csv", format!("{head}\n1,a\0b\n"), 1, None),
        ("mixed.csv", format!("{head}\r\n1,a\r2,b\n3,c\r\n"), 3, None),
        ("wide.csv", (0..10_000).map(|n| format!("c{n},")).collect(), 0, Some(IssueCode::NoHeader)),
        ("wide2.csv", format!("{head}{}\n1,a\n", ",x".repeat(10_000)), 0, Some(IssueCode::LimitExceeded)),
        ("deep.json", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), 1, None),
        (
            "comma.json",
            "[{\"PatientLocalId\": \"1\", \"OrderLocalId\": \"2\"},]".to_owned(),
            1,
            Some(IssueCode::BadJson),
        ),
        ("twice.json", "[{\"PatientLocalId\": \"1\", \"PatientLocalId\": \"2\"}]".to_owned(), 1, None),
        ("long.ndjson", format!("{{\"a\": \"{}\"}}\n{{\"PatientLocalId\": \"1\"}}\n", "x".repeat(2 << 20)), 2, None),
        ("bad line.ndjson", "{\"PatientLocalId\": \"1\"}\n{oops\n{\"PatientLocalId\": \"2\"}\n".to_owned(), 3, None),
    ] {
        let (found, failure) = load(name, content.as_bytes());
        assert_eq!(found.len(), rows, "{name}: {failure:?}");
        assert_eq!(failure.map(|failure| failure.issue.code), code, "{name}");
    }
}

#[test]
fn every_line_of_a_salesforce_export_has_a_number_of_its_own() {
    let line = "{\"records\": [{\"PatientLocalId\": \"1\"}, {\"PatientLocalId\": \"2\"}]}\n";
    let (rows, failure) = load("export.ndjson", line.repeat(3).as_bytes());
    assert_eq!(failure, None);
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_take_the_process_with_them(
        name in "[a-z]{1,3}\\.(csv|xlsx|json|ndjson|txt)",
        content in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        load(&name, &content);
    }

    #[test]
    fn no_damage_to_a_workbook_does_either(at in 0.0..1.0_f64, value in any::<u8>(), cut in 0.5..1.0_f64) {
        let mut content = workbook();
        let place = ((content.len() - 1) as f64 * at) as usize;
        content[place] = value;
        content.truncate((content.len() as f64 * cut) as usize + 1);
        load("damaged.xlsx", &content);
    }

    #[test]
    fn no_text_below_a_header_does_either(text in "([A-Za-z0-9,;\"\n\r\t '=-]|\\PC){0,400}") {
        load("any.csv", format!("PatientLocalId,OrderLocalId,SiteLocalId\n{text}").as_bytes());
    }
}
