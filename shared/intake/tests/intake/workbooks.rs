//! Workbooks as spreadsheet programs and libraries write them.

use crate::archives::{Archive, ROWS};
use crate::support::{take, take_with, with_mapping};
use iris_intake::Limits;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use serde_json::json;

const HEADER: [&str; 8] = [
    "SiteLocalId",
    "PatientLocalId",
    "PatientFirstName",
    "PatientLastName",
    "PatientDob",
    "PatientBirthGender",
    "OrderLocalId",
    "OrderScheduledTime",
];

/// A workbook with a hidden sheet of other things, and title rows above the header.
fn usual() -> Vec<u8> {
    let mut book = Workbook::new();
    let hidden = book.add_worksheet().set_name("Lists").unwrap();
    hidden.set_hidden(true);
    for (column, name) in HEADER.iter().enumerate() {
        hidden.write(0, column as u16, *name).unwrap();
    }
    book.add_worksheet().set_name("Cover").unwrap().write(0, 0, "Harborview").unwrap();
    let sheet = book.add_worksheet().set_name("November").unwrap();
    // The active sheet cannot be hidden, and the first is active unless another one is made so.
    sheet.set_active(true);
    sheet.write(0, 0, "Visits in November").unwrap();
    for (column, name) in HEADER.iter().enumerate() {
        sheet.write(3, column as u16, *name).unwrap();
    }
    let date = Format::new().set_num_format("mmm d, yyyy");
    let time = Format::new().set_num_format("m/d/yy h:mm");
    for (index, row) in [4, 6].into_iter().enumerate() {
        sheet.write(row, 0, "S1").unwrap();
        sheet.write(row, 1, 700_123.0 + index as f64).unwrap();
        sheet.write(row, 2, "Ada").unwrap();
        sheet.write(row, 3, "Testpatient").unwrap();
        sheet.write_with_format(row, 4, ExcelDateTime::parse_from_str("1950-02-03").unwrap(), &date).unwrap();
        sheet.write(row, 5, "F").unwrap();
        sheet.write_formula(row, 6, Formula::new(format!("=\"O-\"&{index}")).set_result(format!("O-{index}"))).unwrap();
        sheet.write_with_format(row, 7, ExcelDateTime::parse_from_str("2026-12-01T09:30").unwrap(), &time).unwrap();
    }
    book.save_to_buffer().unwrap()
}

#[test]
fn the_first_visible_sheet_with_a_header_is_read() {
    let outcome = take("a.xlsx", &usual());
    assert_eq!((outcome.lines(), outcome.code()), (vec!["5 O-0".to_owned(), "7 O-1".to_owned()], String::new()));
    let layout = outcome.layout.as_ref().unwrap();
    assert_eq!((layout.sheet.as_deref(), layout.headers.len()), (Some("November"), 8));
    insta::assert_snapshot!(outcome.rows[0].request.to_json(), @r#"{"Site":{"LocalId":"S1"},"Order":{"LocalId":"O-0","ScheduledTime":"2026-12-01T09:30:00"},"Patient":{"LocalId":"700123","Name":{"First":"Ada","Last":"Testpatient"},"Dob":"1950-02-03","Genders":[{"Context":"BirthGender","Gender":"F"}]}}"#);
}

#[test]
fn a_mapping_may_name_the_sheet_even_a_hidden_one() {
    let named = |sheet: &str| {
        let organization = with_mapping(json!({"name": "m", "sheet": sheet}));
        take_with("a.xlsx", &usual(), &organization, &Limits::default())
    };
    assert_eq!(named("lists").lines(), Vec::<String>::new());
    assert_eq!(named("lists").layout.unwrap().sheet.as_deref(), Some("Lists"));
    assert_eq!(named("Cover").code(), "no-header");
    let missing = named("December");
    assert_eq!(missing.code(), "no-header");
    assert!(missing.message().contains("no sheet named \"December\""));
}

#[test]
fn cells_say_what_a_person_sees() {
    let cells = |cells: &str| {
        let header = "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>SiteLocalId</v></c><c r=\"B1\" t=\"str\"><v>PatientLocalId</v></c>\
                      <c r=\"C1\" t=\"str\"><v>OrderLocalId</v></c><c r=\"D1\" t=\"str\"><v>SingleEyeOnly</v></c></row>";
        let outcome = take("a.xlsx", &Archive::new().sheet(&format!("{header}<row r=\"2\">{cells}</row>")).bytes());
        assert_eq!(outcome.code(), "", "{cells}");
        let line = outcome.lines().join("|");
        let cells = outcome.rows.into_iter().next().map(|row| row.original.into_cells().to_vec().join("|"));
        format!("{line} <- {}", cells.unwrap_or_default())
    };
    for (xml, expected) in [
        ("<c r=\"C2\"><v>12345</v></c>", "2 12345 <- ||12345"),
        ("<c r=\"C2\"><v>9.000000002E9</v></c>", "2 9000000002 <- ||9000000002"),
        ("<c r=\"C2\"><v>1.2345678901234567E17</v></c>", "2  ! bad-number@3 <- ||123456789012345660"),
        ("<c r=\"C2\" t=\"e\"><v>#N/A</v></c>", "2  ! cell-error@3 <- ||#N/A"),
        ("<c r=\"C2\" t=\"str\"><f>A1</f><v>O-7</v></c>", "2 O-7 <- ||O-7"),
        ("<c r=\"C2\" t=\"inlineStr\"><is><r><t>O</t></r><r><rPr><b/></rPr><t>-8</t></r></is></c>", "2 O-8 <- ||O-8"),
        ("<c r=\"C2\" t=\"inlineStr\"><is><t xml:space=\"preserve\"> O-9 </t></is></c>", "2 O-9 <- || O-9 "),
        ("<c r=\"C2\" t=\"str\"><v>O-1</v></c><c r=\"D2\" t=\"b\"><v>1</v></c>", "2 O-1 <- ||O-1|true"),
        ("<c r=\"C2\" t=\"str\"><v>O-1</v></c><c r=\"F2\" t=\"str\"><v>beyond</v></c>", "2 O-1 ! extra-cells <- ||O-1"),
        ("<c r=\"C2\" t=\"str\"><v>Smith &amp; &#x4f;</v></c>", "2 Smith & O <- ||Smith & O"),
    ] {
        assert_eq!(cells(xml), expected);
    }
}

#[test]
fn dates_count_from_1904_where_the_workbook_says_so() {
    let styles = "<styleSheet><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>";
    let sheet = "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>OrderLocalId</v></c><c r=\"B1\" t=\"str\"><v>OrderScheduledTime</v></c></row>\
                 <row r=\"2\"><c r=\"A2\" t=\"str\"><v>O</v></c><c r=\"B2\" s=\"1\"><v>44895</v></c></row>";
    let book = Archive::new().sheet(sheet).with("xl/styles.xml", styles).with(
        "xl/workbook.xml",
        "<workbook xmlns:r=\"r\"><workbookPr date1904=\"1\"/><sheets><sheet name=\"A\" sheetId=\"1\" \
         r:id=\"r1\"/></sheets></workbook>",
    );
    let outcome = take("a.xlsx", &book.bytes());
    let order = outcome.rows[0].request.order.clone().unwrap();
    assert_eq!(order.scheduled_time.unwrap().to_string(), "2026-12-01T00:00:00");
}

#[test]
fn other_kinds_of_files_are_refused_with_what_to_do() {
    let empty = Archive::new();
    let ods = empty.with("content.xml", "<a/>").bytes();
    let docx = Archive::new().with("word/document.xml", "<a/>").bytes();
    let xlsb = Archive::new().with("xl/workbook.bin", "x").bytes();
    let zip = Archive::new().with("_rels/.rels", "<Relationships/>").bytes();
    for (bytes, word) in [(ods, "OpenDocument"), (docx, "Only spreadsheets"), (xlsb, ".xlsb"), (zip, "no workbook")] {
        let outcome = take("upload", &bytes);
        assert_eq!(outcome.code(), "unsupported-format", "{word}");
        assert!(outcome.message().contains(word) && outcome.message().contains(".csv"), "{}", outcome.message());
    }
    assert_eq!(take("a.xlsx", &Archive::new().sheet("").bytes()).code(), "no-header");
    assert_eq!(take("a.xlsx", &Archive::new().sheet(ROWS).bytes()).lines(), ["2 O1"]);
}

/// Header and rows of two columns.
fn of_two(rows: &str) -> Archive {
    let header = "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>PatientLocalId</v></c><c r=\"B1\" t=\"str\"><v>OrderLocalId</v></c>\
                  <c r=\"C1\" t=\"str\"><v>SiteLocalId</v></c></row>";
    Archive::new().sheet(&format!("{header}{rows}"))
}

#[test]
fn hidden_rows_are_read_and_told() {
    let row = |number: u32, hidden: &str| {
        format!("<row r=\"{number}\"{hidden}><c r=\"B{number}\" t=\"str\"><v>O{number}</v></c></row>")
    };
    let rows: String =
        (2..5_000).map(|number| row(number, if number % 2 == 0 { " hidden=\"1\"" } else { "" })).collect();
    let empty = "<row r=\"5000\" hidden=\"1\"><c r=\"B5000\"/></row>";
    let outcome = take("a.xlsx", &of_two(&format!("{rows}{empty}")).bytes());
    assert_eq!((outcome.rows.len(), outcome.code()), (4_998, String::new()));
    assert!(outcome.warnings()[0].starts_with("2499 rows are hidden or filtered out"), "{:?}", outcome.warnings());
    assert!(take("a.xlsx", &of_two(&row(2, "")).bytes()).warnings().is_empty());
}

#[test]
fn formulas_without_a_stored_result_are_reported() {
    let rows = "<row r=\"2\"><c r=\"A2\" t=\"str\"><v>P1</v></c><c r=\"B2\"><f>A9</f></c></row>\
                <row r=\"3\"><c r=\"A3\"><f>A9</f><v></v></c><c r=\"B3\"><f>A9</f><v/></c></row>\
                <row r=\"4\"><c r=\"A4\" t=\"str\"><v>P3</v></c><c r=\"B4\" t=\"str\"><f>A9</f><v></v></c></row>\
                <row r=\"5\"><c r=\"A5\"><f>A9</f><v>77</v></c></row>";
    let outcome = take("a.xlsx", &of_two(rows).bytes());
    assert_eq!(outcome.code(), "");
    assert_eq!(outcome.lines(), ["2 P1 ! cell-error@2", "3  ! cell-error@1 ! cell-error@2", "4 P3", "5 77"]);
}

#[test]
fn leading_zeros_that_a_format_shows_are_kept() {
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"00000\"/><numFmt numFmtId=\"165\" formatCode=\"000\\-00\\-0000\"/>\
                  </numFmts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf numFmtId=\"165\"/></cellXfs></styleSheet>";
    let rows = "<row r=\"2\"><c r=\"A2\" s=\"1\"><v>42</v></c></row><row r=\"3\"><c r=\"A3\" s=\"2\"><v>12345678</v></c></row>\
                <row r=\"4\"><c r=\"A4\"><v>42</v></c></row><row r=\"5\"><c r=\"A5\" s=\"1\" t=\"str\"><v>7</v></c></row>";
    let outcome = take("a.xlsx", &of_two(rows).with("xl/styles.xml", styles).bytes());
    assert_eq!(outcome.lines(), ["2 00042", "3 012-34-5678", "4 42", "5 7"]);
}

#[test]
fn other_sheets_with_the_header_are_told() {
    let mut book = Workbook::new();
    for name in ["Seattle", "Notes", "Tacoma"] {
        let sheet = book.add_worksheet().set_name(name).unwrap();
        if name != "Notes" {
            sheet.write_row(0, 0, HEADER).unwrap();
            sheet.write(1, 6, name).unwrap();
        }
    }
    let empty = book.add_worksheet().set_name("Planned").unwrap();
    empty.write_row(0, 0, HEADER).unwrap();
    let outcome = take("a.xlsx", &book.save_to_buffer().unwrap());
    assert_eq!((outcome.code(), outcome.lines()), (String::new(), vec!["2 Seattle".to_owned()]));
    assert_eq!(outcome.layout.as_ref().unwrap().sheet.as_deref(), Some("Seattle"));
    assert!(matches!(&outcome.warnings()[..], [warning] if warning.contains("Tacoma") && warning.contains("Seattle")));
}
