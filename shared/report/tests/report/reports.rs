//! Complete reports: what is on the page, in which structure, with which metadata.

use crate::reading::Pdf;
use iris_model::finding::{Finding, OtherSubset};
use iris_report::report::{Letterhead, Order, Report, ResultCode};
use iris_report::template::{Template, resolve};
use iris_report::{EvaluationType, Rendered, Renderer, sample};
use iris_results::reading::Eye;

fn render(report: &Report) -> Rendered {
    let template = resolve(report.evaluation_types[0], |_, _| None).template;
    Renderer::default().render(&template, report).expect("a report")
}

/// HTML without its style and its images' bytes, one element per line.
fn body(html: &str) -> String {
    let start = html.find("<body>").expect("a body");
    let mut out = String::new();
    let mut rest = &html[start..];
    while let Some(at) = rest.find(";base64,") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('"').expect("an end");
        out.push_str(";base64,…");
        rest = &rest[at + end..];
    }
    (out + rest).replace("><", ">\n<")
}

#[test]
fn a_report_of_each_type() {
    for kind in EvaluationType::ALL.iter().copied() {
        let rendered = render(&sample::report(kind));
        let pdf = Pdf::open(&rendered.pdf);
        assert_eq!(pdf.pages(), 1, "{} fits one page", kind.code());
        assert_eq!(rendered.left_out, []);
        insta::assert_snapshot!(format!("html-{}", kind.code()), body(&rendered.html));
        insta::assert_snapshot!(format!("pdf-text-{}", kind.code()), pdf.text(1));
    }
}

#[test]
fn the_structure_is_what_a_screen_reader_needs() {
    let rendered = render(&sample::report(EvaluationType::Dr));
    insta::assert_snapshot!(Pdf::open(&rendered.pdf).structure());
}

#[test]
fn the_file_says_what_it_is() {
    let pdf = Pdf::open(&render(&sample::report(EvaluationType::Dr)).pdf);
    insta::assert_snapshot!(pdf.information());
    let xmp = pdf.xmp();
    for part in
        ["<pdfaid:part>2</pdfaid:part>", "<pdfaid:conformance>A</pdfaid:conformance>", "<pdfuaid:part>1</pdfuaid:part>"]
    {
        assert!(xmp.contains(part), "{part}\n{xmp}");
    }
    assert!(xmp.contains("OrderLocalId=ORD-2026-000731"));
}

#[test]
fn the_same_report_has_the_same_bytes() {
    let report = sample::report(EvaluationType::DrAmd);
    let template = resolve(EvaluationType::DrAmd, |_, _| None).template;
    let renderer = Renderer::default();
    let first = renderer.render(&template, &report).expect("a report");
    let again = renderer.render(&template, &report).expect("a report");
    let elsewhere = render(&report);
    assert!(first.pdf == again.pdf && first.pdf == elsewhere.pdf);
    assert!(first.html == again.html && first.html == elsewhere.html);
}

#[test]
fn eyes_without_result() {
    let od = Eye::Ungradable(vec!["Media Opacity".to_owned()]);
    let os = Eye::Missing("Enucleation".to_owned());
    let mut report = sample::report_of(&[EvaluationType::Dr], Some(od), Some(os));
    report.os.image = None;
    report.care_plan = None;
    let rendered = render(&report);
    let text = Pdf::open(&rendered.pdf).all_text();
    for words in [
        "The images of this eye could not be graded",
        "Media Opacity",
        "This eye was not examined",
        "Enucleation",
        "No image",
        "Right eye",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    insta::assert_snapshot!(body(&rendered.html));
}

#[test]
fn nothing_but_an_order() {
    let mut report = sample::report_of(&[EvaluationType::Glaucoma], None, None);
    (report.od.image, report.os.image) = (None, None);
    report.letterhead = Letterhead::default();
    report.patient.first_name.clear();
    report.patient.last_name.clear();
    report.order = Order::default();
    (report.ordering_provider, report.care_plan, report.grader) = (None, None, None);
    report.evaluation_types.clear();
    let template = resolve(EvaluationType::Glaucoma, |_, _| None).template;
    let rendered = Renderer::default().render(&template, &report).expect("a report");
    assert_eq!(Pdf::open(&rendered.pdf).pages(), 1);
    assert!(rendered.html.contains("IRIS Retinal Scan Result for"));
}

#[test]
fn corrections_say_so() {
    let mut report = sample::report(EvaluationType::Dr);
    for (code, words) in [
        (ResultCode::Correction, "Corrected report"),
        (ResultCode::Addendum, "Addendum"),
        (ResultCode::Preliminary, "Preliminary report"),
    ] {
        report.result_code = code;
        assert!(Pdf::open(&render(&report).pdf).text(1).contains(words), "{words}");
    }
}

#[test]
fn long_reports_break_cleanly() {
    let mut report = sample::report(EvaluationType::Dr);
    report.notes = (1..=12)
        .map(|note| format!("Note {note}. {}", "The vessels of the arcades are of regular caliber. ".repeat(20)))
        .collect();
    let rendered = render(&report);
    let pdf = Pdf::open(&rendered.pdf);
    let pages = pdf.pages();
    assert!((2..=5).contains(&pages), "{pages} pages");
    let all = pdf.all_text();
    for note in 1..=12 {
        assert!(all.contains(&format!("Note {note}.")), "note {note}");
    }
    for page in 1..=u32::try_from(pages).expect("few") {
        let text = pdf.text(page);
        assert!(text.contains(&format!("Page {page} of {pages}")), "{text}");
        assert_eq!(
            page > 1,
            text.contains("Testina Example · MRN MRN-0012345 · Diabetic eye exam"),
            "page {page} says whose it is"
        );
    }
}

#[test]
fn names_of_every_script_are_printed() {
    for (first, last) in [
        ("Zoë", "Nuñez-Łukasiewicz"),
        ("Ελένη", "Παπαδοπούλου"),
        ("Александр", "Щербаков"),
        ("Nguyễn", "Thị Ánh"),
        ("小明", "王"),
        ("철수", "김"),
        ("አበበ", "ቢቂላ"),
        ("Արամ", "Խաչատրյան"),
    ] {
        let mut report = sample::report(EvaluationType::Dr);
        (report.patient.first_name, report.patient.last_name) = (first.to_owned(), last.to_owned());
        let text = Pdf::open(&render(&report).pdf).all_text();
        assert!(text.contains(first) && text.contains(last), "{first} {last}\n{text}");
    }
    let mut report = sample::report(EvaluationType::Dr);
    report.patient.last_name = "Smile😀".to_owned();
    let text = Pdf::open(&render(&report).pdf).all_text();
    assert!(text.contains("Smile[U+1F600]"), "{text}");
}

#[test]
fn values_are_never_markup_or_tokens() {
    let od = Finding::Other { subset: OtherSubset::Referable, text: "<b>[[DISCLAIMER]]</b>".to_owned() };
    let mut report = sample::report_of(&[EvaluationType::Dr], Some(Eye::Gradable(vec![od])), None);
    report.patient.last_name = "[[PATIENT_PHONE]]<script>alert('x')</script>&amp;\"".to_owned();
    report.notes = vec!["</article><img src=x onerror=alert(1)> [[CARE_PLAN]]".to_owned()];
    let rendered = render(&report);
    assert!(
        !rendered.html.contains("<script>alert")
            && !rendered.html.contains("<img src=x")
            && !rendered.html.contains("<b>")
    );
    assert!(rendered.html.contains("[[PATIENT_PHONE]]&lt;script&gt;alert('x')&lt;/script&gt;&amp;amp;&quot;"));
    assert!(Pdf::open(&rendered.pdf).all_text().contains("[[PATIENT_PHONE]]<script>"));
}

#[test]
fn a_template_of_their_own() {
    let template = Template::parse(include_str!("own-template.html")).expect("a template");
    let rendered = Renderer::default().render(&template, &sample::report(EvaluationType::Amd)).expect("a report");
    insta::assert_snapshot!(body(&rendered.html));
    insta::assert_snapshot!("a_template_of_their_own_pdf", Pdf::open(&rendered.pdf).structure());
}
