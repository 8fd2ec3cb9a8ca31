//! The proxy's weather, as both ends of a connection see it.

use iris_chaos::proxy::Proxy;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that echoes what it is sent.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = client.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

async fn proxy() -> Proxy {
    let proxy = Proxy::start().await.unwrap();
    proxy.lead_to(echo().await);
    proxy
}

/// The result of sending one byte: `None` when nothing comes back for a while.
async fn answer(connection: &mut TcpStream) -> Option<std::io::Result<usize>> {
    let _ = connection.write_all(b"x").await;
    let mut buffer = [0; 1];
    tokio::time::timeout(Duration::from_millis(300), connection.read(&mut buffer)).await.ok()
}

#[tokio::test]
async fn a_connection_that_is_cut_ends_and_a_reset_is_an_error() {
    let proxy = proxy().await;
    let (mut one, mut two) =
        (TcpStream::connect(proxy.address()).await.unwrap(), TcpStream::connect(proxy.address()).await.unwrap());
    assert_eq!(answer(&mut one).await.unwrap().unwrap(), 1);
    proxy.cut(100);
    let mut buffer = [0; 1];
    assert_eq!(one.read(&mut buffer).await.unwrap(), 0);
    assert_eq!(answer(&mut two).await.unwrap().ok().filter(|length| *length > 0), None);
    let mut three = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(answer(&mut three).await.unwrap().unwrap(), 1);
    proxy.reset(100);
    assert_eq!(three.read(&mut buffer).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert!(proxy.hit() >= 2);
}

#[tokio::test]
async fn a_frozen_connection_is_silent_and_a_new_one_works() {
    let proxy = proxy().await;
    let mut old = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(answer(&mut old).await.unwrap().unwrap(), 1);
    proxy.freeze(100);
    assert!(answer(&mut old).await.is_none());
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(answer(&mut new).await.unwrap().unwrap(), 1);
    proxy.clear();
    assert!(answer(&mut old).await.is_none());
    proxy.cut(100);
    // Its last bytes were never read, so its end may be a reset.
    assert!(!matches!(old.read(&mut [0; 8]).await, Ok(length) if length > 0));
}

#[tokio::test]
async fn in_the_dark_nothing_arrives_until_it_clears() {
    let proxy = proxy().await;
    let mut old = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(answer(&mut old).await.unwrap().unwrap(), 1);
    proxy.darken();
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(answer(&mut old).await.is_none());
    assert!(answer(&mut new).await.is_none());
    proxy.clear();
    assert!(!matches!(old.read(&mut [0; 8]).await, Ok(length) if length > 0));
    let mut later = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(answer(&mut later).await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn a_share_of_the_connections_is_hit() {
    let proxy = proxy().await;
    let mut connections = Vec::new();
    for _ in 0..20 {
        let mut connection = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(answer(&mut connection).await.unwrap().unwrap(), 1);
        connections.push(connection);
    }
    proxy.freeze(50);
    let mut silent = 0;
    for connection in &mut connections {
        silent += usize::from(answer(connection).await.is_none());
    }
    assert!((8..=12).contains(&silent), "{silent} of 20");
}
