//! The state of one direction of a connection.

use super::{ACKNOWLEDGED, Close, Dropped, END, Event, NOT_ACKNOWLEDGED, Options, Reason, START};
use crate::message::index::is_blank;
use memchr::{memchr, memchr2};
use std::time::Instant;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The first bytes of a message.
const HEADER: &[u8] = b"MSH";

/// How much of an oversized frame is kept for the answer.
const HEAD: usize = 4 * 1024;

/// Splits the bytes of a connection into events.
#[derive(Debug)]
pub struct Decoder {
    options: Options,
    state: State,
    events: Vec<Event>,
}

#[derive(Debug)]
enum State {
    Between(Between),
    Frame(Frame),
    /// Nothing more is read.
    Closed,
}

/// Between frames.
#[derive(Debug)]
struct Between {
    /// Non-blank bytes since the last frame.
    junk: usize,
    /// Only blanks came since the last end: a message may begin here without a frame.
    fresh: bool,
    /// The beginning of what may be such a message.
    held: Vec<u8>,
}

/// Within a frame.
#[derive(Debug)]
struct Frame {
    content: Vec<u8>,
    since: Instant,
    /// The content ends with a start byte and this many of the characters that would make it a new frame.
    restart: Option<usize>,
}

impl Frame {
    fn new(content: Vec<u8>, since: Instant) -> Self {
        Self { content, since, restart: None }
    }
}

const BETWEEN: State = State::Between(Between { junk: 0, fresh: true, held: Vec::new() });

impl Decoder {
    /// For one direction of a new connection.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, state: BETWEEN, events: Vec::new() }
    }

    /// Takes bytes that came at this time, and returns their events.
    pub fn receive(&mut self, bytes: &[u8], at: Instant) -> Vec<Event> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match &mut self.state {
                State::Closed => break,
                State::Between(_) => self.between(rest, at),
                State::Frame(_) => self.frame(rest, at),
            };
        }
        std::mem::take(&mut self.events)
    }

    /// When the current frame must have ended; `None` between frames.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Frame(frame) => frame.since.checked_add(self.options.patience),
            State::Between(_) | State::Closed => None,
        }
    }

    /// Drops a frame whose deadline has passed.
    pub fn expire(&mut self, now: Instant) -> Vec<Event> {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.drop_frame(Reason::TimedOut);
            self.close(Close::TimedOut);
        }
        std::mem::take(&mut self.events)
    }

    /// The stream has ended.
    pub fn finish(&mut self) -> Vec<Event> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Between(Between { junk, held, .. }) => self.junk(junk + held.len()),
            State::Frame(frame) => self.dropped(frame.content.len(), Reason::Truncated),
            State::Closed => {}
        }
        std::mem::take(&mut self.events)
    }

    /// Whether the connection is to be closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    fn junk(&mut self, bytes: usize) {
        if bytes > 0 {
            self.events.push(Event::Junk(bytes));
        }
    }

    fn close(&mut self, why: Close) {
        self.state = State::Closed;
        self.events.push(Event::Close(why));
    }

    fn dropped(&mut self, bytes: usize, reason: Reason) {
        self.events.push(Event::Dropped(Dropped { reason, bytes }));
    }

    fn drop_frame(&mut self, reason: Reason) {
        if let State::Frame(frame) = std::mem::replace(&mut self.state, BETWEEN) {
            self.dropped(frame.content.len(), reason);
        }
    }

    /// Reads between frames; the remaining bytes belong to a frame.
    fn between<'b>(&mut self, bytes: &'b [u8], at: Instant) -> &'b [u8] {
        let State::Between(between) = &mut self.state else { return bytes };
        let (outside, framed) = bytes.split_at(memchr(START, bytes).unwrap_or(bytes.len()));
        for (n, byte) in outside.iter().enumerate() {
            if between.begins_message(*byte) {
                if self.options.unframed {
                    let junk = between.junk;
                    self.state = State::Frame(Frame::new(HEADER.to_vec(), at));
                    self.junk(junk);
                    return bytes.get(n + 1..).unwrap_or_default();
                }
                between.refuse();
                self.events.push(Event::Dropped(Dropped { reason: Reason::Unframed, bytes: HEADER.len() }));
            }
            if between.total() > self.options.junk {
                let total = between.total();
                self.junk(total);
                self.close(Close::Junk);
                return &[];
            }
        }
        let total = between.total();
        match framed.get(1..) {
            None => &[],
            Some(content) => {
                self.state = State::Frame(Frame::new(Vec::new(), at));
                self.junk(total);
                content
            }
        }
    }

    /// Reads within a frame; the remaining bytes come after it.
    fn frame<'b>(&mut self, bytes: &'b [u8], at: Instant) -> &'b [u8] {
        let State::Frame(frame) = &mut self.state else { return bytes };
        if let (Some(matched), [byte, rest @ ..]) = (frame.restart, bytes)
            && HEADER.get(matched) == Some(byte)
        {
            frame.content.push(*byte);
            frame.restart = Some(matched + 1);
            if matched + 1 == HEADER.len() {
                let unfinished = frame.content.len() - HEADER.len() - 1;
                self.state = State::Frame(Frame::new(HEADER.to_vec(), at));
                self.dropped(unfinished, Reason::Truncated);
            }
            return rest;
        }
        frame.restart = None;
        // One byte more than allowed is enough to know that it is too large.
        let room = self.options.frame.saturating_add(1).saturating_sub(frame.content.len());
        let found = memchr2(START, END, bytes);
        let content = bytes.get(..found.unwrap_or(bytes.len())).unwrap_or_default();
        frame.content.extend_from_slice(content.get(..room).unwrap_or(content));
        if frame.content.len() > self.options.frame {
            self.too_large();
            return &[];
        }
        let Some(position) = found else { return &[] };
        if bytes.get(position) == Some(&END) {
            self.end_frame();
        } else {
            frame.content.push(START);
            frame.restart = Some(0);
        }
        bytes.get(position + 1..).unwrap_or_default()
    }

    fn end_frame(&mut self) {
        let State::Frame(frame) = std::mem::replace(&mut self.state, BETWEEN) else { return };
        match frame.content.as_slice() {
            [] => self.dropped(0, Reason::Empty),
            [ACKNOWLEDGED] => self.events.push(Event::Transport(true)),
            [NOT_ACKNOWLEDGED] => self.events.push(Event::Transport(false)),
            _ => self.events.push(Event::Frame(without_mark(frame.content))),
        }
    }

    fn too_large(&mut self) {
        if let State::Frame(frame) = std::mem::replace(&mut self.state, State::Closed) {
            let content = without_mark(frame.content);
            let head = content.get(..HEAD).unwrap_or(&content).to_vec();
            self.events.push(Event::TooLarge { head });
            self.close(Close::TooLarge);
        }
    }
}

impl Between {
    /// Non-blank bytes.
    fn total(&self) -> usize {
        self.junk + self.held.len()
    }

    /// What is held is not a message, or not one that is accepted.
    fn refuse(&mut self) {
        self.junk = self.total();
        self.held.clear();
        self.fresh = false;
    }

    /// Takes one byte; true if it completes the first three bytes of a message, which are then held.
    fn begins_message(&mut self, byte: u8) -> bool {
        if byte == END {
            self.refuse();
            self.fresh = true;
        } else if is_blank(byte) && self.held.is_empty() {
            // Blanks mean nothing.
        } else if self.fresh {
            self.held.push(byte);
            let begun = self.held.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.held);
            if begun == HEADER {
                return true;
            }
            if !HEADER.starts_with(begun) && !BYTE_ORDER_MARK.starts_with(&self.held) {
                self.refuse();
            }
        } else {
            self.junk += 1;
        }
        false
    }
}

fn without_mark(mut content: Vec<u8>) -> Vec<u8> {
    if content.starts_with(BYTE_ORDER_MARK) {
        content.drain(..BYTE_ORDER_MARK.len());
    }
    content
}
