//! Writing acknowledgements.

use super::{Code, Envelope, Fault};
use crate::message::{Field, SegmentId};
use crate::version::Version;
use crate::write::{Output, Writer};

/// An acknowledgement to be written.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// MSA-1.
    pub code: Code,
    /// What is wrong, if anything, and where.
    pub fault: Option<(Fault, Option<Location>)>,
    /// A text for people, in addition to the fault's own. It is a fixed text of the program, so that it can never be a
    /// value of the message. ASCII, at most 80 characters.
    pub text: Option<&'static str>,
    /// MSH-7, `yyyyMMddHHmmss`.
    pub now: &'a str,
    /// MSH-10.
    pub control_id: &'a str,
}

/// Where in a message something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    segment: SegmentId,
    /// Which of the segments of that name, from 1.
    sequence: u16,
    field: u16,
    repetition: u16,
    component: Option<u16>,
}

impl Location {
    /// A field of the first segment of a name.
    #[must_use]
    pub fn field(segment: SegmentId, field: u16) -> Self {
        Self { segment, sequence: 1, field, repetition: 1, component: None }
    }

    /// What an address names.
    #[must_use]
    pub fn of(address: &crate::Address) -> Self {
        use crate::address::{Depth, Pick};
        Self {
            segment: address.segment,
            sequence: address.occurrence.map_or(1, std::num::NonZero::get),
            field: address.field.get(),
            repetition: match address.repetition {
                Some(Pick::Number(n)) => n.get(),
                Some(Pick::Where { .. }) | None => 1,
            },
            component: match address.depth {
                Depth::Field | Depth::WholeField => None,
                Depth::Component(c) | Depth::WholeComponent(c) | Depth::Subcomponent(c, _) => Some(c.get()),
            },
        }
    }
}

/// The longest MSA-3.
const LONGEST_TEXT: usize = 80;

/// The acknowledgement of a message: sender and receiver swap places, everything else in the header stays as it came
/// (hl7.md §3.4).
#[must_use]
pub fn answer(envelope: &Envelope<'_>, answer: &Answer<'_>) -> Vec<u8> {
    let message = envelope.message();
    let version = message.version();
    let received = |n| message.header_field(n).unwrap_or(Field::EMPTY);
    let mut out = Writer::with_delimiters(Output::Ascii, message.delimiters());
    for n in [5, 6, 3, 4] {
        out.next_field();
        out.verbatim(received(n));
    }
    out.field(answer.now);
    out.next_field();
    out.field("ACK");
    let (_, event) = message.kind();
    if !event.is_empty() && version >= Some(Version::V2_4) {
        out.component(&event);
        if version >= Some(Version::V2_5) {
            out.component("ACK");
        }
    }
    out.field(answer.control_id);
    for n in [11, 12] {
        out.next_field();
        out.verbatim(received(n));
    }
    out.segment(SegmentId::literal(*b"MSA"));
    out.field(answer.code.text());
    out.next_field();
    out.verbatim(received(10));
    // Since 2.7, MSA has no text.
    if version < Some(Version::V2_7)
        && let Some(text) = answer.text.or_else(|| Some(answer.fault?.0.text()))
    {
        out.field(text.get(..LONGEST_TEXT).unwrap_or(text));
    }
    if let Some((fault, location)) = answer.fault {
        out.segment(SegmentId::literal(*b"ERR"));
        error(&mut out, fault, location, version >= Some(Version::V2_5));
    }
    out.finish()
}

fn error(out: &mut Writer, fault: Fault, location: Option<Location>, new: bool) {
    let number = fault.number().to_string();
    out.next_field();
    if new {
        out.next_field();
    }
    if let Some(Location { segment, sequence, field, repetition, component }) = location {
        out.value(&segment.to_string());
        out.component(&sequence.to_string());
        out.component(&field.to_string());
        if new {
            out.component(&repetition.to_string());
            if let Some(component) = component {
                out.component(&component.to_string());
            }
        }
    } else if !new {
        out.next_component();
        out.next_component();
    }
    if new {
        out.field(&number);
        out.component(fault.text());
        out.component("HL70357");
        out.field("E");
    } else {
        out.next_component();
        out.value(&number);
        for text in [fault.text(), "HL70357"] {
            out.next_subcomponent();
            out.value(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ack::Refusal;
    use crate::message::Limits;

    fn acknowledged(header: &str, code: Code, fault: Option<(Fault, Option<Location>)>) -> String {
        let envelope = Envelope::read(header.as_bytes(), &Limits::default()).unwrap();
        let reply = Answer { code, fault, text: None, now: "20261130090000", control_id: "R1" };
        String::from_utf8(answer(&envelope, &reply)).unwrap().replace('\r', "/")
    }

    #[test]
    fn the_header_is_turned_around() {
        let message =
            |version| format!("MSH|^~\\&|EMR^1.2^ISO|FAC|IRIS|MAIN|20261130||ORM^O01^ORM_O01|c\\F\\7|T|{version}");
        let cases = [
            ("2.1", "ACK"),
            ("2.2", "ACK"),
            ("2.3", "ACK"),
            ("2.3.1", "ACK"),
            ("2.4", "ACK^O01"),
            ("2.5", "ACK^O01^ACK"),
            ("2.5.1^USA", "ACK^O01^ACK"),
            ("2.6", "ACK^O01^ACK"),
            ("2.7", "ACK^O01^ACK"),
            ("2.8", "ACK^O01^ACK"),
            ("9.9", "ACK"),
            ("", "ACK"),
        ];
        for (version, kind) in cases {
            let expected = format!(
                "MSH|^~\\&|IRIS|MAIN|EMR^1.2^ISO|FAC|20261130090000||{kind}|R1|T{}/MSA|AA|c\\F\\7/",
                if version.is_empty() { String::new() } else { format!("|{version}") }
            );
            assert_eq!(acknowledged(&message(version), Code::AA, None), expected);
        }
    }

    #[test]
    fn errors_have_a_place_in_the_form_of_the_version() {
        let (code, fault, location) = Refusal::NoControlId.answer();
        let message = |version| format!("MSH|^~\\&|EMR|FAC|||1||ORM^O01||P|{version}");
        let ending = |version| {
            let text = acknowledged(&message(version), code, Some((fault, location)));
            text.split_once("/MSA").unwrap().1.to_owned()
        };
        let old = "|AE||Required field missing/ERR|MSH^1^10^101&Required field missing&HL70357/";
        let new = "/ERR||MSH^1^10^1|101^Required field missing^HL70357|E/";
        for version in ["2.1", "2.2", "2.3", "2.3.1", "2.4"] {
            assert_eq!(ending(version), old);
        }
        for version in ["2.5", "2.5.1", "2.6"] {
            assert_eq!(ending(version), format!("|AE||Required field missing{new}"));
        }
        for version in ["2.7", "2.8"] {
            assert_eq!(ending(version), format!("|AE{new}"));
        }
    }

    #[test]
    fn errors_without_a_place() {
        let fault = Some((Fault::Internal, None));
        let text = acknowledged("MSH|^~\\&|||||||ORM^O01|1|P|2.4", Code::AR, fault);
        assert!(text.ends_with("MSA|AR|1|Application internal error/ERR|^^^207&Application internal error&HL70357/"));
        let text = acknowledged("MSH|^~\\&|||||||ORM^O01|1|P|2.5", Code::AR, fault);
        assert!(text.ends_with("/ERR|||207^Application internal error^HL70357|E/"), "{text}");
    }

    #[test]
    fn the_place_an_address_names() {
        let address = "PID[2]-3[2].5".parse().unwrap();
        let fault = Some((Fault::TableValue, Some(Location::of(&address))));
        let text = acknowledged("MSH|^~\\&|||||||ORM^O01|1|P|2.5", Code::AE, fault);
        assert!(text.contains("ERR||PID^2^3^2^5|103^"), "{text}");
    }

    #[test]
    fn other_delimiters_are_kept_and_values_stay_byte_for_byte() {
        let text = acknowledged("MSH#*%!@#E*1#F#####ORM*O01#a!S!b*@%|^~\\&#P#2.4", Code::AA, None);
        assert_eq!(text, "MSH#*%!@###E*1#F#20261130090000##ACK*O01#R1#P#2.4/MSA#AA#a!S!b*@%|^~\\&/");
        let latin1 = b"MSH|^~\\&|||||||ORM^O01|\xe9|P|2.4";
        let envelope = Envelope::read(latin1, &Limits::default()).unwrap();
        let reply = Answer { code: Code::AA, fault: None, text: None, now: "1", control_id: "R" };
        assert!(answer(&envelope, &reply).ends_with(b"MSA|AA|\xe9\r"));
    }
}
