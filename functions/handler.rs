//! The handler's process: settings, logging, connections, then serving until it is told to stop.
//!
//! The Functions host kills without notice, so correctness does not depend on anything here; a graceful stop only
//! avoids repeated work. Exit codes matter: the host never restarts a handler that ended with 0.

use crate::app::App;
use crate::{FUNCTIONS, function};
use iris_azure::handler::{bind, port, serve};
use iris_azure::settings::Settings;
use iris_azure::telemetry;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing::info;

/// Runs the handler until SIGTERM or Ctrl-C; the exit code says which. In every other case it returns an error, and so
/// a non-zero exit code.
///
/// SIGTERM does not mean that we should stay down: it may come from the platform while it moves us, and the host
/// restarts a handler that ended with any code but 0. A host that stops us itself ignores the code.
pub fn run() -> anyhow::Result<ExitCode> {
    let settings = Settings::from_env()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let telemetry = telemetry::init(settings.telemetry, runtime.handle(), &|name| std::env::var(name).ok())?;
    let result = runtime.block_on(async move {
        let result = until_stopped(settings).await;
        telemetry.stop().await;
        result
    });
    // A collector that does not answer must not delay the exit.
    runtime.shutdown_background();
    result
}

async fn until_stopped(settings: Settings) -> anyhow::Result<ExitCode> {
    let limits = settings.handler;
    let port = port(&|name| std::env::var(name).ok())?;
    let app = App::start(settings).await?;
    let listener = bind(port).await?;
    info!(port, "handler started");
    let (asked, by) = oneshot::channel();
    let stop = async move {
        let _ = asked.send(stopped().await);
    };
    serve(function::router(FUNCTIONS, &app, limits), listener, stop).await?;
    app.orders.close().await;
    info!("handler stopped");
    Ok(by.await.unwrap_or(Stop::Terminated).exit_code())
}

/// What asked the handler to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Somebody at a terminal.
    Interrupted,
    /// The system.
    Terminated,
}

impl Stop {
    fn exit_code(self) -> ExitCode {
        match self {
            Self::Interrupted => ExitCode::SUCCESS,
            // 128 + SIGTERM, as shells report it.
            Self::Terminated => ExitCode::from(143),
        }
    }
}

async fn stopped() -> Stop {
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => Stop::Interrupted,
                _ = terminate.recv() => Stop::Terminated,
            }
        }
        Err(_) => {
            let _ = interrupt.await;
            Stop::Interrupted
        }
    }
}
