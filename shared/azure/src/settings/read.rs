//! Reading single variables, with errors that say what to do.

use std::str::FromStr;

/// Returns the value of a variable, or `None` when it is not set.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A setting is missing or wrong. Names the variable and what to do, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing is set where something must be.
    #[error("setting {variable} is missing: {remedy}")]
    Missing {
        /// The variable.
        variable: &'static str,
        /// What to set it to.
        remedy: &'static str,
    },
    /// The value cannot be used.
    #[error("setting {variable} is not valid: {remedy}")]
    Invalid {
        /// The variable.
        variable: &'static str,
        /// What a valid value looks like.
        remedy: String,
    },
}

/// The variable's value without surrounding white space; `None` when it is not set or empty.
pub(super) fn optional(lookup: Lookup<'_>, variable: &str) -> Option<String> {
    lookup(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The variable parsed as a `T`, or `default` when it is not set.
pub(super) fn parsed<T: FromStr>(
    lookup: Lookup<'_>,
    variable: &'static str,
    default: T,
    remedy: &str,
) -> Result<T, Error> {
    optional(lookup, variable).map_or(Ok(default), |text| text.parse().map_err(|_| invalid(variable, remedy)))
}

/// A number between `low` and `high`, or `default` when the variable is not set.
pub(super) fn bounded(
    lookup: Lookup<'_>,
    variable: &'static str,
    default: u64,
    low: u64,
    high: u64,
) -> Result<u64, Error> {
    let remedy = format!("use a whole number from {low} to {high}");
    let number: u64 = parsed(lookup, variable, default, &remedy)?;
    if (low..=high).contains(&number) { Ok(number) } else { Err(invalid(variable, &remedy)) }
}

/// `true` or `false`; also `1` and `0`, and any letter case.
pub(super) fn flag(lookup: Lookup<'_>, variable: &'static str) -> Result<bool, Error> {
    match optional(lookup, variable).map(|text| text.to_ascii_lowercase()).as_deref() {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(invalid(variable, "use true or false")),
    }
}

pub(super) fn invalid(variable: &'static str, remedy: &str) -> Error {
    Error::Invalid { variable, remedy: remedy.to_owned() }
}
