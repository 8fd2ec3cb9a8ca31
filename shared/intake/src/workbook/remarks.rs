//! What a sheet says about its rows and cells beyond their values: hidden rows, formulas whose result was not stored,
//! and values that calamine would misread.
//!
//! calamine reports none of these. They are read from the sheet's tags as they pass, and are matched with the cells
//! again in [`super::rows`]. A value may be written in an allowed way that calamine misreads: with a blank or a comment
//! around it, the text number 17 becomes 0 or 1. Such bytes are mended before they are handed on ([`Mend`]).

use super::mend::Mend;
use super::tokens::{Tag, Text, attribute, attributes, local_name};

/// The last column of a sheet, 0 = first.
const LAST_COLUMN: usize = 16_383;

/// Something remarkable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remark {
    /// A row that is not shown: 1 = first.
    HiddenRow(u32),
    /// A formula without a stored result: row, 1 = first, and column, 0 = first.
    Uncalculated(u32, usize),
    /// A value that is invalid for its kind, such as the text numbered -1: row, 1 = first, and column, 0 = first.
    Unreadable(u32, usize),
}

impl Remark {
    /// The row it is about.
    pub(super) fn row(self) -> u32 {
        match self {
            Self::HiddenRow(row) | Self::Uncalculated(row, _) | Self::Unreadable(row, _) => row,
        }
    }
}

/// Follows the tags of a sheet.
#[derive(Default)]
pub(super) struct SheetTags {
    /// The current row and column; counted as calamine does if the sheet does not say.
    row: u32,
    column: usize,
    has_formula: bool,
    has_value: bool,
    kind: Kind,
    /// Where the cell's value begins in the part.
    value: u64,
    remarks: Vec<Remark>,
    mends: Vec<Mend>,
}

/// The kinds of values of a cell.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A number, truth value or error.
    #[default]
    Plain,
    /// The number of a text in the table of shared texts.
    Shared,
    /// The text itself: an empty one is a valid result too.
    Text,
}

impl SheetTags {
    /// The next tag.
    pub(super) fn tag(&mut self, found: &Tag<'_>) {
        let tag = found.bytes;
        // Most tags are none of these; two bytes are enough to tell.
        if !matches!(tag, [b'c' | b'f' | b'v' | b'r' | b'd' | b'/', ..]) && !tag.contains(&b':') {
            return;
        }
        let (is_end, tag) = tag.strip_prefix(b"/").map_or((false, tag), |tag| (true, tag));
        match (local_name(tag), is_end) {
            (b"row", false) => {
                let number = attribute(tag, b"r").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
                self.row = number.unwrap_or(self.row.saturating_add(1));
                self.column = 0;
                if matches!(attribute(tag, b"hidden"), Some(b"1" | b"true")) {
                    self.remarks.push(Remark::HiddenRow(self.row));
                }
            }
            (b"c", false) => self.cell(tag),
            (b"f", false) => self.has_formula = true,
            (b"v", false) => {
                self.has_value |= self.kind == Kind::Text;
                self.value = found.end;
            }
            (b"v", true) => {
                self.has_value |= found.text.length > 0;
                self.value(found);
            }
            (b"c", true) => {
                if self.has_formula && !self.has_value {
                    self.remarks.push(Remark::Uncalculated(self.row, self.column));
                }
                self.column += 1;
            }
            // A hint about the size of the sheet, which calamine insists on.
            (b"dimension", _) => self.mends.push(Mend::rename(found)),
            _ => {}
        }
    }

    fn cell(&mut self, tag: &[u8]) {
        (self.has_formula, self.has_value, self.kind) = (false, false, Kind::Plain);
        for (key, value) in attributes(tag) {
            match (key, value) {
                (b"r", reference) => self.column = column_of(reference).unwrap_or(self.column),
                (b"t", b"s") => self.kind = Kind::Shared,
                (b"t", b"str" | b"inlineStr" | b"is" | b"d") => self.kind = Kind::Text,
                _ => {}
            }
        }
        if tag.last() == Some(&b'/') {
            self.column += 1;
        }
    }

    /// Examines a value that is complete.
    fn value(&mut self, end: &Tag<'_>) {
        let text = end.text;
        let is_usual = match self.kind {
            Kind::Text => true,
            Kind::Shared => is_number_of_text(&text.beginning),
            Kind::Plain => text.beginning.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'&'),
        };
        if is_usual && !text.is_broken {
            return;
        }
        let meant = meant(text, self.kind);
        if meant.is_none() {
            self.remarks.push(Remark::Unreadable(self.row, self.column));
        }
        self.mends.push(Mend::value(self.value, end, meant.unwrap_or_default()));
    }

    /// The changes found since the last call.
    pub(super) fn mends(&mut self) -> Vec<Mend> {
        std::mem::take(&mut self.mends)
    }

    /// The remarks made since the last call.
    pub(super) fn take(&mut self) -> Vec<Remark> {
        std::mem::take(&mut self.remarks)
    }
}

fn is_number_of_text(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_digit)
}

/// The value without blanks and comments around it; `None` when it is invalid for its kind.
fn meant(text: &Text, kind: Kind) -> Option<&[u8]> {
    let value = text.beginning.trim_ascii();
    let is_whole = text.length == text.beginning.len();
    let is_sound = match kind {
        Kind::Shared => is_number_of_text(value),
        Kind::Plain => value.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'&'),
        Kind::Text => false,
    };
    (is_whole && is_sound).then_some(value)
}

/// The column of a reference such as `AB12`, 0 = first.
fn column_of(reference: &[u8]) -> Option<usize> {
    let letters = reference.iter().take_while(|byte| byte.is_ascii_alphabetic());
    let column = letters.take(4).fold(0, |sum, letter| sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    column.checked_sub(1).filter(|column| *column <= LAST_COLUMN)
}

#[cfg(test)]
mod tests {
    use super::super::tokens::Tokens;
    use super::*;

    fn remarks(xml: &str) -> Vec<Remark> {
        let mut tags = SheetTags::default();
        Tokens::default().feed(xml.as_bytes(), &mut |tag| tags.tag(tag));
        tags.take()
    }

    #[test]
    fn hidden_rows_and_formulas_without_result_are_remarked() {
        let sheet = "<row r=\"1\"/><row r=\"3\" hidden=\"1\"><c r=\"AB3\"><f>A1</f></c><c r=\"AC3\"><f>A1</f><v>1</v></c></row>\
                     <row><c><v>1</v></c><c t=\"str\"><f>B1</f><v></v></c><c><f>C1</f><v></v></c><c><f/></c></row>";
        let expected =
            [Remark::HiddenRow(3), Remark::Uncalculated(3, 27), Remark::Uncalculated(4, 2), Remark::Uncalculated(4, 3)];
        assert_eq!(remarks(sheet), expected);
        assert_eq!(remarks(&sheet.replace('<', "<x:").replace("<x:/", "</x:")), expected);
    }

    #[test]
    fn columns_are_counted_in_letters() {
        for (reference, column) in [
            ("A1", Some(0)),
            ("Z9", Some(25)),
            ("AA1", Some(26)),
            ("XFD1", Some(LAST_COLUMN)),
            ("XFE1", None),
            ("1", None),
        ] {
            assert_eq!(column_of(reference.as_bytes()), column, "{reference}");
        }
    }
}
