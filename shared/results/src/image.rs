//! Which image of an eye the report shows (iris-facts §10.5). The published techniques have no stated order; ours
//! follows the stated strength of each. With pathology, the image that was on screen when the grader picked a finding
//! comes first, because it shows the finding; without, a person's choice comes first. Failing that, the last image
//! taken is used.

use jiff::Timestamp;
use jiff::civil::DateTime;

/// What is known about an image of one eye.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// It was on screen when the grader picked a finding.
    pub shown_at_finding: bool,
    /// Marked by a person as Best Image (`Preferred`).
    pub preferred: bool,
    /// Its ImageContext is Primary: as captured, not a secondary view, component or enhancement.
    pub primary: bool,
    /// It arrived after grading (`AddedLate`); chosen only if there is nothing else.
    pub added_late: bool,
    /// When it was taken according to its metadata, in local time.
    pub taken: Option<DateTime>,
    /// When it was received.
    pub received: Option<Timestamp>,
}

/// The index of the image to show, among those of one eye.
#[must_use]
pub fn choose(candidates: &[Candidate], pathology: bool) -> Option<usize> {
    let rank = |(index, image): &(usize, &Candidate)| {
        let (first, second) = if pathology {
            (image.shown_at_finding, image.preferred)
        } else {
            (image.preferred, image.shown_at_finding)
        };
        (!image.added_late, first, second, image.primary, image.taken, image.received, *index)
    };
    candidates.iter().enumerate().max_by_key(rank).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i8) -> Option<DateTime> {
        Some(jiff::civil::date(2026, 11, 20).at(9, 0, second, 0))
    }

    #[test]
    fn the_image_follows_the_rules() {
        let plain = Candidate { primary: true, ..Candidate::default() };
        let early = Candidate { taken: at(1), ..plain };
        let late = Candidate { taken: at(2), ..plain };
        assert_eq!(choose(&[], true), None);
        assert_eq!(choose(&[late, early], false), Some(0), "the last one taken");
        assert_eq!(choose(&[plain, early], false), Some(1), "a known time counts more than none");
        let shown = Candidate { shown_at_finding: true, ..early };
        let preferred = Candidate { preferred: true, ..early };
        assert_eq!(choose(&[late, shown, preferred], true), Some(1), "pathology: what the grader saw");
        assert_eq!(choose(&[late, shown, preferred], false), Some(2), "none: what a person picked");
        let enhanced = Candidate { primary: false, ..late };
        assert_eq!(choose(&[enhanced, early], false), Some(1), "as captured");
        let added = Candidate { added_late: true, preferred: true, ..late };
        assert_eq!(choose(&[added, early], false), Some(1), "not graded, not shown");
    }
}
