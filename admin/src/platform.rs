//! The connected platform: its settings, its database, and who is acting and why.

use crate::cli::Common;
use anyhow::{Context, Result, bail};
use iris_azure::blob::{BlobAddress, BlobStore, Downloaded, Error as BlobError};
use iris_azure::settings::Settings;
use iris_model::{ClientGuid, Organization, Slug};
use iris_store::Administration;
use iris_store::Store;
use iris_store::audit::AuditEntry;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The file in a local host's data folder with its handler's settings.
const LOCAL_SETTINGS: &str = "handler-settings.json";
/// The largest document read, in bytes.
const DOCUMENT_LIMIT: u64 = 4 << 20;
/// The longest reason kept, in characters.
const REASON_LIMIT: usize = 500;

/// The platform, and the operator.
pub(crate) struct Platform {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: BlobStore,
    variables: Variables,
    /// `None` if nobody is named.
    actor: Option<String>,
    reason: Option<String>,
    shows: bool,
}

/// Settings by name.
struct Variables {
    given: BTreeMap<String, String>,
    /// False for a local host: only its own settings apply, so that those of another platform cannot mix in.
    environment: bool,
}

impl Variables {
    fn read(common: &Common) -> Result<Self> {
        let mut given = match &common.local {
            Some(folder) => local(folder)?,
            None => BTreeMap::new(),
        };
        given.extend(common.settings.iter().cloned());
        Ok(Self { given, environment: common.local.is_none() })
    }

    fn get(&self, name: &str) -> Option<String> {
        let environment = || std::env::var(name).ok().filter(|_| self.environment);
        self.given.get(name).cloned().or_else(environment)
    }
}

fn local(folder: &Path) -> Result<BTreeMap<String, String>> {
    let file = folder.join(LOCAL_SETTINGS);
    let text = std::fs::read(&file)
        .with_context(|| format!("cannot read {}: is a local host running with this data folder?", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is damaged; restart the local host", file.display()))
}

impl Platform {
    /// Connects to the database; everything else is connected to when it is needed.
    pub(crate) async fn open(common: &Common) -> Result<Self> {
        let variables = Variables::read(common)?;
        let reason = reason(common.reason.as_deref())?;
        if common.show_personal_data && reason.is_none() {
            bail!("--show-personal-data needs a --reason: say why you look; it is kept in the audit");
        }
        let settings = Settings::from_lookup(&|name| variables.get(name)).context(
            "the platform's settings are those of its handler, from the environment or --set; --local DIR takes a \
             local host's",
        )?;
        let lookup = |name: &str| variables.get(name);
        let blobs = BlobStore::new(&settings.storage, &lookup).context("Storage")?;
        let store = iris_azure::database::visit(&settings.database, &lookup).await.context("Database")?;
        let actor =
            common.actor.clone().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).or_else(login);
        Ok(Self { settings, store, blobs, variables, actor, reason, shows: common.show_personal_data })
    }

    pub(crate) fn lookup(&self) -> impl Fn(&str) -> Option<String> + '_ {
        |name| self.variables.get(name)
    }

    pub(crate) fn administration(&self) -> &dyn Administration {
        self.store.administration()
    }

    /// True if personal data was asked for.
    pub(crate) fn shows(&self) -> bool {
        self.shows
    }

    /// Personal data, shown or hidden.
    pub(crate) fn personal(&self, text: Option<&str>) -> Value {
        match text {
            None => Value::Null,
            Some(text) if self.shows => text.into(),
            Some(_) => "(hidden)".into(),
        }
    }

    /// Enters into the audit that personal data is about to be shown, if that was asked for.
    pub(crate) async fn viewing(
        &self,
        action: &str,
        subject: impl Into<String>,
        organization: Option<ClientGuid>,
    ) -> Result<()> {
        if self.shows {
            let entry = self.entry(action, subject, organization, serde_json::json!({}))?;
            self.administration().audit(&entry).await.context("the audit")?;
        }
        Ok(())
    }

    /// The audit entry for an action about to be taken.
    pub(crate) fn entry(
        &self,
        action: &str,
        subject: impl Into<String>,
        organization: Option<ClientGuid>,
        details: Value,
    ) -> Result<AuditEntry> {
        let reason =
            self.reason.clone().context("this needs a --reason: say why you do it; it is kept in the audit")?;
        let actor = self
            .actor
            .clone()
            .context("say who you are with --actor: this machine does not, and it is kept in the audit")?;
        let (action, subject) = (action.to_owned(), subject.into());
        Ok(AuditEntry { at: Timestamp::now(), organization, actor, action, subject, reason, details })
    }

    /// The address of an organization's document.
    pub(crate) fn document_address(&self, slug: &Slug) -> Result<BlobAddress> {
        Ok(BlobAddress::new(&self.settings.containers.organizations, &slug.document_name())?)
    }

    /// An organization's document as stored; `None` if there is none.
    pub(crate) async fn document(&self, slug: &Slug) -> Result<Option<Downloaded>> {
        match self.blobs.get(&self.document_address(slug)?, None, DOCUMENT_LIMIT).await {
            Ok(document) => Ok(Some(document)),
            Err(BlobError::NotFound) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("the document of {slug} cannot be read")),
        }
    }

    /// The organization of this name.
    pub(crate) async fn organization(&self, slug: &Slug) -> Result<Organization> {
        let document = self
            .document(slug)
            .await?
            .with_context(|| format!("there is no organization {slug}; see organizations list"))?;
        iris_channels::organization(&document.content).with_context(|| format!("the document of {slug} is not usable"))
    }

    /// Every organization, or what is wrong with its document.
    pub(crate) async fn organizations(&self) -> Result<Vec<(Slug, Result<Organization>)>> {
        let known = iris_azure::organizations::Organizations::new(
            self.blobs.clone(),
            self.settings.containers.organizations.clone(),
            iris_channels::organization,
        );
        let mut organizations = Vec::new();
        for slug in known.all().await.context("the organizations cannot be listed")? {
            let organization = self.organization(&slug).await;
            organizations.push((slug, organization));
        }
        Ok(organizations)
    }

    /// The GUID of an organization, if one is named.
    pub(crate) async fn guid(&self, slug: Option<&Slug>) -> Result<Option<ClientGuid>> {
        match slug {
            Some(slug) => Ok(Some(self.organization(slug).await?.client_guid)),
            None => Ok(None),
        }
    }
}

fn reason(text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    if text.is_empty() || text.chars().count() > REASON_LIMIT {
        bail!("--reason has 1 to {REASON_LIMIT} characters; a ticket's number will do, a patient's name will not");
    }
    Ok(Some(text.to_owned()))
}

fn login() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    variable("USER").or_else(|| variable("LOGNAME")).or_else(|| variable("USERNAME"))
}
