//! The output of a task: to standard output, in color only on a terminal (and not with `NO_COLOR`).

use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Announces a step.
pub(crate) fn heading(text: &str) {
    line(&format!("\n{}", paint("1", &format!("== {text}"))));
}

/// Says something about the running step.
pub(crate) fn note(text: &str) {
    line(text);
}

/// One line of the closing summary.
pub(crate) fn outcome(name: &str, passed: bool, took: Duration) {
    let word = if passed { paint("32", "passed") } else { paint("31", "FAILED") };
    line(&format!("{word}  {name} ({:.1} s)", took.as_secs_f64()));
}

/// Reports why the task failed, to standard error.
pub(crate) fn error(text: &str) {
    // Nothing can be done about a closed standard error.
    let _ = writeln!(std::io::stderr().lock(), "error: {text}");
}

fn line(text: &str) {
    // A reader that closed the pipe wants no more; the exit code still says how it ended.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Whether color may be used on our output.
pub(crate) fn is_colored() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn paint(code: &str, text: &str) -> String {
    if is_colored() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
