//! Examining the parts of a workbook while they pass, before calamine sees them (threats §1).
//!
//! A workbook declares its own sizes. Libraries believe them, and a lie of a kilobyte makes the process abort. So what
//! a part declares is compared with what it contains, piece by piece:
//!
//! | what | limit | because |
//! |---|---|---|
//! | size and ratio | as declared, [`Limits`] | zip bombs |
//! | a token of XML | [`TOKEN`] | the reader holds one whole |
//! | shared texts | entries there can be; memory they will take | the table is reserved by what is declared, and held |
//! | styles | formats × longest token | every format gets its own copy of what it refers to |
//! | workbook, styles, theme, relations | [`SMALL_PART`] | they are held |
//! | declarations (DOCTYPE, ENTITY) | none | entity expansion |

use super::mend::BookTags;
use super::package::Sheets;
use super::refusal::{damaged, hostile, too_large};
use super::remarks::{Remark, SheetTags};
use super::tokens::{Tokens, attribute, local_name};
use crate::failure::FileIssue;
use crate::limits::Limits;

/// Parts up to this size may have any ratio: small XML compresses extremely well.
pub(super) const SMALL: u64 = 1 << 20;
/// The longest XML token, in bytes: large enough that a cell that is far too long can still be reported in its row.
const TOKEN: usize = 16 << 20;
/// The largest size of parts that are held as a whole.
pub(super) const SMALL_PART: u64 = 16 << 20;
/// The most bytes that formats may copy from each other.
const STYLES: u64 = 128 << 20;
/// How many more entries than it has room for a table of shared texts may declare: writers are sloppy, and this much
/// can be reserved.
const SLOPPY: u64 = 1_000_000;
/// Memory of an entry in the table of shared texts, beyond its text: the minimum, and how many bytes of text fit into
/// it.
const ENTRY: u64 = 56;
const ENTRY_TEXT: u64 = 24;
/// The usual minimum of XML around an entry, `<si><t></t></si>`; and the absolute one, `<si/>`.
const ENTRY_XML: u64 = 16;
const LEAST_ENTRY: u64 = 5;

/// Examines one part as it passes.
pub(super) struct Examined<'l> {
    name: String,
    limits: &'l Limits,
    sheets: &'l Sheets,
    /// Its size as declared, and as stored.
    declared: u64,
    compressed: u64,
    length: u64,
    tokens: Tokens,
    tags: Tags,
}

/// What the tags of a part declare.
#[derive(Default)]
struct Tags {
    /// The largest declared number of shared texts; an unreadable number counts as the largest possible.
    declared_texts: u64,
    texts: u64,
    formats: u64,
    sheet: SheetTags,
    book: BookTags,
}

impl<'l> Examined<'l> {
    /// A part by its name in lower case.
    pub(super) fn new(name: &str, declared: u64, compressed: u64, limits: &'l Limits, sheets: &'l Sheets) -> Self {
        let (tokens, tags) = (Tokens::default(), Tags::default());
        Self { name: name.to_owned(), limits, sheets, declared, compressed, length: 0, tokens, tags }
    }

    /// The next piece, mended where calamine would misread it, and the remarks about it.
    pub(super) fn pass(&mut self, piece: &mut [u8]) -> Result<Vec<Remark>, FileIssue> {
        let is_wide = matches!(piece, [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [_, 0, ..] | [0, ..]);
        if self.length == 0 && is_wide {
            return Err(damaged());
        }
        self.length += piece.len() as u64;
        if self.length > self.declared {
            return Err(hostile("it grows beyond all measure when it is unpacked"));
        }
        if self.length > SMALL && self.length / self.compressed.max(1) > self.limits.ratio {
            return Err(hostile("it is compressed beyond all measure"));
        }
        let begins = self.length - piece.len() as u64;
        let Self { tokens, tags, sheets, .. } = self;
        match &*self.name {
            name if name.ends_with("sharedstrings.xml") => tokens.feed(piece, &mut |tag| match local_name(tag.bytes) {
                b"sst" => {
                    let declared = attribute(tag.bytes, b"uniqueCount").map_or(0, number);
                    tags.declared_texts = tags.declared_texts.max(declared);
                }
                b"si" => tags.texts += 1,
                _ => {}
            }),
            name if name.ends_with("styles.xml") => tokens.feed(piece, &mut |tag| {
                tags.formats += u64::from(local_name(tag.bytes) == b"xf");
            }),
            name if name == sheets.document => tokens.feed(piece, &mut |tag| tags.book.tag(tag, sheets)),
            _ => tokens.feed(piece, &mut |tag| tags.sheet.tag(tag)),
        }
        self.check()?;
        let mends = self.tags.sheet.mends().into_iter().chain(self.tags.book.mends());
        if !mends.into_iter().all(|mend| mend.apply(piece, begins)) {
            return Err(hostile("a value in it is written beyond all measure"));
        }
        Ok(self.tags.sheet.take())
    }

    fn check(&self) -> Result<(), FileIssue> {
        if self.tokens.declares {
            return Err(hostile("it declares XML entities"));
        }
        if self.tokens.longest > TOKEN {
            return Err(hostile("it holds a cell beyond all measure"));
        }
        if self.tokens.has_cdata && self.name.contains("worksheets/") {
            return Err(hostile("its cells are written in an unusual way (CDATA)"));
        }
        let is_held = self.name.ends_with(".rels")
            || self.name.ends_with("styles.xml")
            || self.name.ends_with("workbook.xml")
            || self.name.contains("theme/");
        if is_held && self.length > SMALL_PART {
            return Err(hostile("its description is far too long"));
        }
        if self.tokens.has_cut_tag && self.name.ends_with("sharedstrings.xml") {
            return Err(hostile("its table of texts declares something beyond all measure"));
        }
        let Tags { declared_texts, texts, formats, .. } = self.tags;
        if formats.saturating_mul(self.tokens.longest as u64) > STYLES {
            return Err(hostile("it has far too many formats"));
        }
        if declared_texts > (self.declared / LEAST_ENTRY).saturating_add(SLOPPY) {
            return Err(hostile("its table of texts declares more entries than it has"));
        }
        let text = self.length.saturating_sub(texts.saturating_mul(ENTRY_XML + ENTRY_TEXT));
        let reserved = declared_texts.max(texts).saturating_mul(ENTRY_TEXT);
        let held = texts.saturating_mul(ENTRY).saturating_add(text).max(reserved);
        if (texts > 0 || declared_texts > SLOPPY) && held > self.limits.shared_string_bytes {
            return Err(too_large(
                "The workbook holds too many different texts. Split it, or save it as .csv.".to_owned(),
            ));
        }
        Ok(())
    }
}

/// A declared number; an unreadable one counts as the largest possible.
fn number(text: &[u8]) -> u64 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(u64::MAX)
}
