//! What the namespace does not offer: one table, used both to refuse clients and to generate the documentation's list.

use std::fmt;

/// A feature of the service that is not offered here. A request for it is refused by name; as text it is that refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOffered {
    /// Several operations as one.
    Transactions,
    /// Filters that compute.
    SqlFilters,
    /// Actions that compute.
    OtherActions,
    /// Duplicate detection before messages are distributed.
    TopicDuplicates,
    /// Deleting many messages unseen.
    BatchDelete,
    /// Creating, changing and listing entities over HTTP.
    Administration,
    /// Receiving over HTTP.
    HttpReceive,
    /// AMQP inside of HTTP.
    WebSockets,
    /// Tokens of the directory.
    EntraTokens,
}

impl NotOffered {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Transactions,
        Self::SqlFilters,
        Self::OtherActions,
        Self::TopicDuplicates,
        Self::BatchDelete,
        Self::Administration,
        Self::HttpReceive,
        Self::WebSockets,
        Self::EntraTokens,
    ];

    /// What it is, as written in refusals and in the documentation.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::SqlFilters => "SQL filters but `1=1` and `1=0` (use correlation filters)",
            Self::OtherActions => "actions of rules but `SET name = value` with 'text', numbers, TRUE, FALSE and NULL",
            Self::TopicDuplicates => "duplicate detection of topics (forward to a queue that has it)",
            Self::BatchDelete => "deleting messages in batches",
            Self::Administration => "administration of entities by SDK (they are in the file of `--entities`)",
            Self::HttpReceive => "receiving over HTTP (use AMQP)",
            Self::WebSockets => "AMQP over WebSockets",
            Self::EntraTokens => "Entra ID tokens (use a key)",
        }
    }

    /// How a client asks for it.
    #[must_use]
    pub const fn asked_for_by(self) -> &'static str {
        match self {
            Self::Transactions => "a link to a transaction coordinator",
            Self::SqlFilters | Self::OtherActions => "`com.microsoft:add-rule`, the file of `--entities`",
            Self::TopicDuplicates => "the file of `--entities`",
            Self::BatchDelete => "`com.microsoft:batch-delete-messages`",
            Self::Administration => "HTTP to `/{entity}`",
            Self::HttpReceive => "`DELETE` or `POST` to `/{entity}/messages/head`",
            Self::WebSockets => "`/$servicebus/websocket`",
            Self::EntraTokens => "a token of type `jwt`",
        }
    }
}

impl fmt::Display for NotOffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not offered by the local endpoint: {}", self.what())
    }
}
