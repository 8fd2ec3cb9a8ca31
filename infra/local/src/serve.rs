//! The local host that stays up: prints how to connect, and processes what arrives until Ctrl-C.

use crate::announcement::Announcement;
use crate::app_folder::AppFolder;
use crate::cli::{CommonArgs, ServeArgs};
use crate::entities::Entities;
use crate::organizations::{self, Document};
use crate::{LocalHost, Options, ports, sample_proxy};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use tokio_util::task::AbortOnDropHandle;

/// Runs until Ctrl-C.
pub async fn run(arguments: &ServeArgs) -> Result<()> {
    let common = &arguments.common;
    let documents = organizations::read(common.organizations.as_deref())?;
    let host = LocalHost::start(Options {
        data: absolute(&arguments.data)?,
        tls: arguments.tls,
        amqp_port: arguments.amqp_port,
        http_port: arguments.http_port,
        blob_port: arguments.blob_port,
        database: common.database.clone(),
        organizations: if arguments.proxy { sample_proxy::with_destinations(documents)? } else { documents },
        entities: Entities::read(arguments.entities.as_deref())?,
        app: app(common, &absolute(&arguments.data)?)?,
        settings: BTreeMap::new(),
        handlers: common.handlers,
    })
    .await?;
    let proxy = arguments.proxy.then(|| sample_proxy::start(&host, &absolute(&arguments.data)?)).transpose()?;
    let listener = ports::listen(arguments.console_port, 7071, "the console (--console-port)").await?;
    let address = listener.local_addr()?;
    // Its host handle would keep the handler alive, so it must end with this scope at the latest.
    let console = AbortOnDropHandle::new(tokio::spawn(iris_local_console::serve(listener, host.platform())));
    if arguments.json {
        say(&serde_json::to_string(&Announcement::of(&host, address))?);
    } else {
        say(&banner(&host, address, &arguments.data));
    }
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for Ctrl-C")?,
        reason = host.stopped() => anyhow::bail!("a handler is gone for good: {reason}; see handler.log in the data folder"),
    }
    if !arguments.json {
        say("stopping …");
    }
    drop((console, proxy));
    host.stop().await;
    Ok(())
}

/// The function app to run: a package, or the built-in one.
pub(crate) fn app(common: &CommonArgs, data: &Path) -> Result<AppFolder> {
    match &common.app {
        Some(package) => AppFolder::packaged(&absolute(package)?, data),
        None => AppFolder::built_in(data, std::env::current_exe().context("cannot find this program's own file")?),
    }
}

/// An absolute path, so that it is valid for the handler, whose working folder is different.
pub(crate) fn absolute(path: &Path) -> Result<std::path::PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} cannot be a path", path.display()))
}

/// Messages of the program to the person who started it, on standard output.
pub(crate) fn say(text: &str) {
    // A reader that closed the pipe wants no more; the work goes on nevertheless.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn banner(host: &LocalHost, console: SocketAddr, data: &Path) -> String {
    let mut text = format!("\nIRIS local host is up. Data: {}\nConsole: http://{console}/\n", data.display());
    if let Some(authority) = host.credentials.authority() {
        let _ = writeln!(text, "TLS: clients have to trust {}", authority.display());
    }
    for Document { organization, .. } in &host.organizations {
        let slug = &organization.slug;
        let access = host.credentials.caller(organization);
        let gradings =
            access.gradings.map(|access| format!("  post gradings to  queue gradings-{slug}\n    {access}\n"));
        let _ = write!(
            text,
            "\n{name}\n  \
             ClientGuid        {guid}\n  \
             post orders to    queue orders-{slug}\n    {orders}\n  \
             or over HTTP      POST {orders_http}\n    Authorization: {orders_token}\n{gradings}  \
             receive events    queue {events_queue}\n    {events}\n  \
             receive results   queue results-{slug}\n    {results}\n  \
             IRIS's published clients, which name the queues themselves\n    \
             Orders  {published_orders}\n    Events  {published_events}\n    Results {published_results}\n  \
             drop files into   container {slug}-drops (write only)\n    {drops}\n  \
             upload images to  container {slug}-images (write only)\n    {images}\n  \
             receipts are in   container {slug}-results (read only)\n    {receipts}\n",
            name = organization.name,
            guid = organization.client_guid,
            events_queue = organization.events_queue().unwrap_or_else(|| "(none)".to_owned()),
            orders = access.orders,
            orders_http = access.orders_http,
            orders_token = access.orders_token,
            gradings = gradings.unwrap_or_default(),
            events = access.events,
            results = access.results,
            published_orders = access.published.orders,
            published_events = access.published.events.as_deref().unwrap_or("(none)"),
            published_results = access.published.results,
            drops = access.drops,
            images = access.images,
            receipts = access.receipts,
        );
    }
    let _ = write!(
        text,
        "\nEverything, for administration\n  queues and topics\n    {}\n  containers\n    {}\n",
        host.credentials.everything().service_bus,
        host.credentials.everything().storage,
    );
    text.push_str("\nCtrl-C stops it.");
    text
}
