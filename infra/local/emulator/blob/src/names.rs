//! Names of containers and blobs, checked once when they come in.
//!
//! A blob's name is data: it is never used as a file name, so `..`, device names and the like are harmless here and are
//! kept as given. Only names that Azure's clients cannot send either are refused: control characters, and names beyond
//! its length limits.

use std::fmt;

/// Longest blob name, in characters.
const MAX_BLOB_NAME: usize = 1024;
/// Most `/`-separated segments in a blob name.
const MAX_BLOB_SEGMENTS: usize = 254;

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Container names have 3 to 63 characters.
    #[error("a container name has 3 to 63 characters")]
    ContainerLength,
    /// Container names are lower-case letters, digits and single hyphens, and begin and end with a letter or digit.
    #[error(
        "a container name consists of lower-case letters, digits and single hyphens, and begins and ends with a \
         letter or digit"
    )]
    ContainerCharacters,
    /// Blob names have 1 to 1,024 characters.
    #[error("a blob name has 1 to 1024 characters")]
    BlobLength,
    /// Blob names have at most 254 segments.
    #[error("a blob name has at most 254 path segments")]
    BlobSegments,
    /// Blob names have no ASCII control characters.
    #[error("a blob name has no control characters")]
    BlobCharacters,
}

/// The name of a container: 3 to 63 lower-case letters, digits and single hyphens, or one of `$root`, `$web`, `$logs`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerName(String);

impl ContainerName {
    /// Checks a container name.
    ///
    /// # Errors
    /// [`Error::ContainerLength`] or [`Error::ContainerCharacters`].
    pub fn new(name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        if matches!(name.as_str(), "$root" | "$web" | "$logs") {
            return Ok(Self(name));
        }
        if !(3..=63).contains(&name.len()) {
            return Err(Error::ContainerLength);
        }
        let legal = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !legal || name.starts_with('-') || name.ends_with('-') || name.contains("--") {
            return Err(Error::ContainerCharacters);
        }
        Ok(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a blob inside its container, percent-decoded; `/` separates segments but means nothing to the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName(String);

impl BlobName {
    /// Checks a blob name.
    ///
    /// # Errors
    /// [`Error::BlobLength`], [`Error::BlobSegments`] or [`Error::BlobCharacters`].
    pub fn new(name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        if name.is_empty() || name.chars().count() > MAX_BLOB_NAME {
            return Err(Error::BlobLength);
        }
        if name.split('/').count() > MAX_BLOB_SEGMENTS {
            return Err(Error::BlobSegments);
        }
        if name.bytes().any(|b| b.is_ascii_control()) {
            return Err(Error::BlobCharacters);
        }
        Ok(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_names_follow_the_published_rule() {
        for good in ["abc", "harborview-drops", "a1-b2", "$root", &"a".repeat(63)] {
            assert!(ContainerName::new(good).is_ok(), "{good}");
        }
        for bad in ["ab", "-abc", "abc-", "a--b", "Abc", "a_b", "a.b", "../x", "", &"a".repeat(64)] {
            assert!(ContainerName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn blob_names_are_kept_as_given() {
        for good in ["a", "../../etc/passwd", "a//b", "ü %2F?#~", "CON", "trailing./"] {
            assert_eq!(BlobName::new(good).map(|n| n.to_string()), Ok(good.to_owned()));
        }
        assert_eq!(BlobName::new("a\0b"), Err(Error::BlobCharacters));
        assert_eq!(BlobName::new(""), Err(Error::BlobLength));
        assert_eq!(BlobName::new("x".repeat(1025)), Err(Error::BlobLength));
        assert_eq!(BlobName::new("a/".repeat(300)), Err(Error::BlobSegments));
        assert!(BlobName::new("ü".repeat(1024)).is_ok());
    }
}
