//! From sections to [`Message`].

use super::{Encoded, Error, Message, PropertyValue, annotation, encoded::map_of, section};
use crate::codec::{Reader, Value};
use bytes::Bytes;
use std::time::Duration;

impl Encoded {
    /// The message parsed. Everything that [`Encoded::parse`] accepted parses; fields of unexpected types are left out.
    pub fn to_message(&self) -> Message {
        self.parsed().unwrap_or_default()
    }

    fn parsed(&self) -> Result<Message, Error> {
        let mut message = Message {
            time_to_live: self.time_to_live().map(|millis| Duration::from_millis(millis.into())),
            body: joined_body(self)?,
            ..Message::default()
        };
        for (index, raw) in self.property_fields()?.into_iter().enumerate() {
            let value = Reader::new(raw).value()?;
            let field = match index {
                0 => &mut message.message_id,
                2 => &mut message.to,
                3 => &mut message.subject,
                4 => &mut message.reply_to,
                5 => &mut message.correlation_id,
                6 => &mut message.content_type,
                7 => &mut message.content_encoding,
                10 => &mut message.session_id,
                12 => &mut message.reply_to_session_id,
                _ => continue,
            };
            *field = id_text(&value);
        }
        if let Some(map) = map_of(self.annotations())? {
            message.partition_key = map.get(annotation::PARTITION_KEY).and_then(|key| key.text().map(str::to_owned));
            message.scheduled_enqueue_time = match map.get(annotation::SCHEDULED_ENQUEUE_TIME) {
                Some(Value::Timestamp(millis)) => jiff::Timestamp::from_millisecond(millis).ok(),
                _ => None,
            };
        }
        if let Some(map) = map_of(self.application_properties())? {
            for pair in map.pairs() {
                let (name, value) = pair?;
                if let (Some(name), Some(value)) = (name.text(), PropertyValue::parse(&value)) {
                    message.application_properties.push((name.to_owned(), value));
                }
            }
        }
        Ok(message)
    }

    /// One application property, without parsing the rest.
    pub(crate) fn application_property(&self, name: &str) -> Option<PropertyValue> {
        map_of(self.application_properties()).ok()??.get(name).and_then(|value| PropertyValue::parse(&value))
    }

    /// The text of a field of the properties section, by position.
    pub(crate) fn property_text(&self, index: usize) -> Option<String> {
        let fields = self.property_fields().ok()?;
        Reader::new(fields.get(index)?).value().ok().and_then(|value| id_text(&value))
    }
}

/// Text of an id field, whose type may be string, ulong, uuid or binary.
pub(crate) fn id_text(value: &Value<'_>) -> Option<String> {
    match *value {
        Value::String(text) | Value::Symbol(text) => Some(text.to_owned()),
        Value::Ulong(number) => Some(number.to_string()),
        Value::Uuid(bytes) => Some(uuid::Uuid::from_bytes(bytes).to_string()),
        Value::Binary(bytes) => {
            Some(bytes.iter().fold(String::with_capacity(bytes.len() * 2), |text, byte| text + &format!("{byte:02x}")))
        }
        _ => None,
    }
}

fn joined_body(encoded: &Encoded) -> Result<Bytes, Error> {
    let whole = encoded.body_bytes();
    let mut reader = Reader::new(&whole);
    let mut joined: Vec<Bytes> = Vec::new();
    while !reader.is_empty() {
        let Value::Described(Some(descriptor), value) = reader.value()? else { return Err(Error::Sections) };
        match (descriptor, Reader::new(value).value()?) {
            (section::FOOTER, _) => {}
            (section::DATA | section::VALUE, Value::Binary(bytes)) => joined.push(whole.slice_ref(bytes)),
            (section::VALUE, Value::String(text)) => joined.push(whole.slice_ref(text.as_bytes())),
            (section::VALUE, Value::Null) => {}
            _ => joined.push(whole.slice_ref(value)),
        }
    }
    Ok(match &joined[..] {
        [] => Bytes::new(),
        [only] => only.clone(),
        many => many.concat().into(),
    })
}
