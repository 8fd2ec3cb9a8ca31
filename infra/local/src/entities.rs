//! Additional queues and topics, besides the organizations': `--entities FILE`.
//!
//! The file has the format of Microsoft's Service Bus emulator, so that an existing one can be used: one namespace with
//! queues and topics, durations as ISO 8601 (`PT30S`), everything except names optional.
//!
//! ```json
//! { "UserConfig": { "Namespaces": [{
//!     "Name": "local",
//!     "Queues": [{ "Name": "work", "Properties": { "LockDuration": "PT30S", "MaxDeliveryCount": 5 } }],
//!     "Topics": [{ "Name": "news", "Subscriptions": [{ "Name": "urgent", "Rules": [
//!         { "Name": "label", "Properties": { "FilterType": "Correlation", "CorrelationFilter": { "Label": "urgent" } } }
//!     ] }] }]
//! }] } }
//! ```

mod rule;

use crate::provision::existing;
use anyhow::{Context, Result, bail, ensure};
use iris_local_servicebus::NotOffered;
use iris_local_servicebus::broker::{Broker, QueueOptions, SubscriptionOptions};
use jiff::{Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer};
use std::path::Path;
use std::time::Duration;

/// Everything a file asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entities {
    queues: Vec<(String, QueueOptions)>,
    topics: Vec<(String, Vec<(String, SubscriptionOptions)>)>,
}

impl Entities {
    /// Reads the file; without one there are none.
    ///
    /// # Errors
    /// The file cannot be read, is not such a document, or asks for what is not offered; says where.
    pub fn read(file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a usable list of queues and topics", file.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let document: Document = serde_json::from_str(text)?;
        let Ok([namespace]) = <[Namespace; 1]>::try_from(document.user_config.namespaces) else {
            bail!("there must be exactly one namespace: the local host has no other");
        };
        let mut entities = Self::default();
        for Queue { name, properties } in namespace.queues {
            entities.queues.push((name, properties.options()));
        }
        for Topic { name, properties, subscriptions } in namespace.topics {
            let place = format!("topic {name}");
            ensure!(!properties.requires_duplicate_detection, "{place}: {}", NotOffered::TopicDuplicates);
            let subscriptions = subscriptions.into_iter().map(|subscription| subscription.options(&place, &properties));
            entities.topics.push((name.clone(), subscriptions.collect::<Result<_>>()?));
        }
        Ok(entities)
    }

    /// Creates them. Those that exist, with what is in them, stay.
    pub(crate) fn create(self, broker: &Broker) -> Result<()> {
        for (name, options) in self.queues {
            existing(broker.create_queue(&name, options)).with_context(|| name)?;
        }
        for (topic, subscriptions) in self.topics {
            existing(broker.create_topic(&topic)).with_context(|| topic.clone())?;
            for (name, options) in subscriptions {
                existing(broker.create_subscription(&topic, &name, options))
                    .with_context(|| format!("{topic}/{name}"))?;
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    user_config: UserConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct UserConfig {
    namespaces: Vec<Namespace>,
    /// The emulator's own log; not used here.
    #[serde(rename = "Logging", default)]
    _logging: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Namespace {
    /// Any; connection strings have an address instead.
    #[serde(rename = "Name", default)]
    _name: String,
    #[serde(default)]
    queues: Vec<Queue>,
    #[serde(default)]
    topics: Vec<Topic>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Queue {
    name: String,
    #[serde(default)]
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Topic {
    name: String,
    #[serde(default)]
    properties: Properties,
    #[serde(default)]
    subscriptions: Vec<Subscription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Subscription {
    name: String,
    #[serde(default)]
    properties: Properties,
    /// If absent, the rule that Azure creates by itself: everything.
    #[serde(default)]
    rules: Vec<rule::Document>,
}

impl Subscription {
    fn options(self, topic: &str, topic_properties: &Properties) -> Result<(String, SubscriptionOptions)> {
        let place = format!("{topic}, subscription {}", self.name);
        ensure!(!self.properties.requires_duplicate_detection, "{place}: subscriptions have no duplicate detection");
        let mut queue = self.properties.options();
        let of_topic = topic_properties.default_message_time_to_live;
        queue.default_time_to_live = queue.default_time_to_live.into_iter().chain(of_topic).min();
        let rules = if self.rules.is_empty() {
            vec![iris_local_servicebus::broker::Rule::everything()]
        } else {
            let rules = self.rules.into_iter().map(|rule| rule.parse(&place));
            rules.collect::<Result<_>>()?
        };
        Ok((self.name, SubscriptionOptions { queue, rules }))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct Properties {
    #[serde(deserialize_with = "duration")]
    lock_duration: Option<Duration>,
    max_delivery_count: Option<u32>,
    #[serde(deserialize_with = "duration")]
    default_message_time_to_live: Option<Duration>,
    dead_lettering_on_message_expiration: bool,
    requires_duplicate_detection: bool,
    #[serde(deserialize_with = "duration")]
    duplicate_detection_history_time_window: Option<Duration>,
    forward_to: String,
    forward_dead_lettered_messages_to: String,
    requires_session: bool,
}

/// How long message ids are remembered if the file does not say; Azure's default.
const HISTORY: Duration = Duration::from_secs(600);

impl Properties {
    fn options(&self) -> QueueOptions {
        let usual = QueueOptions::default();
        let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        QueueOptions {
            lock_duration: self.lock_duration.unwrap_or(usual.lock_duration),
            max_delivery_count: self.max_delivery_count.unwrap_or(usual.max_delivery_count),
            default_time_to_live: self.default_message_time_to_live,
            dead_letter_on_expiration: self.dead_lettering_on_message_expiration,
            duplicate_detection: self
                .requires_duplicate_detection
                .then(|| self.duplicate_detection_history_time_window.unwrap_or(HISTORY)),
            forward_to: name(&self.forward_to),
            forward_dead_letters_to: name(&self.forward_dead_lettered_messages_to),
            requires_session: self.requires_session,
            max_bytes: usual.max_bytes,
        }
    }
}

fn duration<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Duration>, D::Error> {
    let Some(text) = Option::<String>::deserialize(source)? else { return Ok(None) };
    let wrong = || serde::de::Error::custom(format!("{text:?} is no ISO 8601 duration such as PT30S or P1D"));
    // Informal durations such as "1 min" would be understood here, but not by the emulator whose format this is.
    let span: Span = text.starts_with('P').then(|| text.parse().ok()).flatten().ok_or_else(wrong)?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    Duration::try_from(duration).map(Some).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use iris_local_servicebus::broker::{Filter, Rule};

    fn parse(namespace: &str) -> Result<Entities> {
        Entities::parse(&format!(
            r#"{{ "UserConfig": {{ "Namespaces": [{namespace}], "Logging": {{ "Type": "File" }} }} }}"#
        ))
    }

    #[test]
    fn what_is_left_out_is_as_azure_has_it() {
        let entities = parse(
            r#"{ "Queues": [{ "Name": "q" }], "Topics": [{ "Name": "t", "Subscriptions": [{ "Name": "s" }] }] }"#,
        );
        let entities = entities.unwrap();
        assert_eq!(entities.queues, [("q".to_owned(), QueueOptions::default())]);
        let subscription = SubscriptionOptions { rules: vec![Rule::everything()], ..SubscriptionOptions::default() };
        assert_eq!(entities.topics, [("t".to_owned(), vec![("s".to_owned(), subscription)])]);
    }

    #[test]
    fn a_queue_says_all_it_can() {
        let queue = r#"{ "Name": "local", "Queues": [{ "Name": "q", "Properties": {
            "LockDuration": "PT5S", "MaxDeliveryCount": 3, "DefaultMessageTimeToLive": "P1DT1H", "DeadLetteringOnMessageExpiration": true,
            "RequiresDuplicateDetection": true, "DuplicateDetectionHistoryTimeWindow": "PT20S", "ForwardTo": "", "RequiresSession": true,
            "ForwardDeadLetteredMessagesTo": "dead" } }] }"#;
        let expected = QueueOptions {
            lock_duration: Duration::from_secs(5),
            max_delivery_count: 3,
            default_time_to_live: Some(Duration::from_secs(25 * 3600)),
            dead_letter_on_expiration: true,
            duplicate_detection: Some(Duration::from_secs(20)),
            forward_dead_letters_to: Some("dead".to_owned()),
            requires_session: true,
            ..QueueOptions::default()
        };
        assert_eq!(parse(queue).unwrap().queues, [("q".to_owned(), expected)]);
    }

    #[test]
    fn the_shorter_time_to_live_counts() {
        let topic = r#"{ "Topics": [{ "Name": "t", "Properties": { "DefaultMessageTimeToLive": "PT1H" }, "Subscriptions": [
            { "Name": "a" }, { "Name": "b", "Properties": { "DefaultMessageTimeToLive": "PT1M" } } ] }] }"#;
        let topics = parse(topic).unwrap().topics;
        let lives = topics[0].1.iter().map(|(_, options)| options.queue.default_time_to_live.unwrap().as_secs());
        assert_eq!(lives.collect::<Vec<_>>(), [3600, 60]);
        assert_eq!(topics[0].1[0].1.rules[0].filter, Filter::True);
    }

    #[test]
    fn what_cannot_be_is_said_with_its_place() {
        for (namespace, expected) in [
            (r#"{ "Queues": [{ "Name": "q", "Properties": { "LockDuration": "1 min" } }] }"#, "no ISO 8601 duration"),
            (r#"{ "Queues": [{ "Name": "q", "Properties": { "Lockduration": "PT1M" } }] }"#, "unknown field"),
            (r#"{ "Queues": [{ "Name": "q", "Properties": { "LockDuration": "-PT1M" } }] }"#, "no ISO 8601 duration"),
            (
                r#"{ "Topics": [{ "Name": "t", "Properties": { "RequiresDuplicateDetection": true } }] }"#,
                "topic t: not offered",
            ),
            (r#"{ }, { }"#, "exactly one namespace"),
        ] {
            let error = format!("{:#}", parse(namespace).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn they_are_created_and_stay() {
        let broker = Broker::open(None).await.unwrap();
        let document =
            r#"{ "Queues": [{ "Name": "q" }], "Topics": [{ "Name": "t", "Subscriptions": [{ "Name": "s" }] }] }"#;
        for _ in 0..2 {
            parse(document).unwrap().create(&broker).unwrap();
        }
        let names: Vec<String> = broker.entities().into_iter().map(|entity| entity.name).collect();
        assert_eq!(names, ["q", "t", "t/subscriptions/s"]);
        let error = parse(r#"{ "Queues": [{ "Name": "no good" }] }"#).unwrap().create(&broker).unwrap_err();
        assert!(format!("{error:#}").contains("no good"));
    }
}
