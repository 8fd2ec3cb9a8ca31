//! What the published clients need instead of the canonical form (iris-facts §2.10, §5, §13 #2, #42, #43; decision
//! 132).

use crate::organization::{EnumEncoding, KeySpelling, ResultSettings};
use crate::{EvaluationType, Gender, GenderContext, ImageContext, Laterality};
use serde_json::Value;

/// The number of a code.
type Number = fn(&str) -> Option<u8>;

/// Enumerations with published numbers, by the key they stand under.
const NUMBERED: &[(&str, Number)] = &[
    ("EvaluationTypes", |code| EvaluationType::from_text(code)?.id()),
    ("Laterality", |code| Laterality::from_text(code)?.id()),
    ("ImageContext", |code| ImageContext::from_text(code)?.id()),
    ("Gender", |code| Gender::from_text(code)?.id()),
    ("Context", |code| GenderContext::from_text(code)?.id()),
];

/// Keys with a second published spelling, and the section they stand in.
const SPELLINGS: &[(&str, &str, &str)] = &[
    ("Order", "PatientOrderId", "PatientOrderID"),
    ("Order", "ServicedTime", "ServiceDate"),
    ("Genders", "Gender", "Value"),
    ("Address", "PostalCode", "Zip"),
    ("Address", "Street1", "Street"),
];

/// The document as the organization's settings want it. Codes without a published number stay as they are.
#[must_use]
pub fn compatible(mut document: Value, settings: &ResultSettings) -> Value {
    if settings.key_spelling == KeySpelling::Both {
        spell("", &mut document);
    }
    if settings.enum_encoding == EnumEncoding::Numeric {
        number(&mut document);
    }
    document
}

fn spell(section: &str, value: &mut Value) {
    match value {
        Value::Object(entries) => {
            for (_, key, other) in SPELLINGS.iter().filter(|(place, ..)| *place == section) {
                if let Some(known) = entries.get(*key).cloned() {
                    entries.insert((*other).to_owned(), known);
                }
            }
            entries.iter_mut().for_each(|(key, inner)| spell(key, inner));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| spell(section, item)),
        _ => {}
    }
}

fn number(value: &mut Value) {
    match value {
        Value::Object(entries) => entries.iter_mut().for_each(|(key, inner)| {
            // A client that wants numbers wants them under the second spelling of a gender too.
            let key = if key == "Value" { "Gender" } else { key };
            match NUMBERED.iter().find(|(numbered, _)| *numbered == key) {
                Some((_, id)) => renumber(inner, *id),
                None => number(inner),
            }
        }),
        Value::Array(items) => items.iter_mut().for_each(number),
        _ => {}
    }
}

fn renumber(value: &mut Value, id: fn(&str) -> Option<u8>) {
    match value {
        Value::String(code) => {
            if let Some(id) = id(code) {
                *value = Value::from(id);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| renumber(item, id)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "Order": { "PatientOrderId": 5, "EvaluationTypes": ["DR", "ME"], "ServicedTime": "t" },
            "Patient": { "Gender": "F", "Genders": [{ "Context": "BirthGender", "Gender": "F" }] },
            "Images": [{ "Laterality": "OS", "ImageContext": "Primary" }],
            "Site": { "Address": { "PostalCode": "98101", "Street1": "1 Sample Street" } }
        })
    }

    #[test]
    fn the_default_changes_nothing() {
        assert_eq!(compatible(document(), &ResultSettings::default()), document());
    }

    #[test]
    fn numbers_and_both_spellings() {
        let settings = ResultSettings {
            enum_encoding: EnumEncoding::Numeric,
            key_spelling: KeySpelling::Both,
            ..ResultSettings::default()
        };
        assert_eq!(
            compatible(document(), &settings),
            json!({
                "Order": { "PatientOrderId": 5, "PatientOrderID": 5, "EvaluationTypes": [1, "ME"], "ServicedTime": "t",
                    "ServiceDate": "t" },
                "Patient": { "Gender": 2, "Genders": [{ "Context": 2, "Gender": 2, "Value": 2 }] },
                "Images": [{ "Laterality": 0, "ImageContext": 0 }],
                "Site": { "Address": { "PostalCode": "98101", "Zip": "98101", "Street1": "1 Sample Street",
                    "Street": "1 Sample Street" } }
            })
        );
    }
}
