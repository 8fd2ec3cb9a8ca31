//! Frames: a size, a type, a channel, a body.

use super::{Error, condition};
use bytes::{Buf, Bytes, BytesMut};

/// Which layer a frame belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Amqp,
    Sasl,
}

/// A frame as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: FrameKind,
    pub(crate) channel: u16,
    /// Performative and payload; empty for a sign of life.
    pub(crate) body: Bytes,
}

/// The header with which a peer begins a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProtocolHeader {
    Amqp,
    Sasl,
}

impl ProtocolHeader {
    pub(crate) fn bytes(self) -> [u8; 8] {
        let id = match self {
            Self::Amqp => 0,
            Self::Sasl => 3,
        };
        [b'A', b'M', b'Q', b'P', id, 1, 0, 0]
    }
}

const HEADER: usize = 8;

/// Takes a protocol header off the input; `None` until eight bytes have arrived.
pub(crate) fn protocol_header(input: &mut BytesMut) -> Result<Option<ProtocolHeader>, Error> {
    let Some(head) = input.first_chunk::<8>() else { return Ok(None) };
    let header = [ProtocolHeader::Amqp, ProtocolHeader::Sasl].into_iter().find(|header| header.bytes() == *head);
    match header {
        Some(header) => {
            input.advance(HEADER);
            Ok(Some(header))
        }
        None => Err(Error::new(condition::FRAMING, "an AMQP 1.0 or SASL protocol header was expected")),
    }
}

/// Takes a frame off the input; `None` until all of it has arrived.
pub(crate) fn next_frame(input: &mut BytesMut, largest: usize) -> Result<Option<Frame>, Error> {
    let Some(&[a, b, c, d, offset, kind, high, low]) = input.first_chunk::<HEADER>() else { return Ok(None) };
    let size = u32::from_be_bytes([a, b, c, d]) as usize;
    let start = usize::from(offset) * 4;
    if size > largest {
        return Err(Error::new(
            condition::FRAMING,
            format!("a frame of {size} bytes is larger than the {largest} agreed"),
        ));
    }
    if start < HEADER || start > size {
        return Err(Error::new(condition::FRAMING, "the frame's data offset lies outside the frame"));
    }
    let kind = match kind {
        0 => FrameKind::Amqp,
        1 => FrameKind::Sasl,
        _ => return Err(Error::new(condition::FRAMING, "unknown frame type")),
    };
    if input.len() < size {
        return Ok(None);
    }
    let mut body = input.split_to(size).freeze();
    body.advance(start);
    Ok(Some(Frame { kind, channel: u16::from_be_bytes([high, low]), body }))
}

/// Appends a frame whose body `fill` writes.
pub(crate) fn frame(out: &mut Vec<u8>, kind: FrameKind, channel: u16, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    let kind = match kind {
        FrameKind::Amqp => 0,
        FrameKind::Sasl => 1,
    };
    let [high, low] = channel.to_be_bytes();
    out.extend_from_slice(&[0, 0, 0, 0, 2, kind, high, low]);
    fill(out);
    let size = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(field) = out.get_mut(start..start + 4) {
        field.copy_from_slice(&size.to_be_bytes());
    }
}

/// Appends a sign of life.
pub(crate) fn empty_frame(out: &mut Vec<u8>) {
    frame(out, FrameKind::Amqp, 0, |_| ());
}
