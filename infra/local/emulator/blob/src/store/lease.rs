//! Leases: an exclusive right to write, for 15 to 60 seconds or without end.
//!
//! A lease is *available*, *leased*, *expired* (its time ran out and nobody took it since), *breaking* (it ends soon)
//! or *broken*. While it is leased or breaking, writes need its id. An expired or broken lease binds nobody, and the
//! next write clears it; until then its former holder may renew an expired one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Why a lease operation, or an operation under a lease, was refused. Names follow the service's error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Somebody holds a lease already.
    #[error("there is already a lease present")]
    AlreadyPresent,
    /// The id is not that of the current lease (lease operations).
    #[error("the lease id does not match the lease")]
    MismatchWithLease,
    /// There is no lease (lease operations).
    #[error("there is currently no lease")]
    NotPresentWithLease,
    /// The lease is breaking and cannot be acquired.
    #[error("the lease is breaking and cannot be acquired")]
    BreakingCannotAcquire,
    /// The lease is breaking and cannot be changed.
    #[error("the lease is breaking and cannot be changed")]
    BreakingCannotChange,
    /// The lease was broken and cannot be renewed.
    #[error("the lease has been broken and cannot be renewed")]
    BrokenCannotRenew,
    /// A write to a leased blob or container without its id.
    #[error("there is a lease and no lease id was given")]
    IdMissing,
    /// A read or write with another id than the lease's.
    #[error("the lease id does not match the lease")]
    MismatchWithBlob,
    /// A read or write with an id, although there is no lease.
    #[error("there is currently no lease")]
    NotPresentWithBlob,
    /// A read or write with the id of a lease that has ended.
    #[error("the lease has expired or was broken")]
    Lost,
}

/// What to do with a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Take it: an id, and its time in seconds (`None`: without end).
    Acquire {
        /// Id of the new lease (a GUID).
        id: String,
        /// Seconds, 15 to 60; `None` for an endless lease.
        seconds: Option<u32>,
    },
    /// Restart its time.
    Renew {
        /// Id of the lease.
        id: String,
    },
    /// Give it another id.
    Change {
        /// Id of the lease.
        id: String,
        /// Its new id.
        proposed: String,
    },
    /// Give it up.
    Release {
        /// Id of the lease.
        id: String,
    },
    /// End it without its id, at once or after a time.
    Break {
        /// Seconds until it ends, 0 to 60; `None`: the remaining time of a timed lease; at once for an endless one.
        seconds: Option<u32>,
    },
}

/// The result of a lease operation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Id of the lease, after acquire, renew and change.
    pub id: Option<String>,
    /// Seconds until a broken lease ends.
    pub remaining: Option<u32>,
}

/// The state of a lease at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has it.
    Available,
    /// Somebody has it.
    Leased,
    /// Its time ran out.
    Expired,
    /// It ends soon.
    Breaking,
    /// It was ended.
    Broken,
}

impl State {
    /// The word used in headers and listings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Leased => "leased",
            Self::Expired => "expired",
            Self::Breaking => "breaking",
            Self::Broken => "broken",
        }
    }

    /// Whether writes need the lease's id.
    #[must_use]
    pub fn locked(self) -> bool {
        matches!(self, Self::Leased | Self::Breaking)
    }
}

/// A lease, or the lack of one (the default).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Length in seconds; `None`: endless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    breaks: Option<Timestamp>,
}

fn after(now: Timestamp, seconds: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX)
}

fn seconds_until(now: Timestamp, end: Timestamp) -> u32 {
    let milliseconds = end.duration_since(now).as_millis().max(0);
    u32::try_from((milliseconds + 999) / 1000).unwrap_or(u32::MAX)
}

impl Lease {
    /// Whether there is nothing to store.
    pub(crate) fn is_none(&self) -> bool {
        self.id.is_none()
    }

    /// Its state now.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        match (&self.id, self.breaks, self.expires) {
            (None, _, _) => State::Available,
            (Some(_), Some(end), _) if now < end => State::Breaking,
            (Some(_), Some(_), _) => State::Broken,
            (Some(_), None, Some(end)) if now >= end => State::Expired,
            (Some(_), None, _) => State::Leased,
        }
    }

    /// `infinite` or `fixed`, while leased.
    #[must_use]
    pub fn duration(&self, now: Timestamp) -> Option<&'static str> {
        (self.state(now) == State::Leased).then_some(if self.seconds.is_some() { "fixed" } else { "infinite" })
    }

    fn is(&self, id: &str) -> bool {
        self.id.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(id))
    }

    fn begin(id: String, seconds: Option<u32>, now: Timestamp) -> Self {
        Self { id: Some(id), seconds, expires: seconds.map(|s| after(now, s)), breaks: None }
    }

    /// The lease after `action`, and what to answer.
    ///
    /// # Errors
    /// The service's refusal for this action in this state.
    pub fn apply(&self, action: Action, now: Timestamp) -> Result<(Self, Outcome), Error> {
        let state = self.state(now);
        match action {
            Action::Acquire { id, seconds } => match state {
                State::Leased if !self.is(&id) => Err(Error::AlreadyPresent),
                State::Breaking if self.is(&id) => Err(Error::BreakingCannotAcquire),
                State::Breaking => Err(Error::AlreadyPresent),
                _ => Ok((Self::begin(id.clone(), seconds, now), Outcome { id: Some(id), remaining: None })),
            },
            Action::Renew { id } => match state {
                State::Available => Err(Error::MismatchWithLease),
                _ if !self.is(&id) => Err(Error::MismatchWithLease),
                State::Breaking | State::Broken => Err(Error::BrokenCannotRenew),
                _ => Ok((Self::begin(id.clone(), self.seconds, now), Outcome { id: Some(id), remaining: None })),
            },
            Action::Change { id, proposed } => match state {
                State::Available | State::Expired | State::Broken => Err(Error::NotPresentWithLease),
                State::Leased | State::Breaking if !self.is(&id) && !self.is(&proposed) => {
                    Err(Error::MismatchWithLease)
                }
                State::Breaking => Err(Error::BreakingCannotChange),
                State::Leased => {
                    let changed = Self { id: Some(proposed.clone()), ..self.clone() };
                    Ok((changed, Outcome { id: Some(proposed), remaining: None }))
                }
            },
            Action::Release { id } => {
                if self.is(&id) {
                    Ok((Self::default(), Outcome::default()))
                } else {
                    Err(Error::MismatchWithLease)
                }
            }
            Action::Break { seconds } => self.broken(state, seconds, now),
        }
    }

    fn broken(&self, state: State, seconds: Option<u32>, now: Timestamp) -> Result<(Self, Outcome), Error> {
        // When it would end by itself: a break can only bring that forward, even by a fraction of a second.
        let own = match state {
            State::Available => return Err(Error::NotPresentWithLease),
            State::Expired | State::Broken => Some(now),
            State::Leased => self.expires,
            State::Breaking => self.breaks,
        };
        let asked = seconds.map(|seconds| after(now, seconds));
        let end = own.into_iter().chain(asked).min().unwrap_or(now);
        let lease = Self { breaks: Some(end), ..self.clone() };
        Ok((lease, Outcome { id: None, remaining: Some(seconds_until(now, end)) }))
    }

    /// Whether a write with this lease id (or none) may happen.
    pub(super) fn permit_write(&self, id: Option<&str>, now: Timestamp) -> Result<(), Error> {
        if id.is_none() && self.state(now).locked() {
            return Err(Error::IdMissing);
        }
        self.permit_read(id, now)
    }

    /// Whether a read with this lease id (or none) may happen.
    pub(super) fn permit_read(&self, id: Option<&str>, now: Timestamp) -> Result<(), Error> {
        let Some(id) = id else { return Ok(()) };
        match self.state(now) {
            State::Available => Err(Error::NotPresentWithBlob),
            _ if !self.is(id) => Err(Error::MismatchWithBlob),
            State::Expired | State::Broken => Err(Error::Lost),
            State::Leased | State::Breaking => Ok(()),
        }
    }

    /// The lease after a write: an ended one is cleared.
    pub(super) fn after_write(self, now: Timestamp) -> Self {
        if self.state(now).locked() { self } else { Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn acquire(id: &str, seconds: Option<u32>) -> Action {
        Action::Acquire { id: id.to_owned(), seconds }
    }

    #[test]
    fn a_timed_lease_binds_until_it_expires_and_can_be_renewed_after() {
        let (lease, outcome) = Lease::default().apply(acquire("A", Some(15)), at(0)).unwrap();
        assert_eq!(outcome.id.as_deref(), Some("A"));
        assert_eq!(lease.state(at(14)), State::Leased);
        assert_eq!(lease.duration(at(1)), Some("fixed"));
        assert_eq!(lease.permit_write(None, at(14)), Err(Error::IdMissing));
        assert_eq!(lease.permit_write(Some("b"), at(14)), Err(Error::MismatchWithBlob));
        assert_eq!(lease.permit_write(Some("a"), at(14)), Ok(()));
        assert_eq!(lease.apply(acquire("B", None), at(14)), Err(Error::AlreadyPresent));
        assert_eq!(lease.state(at(15)), State::Expired);
        assert_eq!(lease.permit_write(None, at(15)), Ok(()));
        assert_eq!(lease.permit_write(Some("A"), at(15)), Err(Error::Lost));
        let (renewed, _) = lease.apply(Action::Renew { id: "A".to_owned() }, at(20)).unwrap();
        assert_eq!(renewed.state(at(34)), State::Leased);
        assert!(lease.after_write(at(20)).is_none());
    }

    #[test]
    fn breaking_ends_at_the_earlier_of_asked_and_left() {
        let (timed, _) = Lease::default().apply(acquire("A", Some(30)), at(0)).unwrap();
        let (breaking, outcome) = timed.apply(Action::Break { seconds: Some(60) }, at(10)).unwrap();
        assert_eq!(outcome.remaining, Some(20));
        assert_eq!(breaking.state(at(29)), State::Breaking);
        assert_eq!(breaking.state(at(30)), State::Broken);
        assert_eq!(breaking.apply(acquire("A", None), at(11)), Err(Error::BreakingCannotAcquire));
        assert_eq!(breaking.apply(Action::Renew { id: "A".to_owned() }, at(31)), Err(Error::BrokenCannotRenew));
        assert!(breaking.apply(acquire("B", None), at(31)).is_ok());

        let (endless, _) = Lease::default().apply(acquire("A", None), at(0)).unwrap();
        let (broken, outcome) = endless.apply(Action::Break { seconds: None }, at(1)).unwrap();
        assert_eq!((outcome.remaining, broken.state(at(1))), (Some(0), State::Broken));
    }

    #[test]
    fn breaking_again_only_brings_the_end_nearer() {
        let at_milliseconds = |ms: i64| at(0).checked_add(SignedDuration::from_millis(ms)).unwrap();
        let (endless, _) = Lease::default().apply(acquire("A", None), at(0)).unwrap();
        let (mut breaking, _) = endless.apply(Action::Break { seconds: Some(20) }, at(0)).unwrap();
        for ms in [400, 800, 1200, 19_900] {
            let (again, outcome) = breaking.apply(Action::Break { seconds: Some(60) }, at_milliseconds(ms)).unwrap();
            assert_eq!(outcome.remaining, Some(20 - u32::try_from(ms / 1000).unwrap()));
            breaking = again;
        }
        assert_eq!(breaking.state(at(20)), State::Broken);
        let (shorter, outcome) = breaking.apply(Action::Break { seconds: Some(5) }, at(1)).unwrap();
        assert_eq!((outcome.remaining, shorter.state(at(6))), (Some(5), State::Broken));
        let (same, outcome) = shorter.apply(Action::Break { seconds: None }, at(2)).unwrap();
        assert_eq!(
            (outcome.remaining, same.state(at(5)), same.state(at(6))),
            (Some(4), State::Breaking, State::Broken)
        );
    }

    #[test]
    fn change_and_release_need_the_id() {
        let (lease, _) = Lease::default().apply(acquire("A", None), at(0)).unwrap();
        let change = |id: &str, proposed: &str| Action::Change { id: id.to_owned(), proposed: proposed.to_owned() };
        assert_eq!(lease.apply(change("X", "Y"), at(1)), Err(Error::MismatchWithLease));
        let (changed, _) = lease.apply(change("A", "B"), at(1)).unwrap();
        assert!(changed.apply(change("A", "B"), at(2)).is_ok(), "a repeated change is answered alike");
        assert_eq!(changed.apply(Action::Release { id: "A".to_owned() }, at(2)), Err(Error::MismatchWithLease));
        let (released, _) = changed.apply(Action::Release { id: "B".to_owned() }, at(2)).unwrap();
        assert_eq!(released.state(at(2)), State::Available);
        assert_eq!(released.apply(Action::Break { seconds: None }, at(2)), Err(Error::NotPresentWithLease));
    }
}
