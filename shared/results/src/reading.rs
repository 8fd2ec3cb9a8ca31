//! Turns what a grader submitted into findings (iris-facts §6): complete, permitted and free of contradictions, or all
//! issues at once.

use crate::exam::{self, Question};
use crate::finding::{Answer, Diagnosis, Finding, NOT_GRADABLE, OtherSubset, Suspicion, same};
use iris_model::grading::{EyeSubmission, FindingEntry, GradingSubmission};
use iris_model::issue::quoted;
use iris_model::{EvaluationType, Issue, IssueCode};
use std::borrow::Cow;

/// The most findings of one eye: all named ones, and room for several in words.
const FINDINGS_LIMIT: usize = 64;
/// The most characters of a finding in words, a reason or a note (decision 13).
const TEXT_LIMIT: usize = 4_000;

/// What was seen, per eye.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Examination {
    /// The right eye; `None` if the grading does not mention it.
    pub od: Option<Eye>,
    /// The left eye; `None` if the grading does not mention it.
    pub os: Option<Eye>,
}

impl Examination {
    /// The findings of the gradable eyes, right one first.
    pub fn gradable(&self) -> impl Iterator<Item = &[Finding]> {
        self.eyes().filter_map(|eye| match eye {
            Eye::Gradable(findings) => Some(findings.as_slice()),
            _ => None,
        })
    }

    /// The eyes mentioned in the grading, right one first.
    pub fn eyes(&self) -> impl Iterator<Item = &Eye> {
        [&self.od, &self.os].into_iter().flatten()
    }
}

/// The examination of one eye.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Eye {
    /// What was found: an answer to every question, then suspected and other conditions as sent.
    Gradable(Vec<Finding>),
    /// It cannot be graded, for these reasons.
    Ungradable(Vec<String>),
    /// There is no such eye, or no need to examine it.
    Missing(String),
}

/// What a grading needs to know about its order.
#[derive(Debug, Clone, Copy)]
pub struct OrderView<'a> {
    /// What was ordered.
    pub evaluation_types: &'a [EvaluationType],
    /// Why an eye is missing, according to the order; applies to an eye that the grading does not mention.
    pub missing_eye_reason: Option<&'a str>,
    /// True if there are images of the right eye.
    pub right_images: bool,
    /// True if there are images of the left eye.
    pub left_images: bool,
}

/// Reads the eyes of a grading.
///
/// # Errors
/// Everything that is wrong with them.
pub fn read(grading: &GradingSubmission, order: OrderView<'_>) -> Result<Examination, Vec<Issue>> {
    let mut reader = Reader { order, issues: Vec::new() };
    let mut od = reader.eye("OD", grading.od.as_ref(), order.right_images);
    let mut os = reader.eye("OS", grading.os.as_ref(), order.left_images);
    if reader.issues.is_empty()
        && !matches!(
            (&od, &os),
            (Some(Eye::Gradable(_) | Eye::Ungradable(_)), _) | (_, Some(Eye::Gradable(_) | Eye::Ungradable(_)))
        )
    {
        reader.error(IssueCode::EyeNotGraded, "OD", "No eye was graded. Send OD, OS or both.");
    }
    // The order's reason applies to the eye that was not examined; if neither was, it is unclear which eye is meant.
    if let Some(reason) = order.missing_eye_reason {
        match (&od, &os) {
            (Some(_), None) => os = Some(Eye::Missing(reason.to_owned())),
            (None, Some(_)) => od = Some(Eye::Missing(reason.to_owned())),
            _ => {}
        }
    }
    if reader.issues.is_empty() { Ok(Examination { od, os }) } else { Err(reader.issues) }
}

struct Reader<'a> {
    order: OrderView<'a>,
    issues: Vec<Issue>,
}

impl Reader<'_> {
    fn error(&mut self, code: IssueCode, path: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) {
        self.issues.push(Issue::error(code, path, message));
    }

    fn contradiction(&mut self, side: &str, property: &str, message: &'static str) {
        self.error(IssueCode::ContradictoryEye, format!("{side}.{property}"), message);
    }

    fn eye(&mut self, side: &'static str, sent: Option<&EyeSubmission>, has_images: bool) -> Option<Eye> {
        let Some(sent) = sent else {
            if has_images {
                let message = "There are images of this eye. Grade it, or say why it is missing or not gradable.";
                self.error(IssueCode::EyeNotGraded, side, message);
            }
            return None;
        };
        let texts = sent.ungradable_reasons.iter().chain(&sent.missing_eye_reason);
        if texts.chain(sent.findings.iter().filter_map(|entry| entry.result.as_ref())).any(|text| is_unfit(text)) {
            let message = format!("A text is longer than {TEXT_LIMIT} characters or holds control characters.");
            self.error(IssueCode::TooLong, side, message);
            return None;
        }
        if let Some(reason) = &sent.missing_eye_reason {
            let silent = sent.gradable != Some(true) && sent.findings.is_empty() && sent.ungradable_reasons.is_empty();
            if !silent {
                self.contradiction(
                    side,
                    "MissingEyeReason",
                    "An eye that is missing has no grading. Send one or the other.",
                );
            }
            return Some(Eye::Missing(reason.clone()));
        }
        let ungradable_finding = sent.findings.iter().any(is_not_gradable);
        let gradable = sent.gradable.unwrap_or(!sent.findings.is_empty() && !ungradable_finding);
        if gradable { self.gradable(side, sent, ungradable_finding) } else { self.ungradable(side, sent) }
    }

    fn ungradable(&mut self, side: &'static str, sent: &EyeSubmission) -> Option<Eye> {
        if sent.gradable.is_none() && sent.findings.is_empty() && sent.ungradable_reasons.is_empty() {
            self.contradiction(side, "Gradable", "Nothing is said about this eye. Send Gradable and Findings.");
        }
        if sent.findings.iter().any(|entry| !is_not_gradable(entry)) {
            self.contradiction(side, "Findings", "An eye that is not gradable has no findings.");
        }
        Some(Eye::Ungradable(sent.ungradable_reasons.clone()))
    }

    fn gradable(&mut self, side: &'static str, sent: &EyeSubmission, ungradable_finding: bool) -> Option<Eye> {
        if ungradable_finding {
            self.contradiction(side, "Findings", "A gradable eye cannot have the finding Not Gradable.");
        }
        if !sent.ungradable_reasons.is_empty() {
            self.contradiction(side, "UngradableReasons", "A gradable eye has no reasons why it is not gradable.");
        }
        if sent.findings.len() > FINDINGS_LIMIT {
            let message = format!("There are more than {FINDINGS_LIMIT} findings.");
            self.error(IssueCode::LimitExceeded, format!("{side}.Findings"), message);
            return None;
        }
        let mut found = Vec::new();
        for (index, entry) in sent.findings.iter().enumerate().filter(|(_, entry)| !is_not_gradable(entry)) {
            if let Some(finding) = self.finding(&format!("{side}.Findings[{index}]"), entry)
                && !found.contains(&finding)
            {
                found.push(finding);
            }
        }
        self.answers(side, &found);
        found.sort_by_key(rank);
        Some(Eye::Gradable(found))
    }

    /// Every question must have exactly one answer; if it is that the question could not be determined, something
    /// suspected must be named.
    fn answers(&mut self, side: &'static str, found: &[Finding]) {
        let answers = |wanted: Diagnosis| {
            found
                .iter()
                .filter(move |finding| matches!(finding, Finding::Diagnosed(diagnosis, _) if *diagnosis == wanted))
        };
        let path = || format!("{side}.Findings");
        let mut missing: Vec<&str> = Vec::new();
        for (diagnosis, _) in self.questions().into_iter().filter(|(_, asked)| *asked).map(|(question, _)| question) {
            if answers(diagnosis).next().is_none() && !missing.contains(&diagnosis.text()) {
                missing.push(diagnosis.text());
            }
        }
        // If an answer was refused, that issue is enough.
        let refused = self.issues.iter().any(|issue| issue.path.starts_with(&path()));
        if !missing.is_empty() && !refused {
            let message = format!(
                "The exam asks for {}. Send None or No Observable where nothing was found.",
                missing.join(", ")
            );
            self.error(IssueCode::AnswerMissing, path(), message);
        }
        for diagnosis in Diagnosis::ALL {
            if answers(*diagnosis).count() > 1 {
                let message = format!("{} has two results. Send one.", diagnosis.text());
                self.error(IssueCode::ContradictoryEye, path(), message);
            }
        }
        let open = |finding: &Finding| matches!(finding, Finding::Diagnosed(_, Answer::Indeterminable));
        let suspected = |finding: &Finding| matches!(finding, Finding::Suspected(_) | Finding::Other { .. });
        if found.iter().any(open) && !found.iter().any(suspected) {
            let message = "Indeterminable needs at least one suspected condition of the same eye.";
            self.error(IssueCode::IndeterminableAlone, path(), message);
        }
    }

    fn finding(&mut self, path: &str, entry: &FindingEntry) -> Option<Finding> {
        let Some(name) = entry.finding.as_deref() else {
            self.error(IssueCode::Missing, format!("{path}.Finding"), "A finding has a name.");
            return None;
        };
        if let Some(subset) = OtherSubset::of_name(name) {
            let Some(text) = entry.result.clone() else {
                self.error(IssueCode::Missing, format!("{path}.Result"), "Say in Result what the other condition is.");
                return None;
            };
            return Some(Finding::Other { subset, text });
        }
        if let Some(suspicion) = Suspicion::from_text(name) {
            if entry.result.is_some() {
                let message = "A suspected condition has no result.";
                self.error(IssueCode::FindingNotAllowed, format!("{path}.Result"), message);
                return None;
            }
            return Some(Finding::Suspected(suspicion));
        }
        let question = Diagnosis::from_text(name).and_then(|wanted| {
            self.questions().into_iter().map(|(question, _)| question).find(|(own, _)| *own == wanted)
        });
        let Some((diagnosis, _)) = question else {
            let exams: Vec<&str> = self.order.evaluation_types.iter().map(|exam| exam.code()).collect();
            let message = format!("{} is not a finding of {}. {}", quoted(name), exams.join(", "), self.offer());
            self.error(IssueCode::FindingNotAllowed, format!("{path}.Finding"), message);
            return None;
        };
        let allowed = self.allowed(diagnosis);
        let answer =
            entry.result.as_deref().and_then(Answer::from_text).map(|answer| exam::canonical(diagnosis, answer));
        match answer.filter(|answer| allowed.contains(answer)) {
            Some(answer) => Some(Finding::Diagnosed(diagnosis, answer)),
            None => {
                let choices: Vec<&str> = allowed.iter().map(|answer| answer.text()).collect();
                let sent = entry.result.as_deref().map_or_else(|| "Nothing".to_owned(), quoted);
                let message =
                    format!("{sent} is not a result of {}. Use one of {}.", diagnosis.text(), choices.join(", "));
                self.error(IssueCode::FindingNotAllowed, format!("{path}.Result"), message);
                None
            }
        }
    }

    /// The questions of all ordered exams; true = an answer is required.
    fn questions(&self) -> Vec<(Question, bool)> {
        let asked = self.order.evaluation_types.iter().flat_map(|exam| exam::questions(*exam)).map(|own| (*own, true));
        let more = self.order.evaluation_types.iter().flat_map(|exam| exam::optional(*exam)).map(|own| (*own, false));
        asked.chain(more).collect()
    }

    /// The answers that at least one of the ordered exams allows for a question.
    fn allowed(&self, diagnosis: Diagnosis) -> Vec<Answer> {
        let mut allowed = Vec::new();
        for answer in self.questions().iter().filter(|((own, _), _)| *own == diagnosis).flat_map(|((_, all), _)| *all) {
            if !allowed.contains(answer) {
                allowed.push(*answer);
            }
        }
        allowed
    }

    fn offer(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for ((diagnosis, _), _) in self.questions() {
            if !names.contains(&diagnosis.text()) {
                names.push(diagnosis.text());
            }
        }
        names.push("a suspected condition");
        format!("Use one of {} or Other.", names.join(", "))
    }
}

fn is_not_gradable(entry: &FindingEntry) -> bool {
    entry.finding.as_deref().is_some_and(|name| same(NOT_GRADABLE, name))
}

fn is_unfit(text: &str) -> bool {
    text.chars().count() > TEXT_LIMIT || text.chars().any(|character| character.is_control() && character != '\n')
}

/// Answers come first, in vocabulary order, then suspected conditions as sent.
fn rank(finding: &Finding) -> usize {
    match finding {
        Finding::Diagnosed(diagnosis, _) => {
            Diagnosis::ALL.iter().position(|own| own == diagnosis).unwrap_or(Diagnosis::ALL.len())
        }
        Finding::Suspected(_) => Diagnosis::ALL.len(),
        Finding::Other { .. } => Diagnosis::ALL.len() + 1,
    }
}
