//! Records whose quotation marks do not follow RFC 4180, but which can be read in one way only.
//!
//! Two kinds are common: a blank before the opening mark (`a, "b, c"`), and marks inside a cell that are escaped by a
//! backslash, as Azure Data Factory, Spark and MySQL write them (`"Test \"Quoted\" patient"`). A reader that follows
//! the RFC silently turns both into nonsense.

use iris_model::Cells;

/// How a mark inside a quoted cell is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    /// Twice.
    Doubled,
    /// After a backslash; a backslash itself is written twice.
    Backslash,
}

/// Whether some quoted cell of a record, without its line end, deviates from the RFC: a blank stands before its opening
/// mark, or something other than a delimiter follows its closing one.
pub(super) fn is_odd(record: &[u8], delimiter: u8) -> bool {
    if !record.contains(&b'"') {
        return false;
    }
    let (mut start, mut inside, mut blank) = (true, false, false);
    let mut bytes = record.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (inside, byte) {
            (true, b'"') if bytes.peek() == Some(&b'"') => {
                bytes.next();
            }
            (true, b'"') => {
                inside = false;
                if bytes.peek().is_some_and(|next| *next != delimiter && !matches!(next, b'\r' | b'\n')) {
                    return true;
                }
            }
            (true, _) => {}
            (false, b'"') if start && blank => return true,
            (false, b'"') if start => (start, inside) = (false, true),
            (false, byte) if byte == delimiter || matches!(byte, b'\r' | b'\n') => (start, blank) = (true, false),
            (false, b' ' | b'\t') if start => blank = true,
            (false, _) => start = false,
        }
    }
    false
}

/// The cells of an odd record, if one way of reading it gives as many as the header has: `width`, or any number for the
/// header itself.
pub(super) fn cells(record: &[u8], delimiter: u8, width: Option<usize>) -> Option<Cells> {
    let text = std::str::from_utf8(record).ok()?.trim_end_matches(['\r', '\n']);
    let fits = |cells: &Cells| width.is_none_or(|width| cells.len() == width);
    let read = |escape| parse(text, char::from(delimiter), escape).filter(fits);
    // Where both ways are possible they have to agree; otherwise it is unclear which is meant.
    match (read(Escape::Doubled), read(Escape::Backslash)) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other),
    }
}

fn parse(text: &str, delimiter: char, escape: Escape) -> Option<Cells> {
    let mut cells = Cells::default();
    let mut rest = text;
    loop {
        let is_blank = |character: char| matches!(character, ' ' | '\t') && character != delimiter;
        let trimmed = rest.trim_start_matches(is_blank);
        let behind = match trimmed.strip_prefix('"') {
            Some(inner) => {
                let (cell, behind) = quoted(inner, escape)?;
                cells.push(&cell);
                behind.trim_start_matches(is_blank)
            }
            None => {
                let end = rest.find(delimiter).unwrap_or(rest.len());
                let (cell, behind) = rest.split_at_checked(end)?;
                cells.push(cell);
                behind
            }
        };
        if behind.is_empty() {
            return Some(cells);
        }
        rest = behind.strip_prefix(delimiter)?;
    }
}

/// A cell after its opening mark, and what follows the closing one.
fn quoted(text: &str, escape: Escape) -> Option<(String, &str)> {
    let mut cell = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        match (character, next, escape) {
            ('"', Some('"'), Escape::Doubled) => {
                characters.next();
                cell.push('"');
            }
            ('\\', Some(escaped @ ('"' | '\\')), Escape::Backslash) => {
                characters.next();
                cell.push(escaped);
            }
            ('"', ..) => return Some((cell, text.get(at + 1..)?)),
            (character, ..) => cell.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(record: &str, width: usize) -> Option<Vec<String>> {
        cells(record.as_bytes(), b',', Some(width)).map(|cells| cells.to_vec())
    }

    #[test]
    fn odd_records_are_told_from_others() {
        for record in ["a, \"b\"", "\"a\" ,b", "\"a \\\"b\\\" c\",d", "\"a\"b,c", " \"a\""] {
            assert!(is_odd(record.as_bytes(), b','), "{record}");
        }
        for record in ["a,b", "\"a\",\"b\"", "\"a \"\"b\"\"\",c", "5' 2\",x", "a,\"b\nc\",d\r\n", "\"a\"\n", "a , b"] {
            assert!(!is_odd(record.as_bytes(), b','), "{record}");
        }
    }

    #[test]
    fn what_can_be_read_in_one_way_is_read() {
        let expected = |cells: &[&str]| Some(cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
        assert_eq!(read("a, \"b, c\", d\r\n", 3), expected(&["a", "b, c", " d"]));
        assert_eq!(read("\"T \\\"Q\\\" p\",x", 2), expected(&["T \"Q\" p", "x"]));
        assert_eq!(read("\"T \\\"Q\\\", p\",x", 2), expected(&["T \"Q\", p", "x"]));
        assert_eq!(read("\"a \"\"b\"\" c\" ,\"d\"", 2), expected(&["a \"b\" c", "d"]));
        assert_eq!(read("\"a\"b,c", 2), None);
        assert_eq!(read("\"a, \"b\"", 1), None);
        assert_eq!(read("\"a\" , \"b", 2), None);
    }
}
