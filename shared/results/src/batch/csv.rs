//! The rows as comma-separated text.

use super::row::{HEADERS, Row};
use iris_model::formula::guarded;
use std::io::Write;

/// Writes the rows of a batch (RFC 4180, UTF-8).
pub struct BatchCsv<W: Write> {
    out: csv::Writer<W>,
}

impl<W: Write> BatchCsv<W> {
    /// Starts with the header.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(out: W) -> csv::Result<Self> {
        let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        out.write_record(HEADERS)?;
        Ok(Self { out })
    }

    /// Writes a row; cells are escaped so that none runs as a formula.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&mut self, row: &Row) -> csv::Result<()> {
        self.out.write_record(row.iter().map(|cell| guarded(cell).into_owned()))
    }

    /// Passes buffered rows on to the writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
