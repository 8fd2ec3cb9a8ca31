//! Names of queues and containers, checked by the rules of the services.

use super::read::{Error, Lookup, invalid, optional};
use iris_model::names;

/// Queues that trigger our functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueNames {
    /// Orders as messages.
    pub orders: String,
    /// Events about dropped files.
    pub drops: String,
    /// Events about uploaded images.
    pub images: String,
    /// Gradings as messages.
    pub gradings: String,
    /// HL7 orders, and answers of hospitals.
    pub hl7: String,
    /// Results on their way to one destination.
    pub deliveries: String,
}

/// Our own containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerNames {
    /// One JSON document per organization.
    pub organizations: String,
    /// Copies of drops.
    pub archive: String,
}

impl QueueNames {
    pub(super) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, Error> {
        Ok(Self {
            orders: queue(lookup, "ORDERS_QUEUE", names::queue::ORDERS)?,
            drops: queue(lookup, "DROPS_QUEUE", names::queue::DROPS)?,
            images: queue(lookup, "IMAGES_QUEUE", names::queue::IMAGES)?,
            gradings: queue(lookup, "GRADINGS_QUEUE", names::queue::GRADINGS)?,
            hl7: queue(lookup, "HL7_QUEUE", names::queue::HL7)?,
            deliveries: queue(lookup, "DELIVERIES_QUEUE", names::queue::DELIVERIES)?,
        })
    }
}

impl ContainerNames {
    pub(super) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, Error> {
        Ok(Self {
            organizations: container(lookup, "ORGANIZATIONS_CONTAINER", names::container::ORGANIZATIONS)?,
            archive: container(lookup, "ARCHIVE_CONTAINER", names::container::ARCHIVE)?,
        })
    }
}

fn queue(lookup: Lookup<'_>, variable: &'static str, default: &str) -> Result<String, Error> {
    let name = optional(lookup, variable).unwrap_or_else(|| default.to_owned());
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let edges = |c: char| c.is_ascii_alphanumeric();
    if name.len() <= 260 && name.chars().all(allowed) && name.starts_with(edges) && name.ends_with(edges) {
        Ok(name)
    } else {
        Err(invalid(variable, "a queue name has up to 260 letters, digits, periods, hyphens, underscores and slashes"))
    }
}

fn container(lookup: Lookup<'_>, variable: &'static str, default: &str) -> Result<String, Error> {
    let name = optional(lookup, variable).unwrap_or_else(|| default.to_owned());
    if crate::blob::is_container_name(&name) {
        Ok(name)
    } else {
        Err(invalid(variable, "a container name has 3 to 63 lower-case letters, digits and single hyphens"))
    }
}
