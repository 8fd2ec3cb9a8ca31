//! Reading rows ahead on a thread of its own, so that reading and mapping overlap.
//!
//! The thread hands rows over in pieces of [`PIECE`] through a channel of [`AHEAD`] pieces, which bounds the memory
//! between the two. When the receiver stops, the thread ends with the next piece.

use crate::failure::FileIssue;
use crate::line::{Line, Lines};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Rows per piece, and the bytes of text that end a piece early.
const PIECE: usize = 128;
const PIECE_BYTES: usize = 128 << 10;
/// Pieces the thread may be ahead of the receiver.
const AHEAD: usize = 4;

type Piece = Result<Vec<Line>, FileIssue>;

/// Passes each row to `take`, until there are no more rows or it stops.
pub(crate) fn each(
    mut lines: impl Lines + Send,
    mut take: impl FnMut(Line) -> Result<ControlFlow<()>, FileIssue>,
) -> Result<(), FileIssue> {
    let (sender, receiver) = sync_channel(AHEAD);
    // If the thread panics, the panic continues here when the scope ends.
    std::thread::scope(|scope| {
        scope.spawn(move || read(&mut lines, &sender));
        take_all(receiver, &mut take)
    })
}

fn take_all(
    pieces: Receiver<Piece>,
    take: &mut impl FnMut(Line) -> Result<ControlFlow<()>, FileIssue>,
) -> Result<(), FileIssue> {
    for piece in pieces {
        for line in piece? {
            if take(line)?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn read(lines: &mut impl Lines, sender: &SyncSender<Piece>) {
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let mut bytes = 0;
        let end = loop {
            match lines.next() {
                Ok(Some(line)) => {
                    bytes += line.cells.text().len();
                    piece.push(line);
                }
                Ok(None) => break Some(Ok(())),
                Err(failure) => break Some(Err(failure)),
            }
            if piece.len() == PIECE || bytes > PIECE_BYTES {
                break None;
            }
        };
        if !piece.is_empty() && sender.send(Ok(piece)).is_err() {
            return;
        }
        match end {
            None => {}
            Some(Ok(())) => return,
            Some(Err(failure)) => {
                // If nobody listens any more, the failure does not matter.
                let _ = sender.send(Err(failure));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count(u32, Option<u32>);

    impl Lines for Count {
        fn next(&mut self) -> Result<Option<Line>, FileIssue> {
            self.0 += 1;
            if self.1 == Some(self.0) {
                return Err(FileIssue::io(std::io::Error::other("gone")));
            }
            Ok((self.0 <= 1_000).then(|| Line { number: self.0, ..Line::default() }))
        }
    }

    #[test]
    fn rows_come_in_order_up_to_a_failure() {
        for (fails, rows) in [(None, 1_000), (Some(301), 300)] {
            let mut last = 0;
            let done = each(Count(0, fails), |line| {
                assert_eq!(line.number, last + 1);
                last = line.number;
                Ok(ControlFlow::Continue(()))
            });
            assert_eq!((last, done.is_err()), (rows, fails.is_some()));
        }
    }

    #[test]
    fn whoever_has_enough_stops_the_thread() {
        let mut taken = 0;
        let done = each(Count(0, None), |_| {
            taken += 1;
            Ok(if taken == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        assert_eq!((taken, done), (3, Ok(())));
    }
}
