//! Reading AMQP values out of borrowed bytes.

use super::code;

/// Why bytes are not an AMQP value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The value claims to be longer than the available bytes.
    #[error("the value is longer than its enclosing bytes")]
    Truncated,
    /// No AMQP type has this format code.
    #[error("0x{0:02x} is not a format code")]
    UnknownCode(u8),
    /// Text that is not UTF-8, an invalid character, a map with an odd number of elements, and the like.
    #[error("{0}")]
    Invalid(&'static str),
}

/// One decoded value, borrowing from the bytes it was read from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Ubyte(u8),
    Ushort(u16),
    Uint(u32),
    Ulong(u64),
    Byte(i8),
    Short(i16),
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Char(char),
    /// Milliseconds since 1970.
    Timestamp(i64),
    Uuid([u8; 16]),
    /// IEEE 754 decimals are passed on, never computed with.
    Decimal(&'a [u8]),
    Binary(&'a [u8]),
    String(&'a str),
    Symbol(&'a str),
    List(Elements<'a>),
    Map(Elements<'a>),
    /// An array is passed on whole; its elements share one constructor.
    Array(Elements<'a>),
    /// Descriptor code (numeric descriptors only; symbolic ones are `None`) and the encoded value it describes.
    Described(Option<u64>, &'a [u8]),
}

/// The undecoded elements of a list, a map (alternating keys and values) or an array.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Elements<'a> {
    count: u32,
    body: &'a [u8],
    /// The constructor shared by all elements of an array.
    constructor: Option<u8>,
}

impl<'a> Elements<'a> {
    /// A reader over the elements of a list or map.
    pub(crate) fn reader(&self) -> Reader<'a> {
        Reader::new(self.body)
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The elements, one by one. A decode error is returned and ends the iteration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Result<Value<'a>, Error>> + use<'a> {
        let mut reader = self.reader();
        let constructor = self.constructor;
        let mut left = self.count;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            left -= 1;
            let value = match constructor {
                Some(code) => reader.primitive(code),
                None => reader.value(),
            };
            if value.is_err() {
                left = 0;
            }
            Some(value)
        })
    }

    /// The elements of a map as pairs.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = Result<(Value<'a>, Value<'a>), Error>> + use<'a> {
        let mut elements = self.iter();
        std::iter::from_fn(move || {
            let key = elements.next()?;
            let value = elements.next().unwrap_or(Err(Error::Truncated));
            Some(key.and_then(|key| Ok((key, value?))))
        })
    }

    /// The value of a string or symbol key in a map. Undecodable maps have none.
    pub(crate) fn get(&self, key: &str) -> Option<Value<'a>> {
        self.pairs().map_while(Result::ok).find_map(|(name, value)| (name.text() == Some(key)).then_some(value))
    }
}

impl<'a> Value<'a> {
    /// Text of a string or a symbol.
    pub(crate) fn text(&self) -> Option<&'a str> {
        match *self {
            Value::String(text) | Value::Symbol(text) => Some(text),
            _ => None,
        }
    }

    /// Any integer type, as long as the number fits.
    pub(crate) fn integer(&self) -> Option<i64> {
        Some(match *self {
            Value::Ubyte(n) => n.into(),
            Value::Ushort(n) => n.into(),
            Value::Uint(n) => n.into(),
            Value::Ulong(n) => i64::try_from(n).ok()?,
            Value::Byte(n) => n.into(),
            Value::Short(n) => n.into(),
            Value::Int(n) => n.into(),
            Value::Long(n) | Value::Timestamp(n) => n,
            _ => return None,
        })
    }

    /// Any non-negative integer that fits 32 bits.
    pub(crate) fn uint(&self) -> Option<u32> {
        self.integer().and_then(|n| u32::try_from(n).ok())
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        match *self {
            Value::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    pub(crate) fn map(&self) -> Option<Elements<'a>> {
        match *self {
            Value::Map(elements) => Some(elements),
            _ => None,
        }
    }

    /// The elements of a list or an array.
    pub(crate) fn sequence(&self) -> Option<Elements<'a>> {
        match *self {
            Value::List(elements) | Value::Array(elements) => Some(elements),
            _ => None,
        }
    }
}

/// A cursor over encoded values.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    fn sized(&mut self, wide: bool) -> Result<&'a [u8], Error> {
        let length = if wide { u32::from_be_bytes(self.array()?) as usize } else { self.byte()?.into() };
        self.take(length)
    }

    fn text(&mut self, wide: bool) -> Result<&'a str, Error> {
        std::str::from_utf8(self.sized(wide)?).map_err(|_| Error::Invalid("text is not UTF-8"))
    }

    fn elements(&mut self, wide: bool, array: bool) -> Result<Elements<'a>, Error> {
        let mut inner = Reader::new(self.sized(wide)?);
        let count = if wide { u32::from_be_bytes(inner.array()?) } else { inner.byte()?.into() };
        let constructor = match array {
            true if count > 0 || !inner.is_empty() => Some(inner.byte()?),
            _ => None,
        };
        // Every element takes at least a byte, except in arrays of types without content, of which there is no
        // legitimate use in large numbers.
        if count as usize > inner.rest.len() && (constructor.is_none() || count > 4096) {
            return Err(Error::Invalid("more elements than bytes"));
        }
        Ok(Elements { count, body: inner.rest, constructor })
    }

    /// The next value.
    pub(crate) fn value(&mut self) -> Result<Value<'a>, Error> {
        match self.byte()? {
            code::DESCRIBED => {
                let descriptor = self.descriptor()?;
                Ok(Value::Described(descriptor, self.raw()?))
            }
            code => self.primitive(code),
        }
    }

    /// The descriptor after a 0x00: a number, or `None` for a symbol.
    fn descriptor(&mut self) -> Result<Option<u64>, Error> {
        let code = self.byte()?;
        match self.primitive(code)? {
            Value::Ulong(number) => Ok(Some(number)),
            Value::Symbol(_) => Ok(None),
            _ => Err(Error::Invalid("a descriptor is a ulong or a symbol")),
        }
    }

    /// Skips one value, however many descriptors it has.
    pub(crate) fn skip(&mut self) -> Result<(), Error> {
        loop {
            match self.byte()? {
                code::DESCRIBED => {
                    self.descriptor()?;
                }
                code => return self.primitive(code).map(drop),
            }
        }
    }

    /// The next value, still encoded.
    pub(crate) fn raw(&mut self) -> Result<&'a [u8], Error> {
        let before = self.rest;
        self.skip()?;
        Ok(before.get(..before.len() - self.rest.len()).unwrap_or_default())
    }

    /// The descriptor and the content of a described value; anything else is an error.
    pub(crate) fn described(&mut self) -> Result<(Option<u64>, Value<'a>), Error> {
        match self.value()? {
            Value::Described(descriptor, value) => Ok((descriptor, Reader::new(value).value()?)),
            _ => Err(Error::Invalid("a described value was expected")),
        }
    }

    fn primitive(&mut self, code: u8) -> Result<Value<'a>, Error> {
        Ok(match code {
            code::NULL => Value::Null,
            code::TRUE => Value::Bool(true),
            code::FALSE => Value::Bool(false),
            code::BOOL => match self.byte()? {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                _ => return Err(Error::Invalid("a boolean is 0 or 1")),
            },
            code::UINT_0 => Value::Uint(0),
            code::ULONG_0 => Value::Ulong(0),
            code::UBYTE => Value::Ubyte(self.byte()?),
            code::BYTE => Value::Byte(i8::from_be_bytes(self.array()?)),
            code::SMALL_UINT => Value::Uint(self.byte()?.into()),
            code::SMALL_ULONG => Value::Ulong(self.byte()?.into()),
            code::SMALL_INT => Value::Int(i8::from_be_bytes(self.array()?).into()),
            code::SMALL_LONG => Value::Long(i8::from_be_bytes(self.array()?).into()),
            code::USHORT => Value::Ushort(u16::from_be_bytes(self.array()?)),
            code::SHORT => Value::Short(i16::from_be_bytes(self.array()?)),
            code::UINT => Value::Uint(u32::from_be_bytes(self.array()?)),
            code::INT => Value::Int(i32::from_be_bytes(self.array()?)),
            code::FLOAT => Value::Float(f32::from_be_bytes(self.array()?)),
            code::CHAR => Value::Char(
                char::from_u32(u32::from_be_bytes(self.array()?)).ok_or(Error::Invalid("not a Unicode character"))?,
            ),
            code::DECIMAL_32 => Value::Decimal(self.take(4)?),
            code::ULONG => Value::Ulong(u64::from_be_bytes(self.array()?)),
            code::LONG => Value::Long(i64::from_be_bytes(self.array()?)),
            code::DOUBLE => Value::Double(f64::from_be_bytes(self.array()?)),
            code::TIMESTAMP => Value::Timestamp(i64::from_be_bytes(self.array()?)),
            code::DECIMAL_64 => Value::Decimal(self.take(8)?),
            code::DECIMAL_128 => Value::Decimal(self.take(16)?),
            code::UUID => Value::Uuid(self.array()?),
            code::BINARY_8 => Value::Binary(self.sized(false)?),
            code::BINARY_32 => Value::Binary(self.sized(true)?),
            code::STRING_8 => Value::String(self.text(false)?),
            code::STRING_32 => Value::String(self.text(true)?),
            code::SYMBOL_8 => Value::Symbol(self.text(false)?),
            code::SYMBOL_32 => Value::Symbol(self.text(true)?),
            code::LIST_0 => Value::List(Elements { count: 0, body: &[], constructor: None }),
            code::LIST_8 => Value::List(self.elements(false, false)?),
            code::LIST_32 => Value::List(self.elements(true, false)?),
            code::MAP_8 => Value::Map(even(self.elements(false, false)?)?),
            code::MAP_32 => Value::Map(even(self.elements(true, false)?)?),
            code::ARRAY_8 => Value::Array(self.elements(false, true)?),
            code::ARRAY_32 => Value::Array(self.elements(true, true)?),
            other => return Err(Error::UnknownCode(other)),
        })
    }
}

fn even(elements: Elements<'_>) -> Result<Elements<'_>, Error> {
    if elements.count.is_multiple_of(2) { Ok(elements) } else { Err(Error::Invalid("a map has a key without a value")) }
}
