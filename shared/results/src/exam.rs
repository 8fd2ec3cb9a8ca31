//! The questions of each exam, and their possible answers (iris-facts §6.3, §6.5; decision 124).

use crate::finding::{Answer, Diagnosis};
use iris_model::EvaluationType;

/// All published answers; `Positive` is an answer without a level (iris-facts §6.3).
const DR_SCALE: &[Answer] = &[
    Answer::None,
    Answer::Mild,
    Answer::Moderate,
    Answer::Severe,
    Answer::Proliferative,
    Answer::Indeterminable,
    Answer::Positive,
];
const REFER: &[Answer] = &[Answer::None, Answer::Positive, Answer::Indeterminable];
const PRESENT: &[Answer] = &[Answer::None, Answer::Positive];
const DRY: &[Answer] = &[
    Answer::NoObservable,
    Answer::EarlyStage,
    Answer::IntermediateStage,
    Answer::AdvancedWithout,
    Answer::AdvancedWith,
    Answer::Indeterminable,
];
const WET: &[Answer] = &[Answer::NoObservable, Answer::Positive, Answer::Indeterminable];

/// A question of an exam and its answers.
pub type Question = (Diagnosis, &'static [Answer]);

/// The questions an exam asks about every gradable eye. An exam for suspected pathology asks none.
#[must_use]
pub fn questions(exam: EvaluationType) -> &'static [Question] {
    use Diagnosis as D;
    match exam {
        EvaluationType::Dr | EvaluationType::Drme => &[(D::DiabeticRetinopathy, DR_SCALE), (D::MacularEdema, PRESENT)],
        EvaluationType::DrAmd => {
            &[(D::DiabeticRetinopathy, DR_SCALE), (D::MacularEdema, PRESENT), (D::WetAmd, WET), (D::DryAmd, DRY)]
        }
        EvaluationType::Amd => &[(D::WetAmd, WET), (D::DryAmd, DRY)],
        EvaluationType::Glaucoma => &[(D::Glaucoma, PRESENT)],
        EvaluationType::Hiv => &[(D::HivRetinopathy, REFER)],
        EvaluationType::Me => &[(D::MacularEdema, PRESENT)],
        EvaluationType::DrRefNoRef => &[(D::DiabeticRetinopathy, REFER)],
        EvaluationType::DrAredsGlauc | EvaluationType::AiEyenukO1 => {
            &[(D::DiabeticRetinopathy, DR_SCALE), (D::WetAmd, WET), (D::DryAmd, DRY), (D::Glaucoma, PRESENT)]
        }
        EvaluationType::Sp => &[],
    }
}

/// Questions that an exam does not ask, but whose answers it accepts.
#[must_use]
pub fn optional(exam: EvaluationType) -> &'static [Question] {
    match exam {
        EvaluationType::DrAredsGlauc | EvaluationType::AiEyenukO1 => &[(Diagnosis::MacularEdema, PRESENT)],
        _ => &[],
    }
}

/// Whether software reads it; then no license is needed (iris-facts R-06).
#[must_use]
pub fn is_read_by_ai(exam: EvaluationType) -> bool {
    matches!(exam, EvaluationType::DrRefNoRef | EvaluationType::DrAredsGlauc | EvaluationType::AiEyenukO1)
}

/// Converts answers of older interfaces: macular edema and HIV retinopathy graded on the scale of diabetic retinopathy
/// become Positive (iris-facts §13 #30, #31).
#[must_use]
pub fn canonical(diagnosis: Diagnosis, answer: Answer) -> Answer {
    let graded = matches!(answer, Answer::Mild | Answer::Moderate | Answer::Severe | Answer::Proliferative);
    match diagnosis {
        Diagnosis::MacularEdema | Diagnosis::HivRetinopathy if graded => Answer::Positive,
        _ => answer,
    }
}
