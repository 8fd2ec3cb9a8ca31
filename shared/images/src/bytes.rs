//! Reads numbers from a slice, never beyond its end.

use crate::Stop;

/// A position in a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    pub(crate) big_endian: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], position: usize, big_endian: bool) -> Self {
        Self { bytes, position, big_endian }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The next bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Stop> {
        let end = self.position.checked_add(count).ok_or(Stop::End)?;
        let taken = self.bytes.get(self.position..end).ok_or(Stop::End)?;
        self.position = end;
        Ok(taken)
    }

    /// Moves on without reading. The position may end up beyond the end, in which case the next read stops.
    pub(crate) fn skip(&mut self, count: usize) {
        self.position = self.position.saturating_add(count);
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Stop> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Stop> {
        let bytes = self.array()?;
        Ok(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Stop> {
        let bytes = self.array()?;
        Ok(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        self.take(N)?.try_into().map_err(|_| Stop::End)
    }
}
