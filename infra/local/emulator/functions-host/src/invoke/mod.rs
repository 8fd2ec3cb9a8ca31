//! Calling the handler: `POST /{function}` on 127.0.0.1 and what its answer means (functions-host-contract §1.1, §2).

mod client;
mod response;

pub(crate) use client::{Answer, Client, Invocation, new_client, ping};
pub(crate) use response::{Reply, interpret};

use std::time::Duration;

/// Why an invocation failed. Texts hold no content of messages or answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The connection was refused or broke before the answer was complete, as when the handler dies.
    #[error("the handler's connection failed: {0}")]
    Transport(String),
    /// A status outside 200 to 299. All of them mean the same: failed.
    #[error("the handler answered {0}")]
    Status(u16),
    /// A redirect, which the real host follows.
    #[error("the handler answered {0}; Azure follows redirects, which is never meant here")]
    Redirect(u16),
    /// Content that is not declared as JSON.
    #[error("the answer's Content-Type must be application/json")]
    ContentType,
    /// Content that is not the JSON of an answer.
    #[error("the answer is not valid: {0}")]
    Json(String),
    /// Empty, or the literal `null`.
    #[error(
        "the answer is empty; Azure would wait until functionTimeout and then kill the handler; answer {{}} at least"
    )]
    Empty,
    /// More content than the host is willing to hold.
    #[error("the answer is larger than {} MiB", MAX_ANSWER_BYTES >> 20)]
    TooLarge,
    /// An output that Azure would change on the way, or that was not accepted.
    #[error("output {binding}: {reason}")]
    Output {
        /// The binding.
        binding: String,
        /// What is wrong and what to write instead.
        reason: String,
    },
    /// No answer within `functionTimeout`; the handler was killed.
    #[error("no answer within functionTimeout ({} s); the handler was restarted", .0.as_secs())]
    Timeout(Duration),
    /// The request could not be made.
    #[error(transparent)]
    Encode(#[from] crate::encode::Error),
    /// The handler is not running and will not be restarted.
    #[error("{0}")]
    NoHandler(String),
    /// An injected fault: the answer was thrown away.
    #[error("the answer was dropped on purpose")]
    Dropped,
}

/// The largest answer that is read.
pub(crate) const MAX_ANSWER_BYTES: usize = 128 << 20;
