//! The meaning of a connection's bytes: every event of the table in `mllp`, however the stream is cut.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use iris_hl7::mllp::{Close, Decoder, Dropped, Event, NoFrame, Options, Reason, encode, transport};
use proptest::prelude::*;
use std::time::{Duration, Instant};

const OPTIONS: Options = Options { frame: 64, junk: 16, patience: Duration::from_secs(30), unframed: false };

fn frame(text: &str) -> Event {
    Event::Frame(text.as_bytes().to_vec())
}

fn dropped(reason: Reason, bytes: usize) -> Event {
    Event::Dropped(Dropped { reason, bytes })
}

/// All events of a stream that arrives in these pieces.
fn events<'b>(options: Options, pieces: impl IntoIterator<Item = &'b [u8]>) -> Vec<Event> {
    let mut decoder = Decoder::new(options);
    let at = Instant::now();
    let mut events: Vec<Event> = pieces.into_iter().flat_map(|piece| decoder.receive(piece, at)).collect();
    events.extend(decoder.finish());
    events
}

/// The same events at once, byte by byte, and in two pieces cut anywhere. Junk is added up, because how it is cut does
/// not matter.
fn check(options: Options, stream: &[u8], expected: &[Event]) {
    let label = String::from_utf8_lossy(stream).into_owned();
    assert_eq!(events(options, [stream]), expected, "{label:?}");
    assert_eq!(events(options, stream.chunks(1)), expected, "{label:?} byte by byte");
    for cut in 0..stream.len() {
        let (one, two) = stream.split_at(cut);
        assert_eq!(events(options, [one, two]), expected, "{label:?} cut at {cut}");
    }
}

#[test]
fn frames_and_what_stands_between_them() {
    let cases: &[(&[u8], Vec<Event>)] = &[
        (b"", vec![]),
        (b"\r\n\0 \t\r\n", vec![]),
        (b"\x0bMSH|1\r\x1c\r", vec![frame("MSH|1\r")]),
        // Two messages in one read are two messages.
        (b"\x0bMSH|1\r\x1c\r\x0bMSH|2\r\x1c\r", vec![frame("MSH|1\r"), frame("MSH|2\r")]),
        // FS ends the frame, whatever follows.
        (b"\x0bMSH|1\r\x1c\x0bMSH|2\r\x1c", vec![frame("MSH|1\r"), frame("MSH|2\r")]),
        (b"\x0bMSH|1\r\x1c\n\0\0\r\n\x0bMSH|2\r\x1c\r\n", vec![frame("MSH|1\r"), frame("MSH|2\r")]),
        (b"\x0bMSH|1\r\x1c\r\x1c\r", vec![frame("MSH|1\r")]),
        // A byte order mark is not content.
        (b"\x0b\xef\xbb\xbfMSH|1\x1c\r", vec![frame("MSH|1")]),
        // Other bytes between frames.
        (b"hello\x0bMSH|1\x1c\rx y\x0bMSH|2\x1c", vec![Event::Junk(5), frame("MSH|1"), Event::Junk(2), frame("MSH|2")]),
        (b"GET / HTTP\r\n\r\n", vec![Event::Junk(8)]),
        (b"0123456789abcdef", vec![Event::Junk(16)]),
        // Another frame begins within one.
        (b"\x0bMSH|1\rPID|\x0bMSH|2\x1c\r", vec![dropped(Reason::Truncated, 10), frame("MSH|2")]),
        (b"\x0b\x0bMSH|2\x1c\r", vec![dropped(Reason::Truncated, 0), frame("MSH|2")]),
        (b"\x0bMSH|1\x0bMS\x0bMSH|2\x1c", vec![dropped(Reason::Truncated, 8), frame("MSH|2")]),
        // Any other start byte is content.
        (b"\x0bMSH|a\x0bb\x0bMS|\x0b\x0bc\x1c", vec![frame("MSH|a\x0bb\x0bMS|\x0b\x0bc")]),
        (b"\x0bMSH|a\x0bMS\x1c\r", vec![frame("MSH|a\x0bMS")]),
        // The stream ends.
        (b"\x0bMSH|1\rPI", vec![dropped(Reason::Truncated, 8)]),
        (b"\x0b", vec![dropped(Reason::Truncated, 0)]),
        (b"\x0bMSH|1\r\x1c\r\x0bMS", vec![frame("MSH|1\r"), dropped(Reason::Truncated, 2)]),
        // Empty frames.
        (b"\x0b\x1c\r\x0bMSH|1\x1c\r", vec![dropped(Reason::Empty, 0), frame("MSH|1")]),
        // Release 2.
        (b"\x0b\x06\x1c\r\x0b\x15\x1c\r", vec![Event::Transport(true), Event::Transport(false)]),
        (b"\x0b\x06\x06\x1c\r", vec![frame("\x06\x06")]),
        // No start byte.
        (b"MSH|1\r\x1c\r", vec![dropped(Reason::Unframed, 3), Event::Junk(5)]),
        (b"\r\nMSH|1\r\x1c\rMSH|2", vec![dropped(Reason::Unframed, 3), dropped(Reason::Unframed, 3), Event::Junk(10)]),
        (b"MSH|1\r\x0bMSH|2\x1c\r", vec![dropped(Reason::Unframed, 3), Event::Junk(5), frame("MSH|2")]),
        (b"xMSH|1\r\x1c\r", vec![Event::Junk(6)]),
        (b"MS", vec![Event::Junk(2)]),
    ];
    for (stream, expected) in cases {
        check(OPTIONS, stream, expected);
    }
}

#[test]
fn messages_without_frames_where_they_are_taken() {
    let options = Options { unframed: true, ..OPTIONS };
    let cases: &[(&[u8], Vec<Event>)] = &[
        (b"MSH|1\r\x1c\rMSH|2\r\x1c\r", vec![frame("MSH|1\r"), frame("MSH|2\r")]),
        (b"\xef\xbb\xbfMSH|1\r\x1c", vec![frame("MSH|1\r")]),
        (b"\x0bMSH|1\r\x1c\rMSH|2\x1c", vec![frame("MSH|1\r"), frame("MSH|2")]),
        (b"MSH|1\r", vec![dropped(Reason::Truncated, 6)]),
        (b"x\rMSH|1\r\x1c", vec![Event::Junk(6)]),
    ];
    for (stream, expected) in cases {
        check(options, stream, expected);
    }
}

#[test]
fn too_much_of_anything_closes_the_connection() {
    let most = [b"\x0bMSH|".as_slice(), &[b'x'; 60], b"\x1c"].concat();
    let kept = [b"MSH|".as_slice(), &[b'x'; 60]].concat();
    check(OPTIONS, &most, &[Event::Frame(kept)]);
    let more = [b"\x0bMSH|".as_slice(), &[b'x'; 61], b"\x1c\r\x0bMSH|2\x1c\r"].concat();
    let head = [b"MSH|".as_slice(), &[b'x'; 61]].concat();
    check(OPTIONS, &more, &[Event::TooLarge { head }, Event::Close(Close::TooLarge)]);
    check(OPTIONS, b"0123456789abcdefg", &[Event::Junk(17), Event::Close(Close::Junk)]);
    // Neither frame ends nor blanks in between reduce the count.
    check(OPTIONS, b"01234\x1c56789\x1c\rabcdefg", &[Event::Junk(17), Event::Close(Close::Junk)]);
}

#[test]
fn what_is_kept_of_a_frame_that_is_too_large_is_its_beginning() {
    let options = Options { frame: 100_000, ..OPTIONS };
    let stream = [b"\x0bMSH|".as_slice(), &vec![b'x'; 200_000]].concat();
    let all = events(options, [stream.as_slice()]);
    let [Event::TooLarge { head }, Event::Close(Close::TooLarge)] = all.as_slice() else { panic!("{}", all.len()) };
    assert_eq!((head.len(), head.starts_with(b"MSH|x")), (4096, true));
}

#[test]
fn a_frame_has_its_time_and_idling_has_no_limit() {
    let mut decoder = Decoder::new(OPTIONS);
    let start = Instant::now();
    let later = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(decoder.deadline(), None);
    assert_eq!(decoder.receive(b"\r\nx", start), []);
    assert_eq!(decoder.deadline(), None);
    assert_eq!(decoder.receive(b"\x0bMSH", later(100)), [Event::Junk(1)]);
    assert_eq!(decoder.deadline(), Some(later(130)), "from the first byte");
    assert_eq!(decoder.receive(b"|1", later(120)), []);
    assert_eq!(decoder.deadline(), Some(later(130)), "more of the same frame does not prolong it");
    assert_eq!(decoder.expire(later(129)), []);
    assert_eq!(decoder.receive(b"\x0bMSH|2", later(129)), [dropped(Reason::Truncated, 5)]);
    assert_eq!(decoder.deadline(), Some(later(159)), "another frame has its own time");
    assert_eq!(decoder.expire(later(159)), [dropped(Reason::TimedOut, 5), Event::Close(Close::TimedOut)]);
    assert!(decoder.is_closed());
    assert_eq!(decoder.receive(b"\x0bMSH|3\x1c", later(160)), [], "nothing is read any more");
}

#[test]
fn what_is_written_is_read() {
    for (message, expected) in [("MSH|1\r", "MSH|1\r"), ("MSH|1", "MSH|1\r")] {
        let bytes = encode(message.as_bytes()).unwrap();
        assert_eq!(events(OPTIONS, [bytes.as_slice()]), [frame(expected)]);
    }
    assert_eq!(encode(b"MSH|\x1c"), Err(NoFrame));
    assert_eq!(transport(true), *b"\x0b\x06\x1c\r");
    assert_eq!(transport(false), *b"\x0b\x15\x1c\r");
}

proptest! {
    #[test]
    fn how_the_stream_is_cut_does_not_matter(
        stream in proptest::collection::vec(
            prop_oneof![
                4 => Just(b"\x0b".to_vec()), 4 => Just(b"\x1c".to_vec()), 2 => Just(b"\r".to_vec()),
                4 => Just(b"MSH".to_vec()), 1 => Just(b"M".to_vec()), 1 => Just(b"\xef\xbb\xbf".to_vec()),
                1 => Just(b"\xef".to_vec()), 1 => Just(b"\x06".to_vec()), 2 => Just(b"|text|".to_vec()),
                1 => any::<u8>().prop_map(|byte| vec![byte]),
            ],
            0..40,
        ),
        cuts in proptest::collection::vec(1usize..9, 0..40),
        unframed in any::<bool>(),
    ) {
        let stream = stream.concat();
        let options = Options { unframed, ..OPTIONS };
        let whole = events(options, [stream.as_slice()]);
        let mut pieces = Vec::new();
        let mut rest = stream.as_slice();
        for cut in cuts {
            let (piece, more) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        pieces.push(rest);
        prop_assert_eq!(events(options, pieces), whole);
    }
}

/// Eight megabytes byte by byte take no more steps per byte than all at once: nothing is searched twice. Measured in
/// work, not in time, by the one thing that grows: the content is appended to, never examined again.
#[test]
fn large_frames_in_single_bytes() {
    let options = Options::RESULTS;
    let stream = [b"\x0bMSH|".as_slice(), &vec![b'A'; 8 << 20], b"\x1c\r"].concat();
    let all = events(options, stream.chunks(1));
    let [Event::Frame(content)] = all.as_slice() else { panic!("{} events", all.len()) };
    assert_eq!(content.len(), (8 << 20) + 4);
}
