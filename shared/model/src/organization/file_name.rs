//! Templates of file and folder names (iris-facts §8.2; decision 206).
//!
//! Static text and `{tokens}`. A template is checked when the document is saved. What it gives for an order stays below
//! its base whatever the values are: a value is always part of a name, and can never make a folder of its own.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The most characters of a template.
const TEMPLATE_LIMIT: usize = 512;
/// The most characters of a value within a name.
const VALUE_LIMIT: usize = 100;
/// The most bytes of a part of a path: file systems allow 255, and a suffix may follow.
const PART_LIMIT: usize = 200;
/// Characters that no Windows file system takes in a name, and those that separate folders.
const UNSAFE: &[char] = &['<', '>', ':', '"', '/', '\\', '|', '?', '*'];
/// Names that Windows keeps for devices, whatever their extension.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$"];

/// A template that has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameTemplate {
    text: String,
    /// Folders, then the file.
    parts: Vec<Vec<Piece>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Token(Token),
}

/// The tokens of iris-facts §8.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    PatientId,
    PatientLocalId,
    OrderId,
    OrderLocalId,
    PatientFirstName,
    PatientLastName,
    ClientLocalId,
    DepartmentLocalId,
    /// The date of the delivery, or of the day before it.
    Date(&'static str, bool),
}

impl Token {
    fn from_name(name: &str) -> Option<Self> {
        let plain = match name {
            "patientId" => Self::PatientId,
            "patientLocalId" => Self::PatientLocalId,
            "orderId" => Self::OrderId,
            "orderLocalId" => Self::OrderLocalId,
            "patientFirstName" => Self::PatientFirstName,
            "patientLastName" => Self::PatientLastName,
            "clientLocalId" => Self::ClientLocalId,
            "departmentLocalId" => Self::DepartmentLocalId,
            _ => {
                let (pattern, yesterday) = match name.strip_prefix("YEST_") {
                    Some(pattern) => (pattern, true),
                    None => (name, false),
                };
                return date_format(pattern).map(|format| Self::Date(format, yesterday));
            }
        };
        Some(plain)
    }
}

fn date_format(pattern: &str) -> Option<&'static str> {
    Some(match pattern {
        "yyyy" => "%Y",
        "MM" => "%m",
        "dd" => "%d",
        "yyyyMMdd_HHmmss" => "%Y%m%d_%H%M%S",
        "yyyyMMdd" => "%Y%m%d",
        "MMddyyyy" => "%m%d%Y",
        _ => return None,
    })
}

/// Why a template is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nothing there.
    #[error("is empty; write a file name such as {{orderLocalId}}.pdf")]
    Empty,
    /// Longer than 512 characters.
    #[error("is longer than {TEMPLATE_LIMIT} characters")]
    TooLong,
    /// No such token.
    #[error(
        "has {{{0}}}, which is no token; tokens are patientId, patientLocalId, orderId, orderLocalId, \
         patientFirstName, patientLastName, clientLocalId, departmentLocalId and dates such as yyyyMMdd or \
         YEST_yyyyMMdd, in this letter case"
    )]
    UnknownToken(String),
    /// A brace without its other half.
    #[error("has a brace without its counterpart")]
    OpenBrace,
    /// No extension.
    #[error("has no extension; end it with one such as .pdf")]
    NoExtension,
    /// `..`, `.`, an empty folder, a leading slash or a drive.
    #[error("leaves its folder; use folder and file names alone, without drive, leading slash, empty parts, . and ..")]
    Leaves,
    /// A character that names cannot have.
    #[error("has a character that file names cannot have")]
    Unsafe,
}

/// The values that names are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameValues<'a> {
    /// The patient in IRIS.
    pub patient_id: i64,
    /// The patient as the submitter calls it.
    pub patient_local_id: &'a str,
    /// The order in IRIS.
    pub order_id: i64,
    /// The order as the submitter calls it.
    pub order_local_id: &'a str,
    /// Given name.
    pub patient_first_name: &'a str,
    /// Family name.
    pub patient_last_name: &'a str,
    /// The site.
    pub client_local_id: &'a str,
    /// Department, when submitted.
    pub department_local_id: Option<&'a str>,
    /// The time that dates are taken from.
    pub at: Timestamp,
}

/// A token that has no value for an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a folder or file would be named by something the order does not have")]
pub struct Unset;

impl NameTemplate {
    /// Reads a template. `\` separates folders as `/` does.
    ///
    /// # Errors
    /// [`TemplateError`] says what to change.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        if text.chars().count() > TEMPLATE_LIMIT {
            return Err(TemplateError::TooLong);
        }
        let parts: Vec<Vec<Piece>> = text.split(['/', '\\']).map(part).collect::<Result<_, _>>()?;
        let file = parts.last().map(Vec::as_slice).unwrap_or_default();
        let ending = match file.last() {
            Some(Piece::Text(ending)) => ending.rsplit_once('.'),
            _ => None,
        };
        let has_stem = |stem: &str| file.len() > 1 || !stem.trim().is_empty();
        match ending {
            Some((stem, extension)) if has_stem(stem) && !extension.trim().is_empty() => {}
            _ => return Err(TemplateError::NoExtension),
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name for an order, folders separated by `/`. Characters that are unsafe in a name become `_`.
    ///
    /// # Errors
    /// [`Unset`] when a part of the name would be empty.
    pub fn name(&self, values: &NameValues<'_>) -> Result<String, Unset> {
        let mut name = String::new();
        for (index, pieces) in self.parts.iter().enumerate() {
            if index > 0 {
                name.push('/');
            }
            name.push_str(&filled(pieces, values)?);
        }
        Ok(name)
    }
}

/// One folder or the file.
fn part(text: &str) -> Result<Vec<Piece>, TemplateError> {
    if matches!(text.trim(), "" | "." | "..") {
        return Err(TemplateError::Leaves);
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(open);
        let Some(inner) = after.strip_prefix('{') else { return Err(TemplateError::OpenBrace) };
        let (name, following) = inner.split_once('}').ok_or(TemplateError::OpenBrace)?;
        if !before.is_empty() {
            pieces.push(literal(before)?);
        }
        let token = Token::from_name(name)
            .ok_or_else(|| TemplateError::UnknownToken(name.chars().filter(|c| !c.is_control()).take(40).collect()))?;
        pieces.push(Piece::Token(token));
        rest = following;
    }
    if !rest.is_empty() {
        pieces.push(literal(rest)?);
    }
    Ok(pieces)
}

fn literal(text: &str) -> Result<Piece, TemplateError> {
    if text.contains(':') {
        return Err(TemplateError::Leaves);
    }
    if text.contains(UNSAFE) || text.chars().any(char::is_control) {
        return Err(TemplateError::Unsafe);
    }
    Ok(Piece::Text(text.to_owned()))
}

/// A part with its values: never empty, never `.` or `..`, never a device.
fn filled(pieces: &[Piece], values: &NameValues<'_>) -> Result<String, Unset> {
    let mut part = String::new();
    let mut has_value = pieces.iter().all(|piece| matches!(piece, Piece::Text(_)));
    for piece in pieces {
        match piece {
            Piece::Text(text) => part.push_str(text),
            Piece::Token(token) => {
                let value = value(*token, values);
                has_value |= value.as_deref().is_some_and(|value| !value.trim().is_empty());
                part.push_str(&safe(&value.unwrap_or_default()));
            }
        }
    }
    if !has_value {
        return Err(Unset);
    }
    // Windows drops dots and blanks at the end of a name, which would make two names one.
    let trimmed = part.trim().trim_end_matches(['.', ' ']);
    if trimmed.is_empty() {
        return Err(Unset);
    }
    let shown = shortened(trimmed);
    let stem = shown.split('.').next().unwrap_or_default().trim().to_ascii_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| rest.chars().count() == 1 && rest.chars().all(char::is_numeric))
    };
    if DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt") {
        return Ok(format!("_{shown}"));
    }
    Ok(shown)
}

/// Shortened to the limit of file systems, keeping its extension.
fn shortened(part: &str) -> String {
    if part.len() <= PART_LIMIT {
        return part.to_owned();
    }
    let (stem, extension) = match part.rsplit_once('.') {
        Some((stem, extension)) if extension.len() < 20 => (stem, format!(".{extension}")),
        _ => (part, String::new()),
    };
    let mut end = (PART_LIMIT - extension.len()).min(stem.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", &stem[..end])
}

/// A value as part of a name.
fn safe(value: &str) -> String {
    let replaced = |character: char| {
        let unsafe_here = UNSAFE.contains(&character) || character.is_control() || is_invisible(character);
        if unsafe_here { '_' } else { character }
    };
    value.trim().chars().take(VALUE_LIMIT).map(replaced).collect()
}

/// Characters that change the reading direction or show nothing: names with them look like others.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn value(token: Token, values: &NameValues<'_>) -> Option<String> {
    let text = |text: &str| Some(text.to_owned());
    match token {
        Token::PatientId => Some(values.patient_id.to_string()),
        Token::PatientLocalId => text(values.patient_local_id),
        Token::OrderId => Some(values.order_id.to_string()),
        Token::OrderLocalId => text(values.order_local_id),
        Token::PatientFirstName => text(values.patient_first_name),
        Token::PatientLastName => text(values.patient_last_name),
        Token::ClientLocalId => text(values.client_local_id),
        Token::DepartmentLocalId => values.department_local_id.map(str::to_owned),
        Token::Date(format, yesterday) => {
            let at: DateTime = values.at.to_zoned(TimeZone::UTC).datetime();
            let at = if yesterday { at.yesterday().ok()? } else { at };
            jiff::fmt::strtime::format(format, at).ok()
        }
    }
}

impl Serialize for NameTemplate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for NameTemplate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|error| serde::de::Error::custom(format!("the name template {error}")))
    }
}

impl JsonSchema for NameTemplate {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("NameTemplate")
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": TEMPLATE_LIMIT, "pattern": "\\." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> NameValues<'static> {
        NameValues {
            patient_id: 100_002,
            patient_local_id: "MRN/7",
            order_id: 100_001,
            order_local_id: "O-1",
            patient_first_name: "Testina",
            patient_last_name: "..",
            client_local_id: "HV-SEA",
            department_local_id: None,
            at: "2024-09-01T09:04:21Z".parse().unwrap(),
        }
    }

    fn name(template: &str) -> Result<String, Unset> {
        NameTemplate::parse(template).unwrap().name(&values())
    }

    #[test]
    fn the_published_tokens() {
        for (template, expected) in [
            ("{yyyyMMdd}/{clientLocalId}/{orderLocalId}.pdf", "20240901/HV-SEA/O-1.pdf"),
            ("{yyyy}-{MM}-{dd}/{orderId}.pdf", "2024-09-01/100001.pdf"),
            ("{YEST_yyyy}{YEST_MM}{YEST_dd}\\{orderId}.pdf", "20240831/100001.pdf"),
            ("{yyyyMMdd_HHmmss}_{orderId}.pdf", "20240901_090421_100001.pdf"),
            ("{YEST_yyyyMMdd_HHmmss}_{orderId}.pdf", "20240831_090421_100001.pdf"),
            ("{MMddyyyy}_{YEST_MMddyyyy}_{orderId}.pdf", "09012024_08312024_100001.pdf"),
            ("{patientId}_{patientLocalId}_{patientFirstName}_{orderId}.pdf", "100002_MRN_7_Testina_100001.pdf"),
            ("{departmentLocalId}{orderId}.pdf", "100001.pdf"),
        ] {
            assert_eq!(name(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn a_folder_without_a_name_is_no_folder() {
        assert_eq!(name("{departmentLocalId}/{orderId}.pdf"), Err(Unset));
        assert_eq!(name("{patientLastName}/{orderId}.pdf"), Err(Unset), "the patient is called ..");
        assert_eq!(name("a{departmentLocalId}/{orderId}.pdf"), Err(Unset));
    }

    #[test]
    fn wrong_templates_say_why() {
        for (template, expected) in [
            ("", TemplateError::Empty),
            ("{orderId}", TemplateError::NoExtension),
            ("{orderId}.", TemplateError::NoExtension),
            (".pdf", TemplateError::NoExtension),
            ("{OrderId}.pdf", TemplateError::UnknownToken("OrderId".to_owned())),
            ("{orderId.pdf", TemplateError::OpenBrace),
            ("orderId}.pdf", TemplateError::OpenBrace),
            ("/{orderId}.pdf", TemplateError::Leaves),
            ("\\\\server\\share\\{orderId}.pdf", TemplateError::Leaves),
            ("C:\\{orderId}.pdf", TemplateError::Leaves),
            ("../{orderId}.pdf", TemplateError::Leaves),
            ("a/../../{orderId}.pdf", TemplateError::Leaves),
            ("a/ .. /{orderId}.pdf", TemplateError::Leaves),
            ("a//{orderId}.pdf", TemplateError::Leaves),
            ("{orderId}|.pdf", TemplateError::Unsafe),
            ("{orderId}\u{0}.pdf", TemplateError::Unsafe),
        ] {
            assert_eq!(NameTemplate::parse(template), Err(expected), "{template}");
        }
    }

    proptest! {
        #[test]
        fn no_value_leaves_the_base(first in ".{0,300}", local in ".{0,80}", site in "[./\\\\ ]{0,6}") {
            let template = NameTemplate::parse("in/{clientLocalId}/x{patientFirstName}/{orderLocalId}_{orderId}.pdf").unwrap();
            let values =
                NameValues { patient_first_name: &first, order_local_id: &local, client_local_id: &site, ..values() };
            if let Ok(name) = template.name(&values) {
                prop_assert_eq!(name.split('/').count(), 4);
                prop_assert!(name.starts_with("in/"));
                prop_assert!(name.ends_with(".pdf"));
                for part in name.split('/') {
                    prop_assert!(!part.is_empty() && part != "." && part != ".." && part.len() <= 255);
                    prop_assert!(!part.contains(['\\', ':', '\0', '\n']));
                }
            }
        }

        #[test]
        fn no_template_panics(text in ".{0,60}") {
            if let Ok(template) = NameTemplate::parse(&text) {
                let _ = template.name(&values());
            }
        }
    }
}
