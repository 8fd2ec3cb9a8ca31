//! What the readers of all formats with rows have in common.

use crate::failure::FileIssue;
use iris_model::{Cells, Issue};

/// A row that was read: where it is, its cells, and what is wrong with its form.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The line it begins on or the row of its sheet, 1 = first.
    pub(crate) number: u32,
    /// Cells by column.
    pub(crate) cells: Cells,
    /// What is wrong, by column; `None` for the row as a whole.
    pub(crate) issues: Vec<(Option<usize>, Issue)>,
}

/// Returns rows one after the other.
pub(crate) trait Lines {
    /// The next row that is not blank; `None` at the end. After an error there are no more.
    fn next(&mut self) -> Result<Option<Line>, FileIssue>;
}
