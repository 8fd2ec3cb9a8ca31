//! The common interface of all kinds of destinations.

use crate::connections::Connections;
use crate::{Failure, Parcel, Reports};
use async_trait::async_trait;
use iris_azure::blob::BlobStore;
use iris_azure::servicebus::ServiceBusSender;
use iris_model::Organization;
use iris_model::organization::{DestinationDocument, Problem};

/// A kind of destination, with the settings of one destination.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Its name in measurements (docs/OPERATIONS.md).
    fn kind(&self) -> &'static str;

    /// The `DeliveryType` of its receipts (iris-facts §3.16).
    fn delivery_type(&self) -> &'static str;

    /// Where it is, for operators; without credentials, since a document only names those and never contains them.
    fn place(&self) -> String;

    /// The platform queue it needs, if any: the queue is created with the organization, and the platform handles its
    /// dead letters.
    fn own_queue(&self) -> Option<&str> {
        None
    }

    /// Whether the destination confirms a handed-over result later, by another route.
    fn awaits_word(&self) -> bool {
        false
    }

    /// Problems with its settings.
    fn check(&self, destination: &DestinationDocument, organization: &Organization) -> Vec<Problem>;

    /// Hands a result over. Idempotent: a second call leaves the same result in place. Returns the name that the
    /// receipt gives to the place (`Endpoint`, iris-facts §4.2).
    ///
    /// # Errors
    /// [`Failure`] says who is to blame, and so what happens next.
    async fn send(&self, parcel: &Parcel<'_>, outside: &Outside) -> Result<String, Failure>;
}

/// The connections that channels send through.
pub struct Outside {
    /// The platform's storage account.
    pub blobs: BlobStore,
    /// The platform's namespace.
    pub sender: ServiceBusSender,
    pub(crate) connections: Connections,
    /// Draws reports, including smaller ones that fit into messages.
    pub(crate) reports: Reports,
}

impl Outside {
    /// With the platform's own connections; those to other parties are made when first needed.
    #[must_use]
    pub fn new(blobs: BlobStore, sender: ServiceBusSender, reports: Reports) -> Self {
        Self { blobs, sender, connections: Connections::default(), reports }
    }
}
