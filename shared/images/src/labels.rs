//! Labeled values in free text: how a device without DICOM identifies an image (decision 173).
//!
//! `PatientID=4711; AccessionNumber=A-100; Laterality=OD`. Labels are case-insensitive and followed by `=` or `:`.
//! Values end at a semicolon, a vertical bar, a line break or the end of the text. Text without labels says nothing: a
//! camera's own description must never be taken for a patient's id.

use crate::Facts;
use iris_model::Laterality;

/// The most characters of a value: DICOM's limit for ids, and that of LocalIds.
pub const VALUE_LIMIT: usize = 64;

/// The most bytes of a text that are read.
const TEXT_LIMIT: usize = 4_096;

/// Adds what labeled text says; facts already known stay.
pub fn read(text: &str, facts: &mut Facts) {
    let end = text.floor_char_boundary(TEXT_LIMIT);
    let text = text.get(..end).unwrap_or_default();
    for part in text.split([';', '|', '\n', '\r', '\0']) {
        let Some((label, content)) = part.split_once(['=', ':']) else { continue };
        let Some(content) = value(content) else { continue };
        let label: String = label.chars().filter(|character| character.is_alphanumeric()).collect();
        let place = match label.to_ascii_lowercase().as_str() {
            "patientid" | "patientlocalid" | "mrn" => &mut facts.patient_id,
            "accessionnumber" | "orderlocalid" | "orderid" => &mut facts.accession_number,
            "studyinstanceuid" | "studyinstanceuniqueid" => &mut facts.study_instance_uid,
            "laterality" | "imagelaterality" | "eye" => {
                facts.laterality = facts.laterality.or_else(|| laterality(&content));
                continue;
            }
            _ => continue,
        };
        if place.is_none() {
            *place = Some(content);
        }
    }
}

/// A value: trimmed, 1 to [`VALUE_LIMIT`] characters, none of them a control character.
pub(crate) fn value(text: &str) -> Option<String> {
    let text = text.trim_matches([' ', '\0', '\t']);
    let usable = !text.is_empty() && text.chars().count() <= VALUE_LIMIT && !text.chars().any(char::is_control);
    usable.then(|| text.to_owned())
}

/// An eye in ophthalmological, DICOM, or plain terms.
pub(crate) fn laterality(text: &str) -> Option<Laterality> {
    match text.trim_matches([' ', '\0']).to_ascii_uppercase().as_str() {
        "OD" | "R" | "RIGHT" => Some(Laterality::Od),
        "OS" | "L" | "LEFT" => Some(Laterality::Os),
        "OU" | "B" | "BOTH" => Some(Laterality::Ou),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> Facts {
        let mut facts = Facts::default();
        read(text, &mut facts);
        facts
    }

    #[test]
    fn labeled_values_are_read_in_any_spelling() {
        let read = facts("PatientID=4711; accession number : A-100 |Laterality=od");
        assert_eq!(read.patient_id.as_deref(), Some("4711"));
        assert_eq!(read.accession_number.as_deref(), Some("A-100"));
        assert_eq!(read.laterality, Some(Laterality::Od));
    }

    #[test]
    fn text_without_labels_says_nothing() {
        for text in ["", "4711", "OLYMPUS DIGITAL CAMERA", "Patient 4711", "=4711", ";;;", "Eye=none"] {
            assert_eq!(facts(text), Facts::default(), "{text}");
        }
    }

    #[test]
    fn values_that_no_id_can_be_are_left_out() {
        assert_eq!(facts(&format!("PatientID={}", "9".repeat(65))), Facts::default());
        assert_eq!(facts("PatientID=a\u{7}b"), Facts::default());
    }
}
