//! A buffer between a synchronous writer and an upload.

use bytes::Bytes;
use std::io::{Result as IoResult, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The bytes written since they were last taken.
#[derive(Clone, Default)]
pub(crate) struct Piece(Arc<Mutex<Vec<u8>>>);

impl Piece {
    pub(crate) fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Piece {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> IoResult<()> {
        Ok(())
    }
}
