//! An invented report for every evaluation type, shown in template previews and used in tests and benchmarks.

use std::sync::{Arc, OnceLock};

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use iris_model::finding::{Answer, Diagnosis as Asked, Finding, Suspicion};
use iris_model::{GradingSubmission, Organization};
use iris_results::assessment::Basis;
use iris_results::reading::{Examination, Eye};
use iris_results::{Assessment, Said, icd};
use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};

use crate::EvaluationType;
use crate::report::{
    CarePlan, Diagnosis, EyeImage, EyeReport, Grader, HealthPlan, Letterhead, Moment, Order, Patient, Provider, Report,
    ResultCode,
};

/// Side of the drawn images, in pixels.
const SIDE: u32 = 900;
/// When the invented exam was graded.
const GRADED: Timestamp = Timestamp::constant(1_793_812_509, 0);

/// A report about an invented patient, with findings of this type.
#[must_use]
pub fn report(kind: EvaluationType) -> Report {
    let (right, left) = findings(kind);
    report_of(&[kind], Some(Eye::Gradable(right)), Some(Eye::Gradable(left)))
}

/// The same for these exams and eyes, as the platform would make it without any configuration.
#[must_use]
pub fn report_of(exams: &[EvaluationType], od: Option<Eye>, os: Option<Eye>) -> Report {
    let submitted = exams.iter().any(|exam| matches!(exam, EvaluationType::Dr | EvaluationType::Drme));
    let submitted = submitted.then_some("E11.9");
    let (organization, grading) = (Organization::unattributed(), GradingSubmission::default());
    let basis = Basis {
        organization: &organization,
        site: None,
        evaluation_types: exams,
        submitted_diagnosis: submitted,
        one_eye: false,
    };
    let assessment = Assessment::of(&Examination { od, os }, &grading, basis, GRADED);
    let said = Said::of(&assessment, exams, None);
    let taken = date(2026, 11, 3).at(9, 12, 0, 0);
    let image = |mirrored| Some(EyeImage { bytes: drawn(mirrored), taken: Some(taken) });
    Report {
        evaluation_types: exams.to_vec(),
        result_code: ResultCode::Final,
        letterhead: Letterhead {
            organization: "Harborview Community Health".to_owned(),
            site: "Harborview Eye Screening, Pier Street".to_owned(),
            address: vec!["12 Pier Street".to_owned(), "Springfield, IL 62701".to_owned()],
            phone: Some("(217) 555-0142".to_owned()),
            logo: None,
        },
        patient: Patient {
            local_id: "MRN-0012345".to_owned(),
            first_name: "Testina".to_owned(),
            last_name: "Example".to_owned(),
            dob: Some(date(1961, 3, 14)),
            gender: Some("Female".to_owned()),
            phone: Some("(217) 555-0199".to_owned()),
        },
        order: Order {
            iris_order_id: 5_550_123,
            local_id: Some("ORD-2026-000731".to_owned()),
            created: Some(Moment::At(GRADED - SignedDuration::from_hours(50))),
            scheduled: Some(Moment::Local(date(2026, 11, 3).at(9, 0, 0, 0))),
            serviced: Some(Moment::Local(taken)),
            ..Order::default()
        },
        ordering_provider: Some(provider("Sample", "Physician", "MD", "1234567893")),
        referring_provider: None,
        health_plan: HealthPlan::default(),
        od: EyeReport { said: said.od, image: image(false) },
        os: EyeReport { said: said.os, image: image(true) },
        notes: match assessment.pathology() {
            false => Vec::new(),
            true => vec!["Please compare with earlier images if there are any.".to_owned()],
        },
        diagnoses: diagnoses(&assessment, submitted),
        code_edition: Some(icd::edition(GRADED, GRADED)),
        care_plan: Some(CarePlan {
            name: assessment.care_plan_name,
            description: assessment.care_plan_description,
            chip: said.chip,
        }),
        grader: Some(Grader {
            provider: Provider {
                taxonomy: Some("207W00000X".to_owned()),
                ..provider("Mock", "Grader", "OD", "1098765432")
            },
            graded: GRADED,
        }),
        disclaimer: None,
        issued: GRADED + SignedDuration::from_secs(51),
        time_zone: None,
    }
}

fn diagnoses(assessment: &Assessment, submitted: Option<&str>) -> Vec<Diagnosis> {
    let generated: Vec<_> = assessment.diagnoses.iter().filter_map(|code| icd::described(code)).collect();
    let listed = icd::listed(submitted, &generated);
    listed.into_iter().map(|own| Diagnosis { code: own.code, description: own.description }).collect()
}

/// The images of every sample, drawn once.
fn drawn(mirrored: bool) -> Arc<[u8]> {
    static EYES: OnceLock<[Arc<[u8]>; 2]> = OnceLock::new();
    let [right, left] = EYES.get_or_init(|| [fundus(SIDE, false), fundus(SIDE, true)]);
    Arc::clone(if mirrored { left } else { right })
}

fn provider(first: &str, last: &str, degrees: &str, npi: &str) -> Provider {
    Provider {
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        degrees: Some(degrees.to_owned()),
        npi: Some(npi.to_owned()),
        taxonomy: None,
    }
}

fn findings(kind: EvaluationType) -> (Vec<Finding>, Vec<Finding>) {
    use Answer as A;
    use Finding::{Diagnosed, Suspected};
    let normal = || -> Vec<Finding> {
        let negative = |answers: &[Answer]| {
            if answers.contains(&A::None) { A::None } else { A::NoObservable }
        };
        let questions = iris_results::exam::questions(kind).iter();
        questions.map(|(asked, answers)| Diagnosed(*asked, negative(answers))).collect()
    };
    match kind {
        EvaluationType::Dr | EvaluationType::Drme => (
            vec![
                Diagnosed(Asked::DiabeticRetinopathy, A::Moderate),
                Diagnosed(Asked::MacularEdema, A::Positive),
                Suspected(Suspicion::Cataract),
            ],
            vec![Diagnosed(Asked::DiabeticRetinopathy, A::Mild), Diagnosed(Asked::MacularEdema, A::None)],
        ),
        EvaluationType::DrRefNoRef => (normal(), vec![Diagnosed(Asked::DiabeticRetinopathy, A::Positive)]),
        EvaluationType::Glaucoma => (vec![Diagnosed(Asked::Glaucoma, A::Positive)], normal()),
        EvaluationType::Amd => (
            vec![Diagnosed(Asked::WetAmd, A::NoObservable), Diagnosed(Asked::DryAmd, A::IntermediateStage)],
            vec![Diagnosed(Asked::WetAmd, A::Positive), Diagnosed(Asked::DryAmd, A::AdvancedWithout)],
        ),
        EvaluationType::DrAmd => (
            vec![
                Diagnosed(Asked::DiabeticRetinopathy, A::Mild),
                Diagnosed(Asked::MacularEdema, A::None),
                Diagnosed(Asked::DryAmd, A::EarlyStage),
                Diagnosed(Asked::WetAmd, A::NoObservable),
            ],
            normal(),
        ),
        EvaluationType::Sp => {
            (vec![Suspected(Suspicion::EpiretinalMembrane), Suspected(Suspicion::Cataract)], Vec::new())
        }
        EvaluationType::Me | EvaluationType::Hiv | EvaluationType::DrAredsGlauc | EvaluationType::AiEyenukO1 => {
            (normal(), normal())
        }
    }
}

/// A drawing that resembles a retinal image, as a JPEG file: a disc with optic nerve head, macula and vessels.
/// `mirrored` for a left eye.
#[must_use]
pub fn fundus(side: u32, mirrored: bool) -> Arc<[u8]> {
    let picture = RgbImage::from_fn(side, side, |x, y| {
        #[expect(clippy::cast_precision_loss, reason = "picture coordinates are small")]
        let (x, y) = (x as f32 / side as f32 * 2.0 - 1.0, y as f32 / side as f32 * 2.0 - 1.0);
        Rgb(retina(if mirrored { -x } else { x }, y))
    });
    let mut out = Vec::new();
    let written = picture.write_with_encoder(JpegEncoder::new_with_quality(&mut out, 85));
    debug_assert!(written.is_ok(), "a picture in memory can be written");
    out.into()
}

/// The color at a point of a retina that fills the unit circle, with the optic nerve head on the right.
fn retina(x: f32, y: f32) -> [u8; 3] {
    let radius = x.hypot(y);
    if radius > 0.96 {
        return [6, 6, 7];
    }
    let nerve = (x - 0.46).hypot((y - 0.02) * 0.9);
    let macula = (x + 0.12).hypot(y - 0.05);
    let glow = 1.0 - 0.42 * radius * radius;
    // Fine grain, the same every time.
    let grain = ((x * 231.7).sin() * (y * 317.3).cos() + (x * 91.3 + y * 127.1).sin()) * 0.018;
    let mut color = [0.80 * glow, 0.36 * glow, 0.15 * glow];
    let dark = (-macula * macula / 0.03).exp() * 0.42;
    for value in &mut color {
        *value *= 1.0 - dark;
        *value += grain;
    }
    let vessels = vessel(x, y).min(1.0) * (1.0 - (-macula * macula / 0.02).exp());
    color = [color[0] * (1.0 - 0.42 * vessels), color[1] * (1.0 - 0.62 * vessels), color[2] * (1.0 - 0.5 * vessels)];
    let head = 1.0 / (1.0 + ((nerve - 0.13) * 60.0).exp());
    let cup = 1.0 / (1.0 + ((nerve - 0.055) * 70.0).exp());
    let bright = [0.97, 0.77 + 0.14 * cup, 0.47 + 0.3 * cup];
    for (value, bright) in color.iter_mut().zip(bright) {
        *value += (bright - *value) * head * 0.88;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    color.map(|value| (value.clamp(0.0, 1.0) * 255.0) as u8)
}

/// How much of a vessel is at a point: four arcades from the nerve head, with branches.
fn vessel(x: f32, y: f32) -> f32 {
    let (dx, dy) = (0.46 - x, y - 0.02);
    let mut sum = 0.0;
    for (rise, bend, width) in [(0.95, 0.62, 0.021), (1.02, 0.55, 0.013), (-0.92, 0.60, 0.020), (-1.05, 0.5, 0.013)] {
        for (branch, share) in [(0.0, 1.0), (0.22, 0.55), (-0.2, 0.5)] {
            let along = dx.max(0.0);
            let curve = rise * (along * (1.0 + branch)).powf(0.62) * bend + (along * 9.0 + rise * 3.0).sin() * 0.015;
            let fade = (1.0 - along * 0.45).max(0.15);
            let distance = (dy - curve) / (width * share * fade);
            sum += (-distance * distance).exp() * if dx > 0.0 { 0.9 } else { 0.0 };
        }
        let nasal = (-dx).max(0.0);
        let distance = (dy - rise * nasal.powf(0.8) * 0.9) / (width * 0.7);
        sum += (-distance * distance).exp() * if dx < 0.0 { 0.8 } else { 0.0 };
    }
    sum
}
