//! Messages read and built per second, compared with passes that no reader can outrun and with an independent reader.
//!
//! `cargo run --release -p iris-hl7 --example hl7_throughput`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement run by hand")]

use iris_hl7::mapping::{Content, Kind, Overrides, compile, defaults};
use iris_hl7::message::Limits;
use iris_hl7::write::Output;
use iris_hl7::{Address, Message};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 5;
const ORDER: &[u8] = include_bytes!("../../../samples/hl7/order.hl7");

/// The values that an order is made of.
const ADDRESSES: [&str; 12] = [
    "ORC-1",
    "PID-2[5=MRN].1",
    "PID-5.1",
    "PID-5.2",
    "PID-7",
    "PID-8",
    "PV1-3.1",
    "ORC-2.1",
    "ORC-9",
    "ORC-12.1",
    "OBR-4.1",
    "DG1-3.1",
];

fn main() {
    let limits = Limits::default();
    let addresses: Vec<Address> = ADDRESSES.iter().map(|address| address.parse().unwrap()).collect();
    let mut content = Content::sample();
    content.lines = vec!["A line of the narrative, as long as most are.".to_owned(); 20];
    let program = compile(Kind::Oru, &defaults(Kind::Oru).unwrap(), &Overrides::default()).unwrap();
    let result = program.build(&content, Output::Utf8);
    content.report.pdf = "JVBERi0x".repeat(25_000);
    let document = program.build(&content, Output::Utf8);

    for (name, bytes) in [("order", ORDER), ("result", &result), ("result with 200 kB of PDF", &document)] {
        println!("{name}: {} bytes", bytes.len());
        best("memchr for CR", || memchr::memchr_iter(b'\r', bytes).count());
        let spans = best("spans of segments and fields: limit", || {
            let mut starts = Vec::with_capacity(128);
            starts.extend(memchr::memchr2_iter(b'\r', b'|', bytes));
            starts.len()
        });
        let read = best("ours: index", || Message::read(bytes, &limits).unwrap().segments().count());
        let cells = best("ours: index and 12 values by address", || {
            let message = Message::read(bytes, &limits).unwrap();
            addresses.iter().map(|address| message.value(address).text().map_or(0, |text| text.len())).sum()
        });
        let text = std::str::from_utf8(bytes).unwrap();
        let theirs = best("er7", || er7::parse(text).unwrap().segments.len());
        println!(
            "  of the limit: {:.2}, with values {:.2}; of er7: {:.1}",
            read / spans,
            cells / spans,
            cells / theirs
        );
    }

    content.report.pdf.truncate(12);
    let built = best("ours: build the result", || program.build(&content, Output::Utf8).len());
    let overrides = r#"{ "set": { "PID-3": "{patient.mrn}^^^^MRN" }, "tables": { "flag": { "AA": "A" } } }"#;
    let overrides: Overrides = serde_json::from_str(overrides).unwrap();
    let other = compile(Kind::Oru, &defaults(Kind::Oru).unwrap(), &overrides).unwrap();
    let overridden = best("ours: build it with overrides", || other.build(&content, Output::Utf8).len());
    println!("  overrides: {:.2}", overridden / built);
}

/// Runs per second in the best of several rounds.
fn best(name: &str, mut pass: impl FnMut() -> usize) -> f64 {
    let mut best: f64 = 0.0;
    for _ in 0..ROUNDS {
        let (mut count, start) = (0_u32, Instant::now());
        while start.elapsed().as_millis() < 200 {
            for _ in 0..16 {
                black_box(pass());
            }
            count += 16;
        }
        best = best.max(f64::from(count) / start.elapsed().as_secs_f64());
    }
    println!("  {name}: {best:.0}/s");
    best
}
