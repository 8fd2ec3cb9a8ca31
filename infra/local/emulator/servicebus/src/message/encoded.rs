//! A message as AMQP sections in one buffer of its own.

use super::{Error, PropertyValue, annotation, section};
use crate::codec::{Reader, Value, Writer};
use bytes::Bytes;

/// A message as encoded by its sender, without the header and delivery annotations, which the broker writes.
///
/// The bytes are a separate copy, because a slice of a connection's read buffer would pin all of it. Sections are in
/// the order that AMQP demands (whatever order the sender wrote them in, see [`super::sections`]), so three offsets
/// describe them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    bytes: Bytes,
    properties: u32,
    application: u32,
    body: u32,
    /// From the header; milliseconds.
    time_to_live: Option<u32>,
}

/// What the broker has to know about a message.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Facts<'a> {
    /// The encoded message-id, whatever its type.
    pub(crate) message_id: Option<&'a [u8]>,
    pub(crate) session_id: Option<&'a str>,
    /// Milliseconds since 1970.
    pub(crate) scheduled: Option<i64>,
}

/// Largest property text that the service accepts (message-id, session-id, partition-key), in characters.
const LONGEST_ID: usize = 128;

impl Encoded {
    /// Combines sections; each is already encoded, or empty.
    pub(super) fn from_sections(
        annotations: &[u8],
        properties: &[u8],
        application: &[u8],
        body: &[&[u8]],
        time_to_live: Option<u32>,
    ) -> Result<Self, Error> {
        let length: usize = body.iter().map(|part| part.len()).sum();
        let mut bytes = Vec::with_capacity(annotations.len() + properties.len() + application.len() + length);
        for part in [annotations, properties, application].iter().chain(body) {
            bytes.extend_from_slice(part);
        }
        Ok(Self {
            properties: offset(annotations.len())?,
            application: offset(annotations.len() + properties.len())?,
            body: offset(annotations.len() + properties.len() + application.len())?,
            bytes: Bytes::from(bytes),
            time_to_live,
        })
    }

    fn part(&self, from: u32, to: u32) -> &[u8] {
        self.bytes.get(from as usize..to as usize).unwrap_or_default()
    }

    /// The message-annotations section, or empty.
    pub(crate) fn annotations(&self) -> &[u8] {
        self.part(0, self.properties)
    }

    /// The properties section, or empty.
    pub(crate) fn properties(&self) -> &[u8] {
        self.part(self.properties, self.application)
    }

    /// The application-properties section, or empty.
    pub(crate) fn application_properties(&self) -> &[u8] {
        self.part(self.application, self.body)
    }

    /// Body sections and footer.
    pub(crate) fn body(&self) -> &[u8] {
        self.bytes.get(self.body as usize..).unwrap_or_default()
    }

    /// Body sections and footer without copying.
    pub(super) fn body_bytes(&self) -> Bytes {
        self.bytes.slice(self.body as usize..)
    }

    /// Everything from the properties section to the end, as it is sent again.
    pub(crate) fn after_annotations(&self) -> &[u8] {
        self.bytes.get(self.properties as usize..).unwrap_or_default()
    }

    /// All stored bytes; [`Encoded::parse`] restores the message from them, except for its time to live.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// From the header, in milliseconds.
    pub(crate) fn time_to_live(&self) -> Option<u32> {
        self.time_to_live
    }

    pub(crate) fn set_time_to_live(&mut self, millis: Option<u32>) {
        self.time_to_live = millis;
    }

    /// Size that counts against a queue's limit, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The fields of the properties section, as many as were sent.
    pub(super) fn property_fields(&self) -> Result<Vec<&[u8]>, Error> {
        let bytes = self.properties();
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        let (_, Value::List(fields)) = Reader::new(bytes).described()? else {
            return Err(crate::codec::Error::Invalid("properties are a list").into());
        };
        let mut reader = fields.reader();
        (0..fields.count()).map(|_| reader.raw().map_err(Error::from)).collect()
    }

    /// What the broker must know, without allocating.
    pub(crate) fn facts(&self) -> Result<Facts<'_>, Error> {
        let mut facts = Facts::default();
        if !self.properties().is_empty() {
            let (_, Value::List(fields)) = Reader::new(self.properties()).described()? else {
                return Err(crate::codec::Error::Invalid("properties are a list").into());
            };
            let mut reader = fields.reader();
            for index in 0..fields.count() {
                let raw = reader.raw()?;
                match (index, Reader::new(raw).value()?) {
                    (_, Value::Null) => {}
                    (0, value) => {
                        if value.text().is_some_and(|text| text.is_empty() || text.chars().nth(LONGEST_ID).is_some()) {
                            return Err(Error::Limit("a message-id has 1 to 128 characters"));
                        }
                        facts.message_id = Some(raw);
                    }
                    (10, Value::String(id)) => {
                        if id.chars().nth(LONGEST_ID).is_some() {
                            return Err(Error::Limit("a session-id has at most 128 characters"));
                        }
                        facts.session_id = Some(id);
                    }
                    _ => {}
                }
            }
        }
        if let Some(map) = map_of(self.annotations())? {
            facts.scheduled = match map.get(annotation::SCHEDULED_ENQUEUE_TIME) {
                Some(Value::Timestamp(millis)) => Some(millis),
                _ => None,
            };
        }
        Ok(facts)
    }

    /// The same message with other properties or annotations, body untouched.
    pub(super) fn with_sections(
        &self,
        annotations: &[u8],
        properties: &[u8],
        application: &[u8],
    ) -> Result<Self, Error> {
        Self::from_sections(annotations, properties, application, &[self.body()], self.time_to_live)
    }

    /// The same message with these application properties set, replacing those of the same names.
    pub(crate) fn with_properties(&self, set: &[(String, PropertyValue)]) -> Result<Self, Error> {
        self.changed(set, &[])
    }

    /// The same message with these application properties set and the others removed.
    pub(crate) fn changed(&self, set: &[(String, PropertyValue)], remove: &[String]) -> Result<Self, Error> {
        if set.is_empty() && remove.is_empty() {
            Ok(self.clone())
        } else {
            let is_removed = |name: &str| remove.iter().any(|known| known == name);
            self.edited(|name| set.iter().any(|(known, _)| known == name) || is_removed(name), set)
        }
    }

    /// The same message without these application properties.
    pub(crate) fn without_properties(&self, names: &[&str]) -> Result<Self, Error> {
        self.edited(|name| names.contains(&name), &[])
    }

    fn edited(&self, unwanted: impl Fn(&str) -> bool, set: &[(String, PropertyValue)]) -> Result<Self, Error> {
        let mut section = Vec::with_capacity(self.application_properties().len() + 64 * set.len());
        let kept = map_of(self.application_properties())?;
        Writer::new(&mut section).described(section::APPLICATION_PROPERTIES, |inner| {
            inner.map(|map| {
                let mut reader = kept.map(|kept| kept.reader()).unwrap_or_else(|| Reader::new(&[]));
                while let (Ok(name), Ok(value)) = (reader.raw(), reader.raw()) {
                    if !Reader::new(name).value().is_ok_and(|name| name.text().is_some_and(&unwanted)) {
                        map.encoded(name);
                        map.encoded(value);
                    }
                }
                for (name, value) in set {
                    map.string(name);
                    value.write(map);
                }
            });
        });
        self.with_sections(self.annotations(), self.properties(), &section)
    }
}

/// The map inside a section; `None` when the section is absent.
pub(crate) fn map_of(section: &[u8]) -> Result<Option<crate::codec::Elements<'_>>, Error> {
    if section.is_empty() {
        return Ok(None);
    }
    match Reader::new(section).described()? {
        (_, Value::Map(map)) => Ok(Some(map)),
        (_, Value::Null) => Ok(None),
        _ => Err(crate::codec::Error::Invalid("a map was expected").into()),
    }
}

fn offset(offset: usize) -> Result<u32, Error> {
    u32::try_from(offset).map_err(|_| Error::Limit("the message is larger than 4 GB"))
}
