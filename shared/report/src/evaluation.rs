//! How reports name the exams (iris-facts §3.10), and what each exam looks for.

use iris_model::EvaluationType;

/// The name of an exam on reports.
#[must_use]
pub fn title(exam: EvaluationType) -> &'static str {
    match exam {
        EvaluationType::Dr | EvaluationType::Drme | EvaluationType::DrRefNoRef => "Diabetic eye exam",
        EvaluationType::Me => "Macular edema exam",
        EvaluationType::Glaucoma => "Glaucoma exam",
        EvaluationType::Hiv => "HIV retinopathy exam",
        EvaluationType::Amd => "Macular degeneration exam",
        EvaluationType::DrAmd => "Diabetic eye and macular degeneration exam",
        EvaluationType::Sp => "Retinal exam",
        EvaluationType::DrAredsGlauc | EvaluationType::AiEyenukO1 => {
            "Diabetic eye, macular degeneration and glaucoma exam"
        }
    }
}

/// What an exam looks for, in one sentence.
#[must_use]
pub(crate) fn about(exam: EvaluationType) -> &'static str {
    match exam {
        EvaluationType::Dr | EvaluationType::Drme => {
            "This exam looks for diabetic retinopathy (damage to the blood vessels of the retina) and \
             macular edema (swelling at the center of sight)."
        }
        EvaluationType::DrRefNoRef => {
            "Software looked for diabetic retinopathy (damage to the blood vessels of the retina) and says \
             whether an eye doctor should see you."
        }
        EvaluationType::Me => {
            "This exam looks for macular edema, swelling at the center of the retina that can blur sight."
        }
        EvaluationType::Glaucoma => {
            "This exam looks for glaucoma, damage to the nerve that carries what the eye sees to the brain."
        }
        EvaluationType::Hiv => "This exam looks for HIV retinopathy, changes of the retina that can come with HIV.",
        EvaluationType::Amd => {
            "This exam looks for macular degeneration, changes at the center of the retina: the common dry \
             form, and the wet form, which can harm sight fast."
        }
        EvaluationType::DrAmd => {
            "This exam looks for diabetic retinopathy and macular edema, which come with diabetes, and for \
             age-related macular degeneration (AMD)."
        }
        EvaluationType::Sp => {
            "This exam looks for signs of disease at the back of the eye. A sign is a suspicion: a full eye \
             exam confirms it or rules it out."
        }
        EvaluationType::DrAredsGlauc | EvaluationType::AiEyenukO1 => {
            "Software looked for diabetic retinopathy, for age-related macular degeneration (AMD), and for \
             glaucoma, damage to the nerve of sight."
        }
    }
}
