//! Containers.

use rusqlite::params;

use super::record::{self, Container, ContainerDocument, StoredPolicy};
use super::writer::Transaction;
use super::{Conditions, Error, Pairs, Store, conditions, lease};
use crate::names::ContainerName;

impl Store {
    /// Creates a container.
    ///
    /// # Errors
    /// [`Error::ContainerAlreadyExists`].
    pub async fn create_container(&self, name: &ContainerName, metadata: Pairs) -> Result<Container, Error> {
        let name = name.clone();
        self.write(move |tx| match record::container(tx.connection, &name) {
            Ok(_) => Err(Error::ContainerAlreadyExists),
            Err(Error::ContainerNotFound) => {
                let etag = tx.tick();
                let document = ContainerDocument { metadata, ..ContainerDocument::default() };
                tx.connection
                    .prepare_cached("INSERT INTO containers (name, etag, modified, document) VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![
                        name.as_str(),
                        etag.0.cast_signed(),
                        tx.now.as_millisecond(),
                        serde_json::to_string(&document)?
                    ])?;
                record::container(tx.connection, &name)
            }
            Err(error) => Err(error),
        })
        .await
    }

    /// Creates a container unless it exists.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ensure_container(&self, name: &ContainerName) -> Result<Container, Error> {
        match self.create_container(name, Pairs::default()).await {
            Err(Error::ContainerAlreadyExists) => self.container(name, &Conditions::default()).await,
            other => other,
        }
    }

    /// A container's properties, metadata and policies. Of the conditions only the lease is checked.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`]; [`Error::Lease`].
    pub async fn container(&self, name: &ContainerName, conditions: &Conditions) -> Result<Container, Error> {
        let (name, lease) = (name.clone(), conditions.lease.clone());
        self.query(move |connection| {
            let container = record::container(connection, &name)?;
            container.document.lease.permit_read(lease.as_deref(), jiff::Timestamp::now())?;
            Ok(container)
        })
        .await
    }

    /// Deletes a container and everything in it.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::ConditionNotMet`], [`Error::Lease`].
    pub async fn delete_container(&self, name: &ContainerName, conditions: &Conditions) -> Result<(), Error> {
        let (name, conditions) = (name.clone(), conditions.clone());
        self.write(move |tx| {
            let container = record::container(tx.connection, &name)?;
            conditions::check_write(&conditions, container.version(), tx.now)?;
            let used = "SELECT chunk, COUNT(*) FROM (
                    SELECT chunk FROM parts WHERE blob IN (SELECT id FROM blobs WHERE container = ?1)
                    UNION ALL SELECT chunk FROM staged WHERE blob IN (SELECT id FROM blobs WHERE container = ?1)) GROUP BY chunk";
            let used = tx
                .connection
                .prepare(used)?
                .query_map([container.id], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<Vec<(i64, i64)>, _>>()?;
            for (chunk, users) in used {
                tx.release(chunk, users)?;
            }
            for table in ["parts", "staged"] {
                let delete = format!("DELETE FROM {table} WHERE blob IN (SELECT id FROM blobs WHERE container = ?1)");
                tx.connection.execute(&delete, [container.id])?;
            }
            tx.connection.execute("DELETE FROM blobs WHERE container = ?1", [container.id])?;
            tx.connection.execute("DELETE FROM containers WHERE id = ?1", [container.id])?;
            Ok(())
        })
        .await
    }

    /// Replaces a container's metadata.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::ConditionNotMet`], [`Error::Lease`].
    pub async fn set_container_metadata(
        &self,
        name: &ContainerName,
        metadata: Pairs,
        conditions: &Conditions,
    ) -> Result<Container, Error> {
        self.change_container(name, conditions, move |container| container.document.metadata = metadata).await
    }

    /// Replaces a container's stored access policies.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::ConditionNotMet`], [`Error::Lease`].
    pub async fn set_container_policies(
        &self,
        name: &ContainerName,
        policies: Vec<StoredPolicy>,
        conditions: &Conditions,
    ) -> Result<Container, Error> {
        self.change_container(name, conditions, move |container| container.document.policies = policies).await
    }

    async fn change_container<F>(
        &self,
        name: &ContainerName,
        conditions: &Conditions,
        change: F,
    ) -> Result<Container, Error>
    where
        F: FnOnce(&mut Container) + Send + 'static,
    {
        let (name, conditions) = (name.clone(), conditions.clone());
        self.write(move |tx| {
            let mut container = record::container(tx.connection, &name)?;
            conditions::check_versions(&conditions, container.version())?;
            container.document.lease.permit_read(conditions.lease.as_deref(), tx.now)?;
            change(&mut container);
            container.etag = tx.tick();
            container.modified = tx.now;
            save(tx, &container)?;
            Ok(container)
        })
        .await
    }

    /// Takes, renews, changes, ends or breaks a container's lease. Its version does not change.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::ConditionNotMet`], [`Error::Lease`].
    pub async fn lease_container(
        &self,
        name: &ContainerName,
        action: lease::Action,
        conditions: &Conditions,
    ) -> Result<(Container, lease::Outcome), Error> {
        let (name, conditions) = (name.clone(), conditions.clone());
        self.write(move |tx| {
            let mut container = record::container(tx.connection, &name)?;
            conditions::check_versions(&conditions, container.version())?;
            let (lease, outcome) = container.document.lease.apply(action, tx.now)?;
            container.document.lease = lease;
            save(tx, &container)?;
            Ok((container, outcome))
        })
        .await
    }
}

fn save(tx: &Transaction<'_>, container: &Container) -> Result<(), Error> {
    tx.connection
        .prepare_cached("UPDATE containers SET etag = ?2, modified = ?3, document = ?4 WHERE id = ?1")?
        .execute(params![
            container.id,
            container.etag.0.cast_signed(),
            container.modified.as_millisecond(),
            serde_json::to_string(&container.document)?
        ])?;
    Ok(())
}
