//! What every kind of destination says about itself.

use crate::connections::Connections;
use crate::{Failure, Parcel, Reports};
use async_trait::async_trait;
use iris_azure::blob::BlobStore;
use iris_azure::servicebus::ServiceBusSender;
use iris_model::Organization;
use iris_model::organization::{DestinationDocument, Problem};

/// A kind of destination, with the settings of one.
#[async_trait]
pub trait Channel: Send + Sync {
    /// What it is called in measurements (docs/OPERATIONS.md).
    fn kind(&self) -> &'static str;

    /// The `DeliveryType` of its receipts (iris-facts §3.16).
    fn delivery_type(&self) -> &'static str;

    /// Where it is, for operators; without credentials, which a document names and never contains.
    fn place(&self) -> String;

    /// The queue of the platform's own that it needs: it is made with the organization, and its dead letters are the
    /// platform's.
    fn own_queue(&self) -> Option<&str> {
        None
    }

    /// Whether the destination's own word about what was handed over comes later, by another way.
    fn awaits_word(&self) -> bool {
        false
    }

    /// What is wrong with its settings.
    fn check(&self, destination: &DestinationDocument, organization: &Organization) -> Vec<Problem>;

    /// Hands a result over. Made twice, it leaves what it left the first time. Returns what the receipt calls the place
    /// where it is now (`Endpoint`, iris-facts §4.2).
    ///
    /// # Errors
    /// [`Failure`] says who is to blame, and so what follows.
    async fn send(&self, parcel: &Parcel<'_>, outside: &Outside) -> Result<String, Failure>;
}

/// What channels send by.
pub struct Outside {
    /// The platform's storage account.
    pub blobs: BlobStore,
    /// The platform's namespace.
    pub sender: ServiceBusSender,
    pub(crate) connections: Connections,
    /// Draws reports, smaller ones too.
    pub(crate) reports: Reports,
}

impl Outside {
    /// The platform's own; connections to others are made when they are first needed.
    #[must_use]
    pub fn new(blobs: BlobStore, sender: ServiceBusSender, reports: Reports) -> Self {
        Self { blobs, sender, connections: Connections::default(), reports }
    }
}
