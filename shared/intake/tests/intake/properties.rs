//! Whatever the bytes are: reading ends, nothing panics, and no two rows share a number.

use crate::archives::Archive;
use crate::support::take;
use proptest::prelude::*;

const HEADER: &str = "SiteLocalId,PatientLocalId,OrderLocalId,PatientAdditionalInfo\n";

fn increasing(rows: &[iris_intake::Row]) -> bool {
    rows.windows(2).all(|pair| pair[0].number < pair[1].number)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_under_any_name(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), name in "[a-z]{0,3}\\.(csv|json|ndjson|xlsx|xls|hl7|)") {
        let outcome = take(&name, &bytes);
        prop_assert!(increasing(&outcome.rows));
    }

    #[test]
    fn any_text_below_a_header(text in "[a-zP\",;|\n\r\t é\u{0}0-9]{0,400}") {
        let outcome = take("a.csv", format!("{HEADER}{text}").as_bytes());
        prop_assert!(increasing(&outcome.rows), "{:?}", outcome.lines());
        prop_assert!(outcome.failure.is_none());
    }

    #[test]
    fn sound_rows_after_any_line_are_loaded(line in "[a-z\", ]{0,60}") {
        let rows: String = (0..30).map(|index| format!("S1,P{index},O{index},info\n")).collect();
        let outcome = take("a.csv", format!("{HEADER}{line}\n{rows}").as_bytes());
        let sound = outcome.rows.iter().filter(|row| row.issues.is_empty() && row.request.order.is_some() && row.number > 2).count();
        prop_assert_eq!(sound, 30, "{:?}", outcome.lines());
    }

    #[test]
    fn records_survive_being_written(cells in proptest::collection::vec("[a-z\",\n\r é']{0,12}", 2)) {
        let mut out = csv::Writer::from_writer(Vec::new());
        let header = ["SiteLocalId", "PatientLocalId", "PatientAdditionalInfo", "PatientPhone"];
        out.write_record(header.into_iter().chain(["OrderAdditionalInfo", "EncounterNumber", "DepartmentId", "CPTCode"])).unwrap();
        out.write_record(["S1", "P1", &cells[0], &cells[1], "", "", "", ""]).unwrap();
        let outcome = take("a.csv", &out.into_inner().unwrap());
        prop_assert_eq!(&outcome.rows[0].original.clone().into_cells().to_vec()[2..4], &cells[..]);
        prop_assert!(outcome.rows[0].issues.is_empty(), "{:?}", outcome.lines());
    }

    #[test]
    fn any_json_like_text(text in "[\\[\\]{}\":,a-z0-9 \n\\\\.eE+-]{0,300}", name in "a\\.(json|ndjson)") {
        let outcome = take(&name, format!("[{text}").as_bytes());
        prop_assert!(outcome.rows.len() <= text.len());
    }

    #[test]
    fn any_damage_to_a_workbook(at in 0usize..2_000, byte in any::<u8>(), part in 0usize..4, xml in "[<>/a-z\"= 0-9!\\[\\]-]{0,200}") {
        let mut bytes = Archive::new().bytes();
        let place = at % bytes.len();
        bytes[place] = byte;
        take("a.xlsx", &bytes);
        let part = ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"][part];
        take("a.xlsx", &Archive::new().with(part, format!("<worksheet><sheetData>{xml}")).bytes());
        let outcome = take("a.xlsx", &Archive::new().sheet(&xml).bytes());
        prop_assert!(increasing(&outcome.rows));
    }
}
