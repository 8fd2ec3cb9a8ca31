//! The rows as a workbook.

use super::row::{HEADERS, Row};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_xlsxwriter::{Color, DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use std::io::{Seek, Write};

/// The most rows of a sheet; the format allows 1,048,576.
const ROWS: u32 = 1_000_000;
/// The most characters of a cell.
const CELL: usize = 32_000;

/// Writes the rows of a batch. Rows are kept in a temporary file, not in memory. Cells are text, which no program runs
/// as a formula; only the order's number and the count of images are numbers.
pub struct BatchWorkbook {
    book: Workbook,
    /// Rows in the last sheet, not counting its header.
    rows: u32,
    sheets: usize,
}

impl BatchWorkbook {
    /// Starts a workbook. `at` is recorded as the creation time, so that the file is the same whenever it is written.
    ///
    /// # Errors
    /// When the workbook cannot be made.
    pub fn new(at: Timestamp) -> Result<Self, XlsxError> {
        let mut book = Workbook::new();
        let made =
            ExcelDateTime::parse_from_str(&at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string())?;
        book.set_properties(&DocProperties::new().set_title("Results").set_creation_datetime(&made));
        begin_sheet(&mut book, 1)?;
        Ok(Self { book, rows: 0, sheets: 1 })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn write(&mut self, row: &Row) -> Result<(), XlsxError> {
        if self.rows == ROWS {
            self.sheets += 1;
            self.rows = 0;
            begin_sheet(&mut self.book, self.sheets)?;
        }
        self.rows += 1;
        let sheet = self.book.worksheet_from_index(self.sheets - 1)?;
        for (place, cell) in (0..).zip(row) {
            write_cell(sheet, self.rows, place, cell)?;
        }
        Ok(())
    }

    /// Assembles the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(mut self, out: impl Write + Seek + Send) -> Result<(), XlsxError> {
        self.book.save_to_writer(out)
    }
}

fn write_cell(sheet: &mut Worksheet, row: u32, place: u16, cell: &str) -> Result<(), XlsxError> {
    let is_number = matches!(HEADERS.get(usize::from(place)), Some(&("Order Id" | "Original Images")));
    if cell.is_empty() {
        return Ok(());
    }
    match cell.parse::<u32>() {
        Ok(number) if is_number => sheet.write_number(row, place, number)?,
        _ => sheet.write_string(row, place, cell.chars().take(CELL).collect::<String>())?,
    };
    Ok(())
}

fn begin_sheet(book: &mut Workbook, number: usize) -> Result<(), XlsxError> {
    let header = Format::new().set_bold().set_background_color(Color::RGB(0x00E7_E6E6));
    let sheet = book.add_worksheet_with_constant_memory();
    sheet.set_name(if number == 1 { "Results".to_owned() } else { format!("Results {number}") })?;
    sheet.set_freeze_panes(1, 1)?;
    for (place, text) in (0..).zip(HEADERS) {
        let width = if matches!(text, "Findings" | "Diagnoses" | "Care Plan" | "Interpreting Provider Notes") {
            44
        } else {
            20
        };
        sheet.set_column_width(place, width)?;
    }
    for (place, text) in (0..).zip(HEADERS) {
        sheet.write_string_with_format(0, place, text, &header)?;
    }
    Ok(())
}
