//! File name patterns of drop rules: `*` is any run of characters, `?` is one, compared without regard to case.

/// Whether a blob's name matches. A pattern without a slash is compared with the last part of the name, whatever folder
/// it is in.
#[must_use]
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let name = if pattern.contains('/') { name } else { name.rsplit('/').next().unwrap_or(name) };
    fits(pattern, name)
}

/// Whether a text fits a pattern as a whole: `*` is any run of characters, `?` is one, compared without regard to case.
#[must_use]
pub fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    glob(&pattern, &name)
}

/// Backtracking to the last star is enough: if the text after it can be placed at all, it can be placed with the
/// earlier stars as short as they were. So the cost is at most pattern times name.
fn glob(pattern: &[char], name: &[char]) -> bool {
    let (mut in_pattern, mut in_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = name.get(in_name) {
        match pattern.get(in_pattern) {
            Some('*') => {
                star = Some((in_pattern, in_name));
                in_pattern += 1;
            }
            Some(expected) if *expected == '?' || expected == character => {
                in_pattern += 1;
                in_name += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    in_pattern = at + 1;
                    in_name = taken + 1;
                    star = Some((at, in_name));
                }
                None => return false,
            },
        }
    }
    pattern.get(in_pattern..).unwrap_or_default().iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name) in [
            ("members-*.csv", "members-2026-11.csv"),
            ("members-*.csv", "MEMBERS-.CSV"),
            ("*", ""),
            ("*", "anything"),
            ("?.csv", "ä.csv"),
            ("*a*b*", "xxaxxbxx"),
            ("*.csv", "2026/11/a.csv"),
            ("in/*.csv", "in/a.csv"),
            ("a*b*c", "abbbbc"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("members-*.csv", "members.csv"),
            ("members-*.csv", "members-1.csv.exe"),
            ("?.csv", ".csv"),
            ("?.csv", "ab.csv"),
            ("in/*.csv", "out/a.csv"),
            ("", "a"),
            ("a*b*c", "abbbb"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
    }
}
