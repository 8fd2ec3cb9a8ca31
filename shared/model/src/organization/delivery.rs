//! Where an organization's results go, and how its reports look (iris-facts §8.2, §8.3, §11; decisions 200 to 206).

use super::file_name::NameTemplate;
use super::hl7::Hl7Target;
use super::{EnumEncoding, KeySpelling, Organization, ResultSettings};
use crate::{EvaluationType, LocalId};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The id of the destination that every organization has: its results queue.
pub const RESULTS_QUEUE: &str = "results-queue";
/// The largest message in bytes where a document does not say: what Service Bus takes in its standard tier, less the
/// properties.
const MESSAGE_LIMIT: u32 = 240_000;
/// Sensible message limits, in bytes: from the size of the message that only says where a result is, to the largest
/// message that Service Bus takes (premium tier).
pub const MESSAGE_LIMITS: RangeInclusive<u32> = 4_096..=100 * 1024 * 1024;

/// A further place results are delivered to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DestinationDocument {
    /// What it is called, unique in the organization: lower-case letters, digits and hyphens.
    pub id: String,
    /// Gets the results of these sites only; empty = of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<LocalId>,
    /// What it gets.
    pub format: DeliveryFormat,
    /// Where it is.
    pub to: DeliveryTarget,
    /// How codes are written in results (decision 132).
    #[serde(default)]
    pub enum_encoding: EnumEncoding,
    /// Which spellings of keys are written in results (decision 132).
    #[serde(default)]
    pub key_spelling: KeySpelling,
}

/// What a destination gets (iris-facts §11.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryFormat {
    /// The OrderResult with the report as PDF in it.
    ResultWithPdf,
    /// The OrderResult with the report as HTML in it.
    ResultWithHtml,
    /// The OrderResult alone.
    Result,
    /// The report as a PDF file.
    Pdf,
    /// The report as an HTML file.
    Html,
}

/// Where a destination is. Credentials are named, never contained: a connection is the name of a setting of the
/// function app, and begins with `DESTINATION_{SLUG}__`. What each kind does is said by its folder in
/// `shared/channels`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryTarget {
    /// A queue.
    Queue(QueueTarget),
    /// A container of blob storage.
    Container(ContainerTarget),
    /// The organization's own file system, reached by the proxy: written below `files/` in the results container, from
    /// where the proxy takes it.
    FilePath(FilesTarget),
    /// A hospital, by HL7: one kind of message.
    Hl7(Box<Hl7Target>),
}

/// Files for the organization's own file system: how they are named, with folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FilesTarget(pub NameTemplate);

/// A queue that gets results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueueTarget {
    /// The queue's name. Without a connection it is one of the platform's, and its name begins with `results-{slug}.`
    pub name: String,
    /// The setting that holds the connection string of the organization's own namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The largest message in bytes; a larger result goes to the results container, and the message says where
    /// (decision 129).
    #[serde(default = "message_limit")]
    pub message_limit: u32,
}

/// A container that gets files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerTarget {
    /// How the files are named, with folders.
    pub name: NameTemplate,
    /// The setting that holds the connection string, or the service URL with its signature, of the organization's own
    /// storage account; absent = the organization's results container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The container in the organization's own account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// Something in a destination's settings that has to be corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is, as a path from the destination on: `to.queue.name`.
    pub place: &'static str,
    /// What is wrong with it, as the rest of a sentence that begins with the place.
    pub problem: String,
}

/// Finds what is wrong with a destination's target. The kinds of destinations check themselves; this crate does not
/// know them.
pub type TargetCheck = fn(&DestinationDocument, &Organization) -> Vec<Problem>;

/// How reports look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReportSettings {
    /// Own templates; an evaluation type without one has the organization's, or else the platform's (iris-facts §8.3).
    pub templates: Vec<ReportTemplate>,
    /// The line at the foot instead of the platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disclaimer: Option<String>,
    /// Phone number for questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Time zone of the times on reports, by its IANA name, e.g. `America/Chicago`; UTC where neither site nor
    /// organization has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

impl ReportSettings {
    /// The time zone, when it has one that is known.
    #[must_use]
    pub fn zone(&self) -> Option<TimeZone> {
        self.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok())
    }
}

/// A template of the organization's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportTemplate {
    /// The exam it is for.
    pub evaluation_type: EvaluationType,
    /// HTML with the published tokens; the report library says what is allowed.
    pub html: String,
}

pub(super) fn message_limit() -> u32 {
    MESSAGE_LIMIT
}

/// Where results go when a document says nothing: each report as a PDF file in the results container.
pub(super) fn default_destinations() -> Vec<DestinationDocument> {
    let Ok(name) = NameTemplate::parse("reports/{orderLocalId}.pdf") else { return Vec::new() };
    vec![DestinationDocument {
        id: "reports".to_owned(),
        sites: Vec::new(),
        format: DeliveryFormat::Pdf,
        to: DeliveryTarget::Container(ContainerTarget { name, connection: None, container: None }),
        enum_encoding: EnumEncoding::default(),
        key_spelling: KeySpelling::default(),
    }]
}

impl DestinationDocument {
    /// Whether results of a site go there.
    #[must_use]
    pub fn serves(&self, site: &LocalId) -> bool {
        self.sites.is_empty() || self.sites.contains(site)
    }

    /// Whether this destination gets charges: once per order, ever.
    #[must_use]
    pub fn charges(&self) -> bool {
        matches!(&self.to, DeliveryTarget::Hl7(hl7) if hl7.message == iris_hl7::mapping::Kind::Dft)
    }

    /// How results are written for it.
    #[must_use]
    pub fn compatibility(&self) -> ResultSettings {
        ResultSettings {
            enum_encoding: self.enum_encoding,
            key_spelling: self.key_spelling,
            ..ResultSettings::default()
        }
    }
}

impl Organization {
    /// Every destination, the results queue first.
    pub fn all_destinations(&self) -> impl Iterator<Item = DestinationDocument> {
        let settings = &self.results;
        let queue = self.results_queue().map(|name| DestinationDocument {
            id: RESULTS_QUEUE.to_owned(),
            sites: Vec::new(),
            format: if settings.embed_report { DeliveryFormat::ResultWithPdf } else { DeliveryFormat::Result },
            to: DeliveryTarget::Queue(QueueTarget { name, connection: None, message_limit: settings.message_limit }),
            enum_encoding: settings.enum_encoding,
            key_spelling: settings.key_spelling,
        });
        queue.into_iter().chain(self.destinations.iter().cloned())
    }

    /// The prefix of the settings that hold credentials of its destinations: `DESTINATION_{SLUG}__`, hyphens written as
    /// `_`.
    #[must_use]
    pub fn connection_prefix(&self) -> String {
        format!("DESTINATION_{}__", self.slug.as_str().to_ascii_uppercase().replace('-', "_"))
    }

    /// Whether a connection names one of this organization's own settings: no document can name another organization's
    /// credential, or the platform's. Settings consist of capitals, digits and `_`, at most 64 after the prefix.
    #[must_use]
    pub fn owns_connection(&self, setting: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let name = setting.strip_prefix(&self.connection_prefix()).unwrap_or_default();
        (1..=64).contains(&name.len()) && name.bytes().all(allowed)
    }

    /// The destination of this id.
    #[must_use]
    pub fn destination(&self, id: &str) -> Option<DestinationDocument> {
        self.all_destinations().find(|destination| destination.id == id)
    }
}
