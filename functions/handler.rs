//! The handler's process: settings, logging, connections, then serving until it is told to stop.
//!
//! The Functions host kills without notice, so nothing here is needed for correctness; a polite stop only spares repeated work. Exit
//! codes matter: the host never restarts a handler that ended with 0.

use crate::app::App;
use crate::{
    apply_grading, deliver_result, load_drop, prune, receive_image, submit_order, sweep_outbox, write_batches,
};
use iris_azure::handler::{Error, Invocation, Outcome, Router, ServiceBusMessage, bind, port, serve};
use iris_azure::settings::Settings;
use iris_azure::telemetry;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

/// The name of every Service Bus trigger's binding.
pub const MESSAGE: &str = "message";

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
    serve(router(Arc::clone(&app), limits), listener, stopped()).await?;
    app.orders.close().await;
    info!("handler stopped");
    Ok(())
}

/// Every function under its name.
#[must_use]
pub fn router(app: Arc<App>, limits: iris_azure::settings::HandlerSettings) -> Router {
    let (orders, drops, images) = (Arc::clone(&app), Arc::clone(&app), Arc::clone(&app));
    let (gradings, deliveries, batches) = (Arc::clone(&app), Arc::clone(&app), Arc::clone(&app));
    let (sweeps, prunes) = (Arc::clone(&app), app);
    Router::new(limits)
        .function(submit_order::NAME, move |invocation| {
            let app = Arc::clone(&orders);
            async move {
                match message(&invocation) {
                    Ok(message) => Box::pin(submit_order::run(&app, message)).await,
                    Err(outcome) => outcome,
                }
            }
        })
        .function(load_drop::NAME, move |invocation| {
            let app = Arc::clone(&drops);
            async move {
                match message(&invocation) {
                    Ok(message) => Box::pin(load_drop::run(&app, message)).await,
                    Err(outcome) => outcome,
                }
            }
        })
        .function(receive_image::NAME, move |invocation| {
            let app = Arc::clone(&images);
            async move {
                match message(&invocation) {
                    Ok(message) => Box::pin(receive_image::run(&app, message)).await,
                    Err(outcome) => outcome,
                }
            }
        })
        .function(apply_grading::NAME, move |invocation| {
            let app = Arc::clone(&gradings);
            async move {
                match message(&invocation) {
                    Ok(message) => Box::pin(apply_grading::run(&app, message)).await,
                    Err(outcome) => outcome,
                }
            }
        })
        .function(deliver_result::NAME, move |invocation| {
            let app = Arc::clone(&deliveries);
            async move {
                match message(&invocation) {
                    Ok(message) => Box::pin(deliver_result::run(&app, message)).await,
                    Err(outcome) => outcome,
                }
            }
        })
        .function(write_batches::NAME, move |_| {
            let app = Arc::clone(&batches);
            async move { Box::pin(write_batches::run(&app)).await }
        })
        .function(sweep_outbox::NAME, move |_| {
            let app = Arc::clone(&sweeps);
            async move { Box::pin(sweep_outbox::run(&app)).await }
        })
        .function(prune::NAME, move |_| {
            let app = Arc::clone(&prunes);
            async move { Box::pin(prune::run(&app)).await }
        })
}

/// The invocation's message. One that cannot be decoded means that the app is deployed wrongly: it stays in the queue.
fn message(invocation: &Invocation) -> Result<ServiceBusMessage, Outcome> {
    invocation.service_bus_message(MESSAGE).map_err(|error: Error| {
        error!(alert = true, code = "binding", %error, "the invocation is not what function.json should make it");
        Outcome::Retry { code: "binding" }
    })
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
