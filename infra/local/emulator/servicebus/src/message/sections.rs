//! The sections of a message as a sender wrote them.
//!
//! AMQP defines a fixed order, and readers rely on it. Not all senders keep to it: Python's library writes delivery
//! annotations last, so a message that it received and sends again has them after the body. So sections are accepted in
//! any order, and put into the right one.

use super::{Encoded, Error, section};
use crate::codec::{Reader, Value};

/// A message's sections, each whole with its descriptor. Header and delivery annotations are written by the broker: of
/// the header only the time to live is kept, of the annotations nothing.
#[derive(Debug, Default)]
struct Sections<'a> {
    header: Option<&'a [u8]>,
    delivery_annotations: Option<&'a [u8]>,
    annotations: Option<&'a [u8]>,
    properties: Option<&'a [u8]>,
    application: Option<&'a [u8]>,
    body: Vec<&'a [u8]>,
    value: Option<&'a [u8]>,
    footer: Option<&'a [u8]>,
    time_to_live: Option<u32>,
}

impl<'a> Sections<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut sections = Self::default();
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let before = reader.rest();
            let Value::Described(Some(descriptor), value) = reader.value()? else { return Err(Error::Sections) };
            let whole = before.get(..before.len() - reader.rest().len()).unwrap_or_default();
            sections.add(descriptor, value, whole)?;
        }
        Ok(sections)
    }

    fn add(&mut self, descriptor: u64, value: &[u8], whole: &'a [u8]) -> Result<(), Error> {
        let single = match descriptor {
            section::HEADER => {
                self.time_to_live = header_ttl(value)?;
                &mut self.header
            }
            section::DELIVERY_ANNOTATIONS => &mut self.delivery_annotations,
            section::MESSAGE_ANNOTATIONS => {
                check_map(value)?;
                &mut self.annotations
            }
            section::PROPERTIES => &mut self.properties,
            section::APPLICATION_PROPERTIES => {
                check_map(value)?;
                &mut self.application
            }
            section::VALUE => {
                self.body.push(whole);
                &mut self.value
            }
            section::FOOTER => &mut self.footer,
            section::DATA | section::SEQUENCE => {
                self.body.push(whole);
                return Ok(());
            }
            _ => return Err(Error::Sections),
        };
        match single.replace(whole) {
            Some(_) => Err(Error::Sections),
            None => Ok(()),
        }
    }
}

impl Encoded {
    /// Checks and copies an encoded message.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let Sections { annotations, properties, application, mut body, footer, time_to_live, .. } =
            Sections::read(bytes)?;
        body.extend(footer);
        let part = Option::unwrap_or_default;
        let encoded = Self::from_sections(part(annotations), part(properties), part(application), &body, time_to_live)?;
        encoded.facts()?;
        Ok(encoded)
    }
}

/// A map section is accepted only if every key and value in it can be read, so that later readers may rely on it.
fn check_map(value: &[u8]) -> Result<(), Error> {
    match Reader::new(value).value()? {
        Value::Null => Ok(()),
        Value::Map(map) => {
            let mut reader = map.reader();
            for _ in 0..map.count() {
                reader.skip()?;
            }
            Ok(())
        }
        _ => Err(crate::codec::Error::Invalid("a map was expected").into()),
    }
}

fn header_ttl(value: &[u8]) -> Result<Option<u32>, Error> {
    let Value::List(fields) = Reader::new(value).value()? else {
        return Err(crate::codec::Error::Invalid("a header is a list").into());
    };
    Ok(match fields.iter().nth(2) {
        Some(field) => field?.uint(),
        None => None,
    })
}
