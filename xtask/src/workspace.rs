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
