//! The order in which the service puts `x-ms-` headers before they are signed.
//!
//! It is not the order of bytes but that of a dictionary: signs come before digits and digits before letters, and
//! hyphens do not count unless the names are otherwise the same. The SDKs imitate it. For most requests both orders
//! agree; they differ where one metadata name has `_` and another a digit at the same position.

use std::cmp::Ordering;

/// The characters that count, in their order. Header names have no capitals.
const ORDER: &[u8] = b"!#$%&*.^_`|~+0123456789abcdefghijklmnopqrstuvwxyz";

fn rank(byte: u8) -> Option<usize> {
    ORDER.iter().position(|known| *known == byte)
}

/// Compares two header names, which are in lower case, as the service does.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let counting = |name: &str| name.bytes().filter_map(rank).collect::<Vec<_>>();
    counting(left).cmp(&counting(right)).then_with(|| by_hyphens(left.as_bytes(), right.as_bytes()))
}

/// If two names differ only in hyphens, the one whose hyphen comes first sorts last.
fn by_hyphens(left: &[u8], right: &[u8]) -> Ordering {
    match left.iter().zip(right).find(|(a, b)| a != b) {
        Some((a, b)) => rank(*b).is_some().cmp(&rank(*a).is_some()).then(a.cmp(b)),
        None => left.len().cmp(&right.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_come_before_digits_and_digits_before_letters() {
        let mut names = ["x-ms-meta-a1", "x-ms-meta-ab", "x-ms-meta-a_", "x-ms-meta-a", "x-ms-meta-a_1", "x-ms-date"];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(
            names,
            ["x-ms-date", "x-ms-meta-a", "x-ms-meta-a_", "x-ms-meta-a_1", "x-ms-meta-a1", "x-ms-meta-ab"]
        );
    }

    #[test]
    fn hyphens_count_only_between_names_that_are_otherwise_the_same() {
        assert_eq!(compare("x-ms-range", "x-ms-range-get-content-md5"), Ordering::Less);
        assert_eq!(compare("x-ms-a-b", "x-ms-aa"), Ordering::Greater, "ab is after aa");
        assert_eq!(compare("x-ms-ab-c", "x-ms-a-bc"), Ordering::Less);
        assert_eq!(compare("x-ms-a-bc", "x-ms-abc"), Ordering::Greater);
        assert_eq!(compare("x-ms-a", "x-ms-a-"), Ordering::Less);
        assert_eq!(compare("x-ms-a", "x-ms-a"), Ordering::Equal);
    }
}
