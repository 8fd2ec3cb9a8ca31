//! What is kept of a message for people to read: one order of it, without social security numbers (iris-facts R-25).

use super::{ORC, PID};
use iris_hl7::message::{Group, Segment};
use iris_hl7::{Message, SegmentId};

/// The field that holds a social security number.
const SOCIAL_SECURITY: u16 = 19;

/// Each order of a message as a message of its own, in the order of [`Reader::orders`](super::Reader::orders): the
/// header, the segments of its patient, and its own. A message without an order is one excerpt.
#[must_use]
pub fn excerpts(message: &Message<'_>) -> Vec<Vec<u8>> {
    let groups = match ORC.parse::<SegmentId>() {
        Ok(leader) => message.groups(leader),
        Err(_) => Vec::new(),
    };
    if groups.is_empty() {
        return vec![joined(message.segments())];
    }
    groups.iter().map(|group: &Group<'_>| joined(group.segments())).collect()
}

fn joined<'m>(segments: impl Iterator<Item = Segment<'m>>) -> Vec<u8> {
    let mut excerpt = Vec::new();
    for segment in segments {
        let bytes = segment.bytes();
        let number = segment.field(SOCIAL_SECURITY).filter(|_| segment.id().is_some_and(|id| id.to_string() == PID));
        match number {
            None => excerpt.extend_from_slice(bytes),
            Some(number) => {
                // The field's offset in the segment: its bytes are a slice of the segment's.
                let start = (number.bytes().as_ptr().addr()).saturating_sub(bytes.as_ptr().addr());
                excerpt.extend_from_slice(bytes.get(..start).unwrap_or_default());
                excerpt.extend_from_slice(bytes.get(start + number.bytes().len()..).unwrap_or_default());
            }
        }
        excerpt.push(b'\r');
    }
    excerpt
}
