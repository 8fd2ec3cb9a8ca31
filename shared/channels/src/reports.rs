//! Renders reports: a limited number at a time, within limited memory, and once for all destinations of a result.
//! Deliveries and batches get the same report.

use crate::{Away, Failure, Obstacle, Pictures, Result as StoredResult, Templates, exam, report};
use bytes::Bytes;
use iris_azure::blob::{BlobAddress, BlobStore, Error as BlobError};
use iris_azure::handler::{Grant, Memory};
use iris_model::Organization;
use iris_model::organization::DeliveryFormat;
use iris_report::template::Template;
use iris_report::{LeftOut, Limits, Renderer, Report};
use iris_results::ShownImage;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OnceCell, Semaphore};
use tracing::{error, warn};
use uuid::Uuid;

/// The most memory for one result in progress: its images, its report, and its message.
const MEMORY: u64 = 192 << 20;
/// Memory needed per byte of images: the file, the report, the report as text in a message, and the message.
const PER_BYTE: u64 = 5;
/// Memory needed in addition.
const BASE: u64 = 1 << 20;
/// How many reports are kept for other destinations of the same result.
const KEPT: usize = 24;

/// A report in the requested forms.
#[derive(Debug, Clone, Default)]
pub struct Rendered {
    /// The PDF file; empty if not requested.
    pub pdf: Bytes,
    /// The HTML file; empty if not requested.
    pub html: String,
}

type Slot = Arc<OnceCell<Bytes>>;
/// The outcome of drawing: a report and the images it lacks, or `None` if it cannot be drawn within the requested size.
type Drawn = Result<Option<(Rendered, Vec<LeftOut>)>, iris_report::Error>;

/// Renders reports; one per process.
pub struct Reports {
    blobs: BlobStore,
    archive: String,
    renderer: Arc<Renderer>,
    limits: Limits,
    processors: Arc<Semaphore>,
    memory: Memory,
    /// PDFs by result, latest last.
    kept: Mutex<VecDeque<(Uuid, Slot)>>,
}

impl Reports {
    /// Uses images from this container, within this memory.
    #[must_use]
    pub fn new(blobs: BlobStore, archive: String, memory: Memory) -> Self {
        let limits = Limits::default();
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            blobs,
            archive,
            renderer: Arc::new(Renderer::new(limits)),
            limits,
            processors: Arc::new(Semaphore::new(processors)),
            memory,
            kept: Mutex::default(),
        }
    }

    /// Waits until there is memory for a delivery.
    pub(crate) async fn room(&self, result: &StoredResult) -> Grant {
        let basis = result.basis();
        let images = [&basis.right_image, &basis.left_image].into_iter().flatten().map(|image| self.read_size(image));
        self.memory.grant((BASE + images.sum::<u64>() * PER_BYTE).min(MEMORY)).await
    }

    /// How many bytes of an image are read; 0 if it is too large.
    fn read_size(&self, image: &ShownImage) -> u64 {
        if image.size > self.limits.file_bytes as u64 { 0 } else { image.size }
    }

    /// Renders what a destination gets. A result's PDF is kept for a while under its transaction, for the other
    /// destinations.
    pub(crate) async fn render(
        &self,
        transaction: Uuid,
        result: &StoredResult,
        organization: &Organization,
        format: DeliveryFormat,
    ) -> Result<Rendered, Failure> {
        match format {
            DeliveryFormat::Result => Ok(Rendered::default()),
            DeliveryFormat::ResultWithPdf | DeliveryFormat::Pdf => {
                let slot = self.slot(transaction);
                let pdf = slot
                    .get_or_try_init(async || self.draw(result, organization, false).await.map(|drawn| drawn.pdf))
                    .await?;
                Ok(Rendered { pdf: pdf.clone(), html: String::new() })
            }
            DeliveryFormat::ResultWithHtml | DeliveryFormat::Html => self.draw(result, organization, true).await,
        }
    }

    /// Renders the report for a message in at most `most` bytes, with smaller images (decision 316). `full` is the
    /// report from [`Self::render`]. `None`: it does not fit.
    pub(crate) async fn render_within(
        &self,
        result: &StoredResult,
        organization: &Organization,
        full: &Rendered,
        most: usize,
    ) -> Result<Option<Rendered>, Failure> {
        let (has_pdf, has_html) = (!full.pdf.is_empty(), !full.html.is_empty());
        self.drawn(result, organization, move |renderer, template, view| {
            if has_pdf {
                let fitting = renderer.pdf_within(template, view, most)?;
                Ok(fitting.map(|(pdf, left_out)| (Rendered { pdf: pdf.into(), html: String::new() }, left_out)))
            } else if has_html {
                let fitting = renderer.html_within(template, view, most)?;
                Ok(fitting.map(|(html, left_out)| (Rendered { pdf: Bytes::new(), html }, left_out)))
            } else {
                Ok(None)
            }
        })
        .await
    }

    /// A report that waits for a free processor like all others, but is not kept.
    pub(crate) async fn once(
        &self,
        result: &StoredResult,
        organization: &Organization,
        html: bool,
    ) -> Result<Rendered, Failure> {
        let _room = self.room(result).await;
        self.draw(result, organization, html).await
    }

    fn slot(&self, transaction: Uuid) -> Slot {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = kept.iter().find(|(known, _)| *known == transaction) {
            return Arc::clone(slot);
        }
        let slot = Slot::default();
        kept.push_back((transaction, Arc::clone(&slot)));
        while kept.len() > KEPT {
            kept.pop_front();
        }
        slot
    }

    async fn draw(&self, result: &StoredResult, organization: &Organization, html: bool) -> Result<Rendered, Failure> {
        let drawn = self.drawn(result, organization, move |renderer, template, view| {
            if html {
                let (html, left_out) = renderer.html(template, view);
                Ok(Some((Rendered { pdf: Bytes::new(), html }, left_out)))
            } else {
                let (pdf, left_out) = renderer.pdf(template, view)?;
                Ok(Some((Rendered { pdf: pdf.into(), html: String::new() }, left_out)))
            }
        });
        drawn.await?.ok_or_else(|| Obstacle::Broken.into())
    }

    /// Collects everything a report needs, and has it drawn.
    async fn drawn(
        &self,
        result: &StoredResult,
        organization: &Organization,
        draw: impl FnOnce(&Renderer, &Template, &Report) -> Drawn + Send + 'static,
    ) -> Result<Option<Rendered>, Failure> {
        let Ok(_turn) = self.processors.acquire().await else {
            return Err(Away::Ending.into());
        };
        let basis = result.basis();
        let (right, left) =
            futures::try_join!(self.picture(basis.right_image.as_ref()), self.picture(basis.left_image.as_ref()))?;
        let templates = Templates::of(organization, result.site());
        let (resolved, unusable) = templates.resolve(exam(result.evaluation_types()));
        for (scope, errors) in unusable {
            let problem = errors.first().map(ToString::to_string).unwrap_or_default();
            error!(alert = "report-template", organization = %organization.slug, ?scope, problem, "a report template is not usable");
        }
        let view = report(result, organization, &templates, Pictures { right, left });
        let renderer = Arc::clone(&self.renderer);
        let drawn = tokio::task::spawn_blocking(move || draw(&renderer, &resolved.template, &view));
        let drawn: Drawn = drawn.await.map_err(|_| Obstacle::Broken)?;
        let Some((rendered, left_out)) = drawn.map_err(Obstacle::Drawing)? else { return Ok(None) };
        for image in left_out {
            warn!(organization = %organization.slug, order = result.order_id(), image = ?image.image, reason = %image.reason,
                "an image is left out of a report");
        }
        Ok(Some(rendered))
    }

    /// The bytes of an image; `None` if the archive no longer has it, or it is too large to show.
    async fn picture(&self, image: Option<&ShownImage>) -> Result<Option<Arc<[u8]>>, Failure> {
        let Some(image) = image.filter(|image| self.read_size(image) > 0) else { return Ok(None) };
        let address = BlobAddress::new(&self.archive, &image.archive).map_err(Away::Place)?;
        match self.blobs.get(&address, None, self.limits.file_bytes as u64).await {
            // For a DICOM file, the JPEG inside, if there is one.
            Ok(found) => Ok(Some(match iris_images::embedded_jpeg(&found.content) {
                Some(jpeg) => Arc::from(jpeg),
                None => Arc::from(found.content.as_ref()),
            })),
            Err(BlobError::NotFound) => {
                warn!("an image is not in the archive any more; the report goes without it");
                Ok(None)
            }
            Err(error) => Err(Away::Storage(error).into()),
        }
    }
}
