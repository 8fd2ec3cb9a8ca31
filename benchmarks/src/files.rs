//! Files of synthetic rows, written once per run.

use crate::generate;
use anyhow::{Context, Result};
use rust_xlsxwriter::Workbook;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The columns of the narrow files: a million rows of all fifty would exceed the limits of a drop.
const NARROW: [&str; 12] = [
    "OrderControlCode",
    "SiteLocalId",
    "PatientLocalId",
    "PatientFirstName",
    "PatientLastName",
    "PatientDob",
    "PatientBirthGender",
    "OrderLocalId",
    "EvaluationType",
    "OrderState",
    "EncounterNumber",
    "HealthPlanMemberId",
];

/// The files of fifty columns.
pub(crate) struct Files {
    pub(crate) rows: u32,
    pub(crate) csv: PathBuf,
    pub(crate) xlsx: PathBuf,
    folder: TempDir,
}

impl Files {
    pub(crate) fn new(rows: u32) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("iris-bench-").tempdir().context("no temporary folder can be made")?;
        let (csv, xlsx) = (folder.path().join("wide.csv"), folder.path().join("wide.xlsx"));
        write_csv(&csv, &generate::header(), (0..rows).map(wide))?;
        write_xlsx(&xlsx, &generate::header(), (0..rows).map(wide))?;
        Ok(Self { rows, csv, xlsx, folder })
    }

    /// A CSV file of ten rows.
    pub(crate) fn small(&self) -> Result<PathBuf> {
        let path = self.folder.path().join("small.csv");
        write_csv(&path, &generate::header(), (0..10).map(|number| generate::row("S", number)))?;
        Ok(path)
    }

    /// Files of twelve columns, CSV and XLSX.
    pub(crate) fn narrow(&self, rows: u32) -> Result<[PathBuf; 2]> {
        let (csv, xlsx) = (self.folder.path().join("narrow.csv"), self.folder.path().join("narrow.xlsx"));
        write_csv(&csv, &NARROW, (0..rows).map(narrow))?;
        write_xlsx(&xlsx, &NARROW, (0..rows).map(narrow))?;
        Ok([csv, xlsx])
    }
}

/// The size of a file in MB.
pub(crate) fn megabytes(path: &Path) -> Result<f64> {
    Ok(std::fs::metadata(path)?.len() as f64 / 1e6)
}

/// The test generator's row, with more of the optional cells filled: about 440 bytes.
fn wide(number: u32) -> Vec<String> {
    let mut cells = generate::row("B", number as usize);
    for (name, cell) in generate::header().iter().zip(&mut cells) {
        if cell.is_empty() {
            *cell = match *name {
                "PatientAdditionalInfo" => "Synthetic record".to_owned(),
                "DepartmentId" => format!("D{}", number % 20),
                "OrderingProviderEmail" | "ReferringProviderEmail" => format!("provider{}@sample.example", number % 50),
                "ReferringProviderFirstName" => "Sample".to_owned(),
                "ReferringProviderLastName" => format!("Referrer{}", number % 80),
                "ReferringProviderNPI" => "9000000002".to_owned(),
                _ => continue,
            };
        }
    }
    cells
}

fn narrow(number: u32) -> Vec<String> {
    let cells = generate::row("N", number as usize).into_iter();
    generate::header().into_iter().zip(cells).filter(|(name, _)| NARROW.contains(name)).map(|(_, cell)| cell).collect()
}

fn write_csv(path: &Path, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "{}", header.join(","))?;
    for row in rows {
        writeln!(out, "{}", row.join(","))?;
    }
    Ok(out.flush()?)
}

/// Cells are inline texts, as written by exports that do not hold the whole file in memory.
fn write_xlsx(path: &Path, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory();
    for (column, name) in (0u16..).zip(header) {
        sheet.write_string(0, column, *name)?;
    }
    for (number, row) in (1u32..).zip(rows) {
        for (column, cell) in (0u16..).zip(row).filter(|(_, cell)| !cell.is_empty()) {
            sheet.write_string(number, column, cell)?;
        }
    }
    Ok(book.save(path)?)
}
