//! The query of a request: names in lower case, values decoded, `+` as space.

use percent_encoding::percent_decode_str;

/// A decoded query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes the text after `?`. `None` when it does not decode to UTF-8.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let pairs = Self::parse_pairs(text)?;
        Some(Self(pairs.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect()))
    }

    /// Decodes text written like a query, names in the case they have. `None` when it does not decode to UTF-8.
    #[must_use]
    pub fn parse_pairs(text: &str) -> Option<Vec<(String, String)>> {
        let decode = |part: &str| {
            let spaced = part.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8().ok().map(|part| part.into_owned())
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        });
        pairs.collect()
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter, empty when it is missing.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// All parameters, by name and then value.
    #[must_use]
    pub fn sorted(&self) -> Vec<(&str, &str)> {
        let mut pairs: Vec<_> = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        pairs.sort_unstable();
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_names_and_values() {
        let query = Query::parse("Comp=list&prefix=sp+ace%2Bplus&flag&x=a=b&&").unwrap();
        assert_eq!(query.get("comp"), Some("list"));
        assert_eq!(query.get("prefix"), Some("sp ace+plus"));
        assert_eq!((query.get("flag"), query.get("x"), query.get("y")), (Some(""), Some("a=b"), None));
        assert_eq!(Query::parse("x=%ff"), None);
        assert_eq!(Query::parse("x=%zz").unwrap().get("x"), Some("%zz"));
    }
}
