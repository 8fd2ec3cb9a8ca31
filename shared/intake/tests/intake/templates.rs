//! The template: what it asks for, and that a filled-in one can be read.

use crate::support::{Outcome, plain, take_with, with_mapping};
use iris_intake::{Limits, template};
use iris_model::Organization;
use iris_model::submission::{Context, Origin, validate};
use jiff::civil::date;
use serde_json::json;
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;

const EXAMPLE: &str = "EXAMPLE-DELETE-THIS-ROW";

/// The workbook with texts in one of its parts replaced, as if somebody had typed.
fn edited(book: &[u8], part: &str, edits: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut content = String::new();
        file.read_to_string(&mut content).unwrap();
        if name == part {
            for (from, to) in edits {
                assert!(content.contains(from), "{part} has no {from}");
                content = content.replace(from, to);
            }
        }
        out.start_file(name, SimpleFileOptions::default()).unwrap();
        out.write_all(content.as_bytes()).unwrap();
    }
    out.finish().unwrap().into_inner()
}

/// The workbook with its example made a real row.
fn filled_in(book: &[u8]) -> Vec<u8> {
    edited(book, "xl/sharedStrings.xml", &[(EXAMPLE, "P-0042"), ("EXAMPLE-1", "O-0042")])
}

fn part(book: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn read(book: &[u8], organization: &Organization) -> Outcome {
    let outcome = take_with("members.xlsx", book, organization, &Limits::default());
    assert_eq!(outcome.message(), "");
    outcome
}

#[test]
fn its_columns_are_those_the_built_in_mapping_reads() {
    let organization = plain();
    let book = template::write(&organization, "members.xlsx").unwrap();
    let outcome = read(&filled_in(&book), &organization);
    assert_eq!(outcome.warnings(), Vec::<String>::new());
    insta::assert_json_snapshot!(outcome.layout.unwrap().headers);
}

#[test]
fn a_row_that_is_filled_in_like_the_example_has_no_issues() {
    let mut organization = plain();
    for exams in 1..=organization.evaluation_types.len() {
        organization.evaluation_types.truncate(exams);
        let book = template::write(&organization, "members.xlsx").unwrap();
        let outcome = read(&filled_in(&book), &organization);
        let [row] = outcome.rows.as_slice() else { panic!("{} rows", outcome.rows.len()) };
        assert!(row.issues.is_empty(), "{:?}", row.issues);
        let origin = Origin { today: date(2026, 11, 21), derived_order_id: None, fill_from_organization: true };
        let context = Context { organization: &organization, origin: &origin };
        let submission = validate(row.request.clone(), Vec::new(), &context).unwrap();
        assert!(submission.warnings.is_empty(), "{:?}", submission.warnings);
    }
}

#[test]
fn the_example_is_never_loaded() {
    let organization = plain();
    let book = template::write(&organization, "members.xlsx").unwrap();
    let outcome = read(&book, &organization);
    assert!(outcome.rows.is_empty());
    assert_eq!(outcome.warnings(), ["Row 2 is the example of the template and was not loaded. Delete it."]);

    // The same for a workbook that was saved as text.
    let csv = format!("SiteLocalId *,PatientLocalId *,OrderLocalId\nS1,{EXAMPLE},X\nS1,P1,O1\n");
    let outcome = take_with("members.csv", csv.as_bytes(), &organization, &Limits::default());
    assert_eq!(outcome.lines(), ["3 O1"]);
    assert_eq!(outcome.warnings(), ["Row 2 is the example of the template and was not loaded. Delete it."]);
}

#[test]
fn it_speaks_as_the_mapping_does() {
    let organization = with_mapping(json!({
        "name": "members",
        "sheet": "Members",
        "dateOrder": "d/M/yyyy",
        "allowMissingOrderLocalId": true,
        "columns": {
            "SiteLocalId": { "constant": "S1" },
            "PatientLocalId": { "headers": ["Member number", "Member"] },
            "PatientBirthGender": { "headers": ["Sex"], "values": { "Woman": "F", "Man": "M", "n/a": "" } },
            "EvaluationType": { "default": "DR" },
        }
    }));
    let book = template::write(&organization, "members.xlsx").unwrap();
    let outcome = read(&filled_in(&book), &organization);
    let layout = outcome.layout.unwrap();
    assert_eq!(layout.sheet.as_deref(), Some("Members"));
    assert_eq!(layout.headers[..3], ["Member number *", "PatientFirstName *", "PatientLastName *"]);
    assert!(outcome.rows[0].issues.is_empty(), "{:?}", outcome.rows[0].issues);
    let strings = part(&book, "xl/sharedStrings.xml");
    assert!(strings.contains("<t>Woman</t>") && !strings.contains("<t>n/a</t>"), "the mapping's words are offered");
    assert!(strings.contains("Empty means DR."));
}

#[test]
fn coded_columns_offer_what_they_take() {
    let book = template::write(&plain(), "members.xlsx").unwrap();
    let sheet = part(&book, "xl/worksheets/sheet1.xml");
    let lists = sheet.matches("type=\"list\"").count();
    let dates = sheet.matches("type=\"date\"").count();
    // Site, two genders, exam, state, operation, one eye; birth date, schedule, two of the plan.
    assert_eq!((lists, dates), (7, 4));
    assert!(sheet.contains("state=\"frozen\""));
    let workbook = part(&book, "xl/workbook.xml");
    assert!(workbook.contains("name=\"Lists\" sheetId=\"3\" state=\"hidden\""), "{workbook}");
    assert_eq!(book, template::write(&plain(), "members.xlsx").unwrap(), "the same template is the same file");
}
