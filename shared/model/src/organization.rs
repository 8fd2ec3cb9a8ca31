//! The organization document: one JSON file per organization, `organizations/{slug}.json`, that says who may send what
//! and how it is treated. Its JSON Schema is `schemas/organization.schema.json`. Secrets are never in it.

use crate::request::Address;
use crate::{ClientGuid, EvaluationType, IntakeField, LocalId, Slug};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod batches;
mod delivery;
mod file_name;
mod grading;
mod hl7;
mod mapping;
mod pattern;
mod read;
mod site_meant;

pub use batches::{BatchFormat, BatchPeriod, BatchSettings};
pub use delivery::{
    ContainerTarget, DeliveryFormat, DeliveryTarget, DestinationDocument, FilesTarget, MESSAGE_LIMITS, Problem,
    QueueTarget, RESULTS_QUEUE, ReportSettings, ReportTemplate, TargetCheck,
};
pub use file_name::{NameTemplate, NameValues, TemplateError, Unset};
pub use grading::{
    CareLevel, CarePlan, CarePlanAssignment, CarePlans, Contact, ContactDocument, EnumEncoding, GraderDocument,
    GradingSettings, KeySpelling, ResultSettings,
};
pub use hl7::{ChargeSettings, Hl7Target, Inbound, InterfaceDocument, WrongAddress};
pub use pattern::fits as fits_pattern;
pub use read::Error;

/// An organization and its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Organization {
    /// Short name; part of its queue and container names.
    pub slug: Slug,
    /// Name for people.
    pub name: String,
    /// The GUID its messages must carry.
    pub client_guid: ClientGuid,
    /// Whether test-only submissions are accepted (decision 120).
    #[serde(default)]
    pub environment: Environment,
    /// Where a patient's LocalId is unique (decision 12).
    #[serde(default)]
    pub patient_scope: PatientScope,
    /// Within what there may be one open order (decision 1).
    #[serde(default)]
    pub open_order_scope: OpenOrderScope,
    /// What a new order does to an older open one (decision 3).
    #[serde(default)]
    pub open_order_policy: OpenOrderPolicy,
    /// What a wholly different name and birth date of a known patient means (decision 6).
    #[serde(default)]
    pub patient_mismatch: MismatchPolicy,
    /// Evaluation types it subscribes to; when there is one alone, it is the default for rows and messages that
    /// name none (decision 68).
    #[serde(default = "default_evaluation_types")]
    pub evaluation_types: Vec<EvaluationType>,
    /// Its sites.
    #[serde(default)]
    pub sites: Vec<SiteDocument>,
    /// Creates sites that are not listed.
    #[serde(default)]
    pub auto_create_sites: bool,
    /// Its cameras.
    #[serde(default)]
    pub cameras: Vec<CameraDocument>,
    /// Creates cameras that are not listed.
    #[serde(default)]
    pub auto_create_cameras: bool,
    /// Its IRIS users; empty = not checked (decision 15a).
    #[serde(default)]
    pub users: Vec<String>,
    /// Sends OrderChangeReceipt (decision 7).
    #[serde(default = "yes")]
    pub change_receipts: bool,
    /// Sends OrderCancelReceipt for ignored cancellations (decision 8).
    #[serde(default = "yes")]
    pub cancel_receipts: bool,
    /// Sends events for the rows of drops as for messages (decision 22).
    #[serde(default = "yes")]
    pub events_for_drops: bool,
    /// Where its events go.
    #[serde(default)]
    pub events: EventsDestination,
    /// How long a change or cancellation waits for its order, in seconds (decision 9).
    #[serde(default = "two_minutes")]
    pub late_parent_patience_seconds: u32,
    /// Whether its orders need one eye only when they do not say (iris-facts §2.5).
    #[serde(default)]
    pub single_eye_only: bool,
    /// How long an image waits for its order, and an image directive for its image, in seconds (decisions 23, 24).
    #[serde(default = "fifteen_minutes")]
    pub image_patience_seconds: u32,
    /// How its drops are read; the first whose pattern matches the file's name is taken, else the built-in mapping.
    #[serde(default)]
    pub drops: Vec<DropRule>,
    /// How its orders are graded.
    #[serde(default)]
    pub grading: GradingSettings,
    /// How its results are written.
    #[serde(default)]
    pub results: ResultSettings,
    /// Where its results go besides its results queue. When left out, each report is written as
    /// `reports/{orderLocalId}.pdf` to its results container; `[]` = nowhere else.
    #[serde(default = "delivery::default_destinations")]
    pub destinations: Vec<DestinationDocument>,
    /// How its hospitals speak HL7 with it. Without any, orders are read at the published places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<InterfaceDocument>,
    /// How its reports look.
    #[serde(default)]
    pub reports: ReportSettings,
    /// Files of results by the day or week; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<BatchSettings>,
}

impl Organization {
    /// Stands in for the sender of messages that came through an entry of no known organization: it has nothing, may do
    /// nothing, and gets no events.
    #[must_use]
    pub fn unattributed() -> Self {
        Self {
            slug: Slug::unattributed(),
            name: String::new(),
            client_guid: ClientGuid(uuid::Uuid::nil()),
            environment: Environment::default(),
            patient_scope: PatientScope::default(),
            open_order_scope: OpenOrderScope::default(),
            open_order_policy: OpenOrderPolicy::default(),
            patient_mismatch: MismatchPolicy::default(),
            evaluation_types: Vec::new(),
            sites: Vec::new(),
            auto_create_sites: false,
            cameras: Vec::new(),
            auto_create_cameras: false,
            users: Vec::new(),
            change_receipts: false,
            cancel_receipts: false,
            events_for_drops: false,
            events: EventsDestination::None,
            late_parent_patience_seconds: 0,
            single_eye_only: false,
            image_patience_seconds: 0,
            drops: Vec::new(),
            grading: GradingSettings::default(),
            results: ResultSettings::default(),
            destinations: Vec::new(),
            interfaces: Vec::new(),
            reports: ReportSettings::default(),
            batches: None,
        }
    }

    /// The listed site with this id.
    #[must_use]
    pub fn site(&self, local_id: &LocalId) -> Option<&SiteDocument> {
        self.sites.iter().find(|site| site.local_id == *local_id)
    }

    /// The listed camera with this id.
    #[must_use]
    pub fn camera(&self, local_id: &LocalId) -> Option<&CameraDocument> {
        self.cameras.iter().find(|camera| camera.local_id == *local_id)
    }

    /// The rule for a dropped file: the first whose pattern matches its name. A pattern without a slash is compared
    /// with the last part of the name only. `None`: the built-in mapping reads it.
    #[must_use]
    pub fn rule_for(&self, file_name: &str) -> Option<&DropRule> {
        self.drops.iter().find(|rule| pattern::matches(&rule.pattern, file_name))
    }

    /// The queue its events go to, if it wants any: `events-{slug}` unless named otherwise.
    #[must_use]
    pub fn events_queue(&self) -> Option<String> {
        match &self.events {
            EventsDestination::Default => Some(self.slug.events_queue()),
            EventsDestination::Queue(name) => Some(name.clone()),
            EventsDestination::None => None,
        }
    }

    /// The queue its results go to, if it wants them there: `results-{slug}`.
    #[must_use]
    pub fn results_queue(&self) -> Option<String> {
        self.results.to_queue.then(|| self.slug.results_queue())
    }

    /// The container its files are dropped into.
    #[must_use]
    pub fn drops_container(&self) -> String {
        self.slug.drops_container()
    }

    /// The container its images arrive in.
    #[must_use]
    pub fn images_container(&self) -> String {
        self.slug.images_container()
    }

    /// The container its receipts and results are written to.
    #[must_use]
    pub fn results_container(&self) -> String {
        self.slug.results_container()
    }
}

/// What kind of data an organization sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Environment {
    /// Real patients.
    #[default]
    Production,
    /// Test data only.
    Test,
}

/// Where a patient's LocalId is unique (decision 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PatientScope {
    /// Within a site.
    #[default]
    Site,
    /// Within the organization: patients float between sites.
    Organization,
}

/// Within what there may be one open order (decision 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OpenOrderScope {
    /// One per patient.
    #[default]
    Patient,
    /// One per patient and evaluation type.
    PatientAndEvaluation,
}

/// What a new order does to an older open one in scope (decision 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OpenOrderPolicy {
    /// Cancels it, unless it is already in grading.
    #[default]
    Supersede,
    /// Is refused.
    Reject,
}

/// What contradictory demographics mean (decision 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MismatchPolicy {
    /// Accepted with a warning.
    #[default]
    Warning,
    /// Refused.
    Error,
}

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EventsDestination {
    /// The queue `events-{slug}`.
    #[default]
    Default,
    /// Another queue of the platform's namespace.
    Queue(String),
    /// Nowhere.
    None,
}

/// A site as configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteDocument {
    /// The organization's id of it.
    pub local_id: LocalId,
    /// Name for people.
    pub name: String,
    /// Its address; the state is where its exams take place.
    #[serde(default)]
    pub address: SiteAddress,
    /// Its care plans, where they differ from the organization's.
    #[serde(default)]
    pub care_plans: CarePlans,
    /// How its reports look, where that differs from the organization's.
    #[serde(default)]
    pub reports: ReportSettings,
}

/// The address of a site, in the document's spelling.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SiteAddress {
    /// First line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street1: Option<String>,
    /// Second line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street2: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State: two-letter code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// ZIP code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
}

impl From<&SiteAddress> for Address {
    fn from(address: &SiteAddress) -> Self {
        Self {
            street1: address.street1.clone(),
            street2: address.street2.clone(),
            city: address.city.clone(),
            state: address.state.clone(),
            postal_code: address.postal_code.clone(),
            country: None,
        }
    }
}

/// A camera as configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CameraDocument {
    /// Normally the serial number; unique in the organization.
    pub local_id: LocalId,
    /// The site it is assigned to.
    pub site: LocalId,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Which files are read how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropRule {
    /// File name pattern, `*` and `?` allowed, without regard to case: `members-*.csv`.
    pub pattern: String,
    /// How its records become order requests.
    pub mapping: Mapping,
}

/// How the records of a file become order requests.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Mapping {
    /// Name for receipts.
    pub name: String,
    /// Sheet to read; absent = the first whose header matches (decision 16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// What each intake field takes; a field that is not listed takes the column of its own name (iris-facts §7.2).
    pub columns: BTreeMap<IntakeField, ColumnRule>,
    /// Columns that are known to be of no use: no warning for them.
    pub ignored_columns: Vec<String>,
    /// Words that mean nothing in this organization's files, beside those that programs are known for: read as empty
    /// cells, compared without regard to case.
    pub empty_words: Vec<String>,
    /// Rows to pass over, such as totals: patterns of their first cell that is not empty, `*` and `?` allowed, without
    /// regard to case.
    pub skip_rows: Vec<String>,
    /// How slashed dates are read (decision 15).
    pub date_order: DateOrder,
    /// Loads nothing when any row fails (decision 18).
    pub all_or_nothing: bool,
    /// Derives missing order ids from drop and row (decision 4).
    pub allow_missing_order_local_id: bool,
}

/// What one intake field takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ColumnRule {
    /// Headers it may stand under, compared without regard to case, spaces, `_` and `-`; the first present is taken.
    pub headers: Vec<String>,
    /// A value for every row, whatever the file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant: Option<String>,
    /// A value for rows where the cell is empty or the column absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Translations of cell values, compared without regard to case: `{"Male": "M"}`.
    pub values: BTreeMap<String, String>,
}

/// The order of day and month in slashed dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum DateOrder {
    /// `M/d/yyyy`.
    #[default]
    #[serde(rename = "M/d/yyyy")]
    MonthFirst,
    /// `d/M/yyyy`.
    #[serde(rename = "d/M/yyyy")]
    DayFirst,
}

fn default_evaluation_types() -> Vec<EvaluationType> {
    vec![EvaluationType::Dr]
}

fn yes() -> bool {
    true
}

fn two_minutes() -> u32 {
    120
}

fn fifteen_minutes() -> u32 {
    900
}
