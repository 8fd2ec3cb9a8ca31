//! States of the United States, the District of Columbia and the territories: two-letter codes and full names (decision
//! 10).

/// Code and name, in order of code.
pub const STATES: &[(&str, &str)] = &[
    ("AK", "Alaska"),
    ("AL", "Alabama"),
    ("AR", "Arkansas"),
    ("AS", "American Samoa"),
    ("AZ", "Arizona"),
    ("CA", "California"),
    ("CO", "Colorado"),
    ("CT", "Connecticut"),
    ("DC", "District of Columbia"),
    ("DE", "Delaware"),
    ("FL", "Florida"),
    ("GA", "Georgia"),
    ("GU", "Guam"),
    ("HI", "Hawaii"),
    ("IA", "Iowa"),
    ("ID", "Idaho"),
    ("IL", "Illinois"),
    ("IN", "Indiana"),
    ("KS", "Kansas"),
    ("KY", "Kentucky"),
    ("LA", "Louisiana"),
    ("MA", "Massachusetts"),
    ("MD", "Maryland"),
    ("ME", "Maine"),
    ("MI", "Michigan"),
    ("MN", "Minnesota"),
    ("MO", "Missouri"),
    ("MP", "Northern Mariana Islands"),
    ("MS", "Mississippi"),
    ("MT", "Montana"),
    ("NC", "North Carolina"),
    ("ND", "North Dakota"),
    ("NE", "Nebraska"),
    ("NH", "New Hampshire"),
    ("NJ", "New Jersey"),
    ("NM", "New Mexico"),
    ("NV", "Nevada"),
    ("NY", "New York"),
    ("OH", "Ohio"),
    ("OK", "Oklahoma"),
    ("OR", "Oregon"),
    ("PA", "Pennsylvania"),
    ("PR", "Puerto Rico"),
    ("RI", "Rhode Island"),
    ("SC", "South Carolina"),
    ("SD", "South Dakota"),
    ("TN", "Tennessee"),
    ("TX", "Texas"),
    ("UT", "Utah"),
    ("VA", "Virginia"),
    ("VI", "Virgin Islands"),
    ("VT", "Vermont"),
    ("WA", "Washington"),
    ("WI", "Wisconsin"),
    ("WV", "West Virginia"),
    ("WY", "Wyoming"),
];

/// Names in use beside the official ones.
const ALIASES: &[(&str, &str)] = &[
    ("Washington DC", "DC"),
    ("Washington D.C.", "DC"),
    ("Washington, D.C.", "DC"),
    ("Washington, DC", "DC"),
    ("D.C.", "DC"),
    ("U.S. Virgin Islands", "VI"),
    ("US Virgin Islands", "VI"),
    ("Virgin Islands, U.S.", "VI"),
    ("United States Virgin Islands", "VI"),
    ("Commonwealth of the Northern Mariana Islands", "MP"),
];

/// The two-letter code of a state given by code or full name, in any case; runs of white space count as one blank.
/// `None` for anything else, including abbreviations that are not the postal ones.
#[must_use]
pub fn from_text(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if let [first, second] = *text.as_bytes() {
        let code = [first.to_ascii_uppercase(), second.to_ascii_uppercase()];
        let found = STATES.binary_search_by(|(own, _)| own.as_bytes().cmp(&code[..])).ok()?;
        return STATES.get(found).map(|(code, _)| *code);
    }
    STATES
        .iter()
        .find(|(_, name)| same_words(name, text))
        .map(|(code, _)| *code)
        .or_else(|| ALIASES.iter().find(|(alias, _)| same_words(alias, text)).map(|(_, code)| *code))
}

fn same_words(name: &str, text: &str) -> bool {
    let initial = |text: &str| text.bytes().next().map(|byte| byte.to_ascii_lowercase());
    if initial(name) != initial(text) {
        return false;
    }
    let mut words = text.split_whitespace();
    name.split(' ').all(|own| words.next().is_some_and(|word| word.eq_ignore_ascii_case(own))) && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_and_name_is_read_in_any_case() {
        assert_eq!(STATES.len(), 50 + 1 + 5);
        for &(code, name) in STATES {
            for text in
                [code.to_owned(), code.to_lowercase(), name.to_owned(), name.to_uppercase(), format!("  {name} ")]
            {
                assert_eq!(from_text(&text), Some(code), "{text}");
            }
        }
    }

    #[test]
    fn names_may_be_spaced_oddly_or_be_a_usual_variant() {
        assert_eq!(from_text("new   york"), Some("NY"));
        assert_eq!(from_text("Washington, D.C."), Some("DC"));
        assert_eq!(from_text("us virgin islands"), Some("VI"));
    }

    #[test]
    fn anything_else_is_not_a_state() {
        for text in ["", " ", "W", "XX", "ON", "Wash.", "Washingtonn", "Calif", "New York City", "12", "ÅÄ", "é"] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }
}
