//! MLLP: how messages are framed on a connection, `VT message FS CR`, and what else peers send.
//!
//! Bytes in, events out: [`Decoder`] knows neither sockets nor the clock. The code that reads the connection passes in
//! what came and when, handles the events, calls [`Decoder::expire`] when [`Decoder::deadline`] has passed and
//! [`Decoder::finish`] at the end of the stream.
//!
//! | on the connection | event |
//! |---|---|
//! | CR, LF, NUL, blanks between frames | none |
//! | other bytes between frames | [`Event::Junk`] once they end; over the limit [`Event::Close`] |
//! | `VT`, content, `FS` | [`Event::Frame`], whatever follows `FS` |
//! | `VT` and `MSH` within a frame | [`Event::Dropped`] for the unfinished frame, and a new one begins; any other `VT` is content |
//! | `MSH` where a frame should begin | [`Event::Dropped`], or a frame up to `FS` if [`Options::unframed`] |
//! | `VT FS` | [`Event::Dropped`] |
//! | `VT 06 FS`, `VT 15 FS` | [`Event::Transport`]: release 2 of MLLP |
//! | a frame over the limit | [`Event::TooLarge`] with its beginning, then [`Event::Close`] |
//! | the stream ends within a frame | [`Event::Dropped`] |
//! | a frame takes too long | [`Event::Dropped`], then [`Event::Close`] |
//!
//! A dropped frame is never acknowledged: its sender will send it again. Each byte is examined once, however the stream
//! is cut.

mod decoder;

pub use decoder::Decoder;

use std::time::Duration;
use thiserror::Error;

/// Begins a frame.
pub const START: u8 = 0x0b;
/// Ends a frame, followed by [`CARRIAGE_RETURN`].
pub const END: u8 = 0x1c;
/// Ends segments, and frames.
pub const CARRIAGE_RETURN: u8 = 0x0d;
/// Release 2: the peer has stored what was sent.
const ACKNOWLEDGED: u8 = 0x06;
/// Release 2: the peer could not store it.
const NOT_ACKNOWLEDGED: u8 = 0x15;

/// What is allowed on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes of one frame's content.
    pub frame: usize,
    /// Non-blank bytes between frames.
    pub junk: usize,
    /// Time from the first byte of a frame to its last.
    pub patience: Duration,
    /// Whether messages without a start byte are accepted.
    pub unframed: bool,
}

impl Options {
    /// For orders.
    pub const ORDERS: Self = Self::with_frame(1 << 20);
    /// For answers.
    pub const ANSWERS: Self = Self::with_frame(64 << 10);
    /// For results.
    pub const RESULTS: Self = Self::with_frame(16 << 20);

    const fn with_frame(frame: usize) -> Self {
        Self { frame, junk: 64 << 10, patience: Duration::from_secs(30), unframed: false }
    }
}

/// What the bytes of a connection mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message, without its frame.
    Frame(Vec<u8>),
    /// Something that should have been a message but is not accepted.
    Dropped(Dropped),
    /// A frame exceeds [`Options::frame`].
    TooLarge {
        /// Its first bytes, for an answer that names the message; 4 kB at most.
        head: Vec<u8>,
    },
    /// This many bytes stood between frames.
    Junk(usize),
    /// Release 2 of MLLP. True: stored; false: send it again.
    Transport(bool),
    /// Stop reading and close the connection.
    Close(Close),
}

/// A frame that was not accepted, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// What was wrong with it.
    pub reason: Reason,
    /// How many bytes of content had come.
    pub bytes: usize,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Reason {
    /// Another frame began, or the stream ended.
    #[error("a frame was cut off")]
    Truncated,
    /// It has no start byte.
    #[error("a message came without a frame")]
    Unframed,
    /// It has no content.
    #[error("a frame was empty")]
    Empty,
    /// It did not end in time.
    #[error("a frame did not end in time")]
    TimedOut,
}

/// Why a connection is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Close {
    /// [`Options::frame`].
    #[error("a frame was too large")]
    TooLarge,
    /// [`Options::junk`].
    #[error("too much came that is no HL7")]
    Junk,
    /// [`Options::patience`].
    #[error("a frame did not end in time")]
    TimedOut,
}

/// A message that no frame can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the message contains the byte that ends frames")]
pub struct NoFrame;

/// A frame around a message, to be written at once. The last segment gets an end if it has none.
///
/// # Errors
///
/// [`NoFrame`]: the frame would end within the message.
pub fn encode(message: &[u8]) -> Result<Vec<u8>, NoFrame> {
    if memchr::memchr(END, message).is_some() {
        return Err(NoFrame);
    }
    let mut frame = Vec::with_capacity(message.len() + 4);
    frame.push(START);
    frame.extend_from_slice(message);
    if message.last() != Some(&CARRIAGE_RETURN) {
        frame.push(CARRIAGE_RETURN);
    }
    frame.extend_from_slice(&[END, CARRIAGE_RETURN]);
    Ok(frame)
}

/// The block by which release 2 of MLLP says that a message was stored, or was not.
#[must_use]
pub fn transport(stored: bool) -> [u8; 4] {
    [START, if stored { ACKNOWLEDGED } else { NOT_ACKNOWLEDGED }, END, CARRIAGE_RETURN]
}
