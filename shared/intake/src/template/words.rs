//! Codes in plain words, for people who fill in a form.

use iris_model::{EvaluationType, Gender};

pub(super) fn exam(exam: EvaluationType) -> &'static str {
    match exam {
        EvaluationType::Dr => "Diabetic retinopathy with macular edema",
        EvaluationType::Glaucoma => "Glaucoma",
        EvaluationType::Hiv => "HIV retinopathy",
        EvaluationType::Drme => "Diabetic retinopathy and macular edema, extended care plans",
        EvaluationType::DrRefNoRef => "Diabetic retinopathy, refer or not, read by AI",
        EvaluationType::Amd => "Age-related macular degeneration",
        EvaluationType::DrAmd => "Diabetic retinopathy and age-related macular degeneration",
        EvaluationType::Sp => "Suspected pathology",
        EvaluationType::DrAredsGlauc => "Diabetic retinopathy, AMD (AREDS) and glaucoma, read by AI",
        EvaluationType::AiEyenukO1 => "Diabetic retinopathy, AMD and glaucoma, read by AI",
        EvaluationType::Me => "Macular edema",
    }
}

pub(super) fn gender(gender: Gender) -> &'static str {
    match gender {
        Gender::Unspecified => "Unknown",
        Gender::Male => "Male",
        Gender::Female => "Female",
        Gender::NonBinary => "Non-binary",
        Gender::Other => "Other",
        Gender::TransgenderMale => "Transgender male",
        Gender::TransgenderFemale => "Transgender female",
        Gender::NotDisclosed => "Not disclosed",
        Gender::Exploring => "Exploring or questioning",
        Gender::NotListed => "Not listed",
        Gender::NotExclusive => "Not exclusively male or female",
    }
}
