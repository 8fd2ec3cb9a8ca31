//! Checks that `docs/CLINICAL.md` matches the data. After a change of the data: `IRIS_WRITE_DOCS=1 cargo test -p
//! iris-results --test results clinical`.

use iris_model::{EvaluationType, GradingSubmission, Organization};
use iris_results::assessment::Basis;
use iris_results::finding::{Answer, Diagnosis, Finding, OtherSubset, Suspicion, same};
use iris_results::guidance::{GUIDANCE, Source};
use iris_results::reading::{Examination, Eye};
use iris_results::{AssessedEye, Assessment, Said, exam, icd};
use jiff::Timestamp;
use std::fmt::Write as _;

const PLACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/", "CLINICAL.md");

const HEAD: &str = "\
# What is made of a finding

For clinicians who want to know what the platform says, and for those who configure an organization. This page is made from the data
(`shared/results/data`) by the code that grades; a test keeps it current.

These are the platform's own plans. An organization or a site may say otherwise in `grading.carePlans` and `carePlans`
([schema](../schemas/organization.schema.json)): every interval below is its to change. Three things it cannot change (decision 281): what is
emergent here stays emergent; a condition in words is at least as pressing as the subset its grader chose; the plan of an order without
findings is given to no order with one.

The order gets the plan of the most pressing finding: the level decides, then the priority. The flags `Urgent` and `Emergent`, the words beside
each eye and the color of the report follow from the level; `Severity` and the flags `A` and `AA` follow the published lists of HL7 results.

An interval is meant to be no slower than the guidance named beside it, as engineers read it: a clinician of the organization reviews this page
before its first report. The guidance is not quoted; who relies on it reads the source.

";

/// The assessment by an organization without plans of its own.
fn assess(exams: &[EvaluationType], found: Vec<Finding>) -> Assessment {
    let organization = Organization::unattributed();
    let basis = Basis {
        organization: &organization,
        site: None,
        evaluation_types: exams,
        submitted_diagnosis: None,
        one_eye: true,
    };
    let examination = Examination { od: Some(Eye::Gradable(found)), os: None };
    Assessment::of(&examination, &GradingSubmission::default(), basis, Timestamp::UNIX_EPOCH)
}

fn source(finding: &str, result: Option<&str>) -> &'static Source {
    let guidance = &*GUIDANCE;
    let mut all = guidance.care_plans.assignments.iter().zip(&guidance.grounds);
    all.find(|(own, _)| same(&own.finding, finding) && own.result.as_deref() == result).unwrap().1
}

fn short(source: &Source) -> String {
    format!("{} {}", source.id, source.year)
}

fn row(page: &mut String, label: &str, exams: &[EvaluationType], finding: Finding, source: &Source) {
    let asked = exams.first().copied().unwrap_or(EvaluationType::Sp);
    let assessment = assess(&[asked], vec![finding]);
    let said = Said::of(&assessment, &[asked], None);
    let plan = GUIDANCE.care_plans.plans.iter().find(|plan| plan.id == assessment.care_plan).unwrap();
    let Some(AssessedEye::Gradable(found)) = &assessment.od else { panic!("a gradable eye") };
    let flag = found[0].severity.flag().unwrap_or("none");
    let codes: Vec<String> = assessment.diagnoses.iter().map(|code| icd::dotted(code)).collect();
    let code = if codes.is_empty() { "none".to_owned() } else { codes.join(", ") };
    let exams: Vec<&str> = exams.iter().map(|exam| exam.code()).collect();
    let exams = if exams.is_empty() { "all".to_owned() } else { exams.join(", ") };
    writeln!(
        page,
        "| {label} | {exams} | {:?} | {flag} | {} | {} | {} | {code} | {} |",
        assessment.level,
        plan.name,
        said.chip.of_plan(),
        said.od.sentence,
        short(source)
    )
    .unwrap();
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str(
        "## Findings\n\nCodes are those of a right eye, in category E11.\n\n| Finding | Exams | Level | Flag | Care \
         plan | Word | In words | ICD-10-CM | Source |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for diagnosis in Diagnosis::ALL {
        for answer in Answer::ALL.iter().filter(|answer| !answer.is_negative()) {
            let asks = |kind: &EvaluationType| {
                exam::questions(*kind)
                    .iter()
                    .chain(exam::optional(*kind))
                    .any(|(own, answers)| own == diagnosis && answers.contains(answer))
            };
            let exams: Vec<EvaluationType> = EvaluationType::ALL.iter().copied().filter(asks).collect();
            if !exams.is_empty() {
                let label = format!("{}: {}", diagnosis.text(), answer.text());
                let ground = source(diagnosis.text(), Some(answer.text()));
                row(&mut page, &label, &exams, Finding::Diagnosed(*diagnosis, *answer), ground);
            }
        }
    }
    for suspicion in Suspicion::ALL {
        let ground = source(suspicion.text(), None);
        row(&mut page, suspicion.text(), &[], Finding::Suspected(*suspicion), ground);
    }
    for subset in OtherSubset::ALL {
        let finding = Finding::Other { subset: *subset, text: "As the grader wrote it".to_owned() };
        let label = format!("Other ({})", subset.text());
        row(&mut page, &label, &[], finding, source("Other", Some(subset.text())));
    }
    page.push_str(
        "\nRetinopathy and macular edema of one eye are one diagnosis and one code (E11.3311). Macular edema beside \
         retinopathy of no known level, or that could not be determined, has no code (decision 285).\n",
    );
    page.push_str("\n## Care plans\n\n| Id | Title | Instructions | Level | Priority |\n|---|---|---|---|---|\n");
    for plan in &GUIDANCE.care_plans.plans {
        let (id, name, text) = (&plan.id, &plan.name, &plan.instructions);
        writeln!(page, "| `{id}` | {name} | {text} | {:?} | {} |", plan.level, plan.priority).unwrap();
    }
    page.push_str("\n`normal` is for nothing found, `not-gradable` for an eye that cannot be graded, `not-examined` for an eye that was to be\nexamined and was not.\n");
    page.push_str("\n## Advice\n\nStands behind the instructions of a plan of the platform's, for every finding it is about.\n\n| About | Advice | Source |\n|---|---|---|\n");
    for advice in &GUIDANCE.advice {
        let ground = GUIDANCE.grounds.iter().find(|own| own.id == advice.source).map(short).unwrap();
        writeln!(page, "| {} | {} | {ground} |", advice.about.join(", "), advice.text).unwrap();
    }
    page.push_str("\n## Sources\n\n| Name | Published | Year |\n|---|---|---|\n");
    let mut sources: Vec<&Source> = Vec::new();
    for own in &GUIDANCE.grounds {
        if !sources.contains(&own) {
            sources.push(own);
        }
    }
    for own in sources {
        writeln!(page, "| {} | {} | {} |", own.id, own.title, own.year).unwrap();
    }
    page
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the page is a file of the repository")]
fn the_page_is_current() {
    let page = page();
    if std::env::var_os("IRIS_WRITE_DOCS").is_some() {
        std::fs::write(PLACE, &page).unwrap();
    }
    let written = std::fs::read_to_string(PLACE).unwrap();
    assert_eq!(written, page, "write it anew: IRIS_WRITE_DOCS=1 cargo test -p iris-results --test results clinical");
}
