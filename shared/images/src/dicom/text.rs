//! Texts in the character set of their data set (DICOM PS3.3 §C.12.1.1.2).

use encoding_rs::Encoding;

/// Text of the default repertoire, without padding.
pub(super) fn ascii(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii())?;
    let text = text.trim_matches([' ', '\0']);
    (!text.is_empty()).then(|| text.to_owned())
}

/// Text in a SpecificCharacterSet. If the character set does not explain the bytes, there is no text: ids are not
/// guessed.
pub(super) fn decoded(value: &[u8], character_set: Option<&str>) -> Option<String> {
    if value.is_ascii() && !value.contains(&0x1b) {
        return ascii(value);
    }
    let (text, malformed) = encoding(character_set?)?.decode_without_bom_handling(value);
    (!malformed).then(|| text.trim_matches([' ', '\0']).to_owned())
}

/// Character sets without code extensions. Those with escape sequences are used for names, not ids.
fn encoding(character_set: &str) -> Option<&'static Encoding> {
    let label: &[u8] = match character_set {
        "ISO_IR 192" => b"utf-8",
        "ISO_IR 100" => b"iso-8859-1",
        "ISO_IR 101" => b"iso-8859-2",
        "ISO_IR 109" => b"iso-8859-3",
        "ISO_IR 110" => b"iso-8859-4",
        "ISO_IR 144" => b"iso-8859-5",
        "ISO_IR 127" => b"iso-8859-6",
        "ISO_IR 126" => b"iso-8859-7",
        "ISO_IR 138" => b"iso-8859-8",
        "ISO_IR 13" => b"shift_jis",
        "ISO_IR 166" => b"tis-620",
        "GB18030" => b"gb18030",
        "GBK" => b"gbk",
        _ => return None,
    };
    Encoding::for_label(label)
}
