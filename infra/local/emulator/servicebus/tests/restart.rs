//! What a broker with a folder keeps across a restart.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use fe2o3_amqp::Sender;
use iris_local_servicebus::access::Access;
use iris_local_servicebus::broker::{Broker, Error, QueueOptions, Rule, SubscriptionOptions};
use iris_local_servicebus::message::Message;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::time::Duration;
use support::{Client, Server};

const SOON: Duration = Duration::from_secs(10);

async fn open(folder: &Path) -> Broker {
    let broker = Broker::open(Some(folder)).await.unwrap();
    broker.create_queue("orders", QueueOptions::default()).unwrap();
    broker
}

#[tokio::test]
async fn messages_and_what_was_done_with_them_survive() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path()).await;
    for n in 0..10 {
        broker.send("orders", Message::new(format!("{n}")).with_message_id(format!("id-{n}"))).await.unwrap();
    }
    let taken = broker.receive("orders", 5, SOON).await.unwrap();
    broker.complete("orders", taken[0].lock_token).await.unwrap();
    broker.abandon("orders", taken[1].lock_token).await.unwrap();
    broker.dead_letter("orders", taken[2].lock_token, "Bad", "very").await.unwrap();
    broker.defer("orders", taken[3].lock_token).await.unwrap();
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let scheduled = broker.schedule("orders", Message::new("later"), later).await.unwrap();
    drop(broker);

    let broker = open(folder.path()).await;
    let status = broker.status("orders").unwrap();
    assert_eq!((status.active, status.deferred, status.scheduled, status.dead_lettered), (7, 1, 1, 1));
    let again = broker.receive("orders", 10, SOON).await.unwrap();
    let bodies: Vec<_> =
        again.iter().map(|delivery| String::from_utf8_lossy(&delivery.message.body).into_owned()).collect();
    assert_eq!(bodies, ["1", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(again[0].delivery_count, 2, "the abandoned delivery was counted");
    assert_eq!(again[0].message.message_id.as_deref(), Some("id-1"));
    assert_eq!(broker.receive_deferred("orders", &[4]).await.unwrap()[0].message.body, "3");
    let dead = broker.receive("orders/$deadletterqueue", 1, SOON).await.unwrap().remove(0);
    assert_eq!(dead.message.property("DeadLetterReason").unwrap().as_str(), Some("Bad"));
    assert_eq!(dead.dead_letter_source.as_deref(), Some("orders"));
    broker.cancel_scheduled("orders", scheduled).await.unwrap();
    broker.send("orders", Message::new("new")).await.unwrap();
    assert_eq!(broker.receive("orders", 1, SOON).await.unwrap()[0].sequence_number, 12, "numbers go on");
}

#[tokio::test]
async fn nothing_comes_back_once_it_is_completed() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let broker = open(folder.path()).await;
        assert_eq!(broker.status("orders").unwrap().active, 0);
        let messages = (0..1000).map(|n| Message::new(vec![7; 1000 + n])).collect();
        broker.send_all("orders", messages).await.unwrap();
        while broker.status("orders").unwrap().active > 0 {
            for delivery in broker.receive("orders", 100, SOON).await.unwrap() {
                broker.complete("orders", delivery.lock_token).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn the_log_stays_small_although_one_message_stays() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path()).await;
    broker.create_queue("kept", QueueOptions::default()).unwrap();
    broker.send("kept", Message::new("still here")).await.unwrap();
    for _ in 0..60 {
        broker.send_all("orders", (0..10).map(|_| Message::new(vec![1; 1_000_000])).collect()).await.unwrap();
        for delivery in broker.receive("orders", 10, SOON).await.unwrap() {
            broker.complete("orders", delivery.lock_token).await.unwrap();
        }
    }
    broker.flush().await.unwrap();
    let size: u64 = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(size < 450_000_000, "{size} bytes for 600 MB sent");
    drop(broker);
    let broker = Broker::open(Some(folder.path())).await.unwrap();
    broker.create_queue("kept", QueueOptions::default()).unwrap();
    assert_eq!(broker.peek("kept", 0, 10).unwrap()[0].message.body, "still here");
}

#[tokio::test]
async fn queues_created_later_get_what_was_kept_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path()).await;
    broker.send("orders", Message::new("patient")).await.unwrap();
    drop(broker);
    for _ in 0..2 {
        drop(Broker::open(Some(folder.path())).await.unwrap());
    }
    let broker = open(folder.path()).await;
    assert_eq!(broker.receive("orders", 1, SOON).await.unwrap()[0].message.body, "patient");
}

#[tokio::test]
async fn a_torn_log_loses_only_what_was_not_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let broker = open(folder.path()).await;
    broker.send("orders", Message::new("whole")).await.unwrap();
    drop(broker);
    let mut segments: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    segments.sort();
    let last = segments.last().unwrap();
    let mut bytes = std::fs::read(last).unwrap();
    bytes.extend_from_slice(&[200, 0, 0, 0, 1, 2, 3, 4, 5]);
    std::fs::write(last, bytes).unwrap();
    for _ in 0..2 {
        let broker = open(folder.path()).await;
        assert_eq!(broker.peek("orders", 0, 10).unwrap()[0].message.body, "whole");
    }
}

#[tokio::test]
async fn two_brokers_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _broker = open(folder.path()).await;
    assert!(matches!(Broker::open(Some(folder.path())).await, Err(Error::Storage(_))));
}

#[tokio::test]
async fn duplicates_are_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = QueueOptions { duplicate_detection: Some(Duration::from_secs(600)), ..QueueOptions::default() };
    for _ in 0..2 {
        let broker = Broker::open(Some(folder.path())).await.unwrap();
        broker.create_queue("unique", options.clone()).unwrap();
        broker.send("unique", Message::new("once").with_message_id("same")).await.unwrap();
        assert_eq!(broker.status("unique").unwrap().active, 1);
    }
}

#[tokio::test]
async fn subscriptions_keep_theirs() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..3 {
        let broker = Broker::open(Some(folder.path())).await.unwrap();
        broker.create_topic("news").unwrap();
        let options = SubscriptionOptions { rules: vec![Rule::everything()], ..SubscriptionOptions::default() };
        broker.create_subscription("news", "all", options).unwrap();
        broker.send("news", Message::new("item")).await.unwrap();
        assert_eq!(broker.status("news/subscriptions/all").unwrap().active, round);
    }
}

#[tokio::test]
async fn an_amqp_send_is_durable_once_it_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::of(open(folder.path()).await, Access::open()).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    let mut pending = Vec::new();
    for n in 0..500 {
        pending.push(sender.send_batchable(format!("{n}")).await.unwrap());
    }
    for future in pending {
        assert!(future.await.unwrap().is_accepted());
    }
    // The folder's current content is all that a crash would leave.
    let crashed = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, crashed.path().join(path.file_name().unwrap())).unwrap();
    }
    assert_eq!(open(crashed.path()).await.status("orders").unwrap().active, 500);
    client.close().await;
}

/// Folder of the process that is killed; only set in that process.
const KILLED: &str = "SERVICEBUS_TEST_KILLED";

/// Not a test but the other process of the next one: sends until it is killed, and prints what was confirmed.
#[tokio::test]
async fn sends_until_it_is_killed() {
    let Some(folder) = std::env::var_os(KILLED) else { return };
    let broker = open(Path::new(&folder)).await;
    for number in 0_u32.. {
        broker.send("orders", Message::new(format!("{number}"))).await.unwrap();
        writeln!(std::io::stderr(), "confirmed {number}").unwrap();
    }
}

#[tokio::test]
async fn what_was_confirmed_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sends_until_it_is_killed", "--nocapture"])
        .env(KILLED, folder.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
    let confirmed = said.by_ref().map_while(Result::ok).find(|line| line == "confirmed 300");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(confirmed.is_some());
    let last = said.map_while(Result::ok).filter_map(|line| line.strip_prefix("confirmed ")?.parse().ok()).last();
    let broker = open(folder.path()).await;
    let there = broker.peek("orders", 0, usize::MAX).unwrap();
    assert!(there.len() > last.unwrap_or(300_usize), "{} are there", there.len());
    let in_order = there.iter().enumerate().all(|(number, delivery)| delivery.message.body == format!("{number}"));
    assert!(in_order, "every message once, in order");
}

#[tokio::test]
async fn nothing_is_confirmed_once_the_log_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let (own, away) = (folder.path().join("own"), folder.path().join("away"));
    let server = Server::of(open(&own).await, Access::open()).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    assert!(sender.send("first").await.unwrap().is_accepted());
    let taken = server.broker.receive("orders", 1, SOON).await.unwrap().remove(0);
    // The disk "fails" when the log begins its next segment, because the folder is gone.
    std::fs::rename(&own, &away).unwrap();
    let mut confirmed = 1;
    let refused = loop {
        match sender.send("x".repeat(1_000_000)).await.unwrap() {
            outcome if outcome.is_accepted() => confirmed += 1,
            outcome => break format!("{outcome:?}"),
        }
        assert!(confirmed < 1000, "the log was written into nowhere");
    };
    assert!(refused.contains("InternalError"), "{refused}");
    assert!(!sender.send("another").await.unwrap().is_accepted());
    assert!(matches!(server.broker.send("orders", Message::new("x")).await, Err(Error::Storage(_))));
    assert!(matches!(server.broker.complete("orders", taken.lock_token).await, Err(Error::Storage(_))));
    client.close().await;
    server.endpoint.shutdown().await;
    drop(server.broker);
    assert!(open(&away).await.status("orders").unwrap().active >= confirmed, "what was confirmed is there");
}
