//! Files that are meant to do harm, as listed in threats §1: the process survives, and the caller learns why nothing
//! was loaded.

use crate::archives::{Archive, ROWS, SHEET_END, SHEET_START};
use crate::support::{Outcome, take, take_with};
use iris_intake::Limits;

fn refused(name: &str, bytes: &[u8], word: &str) {
    let outcome = take("a.xlsx", bytes);
    assert!(outcome.rows.is_empty(), "{name}");
    assert!(!outcome.code().is_empty() && outcome.message().contains(word), "{name}: {}", outcome.message());
    assert!(!outcome.failure.is_some_and(|failure| failure.transient), "{name}");
}

fn sst(declared: &str, entries: &str) -> Archive {
    Archive::new().with("xl/sharedStrings.xml", format!("<sst uniqueCount=\"{declared}\">{entries}</sst>"))
}

#[test]
fn a_sheet_of_two_far_corners_costs_two_cells() {
    let outcome = take(
        "a.xlsx",
        &Archive::new().sheet(&format!("{ROWS}<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>")).bytes(),
    );
    assert_eq!(outcome.lines(), ["2 O1", "1048576  ! extra-cells"]);
}

#[test]
fn declared_numbers_of_texts_are_not_believed() {
    refused("large", &sst("900000000000", "<si><t>a</t></si>").bytes(), "more entries");
    refused("unreadable", &sst("9e99", "").bytes(), "more entries");
    let late = format!("<?xml version=\"1.0\"?><!--{}--><sst uniqueCount=\"900000000000\"/>", "x".repeat(100_000));
    refused("behind a comment", &Archive::new().with("xl/sharedStrings.xml", late).bytes(), "more entries");
    let prefixed = "<x:sst xmlns:x=\"a\" uniqueCount = '900000000000'/>";
    refused("prefixed", &Archive::new().with("xl/SharedStrings.xml", prefixed).bytes(), "more entries");
    assert_eq!(take("a.xlsx", &sst("5000", "<si><t>a</t></si>").bytes()).lines(), ["2 O1"], "writers are sloppy");
}

#[test]
fn tables_of_texts_have_a_limit() {
    let limits = Limits { shared_string_bytes: 1 << 20, ..Limits::default() };
    let many = sst("0", &"<si><t>a</t></si>".repeat(20_000)).bytes();
    let outcome = take_with("a.xlsx", &many, &crate::support::plain(), &limits);
    assert_eq!(outcome.code(), "too-large");
}

#[test]
fn bombs_are_not_unpacked() {
    let zeros = " ".repeat(40 << 20);
    refused("ratio", &Archive::new().with("xl/media/image.bin", &zeros).bytes(), "compressed beyond all measure");
    let limits = Limits { inflated_bytes: 1 << 20, ..Limits::default() };
    let outcome = take_with(
        "a.xlsx",
        &Archive::new().with("xl/media/a", "x".repeat(2 << 20)).bytes(),
        &crate::support::plain(),
        &limits,
    );
    assert!(outcome.message().contains("grows beyond"), "{}", outcome.message());
    let limits = Limits { workbook_bytes: 100, ..Limits::default() };
    assert_eq!(take_with("a.xlsx", &Archive::new().bytes(), &crate::support::plain(), &limits).code(), "too-large");
    let mut many = Archive::new();
    (0..10_001).for_each(|index| many.set(&format!("xl/p{index}.txt"), ""));
    refused("parts", &many.bytes(), "too many parts");
}

#[test]
fn a_size_that_is_a_lie_is_found() {
    let rows = format!("{ROWS}{}", " ".repeat(1_234));
    let mut bytes = Archive::new().sheet(&rows).bytes();
    let size = u32::try_from(SHEET_START.len() + rows.len() + SHEET_END.len()).unwrap().to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == size).collect();
    for at in places {
        bytes[at..at + 4].copy_from_slice(&10u32.to_le_bytes());
    }
    refused("size", &bytes, ".xlsx");
}

#[test]
fn names_stay_within_the_archive() {
    for name in ["../../etc/passwd", "/etc/passwd", "xl/../../up"] {
        refused(name, &Archive::new().with(name, "x").bytes(), "unusable name");
    }
}

#[test]
fn declarations_are_refused_wherever_they_stand() {
    let entities = "<!DOCTYPE a [<!ENTITY b \"c\">]>";
    refused(
        "sheet",
        &Archive::new().with("xl/worksheets/sheet1.xml", format!("{entities}{SHEET_START}{ROWS}{SHEET_END}")).bytes(),
        "entities",
    );
    let late = format!("<!--{}-->{entities}<sst/>", "x".repeat(50_000));
    refused("strings", &Archive::new().with("xl/sharedStrings.xml", late).bytes(), "entities");
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(entities.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    refused("other encoding", &Archive::new().with("xl/styles.xml", utf16).bytes(), "damaged");
}

#[test]
fn no_token_fills_the_memory() {
    let text = pseudo_random(17 << 20);
    let cell = format!("<row r=\"3\"><c r=\"A3\" t=\"str\"><v>{text}</v></c></row>");
    let outcome = take("a.xlsx", &Archive::new().sheet(&format!("{ROWS}{cell}")).bytes());
    assert!(outcome.message().contains("beyond all measure"), "{}", outcome.message());
    assert!(outcome.lines()[0].starts_with("2 O1"), "what was before it has its line");
    let hidden = format!("<row r=\"3\" spans=\"{}\"/>", "><v>".repeat(17 << 18).replace('v', "w"));
    let outcome = take("a.xlsx", &Archive::new().sheet(&format!("{ROWS}{hidden}")).bytes());
    assert!(outcome.rows.is_empty() && outcome.message().contains("beyond all measure"), "{}", outcome.message());
}

#[test]
fn styles_do_not_multiply() {
    let name = pseudo_random(1 << 20).replace('"', "");
    let styles = format!(
        "<styleSheet><fonts><font><name val=\"{name}\"/></font></fonts><cellXfs>{}</cellXfs></styleSheet>",
        "<xf fontId=\"0\"/>".repeat(10_000)
    );
    refused("styles", &Archive::new().with("xl/styles.xml", styles).bytes(), "too many formats");
}

#[test]
fn cells_beyond_all_measure_are_issues() {
    let big = format!("<row r=\"3\"><c r=\"C3\" t=\"str\"><v>{}</v></c></row>", pseudo_random(1 << 20));
    let outcome = take("a.xlsx", &Archive::new().sheet(&format!("{ROWS}{big}")).bytes());
    assert_eq!(outcome.lines(), ["2 O1", "3  ! limit-exceeded@3"]);
    assert!(outcome.rows.into_iter().nth(1).unwrap().original.into_cells().text().len() < 1_000);
}

#[test]
fn one_long_text_in_every_cell_does_not_multiply() {
    let text = "x".repeat(30_000);
    let names: String = (0..400).map(|index| format!("<c t=\"str\"><v>c{index}</v></c>")).collect();
    let header = format!(
        "<row r=\"1\"><c t=\"str\"><v>OrderLocalId</v></c><c t=\"str\"><v>PatientLocalId</v></c><c \
         t=\"str\"><v>SiteLocalId</v></c>{names}</row>"
    );
    let row = |number: u32| format!("<row r=\"{number}\">{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(403));
    let rows: String = (2..200).map(row).collect();
    let book = Archive::new()
        .sheet(&format!("{header}{rows}"))
        .with("xl/sharedStrings.xml", format!("<sst><si><t>{text}</t></si></sst>"));
    let limits = Limits { inflated_bytes: 32 << 20, ..Limits::default() };
    let outcome = take_with("a.xlsx", &book.bytes(), &crate::support::plain(), &limits);
    assert_eq!(outcome.code(), "limit-exceeded");
    assert!(outcome.rows.len() < 50 && outcome.batches.iter().all(|rows| *rows < 10), "{:?}", outcome.batches);
}

#[test]
fn disorder_ends_the_file_where_it_shows() {
    let cell = |place: &str| format!("<c r=\"{place}\" t=\"str\"><v>O-{place}</v></c>");
    for rows in [
        format!("<row r=\"5\">{}</row><row r=\"4\">{}</row>", cell("C5"), cell("C4")),
        format!("<row r=\"5\">{}</row><row r=\"5\">{}</row>", cell("C5"), cell("C5")),
        format!("<row r=\"5\">{}</row><row r=\"99999999\">{}</row>", cell("C5"), cell("C99999999")),
        format!("<row r=\"5\">{}{}</row>", cell("C5"), cell("ZZZZZZZZZZ5")),
        format!("<row r=\"5\">{}</row><row r=\"6\"><c r=\"C6\" t=\"s\"><v>77</v></c></row>", cell("C5")),
        format!("<row r=\"5\">{}</row><row r=\"6\"><c r=\"C6\"><v>", cell("C5")),
    ] {
        let outcome: Outcome = take("a.xlsx", &Archive::new().sheet(&format!("{ROWS}{rows}")).bytes());
        assert_eq!(outcome.code(), "unreadable-file", "{rows}");
        assert!(outcome.failure.as_ref().unwrap().row.is_some());
        assert_eq!(outcome.lines()[0], "2 O1", "rows before a defect stand");
        assert_eq!(outcome.lines().len(), 2, "and the one it shows in has its line: {rows}");
    }
    let turned = format!("<worksheet><dimension ref=\"Z99:A1\"/><sheetData>{ROWS}{SHEET_END}");
    let outcome = take("a.xlsx", &Archive::new().with("xl/worksheets/sheet1.xml", turned).bytes());
    assert!(outcome.lines() == ["2 O1"] || outcome.code() == "unreadable-file");
}

#[test]
fn protected_and_old_workbooks_are_recognized() {
    let mut ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    ole.resize(4096, 0);
    refused("protected", &ole, "password");
    assert!(take("a.xls", &ole).message().contains("old"));
    refused("cut", &Archive::new().bytes()[..300], "damaged");
    refused("garbage", &[b"PK\x03\x04".as_slice(), &[7; 2000]].concat(), "damaged");
}

#[test]
fn keys_without_end_are_refused() {
    let lines: String = (0..2_000).map(|index| format!("{{\"OrderLocalId\":{index},\"k{index}\":1}}\n")).collect();
    let outcome = take("a.ndjson", lines.as_bytes());
    assert_eq!((outcome.code(), outcome.rows.len()), ("limit-exceeded".to_owned(), 511));
}

/// Text that does not compress, of letters only.
fn pseudo_random(length: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state % 26) as u8)
    })
    .take(length)
    .collect()
}
