//! Looking at a workbook before it is opened (threats.md).
//!
//! A workbook is an archive of XML that says about itself how large it is. Libraries believe it, and a lie of a kilobyte makes the
//! process abort. So every part is inflated here first, through a capped reader, and what it says is compared with what it is:
//!
//! | what | limit | because |
//! |---|---|---|
//! | parts, sizes, ratio | [`Limits`] | zip bombs |
//! | names | inside the archive | path tricks |
//! | a token of XML | [`TOKEN`] | the reader holds one whole |
//! | shared texts | entries there are; memory they will take | the table is reserved by what is declared, and held |
//! | styles | formats × longest token | every format gets its own copy of what it refers to |
//! | workbook, styles, theme, relations | [`SMALL_PART`] | they are held |
//! | declarations (DOCTYPE, ENTITY) | none | entity expansion |

use super::tokens::{Tokens, attribute, local_name};
use crate::failure::FileIssue;
use crate::limits::Limits;
use iris_model::{Issue, IssueCode};
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use zip::ZipArchive;

/// Most parts of a workbook; real ones have some dozens.
const PARTS: usize = 10_000;
/// Parts up to this size may have any ratio: small XML compresses extremely well.
const SMALL: u64 = 1 << 20;
/// The longest token of XML, in bytes: room for cells that are far too long, so that the row can say so.
const TOKEN: usize = 16 << 20;
/// The largest part of those that are held as a whole.
const SMALL_PART: u64 = 16 << 20;
/// The most bytes that formats may copy from each other.
const STYLES: u64 = 128 << 20;
/// How many entries more than it has a table of shared texts may declare: writers are sloppy, and this much can be reserved.
const SLOPPY: u64 = 1_000_000;
/// Memory of an entry of the table of shared texts beyond its text: what it needs at least, and how many bytes of text fit into that.
const ENTRY: u64 = 56;
const ENTRY_TEXT: u64 = 24;
/// The least XML around an entry: `<si><t></t></si>`.
const ENTRY_XML: u64 = 16;

/// Refuses a workbook that is damaged or lies about itself.
pub(super) fn scan(file: &mut File, limits: &Limits) -> Result<(), FileIssue> {
    let length = file.metadata().map_err(FileIssue::io)?.len();
    if length > limits.workbook_bytes {
        let message = format!(
            "The workbook has {} MB; at most {} MB are taken. Split it.",
            length >> 20,
            limits.workbook_bytes >> 20
        );
        return Err(too_large(message));
    }
    file.rewind().map_err(FileIssue::io)?;
    let mut archive = ZipArchive::new(BufReader::new(&mut *file)).map_err(|_| damaged())?;
    if archive.len() > PARTS {
        return Err(hostile("it has too many parts"));
    }
    if archive.has_overlapping_files().map_err(|_| damaged())? {
        return Err(hostile("its parts lie upon one another"));
    }
    let mut book = Book::default();
    let mut inflated = 0;
    let mut piece = vec![0; 64 * 1024];
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| of_zip(&error))?;
        let name = part.name().map_err(|error| of_zip(&error))?.replace('\\', "/").to_ascii_lowercase();
        if part.enclosed_name().is_none() || name.starts_with('/') {
            return Err(hostile("it holds a part with an unusable name"));
        }
        let (declared, compressed) = (part.size(), part.compressed_size());
        let most = limits.inflated_bytes.saturating_sub(inflated);
        let found = book.read(&name, part, most, &mut piece)?;
        inflated += found.length;
        if found.length > declared || inflated > limits.inflated_bytes {
            return Err(hostile("it grows beyond all measure when it is unpacked"));
        }
        if found.length > SMALL && found.length / compressed.max(1) > limits.ratio {
            return Err(hostile("it is compressed beyond all measure"));
        }
        found.check(&name, limits)?;
        book.parts.push((name, found.length));
    }
    book.check()?;
    drop(archive);
    file.rewind().map_err(FileIssue::io)
}

/// What is known of a workbook's parts.
#[derive(Default)]
struct Book {
    /// Names in lower case, and lengths.
    parts: Vec<(String, u64)>,
    /// What the archive as a whole says its document is.
    document: Option<String>,
    /// Sheets of a format that cannot be read.
    is_binary: bool,
}

/// What was found in a part.
#[derive(Default)]
struct Found {
    length: u64,
    longest: usize,
    declares: bool,
    has_cdata: bool,
    /// Largest number of shared texts declared; a number that cannot be read is the largest.
    declared_texts: u64,
    texts: u64,
    formats: u64,
}

impl Book {
    /// Inflates a part to its end or one byte beyond the limit.
    fn read(&mut self, name: &str, part: impl Read, most: u64, piece: &mut [u8]) -> Result<Found, FileIssue> {
        let mut found = Found::default();
        let is_xml = name.ends_with(".xml") || name.ends_with(".rels");
        let is_relations = name.ends_with(".rels");
        let (texts, styles) = (name.ends_with("sharedstrings.xml"), name.ends_with("styles.xml"));
        let (mut declared, mut entries, mut formats) = (0, 0, 0);
        let mut on_tag = |tag: &[u8]| match local_name(tag) {
            b"sst" => declared = declared.max(attribute(tag, b"uniqueCount").map_or(0, number)),
            b"si" => entries += 1,
            b"xf" => formats += 1,
            b"Relationship" if is_relations => self.relation(name, tag),
            _ => {}
        };
        let asks = texts || styles || is_relations;
        let mut tokens = Tokens::new(if asks { Some(&mut on_tag) } else { None });
        let mut part = part.take(most.saturating_add(1));
        loop {
            let length = part.read(piece).map_err(|_| damaged())?;
            let read = piece.get(..length).unwrap_or_default();
            if is_xml && found.length == 0 && matches!(read, [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [_, 0, ..] | [0, ..])
            {
                return Err(damaged());
            }
            found.length += length as u64;
            if length == 0 {
                break;
            }
            if is_xml {
                tokens.feed(read);
                if tokens.longest > TOKEN || tokens.declares {
                    break;
                }
            }
        }
        (found.longest, found.declares, found.has_cdata) = (tokens.longest, tokens.declares, tokens.has_cdata);
        (found.declared_texts, found.texts, found.formats) = (declared, entries, formats);
        Ok(found)
    }

    /// What a relation points to: the document, and sheets.
    fn relation(&mut self, name: &str, tag: &[u8]) {
        let kind = attribute(tag, b"Type").unwrap_or_default();
        let target = String::from_utf8_lossy(attribute(tag, b"Target").unwrap_or_default()).to_ascii_lowercase();
        let is_document = kind.ends_with(b"/officeDocument");
        if (is_document || kind.ends_with(b"/worksheet")) && !target.ends_with(".xml") {
            self.is_binary = true;
        }
        if is_document && name.ends_with("_rels/.rels") {
            self.document = Some(target.trim_start_matches('/').to_owned());
        }
    }

    fn check(&self) -> Result<(), FileIssue> {
        let has = |start: &str| self.parts.iter().any(|(name, _)| name.starts_with(start));
        if self.is_binary || has("xl/workbook.bin") {
            return Err(unsupported(
                "This is a binary workbook (.xlsb). Save it as .xlsx or as .csv and drop it again.",
            ));
        }
        if has("content.xml") {
            return Err(unsupported(
                "OpenDocument files cannot be loaded. Save it as .xlsx or as .csv and drop it again.",
            ));
        }
        if has("word/") || has("ppt/") {
            return Err(unsupported(
                "Only spreadsheets can be loaded. Save the table as .xlsx or as .csv and drop it again.",
            ));
        }
        let Some(document) = &self.document else {
            return Err(unsupported(
                "The archive holds no workbook. Drop its files one by one, as .xlsx, .csv or .json.",
            ));
        };
        match self.parts.iter().find(|(name, _)| name == document) {
            Some((_, length)) if *length > SMALL_PART => Err(hostile("its description is far too long")),
            Some(_) => Ok(()),
            None => Err(damaged()),
        }
    }
}

impl Found {
    fn check(&self, name: &str, limits: &Limits) -> Result<(), FileIssue> {
        if self.declares {
            return Err(hostile("it declares XML entities"));
        }
        if self.longest > TOKEN {
            return Err(hostile("it holds a cell beyond all measure"));
        }
        if self.has_cdata && name.contains("worksheets/") {
            return Err(hostile("its cells are written in an unusual way (CDATA)"));
        }
        let is_held = name.ends_with(".rels") || name.ends_with("styles.xml") || name.contains("theme/");
        if is_held && self.length > SMALL_PART {
            return Err(hostile("its description is far too long"));
        }
        if self.formats.saturating_mul(self.longest as u64) > STYLES {
            return Err(hostile("it has far too many formats"));
        }
        if self.declared_texts > self.texts.saturating_add(SLOPPY) {
            return Err(hostile("its table of texts declares more entries than it has"));
        }
        let text = self.length.saturating_sub(self.texts.saturating_mul(ENTRY_XML + ENTRY_TEXT));
        if self.texts > 0 && self.texts.saturating_mul(ENTRY).saturating_add(text) > limits.shared_string_bytes {
            return Err(too_large(
                "The workbook holds too many different texts. Split it, or save it as .csv.".to_owned(),
            ));
        }
        Ok(())
    }
}

/// A declared number; one that cannot be read is the largest.
fn number(text: &[u8]) -> u64 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(u64::MAX)
}

fn of_zip(error: &zip::result::ZipError) -> FileIssue {
    match error {
        zip::result::ZipError::UnsupportedArchive(zip::result::ZipError::PASSWORD_REQUIRED) => {
            let message = "The workbook is protected by a password. Save it without one and drop it again.";
            FileIssue::file(Issue::error(IssueCode::UnreadableFile, "", message))
        }
        _ => damaged(),
    }
}

fn unsupported(message: &'static str) -> FileIssue {
    FileIssue::file(Issue::error(IssueCode::UnsupportedFormat, "", message))
}

fn too_large(message: String) -> FileIssue {
    FileIssue::file(Issue::error(IssueCode::TooLarge, "", message))
}

pub(super) fn hostile(why: &str) -> FileIssue {
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
