//! Reading a whole file, and summarizing the outcome.

use iris_intake::{FileIssue, Format, Intake, Layout, Limits, Row, Source, Step, detect};
use iris_model::Organization;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Cursor, Seek, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The outcome of reading a file.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) layout: Option<Arc<Layout>>,
    pub(crate) rows: Vec<Row>,
    pub(crate) batches: Vec<usize>,
    pub(crate) failure: Option<FileIssue>,
}

impl Outcome {
    /// Lines like `3 O-1` or `4 ! limit-exceeded@2`: row, order or patient, issues with their columns.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.rows.iter().map(line).collect()
    }

    /// The code of the failure of the file as a whole.
    pub(crate) fn code(&self) -> String {
        self.failure.as_ref().map(|failure| failure.issue.code.to_string()).unwrap_or_default()
    }

    pub(crate) fn message(&self) -> String {
        self.failure.as_ref().map(|failure| failure.issue.message.to_string()).unwrap_or_default()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let warnings = self.layout.iter().flat_map(|layout| &layout.warnings);
        warnings.map(|issue| issue.message.to_string()).collect()
    }
}

fn line(row: &Row) -> String {
    let order = row.request.order.as_ref().and_then(|order| order.local_id.clone());
    let patient = row.request.patient.as_ref().and_then(|patient| patient.local_id.clone());
    let mut line = format!("{} {}", row.number, order.or(patient).unwrap_or_default());
    for located in &row.issues {
        let column = located.column.map(|column| format!("@{column}")).unwrap_or_default();
        line.push_str(&format!(" ! {}{column}", located.issue.code));
    }
    line
}

/// An organization whose only drop rule has this mapping.
pub(crate) fn with_mapping(mapping: Value) -> Organization {
    let document = json!({
        "slug": "harborview",
        "name": "Sample",
        "clientGuid": "5a3d1e70-0000-4000-8000-000000000001",
        "sites": [{"localId": "S1", "name": "One", "address": {"state": "WA"}}],
        "evaluationTypes": ["DR", "DR_AMD"],
        "drops": [{"pattern": "*", "mapping": mapping}],
    });
    serde_json::from_value(document).unwrap()
}

pub(crate) fn plain() -> Organization {
    with_mapping(json!({"name": "plain"}))
}

/// Recognizes and reads a file.
pub(crate) fn take(name: &str, bytes: &[u8]) -> Outcome {
    take_with(name, bytes, &plain(), &Limits::default())
}

/// Reads a file of an organization as it is loaded.
pub(crate) fn take_as(name: &str, bytes: &[u8], organization: &Organization) -> Outcome {
    take_with(name, bytes, organization, &Limits::default())
}

pub(crate) fn take_with(name: &str, bytes: &[u8], organization: &Organization, limits: &Limits) -> Outcome {
    let head = &bytes[..bytes.len().min(4096)];
    let format = match detect(name, head) {
        Ok(format) => format,
        Err(issue) => {
            let failure = Some(FileIssue { issue, row: None, transient: false });
            return Outcome { failure, ..Outcome::default() };
        }
    };
    let source = || match format {
        Format::Xlsx => Source::File(file(bytes)),
        _ => Source::Stream(Box::new(Cursor::new(bytes.to_vec()))),
    };
    let mut outcome = Outcome::default();
    let mut sink = |step: Step| {
        match step {
            Step::Layout(layout) => outcome.layout = Some(layout),
            Step::Batch(rows) => {
                outcome.batches.push(rows.len());
                outcome.rows.extend(rows);
            }
        }
        ControlFlow::Continue(())
    };
    let intake = Intake { format, organization, file_name: name, limits };
    let survey = intake.survey(source()).unwrap();
    outcome.failure = intake.read(source(), &survey, 1_000, &mut sink).err();
    outcome
}

pub(crate) fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}
