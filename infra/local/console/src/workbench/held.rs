//! Files that somebody is working on.

use crate::failure::Error;
use iris_model::Slug;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::{NamedTempFile, TempPath};
use uuid::Uuid;

/// Files held at a time; the oldest one is dropped for a new one.
const HELD: usize = 16;

/// A file in a temporary place; deleted when nobody holds it any more.
pub(crate) struct Held {
    /// Whose.
    pub(crate) organization: Slug,
    /// What it is called.
    pub(crate) name: String,
    /// Where it lies.
    pub(crate) path: TempPath,
}

/// The files worked on.
#[derive(Default)]
pub(crate) struct Bench(Mutex<VecDeque<(Uuid, Arc<Held>)>>);

impl Bench {
    /// Takes a file and returns its key.
    pub(crate) fn hold(&self, held: Held) -> Uuid {
        let key = Uuid::new_v4();
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.push_back((key, Arc::new(held)));
        if files.len() > HELD {
            files.pop_front();
        }
        key
    }

    /// The file with this key.
    pub(crate) fn get(&self, key: Uuid) -> Result<Arc<Held>, Error> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = files.iter().find(|(own, _)| *own == key).map(|(_, held)| Arc::clone(held));
        found.ok_or(Error::Missing("such file on the workbench any more: bring it again"))
    }
}

/// A temporary file that is being written.
pub(crate) struct Writing(NamedTempFile);

impl Writing {
    /// An empty one.
    pub(crate) fn begin() -> Result<Self, Error> {
        Ok(Self(NamedTempFile::with_prefix("iris-workbench-").map_err(Error::Temporary)?))
    }

    /// Appends.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.0.write_all(piece).map_err(Error::Temporary)
    }

    /// The written file.
    pub(crate) fn finish(mut self) -> Result<TempPath, Error> {
        self.0.flush().map_err(Error::Temporary)?;
        Ok(self.0.into_temp_path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_gone_with_the_bench_and_the_oldest_goes_first() {
        let bench = Bench::default();
        let held = || {
            let mut writing = Writing::begin().unwrap();
            writing.write(b"MRN,DOB\n").unwrap();
            Held {
                organization: Slug::new("harborview").unwrap(),
                name: "a.csv".to_owned(),
                path: writing.finish().unwrap(),
            }
        };
        let first = bench.hold(held());
        let path = bench.get(first).unwrap().path.to_path_buf();
        assert!(path.exists());
        let last = (0..HELD).map(|_| bench.hold(held())).last().unwrap();
        assert!(bench.get(first).is_err() && !path.exists());
        let path = bench.get(last).unwrap().path.to_path_buf();
        drop(bench);
        assert!(!path.exists());
    }
}
