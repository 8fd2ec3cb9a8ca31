//! Files in blob storage: in the organization's results container, or in a container of its own account.

use crate::{Channel, Failure, Outside, Parcel, check, file};
use async_trait::async_trait;
use iris_azure::blob::is_container_name;
use iris_model::Organization;
use iris_model::issue::quoted;
use iris_model::organization::{ContainerTarget, DestinationDocument, Problem};

#[async_trait]
impl Channel for ContainerTarget {
    fn kind(&self) -> &'static str {
        "container"
    }

    fn delivery_type(&self) -> &'static str {
        "azureblob"
    }

    fn place(&self) -> String {
        match (&self.container, &self.connection) {
            (Some(container), Some(setting)) => format!("container {container} by {setting}"),
            _ => "results container".to_owned(),
        }
    }

    fn check(&self, _: &DestinationDocument, organization: &Organization) -> Vec<Problem> {
        let connection = check::connection("to.container.connection", self.connection.as_deref(), organization);
        let container = match (&self.connection, &self.container) {
            (Some(_), None) => Some("is missing: name the container in the account of the connection".to_owned()),
            (None, Some(_)) => {
                Some("goes with a connection; without one, files are written to the results container".to_owned())
            }
            (Some(_), Some(name)) if !is_container_name(name) => {
                Some(format!("{} is not the name of a container", quoted(name)))
            }
            _ => None,
        };
        let container = container.map(|problem| Problem { place: "to.container.container", problem });
        connection.into_iter().chain(container).collect()
    }

    async fn send(&self, parcel: &Parcel<'_>, outside: &Outside) -> Result<String, Failure> {
        let name = parcel.file_name(&self.name)?;
        let (store, container) = match (&self.connection, &self.container) {
            (Some(setting), Some(container)) => {
                (outside.connections.store(parcel.organization, setting)?, container.clone())
            }
            _ => (outside.blobs.clone(), parcel.organization.results_container()),
        };
        let written = file::write(parcel, &store, &container, &name).await?;
        Ok(format!("{container}/{written}"))
    }
}
