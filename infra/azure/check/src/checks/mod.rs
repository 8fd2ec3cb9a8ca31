//! The checks.

mod alerts;
mod functions;
mod resources;
mod roles;
mod settings;
mod wiring;

pub(crate) use alerts::check as alerts;
pub(crate) use functions::check as functions;
pub(crate) use resources::{check as resources, locked_out};
pub(crate) use roles::{check as roles, sample_issuers};
pub(crate) use settings::{check as settings, sample_collector, sample_secret};
pub(crate) use wiring::check as wiring;

use crate::Checked;
use crate::bicep::Resource;

const QUEUE: &str = "Microsoft.ServiceBus/namespaces/queues";
const TOPIC: &str = "Microsoft.ServiceBus/namespaces/topics";
const SUBSCRIPTION: &str = "Microsoft.ServiceBus/namespaces/topics/subscriptions";
const CONTAINER: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";

impl Checked<'_> {
    /// The resources of a type that the deployment creates.
    fn made<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.deployment.resources.iter().filter(move |resource| resource.kind == kind && !resource.existing)
    }
}

/// The only resource of its type, or none.
fn only<'a>(mut found: impl Iterator<Item = &'a Resource>) -> Option<&'a Resource> {
    found.next().filter(|_| found.next().is_none())
}
