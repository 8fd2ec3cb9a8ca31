//! Whatever the encoding, UTF-8 comes out (decision 18).
//!
//! A byte order mark decides; else UTF-16 shows by its NULs; else text is ASCII until proven otherwise, and the first piece with other bytes
//! decides: valid UTF-8 is UTF-8, anything else is what chardetng makes of it (windows-1252 in nearly all files that payers send).

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::io::{Read, Result};

const PIECE: usize = 64 * 1024;

/// Reads text of any encoding as UTF-8. Invalid UTF-8 of a file that began as UTF-8 is passed on for the record reader to report.
pub(crate) struct Utf8Reader<R> {
    inner: R,
    mode: Mode,
    ready: Vec<u8>,
    at: usize,
}

enum Mode {
    Start,
    Ascii,
    Utf8,
    Other(Box<Decoder>),
    End,
}

impl<R: Read> Utf8Reader<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, mode: Mode::Start, ready: Vec::new(), at: 0 }
    }

    fn fill(&mut self) -> Result<()> {
        let mut piece = vec![0; PIECE];
        let mut length = 0;
        // A mark may come in pieces of its own.
        let least = if matches!(self.mode, Mode::Start) { PIECE } else { 1 };
        while length < least {
            match self.inner.read(&mut piece[length..])? {
                0 => break,
                more => length += more,
            }
        }
        piece.truncate(length);
        self.at = 0;
        if matches!(self.mode, Mode::Start) {
            self.mode = start(&mut piece);
        }
        if matches!(self.mode, Mode::Ascii) && !piece.is_ascii() {
            self.mode = decide(&piece);
        }
        let last = length == 0;
        self.ready = match &mut self.mode {
            Mode::Other(decoder) => decode(decoder, &piece, last),
            _ => piece,
        };
        if last {
            self.mode = Mode::End;
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.at == self.ready.len() {
            if matches!(self.mode, Mode::End) {
                return Ok(0);
            }
            self.fill()?;
        }
        let length = buffer.len().min(self.ready.len() - self.at);
        buffer[..length].copy_from_slice(&self.ready[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

fn start(piece: &mut Vec<u8>) -> Mode {
    if let Some((encoding, mark)) = Encoding::for_bom(piece) {
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

fn of(encoding: &'static Encoding) -> Mode {
    if encoding == UTF_8 { Mode::Utf8 } else { Mode::Other(Box::new(encoding.new_decoder_without_bom_handling())) }
}

fn decide(piece: &[u8]) -> Mode {
    match std::str::from_utf8(piece) {
        Ok(_) => Mode::Utf8,
        // Cut off within a character at the end of the piece.
        Err(error) if error.error_len().is_none() => Mode::Utf8,
        Err(_) => {
            let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
            detector.feed(piece, false);
            of(detector.guess(None, Utf8Detection::Deny))
        }
    }
}

fn decode(decoder: &mut Decoder, piece: &[u8], last: bool) -> Vec<u8> {
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
        Utf8Reader::new(bytes).read_to_string(&mut text).unwrap();
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
    }

    #[test]
    fn the_first_letter_beyond_ascii_may_come_late() {
        let late = format!("{}Zürich", "x".repeat(PIECE * 2 - 2));
        assert_eq!(read(late.as_bytes()), late);
        let mut latin = vec![b'x'; PIECE * 2];
        latin.extend_from_slice(b"Z\xfcrich");
        assert!(read(&latin).ends_with("Zürich"));
    }
}
