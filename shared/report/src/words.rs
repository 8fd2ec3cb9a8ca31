//! The published vocabulary of findings (iris-facts §6.3, §6.4) in words for the patient.

use crate::report::{Finding, Severity};

/// What an answer amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Looked for and not seen; holds what was looked for.
    Negative(&'static str),
    /// Seen; holds a phrase that begins a sentence.
    Positive(String),
    /// Not to be told from the images.
    Open(String),
}

/// Reads an answer. Pairs outside the published lists are shown as they are (iris-facts §5.7).
pub(crate) fn meaning(answer: &Finding) -> Meaning {
    let result = answer.result.as_deref().map(str::trim).unwrap_or_default();
    let finding = answer.finding.trim();
    let is = |name: &str| finding.eq_ignore_ascii_case(name);
    let says = |name: &str| result.eq_ignore_ascii_case(name);
    let known = if is("Diabetic Retinopathy") {
        Some("diabetic retinopathy")
    } else if is("Macular Edema") {
        Some("macular edema")
    } else if is("Glaucoma") {
        Some("glaucoma")
    } else if is("HIV Retinopathy") {
        Some("HIV retinopathy")
    } else if is("Dry AMD") {
        Some("dry macular degeneration (AMD)")
    } else if is("Wet AMD") {
        Some("wet macular degeneration (AMD)")
    } else {
        None
    };
    let Some(known) = known else {
        return Meaning::Positive(other(finding, result));
    };
    if says("None") || says("No Observable") {
        return Meaning::Negative(known);
    }
    if says("Indeterminable") {
        return Meaning::Open(format!("{}: could not be determined", capital(known)));
    }
    Meaning::Positive(if says("Positive") {
        if is("Glaucoma") || is("Diabetic Retinopathy") { format!("Signs of {known}") } else { capital(known) }
    } else if let Some(stage) = dry_stage(result).filter(|_| is("Dry AMD")) {
        let (stage, place) = stage;
        format!("{stage} {known}{place}")
    } else if result.is_empty() {
        capital(known)
    } else {
        format!("{} {known}", capital(&result.to_lowercase()))
    })
}

fn other(finding: &str, result: &str) -> String {
    match (finding, result) {
        (finding, "") => finding.to_owned(),
        (finding, result) if finding.eq_ignore_ascii_case("Other") => capital(result),
        (finding, result) => format!("{finding}: {result}"),
    }
}

/// Stage of dry AMD and what is said after the name.
fn dry_stage(result: &str) -> Option<(&'static str, &'static str)> {
    let lower = result.to_ascii_lowercase();
    Some(match lower.as_str() {
        "early stage" => ("Early", ""),
        "intermediate stage" => ("Intermediate", ""),
        "advanced" => ("Advanced", ""),
        _ if lower.starts_with("adv. atrophic w/o") => ("Advanced", ", center of sight not affected"),
        _ if lower.starts_with("adv. atrophic") => ("Advanced", ", center of sight affected"),
        _ => return None,
    })
}

/// One sentence for an eye: the positives, else what was looked for and not seen. The second part is what else was found.
pub(crate) fn headline(findings: &[Finding]) -> (String, Vec<String>) {
    let mut negatives = Vec::new();
    let mut open = Vec::new();
    let mut positives = Vec::new();
    for finding in findings {
        match meaning(finding) {
            Meaning::Negative(what) => negatives.push(what),
            Meaning::Open(text) => open.push(text),
            Meaning::Positive(text) => positives.push(text),
        }
    }
    // A combined diagnosis reads as one: "Moderate diabetic retinopathy with macular edema".
    if positives.len() >= 2 && positives[1] == "Macular edema" && positives[0].ends_with("diabetic retinopathy") {
        positives.remove(1);
        positives[0].push_str(" with macular edema");
    }
    positives.extend(open);
    let mut told = positives.into_iter();
    match told.next() {
        Some(first) => (first, told.collect()),
        None if negatives.is_empty() => ("No signs of disease seen".to_owned(), Vec::new()),
        None => (format!("No {} seen", enumerate(&negatives)), Vec::new()),
    }
}

fn enumerate(items: &[&str]) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// First letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// How the answer is listed: label and value.
pub(crate) fn answer(finding: &Finding) -> (String, String) {
    let result = finding.result.as_deref().map(str::trim).filter(|result| !result.is_empty());
    let name = finding.finding.trim();
    match (name.strip_prefix("Suspected "), result) {
        (_, Some(result)) => (name.to_owned(), result.to_owned()),
        (Some(what), None) => (capital(what), "Suspected".to_owned()),
        (None, None) => (name.to_owned(), "Reported".to_owned()),
    }
}

/// Word beside the color of an eye.
pub(crate) fn badge(severity: Severity) -> &'static str {
    match severity {
        Severity::Normal => "No follow-up finding",
        Severity::Abnormal => "Follow-up needed",
        Severity::Critical => "Prompt attention needed",
    }
}

/// Word beside the color of a care plan.
pub(crate) fn plan_badge(severity: Severity) -> &'static str {
    match severity {
        Severity::Normal => "Routine",
        Severity::Abnormal => "Referral",
        Severity::Critical => "Urgent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(finding: &str, result: &str) -> Finding {
        Finding { finding: finding.to_owned(), result: (!result.is_empty()).then(|| result.to_owned()) }
    }

    #[test]
    fn an_eye_is_told_in_one_sentence() {
        type Case = (&'static [(&'static str, &'static str)], &'static str, &'static [&'static str]);
        let cases: &[Case] = &[
            (
                &[("Diabetic Retinopathy", "None"), ("Macular Edema", "None")],
                "No diabetic retinopathy or macular edema seen",
                &[],
            ),
            (
                &[("Diabetic Retinopathy", "Moderate"), ("Macular Edema", "Positive")],
                "Moderate diabetic retinopathy with macular edema",
                &[],
            ),
            (&[("Diabetic Retinopathy", "Mild"), ("Macular Edema", "None")], "Mild diabetic retinopathy", &[]),
            (&[("Diabetic Retinopathy", "None"), ("Macular Edema", "Positive")], "Macular edema", &[]),
            (&[("Diabetic Retinopathy", "Positive")], "Signs of diabetic retinopathy", &[]),
            (&[("HIV Retinopathy", "Positive")], "HIV retinopathy", &[]),
            (&[("Glaucoma", "Positive")], "Signs of glaucoma", &[]),
            (
                &[("Wet AMD", "Positive"), ("Dry AMD", "Indeterminable")],
                "Wet macular degeneration (AMD)",
                &["Dry macular degeneration (AMD): could not be determined"],
            ),
            (&[("Dry AMD", "Early Stage")], "Early dry macular degeneration (AMD)", &[]),
            (&[("Suspected Cataract", "")], "Suspected Cataract", &[]),
            (&[("Other", "drusen nasal to the disc")], "Drusen nasal to the disc", &[]),
            (&[("Something new", "Level 3")], "Something new: Level 3", &[]),
            (&[], "No signs of disease seen", &[]),
        ];
        for (findings, sentence, rest) in cases {
            let findings: Vec<Finding> = findings.iter().map(|(name, result)| finding(name, result)).collect();
            let (told, also) = headline(&findings);
            assert_eq!(
                (told.as_str(), also.iter().map(String::as_str).collect::<Vec<_>>()),
                (*sentence, rest.to_vec())
            );
        }
    }
}
