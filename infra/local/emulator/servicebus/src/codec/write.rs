//! Appending AMQP values to a buffer.

use super::code;

/// Appends values and counts them, so that the header of a compound can be filled in once its elements are known.
///
/// Compounds are always written with 32-bit sizes: four spare bytes are cheaper than measuring twice.
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    count: u32,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, count: 0 }
    }

    fn put(&mut self, code: u8, bytes: &[u8]) {
        self.out.push(code);
        self.out.extend_from_slice(bytes);
        self.count += 1;
    }

    pub(crate) fn null(&mut self) {
        self.put(code::NULL, &[]);
    }

    pub(crate) fn bool(&mut self, flag: bool) {
        self.put(if flag { code::TRUE } else { code::FALSE }, &[]);
    }

    pub(crate) fn ubyte(&mut self, number: u8) {
        self.put(code::UBYTE, &[number]);
    }

    pub(crate) fn ushort(&mut self, number: u16) {
        self.put(code::USHORT, &number.to_be_bytes());
    }

    pub(crate) fn uint(&mut self, number: u32) {
        match u8::try_from(number) {
            Ok(small) => self.put(code::SMALL_UINT, &[small]),
            Err(_) => self.put(code::UINT, &number.to_be_bytes()),
        }
    }

    pub(crate) fn optional_uint(&mut self, number: Option<u32>) {
        match number {
            Some(number) => self.uint(number),
            None => self.null(),
        }
    }

    pub(crate) fn ulong(&mut self, number: u64) {
        match u8::try_from(number) {
            Ok(small) => self.put(code::SMALL_ULONG, &[small]),
            Err(_) => self.put(code::ULONG, &number.to_be_bytes()),
        }
    }

    pub(crate) fn int(&mut self, number: i32) {
        self.put(code::INT, &number.to_be_bytes());
    }

    pub(crate) fn long(&mut self, number: i64) {
        self.put(code::LONG, &number.to_be_bytes());
    }

    pub(crate) fn double(&mut self, number: f64) {
        self.put(code::DOUBLE, &number.to_be_bytes());
    }

    /// Milliseconds since 1970.
    pub(crate) fn timestamp(&mut self, millis: i64) {
        self.put(code::TIMESTAMP, &millis.to_be_bytes());
    }

    pub(crate) fn uuid(&mut self, bytes: &[u8; 16]) {
        self.put(code::UUID, bytes);
    }

    fn variable(&mut self, short: u8, long: u8, bytes: &[u8]) {
        match u8::try_from(bytes.len()) {
            Ok(length) => self.out.extend_from_slice(&[short, length]),
            Err(_) => {
                self.out.push(long);
                self.out.extend_from_slice(&length(bytes.len()));
            }
        }
        self.out.extend_from_slice(bytes);
        self.count += 1;
    }

    pub(crate) fn binary(&mut self, bytes: &[u8]) {
        self.variable(code::BINARY_8, code::BINARY_32, bytes);
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.variable(code::STRING_8, code::STRING_32, text.as_bytes());
    }

    pub(crate) fn symbol(&mut self, text: &str) {
        self.variable(code::SYMBOL_8, code::SYMBOL_32, text.as_bytes());
    }

    pub(crate) fn optional_string(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.null(),
        }
    }

    /// One value that is already encoded.
    pub(crate) fn encoded(&mut self, value: &[u8]) {
        self.out.extend_from_slice(value);
        self.count += 1;
    }

    fn compound(&mut self, code: u8, fill: impl FnOnce(&mut Writer<'_>)) {
        self.out.push(code);
        let at = self.out.len();
        self.out.extend_from_slice(&[0; 8]);
        let mut inner = Writer::new(self.out);
        fill(&mut inner);
        let count = inner.count;
        let size = self.out.len() - at - 4;
        if let Some(head) = self.out.get_mut(at..at + 8) {
            let (size_field, count_field) = head.split_at_mut(4);
            size_field.copy_from_slice(&length(size));
            count_field.copy_from_slice(&count.to_be_bytes());
        }
        self.count += 1;
    }

    pub(crate) fn list(&mut self, fill: impl FnOnce(&mut Writer<'_>)) {
        self.compound(code::LIST_32, fill);
    }

    /// `fill` writes alternating keys and values.
    pub(crate) fn map(&mut self, fill: impl FnOnce(&mut Writer<'_>)) {
        self.compound(code::MAP_32, fill);
    }

    /// An array of symbols, as used for `offered-capabilities` and SASL mechanisms.
    pub(crate) fn symbols(&mut self, symbols: &[&str]) {
        self.array(code::SYMBOL_32, symbols.len(), |out| {
            for symbol in symbols {
                out.extend_from_slice(&length(symbol.len()));
                out.extend_from_slice(symbol.as_bytes());
            }
        });
    }

    /// An array of longs (sequence numbers).
    pub(crate) fn longs(&mut self, numbers: &[i64]) {
        self.array(code::LONG, numbers.len(), |out| {
            numbers.iter().for_each(|n| out.extend_from_slice(&n.to_be_bytes()));
        });
    }

    /// An array of timestamps (lock expirations), in milliseconds since 1970.
    pub(crate) fn timestamps(&mut self, millis: &[i64]) {
        self.array(code::TIMESTAMP, millis.len(), |out| {
            millis.iter().for_each(|n| out.extend_from_slice(&n.to_be_bytes()));
        });
    }

    fn array(&mut self, constructor: u8, count: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(code::ARRAY_32);
        let at = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        self.out.extend_from_slice(&length(count));
        self.out.push(constructor);
        fill(self.out);
        let size = self.out.len() - at - 4;
        if let Some(field) = self.out.get_mut(at..at + 4) {
            field.copy_from_slice(&length(size));
        }
        self.count += 1;
    }

    /// A described value; `fill` writes exactly one value.
    pub(crate) fn described(&mut self, descriptor: u64, fill: impl FnOnce(&mut Writer<'_>)) {
        self.out.push(code::DESCRIBED);
        let mut inner = Writer::new(self.out);
        inner.ulong(descriptor);
        fill(&mut inner);
        self.count += 1;
    }

    /// A described list: a performative or another composite type.
    pub(crate) fn composite(&mut self, descriptor: u64, fill: impl FnOnce(&mut Writer<'_>)) {
        self.described(descriptor, |inner| inner.list(fill));
    }
}

/// A section that is one binary, like the data sections of a body.
pub(crate) fn put_described_binary(out: &mut Vec<u8>, descriptor: u64, bytes: &[u8]) {
    Writer::new(out).described(descriptor, |inner| inner.binary(bytes));
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}
