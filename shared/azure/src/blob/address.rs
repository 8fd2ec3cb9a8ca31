//! Container and name of a blob.

use std::fmt::{Debug, Formatter};

/// Longest name of a blob, in characters.
const LONGEST_NAME: usize = 1024;

/// The name cannot be one of a container or blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Containers have 3 to 63 lower-case letters, digits and single hyphens.
    #[error("not the name of a container")]
    Container,
    /// Blobs have 1 to 1,024 characters; `.` and `..` cannot be expressed in a URL.
    #[error("not the name of a blob")]
    Blob,
}

/// Which blob. The name is as whoever wrote the blob gave it: raw, in its own letter case, possibly with a person's
/// name in it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobAddress {
    container: String,
    name: String,
}

impl BlobAddress {
    /// Checks both parts.
    ///
    /// # Errors
    /// [`InvalidAddress`] says which part is wrong.
    pub fn new(container: &str, name: &str) -> Result<Self, InvalidAddress> {
        if !is_container_name(container) {
            return Err(InvalidAddress::Container);
        }
        let length = name.chars().take(LONGEST_NAME + 1).count();
        if length == 0 || length > LONGEST_NAME || name == "." || name == ".." {
            return Err(InvalidAddress::Blob);
        }
        Ok(Self { container: container.to_owned(), name: name.to_owned() })
    }

    /// The container.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The raw name. Personal data: not for logs.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Debug for BlobAddress {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("BlobAddress").field("container", &self.container).finish_non_exhaustive()
    }
}

/// Whether `name` follows the rules for containers. The service's own containers (`$root`, `$logs`, `$web`) do not.
pub fn is_container_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (3..=63).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_follow_the_service_rules() {
        for name in ["abc", "harborview-drops", "0-9", &"a".repeat(63)] {
            assert!(is_container_name(name), "{name}");
        }
        for name in ["", "ab", "-abc", "abc-", "a--b", "Abc", "a_b", "$root", "a.b", "..", "ärzte", &"a".repeat(64)] {
            assert!(!is_container_name(name), "{name}");
        }
    }

    #[test]
    fn any_name_but_the_unspeakable_is_a_blob() {
        for name in ["a", "a/b", "...", "a/../b", " ", "\u{e9}", &"\u{e9}".repeat(1024)] {
            assert_eq!(BlobAddress::new("drops", name).unwrap().name(), name);
        }
        for name in ["", ".", "..", &"a".repeat(1025)] {
            assert_eq!(BlobAddress::new("drops", name), Err(InvalidAddress::Blob));
        }
        assert_eq!(BlobAddress::new("Drops", "a"), Err(InvalidAddress::Container));
    }

    #[test]
    fn a_name_does_not_show_in_debug_output() {
        let address = BlobAddress::new("drops", "Doe_Jane.csv").unwrap();
        assert_eq!(format!("{address:?}"), r#"BlobAddress { container: "drops", .. }"#);
    }
}
