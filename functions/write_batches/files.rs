//! Writes the files of a batch to the results container, with bounded memory.

use crate::app::App;
use crate::piece::Piece;
use anyhow::Context;
use iris_azure::blob::{BlobAddress, BlobStore, BlockWriter, UploadOptions};
use iris_channels::Result as StoredResult;
use iris_model::Organization;
use iris_model::organization::BatchFormat;
use iris_results::batch::{BatchCsv, BatchWorkbook, ManifestFile, Row};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::io::{Read, Seek, Write};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

/// How many bytes of a finished workbook are read at a time.
const CHUNK: usize = 1 << 20;

/// A result, as the files need it.
pub(super) struct Entry {
    pub(super) row: Row,
    pub(super) result: StoredResult,
}

/// One file.
pub(super) struct File {
    kind: Kind,
    upload: Upload,
}

enum Kind {
    Csv(Box<BatchCsv<Piece>>),
    Xlsx(Box<BatchWorkbook>),
    Zip(Box<ZipWriter<StreamWriter<Piece>>>),
}

impl File {
    /// The ending of its name.
    pub(super) fn ending(format: BatchFormat) -> &'static str {
        match format {
            BatchFormat::Csv => ".csv",
            BatchFormat::Xlsx => ".xlsx",
            BatchFormat::Zip => ".reports.zip",
        }
    }

    pub(super) fn begin(
        format: BatchFormat,
        blobs: &BlobStore,
        address: &BlobAddress,
        at: Timestamp,
    ) -> anyhow::Result<Self> {
        let piece = Piece::default();
        let (kind, content_type) = match format {
            BatchFormat::Csv => (Kind::Csv(Box::new(BatchCsv::new(piece.clone())?)), "text/csv; charset=utf-8"),
            BatchFormat::Xlsx => (
                Kind::Xlsx(Box::new(BatchWorkbook::new(at)?)),
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ),
            BatchFormat::Zip => (Kind::Zip(Box::new(ZipWriter::new_stream(piece.clone()))), "application/zip"),
        };
        Ok(Self { kind, upload: Upload::begin(blobs, address, content_type, piece) })
    }

    /// Writes results and uploads the bytes produced.
    pub(super) async fn write(
        &mut self,
        app: &App,
        entries: &[Entry],
        organization: &Organization,
    ) -> anyhow::Result<()> {
        match &mut self.kind {
            Kind::Csv(csv) => {
                for entry in entries {
                    csv.write(&entry.row)?;
                }
                csv.flush()?;
            }
            Kind::Xlsx(book) => {
                for entry in entries {
                    book.write(&entry.row)?;
                }
            }
            Kind::Zip(archive) => {
                // One report at a time: an archive is written in the background, and deliveries need the same
                // processors and memory.
                for entry in entries {
                    let pdf = app.channels.pdf(&entry.result, organization).await?;
                    tokio::task::block_in_place(|| add_report(archive, &entry.result, &pdf))?;
                    self.upload.send().await?;
                }
            }
        }
        self.upload.send().await
    }

    /// Finishes the file and makes it visible.
    pub(super) async fn finish(mut self) -> anyhow::Result<ManifestFile> {
        match self.kind {
            Kind::Csv(csv) => drop(csv),
            Kind::Zip(archive) => drop(archive.finish()?),
            Kind::Xlsx(book) => {
                let mut file = tokio::task::block_in_place(|| save(*book))?;
                let mut chunk = vec![0; CHUNK];
                loop {
                    let length = tokio::task::block_in_place(|| file.read(&mut chunk))?;
                    if length == 0 {
                        break;
                    }
                    self.upload.piece.write_all(chunk.get(..length).unwrap_or_default())?;
                    self.upload.send().await?;
                }
            }
        }
        self.upload.finish().await
    }
}

fn save(book: BatchWorkbook) -> anyhow::Result<std::fs::File> {
    let mut file = tempfile::tempfile().context("a temporary file")?;
    book.save(&mut file)?;
    file.rewind()?;
    Ok(file)
}

fn add_report(archive: &mut ZipWriter<StreamWriter<Piece>>, result: &StoredResult, pdf: &[u8]) -> anyhow::Result<()> {
    // Reports are already compressed, so little effort is made. Without any compression, streaming readers could not
    // find where an entry ends.
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).compression_level(Some(1));
    archive.start_file(report_name(result), options)?;
    archive.write_all(pdf)?;
    Ok(())
}

/// `100001_A-1.pdf`: the order's number makes it unique, the submitter's id is for people. An id cannot make it leave
/// the folder into which it is unpacked.
fn report_name(result: &StoredResult) -> String {
    let plain = |character: char| if character.is_ascii_alphanumeric() || character == '-' { character } else { '_' };
    let local_id: String = result.order_local_id().chars().take(64).map(plain).collect();
    format!("{}_{local_id}.pdf", result.order_id())
}

/// An upload in progress, with its size and digest.
struct Upload {
    piece: Piece,
    blob: BlockWriter,
    name: String,
    content_type: &'static str,
    size: u64,
    digest: Sha256,
}

impl Upload {
    fn begin(blobs: &BlobStore, address: &BlobAddress, content_type: &'static str, piece: Piece) -> Self {
        let name = address.name().to_owned();
        let options = UploadOptions { content_type: Some(content_type.to_owned()), ..UploadOptions::default() };
        Self { piece, blob: blobs.writer(address, options), name, content_type, size: 0, digest: Sha256::new() }
    }

    async fn send(&mut self) -> anyhow::Result<()> {
        let bytes = self.piece.take();
        self.size += bytes.len() as u64;
        self.digest.update(&bytes);
        Ok(self.blob.write(&bytes).await?)
    }

    async fn finish(mut self) -> anyhow::Result<ManifestFile> {
        self.send().await?;
        self.blob.finish().await?;
        let sha256 = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let content_type = self.content_type.to_owned();
        Ok(ManifestFile { name: self.name, content_type, size: self.size, sha256 })
    }
}
