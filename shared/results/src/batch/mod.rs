//! Files with many results, for payers: the published columns as CSV and as a workbook, and the manifest that lists the
//! files.
//!
//! Everything is a function of the results and the batch: written again, the files are the same, byte for byte.

mod csv;
mod manifest;
mod row;
mod workbook;

pub use csv::BatchCsv;
pub use manifest::{Again, Manifest, ManifestFile, Period, schema};
pub use row::{HEADERS, Row, row};
pub use workbook::BatchWorkbook;

/// Name of a batch's file in the results container: `batches/2026-11-21.000012.csv`, with the day on which the period
/// ended.
#[must_use]
pub fn file_name(day: jiff::civil::Date, number: u32, ending: &str) -> String {
    format!("batches/{day}.{number:06}{ending}")
}
