//! What is said about a graded order: one model from which every block of a report is made, so that no two blocks can
//! disagree (decision 284).
//!
//! Each finding has its words. The findings of an eye give it one sentence, further lines, and a [`Chip`]. The chip of
//! the whole order follows the level of its care plan, which is that of the most pressing finding. Colors depend only
//! on chips.

use crate::assessment::{AssessedEye, AssessedFinding, Assessment};
use crate::finding::{Answer, Diagnosis, Finding};
use iris_model::EvaluationType;
use iris_model::organization::CareLevel;
use std::cmp::Reverse;

/// How pressing something is, in a word or two, least pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chip {
    /// The eye was not examined.
    NotExamined,
    /// Examined, with nothing found.
    NothingFound,
    /// The eye cannot be graded.
    NotGradable,
    /// To be checked again at a later exam.
    Again,
    /// To be seen by a specialist.
    Referral,
    /// To be seen soon.
    Urgent,
    /// To be seen immediately.
    Emergency,
}

impl Chip {
    /// The text beside an eye.
    #[must_use]
    pub fn of_eye(self) -> &'static str {
        match self {
            Self::NotExamined => "Not examined",
            Self::NothingFound => "Nothing found",
            Self::NotGradable => "Not gradable",
            Self::Again => "Check again",
            Self::Referral => "Referral",
            Self::Urgent => "Urgent",
            Self::Emergency => "Emergency",
        }
    }

    /// The text beside a care plan.
    #[must_use]
    pub fn of_plan(self) -> &'static str {
        match self {
            Self::NotExamined | Self::NothingFound => "Routine",
            Self::NotGradable | Self::Again => "Check again",
            Self::Referral => "Referral",
            Self::Urgent => "Urgent",
            Self::Emergency => "Emergency",
        }
    }

    fn of_level(level: CareLevel) -> Self {
        match level {
            CareLevel::NotReferable => Self::Again,
            CareLevel::Referable => Self::Referral,
            CareLevel::Urgent => Self::Urgent,
            CareLevel::Emergent => Self::Emergency,
        }
    }
}

/// Everything that is said about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// About the right eye.
    pub od: SaidEye,
    /// About the left eye.
    pub os: SaidEye,
    /// The chip beside the care plan.
    pub chip: Chip,
}

/// Everything that is said about an eye.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidEye {
    /// How pressing it is.
    pub chip: Chip,
    /// The main statement, without a full stop.
    pub sentence: String,
    /// Further findings or reasons.
    pub more: Vec<String>,
    /// Every answer, and other findings.
    pub lines: Vec<Line>,
}

/// An answer as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What was asked.
    pub label: String,
    /// What was answered.
    pub value: String,
    /// True if it reports something found.
    pub is_news: bool,
}

impl Line {
    fn new(label: impl Into<String>, value: impl Into<String>, is_news: bool) -> Self {
        Self { label: label.into(), value: value.into(), is_news }
    }
}

impl Said {
    /// What is said about an order for these exams. `missing`: why an eye is missing according to the order; used for
    /// an eye that the grading does not mention.
    #[must_use]
    pub fn of(assessment: &Assessment, exams: &[EvaluationType], missing: Option<&str>) -> Self {
        let eye = |eye: &Option<AssessedEye>| SaidEye::of(eye.as_ref(), exams, missing);
        let (od, os) = (eye(&assessment.od), eye(&assessment.os));
        let is_clear = |eye: &SaidEye| matches!(eye.chip, Chip::NothingFound | Chip::NotExamined);
        let chip = match assessment.level {
            CareLevel::NotReferable if is_clear(&od) && is_clear(&os) => Chip::NothingFound,
            level => Chip::of_level(level),
        };
        Self { od, os, chip }
    }
}

impl SaidEye {
    fn of(eye: Option<&AssessedEye>, exams: &[EvaluationType], missing: Option<&str>) -> Self {
        match eye {
            Some(AssessedEye::Gradable(findings)) => Self::graded(findings, exams),
            Some(AssessedEye::Ungradable(reasons)) => Self::not_gradable(reasons),
            Some(AssessedEye::Missing(reason)) => Self::not_examined(Some(reason)),
            None => Self::not_examined(missing),
        }
    }

    fn not_gradable(reasons: &[String]) -> Self {
        let first = Line::new("Image quality", "Not gradable", true);
        let lines = reasons.iter().map(|reason| Line::new("Reason", reason, false));
        Self {
            chip: Chip::NotGradable,
            sentence: "The images of this eye could not be graded".to_owned(),
            more: reasons.to_vec(),
            lines: std::iter::once(first).chain(lines).collect(),
        }
    }

    fn not_examined(reason: Option<&str>) -> Self {
        Self {
            chip: Chip::NotExamined,
            sentence: "This eye was not examined".to_owned(),
            more: reason.map(str::to_owned).into_iter().collect(),
            lines: vec![Line::new("Not examined", reason.unwrap_or("No images of this eye"), false)],
        }
    }

    fn graded(findings: &[AssessedFinding], exams: &[EvaluationType]) -> Self {
        let mut found: Vec<&AssessedFinding> = findings.iter().filter(|own| !own.finding.is_negative()).collect();
        found.sort_by_key(|own| (Reverse(own.level.max(CareLevel::Referable)), rank(&own.finding)));
        let chip = found.iter().map(|own| Chip::of_level(own.level)).max().unwrap_or(Chip::NothingFound);
        let mut told = told(&found).into_iter();
        let sentence = told.next().unwrap_or_else(|| nothing_found(findings, exams));
        let mut lines: Vec<Line> = findings.iter().map(|own| line(&own.finding)).collect();
        if lines.is_empty() {
            lines.push(Line::new("Findings", "None", false));
        }
        Self { chip, sentence, more: told.collect(), lines }
    }
}

/// The order among equally pressing findings: diagnosed, then undetermined, then suspected.
fn rank(finding: &Finding) -> u8 {
    match finding {
        Finding::Diagnosed(_, Answer::Indeterminable) => 1,
        Finding::Diagnosed(..) => 0,
        Finding::Suspected(_) | Finding::Other { .. } => 2,
    }
}

/// Each finding in words; retinopathy and edema are combined, because they are one diagnosis.
fn told(found: &[&AssessedFinding]) -> Vec<String> {
    let is_edema = |finding: &Finding| matches!(finding, Finding::Diagnosed(Diagnosis::MacularEdema, _));
    let is_retinopathy = |finding: &Finding| matches!(finding, Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, answer) if *answer != Answer::Indeterminable);
    let is_both =
        found.iter().any(|own| is_edema(&own.finding)) && found.iter().any(|own| is_retinopathy(&own.finding));
    let both = found.iter().find(|own| is_both && is_retinopathy(&own.finding));
    let mut both = both.map(|own| format!("{} with macular edema", phrase(&own.finding)));
    let mut told = Vec::new();
    for own in found {
        if is_both && (is_edema(&own.finding) || is_retinopathy(&own.finding)) {
            told.extend(both.take());
        } else {
            told.push(phrase(&own.finding));
        }
    }
    told
}

/// Says what was looked for but not seen.
fn nothing_found(findings: &[AssessedFinding], exams: &[EvaluationType]) -> String {
    let asked = |own: &AssessedFinding| match own.finding {
        Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, _) if exams == [EvaluationType::DrRefNoRef] => {
            Some("diabetic retinopathy that needs a referral")
        }
        Finding::Diagnosed(diagnosis, _) => Some(name(diagnosis)),
        _ => None,
    };
    let asked: Vec<&str> = findings.iter().filter_map(asked).collect();
    match asked.as_slice() {
        [] => "Nothing suspicious seen".to_owned(),
        [one] => format!("No {one} seen"),
        [first @ .., last] => format!("No {} or {last} seen", first.join(", ")),
    }
}

fn name(diagnosis: Diagnosis) -> &'static str {
    match diagnosis {
        Diagnosis::DiabeticRetinopathy => "diabetic retinopathy",
        Diagnosis::MacularEdema => "macular edema",
        Diagnosis::DryAmd => "dry macular degeneration (AMD)",
        Diagnosis::WetAmd => "wet macular degeneration (AMD)",
        Diagnosis::Glaucoma => "glaucoma",
        Diagnosis::HivRetinopathy => "HIV retinopathy",
    }
}

/// A finding in words for the patient.
fn phrase(finding: &Finding) -> String {
    let (diagnosis, answer) = match finding {
        Finding::Diagnosed(diagnosis, answer) => (*diagnosis, *answer),
        Finding::Suspected(suspicion) => return suspicion.text().to_owned(),
        Finding::Other { text, .. } => return capital(text),
    };
    let name = name(diagnosis);
    match answer {
        Answer::None | Answer::NoObservable => format!("No {name} seen"),
        Answer::Indeterminable => format!("{}: could not be determined", capital(name)),
        Answer::Positive => match diagnosis {
            Diagnosis::DiabeticRetinopathy | Diagnosis::Glaucoma | Diagnosis::HivRetinopathy => {
                format!("Signs of {name}")
            }
            Diagnosis::MacularEdema | Diagnosis::DryAmd | Diagnosis::WetAmd => capital(name),
        },
        Answer::Mild | Answer::Moderate | Answer::Severe | Answer::Proliferative => {
            format!("{} {name}", answer.text())
        }
        Answer::EarlyStage => format!("Early {name}"),
        Answer::IntermediateStage => format!("Intermediate {name}"),
        Answer::AdvancedWithout => format!("Advanced {name}, center of sight not affected"),
        Answer::AdvancedWith => format!("Advanced {name}, center of sight affected"),
    }
}

/// A finding as listed.
fn line(finding: &Finding) -> Line {
    match finding {
        Finding::Diagnosed(diagnosis, answer) => Line::new(diagnosis.text(), answer.text(), !answer.is_negative()),
        Finding::Suspected(suspicion) => {
            let text = suspicion.text();
            Line::new(capital(text.strip_prefix("Suspected ").unwrap_or(text)), "Suspected", true)
        }
        Finding::Other { text, .. } => Line::new("Other", text, true),
    }
}

/// The text with its first letter in upper case.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
