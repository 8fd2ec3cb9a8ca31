//! Reading files: passes of the raw libraries compared with ours, one thread each.

use crate::report::{Section, Target::AtLeast, number};
use crate::{Bench, clock, files, submissions};
use anyhow::{Context, Result, ensure};
use calamine::{Reader, Xlsx};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::Instant;

pub(crate) fn run(bench: &Bench) -> Result<Vec<Section>> {
    let files = &bench.files;
    let organization = submissions::organization()?;
    let ours = |path: &Path| {
        let started = Instant::now();
        let rows = submissions::each(path, &organization, |_, _| ())?;
        ensure!(rows == files.rows, "{rows} rows were read");
        Ok(clock::rate(rows, started))
    };
    let repeats = bench.repeats();
    let lines = clock::best(repeats, || newlines(&files.csv))?;
    let raw_csv = clock::best(repeats, || records(&files.csv))?;
    let csv = clock::best(repeats, || ours(&files.csv))?;
    let raw_xlsx = clock::best(repeats, || cells(&files.xlsx, files.rows))?;
    let xlsx = clock::best(repeats, || ours(&files.xlsx))?;

    let about = format!(
        "{} rows × 50 columns: CSV of {:.0} MB, XLSX of {:.0} MB with its texts in the sheet. One thread; best of \
         {repeats}.",
        number(f64::from(files.rows)),
        files::megabytes(&files.csv)?,
        files::megabytes(&files.xlsx)?
    );
    let mut section = Section::new("Reading", about);
    section.figure("limit: reading blocks and counting newlines", lines, "rows/s");
    section.figure("`csv` ByteRecord pass", raw_csv, "rows/s");
    section.figure("ours: CSV parse + map + validate", csv, "rows/s");
    section.ratio("… of the ByteRecord pass", csv, raw_csv, AtLeast(0.5));
    section.figure("`calamine` streaming pass", raw_xlsx, "rows/s");
    section.figure("ours: XLSX parse + map + validate", xlsx, "rows/s");
    section.ratio("… of the streaming pass", xlsx, raw_xlsx, AtLeast(0.9));
    Ok(vec![section])
}

/// An upper bound that no reader can exceed.
fn newlines(path: &Path) -> Result<f64> {
    let started = Instant::now();
    let mut file = File::open(path)?;
    let mut block = vec![0; 64 * 1024];
    let mut lines = 0;
    loop {
        let length = file.read(&mut block)?;
        if length == 0 {
            return Ok(clock::rate(lines, started));
        }
        let found = block[..length].iter().filter(|byte| **byte == b'\n').count();
        lines += u32::try_from(found)?;
    }
}

fn records(path: &Path) -> Result<f64> {
    let started = Instant::now();
    let mut reader = csv::Reader::from_path(path)?;
    let mut record = csv::ByteRecord::new();
    let (mut rows, mut bytes) = (0, 0);
    while reader.read_byte_record(&mut record)? {
        rows += 1;
        bytes += record.iter().map(<[u8]>::len).sum::<usize>();
    }
    std::hint::black_box(bytes);
    Ok(clock::rate(rows, started))
}

fn cells(path: &Path, rows: u32) -> Result<f64> {
    let started = Instant::now();
    let mut book = Xlsx::new(BufReader::new(File::open(path)?))?;
    let sheet = book.sheet_names().into_iter().next().context("a workbook has a sheet")?;
    let mut cells = book.worksheet_cells_reader(&sheet)?;
    let mut last = 0;
    while let Some(cell) = cells.next_cell()? {
        last = cell.get_position().0;
        std::hint::black_box(cell.get_value());
    }
    ensure!(last == rows, "the sheet ends at row {last}");
    Ok(clock::rate(rows, started))
}
