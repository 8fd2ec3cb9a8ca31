//! Files of messages: one, several in a row, and batches (FHS, BHS, MSH …, BTS, FTS).
//!
//! Nothing in a file is lost silently: text outside of messages that is not an envelope, a trailer with a wrong count,
//! and an envelope that never ends are all reported.

use crate::message::{Limits, Message, index};
use std::ops::Range;

/// What a file consists of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// The messages, in order.
    pub messages: Vec<Piece>,
    /// What is wrong with the envelope.
    pub faults: Vec<Fault>,
}

/// One message of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it is in the file.
    pub bytes: Range<usize>,
    /// Which batch of the file it is in, from 1; `None` outside of batches.
    pub batch: Option<usize>,
}

/// Something wrong with the envelope of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Something outside of messages that is not an envelope.
    Stray {
        /// Where it begins in the file.
        at: usize,
        /// How long it is.
        bytes: usize,
    },
    /// A trailer's count is wrong: BTS-1 messages of its batch, FTS-1 batches.
    Count {
        /// What the trailer says.
        declared: usize,
        /// What was found.
        found: usize,
    },
    /// A batch or file has no end: the file may be cut off.
    NoTrailer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    FileHeader,
    BatchHeader,
    Message,
    BatchTrailer,
    FileTrailer,
    Other,
}

/// Bytes that stand between messages when the traffic of a connection was saved to a file.
fn is_between(byte: u8) -> bool {
    index::is_blank(byte) || matches!(byte, 0x0b | 0x1c)
}

fn line(bytes: &[u8]) -> Line {
    let header = || index::delimiters(bytes).is_ok();
    match bytes.get(..3) {
        Some(b"FHS") if header() => Line::FileHeader,
        Some(b"BHS") if header() => Line::BatchHeader,
        Some(b"MSH") if header() => Line::Message,
        Some(b"BTS") => Line::BatchTrailer,
        Some(b"FTS") => Line::FileTrailer,
        _ => Line::Other,
    }
}

/// Where lines begin that may be the first line of an envelope or a message: at the start of the file, after CR or LF
/// (whichever ends segments in it), and after MLLP's end bytes.
fn beginnings(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let ends = memchr::memchr3_iter(b'\r', b'\n', 0x1c, bytes).map(|end| end + 1);
    let skip = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        let rest = if from == 0 { rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest) } else { rest };
        bytes.len() - rest.len() + rest.iter().take_while(|byte| is_between(**byte)).count()
    };
    let mut last = None;
    [0].into_iter().chain(ends).filter_map(move |from| {
        // Blanks are skipped once, however many line ends they contain.
        if last.is_some_and(|last| from <= last) {
            return None;
        }
        let start = skip(from);
        last = Some(start);
        (start < bytes.len()).then_some(start)
    })
}

/// Splits a file. The pieces are read with [`Message::read`] one by one, so that a bad one does not hold back the
/// others.
#[must_use]
pub fn split(bytes: &[u8]) -> File {
    let mut split = Split { bytes, file: File::default(), open: None, batch: None, batches: 0, in_file: false };
    for start in beginnings(bytes) {
        let rest = bytes.get(start..).unwrap_or_default();
        match line(rest) {
            Line::Other if split.open.is_some() => {}
            kind => split.line(kind, start),
        }
    }
    split.finish()
}

/// What is open: a message, or stray text.
#[derive(Debug, Clone, Copy)]
struct Open {
    start: usize,
    message: bool,
}

struct Split<'b> {
    bytes: &'b [u8],
    file: File,
    open: Option<Open>,
    /// How many messages the current batch has.
    batch: Option<usize>,
    batches: usize,
    in_file: bool,
}

impl Split<'_> {
    fn line(&mut self, kind: Line, start: usize) {
        self.close(start);
        match kind {
            Line::FileHeader => {
                self.end_batch();
                self.in_file = true;
            }
            Line::BatchHeader => {
                self.end_batch();
                self.batch = Some(0);
                self.batches += 1;
            }
            Line::Message => {
                self.open = Some(Open { start, message: true });
                if let Some(messages) = &mut self.batch {
                    *messages += 1;
                }
            }
            Line::BatchTrailer => {
                // Some senders write a batch's trailer without its header.
                let found = self.batch.take().unwrap_or(self.file.messages.len());
                self.count(start, found);
            }
            Line::FileTrailer => {
                self.end_batch();
                let found = self.batches;
                self.count(start, found);
                self.in_file = false;
            }
            Line::Other => self.open = Some(Open { start, message: false }),
        }
    }

    /// Ends an open batch that has no trailer.
    fn end_batch(&mut self) {
        if self.batch.take().is_some() {
            self.file.faults.push(Fault::NoTrailer);
        }
    }

    fn close(&mut self, end: usize) {
        let Some(Open { start, message }) = self.open.take() else { return };
        let content = self.bytes.get(start..end).unwrap_or_default();
        let trailing = content.iter().rev().take_while(|byte| is_between(**byte)).count();
        if message {
            // The end of the last segment belongs to the message; what follows does not.
            let end = end - trailing
                + content
                    .get(content.len() - trailing..)
                    .unwrap_or_default()
                    .iter()
                    .take(1)
                    .filter(|b| matches!(b, b'\r' | b'\n'))
                    .count();
            let batch = self.batch.map(|_| self.batches);
            self.file.messages.push(Piece { bytes: start..end, batch });
        } else {
            self.file.faults.push(Fault::Stray { at: start, bytes: content.len() - trailing });
        }
    }

    fn count(&mut self, start: usize, found: usize) {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0x1c)).unwrap_or(rest.len());
        let digits = rest.get(4..end).unwrap_or_default();
        let digits = digits.split(|byte| !byte.is_ascii_digit()).next().unwrap_or_default();
        let declared = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<usize>().ok());
        if let Some(declared) = declared.filter(|declared| *declared != found) {
            self.file.faults.push(Fault::Count { declared, found });
        }
    }

    fn finish(mut self) -> File {
        self.close(self.bytes.len());
        self.end_batch();
        if self.in_file {
            self.file.faults.push(Fault::NoTrailer);
        }
        self.file
    }
}

/// Reads every message of a file.
pub fn messages<'b>(
    bytes: &'b [u8],
    limits: &Limits,
) -> impl Iterator<Item = (Piece, Result<Message<'b>, crate::ReadError>)> {
    let limits = *limits;
    split(bytes).messages.into_iter().map(move |piece| {
        let message = Message::read(bytes.get(piece.bytes.clone()).unwrap_or_default(), &limits);
        (piece, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(file: &str) -> (Vec<(String, Option<usize>)>, Vec<Fault>) {
        let split = split(file.as_bytes());
        let text =
            |piece: &Piece| file[piece.bytes.clone()].replace("|^~\\&|", "").replace('\r', "/").replace('\n', "$");
        (split.messages.iter().map(|piece| (text(piece), piece.batch)).collect(), split.faults)
    }

    #[test]
    fn files_of_messages() {
        let none: &[Fault] = &[];
        type Case = (&'static str, &'static [(&'static str, Option<usize>)], &'static [Fault]);
        let cases: &[Case] = &[
            ("", &[], none),
            ("\r\n \n", &[], none),
            ("MSH|^~\\&|1\rPID|x\r", &[("MSH1/PID|x/", None)], none),
            ("\u{feff}MSH|^~\\&|1\rPID|x", &[("MSH1/PID|x", None)], none),
            ("MSH|^~\\&|1\nPID|x\n\nMSH|^~\\&|2\nPID|y\n", &[("MSH1$PID|x$", None), ("MSH2$PID|y$", None)], none),
            ("MSH|^~\\&|1\r\nPID|x\r\nMSH|^~\\&|2\r\n", &[("MSH1/$PID|x/", None), ("MSH2/", None)], none),
            // Saved traffic of a connection.
            ("\u{b}MSH|^~\\&|1\r\u{1c}\r\u{b}MSH|^~\\&|2\r\u{1c}\r", &[("MSH1/", None), ("MSH2/", None)], none),
            ("\u{b}MSH|^~\\&|1\u{1c}\u{b}MSH|^~\\&|2\u{1c}", &[("MSH1", None), ("MSH2", None)], none),
            // Files in a row, the first without its last segment end.
            ("MSH|^~\\&|1\rPID|x\nMSH|^~\\&|2\rPID|y", &[("MSH1/PID|x$", None), ("MSH2/PID|y", None)], none),
            // Text that merely begins like a header stays text.
            ("MSH|^~\\&|1\rNTE|a\nMSHA\rNTE|b", &[("MSH1/NTE|a$MSHA/NTE|b", None)], none),
            (
                "FHS|^~\\&|f\rBHS|^~\\&|b\rMSH|^~\\&|1\rMSH|^~\\&|2\rBTS|2\rFTS|1\r",
                &[("MSH1/", Some(1)), ("MSH2/", Some(1))],
                none,
            ),
            (
                "BHS|^~\\&|b\rMSH|^~\\&|1\rBTS|1\rBHS|^~\\&|c\rMSH|^~\\&|2\rBTS||done\r",
                &[("MSH1/", Some(1)), ("MSH2/", Some(2))],
                none,
            ),
            (
                "BHS|^~\\&|b\rMSH|^~\\&|1\rBTS|2\rFTS|9",
                &[("MSH1/", Some(1))],
                &[Fault::Count { declared: 2, found: 1 }, Fault::Count { declared: 9, found: 1 }],
            ),
            ("FHS|^~\\&|f\rBHS|^~\\&|b\rMSH|^~\\&|1\r", &[("MSH1/", Some(1))], &[Fault::NoTrailer, Fault::NoTrailer]),
            ("MSH|^~\\&|1\rBTS|1", &[("MSH1/", None)], none),
            ("hello\rworld\rMSH|^~\\&|1\r", &[("MSH1/", None)], &[Fault::Stray { at: 0, bytes: 11 }]),
            ("FHS|^~\\&\rPID|x\rFTS", &[], &[Fault::Stray { at: 9, bytes: 5 }]),
        ];
        for (file, messages, faults) in cases {
            let expected = messages.iter().map(|(text, batch)| ((*text).to_owned(), *batch)).collect::<Vec<_>>();
            assert_eq!(shape(file), (expected, faults.to_vec()), "{file:?}");
        }
    }

    #[test]
    fn a_bad_message_does_not_hold_back_the_others() {
        let file = b"MSH|^~\\&|1\rDSC|more\rMSH|^~\\&|2\r";
        let read: Vec<_> = messages(file, &Limits::default()).map(|(_, message)| message.is_ok()).collect();
        assert_eq!(read, [false, true]);
    }

    proptest! {
        #[test]
        fn pieces_are_in_order_and_begin_with_a_header(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("MSH|^~\\&|x"), Just("BHS|^~\\&"), Just("FHS|^~\\&"), Just("BTS|1"), Just("FTS|"), Just("PID|1"),
                    Just("\r"), Just("\n"), Just("\u{b}"), Just("\u{1c}"), Just(" "), Just("é"), Just("MSH"),
                ],
                0..40,
            )
        ) {
            let file: String = parts.concat();
            let mut before = 0;
            for piece in split(file.as_bytes()).messages {
                prop_assert!(before <= piece.bytes.start && piece.bytes.start < piece.bytes.end);
                prop_assert!(file[piece.bytes.clone()].starts_with("MSH|^~\\&"));
                before = piece.bytes.end;
            }
        }
    }
}
