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

/// What the Go client reads as text all the same: its types are fixed, and it hands on nothing of a result in which one
/// does not fit.
const TEXT_IN_GO: &[&str] = &["ImageContext", "Genders"];

/// Keys with a second published spelling, and the section they stand in.
const SPELLINGS: &[(&str, &str, &str)] = &[
    ("Order", "PatientOrderId", "PatientOrderID"),
    ("Order", "ServicedTime", "ServiceDate"),
    ("Genders", "Gender", "Value"),
    ("Address", "PostalCode", "Zip"),
    ("Address", "Street1", "Street"),
];

/// The document as the organization's settings want it. Codes without a published number stay as they are; for the Go
/// client, which could not read them, they are null.
#[must_use]
pub fn compatible(mut document: Value, settings: &ResultSettings) -> Value {
    if settings.key_spelling == KeySpelling::Both {
        spell("", &mut document);
    }
    if settings.enum_encoding != EnumEncoding::Code {
        number(&mut document, settings.enum_encoding);
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

/// Writes numbers for codes.
fn number(value: &mut Value, encoding: EnumEncoding) {
    let stays = |key: &str| encoding == EnumEncoding::GoClient && TEXT_IN_GO.contains(&key);
    match value {
        Value::Object(entries) => entries.iter_mut().filter(|(key, _)| !stays(key)).for_each(|(key, inner)| {
            // A client that wants numbers wants them under the second spelling of a gender too.
            let key = if key == "Value" { "Gender" } else { key };
            match NUMBERED.iter().find(|(numbered, _)| *numbered == key) {
                Some((_, id)) => renumber(inner, *id, encoding),
                None => number(inner, encoding),
            }
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| number(item, encoding)),
        _ => {}
    }
}

fn renumber(value: &mut Value, id: Number, encoding: EnumEncoding) {
    match value {
        Value::String(code) => match id(code) {
            Some(id) => *value = Value::from(id),
            None if encoding == EnumEncoding::GoClient => *value = Value::Null,
            None => {}
        },
        Value::Array(items) => items.iter_mut().for_each(|item| renumber(item, id, encoding)),
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

    #[test]
    fn what_the_go_client_has_types_for() {
        let settings = ResultSettings { enum_encoding: EnumEncoding::GoClient, ..ResultSettings::default() };
        let mut both_eyes = document();
        both_eyes["Images"][0]["Laterality"] = json!("OU");
        let mut expected = document();
        expected["Order"]["EvaluationTypes"] = json!([1, null]);
        expected["Patient"]["Gender"] = json!(2);
        expected["Images"][0]["Laterality"] = json!(0);
        assert_eq!(compatible(document(), &settings), expected);
        expected["Images"][0]["Laterality"] = Value::Null;
        assert_eq!(compatible(both_eyes, &settings), expected);
    }
}
