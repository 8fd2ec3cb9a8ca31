//! Performatives, decoded.

use super::outcome::Outcome;
use super::{Error, condition};
use crate::codec::{Elements, Reader, Value};

pub(super) mod descriptor {
    pub(crate) const OPEN: u64 = 0x10;
    pub(crate) const BEGIN: u64 = 0x11;
    pub(crate) const ATTACH: u64 = 0x12;
    pub(crate) const FLOW: u64 = 0x13;
    pub(crate) const TRANSFER: u64 = 0x14;
    pub(crate) const DISPOSITION: u64 = 0x15;
    pub(crate) const DETACH: u64 = 0x16;
    pub(crate) const END: u64 = 0x17;
    pub(crate) const CLOSE: u64 = 0x18;
    pub(crate) const SASL_MECHANISMS: u64 = 0x40;
    pub(crate) const SASL_INIT: u64 = 0x41;
    pub(crate) const SASL_OUTCOME: u64 = 0x44;
}

/// The content of a frame of the AMQP layer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Performative<'a> {
    Open(Open),
    Begin(Begin),
    Attach(Box<Attach<'a>>),
    Flow(Flow),
    Transfer(Transfer<'a>),
    Disposition(Disposition<'a>),
    /// Handle.
    Detach(u32),
    End,
    Close,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Open {
    /// The host that the peer wants to talk to, with a port if it gave one.
    pub(crate) hostname: Option<String>,
    pub(crate) max_frame_size: u32,
    pub(crate) channel_max: u16,
    /// Milliseconds.
    pub(crate) idle_time_out: Option<u32>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Begin {
    pub(crate) next_outgoing_id: u32,
    pub(crate) incoming_window: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attach<'a> {
    pub(crate) name: &'a str,
    pub(crate) handle: u32,
    /// The peer receives on this link.
    pub(crate) receiver: bool,
    pub(crate) snd_settle_mode: Option<u8>,
    pub(crate) rcv_settle_mode: Option<u8>,
    pub(crate) source: Terminus<'a>,
    pub(crate) target: Terminus<'a>,
    /// .NET leaves it out although the specification requires it.
    pub(crate) initial_delivery_count: u32,
    pub(crate) properties: Option<Elements<'a>>,
}

/// A source or a target: its encoding, and the parts that are needed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Terminus<'a> {
    /// `None` for null.
    pub(crate) raw: Option<&'a [u8]>,
    pub(crate) address: Option<&'a str>,
    /// For a source.
    pub(crate) filter: Option<Elements<'a>>,
    /// A target that is a transaction coordinator.
    pub(crate) coordinator: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flow {
    pub(crate) next_incoming_id: Option<u32>,
    pub(crate) incoming_window: u32,
    pub(crate) handle: Option<u32>,
    pub(crate) delivery_count: Option<u32>,
    pub(crate) link_credit: Option<u32>,
    pub(crate) drain: bool,
    pub(crate) echo: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Transfer<'a> {
    pub(crate) handle: u32,
    pub(crate) delivery_id: Option<u32>,
    pub(crate) message_format: Option<u32>,
    pub(crate) settled: Option<bool>,
    pub(crate) more: bool,
    pub(crate) aborted: bool,
    pub(crate) state: Option<Outcome<'a>>,
    pub(crate) payload: &'a [u8],
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Disposition<'a> {
    /// Sent by a receiver about deliveries it got.
    pub(crate) receiver: bool,
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) settled: bool,
    pub(crate) state: Option<Outcome<'a>>,
}

/// Fields of a composite; those omitted at the end are null.
struct Fields<'a> {
    reader: Reader<'a>,
    left: u32,
}

impl<'a> Fields<'a> {
    fn new(elements: Elements<'a>) -> Self {
        Self { reader: elements.reader(), left: elements.count() }
    }

    fn raw(&mut self) -> Result<Option<&'a [u8]>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        Ok(Some(self.reader.raw()?))
    }

    fn value(&mut self) -> Result<Value<'a>, Error> {
        if self.left == 0 {
            return Ok(Value::Null);
        }
        self.left -= 1;
        Ok(self.reader.value()?)
    }

    fn skip(&mut self, fields: usize) -> Result<(), Error> {
        (0..fields).try_for_each(|_| self.value().map(drop))
    }

    fn typed<T>(&mut self, name: &str, read: impl FnOnce(&Value<'a>) -> Option<T>) -> Result<Option<T>, Error> {
        match self.value()? {
            Value::Null => Ok(None),
            value => match read(&value) {
                Some(value) => Ok(Some(value)),
                None => Err(Error::new(condition::DECODE, format!("{name} has the wrong type"))),
            },
        }
    }

    fn uint(&mut self, name: &str) -> Result<Option<u32>, Error> {
        self.typed(name, Value::uint)
    }

    fn bool(&mut self, name: &str) -> Result<Option<bool>, Error> {
        self.typed(name, Value::bool)
    }
}

fn required<T>(name: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::new(condition::DECODE, format!("{name} is missing")))
}

impl<'a> Performative<'a> {
    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        let (code, Value::List(elements)) = reader.described()? else {
            return Err(Error::new(condition::DECODE, "a performative is a list"));
        };
        let mut fields = Fields::new(elements);
        let fields = &mut fields;
        Ok(match code {
            Some(descriptor::OPEN) => Self::Open(Open::decode(fields)?),
            Some(descriptor::BEGIN) => Self::Begin(Begin::decode(fields)?),
            Some(descriptor::ATTACH) => Self::Attach(Box::new(Attach::decode(fields)?)),
            Some(descriptor::FLOW) => Self::Flow(Flow::decode(fields)?),
            Some(descriptor::TRANSFER) => Self::Transfer(Transfer::decode(fields, reader.rest())?),
            Some(descriptor::DISPOSITION) => Self::Disposition(Disposition::decode(fields)?),
            Some(descriptor::DETACH) => Self::Detach(required("handle", fields.uint("handle")?)?),
            Some(descriptor::END) => Self::End,
            Some(descriptor::CLOSE) => Self::Close,
            _ => return Err(Error::new(condition::NOT_IMPLEMENTED, "unknown performative")),
        })
    }
}

impl Open {
    fn decode(fields: &mut Fields<'_>) -> Result<Self, Error> {
        fields.typed("container-id", |value| value.text().map(drop))?;
        let hostname = fields.typed("hostname", |value| value.text().map(str::to_owned))?;
        Ok(Self {
            hostname: hostname.filter(|host| !host.is_empty()),
            max_frame_size: fields.uint("max-frame-size")?.unwrap_or(u32::MAX),
            channel_max: fields.typed("channel-max", |value| value.uint()?.try_into().ok())?.unwrap_or(u16::MAX),
            idle_time_out: fields.uint("idle-time-out")?,
        })
    }
}

impl Begin {
    fn decode(fields: &mut Fields<'_>) -> Result<Self, Error> {
        fields.skip(1)?;
        Ok(Self {
            next_outgoing_id: required("next-outgoing-id", fields.uint("next-outgoing-id")?)?,
            incoming_window: required("incoming-window", fields.uint("incoming-window")?)?,
        })
    }
}

impl<'a> Attach<'a> {
    fn decode(fields: &mut Fields<'a>) -> Result<Self, Error> {
        let mode = |value: &Value<'_>| value.uint()?.try_into().ok();
        let name = required("name", fields.typed("name", Value::text)?)?;
        let handle = required("handle", fields.uint("handle")?)?;
        let receiver = required("role", fields.bool("role")?)?;
        let snd_settle_mode = fields.typed("snd-settle-mode", mode)?;
        let rcv_settle_mode = fields.typed("rcv-settle-mode", mode)?;
        let source = Terminus::decode(fields.raw()?, true)?;
        let target = Terminus::decode(fields.raw()?, false)?;
        fields.skip(2)?;
        let initial_delivery_count = fields.uint("initial-delivery-count")?.unwrap_or(0);
        fields.skip(3)?;
        let properties = fields.typed("properties", Value::map)?;
        Ok(Self {
            name,
            handle,
            receiver,
            snd_settle_mode,
            rcv_settle_mode,
            source,
            target,
            initial_delivery_count,
            properties,
        })
    }
}

const COORDINATOR: u64 = 0x30;

/// Position of the filter among a source's fields.
pub(super) const FILTER_FIELD: usize = 7;

impl<'a> Terminus<'a> {
    fn decode(raw: Option<&'a [u8]>, source: bool) -> Result<Self, Error> {
        let Some(raw) = raw else { return Ok(Self::default()) };
        let (code, inner) = match Reader::new(raw).value()? {
            Value::Null => return Ok(Self::default()),
            Value::Described(code, inner) => (code, inner),
            _ => return Err(Error::new(condition::DECODE, "a source or target was expected")),
        };
        let Value::List(elements) = Reader::new(inner).value()? else {
            return Err(Error::new(condition::DECODE, "a source or target is a list"));
        };
        let coordinator = code == Some(COORDINATOR);
        let mut fields = Fields::new(elements);
        let address = fields.value()?.text();
        let filter = if source && !coordinator {
            fields.skip(FILTER_FIELD - 1)?;
            fields.typed("filter", Value::map)?
        } else {
            None
        };
        Ok(Self { raw: Some(raw), address, filter, coordinator })
    }
}

impl Flow {
    fn decode(fields: &mut Fields<'_>) -> Result<Self, Error> {
        let next_incoming_id = fields.uint("next-incoming-id")?;
        let incoming_window = required("incoming-window", fields.uint("incoming-window")?)?;
        fields.skip(2)?;
        let handle = fields.uint("handle")?;
        let delivery_count = fields.uint("delivery-count")?;
        let link_credit = fields.uint("link-credit")?;
        fields.skip(1)?;
        let drain = fields.bool("drain")?.unwrap_or(false);
        let echo = fields.bool("echo")?.unwrap_or(false);
        Ok(Self { next_incoming_id, incoming_window, handle, delivery_count, link_credit, drain, echo })
    }
}

impl<'a> Transfer<'a> {
    fn decode(fields: &mut Fields<'a>, payload: &'a [u8]) -> Result<Self, Error> {
        let handle = required("handle", fields.uint("handle")?)?;
        let delivery_id = fields.uint("delivery-id")?;
        fields.skip(1)?;
        let message_format = fields.uint("message-format")?;
        let settled = fields.bool("settled")?;
        let more = fields.bool("more")?.unwrap_or(false);
        fields.skip(1)?;
        let state = Outcome::decode(fields.value()?)?;
        fields.skip(1)?;
        let aborted = fields.bool("aborted")?.unwrap_or(false);
        Ok(Self { handle, delivery_id, message_format, settled, more, aborted, state, payload })
    }
}

impl<'a> Disposition<'a> {
    fn decode(fields: &mut Fields<'a>) -> Result<Self, Error> {
        let receiver = required("role", fields.bool("role")?)?;
        let first = required("first", fields.uint("first")?)?;
        let last = fields.uint("last")?.unwrap_or(first);
        let settled = fields.bool("settled")?.unwrap_or(false);
        let state = Outcome::decode(fields.value()?)?;
        Ok(Self { receiver, first, last, settled, state })
    }
}

/// How a peer introduces itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sasl<'a> {
    pub(crate) mechanism: &'a str,
    pub(crate) response: &'a [u8],
}

impl<'a> Sasl<'a> {
    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Error> {
        let (Some(descriptor::SASL_INIT), Value::List(elements)) = Reader::new(body).described()? else {
            return Err(Error::new(condition::DECODE, "sasl-init was expected"));
        };
        let mut fields = Fields::new(elements);
        let mechanism = required("mechanism", fields.typed("mechanism", Value::text)?)?;
        let response = match fields.value()? {
            Value::Binary(bytes) => bytes,
            _ => &[],
        };
        Ok(Self { mechanism, response })
    }
}
