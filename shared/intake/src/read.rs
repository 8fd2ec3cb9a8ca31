//! From a file to rows: one entry point for every format.

use crate::delimited::Delimited;
use crate::detect::Format;
use crate::duplicates::Seen;
use crate::failure::FileIssue;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::mapping::{self, Compiled};
use crate::records::{self, FlatColumns};
use crate::workbook::Workbook;
use iris_model::json::{Elements, Node, ReadError};
use iris_model::organization::Mapping;
use iris_model::{Issue, IssueCode, OrderRequest, Organization, RowIssue};
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A batch is handed over when its rows have this many bytes, however few they are.
const BATCH_BYTES: usize = 4 << 20;

/// Where the bytes come from.
pub enum Source {
    /// Bytes in order: for CSV and JSON.
    Stream(Box<dyn Read + Send>),
    /// A file that can be read from any place: for workbooks.
    File(File),
}

/// A row and what was read from it.
#[derive(Debug)]
pub struct Row {
    /// Where a person finds it: line of a text file, row of a sheet, element of a JSON array (1 = first).
    pub number: u32,
    /// What it asks for, as far as its cells could be read.
    pub request: OrderRequest,
    /// What is wrong with its cells.
    pub issues: Vec<RowIssue>,
    /// The row as it came.
    pub original: Original,
}

/// A row as it came, for the file of rejected rows.
#[derive(Debug, Clone)]
pub enum Original {
    /// Cells by column.
    Record(csv::StringRecord),
    /// Cells by column.
    Cells(Vec<String>),
    /// A JSON element.
    Json(String),
}

impl Original {
    fn bytes(&self) -> usize {
        match self {
            Self::Record(record) => record.as_slice().len(),
            Self::Cells(cells) => cells.iter().map(String::len).sum(),
            Self::Json(text) => text.len(),
        }
    }

    /// The cells; of a JSON element its text.
    #[must_use]
    pub fn into_cells(self) -> Vec<String> {
        match self {
            Self::Record(record) => record.iter().map(str::to_owned).collect(),
            Self::Cells(cells) => cells,
            Self::Json(text) => vec![text],
        }
    }
}

/// What is told while a file is read.
#[derive(Debug)]
pub enum Step {
    /// What its columns mean. Comes first, and again when a JSON file brings new keys.
    Layout(Arc<Layout>),
    /// The next rows, never none.
    Batch(Vec<Row>),
}

/// Takes what is told; [`ControlFlow::Break`] ends the reading.
pub type Sink<'s> = dyn FnMut(Step) -> ControlFlow<()> + 's;

/// Reads a file to its end, in batches of at most `batch` rows. Memory does not grow with the file.
///
/// # Errors
/// What is wrong with the file as a whole. Rows that were handed over before stand.
pub fn read(
    source: Source,
    format: Format,
    organization: &Organization,
    file_name: &str,
    limits: &Limits,
    batch: usize,
    sink: &mut Sink<'_>,
) -> Result<(), FileIssue> {
    let builtin = Mapping { name: "built-in".to_owned(), ..Mapping::default() };
    let mapping = organization.rule_for(file_name).map_or(&builtin, |rule| &rule.mapping);
    let layout = Layout {
        mapping: mapping.name.clone(),
        all_or_nothing: mapping.all_or_nothing,
        allow_missing_order_id: mapping.allow_missing_order_local_id,
        ..Layout::default()
    };
    let mut out = Out {
        sink,
        rows: Vec::with_capacity(batch),
        batch,
        seen: Seen::default(),
        count: 0,
        last: 0,
        bytes: 0,
        most: limits.rows,
        stopped: false,
    };
    let done = match (format, source) {
        (Format::Xlsx, Source::File(file)) => workbook(file, mapping, layout, limits, &mut out),
        (Format::Xlsx, Source::Stream(_)) => Err(FileIssue::io(std::io::Error::other("a workbook needs a file"))),
        (Format::Csv, source) => delimited(source.stream(), mapping, layout, limits, &mut out),
        (Format::Json, source) => elements(Elements::new(source.stream()), mapping, layout, limits, &mut out),
        (Format::Ndjson, source) => elements(Elements::lines(source.stream()), mapping, layout, limits, &mut out),
    };
    // Rows before a defect stand.
    out.flush();
    done
}

impl Source {
    fn stream(self) -> Box<dyn Read + Send> {
        match self {
            Self::Stream(stream) => stream,
            Self::File(file) => Box::new(file),
        }
    }
}

/// Collects rows into batches.
struct Out<'o, 's> {
    sink: &'o mut Sink<'s>,
    rows: Vec<Row>,
    batch: usize,
    seen: Seen,
    count: u32,
    /// Number of the last row; numbers never repeat, whatever the file.
    last: u32,
    /// Bytes of the rows collected.
    bytes: usize,
    most: u32,
    stopped: bool,
}

impl Out<'_, '_> {
    fn layout(&mut self, layout: &Layout) {
        self.flush();
        self.tell(Step::Layout(Arc::new(layout.clone())));
    }

    fn row(&mut self, mut row: Row, layout: &Layout) -> Result<(), FileIssue> {
        self.count += 1;
        if self.count > self.most {
            let message =
                format!("The file has more than {} rows. Split it; the rows before this one are loaded.", self.most);
            return Err(FileIssue::at(row.number, Issue::error(IssueCode::LimitExceeded, "", message)));
        }
        row.number = row.number.max(self.last.saturating_add(1));
        self.last = row.number;
        let known = row.issues.iter().all(|issue| issue.issue.path != "OrderControlCode");
        if let Some(first) = known.then(|| self.seen.first(&row.request, row.number)).flatten() {
            let message = format!(
                "Row {first} has the same order id and operation. Remove one of the two, or give it an id of its own."
            );
            let issue = Issue::error(IssueCode::DuplicateRow, "Order.LocalId", message);
            let place = layout.column_of("Order.LocalId").map(|(column, header)| (column, header.to_owned()));
            let (column, header) = place.map_or((None, None), |(column, header)| (Some(column), Some(header)));
            row.issues.push(RowIssue { column, header, issue });
        }
        self.bytes += row.original.bytes();
        self.rows.push(row);
        if self.rows.len() == self.batch || self.bytes > BATCH_BYTES {
            self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) {
        if !self.rows.is_empty() {
            self.bytes = 0;
            let rows = std::mem::replace(&mut self.rows, Vec::with_capacity(self.batch));
            self.tell(Step::Batch(rows));
        }
    }

    fn tell(&mut self, step: Step) {
        self.stopped |= !self.stopped && (self.sink)(step).is_break();
    }
}

fn compiled(mapping: &Mapping, layout: &mut Layout) -> Result<Compiled, FileIssue> {
    let (compiled, warnings) = mapping::compile(mapping, &layout.headers, true).map_err(FileIssue::file)?;
    layout.remember(&compiled);
    layout.warnings = warnings;
    Ok(compiled)
}

fn located(issues: Vec<(Option<usize>, Issue)>, layout: &Layout) -> Vec<RowIssue> {
    let place = |(column, mut issue): (Option<usize>, Issue)| {
        if let Some(path) = column.and_then(|column| layout.path_of(column)) {
            issue.path = path.into();
        }
        layout.locate(column, issue)
    };
    issues.into_iter().map(place).collect()
}

fn delimited(
    source: Box<dyn Read + Send>,
    mapping: &Mapping,
    mut layout: Layout,
    limits: &Limits,
    out: &mut Out<'_, '_>,
) -> Result<(), FileIssue> {
    let mut file = Delimited::open(source, mapping, limits)?;
    layout.headers.clone_from(&file.headers);
    layout.delimiter = Some(file.delimiter);
    let compiled = compiled(mapping, &mut layout)?;
    out.layout(&layout);
    while !out.stopped {
        let line = match file.next() {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(failure) => return Err(failure),
        };
        let (request, more) = compiled.build(|column| file.record.get(column).unwrap_or(""), &layout);
        let mut issues = if line.issues.is_empty() { Vec::new() } else { located(line.issues, &layout) };
        issues.extend(more);
        let original = Original::Record(std::mem::take(&mut file.record));
        out.row(Row { number: line.number, request, issues, original }, &layout)?;
    }
    Ok(())
}

fn workbook(
    file: File,
    mapping: &Mapping,
    mut layout: Layout,
    limits: &Limits,
    out: &mut Out<'_, '_>,
) -> Result<(), FileIssue> {
    let mut book = Workbook::open(file, limits)?;
    let place = book.find(mapping)?;
    layout.headers.clone_from(&place.headers);
    layout.sheet = Some(place.sheet.clone());
    let compiled = compiled(mapping, &mut layout)?;
    layout.warnings.extend(place.warnings.iter().cloned());
    out.layout(&layout);
    let mut rows = book.rows(&place)?;
    while !out.stopped {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(failure) => return Err(failure),
        };
        // A cell that is an error or damaged is reported as such, not once more as a bad value.
        let spoiled: Vec<usize> = row.issues.iter().filter_map(|(column, _)| *column).collect();
        let cell = |column: usize| {
            if spoiled.contains(&column) { "" } else { row.cells.get(column).map_or("", String::as_str) }
        };
        let (request, more) = compiled.build(cell, &layout);
        let mut issues = located(row.issues, &layout);
        issues.extend(more);
        out.row(Row { number: row.number, request, issues, original: Original::Cells(row.cells) }, &layout)?;
    }
    Ok(())
}

fn elements<R: Read>(
    mut file: Elements<R>,
    mapping: &Mapping,
    layout: Layout,
    limits: &Limits,
    out: &mut Out<'_, '_>,
) -> Result<(), FileIssue> {
    let mut columns = FlatColumns::new(mapping, limits, layout);
    while !out.stopped {
        let element = match file.next_element() {
            Ok(Some(element)) => element,
            Ok(None) => break,
            Err(error) => return Err(of_json(error, out.count)),
        };
        let number = element.line.unwrap_or(element.ordinal);
        match element.node {
            Ok(node) => match records::wrapped(&node) {
                Some(nodes) => {
                    for node in nodes {
                        json_row(node, out.last.saturating_add(1), &mut columns, out)?;
                    }
                }
                None => json_row(&node, number, &mut columns, out)?,
            },
            Err(issue) => {
                announce(&mut columns, out);
                let issues = vec![RowIssue { column: None, header: None, issue }];
                let row = Row {
                    number,
                    request: OrderRequest::default(),
                    issues,
                    original: Original::Json("null".to_owned()),
                };
                out.row(row, &columns.layout)?;
            }
        }
    }
    announce(&mut columns, out);
    Ok(())
}

fn json_row(node: &Node<'_>, number: u32, columns: &mut FlatColumns, out: &mut Out<'_, '_>) -> Result<(), FileIssue> {
    let built = columns.build(node).map_err(FileIssue::file)?;
    announce(columns, out);
    let original = Original::Json(records::text(node));
    out.row(Row { number, request: built.request, issues: built.issues, original }, &columns.layout)
}

fn announce(columns: &mut FlatColumns, out: &mut Out<'_, '_>) {
    if std::mem::take(&mut columns.changed) {
        out.layout(&columns.layout);
    }
}

fn of_json(error: ReadError, rows: u32) -> FileIssue {
    match error {
        ReadError::Io(error) => FileIssue::io(error),
        ReadError::Document(issue) if rows == 0 => FileIssue::file(issue),
        ReadError::Document(issue) => FileIssue::at(rows + 1, issue),
    }
}
