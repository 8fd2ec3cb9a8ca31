//! How a person sees a whole number: an id of `00042` is stored as the number 42 with the format `00000`, `M-04567` as
//! 4567 with `"M-"00000`.

/// A format that shows more than the digits of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NumberFormat {
    /// Digits among other characters.
    Digits(Vec<Part>),
    /// Something other than its digits, such as a percentage.
    Unlike,
}

/// A part of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A digit; `true`: shown as zero if the number has none here.
    Digit(bool),
    /// A character that is shown as it is.
    Literal(char),
}

impl NumberFormat {
    /// Recognizes a format; `None` for those that show a number as a person would type it.
    pub(super) fn of(format: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let (mut is_unlike, mut is_fine, mut has_point, mut is_conditional) = (false, false, false, false);
        let mut characters = format.chars();
        while let Some(character) = characters.next() {
            match character {
                // What follows is for negative numbers.
                ';' => break,
                '"' => parts.extend(characters.by_ref().take_while(|inner| *inner != '"').map(Part::Literal)),
                '\\' => parts.extend(characters.next().map(Part::Literal)),
                // Space as wide as the next character, or a character that fills the cell.
                '_' | '*' => drop(characters.next()),
                // Colors and conditions; a currency is shown.
                '[' => {
                    let inside: String = characters.by_ref().take_while(|inner| *inner != ']').collect();
                    is_conditional |= inside.starts_with(['<', '>', '=']);
                    let currency = inside.strip_prefix('$').and_then(|rest| rest.split('-').next()).unwrap_or_default();
                    parts.extend(currency.chars().map(Part::Literal));
                }
                '0' => parts.push(Part::Digit(true)),
                '#' | '?' => parts.push(Part::Digit(false)),
                // Thousands separators, and digits after the decimal point, are for reading; people do not enter them.
                ',' => is_fine = true,
                '.' => has_point = true,
                'E' | 'e' | '@' => return None,
                '%' | '/' => is_unlike = true,
                ' ' | '-' | '+' | '(' | ')' | ':' | '$' | '!' | '^' | '&' | '\'' | '~' | '{' | '}' | '<' | '>'
                | '=' => {
                    parts.push(Part::Literal(character));
                }
                _ => return None,
            }
        }
        let has_text = parts.iter().any(|part| matches!(part, Part::Literal(shown) if !shown.is_whitespace()));
        let zeros = parts.iter().filter(|part| **part == Part::Digit(true)).count();
        // Which part of the format applies depends on the number, as in formats for phone numbers: marks between digits
        // may be left out.
        if is_conditional {
            let says_more = |part: &Part| matches!(part, Part::Literal(shown) if shown.is_alphanumeric());
            return parts.iter().any(says_more).then_some(Self::Unlike);
        }
        let has_digits = parts.iter().any(|part| matches!(part, Part::Digit(_)));
        match (has_text, is_fine || has_point) {
            _ if is_unlike || (has_text && !has_digits) => Some(Self::Unlike),
            (true, true) => Some(Self::Unlike),
            (true, false) => Some(Self::Digits(parts)),
            (false, false) if zeros > 1 => Some(Self::Digits(parts)),
            (false, _) => None,
        }
    }

    /// The digits of a whole number as the format shows them; `None` when it shows something else.
    pub(super) fn applied(&self, digits: &str) -> Option<String> {
        let Self::Digits(parts) = self else { return None };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let places = parts.iter().filter(|part| matches!(part, Part::Digit(_))).count();
        // Digits beyond the format's stand before its first.
        let (before, within) = digits.split_at_checked(digits.len().saturating_sub(places))?;
        let mut missing = places - within.len();
        let mut within = within.chars();
        let mut before = Some(before);
        let mut shown = String::new();
        for part in parts {
            match part {
                Part::Literal(character) => shown.push(*character),
                Part::Digit(is_zero) => {
                    shown.push_str(before.take().unwrap_or_default());
                    if missing == 0 {
                        shown.extend(within.next());
                    } else {
                        missing -= 1;
                        if *is_zero {
                            shown.push('0');
                        }
                    }
                }
            }
        }
        Some(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_the_id() {
        for (format, digits, shown) in [
            ("00000", "42", "00042"),
            ("00000", "1234567", "1234567"),
            ("000-00-0000", "12345678", "012-34-5678"),
            ("000\\-00\\-0000", "12345678", "012-34-5678"),
            ("00000;-00000", "7", "00007"),
            ("\"M-\"00000", "4567", "M-04567"),
            ("\"M-\"00000", "1234567", "M-1234567"),
            ("\"OD/\"0000", "77", "OD/0077"),
            ("00000\"-01\"", "55501", "55501-01"),
            ("\"P\"#", "12", "P12"),
            ("\"P\"###", "5", "P5"),
            ("(###) ###-####", "2065550101", "(206) 555-0101"),
            ("[Red]0000", "12", "0012"),
            ("-00", "7", "-07"),
        ] {
            assert_eq!(NumberFormat::of(format).unwrap().applied(digits).as_deref(), Some(shown), "{format}");
        }
    }

    #[test]
    fn numbers_are_shown_as_they_are_entered() {
        for format in [
            "0",
            "#",
            "0.00",
            "General",
            "#,##0",
            "#,##0.00",
            "",
            "yyyy-mm-dd",
            "@",
            "0.00E+00",
            "_(* #,##0_)",
            "0_)",
            "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####",
        ] {
            assert_eq!(NumberFormat::of(format), None, "{format}");
        }
    }

    #[test]
    fn what_is_not_the_digits_is_not_made_of_them() {
        for format in ["0%", "# ?/?", "\"$\"#,##0.00", "[$€-407]0.00", "\"closed\""] {
            assert_eq!(NumberFormat::of(format), Some(NumberFormat::Unlike), "{format}");
        }
        for digits in ["1.5", "-5", ""] {
            assert_eq!(NumberFormat::of("00").unwrap().applied(digits), None, "{digits}");
        }
    }
}
