//! The deployed handler as a subcommand of our programs.

use std::process::ExitCode;

/// Runs the handler until its host ends, or it fails.
#[allow(clippy::print_stderr, reason = "the host repeats a handler's last words")]
pub fn run() -> ExitCode {
    end_with_the_host();
    match iris_functions::handler::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The Functions host holds the other end of the handler's standard input. If the host is killed, the handler must not
/// stay behind; it is built to be killed at any point.
fn end_with_the_host() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::abort();
    });
}
