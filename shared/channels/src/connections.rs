//! Connections to what is not ours: made when first needed, by the settings that organizations' documents name.

use crate::Refusal;
use iris_azure::blob::BlobStore;
use iris_azure::servicebus::{SenderOptions, ServiceBusSender};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// For a namespace of somebody else: a delivery that does not go through soon is tried again later anyway.
const SENDING: SenderOptions = SenderOptions {
    deadline: Duration::from_secs(10),
    attempts: 2,
    patience: Duration::from_secs(20),
    calls: 64,
    in_flight: 16,
    batch_bytes: 1024 * 1024,
};

/// What was connected so far.
#[derive(Default)]
pub(crate) struct Connections {
    senders: Mutex<HashMap<String, ServiceBusSender>>,
    stores: Mutex<HashMap<String, BlobStore>>,
}

impl Connections {
    /// The namespace whose connection string a setting holds.
    pub(crate) fn sender(&self, setting: &str) -> Result<ServiceBusSender, Refusal> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = senders.get(setting) {
            return Ok(sender.clone());
        }
        let sender = ServiceBusSender::with_connection_string(&value(setting)?, SENDING)
            .map_err(|source| Refusal::Namespace { setting: setting.to_owned(), source })?;
        senders.insert(setting.to_owned(), sender.clone());
        Ok(sender)
    }

    /// The storage account whose connection string or signed address a setting holds.
    pub(crate) fn store(&self, setting: &str) -> Result<BlobStore, Refusal> {
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

fn value(setting: &str) -> Result<String, Refusal> {
    let value = std::env::var(setting).ok().filter(|value| !value.trim().is_empty());
    value.ok_or_else(|| Refusal::NoSetting { setting: setting.to_owned() })
}
