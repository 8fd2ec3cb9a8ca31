//! Programs that a task runs.
//!
//! Each runs in a process group of its own, so that the programs *it* starts (cargo's test binaries, say) can be ended
//! with it. Dropping a running child, as an interruption does, ends the whole group and waits until its leader is gone,
//! so that nothing writes into a folder that is about to be removed. Standard input is closed: nothing here may ask
//! questions.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// How long a child may take to end when asked to; after that it is killed.
const END_LIMIT: Duration = Duration::from_secs(5);
/// How often an ending child is checked.
const LOOK: Duration = Duration::from_millis(10);

/// The cargo that runs this task, so that steps use the same toolchain.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::workspace::root());
    // `cargo run` sets variables that describe this package. If they were passed on, build scripts would see a changed
    // environment, and crates with native code would be rebuilt each time.
    let ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| ours(name)) {
        command.env_remove(name);
    }
    command
}

/// The same command, with low priority for the processor.
pub(crate) fn polite(command: &Command) -> Command {
    let command = command.as_std();
    let mut nice = Command::new("nice");
    nice.arg(command.get_program()).args(command.get_args());
    nice.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    for (name, _) in command.get_envs().filter(|(_, value)| value.is_none()) {
        nice.env_remove(name);
    }
    if let Some(folder) = command.get_current_dir() {
        nice.current_dir(folder);
    }
    nice
}

/// Runs the command with its output going to ours. Fails when it cannot be started or does not succeed.
pub(crate) async fn succeed(command: &mut Command) -> Result<()> {
    let status = run(command).await?;
    if !status.success() {
        bail!("{} ended with {status}", name(command));
    }
    Ok(())
}

/// Runs the command with its output going to ours and returns how it ended.
pub(crate) async fn run(command: &mut Command) -> Result<ExitStatus> {
    Running::start(command)?.end().await
}

/// Runs the command and returns what it wrote to standard output. Fails with its standard error when it does not
/// succeed.
pub(crate) async fn output(command: &mut Command) -> Result<String> {
    let mut running = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let (stdout, stderr) = (running.child.stdout.take(), running.child.stderr.take());
    let (stdout, stderr, status) = tokio::join!(read(stdout), read(stderr), running.end());
    let status = status?;
    if !status.success() {
        bail!("{} ended with {status}:\n{}", name(command), String::from_utf8_lossy(&stderr?).trim_end());
    }
    String::from_utf8(stdout?).with_context(|| format!("{} did not write UTF-8", name(command)))
}

async fn read(pipe: Option<impl tokio::io::AsyncRead + Unpin>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes).await.context("cannot read what a program writes")?;
    }
    Ok(bytes)
}

fn name(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(|word| word.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}

/// A child that does not outlive this value.
struct Running {
    child: Child,
    name: String,
}

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).process_group(0).spawn();
        let name = name(command);
        Ok(Self { child: child.with_context(|| format!("cannot start {name}"))?, name })
    }

    async fn end(&mut self) -> Result<ExitStatus> {
        self.child.wait().await.with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Sends the signal to the group and waits for its leader; false when the limit passed.
    fn tell(&mut self, group: Pid, signal: Signal) -> bool {
        // An error means that it is already gone, which the wait below notices.
        let _ = kill_process_group(group, signal);
        let started = Instant::now();
        while started.elapsed() < END_LIMIT {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            #[expect(clippy::disallowed_methods, reason = "a drop cannot await; it looks again until the limit")]
            std::thread::sleep(LOOK);
        }
        false
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A child that was waited for no longer has an id.
        let group = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group
            && !self.tell(group, Signal::TERM)
        {
            self.tell(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn output_is_returned_or_the_error_is() {
        assert_eq!(output(&mut shell("echo fine")).await.unwrap(), "fine\n");
        let error = output(&mut shell("echo broken >&2; exit 3")).await.unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.ends_with("broken"), "{error}");
    }

    #[tokio::test]
    async fn nothing_can_be_asked() {
        assert_eq!(output(&mut shell("read answer || echo closed")).await.unwrap(), "closed\n");
    }

    /// The end of the pipe is reached only when every process that could write into it is gone.
    #[tokio::test]
    async fn what_a_dropped_child_started_ends_with_it() {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = shell("sleep 600 & echo started; wait");
        let running = Running::start(command.stdout(writer)).unwrap();
        drop(command);
        let mut reader = BufReader::new(reader);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line, "started\n");
        drop(running);
        assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
}
