//! The workbench's pages and actions.

use super::document::{self, Document};
use super::form::{Entered, Form};
use super::held::{Held, Writing};
use super::{columns, preview, values};
use crate::failure::Error;
use crate::page::{Chosen, Look, Place, page};
use crate::upload::file_name;
use crate::{Shared, drops};
use axum::Form as Fields;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use futures::StreamExt;
use iris_drops::mappings;
use iris_drops::proposal::{Proposal, propose};
use iris_drops::trial::{self, Tried};
use iris_intake::Limits;
use iris_local_blob::store::{Conditions, PutOptions};
use iris_local_blob::{BlobName, ContainerName};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;
use uuid::Uuid;

/// The most bytes accepted, as for a drop.
const MOST: u64 = 512 << 20;

/// Which organization brings which file.
#[derive(Deserialize)]
pub(crate) struct Brought {
    organization: String,
    name: String,
}

/// `GET /workbench`.
pub(crate) async fn start(State(console): State<Shared>, look: Look, chosen: Chosen) -> Result<Markup, Error> {
    let content = html! {
        header.head {
            h1 { "Try a file" }
            p { "Bring a spreadsheet with your own column names. You see what its rows would become, and nothing is stored until you say so." }
        }
        (drops::zone(&console, &chosen, "/workbench"))
    };
    page(&console, look, Place::Workbench, "Try a file", content).await
}

/// `POST /workbench?organization={slug}&name={file name}` with the file as body; answers with the address of its page.
pub(crate) async fn enter(
    State(console): State<Shared>,
    Query(brought): Query<Brought>,
    body: Body,
) -> Result<Response, crate::upload::Refused> {
    let known = console.platform.organizations.iter().find(|one| one.slug.as_str() == brought.organization);
    let organization = known.ok_or_else(|| Error::Unfit("there is no such organization".to_owned()))?.slug.clone();
    let name = file_name(&brought.name)?.as_str().to_owned();
    let mut writing = Writing::begin()?;
    let (mut pieces, mut length) = (body.into_data_stream(), 0);
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Error::Unfit("the file did not arrive whole; bring it again".to_owned()))?;
        length += piece.len() as u64;
        if length > MOST {
            return Err(Error::Unfit(format!("the workbench takes at most {} MB; split the file", MOST >> 20)).into());
        }
        writing.write(&piece)?;
    }
    let key = console.bench.hold(Held { organization, name, path: writing.finish()? });
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/workbench/{key}"))]).into_response())
}

/// `POST /drops/{id}/workbench`: brings a dropped file's copy.
pub(crate) async fn from_drop(State(console): State<Shared>, Path(id): Path<Uuid>) -> Result<Response, Error> {
    let drop = console.platform.orders.drop_summary(id).await?.ok_or(Error::Missing("such drop"))?;
    let organization = console.organization(drop.organization).ok_or(Error::Missing("such organization"))?;
    let missing = || Error::Missing("copy of this file any more");
    let container = ContainerName::new(console.platform.archive.as_str()).map_err(|_| missing())?;
    let blob = BlobName::new(format!("drops/{}/{id}", organization.slug)).map_err(|_| missing())?;
    let found = console.platform.blobs.read(&container, &blob, None, &Conditions::default()).await?;
    let mut writing = Writing::begin()?;
    let mut pieces = Box::pin(found.into_stream());
    while let Some(piece) = pieces.next().await {
        writing.write(&piece.map_err(Error::Temporary)?)?;
    }
    let held = Held { organization: organization.slug.clone(), name: drop.name, path: writing.finish()? };
    Ok(Redirect::to(&format!("/workbench/{}", console.bench.hold(held))).into_response())
}

/// `GET /workbench/{key}`.
pub(crate) async fn show(State(console): State<Shared>, look: Look, Path(key): Path<Uuid>) -> Result<Response, Error> {
    work(&console, look, key, Form::default()).await
}

/// `POST /workbench/{key}`: the page's form, with what is to be done.
pub(crate) async fn act(
    State(console): State<Shared>,
    look: Look,
    Path(key): Path<Uuid>,
    Fields(fields): Fields<Vec<(String, String)>>,
) -> Result<Response, Error> {
    work(&console, look, key, Form(fields)).await
}

async fn work(console: &Shared, look: Look, key: Uuid, form: Form) -> Result<Response, Error> {
    let held = console.bench.get(key)?;
    if form.get("do") == Some("load") {
        return load(console, &held).await;
    }
    let mut document = document::read(console, &held.organization).await?;
    let proposal = match proposed(&held, &document, &form).await? {
        Ok(proposal) => proposal,
        Err(issue) => {
            let content = html! {
                (head(&held, look))
                p.issue.bad { (look.message(&issue.message)) " " code { (issue.code.as_str()) } }
                p { a href="/workbench" { "Bring another file" } }
            };
            return Ok(page(console, look, Place::Workbench, "Try a file", content).await?.into_response());
        }
    };
    let entered = Entered::read(&form, &proposal, &document.organization, &held.name);
    let wish = form.get("do").unwrap_or_default();
    let mut tried = None;
    let (mut edited, mut is_saved) = (None, false);
    if entered.is_ready() && matches!(wish, "preview" | "save" | "download") {
        let rule = entered.rule(&proposal);
        if wish == "download" {
            return download(&rule);
        }
        let put = mappings::put(&document.content, &rule, &held.name, console.platform.reader);
        if let ("save", Ok(edited)) = (wish, &put) {
            let version = form.get("version").unwrap_or(&document.version);
            let reason =
                form.get("reason").ok_or_else(|| Error::Unfit("say why; it is kept in the audit".to_owned()))?;
            document.version = document::put(console, edited, version, (&rule.pattern, reason)).await?;
            is_saved = true;
        }
        edited = Some(put);
        let organization = trial::with_mapping(&document.organization, &held.name, rule.mapping);
        tried = Some(attempt(console, &held, organization).await?);
    }
    let content = html! {
        (head(&held, look))
        form #workbench method="post" action={ "/workbench/" (key) } {
            @if is_saved { p.note role="status" { "The mapping is saved. Files like this one are read by it from now on." } }
            (columns::file(&proposal, &entered, look))
            (columns::columns(&proposal, &entered, look))
            (columns::missing(&proposal, &entered, &document.organization))
            (columns::dates(&proposal, &entered))
            (values::values(&proposal, &entered, &document.organization, look))
            @if let Some(tried) = &tried { (preview::preview(tried, look)) }
            (preview::save(&entered, edited.as_ref(), &document.version, is_saved))
        }
    };
    Ok(page(console, look, Place::Workbench, "Try a file", content).await?.into_response())
}

fn head(held: &Held, look: Look) -> Markup {
    html! {
        header.head {
            p.path { a href="/workbench" { "Try a file" } }
            h1 { (look.private(&held.name)) }
            p { "for " (held.organization.as_str()) ". Nothing of it is stored; the file is forgotten when the local host ends." }
        }
    }
}

async fn proposed(
    held: &Arc<Held>,
    document: &Document,
    form: &Form,
) -> Result<Result<Proposal, iris_model::Issue>, Error> {
    let (held, organization, view) = (Arc::clone(held), document.organization.clone(), form.view());
    let run = move || propose(&held.path, &held.name, &organization, &Limits::default(), &view);
    Ok(tokio::task::spawn_blocking(run).await.map_err(|_| Error::Trial(trial::Error::Reader))??)
}

async fn attempt(console: &Shared, held: &Held, organization: iris_model::Organization) -> Result<Tried, Error> {
    let (path, name) = (held.path.to_path_buf(), held.name.clone());
    let store = console.platform.orders.as_ref();
    Ok(trial::attempt(store, Arc::new(organization), path, name, Limits::default()).await?)
}

fn download(rule: &iris_model::organization::DropRule) -> Result<Response, Error> {
    let content = serde_json::to_vec_pretty(rule)?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"mapping.json\""),
    ];
    Ok((headers, content).into_response())
}

/// Puts the file where a caller would put it.
async fn load(console: &Shared, held: &Held) -> Result<Response, Error> {
    let container =
        ContainerName::new(held.organization.drops_container()).map_err(|_| Error::Missing("such container"))?;
    let name =
        BlobName::new(held.name.as_str()).map_err(|_| Error::Unfit("the file's name cannot be used".to_owned()))?;
    let content = tokio::fs::read(&held.path).await.map_err(Error::Temporary)?;
    let options = PutOptions::content_type("application/octet-stream");
    console.platform.blobs.put(&container, &name, content, options).await?;
    Ok(Redirect::to("/").into_response())
}
