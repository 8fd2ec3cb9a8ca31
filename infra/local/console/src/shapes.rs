//! The column names of dropped files. Rows are stored without their header, so it is read once from the copy in the
//! archive.

use crate::Console;
use iris_intake::{Format, Layout, Limits, Source, Step, detect, read};
use iris_local_blob::store::{ByteRange, Conditions};
use iris_local_blob::{BlobName, ContainerName};
use iris_model::Organization;
use iris_store::queries::DropSummary;
use std::collections::BTreeMap;
use std::io::{Cursor, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// How much of a text file is searched for the header, in bytes.
const HEAD: u64 = 1 << 20;
/// How many files are remembered.
const REMEMBERED: usize = 64;

/// Columns of recently viewed drops.
#[derive(Default)]
pub(crate) struct Shapes(Mutex<BTreeMap<Uuid, Arc<Shape>>>);

/// The form of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// JSON elements instead of cells.
    pub(crate) json: bool,
    /// Column names; empty when they cannot be determined.
    pub(crate) headers: Vec<String>,
}

impl Shapes {
    /// The form of a drop; an empty one when the archive does not have it (any more).
    pub(crate) async fn of(&self, console: &Console, organization: &Organization, drop: &DropSummary) -> Arc<Shape> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&drop.id).cloned();
        if let Some(known) = known {
            return known;
        }
        let shape = Arc::new(look(console, organization, drop).await.unwrap_or_default());
        let mut shapes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shapes.len() >= REMEMBERED {
            shapes.pop_first();
        }
        shapes.insert(drop.id, Arc::clone(&shape));
        shape
    }
}

async fn look(console: &Console, organization: &Organization, drop: &DropSummary) -> Option<Shape> {
    let container = ContainerName::new(console.platform.archive.as_str()).ok()?;
    let name = BlobName::new(format!("drops/{}/{}", organization.slug, drop.id)).ok()?;
    let blobs = &console.platform.blobs;
    let range = Some(ByteRange { start: 0, end: Some(HEAD - 1) });
    let head = blobs.read(&container, &name, range, &Conditions::default()).await.ok()?.bytes().await.ok()?;
    let format = detect(&drop.name, &head).ok()?;
    let source = match format {
        Format::Csv => Source::Stream(Box::new(Cursor::new(head))),
        Format::Json | Format::Ndjson => return Some(Shape { json: true, headers: Vec::new() }),
        // A workbook has to be read from its end.
        Format::Xlsx => {
            let whole = blobs.get(&container, &name).await.ok()?;
            let mut file = tempfile::tempfile().ok()?;
            file.write_all(&whole).ok()?;
            file.seek(SeekFrom::Start(0)).ok()?;
            Source::File(file)
        }
    };
    let (organization, file_name) = (organization.clone(), drop.name.clone());
    let layout =
        tokio::task::spawn_blocking(move || layout(source, format, &organization, &file_name)).await.ok()??;
    Some(Shape { json: false, headers: layout.headers.clone() })
}

fn layout(source: Source, format: Format, organization: &Organization, name: &str) -> Option<Arc<Layout>> {
    let mut found = None;
    let mut sink = |step: Step| match step {
        Step::Layout(layout) => {
            found = Some(layout);
            ControlFlow::Continue(())
        }
        Step::Batch(_) => ControlFlow::Break(()),
    };
    // Problems further down are in the receipt.
    let _ = read(source, format, organization, name, &Limits::default(), 1, &mut sink);
    found
}
