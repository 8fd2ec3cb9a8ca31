//! One outgoing message, and everything that comes back until its answer is known.
//!
//! A frame that answers another message is set aside: it is a late answer, and must never be taken for this message's.
//! A commit (`CA`) is an answer; if the message also asked for the application's answer (MSH-16), that one takes its
//! place if it comes in time. After silence the connection has to be closed, so that a late answer cannot meet the next
//! message.

use super::Code;
use super::read::{Acknowledgement, NoAnswer, read};
use crate::mllp::Event;

/// Waits for the answer to one message.
#[derive(Debug)]
pub struct Exchange {
    control_id: Vec<u8>,
    /// The message asks for the application's answer in addition to the commit.
    application: bool,
    written: bool,
    committed: Option<Acknowledgement>,
    /// Bytes came that are not a frame.
    noise: bool,
}

/// Where the exchange stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The answer has not come yet.
    Waiting,
    /// The message is stored, and the application's answer is still expected.
    Committed,
    /// An answer to another message came: count it and keep waiting.
    Foreign,
    /// The exchange is over.
    Done(Outcome),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer to this message.
    Answered(Acknowledgement),
    /// The message was written, at least in part, and what came is not an answer.
    Unreadable(NoAnswer),
    /// The message was written, at least in part, and nothing came, or only bytes without a frame.
    Silence {
        /// Whether bytes came that are not a frame.
        noise: bool,
    },
    /// Nothing was written.
    NotSent,
}

impl Exchange {
    /// For the message with this MSH-10. `application`: its MSH-16 asks for the application's answer.
    #[must_use]
    pub fn new(control_id: &[u8], application: bool) -> Self {
        let control_id = control_id.trim_ascii().to_vec();
        Self { control_id, application, written: false, committed: None, noise: false }
    }

    /// From now on the receiver may have the message. Call this before the first byte is written.
    pub fn writing(&mut self) {
        self.written = true;
    }

    /// Takes an event of the connection.
    #[must_use]
    pub fn event(&mut self, event: &Event) -> Progress {
        match event {
            Event::Frame(frame) => self.frame(frame),
            // Stored by the peer's transport layer: HL7's own answer is still to come.
            Event::Transport(true) => Progress::Waiting,
            Event::Transport(false) => Progress::Done(self.ended()),
            Event::Junk(_) | Event::Dropped(_) => {
                self.noise = true;
                Progress::Waiting
            }
            Event::TooLarge { .. } | Event::Close(_) => {
                self.noise = true;
                Progress::Done(self.ended())
            }
        }
    }

    fn frame(&mut self, frame: &[u8]) -> Progress {
        let answer = match read(frame) {
            Ok(answer) => answer,
            Err(no) if self.committed.is_none() => return Progress::Done(Outcome::Unreadable(no)),
            Err(_) => return Progress::Waiting,
        };
        if answer.control_id.trim_ascii() != self.control_id {
            return Progress::Foreign;
        }
        if answer.code == Code::CA && self.application {
            self.committed = Some(answer);
            return Progress::Committed;
        }
        Progress::Done(Outcome::Answered(answer))
    }

    /// Time is up, or the connection is gone: what is known so far.
    #[must_use]
    pub fn ended(&self) -> Outcome {
        match &self.committed {
            Some(committed) => Outcome::Answered(committed.clone()),
            None if self.written => Outcome::Silence { noise: self.noise },
            None => Outcome::NotSent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mllp::{Close, Dropped, Reason};

    fn frame(code: &str, control_id: &str) -> Event {
        Event::Frame(format!("MSH|^~\\&|||||||ACK|1|P|2.4\rMSA|{code}|{control_id}\r").into_bytes())
    }

    /// The result of the last event, or what was known at the end.
    fn run(application: bool, events: &[Event]) -> Outcome {
        let mut exchange = Exchange::new(b"17", application);
        exchange.writing();
        for event in events {
            if let Progress::Done(outcome) = exchange.event(event) {
                return outcome;
            }
        }
        exchange.ended()
    }

    fn code(outcome: &Outcome) -> String {
        match outcome {
            Outcome::Answered(answer) => answer.code.text().to_owned(),
            Outcome::Silence { noise } => format!("silence {noise}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_comes_back() {
        let dropped = || Event::Dropped(Dropped { reason: Reason::Unframed, bytes: 3 });
        let cases = [
            ("an answer", false, vec![frame("AA", "17")], "AA"),
            ("blanks around the id", false, vec![frame("AE", " 17 ")], "AE"),
            ("a late one of another message first", false, vec![frame("AA", "16"), frame("AR", "17")], "AR"),
            ("only another message's", false, vec![frame("AA", "16")], "silence false"),
            ("a commit", false, vec![frame("CA", "17"), frame("AE", "17")], "CA"),
            ("a commit, then the application", true, vec![frame("CA", "17"), frame("AE", "17")], "AE"),
            ("a commit, then nothing", true, vec![frame("CA", "17")], "CA"),
            ("a commit, then garbage", true, vec![frame("CA", "17"), frame("?", "17")], "CA"),
            ("a commit, then another message's", true, vec![frame("CA", "17"), frame("AA", "18")], "CA"),
            ("an answer of the application at once", true, vec![frame("AA", "17")], "AA"),
            ("stored by the transport", false, vec![Event::Transport(true), frame("AA", "17")], "AA"),
            ("stored by the transport only", false, vec![Event::Transport(true)], "silence false"),
            ("not stored by the transport", false, vec![Event::Transport(false), frame("AA", "17")], "silence false"),
            ("bytes without a frame", false, vec![dropped(), Event::Junk(9)], "silence true"),
            ("too many of them", false, vec![Event::Close(Close::Junk)], "silence true"),
            ("garbage", false, vec![frame("OK", "17")], "Unreadable(UnknownCode)"),
            ("no id", false, vec![frame("AA", "")], "Unreadable(NoControlId)"),
            ("nothing", false, vec![], "silence false"),
        ];
        for (label, application, events, expected) in cases {
            assert_eq!(code(&run(application, &events)), expected, "{label}");
        }
    }

    #[test]
    fn nothing_was_written() {
        assert_eq!(Exchange::new(b"17", false).ended(), Outcome::NotSent);
    }
}
