//! Requests and responses of the `$cbs` and `$management` nodes.

use crate::codec::{Elements, Reader, Value, Writer};
use crate::message::{Encoded, Error, map_of, section};

/// A request, borrowed from its message.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    message: &'a Encoded,
    /// The encoded message-id, to be the response's correlation-id.
    pub(crate) message_id: Option<&'a [u8]>,
    pub(crate) reply_to: Option<String>,
    properties: Option<Elements<'a>>,
}

impl<'a> Request<'a> {
    pub(crate) fn new(message: &'a Encoded) -> Result<Self, Error> {
        Ok(Self {
            message,
            message_id: message.facts()?.message_id,
            reply_to: message.property_text(4),
            properties: map_of(message.application_properties())?,
        })
    }

    /// An application property.
    pub(crate) fn property(&self, name: &str) -> Option<Value<'a>> {
        self.properties?.get(name)
    }

    /// A text application property.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.property(name)?.text()
    }

    /// The value in the body.
    pub(crate) fn body(&self) -> Option<Value<'a>> {
        match Reader::new(self.message.body()).described() {
            Ok((Some(section::VALUE | section::DATA), value)) => Some(value),
            _ => None,
        }
    }

    /// A field of the map in the body.
    pub(crate) fn field(&self, name: &str) -> Option<Value<'a>> {
        self.body()?.map()?.get(name)
    }
}

/// A response's message.
#[derive(Debug)]
pub(crate) struct Response {
    bytes: Vec<u8>,
}

impl Response {
    fn start(message_id: Option<&[u8]>, properties: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        Writer::new(&mut bytes).composite(section::PROPERTIES, |fields| {
            (0..5).for_each(|_| fields.null());
            match message_id {
                Some(id) => fields.encoded(id), // correlation-id
                None => fields.null(),
            }
        });
        Writer::new(&mut bytes).described(section::APPLICATION_PROPERTIES, |inner| inner.map(properties));
        bytes
    }

    /// An answer of `$cbs`.
    pub(crate) fn cbs(message_id: Option<&[u8]>, status: i32, description: &str) -> Self {
        let mut bytes = Self::start(message_id, |map| {
            map.string("status-code");
            map.int(status);
            map.string("status-description");
            map.string(description);
        });
        Writer::new(&mut bytes).described(section::VALUE, |inner| inner.null());
        Self { bytes }
    }

    /// An answer of `$management`; `body` writes one value.
    pub(crate) fn management(
        message_id: Option<&[u8]>,
        status: i32,
        description: &str,
        condition: Option<&str>,
        body: impl FnOnce(&mut Writer<'_>),
    ) -> Self {
        let mut bytes = Self::start(message_id, |map| {
            map.string("statusCode");
            map.int(status);
            map.string("statusDescription");
            map.string(description);
            map.string("errorCondition");
            match condition {
                Some(condition) => map.symbol(condition),
                None => map.null(),
            }
        });
        Writer::new(&mut bytes).described(section::VALUE, body);
        Self { bytes }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
