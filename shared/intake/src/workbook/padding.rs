//! Number formats that show leading zeros: an id of `00042` is stored as the number 42 and the format `00000`.

/// A format of nothing but zeros and hyphens, such as `00000` or `000-00-0000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Padding(Vec<u8>);

impl Padding {
    /// Recognizes a format; `None` for all others.
    pub(super) fn of(format: &str) -> Option<Self> {
        // What follows a semicolon is for negative numbers. A backslash says that the next character is meant as it is.
        let pattern: Vec<u8> = format.split(';').next()?.bytes().filter(|byte| *byte != b'\\').collect();
        let zeros = pattern.iter().filter(|byte| **byte == b'0').count();
        let is_plain = pattern.iter().all(|byte| matches!(byte, b'0' | b'-'));
        (is_plain && zeros > 1 && pattern.first() == Some(&b'0')).then_some(Self(pattern))
    }

    /// The digits of a whole number as the format shows them.
    pub(super) fn applied(&self, digits: &str) -> Option<String> {
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let zeros = self.0.iter().filter(|byte| **byte == b'0').count();
        // Digits beyond the format's stand in front.
        let (before, within) = digits.split_at_checked(digits.len().saturating_sub(zeros))?;
        let mut within = format!("{within:0>zeros$}").into_bytes().into_iter();
        let shown = self.0.iter().map(|byte| if *byte == b'0' { within.next().unwrap_or(b'0') } else { *byte });
        Some(before.chars().chain(shown.map(char::from)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_kept() {
        for (format, digits, shown) in [
            ("00000", "42", "00042"),
            ("00000", "1234567", "1234567"),
            ("000-00-0000", "12345678", "012-34-5678"),
            ("000\\-00\\-0000", "12345678", "012-34-5678"),
            ("00000;-00000", "7", "00007"),
        ] {
            assert_eq!(Padding::of(format).unwrap().applied(digits).as_deref(), Some(shown), "{format}");
        }
        for format in ["0", "0.00", "General", "#,##0", "", "-00", "yyyy-mm-dd", "@"] {
            assert_eq!(Padding::of(format), None, "{format}");
        }
        assert_eq!(Padding::of("00").unwrap().applied("1.5"), None);
    }
}
