//! How an organization's hospitals speak HL7 v2: what is read where in their orders, and what is sent to them
//! (iris-facts §9).

use super::{ColumnRule, Organization};
use crate::IntakeField;
use iris_hl7::ack::Replies;
use iris_hl7::address::AddressError;
use iris_hl7::mapping::{Kind, Overrides};
use iris_hl7::write::Output;
use iris_hl7::{Address, Version};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// An agreement with one hospital system: who is who in MSH, and how both sides write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InterfaceDocument {
    /// What it is called, unique in the organization: lower-case letters, digits and hyphens.
    pub id: String,
    /// MSH-3 of what is sent.
    #[serde(default = "iris")]
    pub sending_application: String,
    /// MSH-4 of what is sent.
    #[serde(default = "iris")]
    pub sending_facility: String,
    /// MSH-5 of what is sent.
    pub receiving_application: String,
    /// MSH-6 of what is sent.
    pub receiving_facility: String,
    /// MSH-12 of what is sent, unless a destination says otherwise.
    #[serde(default = "base_version")]
    pub version: Version,
    /// Time zone of the times that are sent, by its IANA name; UTC when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Character set of what is sent.
    #[serde(default)]
    pub charset: Output,
    /// Where its orders have their values.
    #[serde(default)]
    pub inbound: Inbound,
}

/// Where an interface's orders have their values. A field that is not mentioned is read as published (iris-facts §9.2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Inbound {
    /// Rules by field. Their headers are addresses, e.g. `PID-3[5=MRN].1`; the first that has a value is taken.
    pub columns: BTreeMap<IntakeField, ColumnRule>,
}

/// Why a header of an inbound mapping cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WrongAddress {
    /// It is no address.
    #[error("is no place that can be read")]
    Address(#[source] AddressError),
    /// PID-19 (iris-facts R-25).
    #[error("is never read: PID-19 holds social security numbers")]
    SocialSecurity,
}

impl Inbound {
    /// The address that a header is.
    ///
    /// # Errors
    /// [`WrongAddress`] when it is none, or one that is never read.
    pub fn address(header: &str) -> Result<Address, WrongAddress> {
        let address: Address = header.parse().map_err(WrongAddress::Address)?;
        if address.segment.to_string() == "PID" && address.field.get() == 19 {
            return Err(WrongAddress::SocialSecurity);
        }
        Ok(address)
    }

    /// Every header that cannot be used, with its field.
    pub(super) fn problems(&self) -> impl Iterator<Item = (IntakeField, &str, WrongAddress)> {
        self.columns.iter().flat_map(|(field, rule)| {
            rule.headers.iter().filter_map(|header| Some((*field, header.as_str(), Self::address(header).err()?)))
        })
    }
}

/// A kind of message that an interface gets of every result, or of every order once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hl7Target {
    /// The interface, by its id.
    pub interface: String,
    /// `ORU` and `MDM` go out with every result; `DFT` once per order, ever.
    pub message: Kind,
    /// What is otherwise than published.
    #[serde(default)]
    pub mapping: Overrides,
    /// What its answers mean, where they do not mean what the standard says.
    #[serde(default)]
    pub replies: Replies,
    /// What a `DFT` charges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<ChargeSettings>,
    /// Corrected results say that they are (`C` in OBR-25); they are new reports like any other when left out.
    #[serde(default)]
    pub corrected: bool,
    /// The largest message in bytes that goes through the queue; a larger one is fetched from the results container.
    #[serde(default = "super::delivery::message_limit")]
    pub message_limit: u32,
}

/// What a charge says (iris-facts §9.5).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ChargeSettings {
    /// CPT code of the exam or its professional component; the procedure of the order when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the code means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// CPT code of the technical component, where it is charged apart (payload `technical`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub technical_code: Option<String>,
    /// Components are told by the modifiers 26 and TC.
    pub component_modifiers: bool,
}

impl Hl7Target {
    /// The code of the technical component, if it has one.
    #[must_use]
    pub fn technical_code(&self) -> Option<&str> {
        self.charge.as_ref()?.technical_code.as_deref()
    }
}

impl InterfaceDocument {
    /// The agreement that holds where an organization's document says nothing: orders have their values at the
    /// published places, and nothing is sent.
    #[must_use]
    pub fn published() -> Self {
        Self {
            id: String::new(),
            sending_application: iris(),
            sending_facility: iris(),
            receiving_application: String::new(),
            receiving_facility: String::new(),
            version: base_version(),
            time_zone: None,
            charset: Output::default(),
            inbound: Inbound::default(),
        }
    }

    /// The zone of times that are sent, when it is known.
    #[must_use]
    pub fn zone(&self) -> Option<TimeZone> {
        match &self.time_zone {
            None => Some(TimeZone::UTC),
            Some(name) => TimeZone::get(name).ok(),
        }
    }
}

impl Organization {
    /// The interface of this id. Without an id: the first interface, or the published one where there are none. `None`:
    /// no interface has this id.
    #[must_use]
    pub fn interface(&self, id: Option<&str>) -> Option<InterfaceDocument> {
        match id {
            Some(id) => self.interfaces.iter().find(|interface| interface.id == id).cloned(),
            None => Some(self.interfaces.first().cloned().unwrap_or_else(InterfaceDocument::published)),
        }
    }
}

fn iris() -> String {
    "IRIS".to_owned()
}

fn base_version() -> Version {
    Version::V2_4
}
