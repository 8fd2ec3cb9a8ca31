//! Filters: transformations of a value before it is written.

use super::content::Content;
use super::instructions::Tables;
use super::value::{Datum, Sort};
use crate::time::fourteen_digits;
use jiff::Timestamp;
use jiff::civil::DateTime;
use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    Time,
    Date,
    Pattern(String),
    Dot,
    Undot,
    Upper,
    Pad3,
    First(usize),
    Or(String),
    Then(String),
    Table(String),
    Ampersand,
}

impl Filter {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        Some(match (name, argument) {
            ("time", None) => Self::Time,
            ("date", None) => Self::Date,
            ("date", Some(pattern)) if !pattern.is_empty() => Self::Pattern(pattern.to_owned()),
            ("dot", None) => Self::Dot,
            ("undot", None) => Self::Undot,
            ("upper", None) => Self::Upper,
            ("pad3", None) => Self::Pad3,
            ("first", Some(n)) => Self::First(n.parse().ok().filter(|n| *n > 0)?),
            ("or", Some(text)) => Self::Or(text.to_owned()),
            ("then", Some(text)) => Self::Then(text.to_owned()),
            ("table", Some(name)) if !name.is_empty() => Self::Table(name.to_owned()),
            ("ampersand", None) => Self::Ampersand,
            _ => return None,
        })
    }

    /// Whether it can be used on a value of this kind, at this position among the value's filters, from 0.
    pub(super) fn fits(&self, sort: Sort, position: usize) -> bool {
        match self {
            Self::Time => sort == Sort::Time && position == 0,
            Self::Date | Self::Pattern(_) => sort != Sort::Text && position == 0,
            _ => true,
        }
    }
}

/// The value as text, after its filters. `names` are additional keys for a table, tried first.
pub(super) fn apply<'c>(
    datum: Datum<'c>,
    filters: &[Filter],
    content: &Content,
    tables: &Tables,
    names: impl Fn(&str) -> Vec<String>,
) -> Cow<'c, str> {
    let (mut text, rest) = match (datum, filters) {
        (Datum::Text(text), filters) => (text, filters),
        (Datum::Time(time), [Filter::Date, rest @ ..]) => (Cow::Owned(day(local(time, content))), rest),
        (Datum::Time(time), [Filter::Pattern(pattern), rest @ ..]) => {
            (Cow::Owned(patterned(local(time, content), pattern)), rest)
        }
        (Datum::Time(time), filters) => {
            let digits = time.map(|time| fourteen_digits(time, &content.zone)).unwrap_or_default();
            (Cow::Owned(digits), filters)
        }
        (Datum::Date(date), [Filter::Pattern(pattern), rest @ ..]) => {
            (Cow::Owned(patterned(date.map(|date| date.at(0, 0, 0, 0)), pattern)), rest)
        }
        (Datum::Date(date), filters) => (Cow::Owned(day(date.map(|date| date.at(0, 0, 0, 0)))), filters),
    };
    for filter in rest {
        text = match filter {
            Filter::Time | Filter::Date | Filter::Pattern(_) | Filter::Ampersand => text,
            Filter::Dot => dotted(text),
            Filter::Undot if text.contains('.') => Cow::Owned(text.replace('.', "")),
            Filter::Undot => text,
            Filter::Upper => Cow::Owned(text.to_uppercase()),
            Filter::Pad3 => Cow::Owned(format!("{text:0>3}")),
            Filter::First(n) => match text.char_indices().nth(*n) {
                Some((end, _)) => Cow::Owned(text.get(..end).unwrap_or_default().to_owned()),
                None => text,
            },
            Filter::Or(other) if text.is_empty() => Cow::Owned(other.clone()),
            Filter::Then(other) if !text.is_empty() => Cow::Owned(other.clone()),
            Filter::Or(_) | Filter::Then(_) => text,
            Filter::Table(name) => {
                let table = tables.get(name).filter(|table| !table.is_empty());
                let found = table.and_then(|table| {
                    names(&text).iter().find_map(|key| table.get(key)).or_else(|| table.get(text.as_ref()))
                });
                found.map_or(text, |other| Cow::Owned(other.clone()))
            }
        };
    }
    text
}

fn local(time: Option<Timestamp>, content: &Content) -> Option<DateTime> {
    time.map(|time| content.zone.to_datetime(time))
}

fn day(time: Option<DateTime>) -> String {
    time.map(|time| format!("{:04}{:02}{:02}", time.year(), time.month(), time.day())).unwrap_or_default()
}

fn patterned(time: Option<DateTime>, pattern: &str) -> String {
    let Some(time) = time else { return String::new() };
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let parts = [
            ("yyyy", format!("{:04}", time.year())),
            ("MM", format!("{:02}", time.month())),
            ("dd", format!("{:02}", time.day())),
            ("HH", format!("{:02}", time.hour())),
            ("mm", format!("{:02}", time.minute())),
            ("ss", format!("{:02}", time.second())),
        ];
        let part = parts.iter().find_map(|(name, value)| Some((rest.strip_prefix(name)?, value)));
        if let Some((after, value)) = part {
            out.push_str(value);
            rest = after;
        } else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// The dot of an ICD-10 code comes after its category, which has three characters.
fn dotted(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.split_at_checked(3) {
        Some((category, rest)) if !rest.is_empty() && !text.contains('.') => Cow::Owned(format!("{category}.{rest}")),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(datum: Datum<'_>, filters: &str) -> String {
        let filters: Vec<Filter> =
            filters.split('|').filter(|f| !f.is_empty()).map(|f| Filter::parse(f).unwrap()).collect();
        let table = [("M", "male"), ("RIGHT=A", "AR"), ("", "N")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let tables = Tables::from([("t".to_owned(), table.into())]);
        apply(datum, &filters, &Content::sample(), &tables, |value| vec![format!("RIGHT={value}")]).into_owned()
    }

    #[test]
    fn filters() {
        let text = |text: &'static str| Datum::Text(Cow::Borrowed(text));
        let time = || Datum::Time("2026-11-30T05:04:03Z".parse().ok());
        let date = || Datum::Date(Some(jiff::civil::date(1970, 2, 3)));
        let cases = [
            (time(), "", "20261130050403"),
            (time(), "time", "20261130050403"),
            (time(), "date", "20261130"),
            (time(), "date:MM-dd-yyyy HH:mm:ss", "11-30-2026 05:04:03"),
            (Datum::Time(None), "time|or:none", "none"),
            (date(), "date", "19700203"),
            (date(), "date:MM/dd/yyyy", "02/03/1970"),
            (Datum::Date(None), "", ""),
            (text("E119"), "dot", "E11.9"),
            (text("E11.9"), "dot", "E11.9"),
            (text("E11"), "dot", "E11"),
            (text("éé1"), "dot", "éé1"),
            (text("E11.9"), "undot", "E119"),
            (text("ab"), "upper", "AB"),
            (text("7"), "pad3", "007"),
            (text("héllo"), "first:2", "hé"),
            (text(""), "or:x", "x"),
            (text("a"), "or:x", "a"),
            (text("a"), "then:x", "x"),
            (text(""), "then:x", ""),
            (text("M"), "table:t", "male"),
            (text("A"), "table:t", "AR"),
            (text("Q"), "table:t", "Q"),
            (text(""), "table:t", "N"),
            (text("x"), "table:none", "x"),
        ];
        for (datum, filters, expected) in cases {
            assert_eq!(filtered(datum, filters), expected, "{filters}");
        }
        for unknown in ["lower", "first", "first:0", "first:x", "table", "table:", "time:x", "date:", "or", ""] {
            assert_eq!(Filter::parse(unknown), None, "{unknown}");
        }
    }
}
