//! Keys and tokens, over the wire.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::{Receiver, Sender};
use fe2o3_amqp_cbs::client::CbsClient;
use fe2o3_amqp_cbs::token::CbsToken;
use hmac::{Hmac, KeyInit as _, Mac as _};
use iris_local_servicebus::access::{Access, AccessKey, ROOT_KEY_NAME, Right};
use iris_local_servicebus::broker::{Broker, QueueOptions};
use support::{Client, Server};

async fn server() -> Server {
    let broker = Broker::open(None).await.unwrap();
    for queue in ["orders", "events"] {
        broker.create_queue(queue, QueueOptions::default()).unwrap();
    }
    let key = |name: &str, entity: Option<&str>, right| AccessKey {
        name: name.to_owned(),
        key: format!("{name}-secret"),
        entity: entity.map(str::to_owned),
        right,
        known_as: None,
    };
    let keys = vec![
        key(ROOT_KEY_NAME, None, Right::Manage),
        key("send", Some("orders"), Right::Send),
        key("listen", Some("events"), Right::Listen),
        AccessKey { known_as: Some("Published".to_owned()), ..key("alias", Some("orders"), Right::Send) },
    ];
    Server::of(broker, Access::with_keys(keys)).await
}

fn token(server: &Server, entity: &str, name: &str, secret: &str, expiry: i64) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let resource = encode(&format!("sb://{}/{entity}", server.endpoint.address()));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{resource}\n{expiry}").as_bytes());
    let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mac.finalize().into_bytes());
    format!("SharedAccessSignature sr={resource}&sig={}&se={expiry}&skn={name}", encode(&signature))
}

async fn put(client: &mut Client, server: &Server, entity: &str, token: String) -> Result<(), String> {
    let mut cbs = CbsClient::attach(&mut client.session).await.unwrap();
    let token = CbsToken::new(token, "servicebus.windows.net:sastoken", None);
    let name = format!("sb://{}/{entity}", server.endpoint.address());
    let put = cbs.put_token(name, token).await.map_err(|error| format!("{error:?}"));
    cbs.close().await.unwrap();
    put
}

fn in_seconds(seconds: i64) -> i64 {
    jiff::Timestamp::now().as_second() + seconds
}

#[tokio::test]
async fn a_send_key_sends_to_its_entity_and_does_nothing_else() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    assert!(Sender::attach(&mut client.session, "early", "orders").await.is_err(), "no token yet");
    let token = token(&server, "orders", "send", "send-secret", in_seconds(600));
    put(&mut client, &server, "orders", token).await.unwrap();
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    assert!(sender.send("order").await.unwrap().is_accepted());
    let refused = Receiver::attach(&mut client.session, "r", "orders").await.unwrap_err();
    assert!(format!("{refused:?}").contains("UnauthorizedAccess"), "{refused:?}");
    assert!(Sender::attach(&mut client.session, "e", "events").await.is_err());
    client.close().await;
}

#[tokio::test]
async fn wrong_expired_and_foreign_tokens_are_refused() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    for (entity, name, secret, seconds) in [
        ("orders", "send", "wrong", 600),
        ("orders", "send", "send-secret", -5),
        ("events", "send", "send-secret", 600),
        ("orders", "unknown", "send-secret", 600),
    ] {
        let token = token(&server, entity, name, secret, in_seconds(seconds));
        let refused = put(&mut client, &server, entity, token).await.unwrap_err();
        assert!(refused.contains("401"), "{refused}");
    }
    assert!(Sender::attach(&mut client.session, "s", "orders").await.is_err());
    client.close().await;
}

#[tokio::test]
async fn a_link_ends_with_its_token_unless_that_is_renewed() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let brief = token(&server, "orders", "send", "send-secret", in_seconds(2));
    put(&mut client, &server, "orders", brief).await.unwrap();
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    assert!(sender.send("in time").await.unwrap().is_accepted());
    let ended = sender.on_detach().await;
    assert!(format!("{ended:?}").contains("UnauthorizedAccess"), "{ended:?}");
}

#[tokio::test]
async fn a_password_serves_as_well() {
    let server = server().await;
    let profile = SaslProfile::Plain { username: "listen".to_owned(), password: "listen-secret".to_owned() };
    let mut client = Client::with_profile(&server, profile).await;
    Receiver::attach(&mut client.session, "r", "events").await.unwrap();
    assert!(Sender::attach(&mut client.session, "s", "events").await.is_err());
}

/// For clients that hard-code their queue names, as in a namespace of their own.
#[tokio::test]
async fn a_queue_answers_to_the_name_its_key_has_for_it() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    assert!(Sender::attach(&mut client.session, "early", "published").await.is_err(), "no token yet");
    let token = token(&server, "published", "alias", "alias-secret", in_seconds(600));
    put(&mut client, &server, "published", token).await.unwrap();
    let mut sender = Sender::attach(&mut client.session, "s", "published").await.unwrap();
    assert!(sender.send("order").await.unwrap().is_accepted());
    assert_eq!(server.broker.status("orders").unwrap().active, 1);
    client.close().await;
}

#[tokio::test]
async fn what_is_not_there_is_named_with_its_address() {
    let server = server().await;
    let mut client = Client::connect(&server).await;
    let token = token(&server, "", ROOT_KEY_NAME, "RootManageSharedAccessKey-secret", in_seconds(600));
    put(&mut client, &server, "", token).await.unwrap();
    let refused = Sender::attach(&mut client.session, "s", "Nowhere").await.unwrap_err();
    let refused = format!("{refused:?}");
    assert!(refused.contains("NotFound") && refused.contains("sb://127.0.0.1"), "{refused}");
    assert!(refused.contains("/nowhere' could not be found."), "{refused}");
    client.close().await;
}
