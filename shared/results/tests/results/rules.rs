//! The rules that lead from a grading to its consequences, by example and by property.

use iris_model::grading::GradingSubmission;
use iris_model::organization::{CareLevel, CarePlans};
use iris_model::{EvaluationType, IssueCode, LocalId, Organization};
use iris_results::assessment::Basis;
use iris_results::finding::{Answer, Diagnosis, Suspicion};
use iris_results::reading::{Examination, Eye, OrderView, read};
use iris_results::{Assessment, Severity, exam, icd};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

fn view(evaluation_types: &[EvaluationType]) -> OrderView<'_> {
    OrderView { evaluation_types, missing_eye_reason: None, right_images: true, left_images: true }
}

fn parse(od: &Value, os: &Value) -> GradingSubmission {
    let parsed = GradingSubmission::parse(json!({ "OD": od, "OS": os }).to_string().as_bytes()).unwrap();
    assert_eq!(parsed.issues, []);
    parsed.grading
}

fn codes(od: &Value, os: &Value, exams: &[EvaluationType]) -> Vec<(IssueCode, String)> {
    let issues = read(&parse(od, os), view(exams)).unwrap_err();
    issues.into_iter().map(|issue| (issue.code, issue.path.into_owned())).collect()
}

/// A gradable eye with these findings; `|` precedes a result.
fn eye(findings: &[&str]) -> Value {
    let entry = |finding: &&str| match finding.split_once('|') {
        Some((finding, result)) => json!({ "Finding": finding, "Result": result }),
        None => json!({ "Finding": finding }),
    };
    json!({ "Gradable": true, "Findings": findings.iter().map(entry).collect::<Vec<_>>() })
}

const NORMAL: [&str; 2] = ["Diabetic Retinopathy|None", "Macular Edema|None"];

fn acme(more: &Value) -> Organization {
    let mut document = json!({ "slug": "acme", "name": "Acme", "clientGuid": "11111111-2222-3333-4444-555555555555",
        "sites": [{ "localId": "S1", "name": "North", "address": { "state": "TX" } }] });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Organization::parse(document.to_string().as_bytes()).unwrap()
}

fn assess(organization: &Organization, od: &Value, os: &Value, exams: &[EvaluationType]) -> Assessment {
    let grading = parse(od, os);
    let examination = read(&grading, view(exams)).unwrap();
    let site = LocalId::new("S1").unwrap();
    let basis = Basis {
        organization,
        site: organization.site(&site),
        evaluation_types: exams,
        submitted_diagnosis: Some("E10.9"),
        one_eye: false,
    };
    Assessment::of(&examination, &grading, basis, Timestamp::UNIX_EPOCH)
}

#[test]
fn a_complete_grading_is_read_in_the_order_of_the_vocabulary() {
    let right = eye(&[
        "suspected cataracts",
        "macular edema|positive",
        "DIABETIC RETINOPATHY|mild",
        "Other (Urgent)|Tortuous vessels",
    ]);
    let found = read(&parse(&right, &eye(&NORMAL)), view(&[EvaluationType::Dr])).unwrap();
    let Some(Eye::Gradable(findings)) = found.od else { panic!() };
    let written: Vec<_> = findings.iter().map(|finding| (finding.name(), finding.result())).collect();
    assert_eq!(
        written,
        [
            ("Diabetic Retinopathy", Some("Mild")),
            ("Macular Edema", Some("Positive")),
            ("Suspected Cataract", None),
            ("Other", Some("Tortuous vessels")),
        ]
    );
}

#[test]
fn what_an_eye_must_say() {
    use EvaluationType::{Amd, Dr, DrAmd, DrRefNoRef, Sp};
    let normal = eye(&NORMAL);
    let findings = |code| vec![(code, "OD.Findings".to_owned())];
    assert_eq!(codes(&eye(&["Diabetic Retinopathy|None"]), &normal, &[Dr]), findings(IssueCode::AnswerMissing));
    assert_eq!(codes(&normal, &normal, &[DrAmd]).len(), 2);
    assert_eq!(codes(&normal, &normal, &[Amd])[0].0, IssueCode::FindingNotAllowed);
    let twice = eye(&["Diabetic Retinopathy|None", "Diabetic Retinopathy|Mild", "Macular Edema|None"]);
    assert_eq!(codes(&twice, &normal, &[Dr]), findings(IssueCode::ContradictoryEye));
    let open = eye(&["Diabetic Retinopathy|Indeterminable", "Macular Edema|None"]);
    assert_eq!(codes(&open, &normal, &[Dr]), findings(IssueCode::IndeterminableAlone));
    let open = eye(&["Diabetic Retinopathy|Indeterminable", "Macular Edema|None", "Suspected Cataract"]);
    assert!(read(&parse(&open, &normal), view(&[Dr])).is_ok());
    let positive = eye(&["Diabetic Retinopathy|Positive", "Macular Edema|None"]);
    assert!(read(&parse(&positive, &normal), view(&[Dr])).is_ok(), "the published union of answers has it");
    let staged = eye(&["Diabetic Retinopathy|Early Stage", "Macular Edema|None"]);
    let refused = codes(&staged, &normal, &[Dr]);
    assert_eq!(refused, [(IssueCode::FindingNotAllowed, "OD.Findings[0].Result".to_owned())]);
    let refer = eye(&["Diabetic Retinopathy|Positive"]);
    assert!(read(&parse(&refer, &refer), view(&[DrRefNoRef])).is_ok());
    assert!(read(&parse(&eye(&["Suspected Glaucoma"]), &json!({ "Gradable": true })), view(&[Sp])).is_ok());
    let with_result = eye(&["Diabetic Retinopathy|None", "Macular Edema|None", "Suspected Glaucoma|Positive"]);
    assert_eq!(codes(&with_result, &normal, &[Dr])[0].0, IssueCode::FindingNotAllowed);
    let nameless = json!({ "Gradable": true, "Findings": [{ "Result": "None" }] });
    assert_eq!(codes(&nameless, &eye(&[]), &[Sp]), [(IssueCode::Missing, "OD.Findings[0].Finding".to_owned())]);
}

#[test]
fn eyes_that_are_not_graded() {
    let dr = [EvaluationType::Dr];
    let normal = eye(&NORMAL);
    let ungradable = json!({ "Gradable": false, "UngradableReasons": ["Media Opacity"] });
    let missing = json!({ "MissingEyeReason": "Enucleation" });
    let found = read(&parse(&ungradable, &missing), view(&dr)).unwrap();
    assert_eq!(found.od, Some(Eye::Ungradable(vec!["Media Opacity".to_owned()])));
    assert_eq!(found.os, Some(Eye::Missing("Enucleation".to_owned())));
    let named = json!({ "Findings": [{ "Finding": "Not Gradable" }] });
    assert_eq!(read(&parse(&named, &normal), view(&dr)).unwrap().od, Some(Eye::Ungradable(Vec::new())));

    let contradictions = [
        json!({ "Gradable": false, "Findings": [{ "Finding": "Macular Edema", "Result": "None" }] }),
        json!({ "Gradable": true, "MissingEyeReason": "Enucleation" }),
        json!({ "Gradable": true, "UngradableReasons": ["Dirty Lens"], "Findings": normal["Findings"] }),
    ];
    for eye in contradictions {
        assert_eq!(codes(&eye, &normal, &dr)[0].0, IssueCode::ContradictoryEye, "{eye}");
    }
    assert_eq!(codes(&missing, &missing, &dr), [(IssueCode::EyeNotGraded, "OD".to_owned())]);
    assert_eq!(
        codes(&json!(null), &normal, &dr),
        [(IssueCode::EyeNotGraded, "OD".to_owned())],
        "there are images of it"
    );
    let single = OrderView { right_images: false, missing_eye_reason: Some("Prosthesis"), ..view(&dr) };
    let found = read(&parse(&json!(null), &normal), single).unwrap();
    assert_eq!(found.od, Some(Eye::Missing("Prosthesis".to_owned())));
}

#[test]
fn the_most_pressing_plan_wins() {
    let plain = acme(&json!({}));
    let dr = [EvaluationType::Dr];
    let normal = eye(&NORMAL);
    let of = |od: &Value, os: &Value| assess(&plain, od, os, &dr);
    assert_eq!(of(&normal, &normal).care_plan, "normal");
    assert!(!of(&normal, &normal).pathology());
    let ungradable = json!({ "Gradable": false });
    assert_eq!(of(&ungradable, &normal).care_plan, "not-gradable");
    assert_eq!(of(&ungradable, &ungradable).severity, None);
    let proliferative = eye(&["Diabetic Retinopathy|Proliferative", "Macular Edema|None"]);
    let found = of(&proliferative, &normal);
    assert_eq!(
        (found.care_plan.as_str(), found.level, found.severity),
        ("proliferative", CareLevel::Urgent, Some(Severity::Critical))
    );
    assert_eq!(found.diagnoses, ["E103591"]);
    let emergent = eye(&["Diabetic Retinopathy|None", "Macular Edema|None", "Suspected Bilateral Papilledema"]);
    assert_eq!(of(&proliferative, &emergent).level, CareLevel::Emergent);
}

#[test]
fn plans_are_inherited_and_overridden() {
    let layered = acme(&json!({
        "sites": [{ "localId": "S1", "name": "North", "address": { "state": "TX" }, "carePlans": {
            "assignments": [{ "finding": "Diabetic Retinopathy", "result": "Moderate", "plan": "site-plan" }],
            "plans": [{ "id": "site-plan", "name": "Site", "instructions": "At the site.", "level": "Referable", "priority": 41 }]
        } }],
        "grading": { "carePlans": {
            "plans": [{ "id": "normal", "name": "All well", "instructions": "Come again.", "level": "NotReferable", "priority": 10 }],
            "assignments": [
                { "finding": "Diabetic Retinopathy", "result": "Mild", "plan": "severe" },
                { "finding": "Diabetic Retinopathy", "result": "Moderate", "plan": "severe" },
                { "finding": "Suspected Bilateral Papilledema", "plan": "normal" },
                { "finding": "Suspected Cataract", "plan": "no-such-plan" }
            ]
        } }
    }));
    let dr = [EvaluationType::Dr];
    let normal = eye(&NORMAL);
    let plan = |findings: &[&str]| assess(&layered, &eye(findings), &normal, &dr).care_plan_name;
    assert_eq!(plan(&NORMAL), "All well", "the organization's text of the platform's plan");
    assert_eq!(plan(&["Diabetic Retinopathy|Mild", "Macular Edema|None"]), "Eye care within two to four weeks");
    assert_eq!(plan(&["Diabetic Retinopathy|Moderate", "Macular Edema|None"]), "Site");
    let locked = ["Diabetic Retinopathy|None", "Macular Edema|None", "Suspected Bilateral Papilledema"];
    assert_eq!(assess(&layered, &eye(&locked), &normal, &dr).level, CareLevel::Emergent, "cannot be overridden");
    let unknown = ["Diabetic Retinopathy|None", "Macular Edema|None", "Suspected Cataract"];
    assert_eq!(plan(&unknown), "Next available appointment", "an assignment to no plan is passed over");
}

#[test]
fn severe_retinopathy_as_configured() {
    let severe = eye(&["Diabetic Retinopathy|Severe", "Macular Edema|None"]);
    let of = |organization: &Organization| assess(organization, &severe, &severe, &[EvaluationType::Dr]).severity;
    assert_eq!(of(&acme(&json!({}))), Some(Severity::Abnormal));
    assert_eq!(of(&acme(&json!({ "grading": { "severeIsCritical": true } }))), Some(Severity::Critical));
}

#[test]
fn an_assessment_reads_back_as_it_was_written() {
    let found = assess(
        &acme(&json!({})),
        &eye(&["Diabetic Retinopathy|Mild", "Macular Edema|None", "Other (Referable)|Ä, \"quoted\""]),
        &json!({ "Gradable": false, "UngradableReasons": ["Dirty Lens"] }),
        &[EvaluationType::Dr],
    );
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Assessment>(&text).unwrap(), found);
}

fn any_exam() -> impl Strategy<Value = EvaluationType> {
    proptest::sample::select(EvaluationType::ALL.to_vec())
}

/// A complete eye of an exam: every question answered, and some suspicions.
fn complete_eye(exam: EvaluationType) -> impl Strategy<Value = Value> {
    let answers: Vec<_> = exam::questions(exam)
        .iter()
        .map(|(diagnosis, answers)| {
            proptest::sample::select(answers.to_vec()).prop_map(move |answer| (*diagnosis, answer))
        })
        .collect();
    let suspicions = proptest::sample::subsequence(Suspicion::ALL.to_vec(), 1..4);
    (answers, suspicions).prop_map(|(answers, suspicions): (Vec<(Diagnosis, Answer)>, Vec<Suspicion>)| {
        let answers = answers.iter().map(|(diagnosis, answer)| format!("{}|{}", diagnosis.text(), answer.text()));
        let all: Vec<String> = answers.chain(suspicions.iter().map(|own| own.text().to_owned())).collect();
        eye(&all.iter().map(String::as_str).collect::<Vec<_>>())
    })
}

proptest! {
    /// A complete grading is never refused, has a plan, and is at least as severe and pressing as each of its eyes
    /// alone.
    #[test]
    fn complete_gradings_are_assessed(
        (exam, od, os) in any_exam().prop_flat_map(|exam| (Just(exam), complete_eye(exam), complete_eye(exam))),
    ) {
        let organization = acme(&json!({}));
        let exams = [exam];
        let both = assess(&organization, &od, &os, &exams);
        let missing = json!({ "MissingEyeReason": "-" });
        for alone in [assess(&organization, &od, &missing, &exams), assess(&organization, &missing, &os, &exams)] {
            prop_assert!(both.severity >= alone.severity);
            prop_assert!(both.level >= alone.level);
        }
        prop_assert!(!both.care_plan_name.is_empty() && !both.care_plan_description.is_empty());
        prop_assert!(both.diagnoses.iter().all(|code| icd::described(code).is_some()));
        let mirrored = assess(&organization, &os, &od, &exams);
        prop_assert_eq!(&mirrored.care_plan, &both.care_plan);
        prop_assert_eq!(mirrored.severity, both.severity);
        prop_assert_eq!(mirrored.diagnoses.len(), both.diagnoses.len());
    }

    /// Whatever text is sent, reading ends in findings or issues, and the findings belong to the exam.
    #[test]
    fn hostile_texts_are_issues(texts in proptest::collection::vec((".{0,40}", proptest::option::of(".{0,40}")), 0..6), exam in any_exam()) {
        let findings: Vec<Value> =
            texts.iter().map(|(finding, result)| json!({ "Finding": finding, "Result": result })).collect();
        let body = json!({ "OD": { "Gradable": true, "Findings": findings } }).to_string();
        let parsed = GradingSubmission::parse(body.as_bytes()).unwrap();
        let order = OrderView { left_images: false, ..view(std::slice::from_ref(&exam)) };
        if let Ok(Examination { od: Some(Eye::Gradable(found)), .. }) = read(&parsed.grading, order) {
            let plans = CarePlans::default();
            let scope = iris_results::care_plan::Scope { site: None, organization: &plans };
            for finding in &found {
                prop_assert!(!scope.of_finding(finding, &[exam]).name.is_empty());
            }
        }
    }
}
