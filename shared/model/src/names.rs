//! Every name that both sides of a queue, a container or a message have to agree on.
//!
//! An organization's own queues and containers are called after its [`Slug`]; the platform's own can be renamed by settings, whose defaults
//! are here. Application properties of ours begin with `Iris`; an entry removes them from what callers send, and sets
//! [`property::ORGANIZATION`] itself.

use crate::Slug;

/// The name of the binding by which every function that a message starts gets it.
pub const MESSAGE_BINDING: &str = "message";

/// The platform's own queues, as they are called unless a setting renames them.
pub mod queue {
    /// Orders, changes, cancellations and image messages, stamped. Not called `orders`: that is what callers' clients call the queue they send
    /// to, and what is sent here past an entry has no organization.
    pub const ORDERS: &str = "incoming-orders";
    /// Events about dropped files.
    pub const DROPS: &str = "drops";
    /// Events about uploaded images.
    pub const IMAGES: &str = "images";
    /// Gradings, stamped.
    pub const GRADINGS: &str = "gradings";
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
    /// The MessageId a message came with, where it has another one now.
    pub const MESSAGE_ID: &str = "IrisMessageId";
    /// The submission that an operator sent again.
    pub const RESUBMISSION_OF: &str = "IrisResubmissionOf";
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
