//! The cells of a row as read, in one block of memory: two allocations per row, however many columns.

use std::ops::Range;

/// Cells by column, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cells {
    text: String,
    ends: Vec<u32>,
}

impl Cells {
    /// Takes fields as a record reader leaves them: concatenated, with the end offset of each. `None` when they are not
    /// UTF-8.
    #[must_use]
    pub fn from_fields(fields: &[u8], ends: &[usize]) -> Option<Self> {
        let text = std::str::from_utf8(fields).ok()?;
        // Otherwise the halves of two broken cells could join into a valid character.
        let whole = text.is_ascii() || ends.iter().all(|end| text.is_char_boundary(*end));
        let ends = ends.iter().map(|end| u32::try_from(*end).unwrap_or(u32::MAX)).collect();
        whole.then(|| Self { text: text.to_owned(), ends })
    }

    /// One cell.
    #[must_use]
    pub fn single(text: String) -> Self {
        let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self { text, ends: vec![end] }
    }

    /// How many cells there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cell of a column, 0 = first; empty where the row is shorter.
    #[must_use]
    pub fn get(&self, column: usize) -> &str {
        self.range(column).and_then(|range| self.text.get(range)).unwrap_or("")
    }

    /// All cells.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|column| self.get(column))
    }

    /// The cells one by one, each with memory of its own.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }

    /// Appends a cell.
    pub fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.end());
    }

    /// Puts a cell into a column after the last one; the columns between are empty.
    pub fn put(&mut self, column: usize, cell: &str) {
        let end = self.end();
        self.ends.resize(column.max(self.len()), end);
        self.push(cell);
    }

    /// Whether it holds nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.text.trim_start().is_empty()
    }

    /// The text of all cells, concatenated.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn end(&self) -> u32 {
        u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }

    fn range(&self, column: usize) -> Option<Range<usize>> {
        let end = *self.ends.get(column)?;
        let start = column.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        Some(start as usize..end as usize)
    }
}

impl<'a> FromIterator<&'a str> for Cells {
    fn from_iter<I: IntoIterator<Item = &'a str>>(cells: I) -> Self {
        let mut all = Self::default();
        for cell in cells {
            all.push(cell);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_may_be_left_out() {
        let mut cells = Cells::default();
        cells.put(0, "a");
        cells.put(2, "c");
        assert_eq!(cells.iter().collect::<Vec<_>>(), ["a", "", "c"]);
        assert_eq!((cells.get(1), cells.get(7), cells.len()), ("", "", 3));
    }

    #[test]
    fn halves_of_a_character_do_not_make_one() {
        assert_eq!(Cells::from_fields("é".as_bytes(), &[1, 2]), None);
        assert_eq!(Cells::from_fields(b"\xe9", &[1]), None);
        let cells = Cells::from_fields("aé".as_bytes(), &[1, 3]).unwrap();
        assert_eq!(cells.get(1), "é");
    }
}
