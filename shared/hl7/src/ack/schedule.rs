//! Pauses between attempts, as data.

use std::time::Duration;

/// When a message is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Seconds before the first, second, … repetition; the last one applies to all that follow.
    pauses: &'static [u64],
    /// How many repetitions there are at most.
    repetitions: Option<u32>,
    /// How long after the first attempt it may still be repeated.
    within: Option<Duration>,
    /// How long after the first attempt somebody is told, once, while repetitions continue.
    pub alert_after: Option<Duration>,
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another one, after this long.
    After(Duration),
    /// None: it is parked, and somebody is told.
    Park,
}

/// 5 and 15 seconds, 1, 5 and 15 minutes.
const GROWING: &[u64] = &[5, 15, 60, 300, 900];

impl Schedule {
    /// Forever, with an alert after a quarter of an hour: no connection says nothing about the message.
    pub const STEADY: Self =
        Self { pauses: GROWING, repetitions: None, within: None, alert_after: Some(Duration::from_secs(900)) };
    /// For a day: the receiver says that it cannot take it now.
    pub const DAY: Self =
        Self { pauses: GROWING, repetitions: None, within: Some(Duration::from_secs(86_400)), alert_after: None };
    /// Three times, after 1, 5 and 30 minutes: the receiver does not say what is wrong.
    pub const BRIEF: Self = Self { pauses: &[60, 300, 1_800], repetitions: Some(3), within: None, alert_after: None };

    /// What follows an attempt. `repetitions` were made before, the first attempt was `elapsed` ago. `random` is any
    /// number; it makes the pause up to a fifth longer or shorter, so that messages that failed together are not
    /// repeated together.
    #[must_use]
    pub fn next(&self, repetitions: u32, elapsed: Duration, random: u32) -> Next {
        let index = usize::try_from(repetitions).unwrap_or(usize::MAX);
        let pause = self.pauses.get(index).or(self.pauses.last()).copied().unwrap_or_default();
        // From 800 to 1200 thousandths.
        let pause = Duration::from_millis(pause.saturating_mul(u64::from(800 + random % 401)));
        let over = self.repetitions.is_some_and(|most| repetitions >= most)
            || self.within.is_some_and(|within| elapsed.saturating_add(pause) > within);
        if over { Next::Park } else { Next::After(pause) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: u32 = 200;

    fn seconds(schedule: Schedule, repetitions: u32, elapsed: u64, random: u32) -> Option<u64> {
        match schedule.next(repetitions, Duration::from_secs(elapsed), random) {
            Next::After(pause) => Some(pause.as_secs()),
            Next::Park => None,
        }
    }

    #[test]
    fn pauses_grow_to_a_quarter_of_an_hour() {
        let pauses: Vec<_> = (0..7).filter_map(|n| seconds(Schedule::STEADY, n, 0, MIDDLE)).collect();
        assert_eq!(pauses, [5, 15, 60, 300, 900, 900, 900]);
        assert_eq!(seconds(Schedule::STEADY, 100_000, 90 * 86_400, MIDDLE), Some(900), "for ever");
    }

    #[test]
    fn they_differ_by_a_fifth() {
        let pauses: Vec<_> = (0..2_000).filter_map(|random| seconds(Schedule::STEADY, 4, 0, random)).collect();
        assert_eq!((pauses.iter().min(), pauses.iter().max()), (Some(&720), Some(&1_080)));
    }

    #[test]
    fn a_day_and_three_times_are_limits() {
        assert_eq!(seconds(Schedule::DAY, 90, 86_400 - 901, MIDDLE), Some(900));
        assert_eq!(seconds(Schedule::DAY, 90, 86_400 - 899, MIDDLE), None);
        let brief: Vec<_> = (0..5).map(|n| seconds(Schedule::BRIEF, n, 0, MIDDLE)).collect();
        assert_eq!(brief, [Some(60), Some(300), Some(1_800), None, None]);
    }
}
