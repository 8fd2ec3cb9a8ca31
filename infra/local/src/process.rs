//! `process FILE`: the whole path for one file, from a caller's upload to what the caller gets back; with `--grade`, to
//! the report.

mod collect;
mod grading;
mod progress;

use crate::cli::{CommonArgs, ProcessArgs};
use crate::entities::Entities;
use crate::serve::{absolute, app, say};
use crate::{LocalHost, Options, organizations};
use anyhow::{Context, Result, bail, ensure};
use iris_azure::blob::{BlobAddress, BlobStore, UploadOptions};
use iris_intake::receipt::{Receipt, Status};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::time::interval;

/// Bytes read from the file and passed to the upload at a time.
const PIECE: usize = 256 * 1024;
/// How often removing a folder is attempted.
const REMOVALS: usize = 100;
const LOOK: Duration = Duration::from_millis(50);
/// Runs kept next to each other in a folder.
const RUNS: usize = 1_000;

/// Processes a file and reports what became of it. Returns an error, and so a non-zero exit code, when nothing could be
/// loaded. Ctrl-C ends it and leaves nothing behind.
pub async fn run(arguments: &ProcessArgs, common: &CommonArgs) -> Result<()> {
    let data = tempfile::Builder::new().prefix("iris-local-").tempdir().context("no temporary folder can be made")?;
    let done = tokio::select! {
        done = work(arguments, common, data.path()) => done,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("cannot wait for Ctrl-C")?;
            Err(anyhow::anyhow!("interrupted; what the file held is not kept"))
        }
    };
    remove(data).await?;
    done
}

/// Removes the folder of a run. An interrupted handler ends with the host, and may write until then.
async fn remove(data: tempfile::TempDir) -> Result<()> {
    let path = data.keep();
    let mut look = interval(LOOK);
    for _ in 0..REMOVALS {
        look.tick().await;
        match std::fs::remove_dir_all(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(_) => {}
        }
    }
    ensure!(!path.exists(), "the folder {} holds what the file held and cannot be removed; remove it", path.display());
    Ok(())
}

async fn work(arguments: &ProcessArgs, common: &CommonArgs, data: &Path) -> Result<()> {
    let name = file_name(&arguments.file)?;
    let images = arguments.images.as_deref().map(grading::images).transpose()?.unwrap_or_default();
    let gradings = arguments.grade.as_deref().map(grading::read).transpose()?.unwrap_or_default();
    let host = LocalHost::start(Options {
        data: data.to_owned(),
        tls: false,
        amqp_port: Some(0),
        http_port: Some(0),
        blob_port: Some(0),
        database: common.database.clone(),
        organizations: organizations::read(common.organizations.as_deref())?,
        entities: Entities::default(),
        app: app(common, data)?,
        settings: BTreeMap::new(),
        handlers: common.handlers,
    })
    .await?;
    let document = host.organization(&arguments.organization).with_context(|| {
        format!(
            "there is no organization {}; give the folder of its document with --organizations",
            arguments.organization
        )
    })?;
    let organization = document.organization.clone();
    say(&format!("{name} → {} ({})", organization.drops_container(), organization.name));

    let receipts = progress::Receipts::of(&host, &organization);
    let caller = BlobStore::from_connection_string(&host.credentials.drops_service(&organization))?;
    upload(&caller, &BlobAddress::new(&organization.drops_container(), &name)?, &arguments.file).await?;
    let receipt = progress::follow(&host, &organization, receipts).await?;
    let unlinked = grading::send_images(&host, &organization, &images).await?;
    let mut graded = grading::Graded::default();
    if !gradings.is_empty() {
        grading::send_gradings(&host, &organization, &gradings).await?;
        graded = grading::outcome(&host, &organization, gradings.len())?;
    }
    let out = unused(&absolute(&arguments.out)?, organization.slug.as_str())?;
    collect::everything(&host, &organization, &out).await?;
    host.stop().await;

    say(&crate::summary::summary(&receipt));
    if !images.is_empty() {
        say(&crate::summary::images(images.len() - unlinked.len().min(images.len()), &unlinked));
    }
    if !gradings.is_empty() {
        say(&crate::summary::graded(graded.results, &graded.refused));
    }
    say(&format!("  receipts and events are in {}", out.display()));
    if graded.results > 0 {
        say(&format!("  reports are in {}", out.join("reports").display()));
    }
    if arguments.json {
        say(&serde_json::to_string(&receipt.totals)?);
    }
    refused(&receipt)?;
    graded.any()
}

/// A file of which nothing was loaded is a failure, reported in one sentence.
fn refused(receipt: &Receipt) -> Result<()> {
    let first = receipt.issues.first().map_or("the file could not be loaded", |issue| issue.message.as_ref());
    match receipt.status {
        Status::Refused => bail!("nothing was loaded: {first}"),
        Status::Failed => bail!("nothing was loaded: every row was rejected"),
        _ if receipt.totals.rows == 0 => bail!("nothing was loaded: {first}"),
        Status::Loaded | Status::Partial | Status::Broken => Ok(()),
    }
}

/// The folder of a run: named after the organization, and numbered if earlier runs have left theirs, so that results of
/// different runs are not mixed.
fn unused(out: &Path, name: &str) -> Result<PathBuf> {
    let is_free = |folder: &Path| match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !folder.exists(),
    };
    let names = std::iter::once(name.to_owned()).chain((2..RUNS).map(|number| format!("{name}-{number}")));
    let free = names.map(|name| out.join(name)).find(|folder| is_free(folder));
    free.with_context(|| format!("{} holds {RUNS} runs; remove some", out.display()))
}

pub(crate) fn file_name(file: &Path) -> Result<String> {
    ensure!(file.exists(), "there is no file {}", file.display());
    ensure!(file.is_file(), "{} is not a file", file.display());
    let name = file.file_name().and_then(|name| name.to_str());
    Ok(name.with_context(|| format!("{} has a name that cannot be sent", file.display()))?.to_owned())
}

/// Uploads as a caller does: over the Blob protocol, with the caller's own credential.
async fn upload(caller: &BlobStore, place: &BlobAddress, file: &Path) -> Result<()> {
    let mut content = File::open(file).await.with_context(|| format!("{} cannot be read", file.display()))?;
    let bar = progress::upload_bar(content.metadata().await?.len());
    let mut blob = caller.writer(place, UploadOptions::default());
    let mut piece = vec![0; PIECE];
    loop {
        let length = content.read(&mut piece).await?;
        if length == 0 {
            break;
        }
        blob.write(&piece[..length]).await.context("the upload failed")?;
        bar.inc(length as u64);
    }
    blob.finish().await.context("the upload failed")?;
    bar.finish_and_clear();
    Ok(())
}
