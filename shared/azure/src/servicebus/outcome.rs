//! What the broker's answers mean.

use super::Cause;
use fe2o3_amqp::link::SenderAttachError;
use fe2o3_amqp::types::definitions::{self, ErrorCondition};
use fe2o3_amqp::types::messaging::Outcome;
use fe2o3_amqp::types::primitives::Symbol;
use fe2o3_amqp_management::error::Error as TokenError;

/// What is broken: one queue, or everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// This queue cannot be used; the connection can.
    Queue(Cause),
    /// The connection is gone or no longer makes sense.
    Connection(&'static str),
}

/// The condition as it appears on the wire, e.g. `amqp:not-found`. The broker's descriptions are left out: they name
/// hosts and entities at length.
pub(super) fn condition(error: &definitions::Error) -> String {
    let symbol = match &error.condition {
        ErrorCondition::AmqpError(condition) => Symbol::from(condition),
        ErrorCondition::ConnectionError(condition) => Symbol::from(condition),
        ErrorCondition::SessionError(condition) => Symbol::from(condition),
        ErrorCondition::LinkError(condition) => Symbol::from(condition),
        ErrorCondition::Custom(condition) => condition.clone(),
    };
    symbol.as_str().chars().filter(char::is_ascii_graphic).take(100).collect()
}

/// The outcome of a transfer; `Ok` = accepted.
pub(super) fn of_outcome(outcome: &Outcome) -> Result<(), Cause> {
    match outcome {
        Outcome::Accepted(_) => Ok(()),
        Outcome::Rejected(rejected) => Err(of_condition(rejected.error.as_ref().map_or("none".into(), condition))),
        Outcome::Released(_) => Err(Cause::Busy { condition: "released".to_owned() }),
        Outcome::Modified(_) => Err(Cause::Busy { condition: "modified".to_owned() }),
    }
}

/// The answer to the attempt to open a link to a queue.
pub(super) fn of_attach(error: &SenderAttachError) -> Fault {
    match error {
        SenderAttachError::RemoteClosedWithError(error) => Fault::Queue(of_condition(condition(error))),
        _ => Fault::Connection("attaching to a queue failed"),
    }
}

/// The answer to a token.
pub(super) fn of_token(error: &TokenError) -> Fault {
    match error {
        TokenError::Status(status) => Fault::Queue(match status.code.0.get() {
            401 | 403 => Cause::Unauthorized { condition: format!("token refused with {}", status.code.0) },
            404 => Cause::EntityNotFound,
            code => Cause::Unavailable { reason: format!("token refused with {code}") },
        }),
        TokenError::NotAccepted(outcome) => {
            of_outcome(outcome).err().map_or(Fault::Connection("putting a token failed"), Fault::Queue)
        }
        _ => Fault::Connection("putting a token failed"),
    }
}

fn of_condition(condition: String) -> Cause {
    match condition.as_str() {
        "amqp:not-found" => Cause::EntityNotFound,
        "amqp:unauthorized-access" => Cause::Unauthorized { condition },
        // Only these say that the message itself is at fault. Anything else a broker says, now or in a later version
        // (an entity that is disabled, a link that is detached by force, a server that is busy), is about its own
        // state, which passes.
        "none"
        | "amqp:not-allowed"
        | "amqp:invalid-field"
        | "amqp:decode-error"
        | "amqp:not-implemented"
        | "amqp:link:message-size-exceeded"
        | "com.microsoft:argument-error"
        | "com.microsoft:argument-out-of-range"
        | "com.microsoft:message-size-exceeded" => Cause::Rejected { condition },
        _ => Cause::Busy { condition },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fe2o3_amqp::types::definitions::{AmqpError, LinkError};
    use fe2o3_amqp::types::messaging::{Accepted, Rejected, Released};

    fn rejected(condition: impl Into<ErrorCondition>) -> Outcome {
        Outcome::Rejected(Rejected {
            error: Some(definitions::Error::new(condition, Some("Doe^Jane".to_owned()), None)),
        })
    }

    #[test]
    fn only_accepted_is_accepted() {
        assert_eq!(of_outcome(&Outcome::Accepted(Accepted {})), Ok(()));
        assert!(of_outcome(&Outcome::Released(Released {})).unwrap_err().is_transient());
        assert_eq!(
            of_outcome(&Outcome::Rejected(Rejected { error: None })),
            Err(Cause::Rejected { condition: "none".into() })
        );
    }

    #[test]
    fn conditions_tell_busy_from_wrong() {
        let busy = ErrorCondition::Custom(Symbol::from("com.microsoft:server-busy"));
        for (outcome, expected) in [
            (rejected(AmqpError::NotFound), Cause::EntityNotFound),
            (
                rejected(AmqpError::UnauthorizedAccess),
                Cause::Unauthorized { condition: "amqp:unauthorized-access".into() },
            ),
            (rejected(AmqpError::NotAllowed), Cause::Rejected { condition: "amqp:not-allowed".into() }),
            (
                rejected(ErrorCondition::Custom(Symbol::from("com.microsoft:entity-disabled"))),
                Cause::Busy { condition: "com.microsoft:entity-disabled".into() },
            ),
            (rejected(LinkError::DetachForced), Cause::Busy { condition: "amqp:link:detach-forced".into() }),
            (
                rejected(ErrorCondition::Custom(Symbol::from("com.example:never-heard-of"))),
                Cause::Busy { condition: "com.example:never-heard-of".into() },
            ),
            (rejected(busy), Cause::Busy { condition: "com.microsoft:server-busy".into() }),
        ] {
            let cause = of_outcome(&outcome).unwrap_err();
            assert_eq!(cause, expected);
            assert!(!cause.to_string().contains("Doe"));
        }
    }
}
