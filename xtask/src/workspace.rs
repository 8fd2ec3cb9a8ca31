//! Where things are in the checkout.

use std::path::{Path, PathBuf};

/// The root of the checkout this task was built in.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}
