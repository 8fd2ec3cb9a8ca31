//! An invented report of every evaluation type: what a template's preview shows, and what tests and benchmarks print.

use std::sync::{Arc, OnceLock};

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use jiff::Timestamp;
use jiff::civil::date;

use crate::EvaluationType;
use crate::report::{
    CarePlan, Diagnosis, EyeImage, EyeReport, Finding, Grader, HealthPlan, Letterhead, Order, Outcome, Patient,
    Provider, Report, ResultCode, Severity,
};

/// Side of the drawn images, pixels.
const SIDE: u32 = 900;

/// A report about nobody, with findings of its type.
#[must_use]
pub fn report(kind: EvaluationType) -> Report {
    let taken = date(2026, 11, 3).at(9, 12, 0, 0);
    let (right, left) = findings(kind);
    let eye = |(severity, findings): (Severity, &[(&str, &str)]), mirrored| EyeReport {
        outcome: Outcome::Graded { severity, findings: findings.iter().map(finding).collect() },
        image: Some(EyeImage { bytes: drawn(mirrored), taken: Some(taken) }),
    };
    let worst = right.0.max(left.0);
    Report {
        evaluation_types: vec![kind],
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
            created: Some(date(2026, 11, 1).at(16, 40, 0, 0)),
            scheduled: Some(date(2026, 11, 3).at(9, 0, 0, 0)),
            serviced: Some(taken),
            ..Order::default()
        },
        ordering_provider: Some(provider("Sample", "Physician", "MD", "1234567893")),
        referring_provider: None,
        health_plan: HealthPlan::default(),
        od: eye(right, false),
        os: eye(left, true),
        care_plan: Some(care_plan(worst)),
        diagnoses: diagnoses(kind),
        notes: match worst {
            Severity::Normal => Vec::new(),
            _ => vec!["Please compare with earlier images if there are any.".to_owned()],
        },
        grader: Some(Grader {
            provider: Provider {
                taxonomy: Some("207W00000X".to_owned()),
                ..provider("Mock", "Grader", "OD", "1098765432")
            },
            graded: Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(1_793_812_509),
        }),
        disclaimer: None,
        issued: Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(1_793_812_560),
    }
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

fn finding((finding, result): &(&str, &str)) -> Finding {
    Finding { finding: (*finding).to_owned(), result: (!result.is_empty()).then(|| (*result).to_owned()) }
}

fn care_plan(severity: Severity) -> CarePlan {
    let (name, description) = match severity {
        Severity::Normal => (
            "Normal study, next exam in 12 months",
            "Nothing that needs treatment was seen. Please have your eyes examined again in a year, and keep your blood sugar and \
             blood pressure in the range agreed with your doctor.",
        ),
        Severity::Abnormal => (
            "See an eye doctor within 4 weeks",
            "Something was seen that an eye doctor should look at. Please make an appointment and bring this report along. Do not \
             wait for symptoms: treatment works best before you notice a change.",
        ),
        Severity::Critical => (
            "See an eye doctor within 1 week",
            "Something was seen that needs to be looked at soon to protect your sight. Please call for an appointment today and \
             bring this report along.",
        ),
    };
    CarePlan { name: name.to_owned(), description: description.to_owned(), severity }
}

type Answers = (Severity, &'static [(&'static str, &'static str)]);

fn findings(kind: EvaluationType) -> (Answers, Answers) {
    use Severity::{Abnormal, Critical, Normal};
    match kind {
        EvaluationType::Dr | EvaluationType::Drme => (
            (
                Critical,
                &[("Diabetic Retinopathy", "Moderate"), ("Macular Edema", "Positive"), ("Suspected Cataract", "")],
            ),
            (Abnormal, &[("Diabetic Retinopathy", "Mild"), ("Macular Edema", "None")]),
        ),
        EvaluationType::Me => ((Normal, &[("Macular Edema", "None")]), (Normal, &[("Macular Edema", "None")])),
        EvaluationType::DrReferral => {
            ((Normal, &[("Diabetic Retinopathy", "None")]), (Abnormal, &[("Diabetic Retinopathy", "Positive")]))
        }
        EvaluationType::Glaucoma => ((Abnormal, &[("Glaucoma", "Positive")]), (Normal, &[("Glaucoma", "None")])),
        EvaluationType::Hiv => ((Normal, &[("HIV Retinopathy", "None")]), (Normal, &[("HIV Retinopathy", "None")])),
        EvaluationType::Amd => (
            (Abnormal, &[("Wet AMD", "No Observable"), ("Dry AMD", "Intermediate Stage")]),
            (Critical, &[("Wet AMD", "Positive"), ("Dry AMD", "Adv. Atrophic w/o Subfoveal Involvement")]),
        ),
        EvaluationType::DrAmd => (
            (
                Abnormal,
                &[
                    ("Diabetic Retinopathy", "Mild"),
                    ("Macular Edema", "None"),
                    ("Wet AMD", "No Observable"),
                    ("Dry AMD", "Early Stage"),
                ],
            ),
            (
                Normal,
                &[
                    ("Diabetic Retinopathy", "None"),
                    ("Macular Edema", "None"),
                    ("Wet AMD", "No Observable"),
                    ("Dry AMD", "No Observable"),
                ],
            ),
        ),
        EvaluationType::SuspectedPathology => {
            ((Abnormal, &[("Suspected Epiretinal Membrane", ""), ("Suspected Cataract", "")]), (Normal, &[]))
        }
        EvaluationType::DrAredsGlaucoma | EvaluationType::Eyenuk => (
            (
                Normal,
                &[
                    ("Diabetic Retinopathy", "None"),
                    ("Wet AMD", "No Observable"),
                    ("Dry AMD", "No Observable"),
                    ("Glaucoma", "None"),
                ],
            ),
            (
                Normal,
                &[
                    ("Diabetic Retinopathy", "None"),
                    ("Wet AMD", "No Observable"),
                    ("Dry AMD", "No Observable"),
                    ("Glaucoma", "None"),
                ],
            ),
        ),
    }
}

fn diagnoses(kind: EvaluationType) -> Vec<Diagnosis> {
    let codes: &[(&str, &str)] = match kind {
        EvaluationType::Dr | EvaluationType::Drme => &[
            ("E119", "Type 2 diabetes mellitus without complications (submitted)"),
            (
                "E113311",
                "Type 2 diabetes mellitus with moderate nonproliferative diabetic retinopathy with macular edema, right eye",
            ),
            (
                "E113292",
                "Type 2 diabetes mellitus with mild nonproliferative diabetic retinopathy without macular edema, left eye",
            ),
        ],
        EvaluationType::Amd => &[
            ("H353112", "Nonexudative age-related macular degeneration, right eye, intermediate dry stage"),
            ("H35322", "Exudative age-related macular degeneration, left eye"),
        ],
        _ => &[],
    };
    codes.iter().map(|(code, text)| Diagnosis { code: (*code).to_owned(), description: (*text).to_owned() }).collect()
}

/// A drawing that looks like a retinal image, as a JPEG file: a disc with optic nerve head, macula and vessels. `mirrored` for a
/// left eye.
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

/// Color at a place of a retina that fills the unit circle, with the optic nerve head to the right.
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

/// How much of a vessel lies at a place: four arcades from the nerve head, with branches.
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
