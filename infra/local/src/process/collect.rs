//! Copies what the caller gets: the results container, the events, and the results.

use crate::LocalHost;
use crate::provision::container;
use anyhow::{Context, Result};
use iris_local_blob::store::ListQuery;
use iris_model::Organization;
use std::fs::{File, create_dir_all};
use std::io::{BufWriter, Write};
use std::path::{Component, Path, PathBuf};

/// Messages read from a queue at a time.
const MESSAGES: usize = 500;

/// Copies the results container, the events (one JSON object per line, `events.ndjson`), and likewise the results, if
/// there are any (`results.ndjson`), into the folder.
pub(super) async fn everything(host: &LocalHost, organization: &Organization, out: &Path) -> Result<()> {
    create_dir_all(out).with_context(|| format!("cannot create the folder {}", out.display()))?;
    let results = container(&organization.results_container())?;
    let mut query = ListQuery::default();
    loop {
        let page = host.blobs.list_blobs(&results, query).await?;
        for blob in page.blobs() {
            let target = inside(out, blob.name.as_str());
            if let Some(folder) = target.parent() {
                create_dir_all(folder)?;
            }
            let content = host.blobs.get(&results, &blob.name).await?;
            std::fs::write(&target, content).with_context(|| format!("cannot write {}", target.display()))?;
        }
        match page.next {
            Some(next) => query = ListQuery { from: Some(next), ..ListQuery::default() },
            None => break,
        }
    }
    if let Some(queue) = organization.events_queue() {
        messages(host, &queue, &out.join("events.ndjson"))?;
    }
    match organization.results_queue() {
        Some(queue) if host.broker.status(&queue)?.active > 0 => messages(host, &queue, &out.join("results.ndjson")),
        _ => Ok(()),
    }
}

/// Saves messages as the caller would receive them.
fn messages(host: &LocalHost, queue: &str, file: &Path) -> Result<()> {
    let mut lines = BufWriter::new(File::create(file).with_context(|| format!("cannot write {}", file.display()))?);
    let mut from = 0;
    loop {
        let batch = host.broker.peek(queue, from, MESSAGES)?;
        let Some(last) = batch.last() else { break };
        from = last.sequence_number + 1;
        for delivery in &batch {
            lines.write_all(&delivery.message.body)?;
            lines.write_all(b"\n")?;
        }
    }
    Ok(lines.flush()?)
}

/// The path of a blob below the folder, whatever its name contains.
fn inside(out: &Path, name: &str) -> PathBuf {
    let plain = Path::new(name).components().filter(|part| matches!(part, Component::Normal(_)));
    plain.fold(out.to_owned(), |path, part| path.join(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_the_folder() {
        for (name, place) in
            [("receipts/a.json", "out/receipts/a.json"), ("../../etc/x", "out/etc/x"), ("/abs", "out/abs")]
        {
            assert_eq!(inside(Path::new("out"), name), Path::new(place));
        }
    }
}
