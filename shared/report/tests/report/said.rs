//! Every exam with every outcome: no two blocks of a report contradict each other, and what each says is in the
//! snapshot.

use std::fmt::Write as _;

use iris_model::finding::{Answer, Diagnosis, Finding, OtherSubset, Suspicion};
use iris_report::template::resolve;
use iris_report::{EvaluationType, Renderer, sample};
use iris_results::exam;
use iris_results::reading::Eye;

/// The words for urgency used beside an eye or a plan, least urgent first.
const PRESSING: [&str; 5] = ["Routine", "Check again", "Referral", "Urgent", "Emergency"];

fn negative(answers: &[Answer]) -> Answer {
    if answers.contains(&Answer::None) { Answer::None } else { Answer::NoObservable }
}

/// An eye without findings.
fn clear(kind: EvaluationType) -> Vec<Finding> {
    let questions = exam::questions(kind).iter();
    questions.map(|(asked, answers)| Finding::Diagnosed(*asked, negative(answers))).collect()
}

/// Every possible outcome of an eye.
fn outcomes(kind: EvaluationType) -> Vec<(String, Option<Eye>)> {
    let mut all = vec![("nothing".to_owned(), Some(Eye::Gradable(clear(kind))))];
    for (asked, answers) in exam::questions(kind).iter().chain(exam::optional(kind)) {
        for answer in answers.iter().filter(|answer| !answer.is_negative()) {
            let mut found: Vec<Finding> = clear(kind);
            found.retain(|own| !matches!(own, Finding::Diagnosed(diagnosis, _) if diagnosis == asked));
            found.insert(0, Finding::Diagnosed(*asked, *answer));
            if *answer == Answer::Indeterminable {
                found.push(Finding::Suspected(Suspicion::Cataract));
            }
            all.push((format!("{}: {}", asked.text(), answer.text()), Some(Eye::Gradable(found))));
        }
    }
    let also = |finding: Finding| {
        let mut found = clear(kind);
        found.push(finding);
        Some(Eye::Gradable(found))
    };
    for suspicion in Suspicion::ALL {
        all.push((suspicion.text().to_owned(), also(Finding::Suspected(*suspicion))));
    }
    for subset in OtherSubset::ALL {
        let finding = Finding::Other { subset: *subset, text: "something in words".to_owned() };
        all.push((format!("Other ({})", subset.text()), also(finding)));
    }
    all.push(("not gradable".to_owned(), Some(Eye::Ungradable(vec!["Media Opacity".to_owned()]))));
    all.push(("missing".to_owned(), Some(Eye::Missing("Enucleation".to_owned()))));
    all.push(("not examined".to_owned(), None));
    all
}

/// The chips of a page in order: right eye, left eye, plan.
fn badges(html: &str) -> Vec<String> {
    let after = html.split("<p class=\"badge").skip(1);
    after
        .map(|rest| rest.split('>').nth(1).unwrap_or_default().split('<').next().unwrap_or_default().to_owned())
        .collect()
}

fn place(words: &str) -> usize {
    PRESSING.iter().position(|own| *own == words).unwrap_or_default()
}

#[test]
fn no_two_blocks_of_a_report_contradict_each_other() {
    let renderer = Renderer::default();
    let mut table = String::new();
    for kind in EvaluationType::ALL.iter().copied() {
        for (outcome, od) in outcomes(kind) {
            let os = Some(Eye::Gradable(clear(kind)));
            let mut report = sample::report_of(&[kind], od.clone(), os);
            (report.od.image, report.os.image) = (None, None);
            let template = resolve(kind, |_, _| None).template;
            let (html, _) = renderer.html(&template, &report);
            let about = format!("{} {outcome}", kind.code());
            let [right, left, plan] = badges(&html).try_into().unwrap_or_else(|all| panic!("{about}: {all:?}"));

            assert_eq!(left, "Nothing found", "{about}");
            assert!(place(&plan) >= place(&right), "{about}: {right} beside {plan}");
            let is_clear = matches!(right.as_str(), "Nothing found" | "Not examined") && outcome != "not examined";
            assert_eq!(plan == "Routine", is_clear, "{about}: {right} beside {plan}");
            assert_eq!(html.contains("Nothing that this exam looks for was seen"), is_clear, "{about}");
            assert_eq!(html.contains("emergency room"), plan == "Emergency", "{about}");
            assert_eq!(
                html.contains("within three months"),
                plan == "Referral" && !html.contains("Blood pressure"),
                "{about}"
            );
            assert_eq!(html.contains("in six to twelve months"), plan == "Check again", "{about}");
            let is_soon = ["within 24 hours", "specialist within one week", "within two weeks", "two to four weeks"]
                .iter()
                .any(|words| html.contains(words));
            assert_eq!(is_soon, plan == "Urgent", "{about}");
            let found = match &od {
                Some(Eye::Gradable(found)) => found.as_slice(),
                _ => &[],
            };
            let is = |wanted: &[Diagnosis], suspected: &[Suspicion]| {
                found.iter().any(|own| match own {
                    Finding::Diagnosed(diagnosis, answer) => wanted.contains(diagnosis) && !answer.is_negative(),
                    Finding::Suspected(suspicion) => suspected.contains(suspicion),
                    Finding::Other { .. } => false,
                })
            };
            let diabetic = is(
                &[Diagnosis::DiabeticRetinopathy],
                &[Suspicion::MildDiabeticRetinopathy, Suspicion::DiabeticRetinopathy],
            );
            assert_eq!(html.contains("blood sugar"), diabetic, "{about}");
            assert_eq!(html.contains("treats HIV"), is(&[Diagnosis::HivRetinopathy], &[]), "{about}");
            let glaucoma = is(&[Diagnosis::Glaucoma], &[Suspicion::Glaucoma]);
            assert_eq!(html.contains("Glaucoma is confirmed or ruled out"), glaucoma, "{about}");
            let macula = is(
                &[Diagnosis::DryAmd, Diagnosis::WetAmd],
                &[Suspicion::DryAmd, Suspicion::WetAmd, Suspicion::GeographicAtrophy],
            );
            assert_eq!(html.contains("straight lines"), macula, "{about}");
            let pressure = is(&[], &[Suspicion::HtnRetinopathy]);
            assert_eq!(html.contains("blood pressure measured"), pressure, "{about}");
            assert!(
                html.contains("Questions? Call Harborview Eye Screening, Pier Street at (217) 555-0142."),
                "{about}"
            );

            let (name, description) = report.care_plan.map(|plan| (plan.name, plan.description)).unwrap_or_default();
            let more = report.od.said.more.join("; ");
            let _ = writeln!(
                table,
                "{about}\n  {right}: {} [{more}]\n  {plan}: {name}\n  {description}",
                report.od.said.sentence
            );
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn an_order_of_two_exams_says_what_both_look_for() {
    let exams = [EvaluationType::Dr, EvaluationType::Glaucoma];
    let od = || {
        let found = exams.iter().flat_map(|kind| clear(*kind)).collect();
        Some(Eye::Gradable(found))
    };
    let report = sample::report_of(&exams, od(), od());
    let template = resolve(EvaluationType::Dr, |_, _| None).template;
    let (html, _) = Renderer::default().html(&template, &report);
    for words in [
        "Diabetic eye exam · Glaucoma exam",
        "This exam looks for diabetic retinopathy",
        "This exam looks for glaucoma",
        "No diabetic retinopathy, macular edema or glaucoma seen",
    ] {
        assert!(html.contains(words), "{words}\n{html}");
    }
}

#[test]
fn the_most_pressing_is_said_first_and_what_is_open_before_what_is_suspected() {
    let said = |found: Vec<Finding>| {
        let report = sample::report_of(&[EvaluationType::Dr], Some(Eye::Gradable(found)), None);
        let said = report.od.said;
        std::iter::once(said.sentence).chain(said.more).collect::<Vec<_>>()
    };
    let open = Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, Answer::Indeterminable);
    let cataract = Finding::Suspected(Suspicion::Cataract);
    let papilledema = Finding::Suspected(Suspicion::BilateralPapilledema);
    let undetermined = "Diabetic retinopathy: could not be determined";
    assert_eq!(said(vec![cataract.clone(), open.clone()]), [undetermined, "Suspected Cataract"]);
    let all = said(vec![open, cataract, papilledema.clone()]);
    assert_eq!(all, ["Suspected Bilateral Papilledema", undetermined, "Suspected Cataract"]);
    let both = vec![
        Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, Answer::Mild),
        Finding::Diagnosed(Diagnosis::MacularEdema, Answer::Positive),
        papilledema,
    ];
    let expected = ["Suspected Bilateral Papilledema", "Mild diabetic retinopathy with macular edema"];
    assert_eq!(said(both), expected);
}

#[test]
fn a_few_lines_do_not_take_a_second_sheet() {
    let renderer = Renderer::default();
    let pages = |lines: usize| {
        let mut report = sample::report(EvaluationType::Dr);
        report.notes = (1..=lines).map(|line| format!("Line {line} of the notes.")).collect();
        let template = resolve(EvaluationType::Dr, |_, _| None).template;
        let (pdf, _) = renderer.pdf(&template, &report).expect("a report");
        crate::reading::Pdf::open(&pdf).pages()
    };
    assert_eq!((0..=3).map(pages).collect::<Vec<_>>(), [1; 4]);
    assert_eq!(pages(30), 2, "what is more has its sheet");
}
