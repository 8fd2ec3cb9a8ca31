//! Connections to other parties' services: made when first needed, from the settings that organizations' documents
//! name.

use crate::{Failure, Obstacle, Refusal};
use iris_azure::blob::BlobStore;
use iris_azure::servicebus::{SenderOptions, ServiceBusSender};
use iris_model::Organization;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// For another party's namespace: give up early, because a failed delivery is tried again later anyway.
const SENDING: SenderOptions = SenderOptions {
    deadline: Duration::from_secs(10),
    attempts: 2,
    patience: Duration::from_secs(20),
    calls: 64,
    in_flight: 16,
    batch_bytes: 1024 * 1024,
};

/// The connections made so far.
#[derive(Default)]
pub(crate) struct Connections {
    senders: Mutex<HashMap<String, ServiceBusSender>>,
    stores: Mutex<HashMap<String, BlobStore>>,
}

impl Connections {
    /// The Service Bus namespace whose connection string is in a setting.
    pub(crate) fn sender(&self, organization: &Organization, setting: &str) -> Result<ServiceBusSender, Failure> {
        own(organization, setting)?;
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = senders.get(setting) {
            return Ok(sender.clone());
        }
        let sender = ServiceBusSender::with_connection_string(&value(setting)?, SENDING)
            .map_err(|source| Refusal::Namespace { setting: setting.to_owned(), source })?;
        senders.insert(setting.to_owned(), sender.clone());
        Ok(sender)
    }

    /// The storage account whose connection string or signed address is in a setting.
    pub(crate) fn store(&self, organization: &Organization, setting: &str) -> Result<BlobStore, Failure> {
        own(organization, setting)?;
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = stores.get(setting) {
            return Ok(store.clone());
        }
        let store = BlobStore::from_connection_string(&value(setting)?)
            .map_err(|source| Refusal::Account { setting: setting.to_owned(), source })?;
        stores.insert(setting.to_owned(), store.clone());
        Ok(store)
    }
}

/// Checked again here, so that even a document that was never checked cannot use somebody else's credential.
fn own(organization: &Organization, setting: &str) -> Result<(), Obstacle> {
    if organization.owns_connection(setting) {
        return Ok(());
    }
    Err(Obstacle::NotOwn { setting: setting.to_owned() })
}

fn value(setting: &str) -> Result<String, Refusal> {
    let value = std::env::var(setting).ok().filter(|value| !value.trim().is_empty());
    value.ok_or_else(|| Refusal::NoSetting { setting: setting.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credential_of_somebody_else_is_never_used() {
        let document = br#"{ "slug": "abc", "name": "A", "clientGuid": "5a3d1e70-0000-4000-8000-000000000001" }"#;
        let organization = Organization::parse(document).unwrap();
        let connections = Connections::default();
        for setting in ["DESTINATION_ABD__X", "ServiceBus", "DESTINATION_ABC__", "PATH"] {
            let refused = connections.store(&organization, setting).err();
            assert!(matches!(refused, Some(Failure::Impossible(Obstacle::NotOwn { .. }))), "{setting}: {refused:?}");
        }
        let missing = connections.store(&organization, "DESTINATION_ABC__NOT_SET").err();
        assert!(matches!(missing, Some(Failure::Destination(Refusal::NoSetting { .. }))), "{missing:?}");
    }
}
