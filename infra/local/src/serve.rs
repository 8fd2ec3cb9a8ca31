//! The local host that stays up: prints what to connect with, and processes what arrives until Ctrl-C.

use crate::app_folder::AppFolder;
use crate::cli::{CommonArgs, ServeArgs};
use crate::organizations::{self, Document};
use crate::{LocalHost, Options};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Runs until Ctrl-C.
pub async fn run(arguments: &ServeArgs) -> Result<()> {
    let common = &arguments.common;
    let host = LocalHost::start(Options {
        data: absolute(&arguments.data)?,
        amqp_port: arguments.amqp_port,
        blob_port: arguments.blob_port,
        database: common.database.clone(),
        organizations: organizations::read(common.organizations.as_deref())?,
        app: app(common, &absolute(&arguments.data)?)?,
        settings: BTreeMap::new(),
    })
    .await?;
    say(&banner(&host, &arguments.data));
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for Ctrl-C")?,
        reason = host.functions.stopped() => anyhow::bail!("the handler is gone for good: {reason}; see handler.log in the data folder"),
    }
    say("stopping …");
    host.stop().await;
    Ok(())
}

/// The function app to run: a packaged folder, or the built-in one.
pub(crate) fn app(common: &CommonArgs, data: &Path) -> Result<AppFolder> {
    match &common.app {
        Some(folder) => Ok(AppFolder::packaged(absolute(folder)?)),
        None => AppFolder::built_in(data, std::env::current_exe().context("cannot find this program's own file")?),
    }
}

/// The path from the root, so that it holds for the handler, whose working folder is another.
pub(crate) fn absolute(path: &Path) -> Result<std::path::PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} cannot be a path", path.display()))
}

#[allow(clippy::print_stdout, reason = "this is what the program has to say to the person who started it")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

fn banner(host: &LocalHost, data: &Path) -> String {
    let mut text = format!("\nIRIS local host is up. Data: {}\n", data.display());
    for Document { organization, .. } in &host.organizations {
        let slug = &organization.slug;
        let access = host.credentials.caller(organization);
        let _ = write!(
            text,
            "\n{name}\n  \
             ClientGuid        {guid}\n  \
             post orders to    queue orders-{slug}\n    {orders}\n  \
             receive events    queue {events_queue}\n    {events}\n  \
             receive results   queue results-{slug}\n    {results}\n  \
             drop files into   container {slug}-drops (write only)\n    {drops}\n  \
             upload images to  container {slug}-images (write only)\n    {images}\n  \
             receipts are in   container {slug}-results (read only)\n    {receipts}\n",
            name = organization.name,
            guid = organization.client_guid,
            events_queue = organization.events_queue().unwrap_or_else(|| "(none)".to_owned()),
            orders = access.orders,
            events = access.events,
            results = access.results,
            drops = access.drops,
            images = access.images,
            receipts = access.receipts,
        );
    }
    text.push_str("\nCtrl-C stops it.");
    text
}
