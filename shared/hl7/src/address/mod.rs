//! Addresses: places in a message.
//!
//! ```text
//! SEG[n]-f[rep].c.s
//! ```
//!
//! | address | what it names |
//! |---|---|
//! | `PID-5` | field 5 of the first PID; to be read, its first component |
//! | `PID-5.1` | component 1, to be read its first subcomponent |
//! | `PID-5.1.2` | subcomponent 2 |
//! | `NTE[2]-3` | of the second NTE |
//! | `PID-3[2].1` | of the second repetition |
//! | `PID-3[5=MRN].1` | of the repetition whose component 5 is `MRN` |
//! | `PID-3[4.1=HOSP].1` | of the repetition whose component 4, subcomponent 1 is `HOSP` |
//! | `NTE-3.*` | the whole field: delimiters in it are text, as senders who do not escape mean it |
//! | `OBR-4.2.*` | the whole component |
//!
//! If no repetition is chosen, it is the first. Addresses are read exactly: no variation in case, blanks or punctuation
//! is tolerated, since `PID-51` and `PID-5.1` are different.

mod find;
mod parse;

use crate::message::SegmentId;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU16;

pub use parse::AddressError;
pub(crate) use parse::place;

/// A place in a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// The name of the segment.
    pub segment: SegmentId,
    /// Which of the segments of that name; `None` = the first.
    pub occurrence: Option<NonZeroU16>,
    /// The field.
    pub field: NonZeroU16,
    /// Which repetition; `None` = the first.
    pub repetition: Option<Pick>,
    /// How far down.
    pub depth: Depth,
}

/// Which repetition of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pick {
    /// The n-th.
    Number(NonZeroU16),
    /// The first whose component (first subcomponent, if none is named) is this text.
    Where {
        /// The component that is compared.
        component: NonZeroU16,
        /// Its subcomponent.
        subcomponent: Option<NonZeroU16>,
        /// The text, compared without blanks around it.
        is: String,
    },
}

/// Which part of a repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// The field. For reading, its first component; for writing, the whole field.
    Field,
    /// All of the field as one text.
    WholeField,
    /// A component. For reading, its first subcomponent.
    Component(NonZeroU16),
    /// All of the component as one text.
    WholeComponent(NonZeroU16),
    /// A subcomponent.
    Subcomponent(NonZeroU16, NonZeroU16),
}

impl Depth {
    /// Component and subcomponent, from 1, of the value that is read and written.
    #[must_use]
    pub fn position(self) -> (u16, u16) {
        match self {
            Self::Field | Self::WholeField => (1, 1),
            Self::Component(component) | Self::WholeComponent(component) => (component.get(), 1),
            Self::Subcomponent(component, subcomponent) => (component.get(), subcomponent.get()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.segment)?;
        if let Some(occurrence) = self.occurrence {
            write!(f, "[{occurrence}]")?;
        }
        write!(f, "-{}", self.field)?;
        match &self.repetition {
            None => {}
            Some(Pick::Number(n)) => write!(f, "[{n}]")?,
            Some(Pick::Where { component, subcomponent: None, is }) => write!(f, "[{component}={is}]")?,
            Some(Pick::Where { component, subcomponent: Some(sub), is }) => write!(f, "[{component}.{sub}={is}]")?,
        }
        match self.depth {
            Depth::Field => Ok(()),
            Depth::WholeField => f.write_str(".*"),
            Depth::Component(component) => write!(f, ".{component}"),
            Depth::WholeComponent(component) => write!(f, ".{component}.*"),
            Depth::Subcomponent(component, subcomponent) => write!(f, ".{component}.{subcomponent}"),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Hl7Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Where something stands in an HL7 message, e.g. PID-3[5=MRN].1",
            "pattern": r"^[A-Z][A-Z0-9]{2}(\[[1-9][0-9]*\])?-[1-9][0-9]*(\[([1-9][0-9]*|[1-9][0-9]*(\.[1-9][0-9]*)?=[^\]]+)\])?(\.[1-9][0-9]*(\.([1-9][0-9]*|\*))?|\.\*)?$"
        })
    }
}
