//! Connections, and how a request goes through the four steps.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::answer::{self, Answer};
use super::body::{RequestBody, ResponseBody};
use super::call::{Call, Ids};
use super::failure::{Failure, Outcome};
use super::faults::Faults;
use super::header_case::{Connection, Ear, HeaderCase};
use super::operation::Operation;
use super::{batch, blobs, blocks, body, containers, copies, leases, listing};
use crate::auth::{self, Access, Account, Grant, Peer, Policy, Resource, SasToken};
use crate::store::{Conditions, Store};

/// How long open requests may take once the endpoint is told to stop.
const STOP: Duration = Duration::from_secs(10);
/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Most headers of a request.
const HEADERS: usize = 256;

/// Options of an endpoint.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Faults to produce.
    pub faults: Faults,
    /// Certificate and key for TLS; without them the endpoint speaks plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
}

/// What all requests share.
pub(super) struct Server {
    accounts: HashMap<String, (Account, Store)>,
    tls: Option<TlsAcceptor>,
    pub(super) faults: Faults,
    pub(super) address: SocketAddr,
}

impl Server {
    fn new(accounts: impl IntoIterator<Item = (Account, Store)>, options: Options, address: SocketAddr) -> Self {
        let named = accounts.into_iter().map(|(account, store)| (account.name().to_owned(), (account, store)));
        let tls = options.tls.map(TlsAcceptor::from);
        Self { accounts: named.collect(), tls, faults: options.faults, address }
    }

    pub(super) fn account(&self, name: &str) -> Option<&(Account, Store)> {
        self.accounts.get(name)
    }
}

/// Serves accounts, each with its own store, until `shutdown`; then waits for open requests up to ten seconds.
///
/// # Errors
/// When the listener is not on a loopback address: the endpoint must not serve other machines.
pub async fn serve(
    listener: TcpListener,
    accounts: impl IntoIterator<Item = (Account, Store)>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the blob endpoint listens on loopback addresses only",
        ));
    }
    let server = Arc::new(Server::new(accounts, options, address));
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let _ = stream.set_nodelay(true);
                    connections.spawn(carry(Arc::clone(&server), stream, peer.ip(), stopping.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection to the blob endpoint could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    drop(stop);
    let finished = tokio::time::timeout(STOP, async { while connections.join_next().await.is_some() {} });
    if finished.await.is_err() {
        tracing::warn!("requests to the blob endpoint were cut off");
    }
    Ok(())
}

/// Serves one connection that was made elsewhere, such as a pipe inside this process, until the client closes it.
/// `address` is where the client believes the endpoint to be.
pub async fn serve_stream(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    address: SocketAddr,
    accounts: impl IntoIterator<Item = (Account, Store)>,
    options: Options,
) {
    let server = Arc::new(Server::new(accounts, options, address));
    let (_stop, stopping) = watch::channel(());
    connection(server, stream, Peer { address: address.ip(), encrypted: false }, stopping).await;
}

/// Serves a connection from its first byte on, in TLS where the endpoint speaks it.
async fn carry(server: Arc<Server>, stream: TcpStream, address: IpAddr, stopping: watch::Receiver<()>) {
    let Some(tls) = server.tls.clone() else {
        return connection(server, stream, Peer { address, encrypted: false }, stopping).await;
    };
    match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => connection(server, stream, Peer { address, encrypted: true }, stopping).await,
        Ok(Err(error)) => tracing::debug!(%error, "a client of the blob endpoint does not agree on TLS"),
        Err(_) => tracing::debug!("a client of the blob endpoint did not begin TLS in time"),
    }
}

async fn connection(
    server: Arc<Server>,
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    peer: Peer,
    mut stopping: watch::Receiver<()>,
) {
    let (stream, ear) = Connection::new(stream);
    let service = service_fn(move |request| {
        let (server, ear) = (Arc::clone(&server), ear.clone());
        async move { Ok::<_, Infallible>(Box::pin(respond(server, peer, request, ear)).await) }
    });
    let mut builder = http1::Builder::new();
    builder.max_headers(HEADERS);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        // The sender never sends; it can only be dropped.
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection to the blob endpoint ended early");
    }
}

async fn respond(server: Arc<Server>, peer: Peer, request: Request<Incoming>, ear: Ear) -> Response<ResponseBody> {
    let case = ear.request();
    let (parts, incoming) = request.into_parts();
    let mut body = RequestBody::Incoming(incoming);
    let ids = Ids::of(&parts.headers);
    let is_head = parts.method == Method::HEAD;
    let outcome = if server.faults.is_unavailable() {
        Err(Failure::new(http::StatusCode::SERVICE_UNAVAILABLE, "ServerBusy", "The server is busy."))
    } else {
        execute(server, peer, &ids, parts, &mut body, case).await
    };
    body.drain().await;
    let (mut response, names) = finish(outcome, &ids);
    if is_head {
        leave_head(&mut response);
    }
    ear.answer(names);
    response
}

/// Removes the body from the answer to a HEAD. For a failure, the headers that announce a body are removed as well,
/// because C++ clients try to parse what is announced.
fn leave_head(response: &mut Response<ResponseBody>) {
    *response.body_mut() = body::empty();
    if !response.status().is_success() {
        response.headers_mut().remove(CONTENT_TYPE);
    }
}

/// An outcome as a response with the headers every response has, and the metadata names in it with their case.
pub(super) fn finish(outcome: Outcome<Answer>, ids: &Ids) -> (Response<ResponseBody>, Vec<String>) {
    let answer = outcome.unwrap_or_else(|failure| answer::failed(&failure, ids));
    let answer = answer
        .header("server", "iris-local-blob")
        .header("x-ms-request-id", ids.request.to_string())
        .header("x-ms-version", &ids.version)
        .optional("x-ms-client-request-id", ids.client.as_deref());
    answer.build()
}

/// Parses, authorizes and carries out one request.
pub(super) async fn execute(
    server: Arc<Server>,
    peer: Peer,
    ids: &Ids,
    parts: Parts,
    body: &mut RequestBody,
    case: HeaderCase,
) -> Outcome<Answer> {
    let mut call = Call::parse(server, peer, ids.clone(), parts, case)?;
    let operation = Operation::of(&call)?;
    call.grant = authorize(&call).await?;
    call.access = match operation {
        // The requests inside are authorized one by one; the batch itself only has to be authentic.
        Operation::Batch => Access::Full,
        _ => call.grant.permit(&call.resource, operation.within_container(), operation.letters())?,
    };
    carry_out(operation, &call, body).await
}

async fn authorize(call: &Call) -> Outcome<Grant> {
    let policy = match SasToken::find(&call.query)?.and_then(|token| token.policy()) {
        Some(id) => stored_policy(call, &call.resource, id).await?,
        None => None,
    };
    let request = auth::Request { method: &call.method, path: &call.path, query: &call.query, headers: &call.headers };
    Ok(call.account.verify(&request, &call.resource, policy.as_ref(), call.peer, jiff::Timestamp::now())?)
}

/// The stored access policy with an id, of the container a resource is in.
pub(super) async fn stored_policy(call: &Call, resource: &Resource, id: &str) -> Outcome<Option<Policy>> {
    let (Resource::Container(container) | Resource::Blob(container, _)) = resource else { return Ok(None) };
    let Ok(container) = call.store.container(container, &Conditions::default()).await else { return Ok(None) };
    let found = container.policies().iter().find(|policy| policy.id == id);
    Ok(found.map(|policy| Policy {
        start: policy.start.clone(),
        expiry: policy.expiry.clone(),
        permissions: policy.permissions.clone(),
    }))
}

async fn carry_out(operation: Operation, call: &Call, body: &mut RequestBody) -> Outcome<Answer> {
    use Operation as O;
    match operation {
        O::AccountInformation => Ok(containers::account_information()),
        O::ServiceProperties => Ok(containers::service_properties(call)),
        O::ListContainers => listing::containers(call).await,
        O::Batch => batch::run(call, body).await,
        O::CreateContainer => containers::create(call).await,
        O::ContainerProperties => containers::properties(call).await,
        O::SetContainerMetadata => containers::set_metadata(call).await,
        O::DeleteContainer => containers::delete(call).await,
        O::LeaseContainer => leases::container(call).await,
        O::ContainerPolicies => containers::policies(call).await,
        O::SetContainerPolicies => containers::set_policies(call, body).await,
        O::ListBlobs => listing::blobs(call).await,
        O::PutBlob => blobs::put(call, body).await,
        O::PutBlobFromUrl => copies::put_from_url(call).await,
        O::CopyBlob => copies::copy(call).await,
        O::PutBlock => blocks::put(call, body).await,
        O::PutBlockFromUrl => copies::put_block_from_url(call).await,
        O::PutBlockList => blocks::commit(call, body).await,
        O::BlockList => blocks::list(call).await,
        O::GetBlob => blobs::get(call).await,
        O::BlobProperties => blobs::properties(call).await,
        O::SetMetadata => blobs::set_metadata(call).await,
        O::SetProperties => blobs::set_headers(call).await,
        O::Tags => blobs::tags(call).await,
        O::SetTags => blobs::set_tags(call, body).await,
        O::SetTier => blobs::set_tier(call).await,
        O::LeaseBlob => leases::blob(call).await,
        O::DeleteBlob => blobs::delete(call).await,
    }
}
