//! Writes an invented report as PDF and HTML: `cargo run -p iris-report --example sample_report -- DR out/`.

#![allow(clippy::disallowed_methods, reason = "an example writes files")]

use std::path::PathBuf;

use iris_report::template::resolve;
use iris_report::{EvaluationType, Renderer, sample};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let code = arguments.next().unwrap_or_else(|| "DR".to_owned());
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| ".".to_owned()));
    let kind = EvaluationType::from_text(&code).ok_or("unknown evaluation type")?;
    let rendered = Renderer::default().render(&resolve(kind, |_, _| None).template, &sample::report(kind))?;
    std::fs::write(folder.join(format!("{code}.pdf")), rendered.pdf)?;
    std::fs::write(folder.join(format!("{code}.html")), rendered.html)?;
    Ok(())
}
