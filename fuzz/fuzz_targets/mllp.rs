//! Any bytes on a connection, in any pieces. The first byte of the input says how the rest is cut.
//!
//! Findings: a panic; events that depend on how the stream was cut; more bytes in the events than came.
#![no_main]

use iris_hl7::mllp::{Decoder, Event, Options};
use std::time::{Duration, Instant};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((how, stream)) = input.split_first() else { return };
    let patience = Duration::from_secs(30);
    let options = Options { frame: 512, junk: 256, patience, unframed: how & 1 == 1 };
    let whole = events(options, std::iter::once(stream));
    let size = usize::from(how >> 1) % 9 + 1;
    assert_eq!(whole, events(options, stream.chunks(size)));
    let bytes: usize = whole.iter().map(content).sum();
    assert!(bytes <= stream.len());
});

fn events<'b>(options: Options, pieces: impl Iterator<Item = &'b [u8]>) -> Vec<Event> {
    let mut decoder = Decoder::new(options);
    let at = Instant::now();
    let mut events: Vec<Event> = pieces.flat_map(|piece| decoder.receive(piece, at)).collect();
    events.extend(decoder.finish());
    events
}

fn content(event: &Event) -> usize {
    match event {
        Event::Frame(frame) => frame.len(),
        Event::TooLarge { head } => head.len(),
        // An unframed message is counted among the junk too.
        Event::Dropped(_) | Event::Transport(_) | Event::Close(_) => 0,
        Event::Junk(bytes) => *bytes,
    }
}
