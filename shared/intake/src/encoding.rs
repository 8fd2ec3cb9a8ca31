//! Whatever the encoding, UTF-8 comes out (decision 17).
//!
//! A byte order mark decides; else UTF-16 shows by its NULs; else text is ASCII until proven otherwise, and the first other bytes
//! decide: valid UTF-8 is UTF-8, anything else is what chardetng makes of it (windows-1252 in nearly all files that payers send). ASCII and
//! UTF-8 are passed on as they are, without a copy.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, UTF_8, UTF_16BE, UTF_16LE};
use std::io::{ErrorKind, Read, Result};
use std::sync::{Arc, OnceLock};

const PIECE: usize = 64 * 1024;

/// Files come from the United States: where bytes fit several encodings, the western one is meant.
const HOME: &[u8] = b"us";

/// Reads text of any encoding as UTF-8. Invalid UTF-8 of a file that began as UTF-8 is passed on for the record reader to report.
pub(crate) struct Utf8Reader<R> {
    inner: R,
    mode: Mode,
    /// Text that is ready before anything else is read.
    ready: Vec<u8>,
    at: usize,
    encoding: Encoding,
}

/// The encoding of a text, as far as its letters have shown it. What has only ASCII is UTF-8.
#[derive(Clone, Default)]
pub(crate) struct Encoding(Arc<OnceLock<&'static str>>);

impl Encoding {
    /// Its name in the WHATWG's list.
    pub(crate) fn name(&self) -> &'static str {
        self.0.get().copied().unwrap_or("UTF-8")
    }
}

enum Mode {
    Start,
    Ascii,
    Utf8,
    Other(Box<Decoder>),
    End,
}

impl<R: Read> Utf8Reader<R> {
    /// The reader, and where it notes the encoding.
    pub(crate) fn new(inner: R) -> (Self, Encoding) {
        let encoding = Encoding::default();
        let noted = encoding.clone();
        (Self { inner, mode: Mode::Start, ready: Vec::new(), at: 0, encoding }, noted)
    }

    /// Reads a first piece and finds out what it is.
    fn start(&mut self) -> Result<()> {
        let mut piece = self.piece(PIECE)?;
        self.mode = recognized(&mut piece);
        self.take(piece)
    }

    /// Makes text of a piece that was read.
    fn take(&mut self, mut piece: Vec<u8>) -> Result<()> {
        if matches!(self.mode, Mode::Ascii) && !piece.is_ascii() {
            self.mode = self.decided(&mut piece)?;
        }
        if let Mode::Other(decoder) = &self.mode {
            self.encoding.0.get_or_init(|| decoder.encoding().name());
        }
        self.at = 0;
        self.ready = match &mut self.mode {
            Mode::Other(decoder) => {
                let last = piece.is_empty();
                let text = decoded(decoder, &piece, last);
                if last {
                    self.mode = Mode::End;
                }
                text
            }
            _ => piece,
        };
        Ok(())
    }

    /// The encoding of a piece that is not ASCII. A piece that ends within its only character is read on.
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

    /// Reads straight into the caller's memory; what needs a second look goes to `ready`.
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
                    if self.ready.is_empty() && !matches!(self.mode, Mode::Other(_)) {
                        return Ok(0);
                    }
                }
                Mode::Ascii | Mode::Utf8 => {
                    if let Some(length) = self.pass(buffer)? {
                        return Ok(length);
                    }
                }
                Mode::Other(_) => {
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

/// Whether more of what is not ASCII is UTF-8 than is not. Other encodings hardly ever look like it; a few damaged rows must not make
/// the names of all others illegible.
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
    of(detector.guess(Some(HOME), Utf8Detection::Deny))
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
