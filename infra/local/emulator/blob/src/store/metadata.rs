//! Names with values: metadata and tags.

use serde::{Deserialize, Serialize};

use super::Error;

/// Most bytes of metadata, names and values together.
const MAX_METADATA: usize = 8 * 1024;

/// Pairs in the order and the letter case they were given; names are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Metadata: names are identifiers (letters, digits, `_`), given once, 8 KiB in all.
    ///
    /// # Errors
    /// [`Error::InvalidMetadata`].
    pub fn metadata(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let pairs: Vec<_> = pairs.into_iter().collect();
        let size: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
        let identifier = |name: &str| {
            let mut bytes = name.bytes();
            bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
                && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        let repeated = |at: usize| pairs.iter().take(at).any(|(name, _)| name.eq_ignore_ascii_case(&pairs[at].0));
        if size > MAX_METADATA || pairs.iter().any(|(name, _)| !identifier(name)) || (0..pairs.len()).any(repeated) {
            return Err(Error::InvalidMetadata);
        }
        Ok(Self(pairs))
    }

    /// Tags: up to 10, names of 1 to 128 characters, values of up to 256, of letters, digits, space and `+-./:=_`.
    ///
    /// # Errors
    /// [`Error::InvalidMetadata`].
    pub fn tags(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let pairs: Vec<_> = pairs.into_iter().collect();
        let legal = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b" +-./:=_".contains(&b));
        let fits = |(name, value): &(String, String)| {
            (1..=128).contains(&name.len()) && value.len() <= 256 && legal(name) && legal(value)
        };
        let repeated = |at: usize| pairs.iter().take(at).any(|(name, _)| *name == pairs[at].0);
        if pairs.len() > 10 || !pairs.iter().all(fits) || (0..pairs.len()).any(repeated) {
            return Err(Error::InvalidMetadata);
        }
        Ok(Self(pairs))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of a name, whatever its case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn metadata_keeps_case_and_is_found_without() {
        let metadata = Pairs::metadata(pairs(&[("AccessionNumber", "A-1"), ("_x", "")])).unwrap();
        assert_eq!(metadata.get("accessionnumber"), Some("A-1"));
        assert_eq!(metadata.iter().next(), Some(("AccessionNumber", "A-1")));
        for bad in [pairs(&[("1x", "")]), pairs(&[("a-b", "")]), pairs(&[("", "")]), pairs(&[("A", ""), ("a", "")])] {
            assert!(Pairs::metadata(bad).is_err());
        }
        assert!(Pairs::metadata([("big".to_owned(), "x".repeat(9000))]).is_err());
    }

    #[test]
    fn tags_are_limited() {
        assert!(Pairs::tags(pairs(&[("a b", "c/d"), ("x", "")])).is_ok());
        assert!(Pairs::tags(pairs(&[("", "c")])).is_err());
        assert!(Pairs::tags(pairs(&[("a", "<")])).is_err());
        assert!(Pairs::tags((0..11).map(|n| (format!("t{n}"), String::new()))).is_err());
    }
}
