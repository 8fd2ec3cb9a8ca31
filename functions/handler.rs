//! The handler's process: settings, logging, connections, then serving until it is told to stop.
//!
//! The Functions host kills without notice, so nothing here is needed for correctness; a polite stop only spares repeated work. Exit
//! codes matter: the host never restarts a handler that ended with 0.

use crate::app::App;
use crate::{FUNCTIONS, function};
use iris_azure::handler::{bind, port, serve};
use iris_azure::settings::Settings;
use iris_azure::telemetry;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// Runs the handler until SIGTERM or Ctrl-C. Returns an error, and so a non-zero exit code, in every other case.
pub fn run() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let telemetry = telemetry::init(settings.telemetry, runtime.handle(), &|name| std::env::var(name).ok())?;
    let result = runtime.block_on(async move {
        let result = until_stopped(settings).await;
        telemetry.stop().await;
        result
    });
    // A collector that does not answer keeps nobody here.
    runtime.shutdown_background();
    result
}

async fn until_stopped(settings: Settings) -> anyhow::Result<()> {
    let limits = settings.handler;
    let port = port(&|name| std::env::var(name).ok())?;
    let app = App::start(settings).await?;
    let listener = bind(port).await?;
    info!(port, "handler started");
    serve(function::router(FUNCTIONS, &app, limits), listener, stopped()).await?;
    app.orders.close().await;
    info!("handler stopped");
    Ok(())
}

async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupt.await;
        }
    }
}
