//! A zip file that is the same for the same content.

use anyhow::{Context, Result};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A file in the archive.
pub(super) struct Entry {
    name: String,
    content: Vec<u8>,
    mode: u32,
}

impl Entry {
    /// A document.
    pub(super) fn file(name: &str, path: &Path) -> Result<Self> {
        Self::new(name, path, 0o644)
    }

    /// An executable. The host sets no permissions itself on Flex Consumption (functions-host-contract §3.2).
    pub(super) fn program(name: &str, path: &Path) -> Result<Self> {
        Self::new(name, path, 0o755)
    }

    fn new(name: &str, path: &Path, mode: u32) -> Result<Self> {
        let content = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { name: name.to_owned(), content, mode })
    }
}

/// Writes the entries ordered by name, all with the oldest time that a zip file can have. Returns the archive's size.
pub(super) fn write(path: &Path, mut entries: Vec<Entry>) -> Result<u64> {
    entries.sort_by(|one, two| one.name.cmp(&two.name));
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut archive = ZipWriter::new(file);
    for Entry { name, content, mode } in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(mode);
        archive.start_file(name, options)?;
        archive.write_all(&content)?;
    }
    Ok(archive.finish()?.metadata()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zip::ZipArchive;

    fn packed(folder: &Path, name: &str, backwards: bool) -> Vec<u8> {
        let source = folder.join("content");
        std::fs::write(&source, "content").unwrap();
        let mut entries = vec![
            Entry::file("host.json", &source).unwrap(),
            Entry::program("handler", &source).unwrap(),
            Entry::file("submit_order/function.json", &source).unwrap(),
        ];
        if backwards {
            entries.reverse();
        }
        write(&folder.join(name), entries).unwrap();
        std::fs::read(folder.join(name)).unwrap()
    }

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(packed(folder.path(), "one.zip", false), packed(folder.path(), "two.zip", true));
    }

    #[test]
    fn the_handler_alone_can_be_run() {
        let folder = tempfile::tempdir().unwrap();
        packed(folder.path(), "app.zip", false);
        let mut archive = ZipArchive::new(File::open(folder.path().join("app.zip")).unwrap()).unwrap();
        let mut modes = Vec::new();
        for index in 0..archive.len() {
            let entry = archive.by_index(index).unwrap();
            modes.push((entry.name().unwrap().into_owned(), entry.unix_mode().unwrap() & 0o777));
        }
        let expected = [("handler", 0o755), ("host.json", 0o644), ("submit_order/function.json", 0o644)];
        assert_eq!(modes, expected.map(|(name, mode)| (name.to_owned(), mode)).to_vec());
    }
}
