//! A workbook as it is presented to calamine: the same parts under the same names, in an archive that stores them
//! unpacked.
//!
//! calamine opens archives itself and would unpack their parts unseen. So it gets a virtual archive: headers and
//! directory are made up here from what [`super::package`] found, and the bytes of a part come from the [`Inflater`] as
//! they arrive. Everything calamine reads has been examined, and no part is unpacked twice for it.
//!
//! ```text
//! header of part 0 | part 0, from the inflater | header of part 1 | part 1 … | gap | directory | end of directory
//! ```

use super::inflate::{Inflater, Piece, Pieces};
use super::package::Part;
use super::remarks::Remark;
use crate::failure::FileIssue;
use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Zeros between the parts and the directory, so that a search for the directory from the end does not hit a part.
const GAP: usize = 4096;

/// What was found while parts were read.
#[derive(Default, Clone)]
pub(super) struct Findings(Arc<Mutex<Found>>);

#[derive(Default)]
struct Found {
    remarks: VecDeque<Remark>,
    /// Why a part ended early.
    defect: Option<FileIssue>,
}

impl Findings {
    /// Appends the new remarks to the known ones.
    pub(super) fn remarks(&self, known: &mut VecDeque<Remark>) {
        known.append(&mut self.lock().remarks);
    }

    /// Why reading failed, if the reason is known here.
    pub(super) fn defect(&self) -> Option<FileIssue> {
        self.lock().defect.take()
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The virtual archive.
pub(super) struct Stored {
    regions: Vec<Region>,
    length: u64,
    at: u64,
    inflater: Inflater,
    open: Option<Open>,
    findings: Findings,
}

/// A stretch of the archive.
struct Region {
    start: u64,
    length: u64,
    content: Content,
}

enum Content {
    Bytes(Vec<u8>),
    Part(usize),
}

/// The part being read.
struct Open {
    index: usize,
    pieces: Pieces,
    /// The current piece, how much of it is used, and where in the part the rest begins.
    piece: Vec<u8>,
    used: usize,
    at: u64,
}

impl Stored {
    /// An archive of these parts, and the place where it records findings.
    pub(super) fn new(parts: &[Part], inflater: Inflater) -> (Self, Findings) {
        let findings = Findings::default();
        let mut archive = Self {
            regions: Vec::with_capacity(parts.len() * 2 + 1),
            length: 0,
            at: 0,
            inflater,
            open: None,
            findings: findings.clone(),
        };
        let mut directory = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            directory_entry(&mut directory, part, archive.length);
            archive.region(Content::Bytes(header(part)), None);
            archive.region(Content::Part(index), Some(part.size));
        }
        let mut end = vec![0; GAP];
        let start = archive.length + GAP as u64;
        let size = directory.len();
        end.append(&mut directory);
        end_of_directory(&mut end, parts.len(), size, start);
        archive.region(Content::Bytes(end), None);
        (archive, findings)
    }

    fn region(&mut self, content: Content, size: Option<u64>) {
        let length = match &content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Part(_) => size.unwrap_or(0),
        };
        if length > 0 {
            self.regions.push(Region { start: self.length, length, content });
            self.length += length;
        }
    }

    /// Bytes of a part from this offset on.
    fn part(&mut self, index: usize, place: u64, buffer: &mut [u8]) -> Result<usize> {
        if self.open.as_ref().is_none_or(|open| open.index != index || open.at > place) {
            self.findings.lock().remarks.clear();
            let pieces = self.inflater.part(index);
            self.open = Some(Open { index, pieces, piece: Vec::new(), used: 0, at: 0 });
        }
        let Some(open) = &mut self.open else { return Ok(0) };
        loop {
            let left = open.piece.get(open.used..).unwrap_or_default();
            let skipped = usize::try_from(place - open.at).unwrap_or(usize::MAX).min(left.len());
            let wanted = left.get(skipped..).unwrap_or_default();
            let length = wanted.len().min(buffer.len());
            if let (Some(to), Some(from)) = (buffer.get_mut(..length), wanted.get(..length)) {
                to.copy_from_slice(from);
            }
            open.used += skipped + length;
            open.at += (skipped + length) as u64;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            match open.pieces.recv() {
                Ok(Ok(Piece::Bytes(bytes, remarks))) => {
                    self.findings.lock().remarks.extend(remarks);
                    (open.piece, open.used) = (bytes, 0);
                }
                Ok(Ok(Piece::End)) | Err(_) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(Err(defect)) => {
                    self.findings.lock().defect = Some(defect);
                    return Err(Error::other("the part is not read any further"));
                }
            }
        }
    }
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let region = self.regions.partition_point(|region| region.start + region.length <= self.at);
        let Some(region) = self.regions.get(region) else { return Ok(0) };
        let place = self.at - region.start;
        let most = usize::try_from(region.length - place).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let length = match &region.content {
            Content::Bytes(bytes) => {
                let from = usize::try_from(place).ok().and_then(|place| bytes.get(place..)).unwrap_or_default();
                let length = from.len().min(buffer.len());
                if let (Some(to), Some(from)) = (buffer.get_mut(..length), from.get(..length)) {
                    to.copy_from_slice(from);
                }
                length
            }
            Content::Part(index) => {
                let index = *index;
                self.part(index, place, buffer)?
            }
        };
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for Stored {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// What headers and directory have in common about a part: version 2.0, names in UTF-8, stored, no time.
fn description(out: &mut Vec<u8>, part: &Part) {
    let size = u32::try_from(part.size).unwrap_or(u32::MAX).to_le_bytes();
    out.extend(20u16.to_le_bytes());
    out.extend(0x0800u16.to_le_bytes());
    out.extend([0; 6]);
    out.extend(part.crc.to_le_bytes());
    out.extend(size);
    out.extend(size);
    out.extend(u16::try_from(part.name.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend([0; 2]);
}

fn header(part: &Part) -> Vec<u8> {
    let mut out = b"PK\x03\x04".to_vec();
    description(&mut out, part);
    out.extend(part.name.as_bytes());
    out
}

fn directory_entry(out: &mut Vec<u8>, part: &Part, header: u64) {
    out.extend(b"PK\x01\x02");
    out.extend(20u16.to_le_bytes());
    description(out, part);
    out.extend([0; 10]);
    out.extend(u32::try_from(header).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(part.name.as_bytes());
}

fn end_of_directory(out: &mut Vec<u8>, parts: usize, size: usize, start: u64) {
    let parts = u16::try_from(parts).unwrap_or(u16::MAX).to_le_bytes();
    out.extend(b"PK\x05\x06");
    out.extend([0; 4]);
    out.extend(parts);
    out.extend(parts);
    out.extend(u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(u32::try_from(start).unwrap_or(u32::MAX).to_le_bytes());
    out.extend([0; 2]);
}
