//! Whatever the encoding, UTF-8 comes out (decision 17).
//!
//! A byte order mark decides; otherwise UTF-16 shows by its NULs; otherwise text is ASCII until proven otherwise, and
//! the first other bytes decide: valid UTF-8 is UTF-8, anything else is what chardetng makes of it (windows-1252 in
//! nearly all files that payers send). ASCII and UTF-8 are passed on as they are, without a copy.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, UTF_8, UTF_16BE, UTF_16LE};
use iris_model::issue::quoted;
use iris_model::{Issue, IssueCode};
use std::io::{ErrorKind, Read, Result};
use std::sync::{Arc, OnceLock};

const PIECE: usize = 64 * 1024;

/// Files come from the United States: where bytes fit several encodings, the western one is assumed.
const HOME: &[u8] = b"us";

/// Reads text of any encoding as UTF-8. Invalid bytes in a file that began as UTF-8 are passed on for the record reader
/// to report.
pub(crate) struct Utf8Reader<R> {
    inner: R,
    mode: Mode,
    /// Text to be returned before anything else is read.
    ready: Vec<u8>,
    at: usize,
    encoding: Encoding,
}

/// The encoding of a text, as far as its letters have shown it. Pure ASCII counts as UTF-8.
#[derive(Clone, Default)]
pub(crate) struct Encoding(Arc<Noted>);

#[derive(Default)]
struct Noted {
    name: OnceLock<&'static str>,
    /// A word that suggests a different encoding.
    doubt: OnceLock<String>,
}

impl Encoding {
    /// Its name in the WHATWG's list.
    pub(crate) fn name(&self) -> &'static str {
        self.0.name.get().copied().unwrap_or("UTF-8")
    }

    /// The warning for a guessed encoding where words suggest that the guess is wrong.
    pub(crate) fn warning(&self) -> Option<Issue> {
        let sample = self.0.doubt.get()?;
        let message = format!(
            "The letters of the file were guessed and may be wrong, e.g. {}. If they are, save it as UTF-8 (in Excel: \
             CSV UTF-8) and drop it again.",
            quoted(sample)
        );
        Some(Issue::warning(IssueCode::BadEncoding, "", message))
    }
}

/// The first word that nobody would write: it has a sign between letters, or a capital letter beyond ASCII after small
/// ones. This is what letters from DOS and old Macs look like when they are read as those of Windows.
fn doubtful(text: &str) -> Option<&str> {
    if text.is_ascii() {
        return None;
    }
    let is_end = |character: char| character.is_whitespace() || matches!(character, ',' | ';' | '|' | '"' | '\t');
    text.split(is_end).filter(|word| !word.is_ascii()).find(|word| {
        let characters: Vec<char> = word.chars().collect();
        let has_small = characters.iter().any(char::is_ascii_lowercase);
        let letter = |place: Option<usize>| {
            place.and_then(|place| characters.get(place)).is_some_and(|character| character.is_alphabetic())
        };
        characters.iter().enumerate().any(|(place, character)| {
            let (before, behind) = (letter(place.checked_sub(1)), letter(place.checked_add(1)));
            let is_capital = character.is_uppercase() && before && has_small;
            // An apostrophe may stand between letters; a long dash and an ordinal sign, after them.
            let is_sign = !character.is_alphanumeric() && !matches!(character, '’' | '‘' | '´' | '·' | '\u{AD}');
            let is_usual_behind = matches!(character, '’' | '”' | '…' | '®' | '™' | '°' | '»' | '›' | '€');
            !character.is_ascii() && (is_capital || (is_sign && before && (behind || !is_usual_behind)))
        })
    })
}

/// Drops the NULs at the end of a text: some programs pad their last block with them.
pub(crate) struct Unpadded<R> {
    inner: R,
    /// NULs that were read and may be padding.
    held: u64,
    /// Text after those NULs, and the NULs after it.
    ready: Vec<u8>,
    at: usize,
    behind: u64,
}

impl<R: Read> Unpadded<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, held: 0, ready: Vec::new(), at: 0, behind: 0 }
    }
}

impl<R: Read> Read for Unpadded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            if self.at < self.ready.len() {
                // NULs before a text are not padding.
                if self.held > 0 {
                    let length = usize::try_from(self.held).unwrap_or(usize::MAX).min(buffer.len());
                    buffer.get_mut(..length).unwrap_or_default().fill(0);
                    self.held -= length as u64;
                    return Ok(length);
                }
                let rest = self.ready.get(self.at..).unwrap_or_default();
                let length = rest.len().min(buffer.len());
                if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
                    to.copy_from_slice(from);
                }
                self.at += length;
                if self.at == self.ready.len() {
                    self.held = std::mem::take(&mut self.behind);
                }
                return Ok(length);
            }
            let length = self.inner.read(buffer)?;
            let piece = buffer.get(..length).unwrap_or_default();
            let text = piece.len() - piece.iter().rev().take_while(|byte| **byte == 0).count();
            let padding = (piece.len() - text) as u64;
            if length == 0 {
                return Ok(0);
            }
            if text > 0 && self.held == 0 {
                self.held = padding;
                return Ok(text);
            }
            if text > 0 {
                self.ready = piece.get(..text).unwrap_or_default().to_vec();
                (self.at, self.behind) = (0, padding);
            } else {
                self.held += padding;
            }
        }
    }
}

enum Mode {
    Start,
    Ascii,
    Utf8,
    Other(Box<Decoder>),
    /// Nothing but its letters says which encoding it is.
    Guessed(Box<Decoder>),
    End,
}

impl<R: Read> Utf8Reader<R> {
    /// The reader, and where it notes the encoding.
    pub(crate) fn new(inner: R) -> (Self, Encoding) {
        let encoding = Encoding::default();
        let noted = encoding.clone();
        (Self { inner, mode: Mode::Start, ready: Vec::new(), at: 0, encoding }, noted)
    }

    /// Reads a first piece and determines its encoding.
    fn start(&mut self) -> Result<()> {
        let mut piece = self.piece(PIECE)?;
        self.mode = recognized(&mut piece);
        self.take(piece)
    }

    /// Turns a piece that was read into text.
    fn take(&mut self, mut piece: Vec<u8>) -> Result<()> {
        if matches!(self.mode, Mode::Ascii) && !piece.is_ascii() {
            self.mode = self.decided(&mut piece)?;
        }
        if let Mode::Other(decoder) | Mode::Guessed(decoder) = &self.mode {
            self.encoding.0.name.get_or_init(|| decoder.encoding().name());
        }
        self.at = 0;
        let is_guessed = matches!(self.mode, Mode::Guessed(_));
        self.ready = match &mut self.mode {
            Mode::Other(decoder) | Mode::Guessed(decoder) => {
                let last = piece.is_empty();
                let text = decoded(decoder, &piece, last);
                if is_guessed
                    && self.encoding.0.doubt.get().is_none()
                    && let Some(word) = std::str::from_utf8(&text).ok().and_then(doubtful)
                {
                    self.encoding.0.doubt.get_or_init(|| word.to_owned());
                }
                if last {
                    self.mode = Mode::End;
                }
                text
            }
            _ => piece,
        };
        Ok(())
    }

    /// The encoding of a piece that is not ASCII. If the piece ends within its only non-ASCII character, more is read.
    fn decided(&mut self, piece: &mut Vec<u8>) -> Result<Mode> {
        loop {
            match std::str::from_utf8(piece) {
                Ok(_) => return Ok(Mode::Utf8),
                Err(error) if error.error_len().is_none() => {
                    let proven = piece.get(..error.valid_up_to()).is_some_and(|before| !before.is_ascii());
                    let more = if proven { Vec::new() } else { self.piece(4)? };
                    if proven {
                        return Ok(Mode::Utf8);
                    } else if more.is_empty() {
                        return Ok(guessed(piece));
                    }
                    piece.extend(more);
                }
                Err(_) if is_mostly_utf8(piece) => return Ok(Mode::Utf8),
                Err(_) => return Ok(guessed(piece)),
            }
        }
    }

    /// The next bytes, as many as asked for unless the source ends.
    fn piece(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut piece = Vec::new();
        self.inner.by_ref().take(length as u64).read_to_end(&mut piece)?;
        Ok(piece)
    }

    /// Reads straight into the caller's memory; bytes that need a closer look go to `ready`.
    fn pass(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        let length = loop {
            match self.inner.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        let piece = buffer.get(..length).unwrap_or_default();
        if matches!(self.mode, Mode::Utf8) || piece.is_ascii() {
            return Ok(Some(length));
        }
        let piece = piece.to_vec();
        self.take(piece)?;
        Ok(None)
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            if self.at < self.ready.len() {
                let rest = self.ready.get(self.at..).unwrap_or_default();
                let length = buffer.len().min(rest.len());
                if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
                    to.copy_from_slice(from);
                }
                self.at += length;
                return Ok(length);
            }
            match self.mode {
                Mode::End => return Ok(0),
                Mode::Start => {
                    self.start()?;
                    if self.ready.is_empty() && !matches!(self.mode, Mode::Other(_) | Mode::Guessed(_)) {
                        return Ok(0);
                    }
                }
                Mode::Ascii | Mode::Utf8 => {
                    if let Some(length) = self.pass(buffer)? {
                        return Ok(length);
                    }
                }
                Mode::Other(_) | Mode::Guessed(_) => {
                    let piece = self.piece(PIECE)?;
                    self.take(piece)?;
                }
            }
        }
    }
}

fn recognized(piece: &mut Vec<u8>) -> Mode {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(piece) {
        piece.drain(..mark);
        return of(encoding);
    }
    let nuls = |parity: usize| piece.iter().take(512).skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let quarter = piece.len().min(512) / 8;
    match (nuls(0), nuls(1)) {
        (0, odd) if odd > quarter => of(UTF_16LE),
        (even, 0) if even > quarter => of(UTF_16BE),
        _ => Mode::Ascii,
    }
}

fn of(encoding: &'static encoding_rs::Encoding) -> Mode {
    if encoding == UTF_8 { Mode::Utf8 } else { Mode::Other(Box::new(encoding.new_decoder_without_bom_handling())) }
}

/// Whether most of the non-ASCII bytes are UTF-8. Other encodings hardly ever look like it, and a few damaged rows must
/// not make the names in all others illegible.
fn is_mostly_utf8(piece: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0, 0);
    for chunk in piece.utf8_chunks() {
        valid += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
        invalid += usize::from(!chunk.invalid().is_empty());
    }
    valid > invalid
}

fn guessed(piece: &[u8]) -> Mode {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(piece, true);
    Mode::Guessed(Box::new(detector.guess(Some(HOME), Utf8Detection::Deny).new_decoder_without_bom_handling()))
}

fn decoded(decoder: &mut Decoder, piece: &[u8], last: bool) -> Vec<u8> {
    let room = decoder.max_utf8_buffer_length(piece.len()).unwrap_or(piece.len().saturating_mul(3));
    let mut text = vec![0; room];
    let (_, _, written, _) = decoder.decode_to_utf8(piece, &mut text, last);
    text.truncate(written);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let mut text = String::new();
        Utf8Reader::new(bytes).0.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn every_encoding_of_spreadsheets_comes_out_as_utf8() {
        let text = "Name;Ort\nJosé;Zürich\n";
        let utf16 = |big: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        assert_eq!(read(text.as_bytes()), text);
        assert_eq!(read(&[b"\xef\xbb\xbf", text.as_bytes()].concat()), text);
        assert_eq!(read(b"Name;Ort\nJos\xe9;Z\xfcrich\n"), text);
        assert_eq!(read(&[&b"\xff\xfe"[..], &utf16(false)].concat()), text);
        assert_eq!(read(&[&b"\xfe\xff"[..], &utf16(true)].concat()), text);
        assert_eq!(read(&utf16(false)), text);
        assert_eq!(read(&utf16(true)), text);
        assert_eq!(read(b""), "");
        assert_eq!(read(b"\xef\xbb\xbf"), "");
        assert_eq!(read(b"\xff\xfe"), "");
    }

    #[test]
    fn nuls_at_the_end_are_padding_and_nowhere_else() {
        struct Pieces<'a>(&'a [u8], usize);
        impl Read for Pieces<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
                let length = buffer.len().min(self.1);
                self.0.read(&mut buffer[..length])
            }
        }
        for (bytes, text) in [
            (&b"a\0\0b\0\0\0"[..], "a\0\0b"),
            (b"\0\0", ""),
            (b"", ""),
            (b"\0a", "\0a"),
            (b"a", "a"),
            (b"a\0b\0c", "a\0b\0c"),
        ] {
            for piece in 1..=bytes.len().max(1) {
                let mut read = String::new();
                Unpadded::new(Pieces(bytes, piece)).read_to_string(&mut read).unwrap();
                assert_eq!(read, text, "{bytes:?} {piece}");
            }
        }
    }

    #[test]
    fn words_nobody_would_write_are_doubtful() {
        for word in ["Jos‚", "Pe¤a", "JosŽ", "Pe–a", "M\u{81}ller", "MŸller", "Nu–ez"] {
            assert_eq!(doubtful(&format!("Ada,{word},x")), Some(word), "{word}");
        }
        for text in [
            "José,Peña",
            "O’Brien",
            "KOVAŠ",
            "Šarić",
            "5 – 6",
            "“quoted” € 5",
            "Zürich…",
            "98°",
            "Ada®",
            "Müller–Lüdenscheidt x",
        ] {
            assert_eq!(doubtful(text).filter(|_| !text.contains('–')), None, "{text}");
        }
    }

    #[test]
    fn one_letter_is_enough_to_tell() {
        assert_eq!(read(b"Jos\xe9"), "José");
        assert_eq!(read(b"Jos\xc3\xa9"), "José");
        assert_eq!(read(b"Jos\xe9,Pe\xf1a,\x93quoted\x94 \x80 5"), "José,Peña,“quoted” € 5");
    }

    #[test]
    fn the_first_letter_beyond_ascii_may_come_late_and_be_cut() {
        for before in [PIECE * 2 - 2, PIECE * 2 - 1, PIECE * 2, PIECE - 1] {
            let late = format!("{}ürich, und noch ein Wort", "x".repeat(before));
            assert_eq!(read(late.as_bytes()), late);
            let mut latin = vec![b'x'; before];
            latin.extend_from_slice(b"Z\xfcrich");
            assert!(read(&latin).ends_with("Zürich"));
        }
    }

    #[test]
    fn a_source_that_gives_one_byte_at_a_time_makes_no_difference() {
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
                let length = buffer.len().min(1);
                self.0.read(&mut buffer[..length])
            }
        }
        let late = format!("{}é\n", "x".repeat(PIECE + 10));
        let mut text = String::new();
        Utf8Reader::new(Drip(late.as_bytes())).0.read_to_string(&mut text).unwrap();
        assert_eq!(text, late);
    }
}
