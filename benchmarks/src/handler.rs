//! The handler's process: start, memory, size.

use crate::databases::Kind;
use crate::report::{Section, Target::AtMost};
use crate::{Bench, clock, memory};
use anyhow::{Context, Result, ensure};
use iris_local::app_folder::AppFolder;
use iris_local_blob::auth::Account;
use iris_local_servicebus::access::{connection_string, derive_key};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Number of starts; the median counts.
const STARTS: usize = 15;
/// No start takes longer.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Section>> {
    let database = bench.databases.create(Kind::Sqlite).await?;
    database.open().await?.close().await;
    let folder = tempfile::tempdir()?;
    let program = match &bench.app {
        Some(package) => AppFolder::packaged(package, folder.path())?.root.join("handler"),
        None => bench.programs.join("handler"),
    };
    let (mut times, mut memory) = (Vec::new(), 0.0);
    for _ in 0..STARTS {
        let address = free_address()?;
        let started = Instant::now();
        let handler = Handler(
            Command::new(&program)
                .env_clear()
                .env("ServiceBus", connection_string(address, "Root", &derive_key(b"bench", "", "Root"), None))
                .env("Storage", Account::development().endpoint(address).connection_string())
                .env("Database", &database.url)
                .env("FUNCTIONS_CUSTOMHANDLER_PORT", address.port().to_string())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .with_context(|| format!("cannot start {}", program.display()))?,
        );
        while !answers(address) {
            ensure!(started.elapsed() < LIMIT, "the handler does not answer");
            std::thread::yield_now();
        }
        times.push(started.elapsed().as_secs_f64() * 1e3);
        memory = handler.memory()?;
    }
    times.sort_by(f64::total_cmp);
    let mut section = Section::new(
        "The handler's process",
        format!("Median of {STARTS} starts on an existing SQLite database; memory after the first answer."),
    );
    section.aim("start → first answered ping", clock::percentile(&times, 0.5), "ms", AtMost(50.0));
    section.aim("idle memory (resident)", memory, "MB", AtMost(25.0));
    if bench.app.is_some() {
        section.aim("program", megabytes(&program)?, "MB", AtMost(25.0));
        return Ok(vec![section]);
    }
    section.figure("program, as built", megabytes(&program)?, "MB");
    let stripped = tempfile::NamedTempFile::new()?;
    let strip = Command::new("strip").arg("-o").arg(stripped.path()).arg(&program).status();
    if strip.is_ok_and(|status| status.success()) {
        section.aim("program, without symbols", megabytes(stripped.path())?, "MB", AtMost(25.0));
    }
    Ok(vec![section])
}

fn megabytes(file: &Path) -> Result<f64> {
    Ok(std::fs::metadata(file)?.len() as f64 / 1_048_576.0)
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// The Functions host's own ping.
fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Ended when dropped.
struct Handler(Child);

impl Handler {
    /// Resident memory in MB.
    fn memory(&self) -> Result<f64> {
        memory::resident(self.0.id())
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
