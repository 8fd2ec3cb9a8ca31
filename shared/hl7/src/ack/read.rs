//! Reading answers.

use super::Code;
use crate::message::{Component, Limits, Message, Segment, SegmentId};
use thiserror::Error;

/// An acknowledgement that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// MSA-1.
    pub code: Code,
    /// MSA-2: the MSH-10 of what it answers, byte for byte.
    pub control_id: Vec<u8>,
    /// The numbers of table 0357 that it names (ERR-3.1; ERR-1.4 up to 2.4; MSA-6), in order.
    pub errors: Vec<u16>,
    /// Its text for people (MSA-3, ERR-8). It may name a patient: personal data.
    pub text: String,
}

/// Why a frame is not an answer. Contains nothing of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoAnswer {
    /// It is not a message.
    #[error("the answer is no HL7 message")]
    Unreadable(#[source] crate::ReadError),
    /// No MSA segment.
    #[error("the answer has no MSA segment")]
    NoMsa,
    /// MSA-1 is not one of the six codes.
    #[error("the answer's code (MSA-1) is unknown")]
    UnknownCode,
    /// MSA-2 is empty.
    #[error("the answer does not say to which message (MSA-2)")]
    NoControlId,
}

const MSA: SegmentId = SegmentId::literal(*b"MSA");
const ERR: SegmentId = SegmentId::literal(*b"ERR");

/// Reads an answer. Having an MSA makes a message an answer, whatever MSH-9 says.
///
/// # Errors
///
/// [`NoAnswer`].
pub fn read(frame: &[u8]) -> Result<Acknowledgement, NoAnswer> {
    let limits = Limits { bytes: 64 << 10, segments: 1_000, ..Limits::default() };
    let message = Message::read(frame, &limits).map_err(NoAnswer::Unreadable)?;
    let msa = message.segments().find(|segment| segment.id() == Some(MSA)).ok_or(NoAnswer::NoMsa)?;
    let code = text(&msa, 1).and_then(|code| Code::from_text(code.trim())).ok_or(NoAnswer::UnknownCode)?;
    let control_id = msa.field(2).map(|field| field.bytes()).unwrap_or_default();
    if control_id.trim_ascii().is_empty() {
        return Err(NoAnswer::NoControlId);
    }
    let errors = || message.segments().filter(|segment| segment.id() == Some(ERR));
    let mut numbers: Vec<u16> = errors().flat_map(|segment| numbers_of(&segment)).collect();
    numbers.extend(text(&msa, 6).and_then(|number| number.trim().parse::<u16>().ok()));
    let texts = text(&msa, 3).into_iter().chain(errors().filter_map(|segment| text(&segment, 8)));
    let text = texts.collect::<Vec<_>>().join("; ");
    Ok(Acknowledgement { code, control_id: control_id.to_vec(), errors: numbers, text })
}

/// The first component of a field.
fn text(segment: &Segment<'_>, field: u16) -> Option<String> {
    let component = segment.field(field)?.repetition(1)?.component(1)?;
    component.value().into_text().map(std::borrow::Cow::into_owned)
}

fn numbers_of(segment: &Segment<'_>) -> Vec<u16> {
    let number = |part: Option<Component<'_>>| part?.value().into_text()?.trim().parse::<u16>().ok();
    let new = number(segment.field(3).and_then(|field| field.repetition(1)?.component(1)));
    match (new, segment.field(1)) {
        (Some(new), _) => vec![new],
        (None, Some(old)) => old.repetitions().filter_map(|repetition| number(repetition.component(4))).collect(),
        (None, None) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReadError;

    #[test]
    fn answers() {
        let yes = |code, errors: &[u16], text: &str| {
            Ok(Acknowledgement { code, control_id: b"17".to_vec(), errors: errors.to_vec(), text: text.to_owned() })
        };
        let cases = [
            ("MSH|^~\\&|||||||ACK|1|P|2.4\rMSA|AA|17\r", yes(Code::AA, &[], "")),
            ("MSH|^~\\&|||||||ACK|1|P|2.4\nMSA|CA|17\n", yes(Code::CA, &[], "")),
            // MSA decides, not MSH-9.
            ("MSH|^~\\&|||||||ADR^A19|1|P|2.4\rMSA|AA|17\rQRD|1\r", yes(Code::AA, &[], "")),
            ("MSH|^~\\&\rMSA| AA |17\r", yes(Code::AA, &[], "")),
            ("MSH|^~\\&\rMSA|AE|17|no\\T\\yes\r", yes(Code::AE, &[], "no&yes")),
            ("MSH|^~\\&\rMSA|AE|17\rERR|PID^1^3^101&Missing&HL70357~PV1^1^3^103\r", yes(Code::AE, &[101, 103], "")),
            (
                "MSH|^~\\&\rMSA|AR|17\rERR||MSH^1^12|203^V^HL70357|E||||said\rERR|||207\r",
                yes(Code::AR, &[203, 207], "said"),
            ),
            ("MSH|^~\\&\rMSA|AE|17||||206\r", yes(Code::AE, &[206], "")),
            ("MSH|^~\\&\rMSA|AE|17\rERR|||local^x^L\r", yes(Code::AE, &[], "")),
            ("MSH|^~\\&\rMSA|AAX|17\r", Err(NoAnswer::UnknownCode)),
            ("MSH|^~\\&\rMSA|aa|17\r", Err(NoAnswer::UnknownCode)),
            ("MSH|^~\\&\rMSA||17\r", Err(NoAnswer::UnknownCode)),
            ("MSH|^~\\&\rMSA|AA|\r", Err(NoAnswer::NoControlId)),
            ("MSH|^~\\&\rMSA|AA\r", Err(NoAnswer::NoControlId)),
            ("MSH|^~\\&|||||||ACK\r", Err(NoAnswer::NoMsa)),
            ("HTTP/1.1 200 OK\r\n", Err(NoAnswer::Unreadable(ReadError::NoHeader))),
            ("", Err(NoAnswer::Unreadable(ReadError::Empty))),
        ];
        for (frame, expected) in cases {
            assert_eq!(read(frame.as_bytes()), expected, "{frame:?}");
        }
    }
}
