//! The endpoints: one per protocol, shared by the handler and its callers; or, when callers connect over TLS, one per
//! protocol for each of the two.

use crate::credentials::{Addresses, Ports, SecurePorts};
use crate::tls::Tls;
use crate::{Options, ports};
use anyhow::Result;
use iris_local_blob::auth::Account;
use iris_local_blob::http::Options as BlobOptions;
use iris_local_blob::store::Store;
use iris_local_servicebus::access::Access;
use iris_local_servicebus::broker::Broker;
use iris_local_servicebus::{Endpoint, HttpEndpoint, serve, serve_http, serve_https, serve_tls};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::rustls::ServerConfig;

/// Listeners that do not answer yet.
pub(crate) struct Listeners {
    inside: Three,
    outside: Option<(Three, Tls)>,
}

/// A listener for each protocol.
struct Three {
    amqp: TcpListener,
    http: TcpListener,
    blob: TcpListener,
}

/// Endpoints that answer.
pub(crate) struct Serving {
    pub(crate) service_bus: Vec<Endpoint>,
    pub(crate) service_bus_http: Vec<HttpEndpoint>,
    pub(crate) tasks: Vec<JoinHandle<()>>,
}

impl Listeners {
    /// Takes the requested ports, or the usual ones.
    pub(crate) async fn open(options: &Options) -> Result<Self> {
        let amqp_port = if options.tls { 5671 } else { 5672 };
        let callers = Three {
            amqp: ports::listen(options.amqp_port, amqp_port, "Service Bus (--amqp-port)").await?,
            http: ports::listen(options.http_port, 5300, "Service Bus over HTTP (--http-port)").await?,
            blob: ports::listen(options.blob_port, 10_000, "Blob storage (--blob-port)").await?,
        };
        if !options.tls {
            return Ok(Self { inside: callers, outside: None });
        }
        let inside = Three {
            amqp: ports::listen(Some(0), 0, "the handler").await?,
            http: ports::listen(Some(0), 0, "the handler").await?,
            blob: ports::listen(Some(0), 0, "the handler").await?,
        };
        Ok(Self { inside, outside: Some((callers, Tls::load(&options.data)?)) })
    }

    /// Where they listen.
    pub(crate) fn addresses(&self) -> Result<Addresses> {
        let outside = match &self.outside {
            Some((three, tls)) => Some(SecurePorts { ports: three.ports()?, authority: tls.authority.clone() }),
            None => None,
        };
        Ok(Addresses { inside: self.inside.ports()?, outside })
    }

    /// Starts answering.
    pub(crate) fn serve(self, broker: &Broker, access: &Access, account: (&Account, &Store)) -> Result<Serving> {
        let mut serving = Serving { service_bus: Vec::new(), service_bus_http: Vec::new(), tasks: Vec::new() };
        self.inside.serve(None, broker, access, account, &mut serving)?;
        if let Some((three, tls)) = self.outside {
            three.serve(Some(tls.server), broker, access, account, &mut serving)?;
        }
        Ok(serving)
    }
}

impl Three {
    fn ports(&self) -> Result<Ports> {
        Ok(Ports { amqp: self.amqp.local_addr()?, http: self.http.local_addr()?, blob: self.blob.local_addr()? })
    }

    fn serve(
        self,
        tls: Option<Arc<ServerConfig>>,
        broker: &Broker,
        access: &Access,
        (account, blobs): (&Account, &Store),
        serving: &mut Serving,
    ) -> Result<()> {
        let (broker, access) = (|| broker.clone(), || access.clone());
        let (service_bus, http) = match &tls {
            Some(tls) => (
                serve_tls(broker(), self.amqp, access(), Arc::clone(tls))?,
                serve_https(broker(), self.http, access(), Arc::clone(tls))?,
            ),
            None => (serve(broker(), self.amqp, access())?, serve_http(broker(), self.http, access())?),
        };
        serving.service_bus.push(service_bus);
        serving.service_bus_http.push(http);
        let options = BlobOptions { tls, ..BlobOptions::default() };
        let accounts = [(account.clone(), blobs.clone())];
        let blob = iris_local_blob::http::serve(self.blob, accounts, options, std::future::pending());
        serving.tasks.push(tokio::spawn(async {
            blob.await.unwrap_or_else(|error| tracing::error!(%error, "no blobs are served"));
        }));
        Ok(())
    }
}
