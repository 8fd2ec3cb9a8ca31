//! Rows per second of reading 100,000 rows of 50 columns, beside the bare passes of the libraries underneath.
//!
//! `cargo run --release -p iris-intake --example intake_throughput [ROWS]`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement run by hand")]

use calamine::{Reader, Xlsx};
use iris_intake::{Format, Limits, Source, Step, read};
use iris_model::submission::{Context, Origin, validate};
use iris_model::{IntakeField, Organization};
use jiff::civil::date;
use std::fs::File;
use std::io::{BufReader, Cursor, Seek, Write};
use std::ops::ControlFlow;
use std::time::Instant;

const ROUNDS: usize = 5;

fn main() {
    let rows: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let organization = organization();
    let csv = csv_text(rows);
    println!("{rows} rows, {} columns, {} MB as CSV", IntakeField::ALL.len(), csv.len() >> 20);
    let raw = best(rows, "csv ByteRecord", || {
        let mut reader = csv::Reader::from_reader(Cursor::new(&csv));
        let mut record = csv::ByteRecord::new();
        let mut count = 0;
        while reader.read_byte_record(&mut record).unwrap() {
            count += 1;
        }
        count
    });
    let source = || Source::Stream(Box::new(Cursor::new(csv.clone())));
    let built = best(rows, "CSV, built", || take(source(), Format::Csv, &organization, false));
    let validated = best(rows, "CSV, built and validated", || take(source(), Format::Csv, &organization, true));
    println!("  of csv ByteRecord: built {:.2}, validated {:.2}", built / raw, validated / raw);

    let mut book = workbook(&csv);
    println!("{} MB as XLSX", book.metadata().unwrap().len() >> 20);
    let raw = best(rows, "calamine streaming cells", || {
        book.rewind().unwrap();
        let mut xlsx: Xlsx<_> = Xlsx::new(BufReader::new(book.try_clone().unwrap())).unwrap();
        let mut cells = xlsx.worksheet_cells_reader("Sheet1").unwrap();
        let mut count = 0;
        while let Some(cell) = cells.next_cell().unwrap() {
            count += usize::from(cell.get_position().1 == 0);
        }
        count - 1
    });
    let source = |book: &File| Source::File(book.try_clone().unwrap());
    let built = best(rows, "XLSX, built", || take(source(&book), Format::Xlsx, &organization, false));
    let validated = best(rows, "XLSX, built and validated", || take(source(&book), Format::Xlsx, &organization, true));
    println!("  of calamine: built {:.2}, validated {:.2}", built / raw, validated / raw);
}

/// Rows per second of the best of some rounds.
fn best(rows: usize, name: &str, mut pass: impl FnMut() -> usize) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        assert_eq!(pass(), rows);
        best = best.min(start.elapsed().as_secs_f64());
    }
    let rate = rows as f64 / best;
    println!("{name:>28} {rate:>10.0} rows/s");
    rate
}

fn take(source: Source, format: Format, organization: &Organization, validated: bool) -> usize {
    let origin = Origin { today: date(2026, 11, 21), fill_from_organization: true, derived_order_id: None };
    let context = Context { organization, origin: &origin };
    let mut count = 0;
    let mut sink = |step: Step| {
        let Step::Batch(rows) = step else { return ControlFlow::Continue(()) };
        for row in rows {
            assert!(row.issues.is_empty(), "{:?}", row.issues);
            if validated {
                validate(row.request, Vec::new(), &context).unwrap();
            }
            count += 1;
        }
        ControlFlow::Continue(())
    };
    read(source, format, organization, "orders", &Limits::default(), 1_000, &mut sink).unwrap();
    count
}

/// Every column, two thirds of them filled.
fn csv_text(rows: usize) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(IntakeField::ALL.iter().map(|field| field.name())).unwrap();
    for row in 0..rows {
        out.write_record(IntakeField::ALL.iter().map(|field| cell(*field, row))).unwrap();
    }
    out.into_inner().unwrap()
}

fn cell(field: IntakeField, row: usize) -> String {
    use IntakeField as F;
    match field {
        F::Version => "2.3.1".to_owned(),
        F::ClientGuid => "5a3d1e70-0000-4000-8000-000000000001".to_owned(),
        F::OrderControlCode => "NW".to_owned(),
        F::SiteLocalId => "S1".to_owned(),
        F::PatientLocalId => format!("P-{row:07}"),
        F::PatientFirstName => format!("Sample{}", row % 977),
        F::PatientLastName => format!("Testpatient{}", row % 1009),
        F::PatientDob => format!("{}/{}/{}", row % 12 + 1, row % 28 + 1, 1930 + row % 60),
        F::PatientBirthGender => "F".to_owned(),
        F::PatientPhone => format!("206-555-{:04}", row % 10_000),
        F::DxCode => "E11.9".to_owned(),
        F::OrderLocalId => format!("O-{row:07}"),
        F::EvaluationType => "DR".to_owned(),
        F::OrderScheduledTime => "2026-12-01T09:30".to_owned(),
        F::OrderState => "WA".to_owned(),
        F::OrderAdditionalInfo => "prefers mornings, no dilation".to_owned(),
        F::DepartmentId => "EYE".to_owned(),
        F::EncounterNumber => format!("E{row}"),
        F::CptCode => "92250".to_owned(),
        F::OrderingProviderNpi | F::ReferringProviderNpi | F::HealthPlanPrimaryCareProviderNpi => {
            "1234567893".to_owned()
        }
        F::OrderingProviderFirstName | F::ReferringProviderFirstName => "Olive".to_owned(),
        F::OrderingProviderLastName | F::ReferringProviderLastName => "Sample-Provider".to_owned(),
        F::OrderingProviderEmail => "olive@clinic.example".to_owned(),
        F::UserNameSubmitting => "intake@harborview.example".to_owned(),
        F::HealthPlanName => "Harborview Advantage (sample)".to_owned(),
        F::HealthPlanMemberId => format!("HVA-{row:07}"),
        F::HealthPlanGroupNumber => "00417".to_owned(),
        F::HealthPlanEffectiveDate => "2026-01-01".to_owned(),
        F::HealthPlanPrimaryCareProviderFirst => "Pat".to_owned(),
        F::HealthPlanPrimaryCareProviderLast => "Sample-Pcp".to_owned(),
        _ => String::new(),
    }
}

/// The same rows as a workbook on disk.
fn workbook(csv: &[u8]) -> File {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet_with_low_memory();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    for (row, record) in reader.records().map(Result::unwrap).enumerate() {
        for (column, text) in record.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            sheet.write_string(u32::try_from(row).unwrap(), u16::try_from(column).unwrap(), text).unwrap();
        }
    }
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&book.save_to_buffer().unwrap()).unwrap();
    file
}

fn organization() -> Organization {
    serde_json::from_value(serde_json::json!({
        "slug": "harborview",
        "name": "Sample",
        "clientGuid": "5a3d1e70-0000-4000-8000-000000000001",
        "sites": [{"localId": "S1", "name": "One", "address": {"state": "WA"}}],
    }))
    .unwrap()
}
