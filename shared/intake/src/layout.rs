//! What is known about a file before its first row.

use crate::mapping::Compiled;
use iris_model::{Issue, RowIssue};

/// Where the rows of a file are, and what its columns mean.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// Column names as the file has them; for flat records the keys of the first.
    pub headers: Vec<String>,
    /// Name of the mapping used.
    pub mapping: String,
    /// Sheet, of a workbook.
    pub sheet: Option<String>,
    /// Delimiter, of a CSV file.
    pub delimiter: Option<char>,
    /// Encoding of a text file, as far as its letters show it.
    pub encoding: Option<&'static str>,
    /// Issues about the file as a whole that do not refuse it.
    pub warnings: Vec<Issue>,
    /// Nothing is to be loaded when any row fails (decision 18).
    pub all_or_nothing: bool,
    /// Orders without an id get one derived from drop and row (decision 4).
    pub allow_missing_order_id: bool,
    pub(crate) places: Vec<(&'static str, usize)>,
}

impl Layout {
    /// The column an issue's path was read from: position (1 = first) and header.
    #[must_use]
    pub fn column_of(&self, path: &str) -> Option<(u32, &str)> {
        let exact = self.places.iter().find(|(own, _)| *own == path);
        let within =
            || self.places.iter().find(|(own, _)| path.starts_with(own) || own.starts_with(path) && !path.is_empty());
        let (_, column) = exact.or_else(within)?;
        self.headers
            .get(*column)
            .map(|header| (u32::try_from(*column).unwrap_or(u32::MAX).saturating_add(1), header.as_str()))
    }

    /// The field that a column is read into; the first one when there are several.
    pub(crate) fn path_of(&self, column: usize) -> Option<&'static str> {
        self.places.iter().find(|(_, own)| *own == column).map(|(path, _)| *path)
    }

    pub(crate) fn remember(&mut self, compiled: &Compiled) {
        self.places = compiled.places().collect();
    }

    /// An issue found in the form of a cell, with the field it was meant for.
    pub(crate) fn of_cell(&self, column: Option<usize>, mut issue: Issue) -> RowIssue {
        if let Some(path) = column.and_then(|column| self.path_of(column)) {
            issue.path = path.into();
        }
        self.locate(column, issue)
    }

    /// An issue with the column that its path was read from.
    pub(crate) fn locate_path(&self, issue: Issue) -> RowIssue {
        let (column, header) = self.column_of(&issue.path).unzip();
        RowIssue { column, header: header.map(str::to_owned), issue }
    }

    /// An issue with its cell.
    pub(crate) fn locate(&self, column: Option<usize>, issue: Issue) -> RowIssue {
        RowIssue {
            column: column.map(|column| u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1)),
            header: column.and_then(|column| self.headers.get(column).cloned()),
            issue,
        }
    }
}
