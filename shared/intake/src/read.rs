//! From a file to rows: one entry point for every format.

use crate::ahead;
use crate::batches::Batches;
use crate::delimited::Delimited;
use crate::detect::Format;
use crate::encoding::{Encoding, Unpadded, Utf8Reader};
use crate::failure::{Capped, FileIssue};
use crate::json::{self, FlatColumns, Unwrapped};
use crate::layout::Layout;
use crate::limits::Limits;
use crate::mapping::{self, Candidates, Chosen, Compiled, Dates, Survey};
use crate::workbook::{Place, Workbook};
use iris_model::json::{Elements, Node, ReadError};
use iris_model::organization::Mapping;
use iris_model::receipt::EarlierRow;
use iris_model::{Cells, EvaluationType, OrderRequest, Organization, RowIssue};
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Batch size while a file is only surveyed.
const SURVEYED: usize = 64;

/// The most bytes of an unreadable line that are kept for the file of rejected rows.
const SHOWN: usize = 32 * 1024;

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
    /// The earlier row that ordered something for the same patient.
    pub earlier: Option<EarlierRow>,
}

/// A row as it came, for the file of rejected rows.
#[derive(Debug, Clone)]
pub enum Original {
    /// Cells by column.
    Cells(Cells),
    /// A JSON element, or the text of a line that is not one.
    Json(String),
}

impl Original {
    /// The cells; for a JSON element, its text.
    #[must_use]
    pub fn into_cells(self) -> Cells {
        match self {
            Self::Cells(cells) => cells,
            Self::Json(text) => Cells::single(text),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Cells(cells) => cells.text().len(),
            Self::Json(text) => text.len(),
        }
    }
}

/// What is reported while a file is read.
#[derive(Debug)]
pub enum Step {
    /// What its columns mean. Comes first, and again when more is known: a JSON file has new keys, letters show an
    /// encoding, a sheet has hidden rows.
    Layout(Arc<Layout>),
    /// The next rows, never empty.
    Batch(Vec<Row>),
}

/// Receives the steps; [`ControlFlow::Break`] ends the reading.
pub type Sink<'s> = dyn FnMut(Step) -> ControlFlow<()> + 's;

/// A file, as far as it is known before it is read.
#[derive(Debug, Clone, Copy)]
pub struct Intake<'a> {
    /// Its format.
    pub format: Format,
    /// The organization it belongs to.
    pub organization: &'a Organization,
    /// Its name, which decides about the mapping.
    pub file_name: &'a str,
    /// How much of it is read.
    pub limits: &'a Limits,
}

/// Reads a file to its end, in batches of at most `batch` rows. Memory does not grow with the file. Dates are read as
/// the mapping says, whatever the rest of their column shows; to load the rows, read with a [`Survey`] instead
/// ([`Intake::read`]).
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
    Intake { format, organization, file_name, limits }.read(source, &Survey::default(), batch, sink)
}

impl Intake<'_> {
    /// Reads a file once to see what its rows show about each other. Anything wrong with the file shows again when it
    /// is read.
    ///
    /// # Errors
    /// The source failed, and trying again may help.
    pub fn survey(&self, source: Source) -> Result<Survey, FileIssue> {
        let mut all_or_nothing = false;
        let mut sink = |step: Step| {
            if let Step::Layout(layout) = step {
                all_or_nothing = layout.all_or_nothing;
            }
            ControlFlow::Continue(())
        };
        let mut out = self.batches(&mut sink, SURVEYED, Dates::Collect(Survey::default()));
        let done = self.run(source, &mut out);
        let mut survey = out.into_survey();
        survey.all_or_nothing = all_or_nothing;
        match done {
            Err(failure) if failure.transient => Err(failure),
            _ => Ok(survey),
        }
    }

    /// Reads a file to its end, in batches of at most `batch` rows. Memory does not grow with the file.
    ///
    /// # Errors
    /// What is wrong with the file as a whole. Rows that were handed over before stand.
    pub fn read(&self, source: Source, survey: &Survey, batch: usize, sink: &mut Sink<'_>) -> Result<(), FileIssue> {
        let mut out = self.batches(sink, batch, Dates::Judge(survey));
        let done = self.run(source, &mut out);
        // Rows before a defect are kept.
        out.flush();
        done
    }

    fn batches<'o, 's>(&'o self, sink: &'o mut Sink<'s>, batch: usize, dates: Dates<'o>) -> Batches<'o, 's> {
        Batches::new(sink, batch, self.limits, self.organization.patient_scope, dates)
    }

    fn run(&self, source: Source, out: &mut Batches<'_, '_>) -> Result<(), FileIssue> {
        let Self { format, organization, file_name, limits } = *self;
        let builtin = Mapping { name: "built-in".to_owned(), ..Mapping::default() };
        let candidates = Candidates::of(organization, file_name, &builtin);
        let exams = &organization.evaluation_types;
        let mut file = Reading { mapping: candidates.first, candidates, exams, limits, layout: Layout::default() };
        file.reads_by(file.mapping);
        match (format, source) {
            (Format::Xlsx, Source::File(source)) => file.workbook(source, out),
            (Format::Xlsx, Source::Stream(_)) => Err(FileIssue::io(std::io::Error::other("a workbook needs a file"))),
            (Format::Csv, source) => file.delimited(source.capped(limits), out),
            (Format::Json, source) => file.json(source.capped(limits), out),
            (Format::Ndjson, source) => {
                let (text, encoding) = Utf8Reader::new(source.capped(limits));
                file.elements(Elements::lines(Unpadded::new(text)), &encoding, out)
            }
        }
    }
}

impl Source {
    pub(crate) fn capped(self, limits: &Limits) -> Capped<Box<dyn Read + Send>> {
        let stream = match self {
            Self::Stream(stream) => stream,
            Self::File(file) => Box::new(file),
        };
        Capped::new(stream, limits.file_bytes)
    }
}

/// What is known about a file before it is opened.
struct Reading<'a> {
    candidates: Candidates<'a>,
    mapping: &'a Mapping,
    /// What the organization subscribes to.
    exams: &'a [EvaluationType],
    limits: &'a Limits,
    layout: Layout,
}

impl<'a> Reading<'a> {
    /// Sets the mapping that reads the file.
    fn reads_by(&mut self, mapping: &'a Mapping) {
        self.mapping = mapping;
        self.layout.mapping.clone_from(&mapping.name);
        self.layout.all_or_nothing = mapping.all_or_nothing;
        self.layout.allow_missing_order_id = mapping.allow_missing_order_local_id;
    }

    fn compiled(&mut self) -> Result<Compiled, FileIssue> {
        let (compiled, warnings) =
            mapping::compile(self.mapping, &self.layout.headers, self.exams, true).map_err(FileIssue::file)?;
        self.layout.remember(&compiled);
        self.layout.warnings = warnings;
        Ok(compiled)
    }

    fn delimited(mut self, source: impl Read + Send, out: &mut Batches<'_, '_>) -> Result<(), FileIssue> {
        let (text, encoding) = Utf8Reader::new(source);
        let (file, mapping) = Delimited::open(Unpadded::new(text), &self.candidates, self.limits)?;
        self.reads_by(mapping);
        self.layout.headers.clone_from(&file.headers);
        self.layout.delimiter = Some(file.delimiter);
        self.layout.encoding = Some(encoding.name());
        let compiled = self.compiled()?;
        out.layout(&self.layout);
        let done = ahead::each(file, |line| out.line(line, &compiled, &self.layout));
        announce_example(&mut self.layout, out);
        announce_encoding(&mut self.layout, &encoding, out);
        done
    }

    fn workbook(mut self, source: File, out: &mut Batches<'_, '_>) -> Result<(), FileIssue> {
        let mut book = Workbook::open(source, self.limits)?;
        let Chosen { mapping, found: place } =
            self.candidates.choose(|mapping| book.find(mapping), |place: &Place| &place.headers)?;
        self.reads_by(mapping);
        self.layout.headers.clone_from(&place.headers);
        self.layout.sheet = Some(place.sheet.clone());
        let compiled = self.compiled()?;
        self.layout.warnings.extend(place.warnings.iter().cloned());
        out.layout(&self.layout);
        let rows = book.rows(&place)?;
        let hidden = rows.hidden();
        let done = ahead::each(rows, |line| out.line(line, &compiled, &self.layout));
        announce_example(&mut self.layout, out);
        if let Some(warning) = hidden.warning() {
            self.layout.warnings.push(warning);
            out.layout(&self.layout);
        }
        done
    }

    fn json(self, source: impl Read, out: &mut Batches<'_, '_>) -> Result<(), FileIssue> {
        let (text, encoding) = Utf8Reader::new(source);
        let text = Unwrapped::new(Unpadded::new(text)).map_err(FileIssue::io)?;
        self.elements(Elements::new(text), &encoding, out)
    }

    fn elements<R: Read>(
        mut self,
        mut file: Elements<R>,
        encoding: &Encoding,
        out: &mut Batches<'_, '_>,
    ) -> Result<(), FileIssue> {
        self.layout.encoding = Some(encoding.name());
        let mut columns = FlatColumns::new(self.mapping, self.exams, self.limits, self.layout);
        let done = each_element(&mut file, &mut columns, out);
        announce(&mut columns, out);
        announce_encoding(&mut columns.layout, encoding, out);
        done
    }
}

fn each_element<R: Read>(
    file: &mut Elements<R>,
    columns: &mut FlatColumns,
    out: &mut Batches<'_, '_>,
) -> Result<(), FileIssue> {
    while !out.is_stopped() {
        let element = match file.next_element() {
            Ok(Some(element)) => element,
            Ok(None) => break,
            Err(error) => return Err(of_json(error, out.count())),
        };
        let number = element.line.unwrap_or(element.ordinal);
        match element.node {
            Ok(node) => match json::wrapped(&node) {
                Some(records) => {
                    for node in records {
                        json_row(node, out.next_number(), columns, out)?;
                    }
                }
                None => json_row(&node, number, columns, out)?,
            },
            Err(issue) => {
                announce(columns, out);
                let issues = vec![RowIssue { column: None, header: None, issue }];
                let text = element.text.get(..element.text.len().min(SHOWN)).unwrap_or_default();
                let original = Original::Json(String::from_utf8_lossy(text.trim_ascii()).into_owned());
                let request = OrderRequest::default();
                out.row(Row { number, request, issues, original, earlier: None }, &columns.layout)?;
            }
        }
    }
    Ok(())
}

fn json_row(
    node: &Node<'_>,
    number: u32,
    columns: &mut FlatColumns,
    out: &mut Batches<'_, '_>,
) -> Result<(), FileIssue> {
    let built = columns.build(node, &mut out.dates, number).map_err(FileIssue::file)?;
    announce(columns, out);
    let original = Original::Json(json::text(node));
    out.row(Row { number, request: built.request, issues: built.issues, original, earlier: None }, &columns.layout)
}

fn announce(columns: &mut FlatColumns, out: &mut Batches<'_, '_>) {
    if std::mem::take(&mut columns.changed) {
        out.layout(&columns.layout);
    }
}

/// Reports that the template's example may have been left in.
fn announce_example(layout: &mut Layout, out: &mut Batches<'_, '_>) {
    if let Some(warning) = out.example_warning() {
        layout.warnings.push(warning);
        out.layout(layout);
    }
}

/// Reports that letters show a different encoding from the beginning of the file, or leave it in doubt.
fn announce_encoding(layout: &mut Layout, encoding: &Encoding, out: &mut Batches<'_, '_>) {
    let doubt = encoding.warning();
    if layout.encoding != Some(encoding.name()) || doubt.is_some() {
        layout.encoding = Some(encoding.name());
        layout.warnings.extend(doubt);
        out.layout(layout);
    }
}

fn of_json(error: ReadError, rows: u32) -> FileIssue {
    match error {
        ReadError::Io(error) => FileIssue::io(error),
        ReadError::Document(issue) if rows == 0 => FileIssue::file(issue),
        ReadError::Document(mut issue) => {
            let read = if rows == 1 {
                "The element before it stands".to_owned()
            } else {
                format!("The {rows} elements before it stand")
            };
            issue.message = format!("{} {read}; see the rows of the receipt.", issue.message).into();
            FileIssue::at(rows + 1, issue)
        }
    }
}
