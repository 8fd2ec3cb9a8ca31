//! A local host whose handlers reach database, bus and storage through proxies.

use crate::documents;
use crate::plan::{Blow, Handling, Link, Shape, Strike, Twice};
use crate::proxy::Proxy;
use anyhow::{Context, Result};
use iris_local::app_folder::AppFolder;
use iris_local::entities::Entities;
use iris_local::{Inside, LocalHost, Options};
use iris_local_functions_host::{Duplicates, Faults, Host};
use sqlx::{AssertSqlSafe, Connection};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use url::Url;

/// Where a run takes place.
#[derive(Debug, Clone)]
pub struct Place {
    /// The program whose subcommand `handler` is the handler.
    pub program: PathBuf,
    /// A PostgreSQL server to make a database in; `None` = SQLite.
    pub server: Option<Server>,
}

/// A PostgreSQL server.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its URL, with a database that exists.
    pub url: String,
    /// Whether it is ours alone and on this machine, so that it may be made to crash.
    pub may_crash: bool,
}

/// A running local host, and the proxies between its handlers and the rest.
pub(crate) struct Platform {
    pub(crate) host: LocalHost,
    database: Option<Proxy>,
    bus: Proxy,
    storage: Proxy,
    server: Option<Server>,
    /// URL of the database, bypassing the proxy.
    url: String,
    folder: TempDir,
}

/// What was done to a platform.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Damage {
    /// Handlers killed.
    pub kills: u64,
    /// Blows to connections.
    pub blows: u64,
    /// Connections that were cut, reset or frozen.
    pub connections: u64,
    /// Restarts of the database.
    pub restarts: u64,
}

impl Platform {
    /// Starts one, in a folder and a database of its own.
    pub(crate) async fn start(place: &Place, shape: &Shape) -> Result<Self> {
        let folder = TempDir::with_prefix("iris-chaos-").context("no temporary folder")?;
        let (database, bus, storage) = match &place.server {
            Some(_) => (Some(Proxy::start().await?), Proxy::start().await?, Proxy::start().await?),
            None => (None, Proxy::start().await?, Proxy::start().await?),
        };
        let url = match &place.server {
            Some(server) => create_database(&server.url).await?,
            None => format!("sqlite:{}", folder.path().join("iris.db").display()),
        };
        let options = Options {
            data: folder.path().to_owned(),
            tls: false,
            amqp_port: Some(0),
            http_port: Some(0),
            blob_port: Some(0),
            database: Some(url.clone()),
            organizations: documents::organizations(shape.organizations)?,
            entities: Entities::default(),
            app: AppFolder::built_in(folder.path(), place.program.clone())?,
            settings: BTreeMap::from([
                ("LOG_LEVEL".to_owned(), "info".to_owned()),
                ("SWEEP_SCHEDULE".to_owned(), "*/2 * * * * *".to_owned()),
            ]),
            handlers: shape.handlers,
        };
        let through = database.as_ref().map(|proxy| lead(proxy, &url)).transpose()?;
        let (bus_address, storage_address) = (bus.address(), storage.address());
        let (bus, storage) = (std::sync::Arc::new(bus), std::sync::Arc::new(storage));
        let (to_bus, to_storage) = (std::sync::Arc::clone(&bus), std::sync::Arc::clone(&storage));
        let detour = move |inside: Inside| {
            to_bus.lead_to(inside.service_bus);
            to_storage.lead_to(inside.storage);
            let database = through.unwrap_or(inside.database);
            Inside { service_bus: bus_address, storage: storage_address, database }
        };
        let host = LocalHost::start_apart(options, Box::new(detour)).await?;
        let (bus, storage) = (std::sync::Arc::into_inner(bus), std::sync::Arc::into_inner(storage));
        let (bus, storage) = bus.zip(storage).context("the detour is over")?;
        Ok(Self { host, database, bus, storage, server: place.server.clone(), url, folder })
    }

    /// How handlers get their messages from now on.
    pub(crate) fn handle(&self, handling: &[Handling]) {
        for (host, handling) in self.host.handlers().zip(handling) {
            host.set_faults(Faults {
                duplicates: match handling.twice {
                    Twice::Never => Duplicates::None,
                    Twice::After => Duplicates::AfterSuccess,
                    Twice::AtOnce => Duplicates::AtOnce,
                },
                shuffle: Some(handling.shuffle),
                drop_response: f64::from(handling.dropped) / 100.0,
                kill: None,
            });
        }
    }

    /// Breaks one thing after the other. Afterwards everything works again, except connections that are frozen for
    /// good.
    pub(crate) async fn suffer(&self, strikes: &[Strike]) -> Result<Damage> {
        let mut damage = Damage::default();
        let before = self.connections_hit();
        for strike in strikes {
            tokio::time::sleep(strike.pause).await;
            match strike.blow {
                Blow::Kill(_) => damage.kills += 1,
                Blow::KillAll => damage.kills += u64::try_from(self.host.handlers().count()).unwrap_or_default(),
                Blow::Restart(_) => damage.restarts += 1,
                _ => damage.blows += 1,
            }
            self.break_it(strike.blow).await?;
        }
        damage.connections = self.connections_hit() - before;
        Ok(damage)
    }

    async fn break_it(&self, blow: Blow) -> Result<()> {
        match blow {
            Blow::Kill(number) => self.host.handlers().skip(number).take(1).for_each(Host::kill_handler),
            Blow::KillAll => self.host.handlers().for_each(Host::kill_handler),
            Blow::Cut(link, percent) => self.with(link, |proxy| proxy.cut(percent)),
            Blow::Reset(link, percent) => self.with(link, |proxy| proxy.reset(percent)),
            Blow::Freeze(link, percent, lasts) => {
                self.with(link, |proxy| proxy.freeze(percent));
                if let Some(lasts) = lasts {
                    tokio::time::sleep(lasts).await;
                    self.with(link, |proxy| proxy.reset(percent));
                }
            }
            Blow::Dark(link, lasts) => {
                self.with(link, Proxy::darken);
                tokio::time::sleep(lasts).await;
                self.with(link, Proxy::clear);
            }
            Blow::Lag(link, lag, lasts) => {
                self.with(link, |proxy| proxy.lag(lag));
                tokio::time::sleep(lasts).await;
                self.with(link, Proxy::clear);
            }
            Blow::Restart(lasts) => {
                self.with(Link::Database, Proxy::close);
                let restarted = self.restart_database().await;
                tokio::time::sleep(lasts).await;
                self.with(Link::Database, Proxy::clear);
                restarted?;
            }
        }
        Ok(())
    }

    fn with(&self, link: Link, act: impl Fn(&Proxy)) {
        match link {
            Link::Database => self.database.iter().for_each(act),
            Link::Bus => act(&self.bus),
            Link::Storage => act(&self.storage),
        }
    }

    fn connections_hit(&self) -> u64 {
        self.bus.hit() + self.storage.hit() + self.database.as_ref().map_or(0, Proxy::hit)
    }

    /// Ends every session of the database; if allowed, by crashing the whole server, which then recovers from its log.
    async fn restart_database(&self) -> Result<()> {
        let Some(server) = &self.server else { return Ok(()) };
        let mut connection = connect(&self.url).await?;
        if server.may_crash {
            let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await?;
            let pid = rustix::process::Pid::from_raw(pid).context("a backend has a process id")?;
            rustix::process::kill_process(pid, rustix::process::Signal::KILL)
                .context("the server's processes cannot be killed")?;
            return Ok(());
        }
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::raw_sql(others).execute(&mut connection).await?;
        Ok(())
    }

    /// Ends the leases of dead processes, because a run does not wait for them to expire. Living processes lose theirs
    /// as well.
    pub(crate) async fn end_leases(&self) -> Result<()> {
        let statement = "UPDATE outbox SET available_at = 0";
        if self.server.is_some() {
            let mut connection = connect(&self.url).await?;
            sqlx::raw_sql(statement).execute(&mut connection).await?;
            connection.close().await?;
        } else {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await?;
            sqlx::raw_sql(statement).execute(&mut connection).await?;
            connection.close().await?;
        }
        Ok(())
    }

    /// Stops everything. `keep`: the data folder stays, and its path is returned.
    pub(crate) async fn stop(self, keep: bool) -> Option<PathBuf> {
        self.host.stop().await;
        if self.server.is_some() && !keep {
            // If it cannot be dropped, it goes away with its server.
            let _ = drop_database(&self.url).await;
        }
        keep.then(|| self.folder.keep())
    }
}

/// The URL of the database through its proxy.
fn lead(proxy: &Proxy, url: &str) -> Result<String> {
    let mut url = Url::parse(url).context("the database's URL")?;
    let host = url.host_str().context("the database's URL has a host")?;
    let server: SocketAddr = format!("{host}:{}", url.port().unwrap_or(5432))
        .parse()
        .context("the database's URL has an address in numbers")?;
    proxy.lead_to(server);
    let address = proxy.address();
    let changed = url.set_ip_host(address.ip()).and_then(|()| url.set_port(Some(address.port())));
    changed.ok().context("the database's URL cannot be changed")?;
    Ok(url.to_string())
}

/// Connects, waiting for a server that is still recovering.
async fn connect(url: &str) -> Result<sqlx::PgConnection> {
    let mut tries = 0;
    loop {
        match sqlx::PgConnection::connect(url).await {
            Ok(connection) => return Ok(connection),
            Err(_) if tries < 100 => tries += 1,
            Err(error) => return Err(error).context("the database cannot be reached"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn create_database(server: &str) -> Result<String> {
    let name = format!("iris_chaos_{}", uuid::Uuid::new_v4().simple());
    let mut connection = connect(server).await?;
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
    let mut url = Url::parse(server).context("the server's URL")?;
    url.set_path(&name);
    Ok(url.to_string())
}

async fn drop_database(url: &str) -> Result<()> {
    let mut server = Url::parse(url)?;
    let name = server.path().trim_start_matches('/').to_owned();
    server.set_path("postgres");
    let mut connection = connect(server.as_str()).await?;
    sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).execute(&mut connection).await?;
    Ok(())
}
