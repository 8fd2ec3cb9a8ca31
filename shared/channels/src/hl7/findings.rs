//! Discrete results (iris-facts §9.4.1): for each eye one per question, one for all other findings, and one for its
//! images; right eye first.

use iris_hl7::mapping::Finding;
use iris_model::finding::{self, Diagnosis};
use iris_model::organization::CareLevel;
use iris_results::{AssessedEye, AssessedFinding, Assessment};

/// The discrete results of an order. A missing eye has none; an eye that cannot be graded has only the one for its
/// images.
pub(super) fn findings(assessment: &Assessment) -> Vec<Finding> {
    let mut all = Vec::new();
    for (eye, assessed) in [("RIGHT", &assessment.od), ("LEFT", &assessment.os)] {
        match assessed {
            Some(AssessedEye::Gradable(found)) => {
                all.extend(found.iter().filter_map(|own| diagnosed(eye, own)));
                all.push(other(eye, found));
                all.push(quality(eye, "Gradable Image"));
            }
            Some(AssessedEye::Ungradable(_)) => all.push(quality(eye, "Not Gradable Image")),
            Some(AssessedEye::Missing(_)) | None => {}
        }
    }
    all
}

/// `None` for a diagnosis without a published identifier (glaucoma).
fn diagnosed(eye: &str, own: &AssessedFinding) -> Option<Finding> {
    let finding::Finding::Diagnosed(diagnosis, answer) = &own.finding else { return None };
    let identifier = match diagnosis {
        Diagnosis::DiabeticRetinopathy => "DIABRETIN",
        Diagnosis::MacularEdema => "MACEDEMA",
        Diagnosis::HivRetinopathy => "HIVRETIN",
        Diagnosis::DryAmd => "DRYAMD",
        Diagnosis::WetAmd => "WETAMD",
        Diagnosis::Glaucoma => return None,
    };
    Some(Finding {
        identifier: format!("{eye}{identifier}"),
        value: answer.text().to_owned(),
        flag: own.severity.flag().unwrap_or_default().to_owned(),
        quality: false,
    })
}

/// Suspected conditions, separated by commas.
fn other(eye: &str, found: &[AssessedFinding]) -> Finding {
    let others = found.iter().filter(|own| !matches!(own.finding, finding::Finding::Diagnosed(..)));
    let (mut texts, mut level) = (Vec::new(), None);
    for own in others {
        texts.push(match &own.finding {
            finding::Finding::Other { text, .. } => text.clone(),
            named => named.name().to_owned(),
        });
        level = level.max(Some(own.level));
    }
    let flag = match level {
        None | Some(CareLevel::NotReferable) => "",
        Some(CareLevel::Referable) => "A",
        Some(CareLevel::Urgent | CareLevel::Emergent) => "AA",
    };
    let value = if texts.is_empty() { finding::NO_FINDING.to_owned() } else { texts.join(",") };
    Finding { identifier: format!("{eye}OTHERRETIN"), value, flag: flag.to_owned(), quality: false }
}

fn quality(eye: &str, value: &str) -> Finding {
    let identifier = format!("{eye}QUALAPP");
    Finding { identifier, value: value.to_owned(), flag: String::new(), quality: true }
}
