//! Writes a drop's receipts from its stored lines (see [`iris_intake::receipt`] for the documents).
//!
//! The receipt itself is written last: if it exists, everything has been written. Writing again after a crash gives the
//! same documents, because everything comes from the store and the archive.

use super::shape::Shape;
use super::{Error, Job};
use crate::piece::Piece;
use iris_azure::blob::{BlobAddress, BlockWriter, Error as BlobError, UploadOptions};
use iris_intake::Format;
use iris_intake::receipt::{
    Files, IssueList, ReadAs, Receipt, RejectedCsv, RejectedJson, RejectedXlsx, RowsCsv, Status, Totals, document_name,
};
use iris_model::{OutcomeKind, RowLine};
use iris_store::DropStatus;
use iris_store::queries::DropSummary;
use iris_telemetry::metrics;

impl Job<'_> {
    /// Writes the documents that are still missing.
    pub(super) async fn write_receipts(&self, summary: &DropSummary, shape: Option<Shape>) -> Result<(), Error> {
        let receipt = self.document(".json")?;
        match self.app.blobs.properties(&receipt, None).await {
            Ok(_) => return Ok(()),
            Err(BlobError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        let mut issues = IssueList::default();
        for issue in &summary.issues {
            issues.file(issue.clone());
        }
        let mut totals = Totals::default();
        let mut files = Files::default();
        let mut read_as = None;
        if summary.status != DropStatus::Refused {
            let shape = match shape {
                Some(shape) => shape,
                None => self.shape().await?,
            };
            read_as = Some(ReadAs::new(shape.format, &shape.layout));
            let mut rejected = match summary.totals.0.get(&OutcomeKind::Failed) {
                Some(1..) => Some(self.rejected(&shape)?),
                _ => None,
            };
            files.rows = Some(self.rows(&mut totals, &mut issues, rejected.as_mut()).await?);
            if let Some(rejected) = rejected {
                files.rejected = Some(rejected.finish().await?);
            }
        }
        let written = Receipt { read_as, ..self.receipt(summary, totals, issues, files) };
        let content = serde_json::to_vec_pretty(&written).map_err(document)?;
        self.app.blobs.upload(&receipt, content.into(), options("application/json")).await?;
        metrics::drop_ended(self.organization.slug.as_str(), written.status.as_str());
        Ok(())
    }

    fn receipt(&self, summary: &DropSummary, totals: Totals, issues: IssueList, files: Files) -> Receipt {
        let status = match summary.status {
            DropStatus::Refused => Status::Refused,
            DropStatus::Broken => Status::Broken,
            DropStatus::Loaded | DropStatus::Loading => totals.status(),
        };
        Receipt {
            drop_id: self.drop.id,
            organization: self.organization.slug.to_string(),
            container: self.drop.container.clone(),
            file: self.drop.name.clone(),
            etag: self.drop.etag.clone(),
            size: summary.size,
            status,
            read_as: None,
            received_at: summary.received_at,
            finished_at: summary.finished_at.unwrap_or(summary.received_at),
            totals,
            issues_by_code: issues.by_code,
            issues: issues.issues,
            groups: issues.groups,
            files,
        }
    }

    /// Writes `rows.csv`, counting rows and passing on the failed ones. Returns its name.
    async fn rows(
        &self,
        totals: &mut Totals,
        issues: &mut IssueList,
        mut rejected: Option<&mut Rejected>,
    ) -> Result<String, Error> {
        let piece = Piece::default();
        let mut csv = RowsCsv::new(piece.clone()).map_err(document)?;
        let address = self.document(".rows.csv")?;
        let mut blob = self.app.blobs.writer(&address, options("text/csv"));
        let mut after = None;
        while let Some((number, lines)) = self.app.orders.read_lines(self.drop.id, after).await? {
            for line in &lines {
                totals.count(line.outcome);
                issues.row(line);
                csv.write(line).map_err(document)?;
                if let Some(rejected) = rejected.as_mut().filter(|_| line.outcome == OutcomeKind::Failed) {
                    rejected.write(line)?;
                }
            }
            blob.write(&piece.take()).await?;
            if let Some(rejected) = rejected.as_mut() {
                rejected.send().await?;
            }
            after = Some(number);
        }
        csv.finish().map_err(document)?;
        blob.write(&piece.take()).await?;
        blob.finish().await?;
        Ok(address.name().to_owned())
    }

    /// Begins the document of rejected rows, in the format of the file.
    fn rejected(&self, shape: &Shape) -> Result<Rejected, Error> {
        let piece = Piece::default();
        let headers = shape.layout.headers.clone();
        let (ending, kind, media) = match shape.format {
            Format::Xlsx => {
                let book = RejectedXlsx::new(&headers, shape.layout.sheet.as_deref()).map_err(document)?;
                (
                    ".rejected.xlsx",
                    Kind::Xlsx(Box::new(book)),
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                )
            }
            Format::Csv => {
                let csv = RejectedCsv::new(piece.clone(), &headers, shape.layout.delimiter.unwrap_or(','))
                    .map_err(document)?;
                (".rejected.csv", Kind::Csv(Box::new(csv), headers), "text/csv")
            }
            // One element per line in both formats. The file ending is kept, so that the same mapping reads the
            // corrected file.
            Format::Json => (".rejected.json", Kind::Json(RejectedJson::new(piece.clone())), "application/x-ndjson"),
            Format::Ndjson => {
                (".rejected.ndjson", Kind::Json(RejectedJson::new(piece.clone())), "application/x-ndjson")
            }
        };
        let address = self.document(ending)?;
        let blob = self.app.blobs.writer(&address, options(media));
        Ok(Rejected { kind, piece, blob, name: address.name().to_owned() })
    }

    fn document(&self, ending: &str) -> Result<BlobAddress, Error> {
        let name = document_name(&self.drop.name, self.drop.id, ending);
        Ok(BlobAddress::new(&self.organization.results_container(), &name).map_err(BlobError::from)?)
    }
}

/// The document of rejected rows while it is being written.
struct Rejected {
    kind: Kind,
    piece: Piece,
    blob: BlockWriter,
    name: String,
}

enum Kind {
    Csv(Box<RejectedCsv<Piece>>, Vec<String>),
    Json(RejectedJson<Piece>),
    Xlsx(Box<RejectedXlsx>),
}

impl Rejected {
    fn write(&mut self, line: &RowLine) -> Result<(), Error> {
        match &mut self.kind {
            Kind::Csv(csv, headers) => csv.write(line, headers).map_err(document),
            Kind::Json(json) => json.write(line).map_err(document),
            Kind::Xlsx(book) => book.write(line).map_err(document),
        }
    }

    async fn send(&mut self) -> Result<(), Error> {
        Ok(self.blob.write(&self.piece.take()).await?)
    }

    async fn finish(mut self) -> Result<String, Error> {
        match self.kind {
            Kind::Csv(csv, _) => drop(csv.finish().map_err(document)?),
            Kind::Json(json) => drop(json.finish()),
            Kind::Xlsx(book) => {
                let book = tokio::task::block_in_place(|| book.finish()).map_err(document)?;
                self.blob.write(&book).await?;
            }
        }
        self.blob.write(&self.piece.take()).await?;
        self.blob.finish().await?;
        Ok(self.name)
    }
}

fn options(media: &str) -> UploadOptions {
    UploadOptions { content_type: Some(media.to_owned()), ..UploadOptions::default() }
}

fn document(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Document(Box::new(error))
}
