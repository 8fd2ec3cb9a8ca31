//! Where PostgreSQL's programs are.

use std::path::{Path, PathBuf};

/// The folder that holds both `initdb` and `postgres`: one of `PATH`, the one `pg_config` names, or the newest of
/// Debian's.
pub(super) async fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(found) = std::env::split_paths(&path).find(|folder| complete(folder)) {
        return Some(found);
    }
    if let Ok(named) = crate::child::output(tokio::process::Command::new("pg_config").arg("--bindir")).await {
        let folder = PathBuf::from(named.trim());
        if complete(&folder) {
            return Some(folder);
        }
    }
    newest(Path::new("/usr/lib/postgresql"))
}

fn complete(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

/// Debian keeps each major version in a folder named after its number.
fn newest(versions: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(versions).ok()?.flatten();
    let number = |folder: &Path| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let found = entries.filter_map(|entry| Some((number(&entry.path())?, entry.path().join("bin"))));
    found.filter(|(_, folder)| complete(folder)).max().map(|(_, folder)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_complete_version_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for (version, programs) in [("9", 2), ("13", 2), ("15", 1), ("notes", 2)] {
            let bin = folder.path().join(version).join("bin");
            std::fs::create_dir_all(&bin).unwrap();
            for program in ["initdb", "postgres"].iter().take(programs) {
                std::fs::write(bin.join(program), "").unwrap();
            }
        }
        assert_eq!(newest(folder.path()), Some(folder.path().join("13/bin")));
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        assert_eq!(newest(Path::new("/nonexistent")), None);
    }
}
