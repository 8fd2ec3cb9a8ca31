//! Files as real people send them, each modeled on a fault that was reported about some program's import, and what must
//! become of each for the sample organization. The files are in `tests/cases`; everyone in them is invented.

use crate::support::{Outcome, take_as};
use iris_intake::Row;
use iris_model::submission::{Context, Origin, validate};
use iris_model::{Issue, IssueCode, LocalId, Organization, Submission};
use jiff::civil::date;

/// What became of a row.
struct Taken {
    row: u32,
    /// What is asked, or all the issues found.
    result: Result<Submission, Vec<Issue>>,
}

/// A file of the cases, read and validated.
struct Case {
    outcome: Outcome,
    rows: Vec<Taken>,
}

fn harborview() -> Organization {
    serde_json::from_str(include_str!("../../../../samples/harborview.json")).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own small files")]
fn case(name: &str) -> Case {
    let path = format!("{}/tests/cases/{name}", env!("CARGO_MANIFEST_DIR"));
    case_of(name, &std::fs::read(path).unwrap())
}

fn case_of(name: &str, bytes: &[u8]) -> Case {
    let organization = harborview();
    let mut outcome = take_as(name, bytes, &organization);
    let rows = std::mem::take(&mut outcome.rows).into_iter().map(|row| validated(row, &organization)).collect();
    Case { outcome, rows }
}

/// Validates as for rows of a drop.
fn validated(row: Row, organization: &Organization) -> Taken {
    let origin = Origin { today: date(2026, 11, 20), fill_from_organization: true, derived_order_id: None };
    let known: Vec<Issue> = row.issues.iter().map(|located| located.issue.clone()).collect();
    let result = if known.iter().any(|issue| matches!(issue.code, IssueCode::BadQuoting | IssueCode::TotalRow)) {
        Err(known)
    } else {
        validate(row.request, known, &Context { organization, origin: &origin })
    };
    Taken { row: row.number, result }
}

impl Taken {
    /// A property of the canonical request, such as `/Patient/LocalId`; empty for a refused row.
    fn value(&self, pointer: &str) -> String {
        let Ok(submission) = &self.result else { return String::new() };
        let json: serde_json::Value = serde_json::from_str(&submission.request.to_json()).unwrap();
        json.pointer(pointer)
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .unwrap_or_default()
    }

    fn errors(&self) -> Vec<String> {
        let Err(issues) = &self.result else { return Vec::new() };
        issues.iter().filter(|issue| issue.is_error()).map(said).collect()
    }

    fn warnings(&self) -> Vec<String> {
        let Ok(submission) = &self.result else { return Vec::new() };
        submission.warnings.iter().map(said).collect()
    }

    fn message(&self) -> String {
        let issues = self.result.as_ref().err().into_iter().flatten();
        issues.map(|issue| issue.message.to_string()).collect::<Vec<_>>().join("\n")
    }
}

fn said(issue: &Issue) -> String {
    format!("{} {}", issue.code, issue.path)
}

impl Case {
    fn failure(&self) -> String {
        self.outcome.code()
    }

    /// For each row: its error codes, or the values asked for.
    fn of_rows(&self, pointers: &[&str]) -> Vec<String> {
        self.rows
            .iter()
            .map(|row| match &row.result {
                Ok(_) => pointers.iter().map(|pointer| row.value(pointer)).collect::<Vec<_>>().join(" | "),
                Err(_) => format!("! {}", row.errors().join(", ")),
            })
            .collect()
    }

    fn patients(&self) -> Vec<String> {
        self.of_rows(&["/Patient/LocalId"])
    }

    fn orders(&self) -> Vec<String> {
        self.of_rows(&["/Order/LocalId"])
    }
}

#[test]
fn words_for_nothing_are_nobodys_id() {
    let case = case("null-words-as-ids.csv");
    assert_eq!((case.rows.len(), case.failure()), (44, String::new()));
    for row in &case.rows {
        let errors = row.errors();
        let is_about_the_id =
            |error: &String| matches!(&**error, "missing Patient.LocalId" | "cell-error Patient.LocalId");
        assert!(errors.len() == 1 && errors.iter().all(is_about_the_id), "row {}: {errors:?}", row.row);
    }
}

#[test]
fn a_family_of_one_id_is_several_people() {
    let case = case("one-id-for-a-family.csv");
    let mismatch = "! patient-mismatch Patient.LocalId";
    assert_eq!(case.patients(), ["SUB100", mismatch, "SUB200", mismatch, "SUB300", mismatch, "SUB400", "SUB400"]);
    for (row, other) in [(1, 2), (3, 4), (5, 6)] {
        let message = case.rows[row].message();
        assert!(message.contains(&format!("Row {other} of this file")), "{message}");
    }
    let earlier = crate::support::take_as(
        "one-id-for-a-family.csv",
        include_bytes!("../cases/one-id-for-a-family.csv"),
        &harborview(),
    );
    let last = earlier.rows.last().unwrap().earlier.unwrap();
    assert!(last.row == 8 && last.is_of("FA-7"), "{last:?}");
}

#[test]
fn text_forcing_formulas_are_their_text() {
    let case = case("text-forcing-formula.csv");
    let cell = "! cell-error Patient.LocalId";
    assert_eq!(
        case.of_rows(&["/Order/LocalId", "/Patient/LocalId", "/Patient/Phone", "/OrderingProvider/NPI"]),
        [
            "OD-1000 | 00123 | 206-555-0100 | 9000000015",
            "OD-1001 | 00124 | 206-555-0101 | 9000000015",
            cell,
            cell,
            "OD-1004 | MRN-2004 | 206-555-0104 | 9000000015",
        ]
    );
}

#[test]
fn number_formats_of_ids_are_what_a_person_sees() {
    let case = case("id-number-formats.xlsx");
    assert_eq!(
        case.of_rows(&["/Order/LocalId", "/Patient/LocalId", "/HealthPlan/MemberId"]),
        [
            "OD-1000 | M-04567 | MBR300",
            "OD/0077 | MRN-2001 | MBR301",
            "OD-1002 | MRN-2002 | 55501-01",
            "! bad-number Patient.LocalId",
            "OD-1004 | 00000123 | MBR304",
        ]
    );
}

#[test]
fn fractions_of_whole_numbers_are_dropped_and_never_part_of_an_id() {
    let case = case("floats.csv");
    assert_eq!(
        case.of_rows(&["/OrderingProvider/NPI", "/Patient/Phone", "/Order/SingleEyeOnly"]),
        [
            "9000000015 | 206-555-0100 | ",
            "9000000015 | 2065550101 | ",
            "9000000015 | 206-555-0102 | true",
            "! bad-number Patient.LocalId",
        ]
    );
    let with_an_id =
        String::from_utf8(include_bytes!("../cases/floats.csv").to_vec()).unwrap().replace("12345.0", "12345");
    let row = case_of("floats.csv", with_an_id.as_bytes()).rows.pop().unwrap();
    assert_eq!(
        (row.value("/Patient/Dob"), row.value("/Patient/LocalId")),
        ("1950-12-16".to_owned(), "12345".to_owned())
    );
}

#[test]
fn shortened_ids_are_refused_in_messages_too() {
    let case = case("shortened-id-request.json");
    assert_eq!(case.orders(), ["! bad-number Patient.LocalId, cell-error Patient.Name.Last"]);
    for number in ["1676830000000000.0", "1.67683E15"] {
        let text = include_str!("../cases/shortened-id-request.json").replace("\"1.67683E+15\"", number);
        let errors = case_of("a.json", text.as_bytes()).rows[0].errors();
        assert_eq!(errors, ["bad-number Patient.LocalId", "cell-error Patient.Name.Last"], "{number}");
    }
}

#[test]
fn a_text_is_never_taken_for_another() {
    let patients = ["MRN-2000", "MRN-2001", "MRN-2002", "MRN-2003"];
    assert_eq!(case("string-index-blank.xlsx").patients(), patients);
    let minus = case("string-index-minus.xlsx");
    assert!(minus.rows.iter().all(|row| row.result.is_err()), "{:?}", minus.patients());
    let comment = case("string-index-comment.xlsx");
    assert_eq!(comment.patients(), patients);
}

#[test]
fn words_for_nothing_are_empty_elsewhere_and_no_names() {
    let case = case("null-words-elsewhere.csv");
    let nothing = " |  |  | ";
    assert_eq!(
        case.of_rows(&["/Patient/Phone", "/HealthPlan/MemberId", "/Order/AdditionalInfo", "/Order/ScheduledTime"]),
        [nothing, nothing, nothing, nothing, nothing, nothing, "! missing Patient.Name.Last", "! missing Patient.Name",]
    );
    let text = include_str!("../cases/null-words-elsewhere.csv").replace("Hugo,nan", "Hugo,Null");
    let row = &case_of("a.csv", text.as_bytes()).rows[6];
    assert_eq!(
        (row.value("/Patient/Name/Last"), row.warnings()),
        ("Null".to_owned(), vec!["missing Patient.Name.Last".to_owned()])
    );
}

#[test]
fn lost_letters_are_refused_in_names() {
    let lost = "! bad-encoding Patient.Name.Last";
    assert_eq!(case("lost-letters.csv").patients(), [lost, lost, "MRN-2002"]);
}

#[test]
fn letters_that_were_guessed_are_shown() {
    for (name, sample) in [("dos-letters.csv", "Jos‚"), ("mac-letters.csv", "JosŽ")] {
        let warnings = case(name).outcome.warnings();
        assert!(warnings.iter().any(|warning| warning.contains(sample)), "{name}: {warnings:?}");
    }
    let usual = include_str!("../cases/lost-letters.csv").replace('\u{FFFD}', "ñ");
    let latin: Vec<u8> = usual.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    assert_eq!(case_of("a.csv", &latin).outcome.warnings(), Vec::<String>::new());
}

#[test]
fn marks_behind_backslashes_are_read() {
    let case = case("backslash-quotes.csv");
    assert_eq!(
        case.of_rows(&["/Patient/Name/Last"]),
        ["Test \"Quoted\" patient", "Test \"Quoted\", patient", "Testpatient-C", "Testpatient-D"]
    );
    let text =
        include_str!("../cases/backslash-quotes.csv").replace("\"Test \\\"Quoted\\\" patient\"", "\"Test\" patient");
    assert_eq!(case_of("a.csv", text.as_bytes()).rows[0].errors(), ["bad-quoting "]);
}

#[test]
fn blanks_before_quotation_marks_are_no_text() {
    for name in ["space-before-quotes.csv", "space-before-quotes-in-rows.csv"] {
        let case = case(name);
        assert_eq!(
            (case.orders(), case.failure()),
            (["OD-1000", "OD-1001", "OD-1002", "OD-1003"].map(str::to_owned).to_vec(), String::new())
        );
        assert_eq!(case.rows[1].value("/Patient/Name/Last"), "Testpatient, Jr");
    }
}

#[test]
fn appointments_have_a_year_of_our_time() {
    let case = case("appointment-years.csv");
    let refused = "! implausible-date Order.ScheduledTime";
    assert_eq!(case.orders(), [refused, "OD-1001", "OD-1002", refused, "OD-1004"]);
    let warned = vec!["implausible-date Order.ScheduledTime".to_owned()];
    assert_eq!(
        (case.rows[1].warnings(), case.rows[2].warnings(), case.rows[4].warnings()),
        (warned.clone(), warned, vec![])
    );
}

#[test]
fn months_may_be_named() {
    let case = case("month-names.csv");
    let born = "1938-03-14";
    assert_eq!(case.of_rows(&["/Patient/Dob"]), [born, born, born, born, born, "! two-digit-year Patient.Dob", born]);
}

#[test]
fn times_as_browsers_write_them_are_read() {
    let times = case("javascript-times.csv").of_rows(&["/Order/ScheduledTime"]);
    assert_eq!(times, ["2026-12-01T09:00:00"; 3]);
}

#[test]
fn the_first_sheet_with_rows_is_read() {
    let case = case("first-sheet-without-rows.xlsx");
    assert_eq!(case.orders(), ["OD-1000", "OD-1001", "OD-1002"]);
    assert_eq!(case.outcome.layout.as_ref().unwrap().sheet.as_deref(), Some("December"));
}

#[test]
fn what_is_no_sheet_of_cells_or_only_a_hint_does_no_harm() {
    for name in ["dimension-of-rows.xlsx", "dimension-empty.xlsx", "module-sheet.xlsx", "macro-sheet.xlsm"] {
        let case = case(name);
        assert_eq!(
            (case.failure(), case.orders()),
            (String::new(), ["OD-1000", "OD-1001", "OD-1002", "OD-1003"].map(str::to_owned).to_vec()),
            "{name}"
        );
    }
}

#[test]
fn a_header_at_the_page_break_is_passed_over() {
    assert_eq!(case("repeated-header.csv").orders(), ["OD-1000", "OD-1001", "OD-1002", "OD-1003"]);
}

#[test]
fn hints_behind_names_are_no_part_of_them() {
    let case = case("header-hints.csv");
    assert_eq!(
        case.of_rows(&["/Patient/Dob", "/Order/ScheduledTime"]),
        ["1941-02-03 | 2026-12-01T09:00:00", "1944-05-19 | 2026-12-01T09:20:00", "1947-09-02 | 2026-12-01T09:40:00"]
    );
    assert_eq!(case.outcome.warnings(), Vec::<String>::new());
}

#[test]
fn all_columns_that_are_missing_are_named_at_once() {
    let case = case("several-columns-missing.csv");
    assert_eq!(case.failure(), "missing-column");
    let message = case.outcome.message();
    for column in ["SiteLocalId", "EvaluationType", "PatientLocalId", "PatientDob", "PatientBirthGender"] {
        assert!(message.contains(column), "{message}");
    }
}

#[test]
fn the_list_of_an_odata_answer_is_read() {
    assert_eq!(case("value-envelope.json").orders(), ["OD-1000", "OD-1001", "OD-1002"]);
}

#[test]
fn a_result_is_no_order() {
    let case = case("order-result.json");
    assert_eq!(case.orders(), ["! wrong-type "]);
    assert!(case.rows[0].message().contains("an answer of the platform"));
    let flat =
        br#"{"OrderLocalId":"O1","PatientLocalId":"P1","ResultObjectType":"OrderCreationReceipt","Success":true}"#;
    assert_eq!(case_of("a.json", flat).orders(), ["! wrong-type "]);
}

#[test]
fn a_letter_is_no_json() {
    let case = case("letter.rtf");
    assert_eq!(case.failure(), "unsupported-format");
    assert!(case.outcome.message().contains("RTF"), "{}", case.outcome.message());
}

#[test]
fn rows_of_which_none_is_good_are_all_refused() {
    let refused = "! bad-date Patient.Dob";
    assert_eq!(case("every-row-bad.csv").orders(), [refused; 3]);
}

#[test]
fn nuls_at_the_end_of_a_message_are_padding() {
    let case = case("trailing-nul.json");
    assert_eq!((case.orders(), case.failure()), (vec!["TN-1".to_owned()], String::new()));
}

#[test]
fn one_element_stands() {
    let case = case_of("a.json", b"[{\"OrderLocalId\":\"A\"},{\"OrderLocalId\" \"C\"}]");
    assert!(case.outcome.message().contains("The element before it stands;"), "{}", case.outcome.message());
}

#[test]
fn what_is_no_procedure_code_is_worth_a_look() {
    let case = case("cpt-codes.csv");
    let warned = |row: usize| case.rows[row].warnings() == ["unlisted-code Order.CPTCode"];
    assert_eq!([0, 1, 2, 3, 4].map(warned), [false, true, true, true, false]);
}

#[test]
fn a_total_gets_one_sentence() {
    let header = include_str!("../cases/every-row-bad.csv").lines().next().unwrap();
    for total in ["Total,3", "Grand Total: 3", ",,,,TOTALS,,,,,3", "*** End of report ***", "Record count: 3"] {
        let case = case_of("a.csv", format!("{header}\n{total}\n").as_bytes());
        assert_eq!(case.orders(), ["! total-row "], "{total}");
    }
    let person = "OD-1,HV-SEA,MRN-1,Ada,Totalis,1950-02-03,F,DR";
    assert_eq!(case_of("a.csv", format!("{header}\n{person}\n").as_bytes()).orders(), ["OD-1"]);
}

#[test]
fn sites_are_named_where_another_word_stands() {
    let text =
        include_str!("../cases/every-row-bad.csv").replace("13/13/1950", "1950-02-03").replace("HV-SEA", "Seattle");
    let message = case_of("a.csv", text.as_bytes()).rows[0].message();
    assert!(message.contains("Did you mean HV-SEA?") && message.contains("HV-SEA, HV-PDX, HV-BOI"), "{message}");
}

#[test]
fn dates_are_judged_by_their_column() {
    let header = "OrderLocalId,SiteLocalId,PatientLocalId,PatientFirstName,PatientLastName,PatientDob,PatientBirthGender,EvaluationType,OrderScheduledTime";
    let rows = ["03/04/1961", "4/4/1961", "23/04/1961", "1961-04-03", "05/06/1961"];
    let row =
        |(index, born): (usize, &&str)| format!("O-{index},HV-SEA,P-{index},Ada,Testpatient,{born},F,DR,12/1/2026");
    let text = format!("{header}\n{}\n", rows.iter().enumerate().map(row).collect::<Vec<_>>().join("\n"));
    let bad = "! bad-date Patient.Dob";
    let case = case_of("day-first.csv", text.as_bytes());
    assert_eq!(case.of_rows(&["/Patient/Dob"]), [bad, "1961-04-04", bad, "1961-04-03", bad]);
    let message = case.rows[0].message();
    assert!(message.contains("row 4 has \"23/04/1961\"") && message.contains("d/M/yyyy"), "{message}");
    // The evidence may come after a million rows, or be in the header.
    let plain = text.replace("23/04/1961", "1961-04-23");
    assert_eq!(case_of("a.csv", plain.as_bytes()).of_rows(&["/Patient/Dob"])[0], "1961-03-04");
    let hinted = plain.replace("PatientDob", "PatientDob (DD/MM/YYYY)");
    let case = case_of("a.csv", hinted.as_bytes());
    assert_eq!(case.of_rows(&["/Patient/Dob"])[0], bad);
    assert!(case.rows[0].message().contains("its header says d/M/yyyy"), "{}", case.rows[0].message());
}

#[test]
fn invisible_characters_make_no_second_patient() {
    let text = include_str!("../cases/every-row-bad.csv")
        .replace("13/13/1950", "1950-02-03")
        .replace("MRN-2000", "MRN\u{200B}2000")
        .replace("MRN-2001", "\u{202E}1002-NRM")
        .replace("Testpatient-C", "Test\u{202E}C");
    let case = case_of("a.csv", text.as_bytes());
    let refused = "! control-character Patient.LocalId";
    assert_eq!(case.patients(), [refused, refused, "! control-character Patient.Name.Last"]);
}

#[test]
fn derived_ids_and_empty_words_are_the_mappings_business() {
    let mut organization = harborview();
    organization.drops.clear();
    let mapping = serde_json::json!({"name": "own words", "emptyWords": ["keine Angabe", "ZZ"]});
    let rule = serde_json::json!({"pattern": "*", "mapping": mapping});
    organization.drops.push(serde_json::from_value(rule).unwrap());
    let text = include_str!("../cases/every-row-bad.csv")
        .replace("13/13/1950", "1950-02-03")
        .replace("206-555-0100", "KEINE ANGABE")
        .replace("MRN-2001", "zz");
    let rows = take_as("a.csv", text.as_bytes(), &organization).rows;
    let rows: Vec<Taken> = rows.into_iter().map(|row| validated(row, &organization)).collect();
    assert_eq!(
        (rows[0].value("/Patient/LocalId"), rows[0].value("/Patient/Phone")),
        ("MRN-2000".to_owned(), String::new())
    );
    assert_eq!(rows[1].errors(), ["missing Patient.LocalId"]);
    assert!(LocalId::new("zz").is_some());
}
