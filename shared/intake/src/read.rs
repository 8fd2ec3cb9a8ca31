//! From a file to rows: one entry point for every format.

use crate::cells::Cells;
use crate::delimited::Delimited;
use crate::detect::Format;
use crate::duplicates::Seen;
use crate::encoding::Utf8Reader;
use crate::failure::{Capped, FileIssue};
use crate::json::{self, FlatColumns, Unwrapped};
use crate::layout::Layout;
use crate::limits::Limits;
use crate::mapping::{self, Compiled};
use crate::workbook::Workbook;
use iris_model::json::{Elements, Node, ReadError};
use iris_model::organization::Mapping;
use iris_model::{Issue, IssueCode, OrderRequest, Organization, RowIssue};
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A batch is handed on early when its rows have this much text: a file of huge rows must not fill the memory.
const HELD: usize = 4 << 20;

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
    Cells(Cells),
    /// A JSON element.
    Json(String),
}

impl Original {
    /// The cells; of a JSON element its text.
    #[must_use]
    pub fn into_cells(self) -> Vec<String> {
        match self {
            Self::Cells(cells) => cells.iter().map(str::to_owned).collect(),
            Self::Json(text) => vec![text],
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Cells(cells) => cells.text().len(),
            Self::Json(text) => text.len(),
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
        held: 0,
        passed: 0,
        seen: Seen::default(),
        count: 0,
        last: 0,
        limits,
        stopped: false,
    };
    let done = match (format, source) {
        (Format::Xlsx, Source::File(file)) => workbook(file, mapping, layout, limits, &mut out),
        (Format::Xlsx, Source::Stream(_)) => Err(FileIssue::io(std::io::Error::other("a workbook needs a file"))),
        (Format::Csv, source) => delimited(source.capped(limits), mapping, layout, limits, &mut out),
        (Format::Json, source) => {
            let text = Unwrapped::new(Utf8Reader::new(source.capped(limits))).map_err(FileIssue::io);
            text.and_then(|text| elements(Elements::new(text), mapping, layout, limits, &mut out))
        }
        (Format::Ndjson, source) => {
            elements(Elements::lines(Utf8Reader::new(source.capped(limits))), mapping, layout, limits, &mut out)
        }
    };
    // Rows before a defect stand.
    out.flush();
    done
}

impl Source {
    fn capped(self, limits: &Limits) -> Capped<Box<dyn Read + Send>> {
        let stream = match self {
            Self::Stream(stream) => stream,
            Self::File(file) => Box::new(file),
        };
        Capped::new(stream, limits.file_bytes)
    }
}

/// Collects rows into batches.
struct Out<'o, 's> {
    sink: &'o mut Sink<'s>,
    rows: Vec<Row>,
    batch: usize,
    /// Bytes of text in the rows collected.
    held: usize,
    /// Bytes of text in all rows.
    passed: u64,
    seen: Seen,
    count: u32,
    /// Number of the last row: no two rows share one, whatever the file.
    last: u32,
    limits: &'o Limits,
    stopped: bool,
}

impl Out<'_, '_> {
    fn layout(&mut self, layout: &Layout) {
        self.flush();
        self.tell(Step::Layout(Arc::new(layout.clone())));
    }

    /// Takes a row that is built.
    fn row(&mut self, row: Row, layout: &Layout) -> Result<(), FileIssue> {
        let number = self.admit(row.number, row.original.bytes())?;
        self.rows.push(Row { number, ..row });
        self.complete(layout);
        Ok(())
    }

    /// Builds a row from its cells, where it will stand: a request is too large to be moved about.
    fn cells(
        &mut self,
        number: u32,
        cells: Cells,
        found: Vec<(Option<usize>, Issue)>,
        compiled: &Compiled,
        layout: &Layout,
    ) -> Result<(), FileIssue> {
        let number = self.admit(number, cells.text().len())?;
        // A cell that is an error or damaged is reported as such, not once more as a bad value.
        let spoiled: Vec<usize> = found.iter().filter_map(|(column, _)| *column).collect();
        let issues = found.into_iter().map(|(column, issue)| layout.of_cell(column, issue)).collect();
        self.rows.push(Row { number, request: OrderRequest::default(), issues, original: Original::Cells(cells) });
        if let Some(Row { request, issues, original: Original::Cells(cells), .. }) = self.rows.last_mut() {
            if spoiled.is_empty() {
                compiled.build(request, |column| cells.get(column), layout, issues);
            } else {
                let sound = |column: usize| if spoiled.contains(&column) { "" } else { cells.get(column) };
                compiled.build(request, sound, layout, issues);
            }
        }
        self.complete(layout);
        Ok(())
    }

    /// Counts a row, and gives it a number no other has.
    fn admit(&mut self, number: u32, bytes: usize) -> Result<u32, FileIssue> {
        let number = number.max(self.last.saturating_add(1));
        self.last = number;
        self.count += 1;
        self.held += bytes;
        self.passed += bytes as u64;
        let too_many = if self.count > self.limits.rows {
            format!("{} rows", self.limits.rows)
        } else if self.passed > self.limits.inflated_bytes {
            format!("{} MB of text", self.limits.inflated_bytes >> 20)
        } else {
            return Ok(number);
        };
        let message = format!("The file has more than {too_many}. Split it; the rows before this one are loaded.");
        Err(FileIssue::at(number, Issue::error(IssueCode::LimitExceeded, "", message)))
    }

    /// The last row is built: looks for its order id among those before, and hands over what is enough for a batch.
    fn complete(&mut self, layout: &Layout) {
        // A row whose operation could not be read repeats nobody knows what.
        let is_known = |row: &Row| row.issues.iter().all(|issue| issue.issue.path != "OrderControlCode");
        if let Some(row) = self.rows.last_mut().filter(|row| is_known(row))
            && let Some(first) = self.seen.first(&row.request, row.number)
        {
            let message = format!(
                "Row {first} has the same order id and operation. Remove one of the two, or give it an id of its own."
            );
            let issue = Issue::error(IssueCode::DuplicateRow, "Order.LocalId", message);
            let place = layout.column_of("Order.LocalId").map(|(column, header)| (column, header.to_owned()));
            let (column, header) = place.map_or((None, None), |(column, header)| (Some(column), Some(header)));
            row.issues.push(RowIssue { column, header, issue });
        }
        if self.rows.len() >= self.batch || self.held > HELD {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.rows.is_empty() {
            self.held = 0;
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

fn delimited(
    source: impl Read,
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
        let Some(line) = file.next()? else { break };
        out.cells(line.number, line.cells, line.issues, &compiled, &layout)?;
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
        let Some(row) = rows.next()? else { break };
        out.cells(row.number, row.cells, row.issues, &compiled, &layout)?;
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
            Ok(node) => match json::wrapped(&node) {
                Some(records) => {
                    for node in records {
                        json_row(node, number, &mut columns, out)?;
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
    let original = Original::Json(json::text(node));
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
