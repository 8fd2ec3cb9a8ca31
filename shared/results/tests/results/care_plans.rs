//! Whatever an organization configures, a finding is never outranked by its absence, and an emergency never looks
//! routine.

use iris_model::organization::{CareLevel, CarePlan, CarePlanAssignment, CarePlans, Organization};
use iris_model::{EvaluationType, GradingSubmission};
use iris_results::assessment::Basis;
use iris_results::care_plan::{Resolved, Scope};
use iris_results::finding::{
    Answer, Diagnosis, Finding, NO_FINDING, NOT_EXAMINED, NOT_GRADABLE, OTHER, OtherSubset, Suspicion,
};
use iris_results::guidance::GUIDANCE;
use iris_results::reading::{Examination, Eye};
use iris_results::{AssessedEye, Assessment, Chip, Said, exam};
use jiff::Timestamp;
use proptest::prelude::*;

const DR: &[EvaluationType] = &[EvaluationType::Dr];

fn plan(id: &str, level: CareLevel, priority: u16) -> CarePlan {
    CarePlan { id: id.into(), name: format!("{id} name"), instructions: format!("{id} text."), level, priority }
}

fn assign(finding: &str, result: Option<&str>, plan: &str) -> CarePlanAssignment {
    CarePlanAssignment {
        finding: finding.into(),
        result: result.map(str::to_owned),
        evaluation_types: Vec::new(),
        plan: plan.into(),
        priority: None,
    }
}

fn retinopathy(answer: Answer) -> Vec<Finding> {
    vec![
        Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, answer),
        Finding::Diagnosed(Diagnosis::MacularEdema, Answer::None),
    ]
}

fn other(subset: OtherSubset) -> Finding {
    Finding::Other { subset, text: "Something in words".into() }
}

fn eyes(od: Vec<Finding>, os: Vec<Finding>) -> Examination {
    Examination { od: Some(Eye::Gradable(od)), os: Some(Eye::Gradable(os)) }
}

fn plan_of(own: &CarePlans, examination: &Examination) -> Resolved {
    Scope { site: None, organization: own }.of_order(examination, DR, false)
}

fn of_finding(own: &CarePlans, finding: &Finding) -> Resolved {
    Scope { site: None, organization: own }.of_finding(finding, DR)
}

#[test]
fn the_subset_that_the_grader_chose_decides() {
    let none = CarePlans::default();
    let id = |own: &CarePlans, subset| of_finding(own, &other(subset)).id;
    let expected = ["mild", "referral", "severe", "urgent-24-hours", "emergency"];
    assert_eq!(OtherSubset::ALL.iter().map(|subset| id(&none, *subset)).collect::<Vec<_>>(), expected);

    let own = CarePlans {
        plans: vec![plan("today", CareLevel::Urgent, 95), plan("some-day", CareLevel::Referable, 95)],
        assignments: vec![assign(OTHER, Some("Urgent"), "today"), assign(OTHER, Some("Severe"), "some-day")],
    };
    assert_eq!(id(&own, OtherSubset::Urgent), "today", "the organization's own");
    assert_eq!(id(&own, OtherSubset::Severe), "severe", "less pressing than the grader said");
    let blunt = CarePlans {
        plans: vec![plan("some-day", CareLevel::Referable, 95)],
        assignments: vec![assign(OTHER, None, "some-day")],
    };
    assert_eq!(id(&blunt, OtherSubset::NotReferable), "some-day");
    assert_eq!(id(&blunt, OtherSubset::Urgent), "urgent-24-hours");
}

#[test]
fn no_finding_counts_only_where_there_is_none() {
    let own = CarePlans {
        plans: vec![plan("quiet", CareLevel::Urgent, 2)],
        assignments: vec![assign("Diabetic Retinopathy", Some("Proliferative"), "quiet")],
    };
    let ill = eyes(retinopathy(Answer::Proliferative), retinopathy(Answer::None));
    assert_eq!(plan_of(&own, &ill).id, "quiet", "priority 2 beside the 10 of nothing found");
    let well = eyes(retinopathy(Answer::None), retinopathy(Answer::None));
    assert_eq!(plan_of(&own, &well).id, "normal");
}

#[test]
fn the_plan_of_nothing_found_is_of_nothing_else() {
    let own = CarePlans {
        plans: vec![plan("fine", CareLevel::NotReferable, 90)],
        assignments: vec![
            assign(NO_FINDING, None, "fine"),
            assign("Diabetic Retinopathy", Some("Mild"), "fine"),
            assign(NOT_GRADABLE, None, "fine"),
            assign(NOT_EXAMINED, None, "fine"),
        ],
    };
    let well = || Some(Eye::Gradable(retinopathy(Answer::None)));
    let id = |od: Option<Eye>| plan_of(&own, &Examination { od, os: well() }).id;
    assert_eq!(id(well()), "fine");
    assert_eq!(id(Some(Eye::Gradable(retinopathy(Answer::Mild)))), "mild");
    assert_eq!(id(Some(Eye::Ungradable(Vec::new()))), "not-gradable");
    assert_eq!(id(None), "not-examined");
    assert_eq!(id(Some(Eye::Missing("Enucleation".into()))), "fine", "no such eye was to be examined");
    let single = Examination { od: None, os: well() };
    assert_eq!(Scope { site: None, organization: &own }.of_order(&single, DR, true).id, "fine", "one eye was ordered");
}

#[test]
fn what_is_emergent_stays_so_whatever_is_written() {
    let papilledema = Finding::Suspected(Suspicion::BilateralPapilledema);
    let softened = CarePlans {
        plans: vec![plan("emergency", CareLevel::NotReferable, 1), plan("normal", CareLevel::NotReferable, 999)],
        assignments: vec![assign("Suspected Bilateral Papilledema", None, "normal")],
    };
    let found = of_finding(&softened, &papilledema);
    assert_eq!((found.id.as_str(), found.level, found.priority), ("emergency", CareLevel::Emergent, 100));
    assert!(found.instructions.contains("emergency room"), "the platform's text: {}", found.instructions);

    let reworded = CarePlans { plans: vec![plan("emergency", CareLevel::Emergent, 1)], assignments: vec![] };
    assert_eq!(of_finding(&reworded, &papilledema).instructions, "emergency text.", "its own words, as pressing");

    let loud = CarePlans {
        plans: vec![plan("loud", CareLevel::Urgent, 60_000), plan("emergency", CareLevel::Emergent, 1)],
        assignments: vec![assign("Diabetic Retinopathy", None, "loud")],
    };
    let mut od = retinopathy(Answer::Mild);
    od.push(papilledema);
    assert_eq!(plan_of(&loud, &eyes(od, retinopathy(Answer::None))).id, "emergency", "whatever priorities say");
}

#[test]
fn a_sites_plans_come_before_its_organizations_and_the_more_specific_before_the_less() {
    let with = |result, plan| CarePlanAssignment { priority: Some(77), ..assign("Diabetic Retinopathy", result, plan) };
    let by_exam =
        |exam, plan| CarePlanAssignment { evaluation_types: vec![exam], ..assign("Diabetic Retinopathy", None, plan) };
    let organization = CarePlans {
        plans: vec![plan("o", CareLevel::Referable, 1), plan("o2", CareLevel::Referable, 1)],
        assignments: vec![
            assign("Diabetic Retinopathy", None, "o2"),
            by_exam(EvaluationType::Dr, "o"),
            by_exam(EvaluationType::Amd, "never"),
        ],
    };
    let site = CarePlans {
        plans: vec![plan("s", CareLevel::Urgent, 1)],
        assignments: vec![
            with(Some("Severe"), "no-such-plan"),
            with(Some("Moderate"), "s"),
            assign("Macular Edema", Some("Positive"), "s"),
        ],
    };
    let scope = Scope { site: Some(&site), organization: &organization };
    let of = |answer| scope.of_finding(&Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, answer), DR);
    assert_eq!((of(Answer::Moderate).id.as_str(), of(Answer::Moderate).priority), ("s", 77));
    assert_eq!(of(Answer::Severe).id, "o", "an assignment to no plan is passed over");
    assert!(!of(Answer::Severe).is_platform_text);
    let elsewhere = Scope { site: None, organization: &organization };
    let of_other_exam =
        |exam| elsewhere.of_finding(&Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, Answer::Mild), &[exam]).id;
    assert_eq!(of_other_exam(EvaluationType::Dr), "o", "the exam named counts more than none");
    assert_eq!(of_other_exam(EvaluationType::Drme), "o2");
}

#[test]
fn of_equally_pressing_plans_the_priority_decides_and_then_the_id() {
    let own = CarePlans {
        plans: vec![
            plan("a", CareLevel::Referable, 5),
            plan("b", CareLevel::Referable, 5),
            plan("c", CareLevel::Referable, 4),
        ],
        assignments: vec![
            assign("Suspected Cataract", None, "b"),
            assign("Suspected Glaucoma", None, "a"),
            assign("Suspected Dry AMD", None, "c"),
        ],
    };
    let of = |found: &[Suspicion]| {
        let found = found.iter().map(|own| Finding::Suspected(*own)).collect();
        plan_of(&own, &eyes(found, Vec::new())).id
    };
    assert_eq!(of(&[Suspicion::Cataract, Suspicion::Glaucoma]), "a");
    assert_eq!(of(&[Suspicion::Glaucoma, Suspicion::Cataract]), "a");
    assert_eq!(of(&[Suspicion::DryAmd, Suspicion::Cataract]), "b");
}

#[test]
fn the_platform_has_a_sourced_plan_for_everything() {
    let guidance = &*GUIDANCE;
    assert!(!guidance.care_plans.plans.is_empty(), "the data file is read");
    assert_eq!(guidance.grounds.len(), guidance.care_plans.assignments.len());
    for (assignment, source) in guidance.care_plans.assignments.iter().zip(&guidance.grounds) {
        assert!(guidance.care_plans.plans.iter().any(|plan| plan.id == assignment.plan), "{assignment:?}");
        assert!((2017..=2026).contains(&source.year) && !source.title.is_empty(), "{assignment:?} {source:?}");
    }
    let has = |name: &str, result: Option<&str>| {
        guidance.care_plans.assignments.iter().any(|own| own.finding == name && own.result.as_deref() == result)
    };
    for suspicion in Suspicion::ALL {
        assert!(has(suspicion.text(), None), "{suspicion:?}");
    }
    for subset in OtherSubset::ALL {
        assert!(has(OTHER, Some(subset.text())), "{subset:?}");
    }
    for exam in EvaluationType::ALL {
        for (diagnosis, answers) in exam::questions(*exam).iter().chain(exam::optional(*exam)) {
            for answer in answers.iter().filter(|answer| !answer.is_negative()) {
                assert!(has(diagnosis.text(), Some(answer.text())), "{diagnosis:?} {answer:?}");
            }
        }
    }
    assert!(has(NO_FINDING, None) && has(NOT_GRADABLE, None) && has(NOT_EXAMINED, None));
}

#[test]
fn a_suspicion_is_never_slower_than_what_is_suspected() {
    let none = CarePlans::default();
    let rank = |finding: &Finding| {
        let plan = of_finding(&none, finding);
        (plan.level, plan.priority)
    };
    let diagnosed = |diagnosis, answer| rank(&Finding::Diagnosed(diagnosis, answer));
    let pairs = [
        (Suspicion::WetAmd, diagnosed(Diagnosis::WetAmd, Answer::Positive)),
        (Suspicion::MacularEdema, diagnosed(Diagnosis::MacularEdema, Answer::Positive)),
        (Suspicion::DiabeticRetinopathy, diagnosed(Diagnosis::DiabeticRetinopathy, Answer::Proliferative)),
        (Suspicion::MildDiabeticRetinopathy, diagnosed(Diagnosis::DiabeticRetinopathy, Answer::Mild)),
        (Suspicion::GeographicAtrophy, diagnosed(Diagnosis::DryAmd, Answer::AdvancedWith)),
        (Suspicion::DryAmd, diagnosed(Diagnosis::DryAmd, Answer::IntermediateStage)),
        (Suspicion::Glaucoma, diagnosed(Diagnosis::Glaucoma, Answer::Positive)),
    ];
    for (suspicion, known) in pairs {
        assert!(rank(&Finding::Suspected(suspicion)) >= known, "{suspicion:?}");
    }
    let level = |finding: &Finding| of_finding(&none, finding).level;
    for answer in [Answer::AdvancedWith, Answer::AdvancedWithout] {
        assert_eq!(level(&Finding::Diagnosed(Diagnosis::DryAmd, answer)), CareLevel::Urgent, "critical and urgent");
    }
    let hypertensive = of_finding(&none, &Finding::Suspected(Suspicion::HtnRetinopathy));
    assert!(hypertensive.instructions.contains("blood pressure"));
    assert!(Scope { site: None, organization: &none }.of_ungradable(DR).instructions.contains("within three months"));
}

/// Any care plans that the organization schema allows; the ids and findings include the words that matter to the rules.
fn any_plans() -> impl Strategy<Value = CarePlans> {
    let ids = ["normal", "mild", "referral", "severe", "emergency", "own-1", "own-2", "own-3"];
    let levels = [CareLevel::NotReferable, CareLevel::Referable, CareLevel::Urgent, CareLevel::Emergent];
    let mut names: Vec<String> = vec![NO_FINDING.into(), NOT_GRADABLE.into(), NOT_EXAMINED.into(), OTHER.into()];
    names.extend(Diagnosis::ALL.iter().map(|own| own.text().to_owned()));
    names.extend(Suspicion::ALL.iter().map(|own| own.text().to_owned()));
    let mut results: Vec<Option<String>> = vec![None];
    results.extend(Answer::ALL.iter().map(|own| Some(own.text().to_owned())));
    results.extend(OtherSubset::ALL.iter().map(|own| Some(own.text().to_owned())));
    let id = || proptest::sample::select(ids.to_vec()).prop_map(str::to_owned);
    let plans = (id(), proptest::sample::select(levels.to_vec()), any::<u16>())
        .prop_map(|(id, level, priority)| plan(&id, level, priority));
    let exams = proptest::sample::subsequence(EvaluationType::ALL.to_vec(), 0..3);
    let assignments = (
        proptest::sample::select(names),
        proptest::sample::select(results),
        exams,
        id(),
        proptest::option::of(any::<u16>()),
    )
        .prop_map(|(finding, result, evaluation_types, plan, priority)| CarePlanAssignment {
            finding,
            result,
            evaluation_types,
            plan,
            priority,
        });
    (proptest::collection::vec(plans, 0..8), proptest::collection::vec(assignments, 0..24))
        .prop_map(|(plans, assignments)| CarePlans { plans, assignments })
}

fn any_finding() -> impl Strategy<Value = Finding> {
    prop_oneof![
        (proptest::sample::select(Diagnosis::ALL.to_vec()), proptest::sample::select(Answer::ALL.to_vec()))
            .prop_map(|(diagnosis, answer)| Finding::Diagnosed(diagnosis, answer)),
        proptest::sample::select(Suspicion::ALL.to_vec()).prop_map(Finding::Suspected),
        proptest::sample::select(OtherSubset::ALL.to_vec()).prop_map(other),
    ]
}

fn any_eye() -> impl Strategy<Value = Option<Eye>> {
    prop_oneof![
        5 => proptest::collection::vec(any_finding(), 0..4).prop_map(|found| Some(Eye::Gradable(found))),
        1 => Just(Some(Eye::Ungradable(vec!["Dirty Lens".into()]))),
        1 => Just(Some(Eye::Missing("Enucleation".into()))),
        1 => Just(None),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_configuration_hides_a_finding(
        own in any_plans(),
        of_site in proptest::option::of(any_plans()),
        od in any_eye(),
        os in any_eye(),
        exams in proptest::sample::subsequence(EvaluationType::ALL.to_vec(), 1..3),
        one_eye in any::<bool>(),
        severe_is_critical in any::<bool>(),
    ) {
        let mut organization = Organization::unattributed();
        organization.grading.care_plans = own.clone();
        organization.grading.severe_is_critical = severe_is_critical;
        let site: Option<iris_model::organization::SiteDocument> = of_site.clone().map(|plans| {
            let mut site: iris_model::organization::SiteDocument =
                serde_json::from_value(serde_json::json!({ "localId": "S1", "name": "North" })).unwrap();
            site.care_plans = plans;
            site
        });
        let basis = Basis {
            organization: &organization,
            site: site.as_ref(),
            evaluation_types: &exams,
            submitted_diagnosis: None,
            one_eye,
        };
        let examination = Examination { od, os };
        let assessment = Assessment::of(&examination, &GradingSubmission::default(), basis, Timestamp::UNIX_EPOCH);
        let scope = Scope { site: of_site.as_ref(), organization: &own };
        let plan = scope.of_order(&examination, &exams, one_eye);

        // The plan is as pressing as the worst finding, and the flags and chips agree.
        let found = || examination.gradable().flatten().filter(|finding| !finding.is_negative());
        for finding in found() {
            prop_assert!(plan.level >= scope.of_finding(finding, &exams).level);
            if let Finding::Other { subset, .. } = finding {
                prop_assert!(plan.level >= subset.level());
            }
            if *finding == Finding::Suspected(Suspicion::BilateralPapilledema) {
                prop_assert_eq!(plan.level, CareLevel::Emergent);
            }
        }
        prop_assert_eq!(assessment.level, plan.level);
        prop_assert_eq!(&assessment.care_plan, &plan.id);
        let said = Said::of(&assessment, &exams, None);
        prop_assert_eq!(said.chip == Chip::Emergency, assessment.level == CareLevel::Emergent);
        prop_assert_eq!(said.chip >= Chip::Urgent, assessment.level >= CareLevel::Urgent);
        for eye in [&said.od, &said.os] {
            prop_assert!(said.chip >= eye.chip || eye.chip == Chip::NotGradable && said.chip >= Chip::Again);
        }

        // The text for nothing found is used only if nothing was found in any eye that was to be examined.
        let nothing_found = scope.of_order(&Examination::default(), &exams, true);
        let is_seen = |eye: &Option<Eye>| match eye {
            Some(Eye::Gradable(_) | Eye::Missing(_)) => true,
            Some(Eye::Ungradable(_)) => false,
            None => one_eye,
        };
        let is_clear = found().next().is_none() && is_seen(&examination.od) && is_seen(&examination.os);
        if is_clear {
            prop_assert_eq!(&plan, &nothing_found);
        } else if nothing_found.id == "normal" || !nothing_found.is_platform_text {
            prop_assert_ne!(&plan.instructions, &nothing_found.instructions);
        }
        let reads_back: Assessment = serde_json::from_str(&serde_json::to_string(&assessment).unwrap()).unwrap();
        prop_assert_eq!(&reads_back, &assessment);
        for (eye, read) in [(&assessment.od, &reads_back.od), (&assessment.os, &reads_back.os)] {
            if let (Some(AssessedEye::Gradable(one)), Some(AssessedEye::Gradable(other))) = (eye, read) {
                prop_assert_eq!(one.len(), other.len());
            }
        }
    }
}
