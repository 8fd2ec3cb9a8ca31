//! A TCP proxy between handlers and what they use, with bad weather on demand.

use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// What applies to all connections, and the blows so far.
#[derive(Debug, Clone, Default)]
struct Weather {
    /// Counts the blows; a connection is hit by those that came after it opened.
    cut: Blow,
    reset: Blow,
    freeze: Blow,
    /// Nothing gets through, and neither side is told.
    dark: bool,
    /// No connection is accepted.
    closed: bool,
    /// Everything is delayed by this much.
    lag: Duration,
}

/// A blow, and the percentage of connections that it hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Blow {
    number: u64,
    percent: u8,
}

impl Blow {
    fn strike(&mut self, percent: u8) {
        *self = Self { number: self.number + 1, percent };
    }

    fn hits(self, before: Self, share: u8) -> bool {
        self.number > before.number && share < self.percent
    }
}

/// Forwards connections to a server. Ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    server: watch::Sender<Option<SocketAddr>>,
    weather: watch::Sender<Weather>,
    hit: Arc<AtomicU64>,
    _task: AbortOnDropHandle<()>,
}

impl Proxy {
    /// Listens. Connections wait until [`Proxy::lead_to`] says where they go.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for a proxy")?;
        let address = listener.local_addr().context("a listener has an address")?;
        let (server, servers) = watch::channel(None);
        let (weather, weathers) = watch::channel(Weather::default());
        let hit = Arc::new(AtomicU64::new(0));
        let hits = Arc::clone(&hit);
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut number: u64 = 0;
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                // Spread evenly over a hundred, and the same in every run.
                let share = u8::try_from(number * 37 % 100).unwrap_or_default();
                number += 1;
                tokio::spawn(carry(client, servers.clone(), weathers.clone(), share, Arc::clone(&hits)));
            }
        }));
        Ok(Self { address, server, weather, hit, _task: task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were cut, reset or frozen.
    #[must_use]
    pub fn hit(&self) -> u64 {
        self.hit.load(Ordering::Relaxed)
    }

    /// Says where connections go.
    pub fn lead_to(&self, server: SocketAddr) {
        self.server.send_replace(Some(server));
    }

    /// Closes connections properly.
    pub fn cut(&self, percent: u8) {
        self.weather.send_modify(|weather| weather.cut.strike(percent));
    }

    /// Ends connections with a reset.
    pub fn reset(&self, percent: u8) {
        self.weather.send_modify(|weather| weather.reset.strike(percent));
    }

    /// Existing connections stay open and silent for good; new ones work. As after a failover.
    pub fn freeze(&self, percent: u8) {
        self.weather.send_modify(|weather| weather.freeze.strike(percent));
    }

    /// From now on, what is sent disappears, over old connections and new ones alike.
    pub fn darken(&self) {
        self.weather.send_modify(|weather| weather.dark = true);
    }

    /// From now on, no connection is accepted, and existing ones are closed. As while a server restarts.
    pub fn close(&self) {
        self.weather.send_modify(|weather| {
            weather.closed = true;
            weather.reset.strike(100);
        });
    }

    /// From now on, everything is delayed by this much.
    pub fn lag(&self, lag: Duration) {
        self.weather.send_modify(|weather| weather.lag = lag);
    }

    /// Everything works again. Connections that lost bytes in the dark are ended.
    pub fn clear(&self) {
        self.weather.send_modify(|weather| {
            if weather.dark {
                weather.reset.strike(100);
            }
            (weather.dark, weather.closed, weather.lag) = (false, false, Duration::ZERO);
        });
    }
}

/// What a blow does to a connection.
enum End {
    Closed,
    Reset,
    Frozen,
}

async fn carry(
    mut client: TcpStream,
    mut servers: watch::Receiver<Option<SocketAddr>>,
    mut weather: watch::Receiver<Weather>,
    share: u8,
    hit: Arc<AtomicU64>,
) {
    let born = weather.borrow_and_update().clone();
    if born.closed {
        let _ = client.set_zero_linger();
        return;
    }
    let Ok(address) = servers.wait_for(Option::is_some).await.map(|address| *address) else { return };
    let Some(address) = address else { return };
    let Ok(mut server) = TcpStream::connect(address).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let calm = weather.clone();
    let mut end = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        tokio::select! {
            biased;
            end = struck(&mut weather, &born, share, true) => {
                hit.fetch_add(1, Ordering::Relaxed);
                end
            }
            end = pass(from_client, to_server, calm.clone()) => end,
            end = pass(from_server, to_client, calm) => end,
        }
    };
    if matches!(end, End::Frozen) {
        // Both ends stay open, but hear nothing.
        end = struck(&mut weather, &born, share, false).await;
    }
    if matches!(end, End::Reset) {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Waits until a blow hits the connection, or the proxy is gone.
async fn struck(weather: &mut watch::Receiver<Weather>, born: &Weather, share: u8, freezes: bool) -> End {
    loop {
        if weather.changed().await.is_err() {
            return End::Closed;
        }
        let now = weather.borrow_and_update();
        if now.reset.hits(born.reset, share) {
            return End::Reset;
        }
        if now.cut.hits(born.cut, share) {
            return End::Closed;
        }
        if freezes && now.freeze.hits(born.freeze, share) {
            return End::Frozen;
        }
    }
}

/// Forwards bytes until one end closes.
async fn pass(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, weather: watch::Receiver<Weather>) -> End {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length) = from.read(&mut buffer).await {
        if length == 0 {
            break;
        }
        let (dark, lag) = {
            let now = weather.borrow();
            (now.dark, now.lag)
        };
        if !lag.is_zero() {
            tokio::time::sleep(lag).await;
        }
        if !dark && to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    End::Closed
}
