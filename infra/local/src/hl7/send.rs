//! Sending orders as a hospital does: a message, its answer, the next one.

use crate::serve::say;
use anyhow::{Context, Result, bail};
use iris_hl7::ack::{Exchange, Outcome, Progress};
use iris_hl7::batch;
use iris_hl7::message::Limits;
use iris_hl7::mllp::{Decoder, Options, encode};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// As long as hospitals wait.
const ANSWER: Duration = Duration::from_secs(30);

pub(super) async fn run(files: &[PathBuf], to: &str) -> Result<()> {
    let mut stream = TcpStream::connect(to).await.with_context(|| format!("nobody listens on {to}"))?;
    stream.set_nodelay(true)?;
    let mut failed = 0;
    for file in files {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        for (_, message) in batch::messages(&bytes, &Limits::default()) {
            let name = file.display();
            let Ok(message) = message else {
                say(&format!("{name}: holds something that is no message"));
                failed += 1;
                continue;
            };
            let outcome = converse(&mut stream, message.bytes(), message.control_id().bytes()).await?;
            let said = match &outcome {
                Outcome::Answered(answer) => {
                    let errors: Vec<String> = answer.errors.iter().map(ToString::to_string).collect();
                    format!("{} {}", answer.code.text(), errors.join(", "))
                }
                Outcome::Unreadable(why) => why.to_string(),
                Outcome::Silence { .. } | Outcome::NotSent => "no answer".to_owned(),
            };
            let taken = matches!(&outcome, Outcome::Answered(answer) if answer.code.is_positive());
            failed += usize::from(!taken);
            let control = String::from_utf8_lossy(message.control_id().bytes()).into_owned();
            say(&format!("{name} {control}: {}", said.trim_end()));
            if matches!(outcome, Outcome::Silence { .. }) {
                bail!("the proxy does not answer; a hospital would send this message again later");
            }
        }
    }
    if failed > 0 {
        bail!("{failed} messages were not taken");
    }
    Ok(())
}

async fn converse(stream: &mut TcpStream, message: &[u8], control_id: &[u8]) -> Result<Outcome> {
    let frame = encode(message)?;
    let mut exchange = Exchange::new(control_id, false);
    exchange.writing();
    stream.write_all(&frame).await?;
    let mut decoder = Decoder::new(Options::ANSWERS);
    let mut buffer = vec![0; 16 * 1024];
    let until = Instant::now() + ANSWER;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(read) = timeout(left, stream.read(&mut buffer)).await else { return Ok(exchange.ended()) };
        let count = read?;
        if count == 0 {
            return Ok(exchange.ended());
        }
        for event in decoder.receive(buffer.get(..count).unwrap_or_default(), Instant::now()) {
            if let Progress::Done(outcome) = exchange.event(&event) {
                return Ok(outcome);
            }
        }
    }
}
