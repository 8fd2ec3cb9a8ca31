//! Receiving results as a hospital does.

use crate::cli::HospitalAnswer;
use crate::serve::say;
use anyhow::{Context, Result};
use iris_hl7::ack::{Answer, Code, Envelope, answer};
use iris_hl7::message::{Limits, Value};
use iris_hl7::mllp::{Decoder, Event, Options, encode};
use iris_hl7::{Message, field_name, fourteen_digits};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longer values are shown only by their length.
const LONGEST: usize = 120;

pub(super) async fn run(at: &str, how: HospitalAnswer) -> Result<()> {
    let listener = TcpListener::bind(at).await.with_context(|| format!("cannot listen on {at}"))?;
    say(&format!("listening on {}; Ctrl-C stops it", listener.local_addr()?));
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                tokio::spawn(async move {
                    // The peer is gone, and so is anything left to say.
                    let _ = serve(stream, how).await;
                });
            }
            interrupted = tokio::signal::ctrl_c() => return interrupted.context("cannot wait for Ctrl-C"),
        }
    }
}

async fn serve(mut stream: TcpStream, how: HospitalAnswer) -> Result<()> {
    let mut decoder = Decoder::new(Options::RESULTS);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        for event in decoder.receive(buffer.get(..count).unwrap_or_default(), Instant::now()) {
            let Event::Frame(frame) = event else { continue };
            if let Ok(message) = Message::read(&frame, &limits()) {
                say(&shown(&message));
            }
            match reply(&frame, how) {
                Some(reply) => stream.write_all(&reply).await?,
                None if how == HospitalAnswer::Cut => return Ok(()),
                None => {}
            }
        }
    }
}

fn limits() -> Limits {
    Limits { bytes: 16 << 20, ..Limits::default() }
}

/// The frame that answers; `None` for no answer.
fn reply(frame: &[u8], how: HospitalAnswer) -> Option<Vec<u8>> {
    let code = match how {
        HospitalAnswer::Aa => Code::AA,
        HospitalAnswer::Ae => Code::AE,
        HospitalAnswer::Ar => Code::AR,
        HospitalAnswer::Silence | HospitalAnswer::Cut => return None,
        HospitalAnswer::Garbage => return Some(b"\x0bthis is no answer\x1c\r".to_vec()),
    };
    let envelope = Envelope::read(frame, &limits()).ok()?;
    let now = fourteen_digits(Timestamp::now(), &TimeZone::UTC);
    encode(&answer(&envelope, &Answer { code, fault: None, text: None, now: &now, control_id: &now })).ok()
}

/// A message, one field per line: address, name, value.
pub(super) fn shown(message: &Message<'_>) -> String {
    let (kind, event) = message.kind();
    let mut text = format!("\n{kind}^{event}\n");
    for segment in message.segments() {
        let Some(id) = segment.id() else { continue };
        for (number, field) in segment.fields().filter(|(_, field)| !field.bytes().is_empty()) {
            let name = field_name(id, number).unwrap_or_default();
            let value = match field.whole() {
                Value::Null => "(cleared)".to_owned(),
                _ => message.charset().decode(field.bytes()).into_owned(),
            };
            let value = match value.chars().count() {
                count if count > LONGEST => format!("({count} characters)"),
                _ => value,
            };
            let _ = writeln!(text, "  {:<8} {name:<32} {value}", format!("{id}-{number}"));
        }
    }
    text
}
