//! ICD-10-CM codes of diagnosed pathology (iris-facts §9.7; decisions 128, 134).
//!
//! `data/icd-10-cm.tsv` holds all codes that can result, undotted, with their descriptions: diabetic retinopathy and
//! age-related macular degeneration in seven characters, and H35.81. A test compares each with the tabular list of the
//! release of April 1, 2026 (fiscal year 2026, CDC/NCHS). The codes follow the tables of iris-facts §9.7.
//!
//! Suspected conditions never have a code. Neither do answers that do not say which condition it is: `Indeterminable`,
//! and `Positive` in an exam that only decides whether to refer. No codes are published for glaucoma and HIV
//! retinopathy.
//!
//! Macular edema is coded together with diabetic retinopathy, in one code that includes the level. If the eye has
//! retinopathy of unknown level (`Positive`), or it could not be determined whether it has any, there is no such code.
//! H35.81 would then wrongly say that the edema is not diabetic, so the edema gets no code either (decision 285).

use crate::finding::{Answer, Diagnosis, Finding};
use crate::reading::{Examination, Eye};
use iris_model::result::DiagnosisCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The diabetes categories from which codes are made.
pub const CATEGORIES: [&str; 5] = ["E08", "E09", "E10", "E11", "E13"];

/// The eye a code is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Right,
    Left,
    Both,
}

impl Side {
    fn digit(self) -> char {
        match self {
            Self::Right => '1',
            Self::Left => '2',
            Self::Both => '3',
        }
    }
}

/// A code without its side.
#[derive(Clone, PartialEq, Eq)]
struct Stem {
    before: String,
    after: &'static str,
    has_side: bool,
}

/// The codes of an examination, those of the right eye first; if both eyes have the same finding, one code for both.
///
/// `submitted`: the diagnosis submitted with the order, dotted or not. Its category is used if it is a diabetes
/// category, otherwise `default`.
#[must_use]
pub fn codes(examination: &Examination, submitted: Option<&str>, default: &str) -> Vec<DiagnosisCode> {
    let category = submitted.and_then(category_of).unwrap_or(default);
    let of = |eye: &Option<Eye>| match eye {
        Some(Eye::Gradable(findings)) => stems(findings, category),
        _ => Vec::new(),
    };
    let (right, left) = (of(&examination.od), of(&examination.os));
    let mut found: Vec<(Side, Stem)> = Vec::new();
    for stem in &right {
        let side = if left.contains(stem) { Side::Both } else { Side::Right };
        found.push((side, stem.clone()));
    }
    found.extend(left.iter().filter(|stem| !right.contains(stem)).map(|stem| (Side::Left, stem.clone())));
    found.into_iter().filter_map(|(side, stem)| described(&written(side, &stem))).collect()
}

/// The category of a diabetes code, if it is one.
#[must_use]
pub fn category_of(code: &str) -> Option<&'static str> {
    let head = code.trim().get(..3)?;
    CATEGORIES.iter().copied().find(|category| category.eq_ignore_ascii_case(head))
}

fn stems(findings: &[Finding], category: &str) -> Vec<Stem> {
    let answer = |wanted: Diagnosis| {
        findings.iter().find_map(|finding| match finding {
            Finding::Diagnosed(diagnosis, answer) if *diagnosis == wanted => Some(*answer),
            _ => None,
        })
    };
    let edema = answer(Diagnosis::MacularEdema) == Some(Answer::Positive);
    let graded = answer(Diagnosis::DiabeticRetinopathy);
    let is_without_level = matches!(graded, Some(Answer::Positive | Answer::Indeterminable));
    let retinopathy = match graded {
        Some(Answer::Mild) => Some('2'),
        Some(Answer::Moderate) => Some('3'),
        Some(Answer::Severe) => Some('4'),
        Some(Answer::Proliferative) => Some('5'),
        _ => None,
    };
    let dry = match answer(Diagnosis::DryAmd) {
        Some(Answer::EarlyStage) => Some("1"),
        Some(Answer::IntermediateStage) => Some("2"),
        Some(Answer::AdvancedWithout) => Some("3"),
        Some(Answer::AdvancedWith) => Some("4"),
        _ => None,
    };
    let mut stems = Vec::new();
    if let Some(level) = retinopathy {
        let edema = if edema { '1' } else { '9' };
        stems.push(Stem { before: format!("{category}3{level}{edema}"), after: "", has_side: true });
    } else if edema && !is_without_level {
        stems.push(Stem { before: "H3581".to_owned(), after: "", has_side: false });
    }
    if let Some(stage) = dry {
        stems.push(Stem { before: "H3531".to_owned(), after: stage, has_side: true });
    }
    if answer(Diagnosis::WetAmd) == Some(Answer::Positive) {
        stems.push(Stem { before: "H3532".to_owned(), after: "0", has_side: true });
    }
    stems
}

fn written(side: Side, stem: &Stem) -> String {
    let mut code = stem.before.clone();
    if stem.has_side {
        code.push(side.digit());
    }
    code.push_str(stem.after);
    code
}

/// The code with its description.
#[must_use]
pub fn described(code: &str) -> Option<DiagnosisCode> {
    let description = TABLE.lines().filter_map(|line| line.split_once('\t')).find(|(own, _)| *own == code)?.1;
    Some(DiagnosisCode { code: code.to_owned(), description: description.to_owned() })
}

/// The edition of the descriptions, the fiscal year of the grading, and that of the result if it differs.
#[must_use]
pub fn edition(graded: Timestamp, sent: Timestamp) -> String {
    let (graded, sent) = (fiscal_year(graded), fiscal_year(sent));
    let mut words = format!("{EDITION} Graded in fiscal year {graded}");
    if sent != graded {
        words.push_str(&format!(", sent in fiscal year {sent}"));
    }
    words.push('.');
    words
}

/// A fiscal year of the United States begins on October 1 of the previous year.
fn fiscal_year(time: Timestamp) -> i16 {
    let date = time.to_zoned(TimeZone::UTC).date();
    date.year() + i16::from(date.month() >= 10)
}

/// The codes as a report lists them: first the diagnosis submitted with the order (iris-facts §9.7.1), marked as such.
#[must_use]
pub fn listed(submitted_code: Option<&str>, generated: &[DiagnosisCode]) -> Vec<DiagnosisCode> {
    let Some(own) = submitted_code.map(|code| submitted(code, generated)) else { return generated.to_vec() };
    if !generated.iter().any(|code| code.code == own.code) {
        return std::iter::once(own).chain(generated.iter().cloned()).collect();
    }
    let marked = generated.iter().map(|code| match code.code == own.code {
        true => DiagnosisCode { description: format!("{} (submitted, too)", code.description), ..code.clone() },
        false => code.clone(),
    });
    marked.collect()
}

/// The diagnosis submitted with an order, as listed beside those of the exam, with a remark.
#[must_use]
pub fn submitted(code: &str, generated: &[DiagnosisCode]) -> DiagnosisCode {
    let code = code.trim().replace('.', "").to_ascii_uppercase();
    let conflict = generated.iter().find(|own| excludes(&code, &own.code));
    let what = described(&code).map(|own| format!("{}: ", own.description)).unwrap_or_default();
    let says = match conflict {
        Some(own) => format!(
            "submitted with the order; ICD-10-CM does not allow it beside {} of this exam (Excludes1)",
            dotted(&own.code)
        ),
        None => "submitted with the order, before this exam".to_owned(),
    };
    let description = format!("{what}{says}");
    let description = if what.is_empty() { capital(&description) } else { description };
    DiagnosisCode { code, description }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Whether the Excludes1 notes of the diabetes categories and of R73 forbid a code beside a diabetes code.
fn excludes(submitted: &str, generated: &str) -> bool {
    let is_diabetes = category_of(generated).is_some();
    let other = category_of(submitted).is_some_and(|own| Some(own) != category_of(generated));
    is_diabetes && (other || submitted.starts_with("R73") || submitted.starts_with("O244"))
}

/// The edition of the descriptions, as reports state it.
const EDITION: &str = "ICD-10-CM, CDC/NCHS, fiscal year 2026, release of April 1, 2026.";

/// A code as people write it: with a dot after the third character.
#[must_use]
pub fn dotted(code: &str) -> String {
    match (code.get(..3), code.get(3..)) {
        (Some(category), Some(rest)) if !rest.is_empty() => format!("{category}.{rest}"),
        _ => code.to_owned(),
    }
}

const TABLE: &str = include_str!("../data/icd-10-cm.tsv");

#[cfg(test)]
mod tests {
    use super::*;

    fn eye(answers: &[(Diagnosis, Answer)]) -> Option<Eye> {
        Some(Eye::Gradable(answers.iter().map(|(diagnosis, answer)| Finding::Diagnosed(*diagnosis, *answer)).collect()))
    }

    fn dr(level: Answer, edema: Answer) -> Option<Eye> {
        eye(&[(Diagnosis::DiabeticRetinopathy, level), (Diagnosis::MacularEdema, edema)])
    }

    fn listed(od: Option<Eye>, os: Option<Eye>, submitted: Option<&str>) -> Vec<String> {
        codes(&Examination { od, os }, submitted, "E11").into_iter().map(|code| code.code).collect()
    }

    #[test]
    fn the_pattern_of_the_published_table() {
        use Answer::{Mild, Moderate, None as No, Positive, Proliferative, Severe};
        assert_eq!(listed(dr(Mild, Positive), dr(No, No), Some("E08.9")), ["E083211"]);
        assert_eq!(listed(dr(Moderate, No), dr(Severe, No), None), ["E113391", "E113492"]);
        assert_eq!(listed(dr(Proliferative, No), dr(Proliferative, No), Some("E10")), ["E103593"]);
        assert_eq!(listed(dr(Mild, No), dr(Mild, Positive), Some("e1022")), ["E103291", "E103212"], "edema is per eye");
        assert_eq!(listed(dr(No, Positive), dr(No, Positive), None), ["H3581"]);
        assert_eq!(listed(dr(No, No), dr(Answer::Indeterminable, No), None), [""; 0]);
        assert_eq!(listed(dr(Mild, No), None, Some("H40.9")), ["E113291"], "a diagnosis that is none of diabetes");
    }

    #[test]
    fn macular_degeneration() {
        let amd = |dry, wet| eye(&[(Diagnosis::WetAmd, wet), (Diagnosis::DryAmd, dry)]);
        let found = listed(
            amd(Answer::IntermediateStage, Answer::Positive),
            amd(Answer::IntermediateStage, Answer::NoObservable),
            None,
        );
        assert_eq!(found, ["H353132", "H353210"]);
    }

    #[test]
    fn the_table_holds_each_code_once_and_only_what_can_come_out() {
        let mut codes: Vec<&str> = TABLE.lines().map(|line| line.split_once('\t').unwrap().0).collect();
        let count = codes.len();
        assert_eq!(count, 5 * 4 * 2 * 3 + 3 * 4 + 3 + 1);
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }

    #[test]
    fn dots() {
        assert_eq!(dotted("E113293"), "E11.3293");
        assert_eq!(dotted("E11"), "E11");
    }
}
