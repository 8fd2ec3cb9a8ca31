//! Looking at a workbook before it is opened (threats.md).
//!
//! A workbook is an archive of XML that says about itself how large it is. Libraries believe it, and a lie of a kilobyte makes the
//! process abort. So every part is inflated here first, through a capped reader, and what it says is compared with what it is.

use crate::failure::FileIssue;
use crate::limits::Limits;
use iris_model::{Issue, IssueCode};
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use zip::ZipArchive;

/// Most parts of a workbook; real ones have some dozens.
const PARTS: usize = 10_000;
/// The shortest XML of a shared string, `<si/>` and its like, in bytes.
const SHORTEST_STRING: u64 = 5;
/// Parts up to this size may have any ratio: small XML compresses extremely well.
const SMALL: u64 = 1 << 20;
/// Bytes inflated at a time.
const PIECE: usize = 32 * 1024;
/// The longest text between two brackets.
const STRETCH: usize = 8 << 20;
/// Where declarations stand: at the beginning of a part.
const BEGINNING: usize = 8 * 1024;

/// Refuses a workbook that is damaged or lies about itself.
pub(super) fn scan(file: &mut File, limits: &Limits) -> Result<(), FileIssue> {
    let length = file.metadata().map_err(FileIssue::io)?.len();
    if length > limits.workbook_bytes {
        return Err(too_large(format!(
            "The workbook has {} MB; at most {} MB are taken.",
            length >> 20,
            limits.workbook_bytes >> 20
        )));
    }
    file.rewind().map_err(FileIssue::io)?;
    let mut archive = ZipArchive::new(BufReader::new(&mut *file)).map_err(|_| damaged())?;
    if archive.len() > PARTS {
        return Err(hostile("it has too many parts"));
    }
    if archive.has_overlapping_files().map_err(|_| damaged())? {
        return Err(hostile("its parts lie upon one another"));
    }
    let mut inflated = 0;
    let mut beginning = Vec::with_capacity(BEGINNING);
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| of_zip(&error))?;
        if part.enclosed_name().is_none() {
            return Err(hostile("it holds a part with an unusable name"));
        }
        let name = part.name().map_err(|error| of_zip(&error))?.to_ascii_lowercase();
        let (declared, compressed) = (part.size(), part.compressed_size());
        let most = limits.inflated_bytes.saturating_sub(inflated);
        let (actual, start) = inflate(part, most, &mut beginning)?;
        inflated += actual;
        if actual > declared || inflated > limits.inflated_bytes {
            return Err(hostile("it grows beyond all measure when it is unpacked"));
        }
        if actual > SMALL && actual / compressed.max(1) > limits.ratio {
            return Err(hostile("it is compressed beyond all measure"));
        }
        check_part(&name, actual, start, limits)?;
    }
    drop(archive);
    file.rewind().map_err(FileIssue::io)
}

/// Inflates a part to its end or the limit; gives its length and beginning. What stands between two brackets is held in memory as a whole
/// by any reader, so it is bounded too.
fn inflate(part: impl Read, most: u64, beginning: &mut Vec<u8>) -> Result<(u64, &[u8]), FileIssue> {
    beginning.clear();
    let mut part = part.take(most.saturating_add(1));
    let (mut length, mut run) = (0, 0);
    let mut piece = [0; PIECE];
    loop {
        let read = part.read(&mut piece).map_err(|_| damaged())?;
        if read == 0 {
            return Ok((length, beginning));
        }
        let bytes = &piece[..read];
        let room = BEGINNING.saturating_sub(beginning.len()).min(read);
        beginning.extend_from_slice(&bytes[..room]);
        length += read as u64;
        let mut stretches = bytes.split(|byte| matches!(byte, b'<' | b'>'));
        run += stretches.next().map_or(0, <[u8]>::len);
        let mut longest = run;
        for stretch in stretches {
            longest = longest.max(stretch.len());
            run = stretch.len();
        }
        if longest > STRETCH {
            return Err(hostile("it holds a text of many megabytes"));
        }
    }
}

/// Any part can be made the text table or a sheet by the workbook's own references, so names are not relied on.
fn check_part(name: &str, length: u64, beginning: &[u8], limits: &Limits) -> Result<(), FileIssue> {
    let wide = beginning.starts_with(b"\xff\xfe")
        || beginning.starts_with(b"\xfe\xff")
        || beginning.starts_with(b"<\0")
        || beginning.starts_with(b"\0<");
    if wide && !name.starts_with("customxml/") {
        return Err(hostile("a part of it is not written in UTF-8"));
    }
    if contains(beginning, b"<!DOCTYPE") || contains(beginning, b"<!ENTITY") {
        return Err(hostile("it declares XML entities"));
    }
    if name.ends_with(".xml") || name.ends_with(".rels") {
        let root = root_tag(beginning).ok_or_else(|| hostile("a part of it does not begin as such parts do"))?;
        if name.ends_with("sharedstrings.xml") && length > limits.shared_string_bytes {
            return Err(too_large("The workbook holds too much text. Split it, or save it as .csv.".to_owned()));
        }
        // The table is reserved by what is declared, so that must not exceed what there is.
        if number_of(root, b"uniqueCount").is_some_and(|declared| declared > length / SHORTEST_STRING) {
            return Err(hostile("its table of texts declares more entries than it has"));
        }
    }
    Ok(())
}

/// The first element's tag, which stands at the beginning after nothing but the XML declaration: no comment or padding can hide what it
/// says.
fn root_tag(beginning: &[u8]) -> Option<&[u8]> {
    let mut text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning).trim_ascii_start();
    while text.starts_with(b"<?") {
        let end = text.windows(2).position(|window| window == b"?>")?;
        text = text.get(end + 2..)?.trim_ascii_start();
    }
    let is_element = text.first() == Some(&b'<') && text.get(1).is_some_and(u8::is_ascii_alphabetic);
    let end = text.iter().position(|byte| *byte == b'>')?;
    is_element.then(|| &text[..end])
}

/// The number an attribute declares; a number too large to read is the largest.
fn number_of(beginning: &[u8], attribute: &[u8]) -> Option<u64> {
    let at = beginning
        .windows(attribute.len() + 1)
        .position(|window| window.first().is_some_and(u8::is_ascii_whitespace) && &window[1..] == attribute)?;
    let rest = beginning.get(at + 1 + attribute.len()..)?;
    let digits: String = rest
        .iter()
        .skip_while(|byte| byte.is_ascii_whitespace() || **byte == b'=')
        .skip(1)
        .take_while(|byte| byte.is_ascii_digit())
        .map(|byte| char::from(*byte))
        .collect();
    (!digits.is_empty()).then(|| digits.parse().unwrap_or(u64::MAX))
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(wanted))
}

fn of_zip(error: &zip::result::ZipError) -> FileIssue {
    match error {
        zip::result::ZipError::UnsupportedArchive(zip::result::ZipError::PASSWORD_REQUIRED) => {
            FileIssue::file(Issue::error(
                IssueCode::UnreadableFile,
                "",
                "The workbook is protected by a password. Save it without one.",
            ))
        }
        _ => damaged(),
    }
}

fn too_large(message: String) -> FileIssue {
    FileIssue::file(Issue::error(IssueCode::TooLarge, "", message))
}

fn hostile(why: &str) -> FileIssue {
    let message = format!("The workbook was not opened: {why}. Save it anew as .xlsx or as .csv and drop it again.");
    FileIssue::file(Issue::error(IssueCode::UnreadableFile, "", message))
}

pub(super) fn damaged() -> FileIssue {
    FileIssue::file(Issue::error(
        IssueCode::UnreadableFile,
        "",
        "The workbook is damaged or is none. Open it, save it anew as .xlsx or as .csv, and drop it again.",
    ))
}
