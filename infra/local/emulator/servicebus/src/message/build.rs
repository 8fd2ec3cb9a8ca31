//! From [`Message`] to sections.

use super::{Encoded, Error, Message, annotation, section};
use crate::codec::{Writer, put_described_binary};
use uuid::Uuid;

/// Fields of the properties section: message-id, user-id, to, subject, reply-to, correlation-id, content-type,
/// content-encoding, absolute-expiry-time, creation-time, group-id, group-sequence, reply-to-group-id.
const PROPERTY_FIELDS: usize = 13;

impl Message {
    /// The message as AMQP sections.
    ///
    /// # Errors
    /// When a limit of the service is broken (ids over 128 characters, more than 4 GB).
    pub fn encode(&self) -> Result<Encoded, Error> {
        let mut annotations = Vec::new();
        if self.partition_key.is_some() || self.scheduled_enqueue_time.is_some() {
            Writer::new(&mut annotations).described(section::MESSAGE_ANNOTATIONS, |inner| {
                inner.map(|map| {
                    if let Some(key) = &self.partition_key {
                        map.symbol(annotation::PARTITION_KEY);
                        map.string(key);
                    }
                    if let Some(time) = self.scheduled_enqueue_time {
                        map.symbol(annotation::SCHEDULED_ENQUEUE_TIME);
                        map.timestamp(time.as_millisecond());
                    }
                });
            });
        }
        let mut properties = Vec::new();
        let texts: [Option<&str>; PROPERTY_FIELDS] = [
            self.message_id.as_deref(),
            None,
            self.to.as_deref(),
            self.subject.as_deref(),
            self.reply_to.as_deref(),
            self.correlation_id.as_deref(),
            None,
            None,
            None,
            None,
            self.session_id.as_deref(),
            None,
            self.reply_to_session_id.as_deref(),
        ];
        Writer::new(&mut properties).composite(section::PROPERTIES, |fields| {
            for (index, text) in texts.iter().enumerate() {
                match (index, &self.content_type, &self.content_encoding) {
                    (6, Some(symbol), _) | (7, _, Some(symbol)) => fields.symbol(symbol),
                    _ => fields.optional_string(*text),
                }
            }
        });
        let mut application = Vec::new();
        if !self.application_properties.is_empty() {
            Writer::new(&mut application).described(section::APPLICATION_PROPERTIES, |inner| {
                inner.map(|map| {
                    for (name, value) in &self.application_properties {
                        map.string(name);
                        value.write(map);
                    }
                });
            });
        }
        let mut body = Vec::with_capacity(self.body.len() + 8);
        put_described_binary(&mut body, section::DATA, &self.body);
        let ttl = self.time_to_live.map(|ttl| u32::try_from(ttl.as_millis()).unwrap_or(u32::MAX));
        let encoded = Encoded::from_sections(&annotations, &properties, &application, &[&body], ttl)?;
        encoded.facts()?;
        Ok(encoded)
    }
}

impl Encoded {
    /// The same message with an identity: a sender may leave it out, but receivers rely on it (the JavaScript SDK's
    /// lock renewer throws without it).
    pub(crate) fn with_identity(self) -> Result<Self, Error> {
        if self.facts()?.message_id.is_some() {
            return Ok(self);
        }
        let fields = self.property_fields()?;
        let mut properties = Vec::with_capacity(self.properties().len() + 48);
        Writer::new(&mut properties).composite(section::PROPERTIES, |list| {
            let mut text = Uuid::encode_buffer();
            list.string(Uuid::new_v4().simple().encode_lower(&mut text));
            for field in fields.iter().skip(1) {
                list.encoded(field);
            }
        });
        self.with_sections(self.annotations(), &properties, self.application_properties())
    }
}
