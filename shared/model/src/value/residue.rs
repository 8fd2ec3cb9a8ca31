//! What programs leave in place of a value: placeholders, spreadsheet errors, formulas, numbers that were shortened or
//! given a fraction, lost letters, invisible characters.
//!
//! All of it looks like a value. A patient id of `NULL` would be shared by everyone, and of a shortened number only the
//! first digits are left, which could be anyone's. So there is one table of placeholders and one judgment ([`judge`])
//! for cells and messages alike; what follows from it depends on what the text is for ([`Purpose`]).

use super::ValueError;
use crate::IssueCode;
use crate::issue::quoted;
use std::borrow::Cow;

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An id that says which person, order or place is meant.
    Id,
    /// A number issued by somebody else: of a member, a policy, an encounter.
    Number,
    /// The first or last name of a patient.
    PersonName,
    /// Any other text of one line.
    Line,
    /// A text that people write for people.
    Free,
    /// A date, code or truth value, which has a reader of its own.
    Typed,
}

/// What a text turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgment {
    /// A value.
    Sound,
    /// A placeholder: treated as if nothing were there.
    Nothing,
    /// A value that is worth a look.
    Doubtful(ValueError),
    /// Not a value.
    Refused(ValueError),
}

/// Placeholders, in lower case: what databases, pandas, R, JavaScript, .NET, SAS, and people who fill in every cell
/// write for nothing.
const NOTHING: &[&str] = &[
    "\\n",
    "<na>",
    "<null>",
    "<none>",
    "(null)",
    "(none)",
    "(blank)",
    "(empty)",
    "[null]",
    "[none]",
    "[blank]",
    "[object object]",
    "{null}",
    "n.a.",
    "n/a",
    "n\\a",
    "na",
    "nan",
    "-nan",
    "nat",
    "nil",
    "none",
    "nothing",
    "null",
    "system.dbnull",
    "undefined",
];

/// Words that cannot be anyone's id, in lower case.
const NO_IDS: &[&str] = &[
    "blank",
    "empty",
    "inf",
    "-inf",
    "infinity",
    "missing",
    "no id",
    "none given",
    "not applicable",
    "not available",
    "not known",
    "pending",
    "tba",
    "tbd",
    "to be determined",
    "unassigned",
    "unk",
    "unknown",
];

/// Words of [`NOTHING`] that are also names of people.
const NAMES: &[&str] = &["null", "none", "nan", "na", "nat", "nil"];

/// Spreadsheet errors that do not end in `!` or `?`, in lower case, with their names in other languages.
const ERRORS: &[&str] = &[
    "#n/a",
    "#n/a n/a",
    "#n/d",
    "#n/b",
    "#nv",
    "#i/t",
    "#н/д",
    "#getting_data",
    "#error",
    "#deleted",
    "#hiányzik",
    "loading...",
    "loading…",
    "[error]",
    "[#error]",
];

/// The longest word in any of the tables, in bytes.
const LONGEST: usize = 24;

/// Judges a text, which is trimmed and not empty.
#[must_use]
pub fn judge(text: &str, purpose: Purpose) -> Judgment {
    // Nearly all values are plain letters and digits, and in none of these tables.
    if is_error(text) {
        return Judgment::Refused(error(text));
    }
    if is_nothing(text, purpose) {
        return nothing(text, purpose);
    }
    if text.starts_with('=') && !matches!(purpose, Purpose::Free | Purpose::Typed) {
        return Judgment::Refused(formula(text));
    }
    let is_number = matches!(purpose, Purpose::Id | Purpose::Number);
    if is_number && is_shortened(text.as_bytes()) {
        return Judgment::Refused(shortened(text));
    }
    if is_number && without_fraction(text).is_some() {
        return Judgment::Refused(fraction(text));
    }
    if is_number && text.starts_with('\'') {
        return Judgment::Refused(apostrophe(text));
    }
    if !text.is_ascii() {
        return unseen(text, purpose);
    }
    Judgment::Sound
}

/// Whether a text is a placeholder. Ids have to have a letter or a digit.
#[must_use]
pub fn is_nothing(text: &str, purpose: Purpose) -> bool {
    let is_in = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if text.len() <= LONGEST && (is_in(NOTHING) || (purpose == Purpose::Id && is_in(NO_IDS))) {
        return true;
    }
    match purpose {
        Purpose::Free => false,
        // In a column of codes a question mark counts as a code, so that whoever wrote it learns which codes there are.
        Purpose::Typed => text.chars().all(|character| matches!(character, '-' | '–' | '—' | '.' | '=')),
        _ => {
            !text.bytes().any(|byte| byte.is_ascii_alphanumeric())
                && !text.chars().any(|character| character.is_alphanumeric() || is_lost(character))
        }
    }
}

fn nothing(text: &str, purpose: Purpose) -> Judgment {
    match purpose {
        Purpose::Id => Judgment::Refused(ValueError::new(
            IssueCode::Missing,
            format!("{} is what programs write for nothing, and no id. Fill in the id.", quoted(text)),
        )),
        Purpose::PersonName => name(text),
        Purpose::Number | Purpose::Line | Purpose::Free | Purpose::Typed => Judgment::Nothing,
    }
}

/// There are people named `Null` or `Nan`. Nobody is named `nan`, which is how programs spell "not a number".
fn name(text: &str) -> Judgment {
    let is_spelled_by_programs = matches!(text, "nan" | "NaN" | "NaT");
    if !is_spelled_by_programs && could_be_a_name(text) {
        return Judgment::Doubtful(ValueError::new(
            IssueCode::Missing,
            format!("The name {} is also what programs write for nothing. Make sure that it is one.", quoted(text)),
        ));
    }
    Judgment::Refused(ValueError::new(
        IssueCode::Missing,
        format!("{} is what programs write for nothing, and no name. Fill in the name.", quoted(text)),
    ))
}

/// Whether a placeholder is also a name that people have.
#[must_use]
pub fn could_be_a_name(text: &str) -> bool {
    NAMES.iter().any(|name| name.eq_ignore_ascii_case(text))
}

/// `#N/A`, `#REF!`, `#CALC!`, `#WERT!`, `#¿NOMBRE?`, `Err:502`, `Error 2042`, `########`.
fn is_error(text: &str) -> bool {
    let is_listed = |text: &str| {
        let lower = text.to_lowercase();
        ERRORS.iter().any(|error| *error == lower)
    };
    let is_numbered = |rest: &str| rest.len() == 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    match text.as_bytes() {
        [b'#', rest @ ..] if rest.iter().all(|byte| *byte == b'#') => !rest.is_empty(),
        [b'#', .., b'!' | b'?'] => {
            let inner = text.trim_matches(['#', '!', '?', '¡', '¿']);
            !inner.is_empty()
                && inner.len() <= 2 * LONGEST
                && inner.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '/' | '_' | ' '))
        }
        [b'#' | b'[' | b'L' | b'l', ..] => text.len() <= LONGEST && is_listed(text),
        [b'E' | b'e', ..] => {
            let numbered = text.get(..4).filter(|start| start.eq_ignore_ascii_case("Err:")).and(text.get(4..));
            let of_code = text.get(..8).filter(|start| start.eq_ignore_ascii_case("Error 20")).and(text.get(7..));
            numbered.is_some_and(is_numbered) || of_code.is_some_and(is_numbered)
        }
        _ => false,
    }
}

fn error(text: &str) -> ValueError {
    let message = if text.starts_with("##") {
        "The cell shows ####: its column is too narrow for the value, which is lost in the export. Widen the column \
         and export again."
            .to_owned()
    } else {
        format!("{} is the error of a spreadsheet and no value. Correct its formula, or enter its value.", quoted(text))
    };
    ValueError::new(IssueCode::CellError, message)
}

fn formula(text: &str) -> ValueError {
    let message =
        format!("{} is a formula and no value. Export the file with values, or enter the value.", quoted(text));
    ValueError::new(IssueCode::CellError, message)
}

fn apostrophe(text: &str) -> ValueError {
    let message = format!(
        "{} begins with the apostrophe by which a spreadsheet keeps a number as text. Remove it where it is not part \
         of the id.",
        quoted(text)
    );
    ValueError::new(IssueCode::CellError, message)
}

fn shortened(text: &str) -> ValueError {
    let message = format!(
        "{} is a number that a spreadsheet has shortened. Format the column as text and enter the id again.",
        quoted(text)
    );
    ValueError::new(IssueCode::BadNumber, message)
}

fn fraction(text: &str) -> ValueError {
    let message = format!(
        "{} is an id that a program has taken for a number, as pandas does where cells of a column are empty; zeros \
         in front may be gone. Export the column as text.",
        quoted(text)
    );
    ValueError::new(IssueCode::BadNumber, message)
}

/// `1.23457E+11`: digits, perhaps a fraction, and an exponent with its sign.
#[must_use]
pub fn is_shortened(text: &[u8]) -> bool {
    let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let Some(at) = text.iter().position(|byte| *byte == b'+') else { return false };
    let (Some([digits @ .., b'E' | b'e']), Some([_, exponent @ ..])) = (text.get(..at), text.get(at..)) else {
        return false;
    };
    let digits = digits.strip_prefix(b"-").unwrap_or(digits);
    let mut parts = digits.splitn(2, |byte| matches!(byte, b'.' | b','));
    parts.all(is_number) && is_number(exponent)
}

/// The digits of `12345.0`, as programs write whole numbers in a column that they keep with fractions.
#[must_use]
pub fn without_fraction(text: &str) -> Option<&str> {
    let digits = text.strip_suffix(".0")?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// The text of `="00123"`, which exports write so that spreadsheets keep leading zeros.
#[must_use]
pub fn unforced(text: &str) -> Option<String> {
    let inner = text.strip_prefix("=\"")?.strip_suffix('"')?;
    let plain = inner.replace("\"\"", "");
    (!plain.contains('"')).then(|| inner.replace("\"\"", "\"").trim().to_owned())
}

/// Characters that are invisible or change the direction of others.
fn unseen(text: &str, purpose: Purpose) -> Judgment {
    let is_strict = matches!(purpose, Purpose::Id | Purpose::Number | Purpose::PersonName);
    if text.contains('\u{FFFD}') {
        let message = format!("Letters of {} were lost in an earlier export. Enter them again.", quoted(text));
        let lost = ValueError::new(IssueCode::BadEncoding, message);
        return if is_strict { Judgment::Refused(lost) } else { Judgment::Doubtful(lost) };
    }
    let is_id = matches!(purpose, Purpose::Id | Purpose::Number);
    let Some(found) = found(text, is_id) else { return Judgment::Sound };
    let message = format!(
        "The text holds the character U+{:04X}, which cannot be seen. Remove it; it usually comes with a copy and \
         paste.",
        u32::from(found)
    );
    let unseen = ValueError::new(IssueCode::ControlCharacter, message);
    match purpose {
        Purpose::Id | Purpose::Number | Purpose::PersonName => Judgment::Refused(unseen),
        Purpose::Line | Purpose::Free | Purpose::Typed => Judgment::Doubtful(unseen),
    }
}

/// The first invisible character. Joiners between letters are part of how some languages are written, but not allowed
/// in ids, where two texts that look alike have to be the same; nor is any blank there but the usual one.
fn found(text: &str, is_id: bool) -> Option<char> {
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_letter =
            |letter: Option<char>| letter.is_some_and(|letter| !letter.is_ascii() && letter.is_alphabetic());
        let joins = matches!(character, '\u{200C}' | '\u{200D}');
        let is_written = joins && !is_id && is_letter(before) && is_letter(characters.peek().copied());
        let is_blank = is_id && character.is_whitespace() && character != ' ';
        if (is_invisible(character) && !is_written) || is_blank {
            return Some(character);
        }
        // A joiner may follow a mark that belongs to the letter before it.
        if !joins {
            before = Some(character);
        }
    }
    None
}

fn is_lost(character: char) -> bool {
    character == '\u{FFFD}'
}

/// Whether a character takes up no space on the screen, or changes the direction of those around it.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{00AD}'
            | '\u{034F}'
            | '\u{061C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// The text as it can be shown to people: characters that are invisible or change the direction of others are replaced
/// by their numbers, so that a name cannot look like another one.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_invisible(character) && !matches!(character, '\u{200C}' | '\u{200D}') {
            shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::Purpose::{Free, Id, Line, Number, PersonName, Typed};
    use super::*;

    fn judged(text: &str, purpose: Purpose) -> String {
        match judge(text, purpose) {
            Judgment::Sound => "sound".to_owned(),
            Judgment::Nothing => "nothing".to_owned(),
            Judgment::Doubtful(error) => format!("doubtful {}", error.code),
            Judgment::Refused(error) => error.code.to_string(),
        }
    }

    #[test]
    fn words_for_nothing_are_nobodys_id_and_nothing_elsewhere() {
        for word in [
            "NULL",
            "null",
            "(null)",
            "\\N",
            "nan",
            "NaN",
            "None",
            "N/A",
            "n/a",
            "<NA>",
            "NA",
            "undefined",
            "nil",
            "NaT",
            "[object Object]",
            "=",
            "-",
            "--",
            "?",
            "...",
            "***",
        ] {
            assert_eq!(judged(word, Id), "missing", "{word}");
            assert_eq!(judged(word, Number), "nothing", "{word}");
            assert_eq!(judged(word, Line), "nothing", "{word}");
            let typed = if word.contains(['?', '*']) { "sound" } else { "nothing" };
            assert_eq!(judged(word, Typed), typed, "{word}");
        }
        for word in ["unknown", "TBD", "Pending", "not available"] {
            assert_eq!((judged(word, Id), judged(word, Line)), ("missing".to_owned(), "sound".to_owned()), "{word}");
        }
        for text in ["NULL-1", "NA17", "N1", "0", "7", "A", "ß", "山", "Nanette", "Nonesuch", "#7", "Room #3!", "E11.9"]
        {
            assert_eq!(judged(text, Id), "sound", "{text}");
        }
        assert_eq!((judged("...", Free), judged("N/A", Free)), ("sound".to_owned(), "nothing".to_owned()));
    }

    #[test]
    fn names_of_people_are_asked_about_and_not_refused() {
        for name in ["Null", "NULL", "None", "Nan", "Na", "Nil"] {
            assert_eq!(judged(name, PersonName), "doubtful missing", "{name}");
        }
        for word in ["nan", "NaN", "(null)", "\\N", "N/A", "undefined", "-", "[object Object]"] {
            assert_eq!(judged(word, PersonName), "missing", "{word}");
        }
        for name in ["O'Neil", "'t Hooft", "X Æ", "Nguyễn", "王", "محمد", "می‌خواهم", "Müller-Lüdenscheidt", "D’Angelo"]
        {
            assert_eq!(judged(name, PersonName), "sound", "{name}");
        }
    }

    #[test]
    fn errors_are_no_values_in_any_field() {
        for error in [
            "#N/A",
            "#n/a",
            "#REF!",
            "#VALUE!",
            "#DIV/0!",
            "#NAME?",
            "#NULL!",
            "#NUM!",
            "#SPILL!",
            "#CALC!",
            "#FIELD!",
            "#BLOCKED!",
            "#CONNECT!",
            "#GETTING_DATA",
            "#ERROR!",
            "#BUSY!",
            "#UNKNOWN!",
            "#PYTHON!",
            "#EXTERNAL!",
            "Loading...",
            "Err:502",
            "err:508",
            "Error 2042",
            "########",
            "##",
            "#WERT!",
            "#BEZUG!",
            "#NV",
            "#ZAHL!",
            "#¡VALOR!",
            "#¿NOMBRE?",
            "#N/D",
            "#NOM?",
            "#ÜBERLAUF!",
            "#ЗНАЧ!",
            "#Н/Д",
            "#Error",
            "#Deleted",
        ] {
            for purpose in [Id, Number, PersonName, Line, Free, Typed] {
                assert_eq!(judged(error, purpose), "cell-error", "{error}");
            }
        }
        for text in ["#7", "#12A", "Errol", "Err: what", "Error", "Loading dock", "# of beds?!x"] {
            assert_ne!(judged(text, Line), "cell-error", "{text}");
        }
    }

    #[test]
    fn formulas_and_what_keeps_numbers_as_text() {
        assert_eq!(judged("=A2", Id), "cell-error");
        assert_eq!(judged("=A2", PersonName), "cell-error");
        assert_eq!(judged("=> call first", Free), "sound");
        assert_eq!(judged("'00125", Id), "cell-error");
        for (text, plain) in [
            ("=\"00123\"", Some("00123")),
            ("=\" 00123 \"", Some("00123")),
            ("=\"a \"\"b\"\" c\"", Some("a \"b\" c")),
            ("=\"\"", Some("")),
            ("=\"a\"&\"b\"", None),
            ("=A2", None),
            ("\"x\"", None),
        ] {
            assert_eq!(unforced(text).as_deref(), plain, "{text}");
        }
    }

    #[test]
    fn shortened_numbers_and_fractions_are_recognized() {
        for text in ["1.23457E+11", "1E+12", "1,2e+05", "-1.5E+20", "12E+1"] {
            assert!(is_shortened(text.as_bytes()), "{text}");
            assert_eq!((judged(text, Id), judged(text, Line)), ("bad-number".to_owned(), "sound".to_owned()), "{text}");
        }
        for text in ["", "E+1", "1.E+5", "1.5E+", "ABC-1E+1x", "1E5", "12345", "CASE+1", "1+1"] {
            assert!(!is_shortened(text.as_bytes()), "{text}");
        }
        assert_eq!(judged("12345.0", Id), "bad-number");
        assert_eq!(judged("12345.0", Line), "sound");
        for (text, digits) in
            [("12345.0", Some("12345")), (".0", None), ("1.20", None), ("v1.0", None), ("1.0.0", None)]
        {
            assert_eq!(without_fraction(text), digits, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_shown_by_its_number() {
        assert_eq!(shown("members\u{202E}vsc.exe"), "members⟨U+202E⟩vsc.exe");
        for text in ["members.csv", "محمد.csv", "می\u{200C}خواهم"] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused_in_ids_and_names() {
        for text in [
            "M\u{200B}1",
            "\u{202E}1M",
            "M\u{00A0}1",
            "M1\u{FEFF}",
            "M\u{2009}1",
            "M\u{AD}1",
            "M\u{E0041}1",
            "\u{3164}1",
        ] {
            assert_eq!(judged(text, Id), "control-character", "{text:?}");
        }
        assert_eq!(judged("Ada\u{202E}", PersonName), "control-character");
        assert_eq!(judged("Ada\u{00A0}Maria", PersonName), "sound");
        assert_eq!(judged("note\u{200B}", Free), "doubtful control-character");
        assert_eq!(judged("Pe\u{FFFD}a", PersonName), "bad-encoding");
        assert_eq!(judged("Pe\u{FFFD}a", Line), "doubtful bad-encoding");
        assert_eq!(judged("\u{FFFD}", Id), "bad-encoding");
    }
}
