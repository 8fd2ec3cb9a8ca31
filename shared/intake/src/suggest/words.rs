//! Column names in the form compared with the table of synonyms: without case, separators and the abbreviations of
//! databases.

/// Abbreviations and what they stand for.
const SHORT: [(&str, &str); 39] = [
    ("#", "number"),
    ("no", "number"),
    ("num", "number"),
    ("nbr", "number"),
    ("nm", "name"),
    ("dt", "date"),
    ("cd", "code"),
    ("mbr", "member"),
    ("mem", "member"),
    ("memb", "member"),
    ("bene", "member"),
    ("beneficiary", "member"),
    ("enrollee", "member"),
    ("pt", "patient"),
    ("pat", "patient"),
    ("fname", "firstname"),
    ("lname", "lastname"),
    ("frst", "first"),
    ("lst", "last"),
    ("fst", "first"),
    ("given", "first"),
    ("surname", "lastname"),
    ("family", "last"),
    ("prov", "provider"),
    ("physician", "provider"),
    ("doctor", "provider"),
    ("grp", "group"),
    ("eff", "effective"),
    ("term", "termination"),
    ("exp", "expiration"),
    ("svc", "service"),
    ("appt", "appointment"),
    ("loc", "location"),
    ("fac", "facility"),
    ("tel", "phone"),
    ("telephone", "phone"),
    ("ph", "phone"),
    ("dx", "diagnosis"),
    ("identifier", "id"),
];

/// The words of a name, each spelled out, as one text.
pub(super) fn key(name: &str) -> String {
    let mut key = String::new();
    for word in words(without_brackets(name)) {
        key.push_str(SHORT.iter().find(|(short, _)| *short == word).map_or(word.as_str(), |(_, long)| long));
    }
    key
}

/// `PT_DOB`, `ptDob` and `Pt. DOB` have the same words.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for character in name.chars() {
        let is_part = character.is_alphanumeric();
        let begins = (character.is_uppercase() && before.is_lowercase())
            || (is_part && !before.is_alphanumeric())
            || character == '#';
        if begins {
            words.push(String::new());
        }
        if (is_part || character == '#')
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words
}

/// The name without its explanation: `DOB (MM/DD/YYYY)`, `Phone*`.
fn without_brackets(name: &str) -> &str {
    name.split(['(', '[', '*']).next().map(str::trim).filter(|stem| !stem.is_empty()).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_name_are_one() {
        for name in ["Member #", "MBR_NBR", "memberNumber", "Mbr. No.", "MEMBER NUM", "Member Number (11 digits)"] {
            assert_eq!(key(name), "membernumber", "{name}");
        }
        assert_eq!(key("PT_FNAME"), key("Patient First Name"));
        assert_eq!(key("#"), "number");
        assert_eq!(key("(x)"), "x");
    }
}
