//! The archive that a workbook is: the names and declared sizes of its parts, before any of them is unpacked.
//!
//! | what | limit |
//! |---|---|
//! | the file, its parts, their declared sizes and ratios | [`Limits`], [`PARTS`] |
//! | names | inside the archive |
//! | the kind of document | a workbook of XML |

use super::examine::{SMALL, SMALL_PART};
use super::refusal::{damaged, hostile, of_zip, too_large, unsupported};
use super::tokens::{Tokens, attribute, local_name};
use crate::failure::FileIssue;
use crate::limits::Limits;
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use zip::ZipArchive;

/// Most parts of a workbook; real ones have a few dozen.
const PARTS: usize = 10_000;

pub(super) type Archive = ZipArchive<BufReader<File>>;

/// A part of the archive, in its place.
pub(super) struct Part {
    /// As written in the archive.
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) compressed: u64,
    pub(super) crc: u32,
}

impl Part {
    /// The name in the form in which parts are compared.
    pub(super) fn key(&self) -> String {
        self.name.replace('\\', "/").to_ascii_lowercase()
    }
}

/// The part that lists the sheets, and which of them can be read.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheets {
    /// Its name in the form in which parts are compared.
    pub(super) document: String,
    /// Ids of relations to sheets of cells, charts and dialogs. Modules have none, and macro sheets are of another
    /// kind.
    pub(super) relations: HashSet<Vec<u8>>,
}

/// A workbook's archive, its parts and its sheets.
pub(super) struct Package {
    pub(super) archive: Archive,
    pub(super) parts: Vec<Part>,
    pub(super) sheets: Sheets,
}

/// Opens the archive of a workbook; refuses one that lies about itself, and anything that is not a workbook.
pub(super) fn open(mut file: File, limits: &Limits) -> Result<Package, FileIssue> {
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
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|_| damaged())?;
    if archive.len() > PARTS {
        return Err(hostile("it has too many parts"));
    }
    if archive.has_overlapping_files().map_err(|_| damaged())? {
        return Err(hostile("its parts lie upon one another"));
    }
    let mut parts = Vec::with_capacity(archive.len());
    let mut inflated = 0u64;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| of_zip(&error))?;
        let name = entry.name().map_err(|error| of_zip(&error))?.into_owned();
        if entry.enclosed_name().is_none() || name.starts_with(['/', '\\']) {
            return Err(hostile("it holds a part with an unusable name"));
        }
        let part = Part { name, size: entry.size(), compressed: entry.compressed_size(), crc: entry.crc32() };
        inflated = inflated.saturating_add(part.size);
        if inflated > limits.inflated_bytes {
            return Err(hostile("it grows beyond all measure when it is unpacked"));
        }
        if part.size > SMALL && part.size / part.compressed.max(1) > limits.ratio {
            return Err(hostile("it is compressed beyond all measure"));
        }
        parts.push(part);
    }
    let sheets = check_kind(&mut archive, &parts)?;
    Ok(Package { archive, parts, sheets })
}

/// Whether it is a workbook that can be read; returns its sheets.
fn check_kind(archive: &mut Archive, parts: &[Part]) -> Result<Sheets, FileIssue> {
    let has = |start: &str| parts.iter().any(|part| part.key().starts_with(start));
    let relations: Vec<usize> = (0..parts.len())
        .filter(|index| parts.get(*index).is_some_and(|part| part.key().ends_with(".rels") && part.size <= SMALL_PART))
        .collect();
    let (mut document, mut is_binary) = (None, has("xl/workbook.bin"));
    let mut readable: Vec<(usize, Vec<u8>)> = Vec::new();
    for index in relations {
        let is_root = parts.get(index).is_some_and(|part| part.key().ends_with("_rels/.rels"));
        for Relation { id, kind, target } in targets(archive, index)? {
            if ["/worksheet", "/chartsheet", "/dialogsheet"].iter().any(|sheet| kind.ends_with(sheet)) {
                readable.push((index, id));
            }
            let is_document = kind.ends_with("/officeDocument");
            is_binary |= (is_document || kind.ends_with("/worksheet")) && !target.ends_with(".xml");
            if is_document && is_root {
                document = Some(target.trim_start_matches('/').to_owned());
            }
        }
    }
    if is_binary && !has("content.xml") && !has("word/") && !has("ppt/") {
        return Err(unsupported("This is a binary workbook (.xlsb). Save it as .xlsx or as .csv and drop it again."));
    }
    if has("content.xml") {
        return Err(unsupported("OpenDocument files cannot be loaded. Save it as .xlsx or as .csv and drop it again."));
    }
    if has("word/") || has("ppt/") {
        return Err(unsupported(
            "Only spreadsheets can be loaded. Save the table as .xlsx or as .csv and drop it again.",
        ));
    }
    let Some(document) = document else {
        return Err(unsupported("The archive holds no workbook. Drop its files one by one, as .xlsx, .csv or .json."));
    };
    match parts.iter().find(|part| part.key() == document) {
        Some(part) if part.size > SMALL_PART => Err(hostile("its description is far too long")),
        Some(_) => {
            let (folder, file) = document.rsplit_once('/').map_or(("", &*document), |(folder, file)| (folder, file));
            let own = format!("{folder}/_rels/{file}.rels");
            let is_own =
                |index: &usize| parts.get(*index).is_some_and(|part| part.key() == own.trim_start_matches('/'));
            let relations = readable.into_iter().filter(|(index, _)| is_own(index)).map(|(_, id)| id).collect();
            Ok(Sheets { document, relations })
        }
        None => Err(damaged()),
    }
}

/// What an entry in a part of relations points to: its id, kind and target, the target in lower case.
struct Relation {
    id: Vec<u8>,
    kind: String,
    target: String,
}

fn targets(archive: &mut Archive, index: usize) -> Result<Vec<Relation>, FileIssue> {
    let mut xml = Vec::new();
    let part = archive.by_index(index).map_err(|error| of_zip(&error))?;
    part.take(SMALL_PART).read_to_end(&mut xml).map_err(|_| damaged())?;
    let mut targets = Vec::new();
    Tokens::default().feed(&xml, &mut |tag| {
        if local_name(tag.bytes) == b"Relationship" {
            let text = |name| String::from_utf8_lossy(attribute(tag.bytes, name).unwrap_or_default()).into_owned();
            targets.push(Relation {
                id: attribute(tag.bytes, b"Id").unwrap_or_default().to_vec(),
                kind: text(b"Type"),
                target: text(b"Target").to_ascii_lowercase(),
            });
        }
    });
    Ok(targets)
}
