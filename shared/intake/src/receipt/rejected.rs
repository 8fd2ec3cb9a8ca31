//! The failed rows as they came, with what is wrong: to be corrected in place and dropped again.

use super::rows_csv::issues;
use crate::mapping::{ISSUES_COLUMN, ROW_COLUMN, is_own_column};
use iris_model::RowLine;
use iris_model::formula::guarded;
use rust_xlsxwriter::{Color, Format, FormatAlign, Note, Workbook, Worksheet, XlsxError};
use std::io::Write;

/// The most rows of a sheet that get a note on each bad cell, because notes are held in memory. Beyond it, only the
/// `Issues` column says what is wrong.
const ROWS_WITH_NOTES: u32 = 20_000;
/// The most characters of a cell of a workbook.
const CELL: usize = 32_000;
/// The first bytes of a UTF-8 file that Excel is to recognize.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// The most characters of a note.
const NOTE: usize = 1_000;

/// Rejected rows of a CSV file, with its delimiter.
pub struct RejectedCsv<W: Write> {
    out: csv::Writer<W>,
    width: usize,
}

impl<W: Write> RejectedCsv<W> {
    /// Begins with the file's own header and the columns `OriginalRow` and `Issues`, after a byte order mark: without
    /// it Excel would not read the file as UTF-8, and a corrected file would come back with damaged names.
    pub fn new(mut out: W, headers: &[String], delimiter: char) -> csv::Result<Self> {
        out.write_all(BYTE_ORDER_MARK)?;
        let delimiter = u8::try_from(delimiter).unwrap_or(b',');
        let mut out = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(out);
        let kept = kept(headers);
        for column in &kept {
            out.write_field(guarded(&headers[*column]).as_bytes())?;
        }
        out.write_record([ROW_COLUMN, ISSUES_COLUMN])?;
        Ok(Self { out, width: headers.len() })
    }

    /// Writes a failed row.
    pub fn write(&mut self, line: &RowLine, headers: &[String]) -> csv::Result<()> {
        let cells = line.cells.as_deref().unwrap_or_default();
        for column in kept(headers) {
            self.out.write_field(guarded(cells.get(column).map_or("", String::as_str)).as_bytes())?;
        }
        self.out.write_field(line.row.to_string())?;
        self.out.write_field(guarded(&issues(line)).as_bytes())?;
        for extra in cells.iter().skip(self.width) {
            self.out.write_field(guarded(extra).as_bytes())?;
        }
        self.out.write_record(None::<&[u8]>)
    }

    /// Ends the document.
    pub fn finish(self) -> std::io::Result<W> {
        self.out.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// The columns that are written: all except our own from last time.
fn kept(headers: &[String]) -> Vec<usize> {
    (0..headers.len()).filter(|column| !is_own_column(&headers[*column])).collect()
}

/// Rejected elements of a JSON file, one per line, each with the properties `OriginalRow` and `Issues`.
pub struct RejectedJson<W: Write> {
    out: W,
}

impl<W: Write> RejectedJson<W> {
    /// Begins.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes a failed element.
    pub fn write(&mut self, line: &RowLine) -> std::io::Result<()> {
        let text = line.cells.as_deref().and_then(<[String]>::first).map_or("null", String::as_str);
        // A line that is not JSON is written as text.
        let value = serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::from(text));
        let mut object = match value {
            serde_json::Value::Object(object) => object,
            other => [("Element".to_owned(), other)].into_iter().collect(),
        };
        object.retain(|key, _| !is_own_column(key));
        object.insert(ROW_COLUMN.to_owned(), line.row.into());
        object.insert(ISSUES_COLUMN.to_owned(), issues(line).into());
        writeln!(self.out, "{}", serde_json::Value::Object(object))
    }

    /// Ends the document.
    pub fn finish(self) -> W {
        self.out
    }
}

/// Rejected rows of a workbook: text cells (ids keep their zeros, formulas never run), bad cells highlighted with their
/// issue as a note.
pub struct RejectedXlsx {
    book: Workbook,
    headers: Vec<String>,
    kept: Vec<usize>,
    row: u32,
    bad: Format,
    plain: Format,
}

impl RejectedXlsx {
    /// Begins with the sheet's own header and the columns `OriginalRow` and `Issues`.
    pub fn new(headers: &[String], sheet: Option<&str>) -> Result<Self, XlsxError> {
        let mut book = Workbook::new();
        let kept = kept(headers);
        let header = Format::new().set_bold().set_background_color(Color::RGB(0x00E7_E6E6)).set_text_wrap();
        let page = book.add_worksheet_with_constant_memory();
        if sheet.is_none_or(|name| page.set_name(name).is_err()) {
            page.set_name("Rejected rows")?;
        }
        page.set_freeze_panes(1, 0)?;
        for (place, column) in kept.iter().enumerate() {
            let width = headers[*column].chars().count().clamp(10, 30);
            page.set_column_width(at(place), width as f64)?;
        }
        page.set_column_width(at(kept.len()), 12)?;
        page.set_column_width(at(kept.len() + 1), 80)?;
        for (place, column) in kept.iter().enumerate() {
            page.write_string_with_format(0, at(place), &headers[*column], &header)?;
        }
        page.write_string_with_format(0, at(kept.len()), ROW_COLUMN, &header)?;
        page.write_string_with_format(0, at(kept.len() + 1), ISSUES_COLUMN, &header)?;
        let plain = Format::new().set_num_format("@").set_align(FormatAlign::Top);
        let bad = plain.clone().set_background_color(Color::RGB(0x00FF_C7CE)).set_font_color(Color::RGB(0x009C_0006));
        Ok(Self { book, headers: headers.to_vec(), kept, row: 0, bad, plain })
    }

    /// Writes a failed row.
    pub fn write(&mut self, line: &RowLine) -> Result<(), XlsxError> {
        self.row += 1;
        let (row, cells) = (self.row, line.cells.as_deref().unwrap_or_default());
        let page = self.book.worksheet_from_index(0)?;
        for (place, column) in self.kept.iter().enumerate() {
            let said = said_about(line, *column);
            let format = if said.is_empty() { &self.plain } else { &self.bad };
            let text = cut(cells.get(*column).map_or("", String::as_str), CELL);
            write(page, row, at(place), &text, format)?;
            if !said.is_empty() && row <= ROWS_WITH_NOTES {
                page.insert_note(row, at(place), &Note::new(cut(&said, NOTE)).add_author_prefix(false))?;
            }
        }
        let wrap = Format::new().set_text_wrap().set_align(FormatAlign::Top);
        page.write_number(row, at(self.kept.len()), line.row)?;
        page.write_string_with_format(row, at(self.kept.len() + 1), cut(&issues(line), CELL), &wrap)?;
        Ok(())
    }

    /// The finished workbook.
    pub fn finish(mut self) -> Result<Vec<u8>, XlsxError> {
        debug_assert_eq!(self.kept, kept(&self.headers));
        self.book.save_to_buffer()
    }
}

fn write(page: &mut Worksheet, row: u32, column: u16, text: &str, format: &Format) -> Result<(), XlsxError> {
    if text.is_empty() {
        page.write_blank(row, column, format)?;
    } else {
        page.write_string_with_format(row, column, text, format)?;
    }
    Ok(())
}

fn said_about(line: &RowLine, column: usize) -> String {
    let own = line.issues.iter().filter(|issue| issue.column.is_some_and(|place| place as usize == column + 1));
    own.map(|issue| issue.issue.message.as_ref()).collect::<Vec<_>>().join("\n")
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn at(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}
