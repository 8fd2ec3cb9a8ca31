//! The questions and answers of each exam, and what a grading of it may contain.

use iris_model::grading::{EyeSubmission, FindingEntry, GradingSubmission};
use iris_model::{EvaluationType, IssueCode};
use iris_results::exam;
use iris_results::finding::{Answer, Diagnosis, Finding, OtherSubset, Suspicion};
use iris_results::reading::{Examination, Eye, OrderView, read};

#[test]
fn every_exam_asks_its_questions() {
    use Diagnosis::{DiabeticRetinopathy, DryAmd, Glaucoma, HivRetinopathy, MacularEdema, WetAmd};
    let of = |kind| {
        let asked: Vec<Diagnosis> = exam::questions(kind).iter().map(|(own, _)| *own).collect();
        let taken: Vec<Diagnosis> = exam::optional(kind).iter().map(|(own, _)| *own).collect();
        (asked, taken, exam::is_read_by_ai(kind))
    };
    let table = [
        (EvaluationType::Dr, vec![DiabeticRetinopathy, MacularEdema], vec![], false),
        (EvaluationType::Drme, vec![DiabeticRetinopathy, MacularEdema], vec![], false),
        (EvaluationType::DrAmd, vec![DiabeticRetinopathy, MacularEdema, WetAmd, DryAmd], vec![], false),
        (EvaluationType::Amd, vec![WetAmd, DryAmd], vec![], false),
        (EvaluationType::Glaucoma, vec![Glaucoma], vec![], false),
        (EvaluationType::Hiv, vec![HivRetinopathy], vec![], false),
        (EvaluationType::Me, vec![MacularEdema], vec![], false),
        (EvaluationType::Sp, vec![], vec![], false),
        (EvaluationType::DrRefNoRef, vec![DiabeticRetinopathy], vec![], true),
        (EvaluationType::DrAredsGlauc, vec![DiabeticRetinopathy, WetAmd, DryAmd, Glaucoma], vec![MacularEdema], true),
        (EvaluationType::AiEyenukO1, vec![DiabeticRetinopathy, WetAmd, DryAmd, Glaucoma], vec![MacularEdema], true),
    ];
    assert_eq!(table.len(), EvaluationType::ALL.len());
    for (kind, asked, taken, by_ai) in table {
        assert_eq!(of(kind), (asked, taken, by_ai), "{kind}");
    }
}

#[test]
fn answers_of_older_interfaces_become_the_canonical_one() {
    for answer in [Answer::Mild, Answer::Moderate, Answer::Severe, Answer::Proliferative] {
        assert_eq!(exam::canonical(Diagnosis::MacularEdema, answer), Answer::Positive);
        assert_eq!(exam::canonical(Diagnosis::HivRetinopathy, answer), Answer::Positive);
        assert_eq!(exam::canonical(Diagnosis::DiabeticRetinopathy, answer), answer);
    }
    for answer in [Answer::None, Answer::Positive, Answer::Indeterminable, Answer::EarlyStage] {
        assert_eq!(exam::canonical(Diagnosis::MacularEdema, answer), answer);
    }
}

fn entry(finding: &str, result: Option<&str>) -> FindingEntry {
    FindingEntry { finding: Some(finding.to_owned()), result: result.map(str::to_owned) }
}

fn gradable(findings: Vec<FindingEntry>) -> EyeSubmission {
    EyeSubmission { gradable: Some(true), findings, ..EyeSubmission::default() }
}

fn dr(more: Vec<FindingEntry>) -> EyeSubmission {
    let answers = vec![entry("Diabetic Retinopathy", Some("None")), entry("Macular Edema", Some("None"))];
    gradable(answers.into_iter().chain(more).collect())
}

fn grading(od: Option<EyeSubmission>, os: Option<EyeSubmission>) -> GradingSubmission {
    GradingSubmission { od, os, ..GradingSubmission::default() }
}

fn view(evaluation_types: &[EvaluationType]) -> OrderView<'_> {
    OrderView { evaluation_types, missing_eye_reason: None, right_images: true, left_images: true }
}

fn issues(od: EyeSubmission, os: EyeSubmission, exams: &[EvaluationType]) -> Vec<(IssueCode, String, String)> {
    let issues = read(&grading(Some(od), Some(os)), view(exams)).unwrap_err();
    issues.into_iter().map(|issue| (issue.code, issue.path.into_owned(), issue.message.into_owned())).collect()
}

const DR: &[EvaluationType] = &[EvaluationType::Dr];

#[test]
fn each_eye_is_read_as_itself() {
    let od = dr(vec![entry("Suspected Glaucoma", None)]);
    let os = dr(vec![entry("Other (Urgent)", Some("Tear"))]);
    let found = read(&grading(Some(od), Some(os)), view(DR)).unwrap();
    let negative = [
        Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, Answer::None),
        Finding::Diagnosed(Diagnosis::MacularEdema, Answer::None),
    ];
    let with = |own: Finding| Some(Eye::Gradable(negative.iter().cloned().chain([own]).collect()));
    let tear = Finding::Other { subset: OtherSubset::Urgent, text: "Tear".into() };
    let expected = Examination { od: with(Finding::Suspected(Suspicion::Glaucoma)), os: with(tear) };
    assert_eq!(found, expected);
    assert_eq!(found.eyes().count(), 2);
    assert_eq!(found.gradable().count(), 2);
    let half = Examination { od: Some(Eye::Ungradable(Vec::new())), ..found };
    assert_eq!((half.eyes().count(), half.gradable().count()), (2, 1));
}

#[test]
fn the_orders_reason_is_about_the_eye_nobody_looked_at() {
    let order =
        OrderView { missing_eye_reason: Some("Prosthesis"), right_images: false, left_images: false, ..view(DR) };
    let one = read(&grading(Some(dr(vec![])), None), order).unwrap();
    assert_eq!(one.os, Some(Eye::Missing("Prosthesis".into())));
    let other = read(&grading(None, Some(dr(vec![]))), order).unwrap();
    assert_eq!(other.od, Some(Eye::Missing("Prosthesis".into())));
    let both = read(&grading(Some(dr(vec![])), Some(dr(vec![]))), order).unwrap();
    assert!(matches!((both.od, both.os), (Some(Eye::Gradable(_)), Some(Eye::Gradable(_)))));
    let silent = read(&grading(Some(dr(vec![])), None), OrderView { missing_eye_reason: None, ..order }).unwrap();
    assert_eq!(silent.os, None);
    let nobody = read(&grading(None, None), order).unwrap_err();
    assert_eq!(nobody[0].code, IssueCode::EyeNotGraded);
}

#[test]
fn an_order_of_two_exams_takes_the_findings_of_both() {
    let exams = [EvaluationType::Amd, EvaluationType::Glaucoma];
    let answers = || {
        let answers = [("Wet AMD", "No Observable"), ("Dry AMD", "Early Stage"), ("Glaucoma", "Positive")];
        gradable(answers.map(|(finding, result)| entry(finding, Some(result))).to_vec())
    };
    let found = read(&grading(Some(answers()), Some(answers())), view(&exams)).unwrap();
    let Some(Eye::Gradable(found)) = found.od else { panic!() };
    let order: Vec<&str> = found.iter().map(|own| own.name()).collect();
    assert_eq!(order, ["Dry AMD", "Wet AMD", "Glaucoma"], "in the order of the vocabulary");
    let missing = issues(gradable(vec![]), answers(), &exams);
    let message = "The exam asks for Wet AMD, Dry AMD, Glaucoma. Send None or No Observable where nothing was found.";
    assert_eq!(missing, [(IssueCode::AnswerMissing, "OD.Findings".to_owned(), message.to_owned())]);
    let foreign = gradable(vec![entry("Macular Edema", Some("None"))]);
    let refused = issues(answers(), foreign, &exams);
    let message = "\"Macular Edema\" is not a finding of AMD, Glaucoma. Use one of Wet AMD, Dry AMD, Glaucoma, a suspected condition or Other.";
    assert_eq!(refused, [(IssueCode::FindingNotAllowed, "OS.Findings[0].Finding".to_owned(), message.to_owned())]);
    let union = [EvaluationType::DrRefNoRef, EvaluationType::Dr];
    let wrong = issues(dr(vec![]), gradable(vec![entry("Diabetic Retinopathy", Some("Lots"))]), &union);
    let message = "\"Lots\" is not a result of Diabetic Retinopathy. \
                   Use one of None, Positive, Indeterminable, Mild, Moderate, Severe, Proliferative.";
    assert_eq!(wrong[0].2, message, "each once");
    let silent = issues(dr(vec![]), gradable(vec![entry("Diabetic Retinopathy", None)]), &union);
    assert!(silent[0].2.starts_with("Nothing is not a result of"), "{}", silent[0].2);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let refused = |eye: EyeSubmission| {
        issues(eye, dr(vec![]), DR).into_iter().map(|(code, path, _)| (code, path)).collect::<Vec<_>>()
    };
    let contradiction = |path: &str| vec![(IssueCode::ContradictoryEye, path.to_owned())];
    assert_eq!(refused(EyeSubmission::default()), contradiction("OD.Gradable"));
    let missing = |eye: EyeSubmission| EyeSubmission { missing_eye_reason: Some("Enucleation".into()), ..eye };
    let reasons = || EyeSubmission { ungradable_reasons: vec!["Dirty Lens".into()], ..EyeSubmission::default() };
    assert_eq!(refused(missing(dr(vec![]))), contradiction("OD.MissingEyeReason"));
    assert_eq!(refused(missing(reasons())), contradiction("OD.MissingEyeReason"));
    let answered = EyeSubmission { gradable: None, ..dr(vec![]) };
    assert_eq!(refused(missing(answered.clone())), contradiction("OD.MissingEyeReason"));
    assert_eq!(refused(EyeSubmission { gradable: Some(false), ..dr(vec![]) }), contradiction("OD.Findings"));
    let twice = dr(vec![entry("Diabetic Retinopathy", Some("Mild"))]);
    assert_eq!(refused(twice), contradiction("OD.Findings"));
    assert_eq!(refused(dr(vec![entry("Not Gradable", None)])), contradiction("OD.Findings"));
    let with_reason = EyeSubmission { ungradable_reasons: vec!["Dirty Lens".into()], ..dr(vec![]) };
    assert_eq!(refused(with_reason), contradiction("OD.UngradableReasons"));

    let accepted = |eye: EyeSubmission| read(&grading(Some(eye), Some(dr(vec![]))), view(DR)).unwrap().od.unwrap();
    assert_eq!(accepted(reasons()), Eye::Ungradable(vec!["Dirty Lens".into()]));
    assert!(
        matches!(accepted(answered), Eye::Gradable(found) if found.len() == 2),
        "findings say that it can be graded"
    );
    let named = EyeSubmission { gradable: None, ..gradable(vec![entry("not gradable", None)]) };
    assert_eq!(accepted(named), Eye::Ungradable(Vec::new()));
    let same = dr(vec![entry("Suspected Cataract", None), entry("Suspected Cataracts", None)]);
    assert!(matches!(accepted(same), Eye::Gradable(found) if found.len() == 3), "said twice, listed once");
}

#[test]
fn texts_and_lists_have_limits() {
    let other = |text: String| dr(vec![entry("Other", Some(&text))]);
    let code = |eye: EyeSubmission| issues(eye, dr(vec![]), DR)[0].0;
    let fits = |eye: EyeSubmission| read(&grading(Some(eye), Some(dr(vec![]))), view(DR)).is_ok();
    assert!(fits(other("x".repeat(4_000))) && fits(other("two\nlines".into())));
    assert_eq!(code(other("x".repeat(4_001))), IssueCode::TooLong);
    assert_eq!(code(other("bell\u{7}".into())), IssueCode::TooLong);
    let reason = |text: &str| EyeSubmission { ungradable_reasons: vec![text.into()], ..EyeSubmission::default() };
    assert_eq!(code(reason("\u{1}")), IssueCode::TooLong);
    let missing = EyeSubmission { missing_eye_reason: Some("x".repeat(4_001)), ..EyeSubmission::default() };
    assert_eq!(code(missing), IssueCode::TooLong);
    let many = |count: usize| dr((0..count).map(|number| entry("Other", Some(&format!("{number}")))).collect());
    assert!(fits(many(62)));
    assert_eq!(code(many(63)), IssueCode::LimitExceeded);
    assert_eq!(code(dr(vec![entry("Other", None)])), IssueCode::Missing);
    assert_eq!(code(dr(vec![entry("Suspected Cataract", Some("Mild"))])), IssueCode::FindingNotAllowed);
}

#[test]
fn what_could_not_be_determined_names_what_is_suspected() {
    let open = |more: Vec<FindingEntry>| {
        let answers = vec![entry("Diabetic Retinopathy", Some("Indeterminable")), entry("Macular Edema", Some("None"))];
        gradable(answers.into_iter().chain(more).collect())
    };
    assert_eq!(issues(open(vec![]), dr(vec![]), DR)[0].0, IssueCode::IndeterminableAlone);
    for named in [entry("Suspected Cataract", None), entry("Other", Some("Hazy"))] {
        assert!(read(&grading(Some(open(vec![named])), Some(dr(vec![]))), view(DR)).is_ok());
    }
}
