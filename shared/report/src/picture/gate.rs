//! Limits how much is decoded at the same time.
//!
//! Reports are rendered in parallel, and a decoded image takes a hundred times the size of its file. Before decoding,
//! as many pixels are taken from the gate as the image has, and given back afterwards, so that a renderer's memory does
//! not grow with the number of reports in progress.

use std::sync::{Condvar, Mutex, PoisonError};

/// A limit on the pixels decoded at once.
#[derive(Debug)]
pub(crate) struct Gate {
    free: Mutex<u64>,
    freed: Condvar,
    all: u64,
}

impl Gate {
    pub(crate) fn new(pixels: u64) -> Self {
        Self { free: Mutex::new(pixels), freed: Condvar::new(), all: pixels }
    }

    /// Waits until that many pixels are free. An image larger than the whole gate passes alone.
    pub(crate) fn enter(&self, pixels: u64) -> Pass<'_> {
        let pixels = pixels.min(self.all);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free < pixels {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= pixels;
        Pass { gate: self, pixels }
    }
}

/// The pixels taken, given back when dropped.
pub(crate) struct Pass<'a> {
    gate: &'a Gate,
    pixels: u64,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.gate.free.lock().unwrap_or_else(PoisonError::into_inner) += self.pixels;
        self.gate.freed.notify_all();
    }
}
