//! Where things are in the checkout.

use std::path::{Path, PathBuf};

/// The root of the checkout this task was built in.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A program of the workspace, built with the profile of development.
pub(crate) fn built(program: &str) -> PathBuf {
    target().join("debug").join(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clippy reads only one file per crate, so the file of the pure libraries has to repeat the general rules.
    #[test]
    fn pure_libraries_keep_the_rules_of_all() {
        let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
        let (all, pure) = (read("clippy.toml"), read("shared/clippy-pure.toml"));
        let rules = all.lines().filter(|line| !line.starts_with('#'));
        let missing: Vec<_> = rules.filter(|rule| !pure.lines().any(|line| line == *rule)).collect();
        assert_eq!(missing, [""; 0]);
        for entry in std::fs::read_dir(root().join("shared")).unwrap() {
            let own = entry.unwrap().path().join("clippy.toml");
            if own.is_file() {
                assert_eq!(std::fs::read_to_string(&own).unwrap(), pure, "{}", own.display());
            }
        }
    }
}
