//! An open connection to a namespace, with a session and the links on it.

use super::Cause;
use super::endpoint::Endpoint;
use super::link::{self, End, Job, Pace};
use super::outcome::{Fault, of_attach, of_token};
use super::token::Tokens;
use fe2o3_amqp::connection::ConnectionHandle;
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::session::SessionHandle;
use fe2o3_amqp::types::primitives::Timestamp as AmqpTimestamp;
use fe2o3_amqp::{Connection, Sender, Session};
use fe2o3_amqp_cbs::client::CbsClient;
use fe2o3_amqp_cbs::token::CbsToken;
use jiff::Timestamp;
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::ExposeSecret;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, crypto};
use uuid::Uuid;

/// Silence after which the peer is considered dead, in milliseconds; both sides send empty frames before that.
const IDLE_MILLISECONDS: u32 = 60_000;

/// How long after a failed renewal of a token the next one is tried.
const RENEWAL_RETRY: Duration = Duration::from_secs(30);

/// The shortest interval between renewals, however soon a token says it expires.
const SOONEST_RENEWAL: Duration = Duration::from_secs(1);

/// Events that nobody asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// Connection or session ended.
    Stopped,
    /// A link ended.
    LinkEnded { queue: String, generation: u64, end: End },
    /// A token is about to expire.
    RenewalDue,
}

/// An open connection.
pub(super) struct Namespace {
    endpoint: Endpoint,
    tokens: Tokens,
    pace: Pace,
    links: HashMap<String, Attached>,
    tasks: JoinSet<(String, u64, End)>,
    generations: u64,
    pub(super) session: SessionHandle<()>,
    pub(super) connection: ConnectionHandle<()>,
}

/// Our end of a link's task.
struct Attached {
    jobs: mpsc::UnboundedSender<Job>,
    generation: u64,
    renew: Instant,
}

impl Namespace {
    /// Connects and opens a session.
    pub(super) async fn open(endpoint: &Endpoint, tokens: &Tokens, pace: Pace) -> Result<Self, &'static str> {
        let mut connection = timeout(pace.deadline, connect(endpoint)).await.map_err(|_| "no connection in time")??;
        let session = timeout(pace.deadline, Session::begin(&mut connection))
            .await
            .map_err(|_| "no session in time")?
            .map_err(|_| "the broker opens no session")?;
        Ok(Self {
            endpoint: endpoint.clone(),
            tokens: tokens.clone(),
            pace,
            links: HashMap::new(),
            tasks: JoinSet::new(),
            generations: 0,
            session,
            connection,
        })
    }

    /// Waits for the next such event. Cancel-safe.
    pub(super) async fn happening(&mut self) -> Happening {
        let renewal = self.links.values().map(|link| link.renew).min();
        let due = async {
            match renewal {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(due);
        loop {
            tokio::select! {
                _ = self.connection.on_close() => return Happening::Stopped,
                _ = self.session.on_end() => return Happening::Stopped,
                Some(ended) = self.tasks.join_next() => {
                    // A task that panicked takes its link with it; the next job for the queue finds its channel closed.
                    if let Ok((queue, generation, end)) = ended {
                        return Happening::LinkEnded { queue, generation, end };
                    }
                }
                () = &mut due => return Happening::RenewalDue,
            }
        }
    }

    /// Hands a job to the link of its queue, which is attached first if there is none. On a fault, the job's sender is
    /// notified here.
    pub(super) async fn deliver(&mut self, queue: &str, mut job: Job) -> Result<(), &'static str> {
        if let Some(link) = self.links.get(queue) {
            match link.jobs.send(job) {
                Ok(()) => return Ok(()),
                Err(returned) => job = returned.0,
            }
        }
        match self.attach(queue).await {
            Ok(link) => {
                let _ = link.jobs.send(job);
                self.links.insert(queue.to_owned(), link);
                Ok(())
            }
            Err(Fault::Queue(cause)) => {
                let _ = job.reply.send(Err(cause));
                Ok(())
            }
            Err(Fault::Connection(reason)) => {
                let _ = job.reply.send(Err(Cause::unavailable(reason)));
                Err(reason)
            }
        }
    }

    /// Forgets a link that ended. `Err` = the whole connection is in doubt.
    pub(super) fn forget(&mut self, queue: &str, generation: u64, end: End) -> Result<(), &'static str> {
        if self.links.get(queue).is_some_and(|link| link.generation == generation) {
            self.links.remove(queue);
        }
        match end {
            End::Finished | End::Detached => Ok(()),
            End::Lost => Err("a link was lost"),
            End::Stuck => Err("the broker did not answer in time"),
        }
    }

    /// Puts new tokens for the queues whose tokens are about to expire.
    pub(super) async fn renew(&mut self) -> Result<(), &'static str> {
        let now = Instant::now();
        let due: Vec<String> =
            self.links.iter().filter(|(_, link)| link.renew <= now).map(|(queue, _)| queue.clone()).collect();
        for queue in due {
            let renew = match self.authorize(&queue).await {
                Ok(renew) => renew,
                Err(Fault::Queue(cause)) => {
                    tracing::warn!(%cause, "a token was not renewed");
                    Instant::now() + RENEWAL_RETRY
                }
                Err(Fault::Connection(reason)) => return Err(reason),
            };
            if let Some(link) = self.links.get_mut(&queue) {
                link.renew = renew;
            }
        }
        Ok(())
    }

    /// Drops everything, sending links first: only that ends the sends waiting in the library.
    pub(super) async fn abandon(mut self) {
        self.links.clear();
        self.tasks.shutdown().await;
        let _ = timeout(Duration::from_secs(1), self.connection.close()).await;
    }

    /// Lets the links finish their jobs, then closes.
    pub(super) async fn finish(mut self) {
        self.links.clear();
        let pending = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout(self.pace.deadline, pending).await;
        self.abandon().await;
    }

    async fn attach(&mut self, queue: &str) -> Result<Attached, Fault> {
        let renew = self.authorize(queue).await?;
        let name = format!("iris-{}", Uuid::new_v4().simple());
        let attaching = Sender::attach(&mut self.session, name, queue);
        let sender =
            watched(&mut self.connection, self.pace.deadline, attaching).await?.map_err(|error| of_attach(&error))?;
        #[expect(clippy::disallowed_methods, reason = "bounded by the calls that the sender lets through")]
        let (jobs, receiver) = mpsc::unbounded_channel();
        self.generations += 1;
        let (generation, queue, pace) = (self.generations, queue.to_owned(), self.pace);
        self.tasks.spawn(async move { (queue, generation, link::run(sender, receiver, pace).await) });
        Ok(Attached { jobs, generation, renew })
    }

    /// Puts a token for a queue; returns when to renew it. The link for tokens is opened anew each time, because the
    /// broker would detach it for idleness between renewals.
    pub(super) async fn authorize(&mut self, queue: &str) -> Result<Instant, Fault> {
        let deadline = self.pace.deadline;
        let audience = self.endpoint.audience(queue);
        let now = Timestamp::now();
        let token = timeout(deadline, self.tokens.token(&audience, now))
            .await
            .map_err(|_| Fault::Queue(Cause::unavailable("no token in time")))?
            .map_err(|error| Fault::Queue(Cause::Unavailable { reason: error.to_string() }))?;
        let client = format!("iris-{}", Uuid::new_v4().simple());
        let attaching = CbsClient::builder().client_node_addr(client).attach(&mut self.session);
        let mut cbs = watched(&mut self.connection, deadline, attaching)
            .await?
            .map_err(|_| Fault::Connection("attaching for tokens failed"))?;
        let expires = AmqpTimestamp::from_milliseconds(token.expires.as_millisecond());
        let put = cbs.put_token(audience, CbsToken::new(token.value.expose_secret(), token.kind, expires));
        let answer = watched(&mut self.connection, deadline, put).await?;
        // It does not matter whether the broker answers the close.
        let _ = watched(&mut self.connection, deadline, cbs.close()).await?;
        answer.map_err(|error| of_token(&error))?;
        let lifetime = Duration::try_from(token.expires.duration_since(now)).unwrap_or(Duration::ZERO);
        Ok(Instant::now() + (lifetime / 4 * 3).max(SOONEST_RENEWAL))
    }
}

/// Waits for an answer, but only while the connection lasts, because the library does not always notice (measured:
/// attaching can wait forever when the connection is lost meanwhile).
pub(super) async fn watched<T>(
    connection: &mut ConnectionHandle<()>,
    deadline: Duration,
    answer: impl Future<Output = T>,
) -> Result<T, Fault> {
    tokio::select! {
        biased;
        answer = answer => Ok(answer),
        _ = connection.on_close() => Err(Fault::Connection("the connection ended")),
        () = sleep(deadline) => Err(Fault::Connection("the broker did not answer in time")),
    }
}

async fn connect(endpoint: &Endpoint) -> Result<ConnectionHandle<()>, &'static str> {
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port))
        .await
        .map_err(|_| "no TCP connection to the broker")?;
    let _ = stream.set_nodelay(true);
    let builder = Connection::builder()
        .container_id(format!("iris-{}", Uuid::new_v4().simple()))
        .hostname(endpoint.host.as_str())
        .sasl_hostname(endpoint.host.as_str())
        .scheme("amqp")
        .max_frame_size(65_536)
        .idle_time_out(IDLE_MILLISECONDS)
        .sasl_profile(SaslProfile::Anonymous);
    let opened = if endpoint.tls {
        let name = ServerName::try_from(endpoint.host.clone()).map_err(|_| "not a host name")?;
        let stream = tls()?.connect(name, stream).await.map_err(|_| "no TLS with the broker")?;
        builder.open_with_stream(stream).await
    } else {
        builder.open_with_stream(stream).await
    };
    opened.map_err(|_| "the broker opens no connection")
}

/// TLS with the platform's trusted roots. The provider is named explicitly: if several are compiled in, the library
/// cannot choose.
fn tls() -> Result<TlsConnector, &'static str> {
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| "no TLS versions")?
        .with_platform_verifier()
        .map_err(|_| "no trusted TLS roots on this machine")?
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn tls_can_be_set_up_on_this_machine() {
        assert!(super::tls().is_ok());
    }
}
