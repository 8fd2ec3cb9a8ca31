//! Writing: methods produce separators, values are escaped, and nothing else can get into a message.
//!
//! Values are people's: names with ampersands, texts with line breaks, links. [`Writer::value`] takes any text and
//! writes it so that reading returns it unchanged; empty fields and components at the end of a segment are left out.
//!
//! ```
//! use iris_hl7::{Writer, write::Output};
//! let mut message = Writer::message(Output::Utf8);
//! message.field("IRIS");
//! message.segment("OBX".parse()?);
//! message.field("1");
//! message.field("a|b");
//! message.component("c");
//! message.next_field();
//! assert_eq!(message.finish(), b"MSH|^~\\&|IRIS\rOBX|1|a\\F\\b^c\r");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fold;

use crate::escape;
use crate::message::{Delimiters, Field, SegmentId};
use memchr::memchr_iter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In which character set a message is written. What is ASCII only is declared as nothing, in any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Output {
    /// UTF-8, and MSH-18 says so where there are other characters than ASCII.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1. Letters beyond it lose their accents, other characters become question marks.
    #[serde(rename = "8859/1")]
    Latin1,
    /// ASCII: letters lose their accents, other characters become question marks.
    #[serde(rename = "ascii")]
    Ascii,
}

/// How line breaks of a value are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breaks {
    /// As a blank.
    Blank,
    /// As `\.br\`.
    Escaped,
}

/// Separators that come before the next value, if there is one.
#[derive(Debug, Clone, Copy, Default)]
struct Pending {
    fields: usize,
    repetitions: usize,
    components: usize,
    subcomponents: usize,
}

/// Writes one message.
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
    delimiters: Delimiters,
    output: Output,
    pending: Pending,
    /// Which bytes cannot be written as they are.
    special: [bool; 256],
    /// Where the current value begins, unless it is a null.
    value_start: Option<usize>,
    /// Where the header ends, once another segment follows.
    header_end: Option<usize>,
    /// Whether anything other than ASCII was written.
    wide: bool,
}

impl Writer {
    /// Begins a message with the standard delimiters. The next field is MSH-3.
    #[must_use]
    pub fn message(output: Output) -> Self {
        Self::with_delimiters(output, Delimiters::STANDARD)
    }

    /// Begins a message with the delimiters of another message.
    #[must_use]
    pub fn with_delimiters(output: Output, delimiters: Delimiters) -> Self {
        let mut special = [false; 256];
        for (byte, special) in (0u8..=255).zip(&mut special) {
            *special = !(0x20..0x7f).contains(&byte)
                || delimiters.field == Some(byte)
                || delimiters.encoding().any(|delimiter| delimiter == byte);
        }
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(&SegmentId::MSH.bytes());
        out.push(delimiters.separator());
        out.extend(delimiters.encoding());
        Self {
            out,
            delimiters,
            output,
            pending: Pending::default(),
            special,
            value_start: None,
            header_end: None,
            wide: false,
        }
    }

    /// Ends the segment and begins another.
    pub fn segment(&mut self, id: SegmentId) {
        self.end_segment();
        self.out.extend_from_slice(&id.bytes());
    }

    /// Goes to the next field.
    pub fn next_field(&mut self) {
        self.end_value();
        self.pending = Pending { fields: self.pending.fields + 1, ..Pending::default() };
    }

    /// Goes to the next repetition of the field.
    pub fn next_repetition(&mut self) {
        self.end_value();
        self.pending =
            Pending { repetitions: self.pending.repetitions + 1, components: 0, subcomponents: 0, ..self.pending };
    }

    /// Goes to the next component.
    pub fn next_component(&mut self) {
        self.end_value();
        self.pending = Pending { components: self.pending.components + 1, subcomponents: 0, ..self.pending };
    }

    /// Goes to the next subcomponent.
    pub fn next_subcomponent(&mut self) {
        self.end_value();
        self.pending.subcomponents += 1;
    }

    /// Goes to the next field and writes its value.
    pub fn field(&mut self, value: &str) {
        self.next_field();
        self.value(value);
    }

    /// Goes to the next component and writes its value.
    pub fn component(&mut self, value: &str) {
        self.next_component();
        self.value(value);
    }

    /// Writes a value, or continues one. Line breaks become blanks, other control characters are left out.
    pub fn value(&mut self, value: &str) {
        self.write(value, Breaks::Blank);
    }

    /// Writes a value of formatted text (FT, TX, and NTE-3): line breaks are kept.
    pub fn formatted(&mut self, value: &str) {
        self.write(value, Breaks::Escaped);
    }

    /// Writes HL7's null: the receiver is to clear its value.
    pub fn null(&mut self) {
        self.separate();
        self.out.extend_from_slice(br#""""#);
        self.value_start = None;
    }

    /// Writes a field of another message, with its structure. Nulls stay nulls.
    pub fn copy(&mut self, field: Field<'_>) {
        for (r, repetition) in field.repetitions().enumerate() {
            if r > 0 {
                self.next_repetition();
            }
            for (c, component) in repetition.components().enumerate() {
                if c > 0 {
                    self.next_component();
                }
                if component.bytes() == br#""""# {
                    self.null();
                    continue;
                }
                for (s, text) in component.subcomponents().enumerate() {
                    if s > 0 {
                        self.next_subcomponent();
                    }
                    self.formatted(&text);
                }
            }
        }
    }

    /// Writes a field of a message with the same delimiters, byte for byte; falls back to [`Self::copy`] if that is not
    /// possible.
    pub(crate) fn verbatim(&mut self, field: Field<'_>) {
        let same = field.grammar().delimiters == self.delimiters;
        if same && !field.bytes().iter().any(u8::is_ascii_control) {
            if !field.bytes().is_empty() {
                self.separate();
                self.out.extend_from_slice(field.bytes());
                self.value_start = None;
            }
        } else {
            self.copy(field);
        }
    }

    /// The message, including the end of its last segment.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.end_segment();
        if self.wide {
            let name = match self.output {
                Output::Utf8 => "UNICODE UTF-8",
                Output::Latin1 => "8859/1",
                Output::Ascii => "",
            };
            self.declare(name);
        }
        self.out
    }

    /// Puts the character set into MSH-18.
    fn declare(&mut self, name: &str) {
        let separator = self.delimiters.separator();
        let header = self.out.get(..self.header_end.unwrap_or(self.out.len())).unwrap_or_default();
        // The first separator is MSH-1 itself, so MSH-18 follows the seventeenth.
        let mut separators = memchr_iter(separator, header);
        let (range, mut field) = match separators.by_ref().nth(16) {
            Some(before) => (before + 1..separators.next().unwrap_or(header.len()), Vec::new()),
            None => {
                let missing = 17_usize.saturating_sub(memchr_iter(separator, header).count());
                (header.len()..header.len(), vec![separator; missing])
            }
        };
        // A name contains no delimiters, except those of unusual messages.
        field.extend(name.bytes().filter(|byte| !self.is_special(*byte)));
        self.out.splice(range, field);
    }

    fn is_special(&self, byte: u8) -> bool {
        self.special.get(usize::from(byte)).copied().unwrap_or(true)
    }

    fn end_segment(&mut self) {
        self.end_value();
        self.pending = Pending::default();
        self.header_end.get_or_insert(self.out.len());
        self.out.push(b'\r');
    }

    /// Prevents a text that looks like a null from becoming one.
    fn end_value(&mut self) {
        let Some(start) = self.value_start.take() else { return };
        if self.out.get(start..) == Some(br#""""#) {
            self.out.truncate(start);
            if let Some(escape) = self.delimiters.escape {
                self.out.push(escape);
                self.out.extend_from_slice(b"X2222");
                self.out.push(escape);
            }
        }
    }

    /// Writes the separators that are due before a value.
    fn separate(&mut self) {
        let Pending { fields, repetitions, components, subcomponents } = std::mem::take(&mut self.pending);
        let delimiters = self.delimiters;
        for (count, delimiter) in [
            (fields, delimiters.field),
            (repetitions, delimiters.repetition),
            (components, delimiters.component),
            (subcomponents, delimiters.subcomponent),
        ] {
            if let Some(delimiter) = delimiter {
                self.out.resize(self.out.len() + count, delimiter);
            }
        }
    }

    /// Prepares for the first part of a value: nothing is written before there is something.
    fn begin(&mut self) {
        if self.value_start.is_none() {
            self.separate();
            self.value_start = Some(self.out.len());
        }
    }

    fn write(&mut self, value: &str, breaks: Breaks) {
        let mut rest = value;
        while let Some(at) = rest.bytes().position(|byte| self.is_special(byte)) {
            let (plain, special) = rest.split_at(at);
            self.plain(plain);
            let mut chars = special.chars();
            let Some(char) = chars.next() else { return };
            if char == '\r' && chars.as_str().starts_with('\n') {
                chars.next();
            }
            self.special_char(char, breaks);
            rest = chars.as_str();
        }
        self.plain(rest);
    }

    fn plain(&mut self, text: &str) {
        if !text.is_empty() {
            self.begin();
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    fn special_char(&mut self, char: char, breaks: Breaks) {
        match char {
            '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                self.begin();
                match (breaks, self.delimiters.escape) {
                    (Breaks::Escaped, Some(escape)) => {
                        self.out.push(escape);
                        self.out.extend_from_slice(b".br");
                        self.out.push(escape);
                    }
                    _ => self.out.push(b' '),
                }
            }
            '\t' => self.plain(" "),
            char if char.is_control() => {}
            char => match u8::try_from(char) {
                Ok(byte) if byte.is_ascii() => {
                    self.begin();
                    self.delimiter(byte);
                }
                _ => self.wide_char(char),
            },
        }
    }

    fn delimiter(&mut self, byte: u8) {
        match (escape::letter(byte, &self.delimiters), self.delimiters.escape) {
            (Some(letter), Some(escape)) => self.out.extend_from_slice(&[escape, letter, escape]),
            _ => self.out.push(b' '),
        }
    }

    fn wide_char(&mut self, char: char) {
        match self.output {
            Output::Utf8 => {
                self.plain(char.encode_utf8(&mut [0; 4]));
                self.wide = true;
            }
            Output::Latin1 if u32::from(char) <= 0xff => {
                self.begin();
                self.out.extend(u8::try_from(u32::from(char)));
                self.wide = true;
            }
            Output::Latin1 | Output::Ascii => {
                for byte in fold::ascii(char).bytes() {
                    self.begin();
                    if self.is_special(byte) {
                        self.delimiter(byte);
                    } else {
                        self.out.push(byte);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Limits, Message};

    fn field(output: Output, value: &str) -> String {
        let mut writer = Writer::message(output);
        writer.segment(SegmentId::literal(*b"ZZZ"));
        writer.field(value);
        let bytes = writer.finish();
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        text.split_once("ZZZ").unwrap().1.trim_end_matches('\r').to_owned()
    }

    #[test]
    fn values_are_escaped() {
        let cases = [
            ("plain", "|plain"),
            ("a|b^c&d~e\\f", r"|a\F\b\S\c\T\d\R\e\E\f"),
            ("one\r\ntwo\nthree\rfour", "|one two three four"),
            ("tab\there\u{0}\u{b}\u{1c}\u{7f}", "|tab here"),
            ("\"\"", r"|\X2222\"),
            ("\"", "|\""),
            ("\"\"x", "|\"\"x"),
            ("", ""),
        ];
        for (value, expected) in cases {
            assert_eq!(field(Output::Utf8, value), expected);
        }
    }

    #[test]
    fn characters_beyond_ascii() {
        assert_eq!(field(Output::Latin1, "Zoë Šimon 😀"), "|Zo\u{eb} Simon ?");
        assert_eq!(field(Output::Ascii, "Zoë Łęcki – “Nguyễn” ¦"), "|Zoe Lecki - \"Nguyen\" \\F\\");
        assert_eq!(field(Output::Ascii, "““"), r"|\X2222\", "nor does folding make a null");
    }

    #[test]
    fn the_character_set_is_declared_where_it_matters() {
        let message = |output, value: &str, fields: usize| {
            let mut writer = Writer::message(output);
            for n in 3..=fields {
                writer.field(&n.to_string());
            }
            writer.segment(SegmentId::literal(*b"ZZZ"));
            writer.field(value);
            String::from_utf8_lossy(&writer.finish()).lines().next().unwrap().split('\r').next().unwrap().to_owned()
        };
        assert_eq!(message(Output::Utf8, "e", 3), r"MSH|^~\&|3");
        assert_eq!(message(Output::Ascii, "é", 3), r"MSH|^~\&|3");
        assert_eq!(message(Output::Utf8, "é", 3), r"MSH|^~\&|3|||||||||||||||UNICODE UTF-8");
        assert_eq!(message(Output::Latin1, "é", 17), r"MSH|^~\&|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|8859/1");
        assert_eq!(message(Output::Utf8, "é", 19), r"MSH|^~\&|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|UNICODE UTF-8|19");
    }

    #[test]
    fn nothing_is_written_for_empty_ends() {
        let mut writer = Writer::message(Output::Utf8);
        writer.field("");
        writer.field("A");
        writer.component("");
        writer.component("B");
        writer.next_subcomponent();
        writer.next_repetition();
        writer.next_repetition();
        writer.component("C");
        writer.next_component();
        writer.field("");
        writer.segment(SegmentId::literal(*b"PV1"));
        writer.segment(SegmentId::literal(*b"ZZZ"));
        writer.next_field();
        writer.null();
        writer.next_component();
        // Control characters and a lone accent are both dropped.
        writer.value("\u{1}\u{0}");
        writer.field("\u{7f}");
        assert_eq!(writer.finish(), b"MSH|^~\\&||A^^B~~^C\rPV1\rZZZ|\"\"\r");
    }

    #[test]
    fn a_null_cannot_be_put_together() {
        let mut writer = Writer::message(Output::Utf8);
        writer.field("\"");
        writer.value("\"");
        writer.segment(SegmentId::literal(*b"ZZZ"));
        assert_eq!(writer.finish(), b"MSH|^~\\&|\\X2222\\\rZZZ\r");
    }

    #[test]
    fn fields_of_other_messages_keep_their_structure() {
        let bytes = b"MSH#*%!@\rZZZ#a*b@c!S!|%\"\"*|";
        let message = Message::read(bytes, &Limits::default()).unwrap();
        let mut writer = Writer::message(Output::Utf8);
        writer.next_field();
        writer.copy(message.segment(1).unwrap().field(1).unwrap());
        assert_eq!(writer.finish(), b"MSH|^~\\&|a^b&c*\\F\\~\"\"^\\F\\\r");
    }
}
