//! The handler's log lines, which are kept in a file so that the terminal stays readable.

use anyhow::{Context, Result};
use iris_local_functions_host::{Level, Line, LineSink, LineSource};
use jiff::Timestamp;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, mpsc};

/// A sink that appends to the file from a thread of its own, and repeats problems on this process's standard error
/// through the log.
pub(crate) fn sink(path: &Path) -> Result<LineSink> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the handler must not wait for a slow disk; it writes a few lines a second"
    )]
    let (sender, receiver) = mpsc::channel::<Line>();
    std::thread::Builder::new().name("handler-log".to_owned()).spawn(move || {
        for line in receiver {
            // A full disk must not stop the handler; its orders and receipts do not depend on this file.
            let _ = writeln!(file, "{}", rendered(&line));
        }
    })?;
    Ok(Arc::new(move |line| {
        if line.level == Level::Error {
            tracing::warn!(source = ?line.source, "{}", line.text);
        }
        let _ = sender.send(line);
    }))
}

/// The handler's own lines are already JSON; the others are wrapped in it.
fn rendered(line: &Line) -> String {
    if line.source == LineSource::Stdout && line.text.starts_with('{') {
        return line.text.clone();
    }
    let level = match line.level {
        Level::Information => "INFO",
        Level::Warning => "WARN",
        Level::Error => "ERROR",
    };
    let source = format!("{:?}", line.source).to_lowercase();
    json!({ "timestamp": Timestamp::now().to_string(), "level": level, "target": source, "message": line.text })
        .to_string()
}
