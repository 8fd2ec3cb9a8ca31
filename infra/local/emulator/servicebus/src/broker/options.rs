//! Options of entities.

use super::Action;
use crate::message::{Encoded, PropertyValue};
use std::time::Duration;

/// Settings of a queue or of a subscription's own queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueOptions {
    /// How long a received message stays locked, unless renewed.
    pub lock_duration: Duration,
    /// A message whose delivery failed this often is dead-lettered.
    pub max_delivery_count: u32,
    /// Time to live of messages that have none or a longer one.
    pub default_time_to_live: Option<Duration>,
    /// Whether an expired message is dead-lettered rather than dropped.
    pub dead_letter_on_expiration: bool,
    /// A message whose id was seen within this window is accepted and dropped.
    pub duplicate_detection: Option<Duration>,
    /// Entity that gets every message instead of this queue.
    pub forward_to: Option<String>,
    /// Entity that gets dead-lettered messages instead of this queue's own dead-letter queue.
    pub forward_dead_letters_to: Option<String>,
    /// Whether messages are received by session only.
    pub requires_session: bool,
    /// Bytes the queue holds before senders have to wait.
    pub max_bytes: u64,
}

impl Default for QueueOptions {
    /// A queue as created by Azure: a lock of one minute, ten deliveries; and 512 MiB, held in memory.
    fn default() -> Self {
        Self {
            lock_duration: Duration::from_secs(60),
            max_delivery_count: 10,
            default_time_to_live: None,
            dead_letter_on_expiration: false,
            duplicate_detection: None,
            forward_to: None,
            forward_dead_letters_to: None,
            requires_session: false,
            max_bytes: 512 << 20,
        }
    }
}

/// Settings of a subscription.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SubscriptionOptions {
    /// The subscription's own queue.
    pub queue: QueueOptions,
    /// Which messages it gets and what is set on them. Without rules it gets none; Azure creates [`Rule::everything`]
    /// by default.
    pub rules: Vec<Rule>,
}

/// A filter with actions.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique in its subscription.
    pub name: String,
    /// Which messages it matches.
    pub filter: Filter,
    /// What is done to the copies it makes.
    pub action: Action,
}

impl Rule {
    /// The rule every subscription starts with in Azure: all messages, unchanged.
    pub fn everything() -> Self {
        Self { name: "$Default".to_owned(), filter: Filter::True, action: Action::default() }
    }
}

/// Which messages a rule matches.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All.
    True,
    /// None.
    False,
    /// Those that match in every given field.
    Correlation(Box<CorrelationFilter>),
}

/// Fields a message must have, compared exactly; fields left out are not compared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CorrelationFilter {
    /// Message id.
    pub message_id: Option<String>,
    /// Correlation id.
    pub correlation_id: Option<String>,
    /// Destination address.
    pub to: Option<String>,
    /// Address of the answer.
    pub reply_to: Option<String>,
    /// Label.
    pub subject: Option<String>,
    /// Session.
    pub session_id: Option<String>,
    /// Session of the answer.
    pub reply_to_session_id: Option<String>,
    /// Media type.
    pub content_type: Option<String>,
    /// Application properties.
    pub properties: Vec<(String, PropertyValue)>,
}

impl Filter {
    pub(crate) fn matches(&self, message: &Encoded) -> bool {
        match self {
            Self::True => true,
            Self::False => false,
            Self::Correlation(filter) => filter.matches(message),
        }
    }
}

impl CorrelationFilter {
    fn matches(&self, message: &Encoded) -> bool {
        // By position in the properties section.
        let texts = [
            (0, &self.message_id),
            (2, &self.to),
            (3, &self.subject),
            (4, &self.reply_to),
            (5, &self.correlation_id),
            (6, &self.content_type),
            (10, &self.session_id),
            (12, &self.reply_to_session_id),
        ];
        texts.iter().all(|(index, wanted)| wanted.is_none() || message.property_text(*index) == **wanted)
            && self
                .properties
                .iter()
                .all(|(name, wanted)| message.application_property(name).is_some_and(|found| found.agrees_with(wanted)))
    }
}
