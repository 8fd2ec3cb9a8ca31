//! Values of application properties.

use crate::codec::{Value, Writer};
use bytes::Bytes;

/// A simple value, as application properties carry it.
///
/// AMQP has more number types than this; they are widened when parsed. A message that is only passed on keeps its
/// original types.
#[derive(Debug, Clone, PartialEq)]
pub enum PropertyValue {
    /// No value.
    Null,
    /// A boolean.
    Bool(bool),
    /// Any signed integer; sent as an AMQP long.
    Int(i64),
    /// Any unsigned integer; sent as an AMQP ulong.
    UInt(u64),
    /// A floating-point number; sent as an AMQP double.
    Double(f64),
    /// Text; symbols and characters are parsed to text as well.
    String(String),
    /// An instant, precise to the millisecond.
    Timestamp(jiff::Timestamp),
    /// A UUID.
    Uuid(uuid::Uuid),
    /// Bytes.
    Binary(Bytes),
}

impl PropertyValue {
    /// Text, when it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Equal, comparing numbers by value: clients choose the width and sign of integer types freely.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(signed), Self::UInt(unsigned)) | (Self::UInt(unsigned), Self::Int(signed)) => {
                u64::try_from(*signed) == Ok(*unsigned)
            }
            _ => self == other,
        }
    }

    /// `None` for compounds and decimals, which application properties may not hold or the service does not compare.
    pub(crate) fn parse(value: &Value<'_>) -> Option<Self> {
        Some(match *value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(flag),
            Value::Ulong(n) => Self::UInt(n),
            Value::Ubyte(n) => Self::UInt(n.into()),
            Value::Ushort(n) => Self::UInt(n.into()),
            Value::Uint(n) => Self::UInt(n.into()),
            Value::Byte(n) => Self::Int(n.into()),
            Value::Short(n) => Self::Int(n.into()),
            Value::Int(n) => Self::Int(n.into()),
            Value::Long(n) => Self::Int(n),
            Value::Float(n) => Self::Double(n.into()),
            Value::Double(n) => Self::Double(n),
            Value::Char(c) => Self::String(c.into()),
            Value::Timestamp(millis) => Self::Timestamp(jiff::Timestamp::from_millisecond(millis).ok()?),
            Value::Uuid(bytes) => Self::Uuid(uuid::Uuid::from_bytes(bytes)),
            Value::Binary(bytes) => Self::Binary(Bytes::copy_from_slice(bytes)),
            Value::String(text) | Value::Symbol(text) => Self::String(text.to_owned()),
            _ => return None,
        })
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        match self {
            Self::Null => out.null(),
            Self::Bool(flag) => out.bool(*flag),
            Self::Int(n) => out.long(*n),
            Self::UInt(n) => out.ulong(*n),
            Self::Double(n) => out.double(*n),
            Self::String(text) => out.string(text),
            Self::Timestamp(time) => out.timestamp(time.as_millisecond()),
            Self::Uuid(uuid) => out.uuid(uuid.as_bytes()),
            Self::Binary(bytes) => out.binary(bytes),
        }
    }
}

impl From<&str> for PropertyValue {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for PropertyValue {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for PropertyValue {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for PropertyValue {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for PropertyValue {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<uuid::Uuid> for PropertyValue {
    fn from(uuid: uuid::Uuid) -> Self {
        Self::Uuid(uuid)
    }
}

impl From<jiff::Timestamp> for PropertyValue {
    fn from(time: jiff::Timestamp) -> Self {
        Self::Timestamp(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_agree_whatever_their_type() {
        let (three, minus) = (PropertyValue::Int(3), PropertyValue::Int(-3));
        assert!(three.agrees_with(&PropertyValue::UInt(3)) && PropertyValue::UInt(3).agrees_with(&three));
        assert!(three.agrees_with(&three) && minus.agrees_with(&minus));
        assert!(!minus.agrees_with(&PropertyValue::UInt(u64::MAX - 2)) && !three.agrees_with(&"3".into()));
    }
}
