//! The sample proxy, next to the local host: in a process of its own, with the configuration it would have at a
//! hospital.

use crate::LocalHost;
use crate::organizations::Document;
use crate::sample;
use anyhow::{Context, Result, ensure};
use iris_proxy::Interface;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Where it takes orders, and where it sends results.
const LISTEN: u16 = 2575;
const CONNECT: u16 = 2576;

/// Sends the sample organization's results to its hospital; does nothing if its document was replaced by another one.
///
/// # Errors
/// When the changed document is not valid.
pub(crate) fn with_destinations(documents: Vec<Document>) -> Result<Vec<Document>> {
    let one = |document: Document| {
        if document.content != sample::DOCUMENT.as_bytes() {
            return Ok(document);
        }
        let mut content: Value = serde_json::from_slice(&document.content)?;
        let to = |message: &str| json!({ "hl7": { "interface": "main", "message": message } });
        content["destinations"] = json!([
            { "id": "emr-results", "format": "resultWithPdf", "to": to("ORU") },
            { "id": "emr-documents", "format": "resultWithPdf", "to": to("MDM") },
            { "id": "emr-charges", "format": "result", "to": to("DFT") },
        ]);
        let content = serde_json::to_vec_pretty(&content)?;
        let organization = iris_channels::organization(&content).context("the sample organization with a hospital")?;
        Ok(Document { organization, content })
    };
    documents.into_iter().map(one).collect()
}

/// Starts it; it ends when it is dropped.
///
/// # Errors
/// When its configuration cannot be written, or it does not start.
pub(crate) fn start(host: &LocalHost, data: &Path) -> Result<Child> {
    let sample = host.organizations.iter().find(|document| document.organization.slug.as_str() == sample::SLUG);
    let organization = &sample.context("the sample organization is not there")?.organization;
    ensure!(host.credentials.authority().is_none(), "the sample proxy and --tls do not go together");
    let interfaces = organization.interfaces.iter().take(1).map(|interface| Interface {
        id: interface.id.clone(),
        listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, LISTEN))),
        connect: Some(format!("127.0.0.1:{CONNECT}")),
        answer_ms: 30_000,
    });
    let file = data.join("proxy.json");
    write(&file, &host.credentials.proxy(organization, interfaces.collect()))?;
    let log = std::fs::File::create(data.join("proxy.log")).context("cannot write proxy.log")?;
    Command::new(std::env::current_exe().context("cannot find this program's own file")?)
        .arg("proxy")
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .context("the sample proxy does not start")
}

/// Writes the configuration so that only this user can read it, because it holds credentials.
fn write(file: &Path, configuration: &iris_proxy::Configuration) -> Result<()> {
    let text = serde_json::to_vec_pretty(configuration)?;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(file)
        .and_then(|mut opened| std::io::Write::write_all(&mut opened, &text))
        .with_context(|| format!("cannot write {}", file.display()))
}
