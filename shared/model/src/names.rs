//! Every name that both sides of a queue, a container or a message have to agree on.
//!
//! An organization's own queues and containers are called after its [`Slug`]; the platform's own can be renamed by
//! settings, whose defaults are here. Application properties of ours begin with `Iris`; an entry removes them from what
//! callers send, and sets [`property::ORGANIZATION`] itself.

use crate::Slug;

/// The name of the binding through which every message-triggered function gets its message.
pub const MESSAGE_BINDING: &str = "message";

/// The platform's own queues, as they are called unless a setting renames them.
pub mod queue {
    /// Orders, changes, cancellations and image messages, stamped. Not called `orders`, because that is what clients of
    /// callers call the queue they send to, and a message sent here that bypasses an entry has no organization.
    pub const ORDERS: &str = "incoming-orders";
    /// Events about dropped files.
    pub const DROPS: &str = "drops";
    /// Events about uploaded images.
    pub const IMAGES: &str = "images";
    /// Gradings, stamped.
    pub const GRADINGS: &str = "gradings";
    /// HL7 orders, and the answers of hospitals to what was sent to them; stamped.
    pub const HL7: &str = "hl7";
    /// Results on their way to one destination.
    pub const DELIVERIES: &str = "deliveries";
}

/// The platform's own containers, as they are called unless a setting renames them.
pub mod container {
    /// One document per organization, `{slug}.json`.
    pub const ORGANIZATIONS: &str = "organizations";
    /// Copies of what was dropped and uploaded.
    pub const ARCHIVE: &str = "archive";
}

/// Application properties of messages.
pub mod property {
    /// The organization whose entry a message came through: its slug. Set by the infrastructure, never by a caller.
    pub const ORGANIZATION: &str = "IrisOrganization";
    /// When a submission that waits for its order was first seen, in milliseconds since 1970.
    pub const FIRST_SEEN: &str = "IrisFirstSeen";
    /// How often a message has waited.
    pub const WAITS: &str = "IrisWaits";
    /// Since when a message has been waiting for something of ours that is down, in milliseconds since 1970.
    pub const WAITING_SINCE: &str = "IrisWaitingSince";
    /// Why a message was given up; it is on its way to the dead-letter queue.
    pub const GIVEN_UP: &str = "IrisGivenUp";
    /// The MessageId a message came with, if it has a different one now.
    pub const MESSAGE_ID: &str = "IrisMessageId";
    /// The interface that an HL7 message belongs to, by its id within the organization.
    pub const INTERFACE: &str = "IrisInterface";
    /// The result that an HL7 message for a hospital carries, by its transaction id.
    pub const TRANSACTION: &str = "IrisTransaction";
    /// The destination of that message, by its id.
    pub const DESTINATION: &str = "IrisDestination";
    /// `ORU`, `MDM` or `DFT`.
    pub const MESSAGE: &str = "IrisMessage";
    /// The submission that an operator sent again.
    pub const RESUBMISSION_OF: &str = "IrisResubmissionOf";
    /// Properties that only the platform sets while a message is under way. The entry removes those that callers send.
    pub const OWN: [&str; 4] = [FIRST_SEEN, WAITS, WAITING_SINCE, GIVEN_UP];
}

/// Whether Service Bus takes this as a queue's name: letters, digits, `.`, `-`, `_` and `/`, starting and ending with a
/// letter or digit.
#[must_use]
pub fn is_queue_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/".contains(&byte);
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    name.len() <= 260 && name.bytes().all(allowed) && edge(name.bytes().next()) && edge(name.bytes().last())
}

/// What an organization's own queues and containers are called.
impl Slug {
    /// The entry for orders.
    #[must_use]
    pub fn orders_entry(&self) -> String {
        format!("orders-{self}")
    }

    /// The entry for gradings.
    #[must_use]
    pub fn gradings_entry(&self) -> String {
        format!("gradings-{self}")
    }

    /// The entry for HL7 orders, and for answers to what was sent.
    #[must_use]
    pub fn hl7_entry(&self) -> String {
        format!("hl7-{self}")
    }

    /// The queue of HL7 messages for its hospitals.
    #[must_use]
    pub fn hl7_out_queue(&self) -> String {
        format!("hl7out-{self}")
    }

    /// What the rule of its entries does with every message, in the language of Service Bus rules: it removes every
    /// property that only the platform may set, and adds the stamp.
    #[must_use]
    pub fn entry_action(&self) -> String {
        let removed: String = property::OWN.iter().map(|name| format!("REMOVE {name}; ")).collect();
        format!("{removed}SET {} = '{self}'", property::ORGANIZATION)
    }

    /// The name of the entry for orders in the ledger of submissions: a MessageId is unique within its entry.
    #[must_use]
    pub fn orders_ledger(&self) -> String {
        self.to_string()
    }

    /// The name of the entry for gradings in the ledger of submissions.
    #[must_use]
    pub fn gradings_ledger(&self) -> String {
        format!("gradings/{self}")
    }

    /// The name of the entry for HL7 in the ledger of submissions.
    #[must_use]
    pub fn hl7_ledger(&self) -> String {
        format!("hl7/{self}")
    }

    /// The queue of events, unless its document names another.
    #[must_use]
    pub fn events_queue(&self) -> String {
        format!("events-{self}")
    }

    /// The queue of results.
    #[must_use]
    pub fn results_queue(&self) -> String {
        format!("results-{self}")
    }

    /// The container files are dropped into.
    #[must_use]
    pub fn drops_container(&self) -> String {
        format!("{self}-drops")
    }

    /// The container images arrive in.
    #[must_use]
    pub fn images_container(&self) -> String {
        format!("{self}-images")
    }

    /// The container for receipts and results.
    #[must_use]
    pub fn results_container(&self) -> String {
        format!("{self}-results")
    }

    /// The name of its document in the container of organizations.
    #[must_use]
    pub fn document_name(&self) -> String {
        format!("{self}.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_lets_nothing_in_that_is_the_platforms_to_set() {
        let action = Slug::new("acme").unwrap().entry_action();
        let wanted = "REMOVE IrisFirstSeen; REMOVE IrisWaits; REMOVE IrisWaitingSince; REMOVE IrisGivenUp; SET IrisOrganization = 'acme'";
        assert_eq!(action, wanted);
    }
}
