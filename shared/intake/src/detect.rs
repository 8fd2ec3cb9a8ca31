//! Detecting the kind of a file, by its first bytes, then by its name. A file that cannot be loaded is refused with
//! advice on what to do instead.

use iris_model::{Issue, IssueCode};

/// A format that can be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Delimited text.
    Csv,
    /// An Excel workbook (Office Open XML).
    Xlsx,
    /// One JSON object, or an array of objects.
    Json,
    /// One JSON object a line.
    Ndjson,
}

impl Format {
    /// The word as written in receipts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }
}

/// Recognizes a file by its name and its first bytes (as many as there are, 4 KiB suffice).
///
/// # Errors
/// [`IssueCode::Empty`] or [`IssueCode::UnsupportedFormat`].
pub fn detect(name: &str, head: &[u8]) -> Result<Format, Issue> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    let text = trimmed(head);
    if text.is_empty() {
        return Err(Issue::error(
            IssueCode::Empty,
            "",
            "The file is empty. Drop a file with a header and at least one row.",
        ));
    }
    if let Some(kind) = magic(head, &extension) {
        return kind;
    }
    if extension == "hl7" || [&b"MSH|"[..], b"FHS|", b"BHS|", b"\x0bMSH"].iter().any(|start| text.starts_with(start)) {
        return Err(unsupported("HL7 files are not supported yet. Send CSV, XLSX or JSON."));
    }
    match (extension.as_str(), text.first()) {
        ("ndjson" | "jsonl", Some(b'{' | b'[')) => Ok(Format::Ndjson),
        (_, Some(b'{' | b'[')) => Ok(Format::Json),
        ("json" | "ndjson" | "jsonl", _) => Err(unsupported(
            "The file is named as JSON but does not begin with { or [. Send one object, an array, or one object a \
             line.",
        )),
        (_, Some(b'<')) => Err(unsupported("XML and HTML files cannot be loaded. Save the table as .xlsx or .csv.")),
        ("xlsx" | "xlsm", _) => {
            Err(unsupported("The file is named as a workbook but is none. Save it anew as .xlsx or as .csv."))
        }
        _ => Ok(Format::Csv),
    }
}

/// Formats with an unmistakable beginning.
fn magic(head: &[u8], extension: &str) -> Option<Result<Format, Issue>> {
    const SAVE_AS: &str = "Save it as .xlsx or as .csv and drop it again.";
    let refused = |what: &str| Some(Err(unsupported(format!("{what} {SAVE_AS}"))));
    if head.starts_with(b"PK\x03\x04") {
        return match extension {
            "xlsb" => refused("Binary workbooks (.xlsb) cannot be loaded."),
            "ods" => refused("OpenDocument spreadsheets (.ods) cannot be loaded."),
            "docx" | "pptx" | "odt" => refused("Only spreadsheets can be loaded."),
            "zip" => refused("Archives cannot be loaded. Drop the files one by one; a workbook:"),
            _ => Some(Ok(Format::Xlsx)),
        };
    }
    if head.starts_with(b"PK\x05\x06") {
        return refused("The archive is empty.");
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return refused("This is an old (.xls) or password-protected workbook.");
    }
    if head.starts_with(b"{\\rtf") {
        return refused("Letters (RTF) cannot be loaded.");
    }
    const IMAGES: &str = "Images cannot be loaded as orders. Put them into the images container.";
    if let Some(kind) = image(head) {
        return Some(Err(unsupported(format!("This is an image ({kind}). {IMAGES}"))));
    }
    if head.starts_with(b"%PDF") {
        return refused("PDF files cannot be loaded.");
    }
    if head.starts_with(b"\x1f\x8b") || head.starts_with(b"7z\xbc\xaf\x27\x1c") || head.starts_with(b"Rar!") {
        return refused("Compressed files cannot be loaded. Unpack the file;");
    }
    None
}

/// The name of an image's format.
fn image(head: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 6] = [
        (b"\x89PNG\r\n", "PNG"),
        (b"\xff\xd8\xff", "JPEG"),
        (b"GIF8", "GIF"),
        (b"BM", "BMP"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
    ];
    let is_dicom = head.get(128..132) == Some(b"DICM");
    let is_text = |start: &[u8]| start == b"BM" && !head.contains(&0);
    let known = KINDS.iter().find(|(start, _)| head.starts_with(start) && !is_text(start)).map(|(_, kind)| *kind);
    known.or(is_dicom.then_some("DICOM"))
}

fn unsupported(message: impl Into<std::borrow::Cow<'static, str>>) -> Issue {
    Issue::error(IssueCode::UnsupportedFormat, "", message)
}

/// The beginning without byte order marks, white space, and the NULs of UTF-16.
fn trimmed(head: &[u8]) -> Vec<u8> {
    const MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let plain = MARKS.iter().find_map(|mark| head.strip_prefix(*mark)).unwrap_or(head);
    plain.iter().copied().filter(|byte| *byte != 0).skip_while(u8::is_ascii_whitespace).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognized_by_content_before_name() {
        for (name, head, expected) in [
            ("a.csv", &b"LocalId,Dob\n"[..], Format::Csv),
            ("a", b"\xef\xbb\xbfLocalId;Dob", Format::Csv),
            ("a", b"BMI,LocalId\n", Format::Csv),
            ("a.txt", b" \n[{\"a\":1}]", Format::Json),
            ("a.json", b"{\"a\":1}", Format::Json),
            ("a.ndjson", b"{\"a\":1}\n{}", Format::Ndjson),
            ("a.csv", b"PK\x03\x04....", Format::Xlsx),
            ("a.json", b"\xff\xfe{\0\"\0", Format::Json),
        ] {
            assert_eq!(detect(name, head).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_loaded_is_refused_with_what_to_do() {
        for (name, head, code, word) in [
            ("a.csv", &b""[..], IssueCode::Empty, "empty"),
            ("a.csv", b" \r\n", IssueCode::Empty, "empty"),
            ("a.hl7", b"whatever", IssueCode::UnsupportedFormat, "not supported yet"),
            ("a.txt", b"MSH|^~\\&|EMR", IssueCode::UnsupportedFormat, "not supported yet"),
            ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", IssueCode::UnsupportedFormat, ".xlsx"),
            ("a.xlsb", b"PK\x03\x04", IssueCode::UnsupportedFormat, ".xlsx"),
            ("a.pdf", b"%PDF-1.7", IssueCode::UnsupportedFormat, ".csv"),
            ("a.json", b"LocalId,Dob", IssueCode::UnsupportedFormat, "{"),
            ("a.rtf", b"{\\rtf1\\ansi", IssueCode::UnsupportedFormat, "RTF"),
            ("a.png", b"\x89PNG\r\n\x1a\n", IssueCode::UnsupportedFormat, "(PNG)"),
            ("scan.csv", b"\xff\xd8\xff\xe0", IssueCode::UnsupportedFormat, "(JPEG)"),
            ("a.html", b"<html>", IssueCode::UnsupportedFormat, ".csv"),
        ] {
            let issue = detect(name, head).unwrap_err();
            assert_eq!(issue.code, code, "{name}");
            assert!(issue.message.contains(word), "{name}: {}", issue.message);
        }
    }
}
