//! The documents a caller gets back.

use crate::support::take;
use calamine::{DataRef, Reader, Xlsx};
use iris_intake::Format;
use iris_intake::receipt::{
    Files, ISSUES_LISTED, IssueList, ReadAs, Receipt, RejectedCsv, RejectedJson, RejectedXlsx, RowsCsv, Totals,
    document_name, schema,
};
use iris_model::{Issue, IssueCode, OutcomeKind, RowIssue, RowLine};
use std::io::{Cursor, Read};
use uuid::Uuid;

const HEADERS: [&str; 4] = ["PatientLocalId", "PatientDob", "Note", "Issues"];

fn headers() -> Vec<String> {
    HEADERS.iter().map(ToString::to_string).collect()
}

fn issue(column: Option<u32>, code: IssueCode, message: &'static str) -> RowIssue {
    let header = column.map(|column| HEADERS[column as usize - 1].to_owned());
    RowIssue { column, header, issue: Issue::error(code, "Patient.Dob", message) }
}

fn lines() -> Vec<RowLine> {
    let created = RowLine {
        row: 2,
        outcome: OutcomeKind::Created,
        iris_order_id: Some(100_001),
        order_local_id: Some("O-1".to_owned()),
        patient_local_id: Some("=cmd|' /C calc'!A0".to_owned()),
        issues: Vec::new(),
        cells: None,
    };
    let failed = RowLine {
        row: 3,
        outcome: OutcomeKind::Failed,
        iris_order_id: None,
        order_local_id: None,
        patient_local_id: Some("00042".to_owned()),
        issues: vec![
            issue(Some(2), IssueCode::BadDate, "Not a date."),
            issue(None, IssueCode::ExtraCells, "Too many."),
        ],
        cells: Some(
            ["00042", "31/31/1950", "=HYPERLINK(\"http://x\")", "old remark", "surplus"].map(str::to_owned).to_vec(),
        ),
    };
    vec![created, failed]
}

#[test]
fn rows_have_one_line_each() {
    let mut csv = RowsCsv::new(Vec::new()).unwrap();
    lines().iter().for_each(|line| csv.write(line).unwrap());
    insta::assert_snapshot!(String::from_utf8(csv.finish().unwrap()).unwrap(), @r#"
    Row,Outcome,IrisOrderId,OrderLocalId,PatientLocalId,Issues
    2,created,100001,O-1,'=cmd|' /C calc'!A0,
    3,failed,,,00042,PatientDob: bad-date: Not a date.; Patient.Dob: extra-cells: Too many.
    "#);
}

#[test]
fn rejected_rows_can_be_corrected_and_dropped_again() {
    let mut csv = RejectedCsv::new(Vec::new(), &headers(), ';').unwrap();
    csv.write(&lines()[1], &headers()).unwrap();
    let text = String::from_utf8(csv.finish().unwrap()).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap();
    insta::assert_snapshot!(text, @r#"
    PatientLocalId;PatientDob;Note;OriginalRow;Issues
    00042;31/31/1950;"'=HYPERLINK(""http://x"")";3;"PatientDob: bad-date: Not a date.; Patient.Dob: extra-cells: Too many.";surplus
    "#);

    let mut json = RejectedJson::new(Vec::new());
    json.write(&RowLine { cells: Some(vec!["{\"OrderLocalId\":1}".to_owned()]), ..lines().remove(1) }).unwrap();
    let text = String::from_utf8(json.finish()).unwrap();
    assert!(text.starts_with("{\"OrderLocalId\":1,\"OriginalRow\":3,\"Issues\":\"PatientDob: bad-date"), "{text}");
    let mut json = RejectedJson::new(Vec::new());
    json.write(&RowLine { cells: Some(vec!["{oops".to_owned()]), ..lines().remove(1) }).unwrap();
    let text = String::from_utf8(json.finish()).unwrap();
    assert!(
        text.starts_with("{\"Element\":\"{oops\",\"OriginalRow\":3,"),
        "a line that is no JSON shows as it is: {text}"
    );
}

#[test]
fn rejected_workbooks_show_what_is_wrong_where_it_is() {
    let mut book = RejectedXlsx::new(&headers(), Some("November")).unwrap();
    book.write(&lines()[1]).unwrap();
    let bytes = book.finish().unwrap();
    let mut read: Xlsx<_> = Xlsx::new(Cursor::new(bytes.clone())).unwrap();
    assert_eq!(read.sheet_names(), ["November"]);
    let mut cells = read.worksheet_cells_reader("November").unwrap();
    let mut texts = Vec::new();
    while let Some(cell) = cells.next_cell().unwrap() {
        let text = match cell.get_value() {
            DataRef::String(text) => text.clone(),
            DataRef::SharedString(text) => (*text).to_owned(),
            other => format!("{other:?}"),
        };
        texts.push(text);
    }
    insta::assert_debug_snapshot!(texts, @r#"
    [
        "PatientLocalId",
        "PatientDob",
        "Note",
        "OriginalRow",
        "Issues",
        "00042",
        "31/31/1950",
        "=HYPERLINK(\"http://x\")",
        "Float(3.0)",
        "PatientDob: bad-date: Not a date.; Patient.Dob: extra-cells: Too many.",
    ]
    "#);
    let part = |name: &str| {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes.clone())).unwrap();
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    assert!(part("xl/comments1.xml").contains("ref=\"B2\"") && part("xl/comments1.xml").contains("Not a date."));
    assert!(
        part("xl/worksheets/sheet1.xml").contains("state=\"frozen\"")
            && !part("xl/worksheets/sheet1.xml").contains("<f>")
    );
    let again = take("a.xlsx", &bytes);
    assert_eq!(again.code(), "missing-column", "the corrected file is read like any other");
}

#[test]
fn the_receipt_counts_everything_and_lists_the_first() {
    let mut totals = Totals::default();
    let mut list = IssueList::default();
    list.file(Issue::warning(IssueCode::UnknownColumn, "", "Not known."));
    for line in lines() {
        totals.count(line.outcome);
        list.row(&line);
    }
    let layout = take("a.csv", b"SiteLocalId;PatientLocalId;PatientPhone\nS1;P1;\xe9\n").layout.unwrap();
    let receipt = Receipt {
        drop_id: Uuid::from_u128(7),
        organization: "harborview".to_owned(),
        container: "harborview-drops".to_owned(),
        file: "a.csv".to_owned(),
        etag: "0x1".to_owned(),
        size: 12,
        status: totals.status(),
        read_as: Some(ReadAs::new(Format::Csv, &layout)),
        received_at: "2026-11-21T06:00:00Z".parse().unwrap(),
        finished_at: "2026-11-21T06:00:01Z".parse().unwrap(),
        totals,
        issues_by_code: list.by_code,
        issues: list.issues,
        groups: list.groups,
        files: Files { rows: Some(document_name("in/a.csv", Uuid::from_u128(7), ".rows.csv")), rejected: None },
    };
    insta::assert_json_snapshot!("receipt", receipt);
    insta::assert_json_snapshot!("receipt_schema", schema());

    let mut list = IssueList::default();
    let many = RowLine { issues: vec![issue(Some(2), IssueCode::BadDate, "No."); 3_000], ..lines().remove(1) };
    list.row(&many);
    assert_eq!((list.issues.len(), list.by_code[&IssueCode::BadDate]), (ISSUES_LISTED, 3_000));
    let of_two = |row| RowLine { row, issues: vec![issue(Some(2), IssueCode::BadDate, "No.")], ..lines().remove(1) };
    let mut list = IssueList::default();
    for row in 2..62 {
        list.row(&of_two(row));
    }
    assert_eq!((list.groups.len(), list.groups[0].rows, list.groups[0].first.row), (1, 60, Some(2)));
}
