//! Unpacking the parts of a workbook on a thread of its own, and examining them on the way.
//!
//! A part is unpacked once, while it is read. A piece is handed over only after it has been examined, and mended where
//! it would be misread, so calamine never sees anything harmful. Parts that nobody reads are not unpacked. The channel
//! of [`AHEAD`] pieces bounds the memory; asking for another part, or dropping the reader, ends the current one.

use super::examine::Examined;
use super::mend;
use super::package::{Archive, Part, Sheets};
use super::refusal::{damaged, of_zip};
use super::remarks::Remark;
use crate::failure::FileIssue;
use crate::limits::Limits;
use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// Bytes handed over at a time.
const PIECE: usize = 64 * 1024;
/// Pieces the thread may be ahead of the reader.
const AHEAD: usize = 4;

/// A piece of a part, with the remarks about it.
pub(super) enum Piece {
    Bytes(Vec<u8>, Vec<Remark>),
    /// The part is complete.
    End,
}

/// A part as it arrives. A channel that closes without [`Piece::End`] or an error means damage.
pub(super) type Pieces = Receiver<Result<Piece, FileIssue>>;

type PieceSender = SyncSender<Result<Piece, FileIssue>>;

/// Requests parts from the thread, which ends when this is dropped.
pub(super) struct Inflater(Sender<(usize, PieceSender)>);

impl Inflater {
    /// Starts the thread.
    pub(super) fn start(mut archive: Archive, parts: &[Part], sheets: Sheets, limits: &Limits) -> Self {
        #[expect(clippy::disallowed_methods, reason = "one request for each part that is read")]
        let (sender, requests) = channel::<(usize, PieceSender)>();
        let keys: Vec<String> = parts.iter().map(Part::key).collect();
        let limits = limits.clone();
        std::thread::spawn(move || {
            for (index, reply) in requests {
                let name = keys.get(index).map_or("", String::as_str);
                // If nobody listens any more, nobody needs the part.
                let _ = reply.send(unpack(&mut archive, index, name, &sheets, &limits, &reply).map(|()| Piece::End));
            }
        });
        Self(sender)
    }

    /// The part at this index, from its beginning.
    pub(super) fn part(&self, index: usize) -> Pieces {
        let (sender, pieces) = sync_channel(AHEAD);
        // A thread that is gone leaves a closed channel behind, which counts as damage.
        let _ = self.0.send((index, sender));
        pieces
    }
}

fn unpack(
    archive: &mut Archive,
    index: usize,
    name: &str,
    sheets: &Sheets,
    limits: &Limits,
    reply: &PieceSender,
) -> Result<(), FileIssue> {
    let mut part = archive.by_index(index).map_err(|error| of_zip(&error))?;
    let is_xml = name.ends_with(".xml") || name.ends_with(".rels");
    let mut examined = Examined::new(name, part.size(), part.compressed_size(), limits, sheets);
    // The end of a piece that is held back, so that no cell is cut in two.
    let mut rest = Vec::new();
    loop {
        let mut piece = Vec::with_capacity(PIECE + rest.len());
        piece.append(&mut rest);
        let length = part.by_ref().take(PIECE as u64).read_to_end(&mut piece).map_err(|_| damaged())?;
        if piece.is_empty() {
            return Ok(());
        }
        if is_xml && length > 0 {
            let whole = mend::whole(&piece);
            // Anything longer than a piece is handed on as it comes.
            if whole > 0 {
                rest = piece.split_off(whole);
            }
        }
        let remarks = if is_xml { examined.pass(&mut piece)? } else { Vec::new() };
        if reply.send(Ok(Piece::Bytes(piece, remarks))).is_err() {
            return Ok(());
        }
    }
}
