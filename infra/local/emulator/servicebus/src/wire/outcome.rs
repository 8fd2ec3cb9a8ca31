//! Delivery states and errors.

use crate::codec::{Elements, Error, Reader, Value, Writer};

pub(super) mod descriptor {
    pub(crate) const ERROR: u64 = 0x1d;
    pub(crate) const RECEIVED: u64 = 0x23;
    pub(crate) const ACCEPTED: u64 = 0x24;
    pub(crate) const REJECTED: u64 = 0x25;
    pub(crate) const RELEASED: u64 = 0x26;
    pub(crate) const MODIFIED: u64 = 0x27;
}

/// An error as AMQP carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) condition: String,
    pub(crate) description: String,
}

impl Condition {
    pub(crate) fn new(condition: &str, description: impl Into<String>) -> Self {
        Self { condition: condition.to_owned(), description: description.into() }
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        out.composite(descriptor::ERROR, |fields| {
            fields.symbol(&self.condition);
            fields.string(&self.description);
            fields.null();
        });
    }
}

/// A peer's outcome of a delivery. Maps may have string or symbol keys, because both SDKs differ from the specification
/// here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome<'a> {
    Accepted,
    Rejected {
        condition: Option<&'a str>,
        description: Option<&'a str>,
        info: Option<Elements<'a>>,
    },
    Released,
    Modified {
        undeliverable_here: bool,
        annotations: Option<Elements<'a>>,
    },
    /// Not an outcome: how far the delivery has progressed.
    Received,
    /// A state of an extension, such as a transaction.
    Unknown,
}

impl<'a> Outcome<'a> {
    pub(super) fn decode(value: Value<'a>) -> Result<Option<Self>, Error> {
        let (code, inner) = match value {
            Value::Null => return Ok(None),
            Value::Described(code, inner) => (code, inner),
            _ => return Err(Error::Invalid("a delivery state was expected")),
        };
        let Value::List(elements) = Reader::new(inner).value()? else {
            return Err(Error::Invalid("a delivery state is a list"));
        };
        let mut fields = elements.iter();
        let mut next = || fields.next().unwrap_or(Ok(Value::Null));
        Ok(Some(match code {
            Some(descriptor::ACCEPTED) => Self::Accepted,
            Some(descriptor::RELEASED) => Self::Released,
            Some(descriptor::RECEIVED) => Self::Received,
            Some(descriptor::REJECTED) => {
                let (condition, description, info) = error_fields(next()?)?;
                Self::Rejected { condition, description, info }
            }
            Some(descriptor::MODIFIED) => {
                let _delivery_failed = next()?;
                let undeliverable_here = next()?.bool().unwrap_or(false);
                Self::Modified { undeliverable_here, annotations: next()?.map() }
            }
            _ => Self::Unknown,
        }))
    }
}

type ErrorFields<'a> = (Option<&'a str>, Option<&'a str>, Option<Elements<'a>>);

pub(super) fn error_fields(value: Value<'_>) -> Result<ErrorFields<'_>, Error> {
    let inner = match value {
        Value::Null => return Ok((None, None, None)),
        Value::Described(_, inner) => inner,
        _ => return Err(Error::Invalid("an error was expected")),
    };
    let Value::List(elements) = Reader::new(inner).value()? else {
        return Err(Error::Invalid("an error is a list"));
    };
    let mut fields = elements.iter();
    let mut next = || fields.next().unwrap_or(Ok(Value::Null));
    Ok((next()?.text(), next()?.text(), next()?.map()))
}
