//! Points in time as the wire has them.

use jiff::{Timestamp, tz::Offset};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// An instant with the offset it was written with: ISO 8601, seven fractional digits,
/// `2026-11-20T09:15:02.5314827+00:00` (iris-facts §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTimeOffset {
    /// The instant.
    pub instant: Timestamp,
    /// The offset it is shown in.
    pub offset: Offset,
}

impl DateTimeOffset {
    /// The instant shown in UTC.
    #[must_use]
    pub fn utc(instant: Timestamp) -> Self {
        Self { instant, offset: Offset::UTC }
    }
}

impl std::fmt::Display for DateTimeOffset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let civil = self.offset.to_datetime(self.instant);
        let minutes = self.offset.seconds() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
        write!(
            f,
            "{}T{:02}:{:02}:{:02}.{:07}{sign}{hours:02}:{rest:02}",
            civil.date(),
            civil.hour(),
            civil.minute(),
            civil.second(),
            civil.subsec_nanosecond() / 100
        )
    }
}

impl Serialize for DateTimeOffset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DateTimeOffset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        crate::value::date_time_offset(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for DateTimeOffset {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("DateTimeOffset")
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}
