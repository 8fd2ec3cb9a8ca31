//! The format and columns of a drop, as far as its receipts need them.

use super::rows::BATCH;
use super::{Error, Job};
use iris_intake::{Format, Layout, Step, read};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Format and columns of a file.
pub(super) struct Shape {
    pub(super) format: Format,
    pub(super) layout: Arc<Layout>,
}

impl Job<'_> {
    /// Determines the shape from the archive, for receipts written after a crash.
    pub(super) async fn shape(&self) -> Result<Shape, Error> {
        let Some((format, source)) = self.open_archive().await?.ok() else { return Err(Error::Reader) };
        let (organization, name, limits) =
            (Arc::clone(&self.organization), self.drop.name.clone(), self.app.limits.clone());
        let found = tokio::task::spawn_blocking(move || {
            let mut found = None;
            // The last layout is complete: it includes what was only learned while reading rows.
            let mut sink = |step: Step| {
                if let Step::Layout(layout) = step {
                    found = Some(layout);
                }
                ControlFlow::Continue(())
            };
            let _ = read(source, format, &organization, &name, &limits, BATCH, &mut sink);
            found
        });
        let layout = found.await.map_err(|_| Error::Reader)?.ok_or(Error::Reader)?;
        Ok(Shape { format, layout })
    }
}
