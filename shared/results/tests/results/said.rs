//! What is said about an eye, finding by finding.

use iris_model::organization::CareLevel;
use iris_model::result::Severity;
use iris_model::{EvaluationType, GradingSubmission, Organization};
use iris_results::assessment::Basis;
use iris_results::finding::{Answer, Diagnosis, Finding, OtherSubset, Suspicion};
use iris_results::reading::{Examination, Eye};
use iris_results::severity::of_finding;
use iris_results::{Assessment, Chip, Said, SaidEye};
use jiff::Timestamp;

fn said(kind: EvaluationType, od: Option<Eye>, os: Option<Eye>, missing: Option<&str>) -> Said {
    let organization = Organization::unattributed();
    let exams = [kind];
    let basis = Basis {
        organization: &organization,
        site: None,
        evaluation_types: &exams,
        submitted_diagnosis: None,
        one_eye: false,
    };
    let grading = GradingSubmission::default();
    let assessment = Assessment::of(&Examination { od, os }, &grading, basis, Timestamp::UNIX_EPOCH);
    Said::of(&assessment, &exams, missing)
}

fn right(kind: EvaluationType, found: Vec<Finding>) -> SaidEye {
    said(kind, Some(Eye::Gradable(found)), Some(Eye::Gradable(Vec::new())), None).od
}

#[test]
fn each_answer_in_words() {
    use Answer as A;
    use Diagnosis as D;
    type Row = (&'static [(D, A)], &'static str, Chip);
    let table: &[Row] = &[
        (&[(D::DiabeticRetinopathy, A::None)], "No diabetic retinopathy seen", Chip::NothingFound),
        (
            &[(D::DiabeticRetinopathy, A::None), (D::MacularEdema, A::None)],
            "No diabetic retinopathy or macular edema seen",
            Chip::NothingFound,
        ),
        (&[(D::DiabeticRetinopathy, A::Mild)], "Mild diabetic retinopathy", Chip::Again),
        (&[(D::DiabeticRetinopathy, A::Moderate)], "Moderate diabetic retinopathy", Chip::Referral),
        (&[(D::DiabeticRetinopathy, A::Severe)], "Severe diabetic retinopathy", Chip::Urgent),
        (&[(D::DiabeticRetinopathy, A::Proliferative)], "Proliferative diabetic retinopathy", Chip::Urgent),
        (&[(D::DiabeticRetinopathy, A::Positive)], "Signs of diabetic retinopathy", Chip::Referral),
        (
            &[(D::DiabeticRetinopathy, A::Indeterminable)],
            "Diabetic retinopathy: could not be determined",
            Chip::Referral,
        ),
        (
            &[(D::DiabeticRetinopathy, A::Moderate), (D::MacularEdema, A::Positive)],
            "Moderate diabetic retinopathy with macular edema",
            Chip::Urgent,
        ),
        (&[(D::DiabeticRetinopathy, A::None), (D::MacularEdema, A::Positive)], "Macular edema", Chip::Urgent),
        (&[(D::HivRetinopathy, A::Positive)], "Signs of HIV retinopathy", Chip::Urgent),
        (&[(D::Glaucoma, A::Positive)], "Signs of glaucoma", Chip::Referral),
        (&[(D::WetAmd, A::Positive)], "Wet macular degeneration (AMD)", Chip::Urgent),
        (&[(D::DryAmd, A::EarlyStage)], "Early dry macular degeneration (AMD)", Chip::Again),
        (&[(D::DryAmd, A::IntermediateStage)], "Intermediate dry macular degeneration (AMD)", Chip::Referral),
        (
            &[(D::DryAmd, A::AdvancedWithout)],
            "Advanced dry macular degeneration (AMD), center of sight not affected",
            Chip::Urgent,
        ),
        (
            &[(D::DryAmd, A::AdvancedWith)],
            "Advanced dry macular degeneration (AMD), center of sight affected",
            Chip::Urgent,
        ),
        (&[], "Nothing suspicious seen", Chip::NothingFound),
    ];
    for (answers, sentence, chip) in table {
        let found = answers.iter().map(|(asked, answer)| Finding::Diagnosed(*asked, *answer)).collect();
        let own = right(EvaluationType::Dr, found);
        assert_eq!((own.sentence.as_str(), own.chip, own.more.len()), (*sentence, *chip, 0));
    }
    let three = [D::DiabeticRetinopathy, D::MacularEdema, D::Glaucoma].map(|asked| Finding::Diagnosed(asked, A::None));
    let own = right(EvaluationType::Dr, three.to_vec());
    assert_eq!(own.sentence, "No diabetic retinopathy, macular edema or glaucoma seen");
    let referral = right(EvaluationType::DrRefNoRef, vec![Finding::Diagnosed(D::DiabeticRetinopathy, A::None)]);
    assert_eq!(referral.sentence, "No diabetic retinopathy that needs a referral seen");
}

#[test]
fn an_open_question_and_edema_are_two_things() {
    let open = Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, Answer::Indeterminable);
    let edema = Finding::Diagnosed(Diagnosis::MacularEdema, Answer::Positive);
    let own = right(EvaluationType::Dr, vec![open, edema]);
    assert_eq!(own.sentence, "Macular edema");
    assert_eq!(own.more, ["Diabetic retinopathy: could not be determined"]);
}

#[test]
fn every_answer_is_listed_and_news_stand_out() {
    let found = vec![
        Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, Answer::Mild),
        Finding::Diagnosed(Diagnosis::MacularEdema, Answer::None),
        Finding::Suspected(Suspicion::Cataract),
        Finding::Other { subset: OtherSubset::Referable, text: "tortuous vessels".into() },
    ];
    let own = right(EvaluationType::Dr, found);
    let lines: Vec<_> = own.lines.iter().map(|line| (line.label.as_str(), line.value.as_str(), line.is_news)).collect();
    let expected = [
        ("Diabetic Retinopathy", "Mild", true),
        ("Macular Edema", "None", false),
        ("Cataract", "Suspected", true),
        ("Other", "tortuous vessels", true),
    ];
    assert_eq!(lines, expected);
    assert_eq!(own.more, ["Suspected Cataract", "Tortuous vessels"]);
    assert_eq!(right(EvaluationType::Sp, Vec::new()).lines[0].value, "None");
}

#[test]
fn eyes_without_findings_say_why() {
    let ungradable = Eye::Ungradable(vec!["Dirty Lens".into()]);
    let own = said(EvaluationType::Dr, Some(ungradable), Some(Eye::Missing("Enucleation".into())), None);
    assert_eq!((own.od.chip, own.os.chip, own.chip), (Chip::NotGradable, Chip::NotExamined, Chip::Referral));
    assert_eq!(own.od.sentence, "The images of this eye could not be graded");
    assert_eq!(own.os.sentence, "This eye was not examined");
    assert_eq!(
        (own.od.more.as_slice(), own.os.more.as_slice()),
        (&["Dirty Lens".to_owned()][..], &["Enucleation".to_owned()][..])
    );
    let line = |eye: &SaidEye, index: usize| (eye.lines[index].label.clone(), eye.lines[index].value.clone());
    assert_eq!(line(&own.od, 0), ("Image quality".to_owned(), "Not gradable".to_owned()));
    assert_eq!(line(&own.od, 1), ("Reason".to_owned(), "Dirty Lens".to_owned()));
    assert_eq!(line(&own.os, 0), ("Not examined".to_owned(), "Enucleation".to_owned()));
    let silent = |missing| said(EvaluationType::Dr, Some(Eye::Gradable(Vec::new())), None, missing).os;
    assert_eq!(silent(Some("Prosthesis")).more, ["Prosthesis"]);
    assert_eq!(silent(None).lines[0].value, "No images of this eye");
}

#[test]
fn the_chips_in_words() {
    let all = [
        (Chip::NotExamined, "Not examined", "Routine"),
        (Chip::NothingFound, "Nothing found", "Routine"),
        (Chip::NotGradable, "Not gradable", "Check again"),
        (Chip::Again, "Check again", "Check again"),
        (Chip::Referral, "Referral", "Referral"),
        (Chip::Urgent, "Urgent", "Urgent"),
        (Chip::Emergency, "Emergency", "Emergency"),
    ];
    for (chip, of_eye, of_plan) in all {
        assert_eq!((chip.of_eye(), chip.of_plan()), (of_eye, of_plan));
    }
}

#[test]
fn severity_follows_the_published_flags() {
    let suspected = Finding::Suspected(Suspicion::DiscEdema);
    let of = |level| of_finding(&suspected, level, false);
    assert_eq!(of(CareLevel::NotReferable), Severity::Normal);
    assert_eq!(of(CareLevel::Referable), Severity::Abnormal);
    assert_eq!(of(CareLevel::Urgent), Severity::Critical);
    assert_eq!(of(CareLevel::Emergent), Severity::Critical);
    let severe = Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, Answer::Severe);
    assert_eq!(of_finding(&severe, CareLevel::Urgent, false), Severity::Abnormal);
    assert_eq!(of_finding(&severe, CareLevel::Urgent, true), Severity::Critical);
    let edema = Finding::Diagnosed(Diagnosis::MacularEdema, Answer::Severe);
    assert_eq!(of_finding(&edema, CareLevel::Urgent, true), Severity::Abnormal, "severe retinopathy alone");
    let clear = Finding::Diagnosed(Diagnosis::WetAmd, Answer::NoObservable);
    assert_eq!(of_finding(&clear, CareLevel::Emergent, true), Severity::Normal);
    let mild = Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, Answer::Mild);
    assert_eq!(of_finding(&mild, CareLevel::Emergent, false), Severity::Critical, "an emergency is critical");
    for (diagnosis, answer, expected) in [
        (Diagnosis::WetAmd, Answer::Positive, Severity::Critical),
        (Diagnosis::WetAmd, Answer::Indeterminable, Severity::Abnormal),
        (Diagnosis::DryAmd, Answer::AdvancedWith, Severity::Critical),
        (Diagnosis::DryAmd, Answer::IntermediateStage, Severity::Abnormal),
        (Diagnosis::Glaucoma, Answer::Positive, Severity::Abnormal),
    ] {
        assert_eq!(of_finding(&Finding::Diagnosed(diagnosis, answer), CareLevel::Referable, false), expected);
    }
    assert_eq!(
        [Severity::Normal, Severity::Abnormal, Severity::Critical].map(Severity::flag),
        [None, Some("A"), Some("AA")]
    );
}
