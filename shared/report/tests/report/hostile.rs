//! Whatever the text, a report is produced, conforms to the standards, and contains no markup from the text.

use crate::reading::Pdf;
use iris_model::finding::{Finding, OtherSubset};
use iris_report::report::{CarePlan, Diagnosis, Report};
use iris_report::template::{Template, default_source};
use iris_report::{EvaluationType, Renderer, sample};
use iris_results::Chip;
use iris_results::reading::Eye;
use proptest::prelude::*;

/// Text that nobody should send.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<String>(),
        1 => proptest::collection::vec(any::<char>(), 0..60).prop_map(|chars| chars.into_iter().collect()),
        1 => Just("[[PATIENT_NAME]]".to_owned()),
        1 => Just("</p><script>alert(1)</script>".to_owned()),
        1 => Just("&#x3c;b&#x3e; %s ${x} {{x}} ]] [[".to_owned()),
        1 => Just("\u{202e}\u{2066}רעות abc محمد 123\u{2069}".to_owned()),
        1 => Just("\u{0}\u{7}\u{1b}[31m\r\n\u{2028}\u{feff}\u{fffe}\u{ffff}\u{e123}\u{10fffd}".to_owned()),
        1 => Just("e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306} \u{200d}\u{200c}👩‍👩‍👧 ๆ็่๊ क्ष्म्य ﷽".to_owned()),
        1 => Just("W".repeat(5_000)),
        1 => Just("word ".repeat(3_000)),
        1 => Just("文".repeat(700)),
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn reports() -> impl Strategy<Value = Report> {
    let texts = proptest::collection::vec(hostile(), 12);
    let findings = proptest::collection::vec(hostile(), 0..5);
    (texts, findings, 0_usize..EvaluationType::ALL.len()).prop_map(|(texts, findings, kind)| {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().unwrap_or_default();
        let other = |text| Finding::Other { subset: OtherSubset::Urgent, text };
        let od = Eye::Gradable(findings.into_iter().map(other).collect());
        let mut report = sample::report_of(&[EvaluationType::ALL[kind]], Some(od), Some(Eye::Ungradable(vec![next()])));
        report.od.image = None;
        report.os.image = None;
        report.patient.first_name = next();
        report.patient.last_name = next();
        report.patient.local_id = next();
        report.patient.gender = Some(next());
        report.letterhead.organization = next();
        report.letterhead.site = next();
        report.letterhead.address = vec![next(), next()];
        report.order.local_id = Some(next());
        report.notes = vec![next()];
        report.care_plan = Some(CarePlan { name: next(), description: next(), chip: Chip::Urgent });
        report.diagnoses = vec![Diagnosis { code: next(), description: next() }];
        report
    })
}

/// The number of opening tags in a text.
fn tags(html: &str) -> usize {
    html.matches('<').count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_report_is_made_of_anything(report in reports()) {
        let template = Template::parse(default_source(report.evaluation_types[0])).expect("a default");
        let rendered = Renderer::default().render(&template, &report).expect("within the standards");
        prop_assert!(!rendered.html.contains("<script"));
        prop_assert!(Pdf::open(&rendered.pdf).pages() < 30);
        // Every tag is ours: apart from line breaks, there are the same elements as with harmless words in place of the
        // hostile ones.
        let known = ["<!DOCTYPE", "<html", "<head", "<meta", "<title", "<style", "<body", "<article", "<header", "<main", "<footer", "<div",
            "<section", "<figure", "<figcaption", "<img", "<p", "<h1", "<h2", "<h3", "<dl", "<dt", "<dd", "<ul", "<li", "<hr", "<br", "<small",
            "<strong", "<bdi", "</"];
        let ours: usize = rendered.html.match_indices('<').filter(|(at, _)| known.iter().any(|tag| rendered.html[*at..].starts_with(tag))).count();
        prop_assert_eq!(tags(&rendered.html), ours);
    }

    #[test]
    fn reading_a_template_never_panics(source in "(<(article|p|div|dl|dt|dd|h1|section)( \
                                                      class=\"(columns|panel|x)\")?/?>|</(article|p|div|dl|dd)>|\\[\\[[A-Z_]{0,12}\\]?\\]?|&[a-z#0-9]{0,5};?|[ \\PC]{0,9}){0,30}") {
        let _ = Template::parse(&source);
        let _ = Template::parse(&format!("<article>{source}</article>"));
    }
}

#[test]
fn texts_of_a_megabyte_are_cut() {
    let mut report = sample::report(EvaluationType::Dr);
    let long = "A very long text without end. ".repeat(40_000);
    report.patient.last_name.clone_from(&long);
    report.notes = vec![long.clone(); 3];
    report.diagnoses = vec![Diagnosis { code: long.clone(), description: long }; 500];
    let template = Template::parse(default_source(EvaluationType::Dr)).expect("a default");
    let rendered = Renderer::default().render(&template, &report).expect("a report");
    assert!(Pdf::open(&rendered.pdf).pages() < 40);
    assert!(rendered.html.len() < 1_000_000);
}
