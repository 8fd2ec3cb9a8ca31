//! The handler's log lines: kept in a file, so that the terminal stays readable.

use anyhow::{Context, Result};
use iris_local_functions_host::{Level, Line, LineSink};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, mpsc};

/// A sink that appends to the file from a thread of its own, and repeats what went wrong on standard error of this process through the log.
pub(crate) fn sink(path: &Path) -> Result<LineSink> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let (sender, receiver) = mpsc::channel::<Line>();
    std::thread::Builder::new().name("handler-log".to_owned()).spawn(move || {
        for line in receiver {
            // A full disk must not stop the handler; its orders and receipts do not depend on this file.
            let _ = writeln!(file, "{}", line.text);
        }
    })?;
    Ok(Arc::new(move |line| {
        if line.level == Level::Error {
            tracing::warn!(source = ?line.source, "{}", line.text);
        }
        let _ = sender.send(line);
    }))
}
