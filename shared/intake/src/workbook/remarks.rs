//! What a sheet says about its rows and cells beyond their values: hidden rows, and formulas whose result was not stored.
//!
//! calamine tells neither. Both are read from the sheet's tags as they pass, and meet the cells again in [`super::rows`].

use super::tokens::{attribute, local_name};

/// The last column of a sheet, 0 = first.
const LAST_COLUMN: usize = 16_383;

/// Something remarkable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remark {
    /// A row that is not shown: 1 = first.
    HiddenRow(u32),
    /// A formula without a stored result: row, 1 = first, and column, 0 = first.
    Uncalculated(u32, usize),
}

impl Remark {
    /// The row it is about.
    pub(super) fn row(self) -> u32 {
        match self {
            Self::HiddenRow(row) | Self::Uncalculated(row, _) => row,
        }
    }
}

/// Follows the tags of a sheet.
#[derive(Default)]
pub(super) struct SheetTags {
    /// The row and column at hand; as calamine counts them where the sheet does not say.
    row: u32,
    column: usize,
    has_formula: bool,
    has_value: bool,
    /// The cell is a text: an empty one is a result too.
    is_text: bool,
    remarks: Vec<Remark>,
}

impl SheetTags {
    /// A tag, and how many bytes of text stand before it.
    pub(super) fn tag(&mut self, tag: &[u8], text: usize) {
        // Most tags are none of these; two bytes tell.
        if !matches!(tag, [b'c' | b'f' | b'v' | b'r' | b'/', ..]) && !tag.contains(&b':') {
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
            (b"c", false) => {
                if let Some(column) = attribute(tag, b"r").and_then(column_of) {
                    self.column = column;
                }
                (self.has_formula, self.has_value) = (false, false);
                self.is_text = attribute(tag, b"t") == Some(b"str");
                if tag.last() == Some(&b'/') {
                    self.column += 1;
                }
            }
            (b"f", false) => self.has_formula = true,
            (b"v", false) => self.has_value |= self.is_text,
            (b"v", true) => self.has_value |= text > 0,
            (b"c", true) => {
                if self.has_formula && !self.has_value {
                    self.remarks.push(Remark::Uncalculated(self.row, self.column));
                }
                self.column += 1;
            }
            _ => {}
        }
    }

    /// What was remarked since it was last taken.
    pub(super) fn take(&mut self) -> Vec<Remark> {
        std::mem::take(&mut self.remarks)
    }
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
        Tokens::default().feed(xml.as_bytes(), &mut |tag, text| tags.tag(tag, text));
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
