//! Templates: what is accepted, what is refused and with which messages, and which template an order gets.

use std::sync::Arc;

use iris_report::template::{Problem, Scope, Template, default_source, resolve};
use iris_report::{EvaluationType, Kind, Renderer, Token, sample};

fn problems(source: &str) -> Vec<String> {
    Template::parse(source).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn every_default_template_is_right() {
    for kind in EvaluationType::ALL.iter().copied() {
        assert_eq!(problems(default_source(kind)), Vec::<String>::new(), "{}", kind.code());
    }
}

#[test]
fn every_published_token_is_known() {
    let published = "PATIENT_NAME PATIENT_AGE PATIENT_GENDER PATIENT_DOB PATIENT_MRN PATIENT_LOCAL_ID PATIENT_PHONE HEALTHPLAN_MEMBERID \
        HEALTHPLAN_POLICYNUMBER HEALTHPLAN_GROUPNUMBER HEALTHPLAN_GROUPNAME HEALTHPLAN_INSURANCE_COMPANY_LOCALID \
        HEALTHPLAN_INSURANCE_PLAN_ID HEALTHPLAN_INSURANCE_PLAN_NAME DISCLAIMER CLINIC_NAME ORDER_DATE ORDER_SCHEDULED_DATE \
        GRADER_SIGNATURE CARE_PLAN RIGHT_EYE_FINDINGS LEFT_EYE_FINDINGS RIGHT_EYE_ORIGINAL_IMAGE LEFT_EYE_ORIGINAL_IMAGE \
        ORDERING_PROVIDER_NAME REFERRING_PROVIDER_NAME ENCOUNTER_NUMBER ORDER_LOCAL_ID PATIENT_ORDER_INFO ORDERABLE_IDENTIFIER \
        DEPARTMENT_LOCAL_ID";
    for name in published.split_whitespace() {
        assert!(name.parse::<Token>().is_ok(), "{name}");
    }
}

#[test]
fn every_token_can_be_used() {
    let renderer = Renderer::default();
    for token in Token::ALL {
        let source = match token.kind() {
            Kind::Text => format!("<article><p>before [[{}]] after</p></article>", token.name()),
            Kind::Block => format!("<article><p>[[{}]]</p></article>", token.name()),
        };
        let template = Template::parse(&source).expect("a known token");
        let rendered = renderer.render(&template, &sample::report(EvaluationType::Dr)).expect("a report");
        assert!(!rendered.html.contains("[["), "{}", token.name());
    }
}

#[test]
fn refusals_say_where_and_what_to_do() {
    insta::assert_snapshot!(
        problems(
            "<article>\n  <p>Dear [[PATIENT_NAMES]], [[patient_name]]</p>\n  <p onclick=\"x()\">[[CARE_PLAN]] and \
             text</p>\n  <script>alert(1)</script>\n  <img src=\"http://example.invalid/x.png\"/>\n  stray\n  <p \
             class=\"huge\">[[DISCLAIMER</p>\n  <dl><dd>value</dd></dl>\n  <div class=\"columns\"><p>one</p></div>\n  \
             <footer><h1>x</h1></footer>\n  <p>&unknown; a</p>\n</article>"
        )
        .join("\n")
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    for source in [
        "",
        "text",
        "<p>no article</p>",
        "<article>",
        "<article><p></article>",
        "<article/><article/>",
        "<!DOCTYPE article [<!ENTITY x \"y\">]><article><p>&x;</p></article>",
        "<?xml version=\"1.0\"?><article/>",
        "<article><![CDATA[x]]></article>",
        "<article><section><section><section><section><section><section><section><p>x</p></section></section></section></section></section></section></section></article>",
    ] {
        assert!(Template::parse(source).is_err(), "{source}");
    }
    let large = format!("<article><p>{}</p></article>", "x".repeat(70_000));
    let errors = Template::parse(&large).expect_err("too large");
    assert!(matches!(errors[0].problem, Problem::TooLarge(_)));
}

#[test]
fn problems_are_capped() {
    let source = format!("<article>{}</article>", "<p>[[NO]]</p>".repeat(500));
    assert_eq!(problems(&source).len(), 50);
}

#[test]
fn the_nearest_keeper_decides() {
    let site = Arc::new(Template::parse("<article><p>site</p></article>").expect("a template"));
    let organization = Arc::new(Template::parse("<article><p>organization</p></article>").expect("a template"));
    let kept = |has_site: bool, has_organization: bool| {
        resolve(EvaluationType::Amd, |scope, kind| {
            assert_eq!(kind, EvaluationType::Amd);
            match scope {
                Scope::Site => has_site.then(|| Arc::clone(&site)),
                Scope::Organization => has_organization.then(|| Arc::clone(&organization)),
                Scope::Default => None,
            }
        })
    };
    assert_eq!(kept(true, true).scope, Scope::Site);
    assert_eq!(kept(false, true).scope, Scope::Organization);
    let default = kept(false, false);
    assert_eq!(default.scope, Scope::Default);
    assert_eq!(*default.template, Template::parse(default_source(EvaluationType::Amd)).expect("the default"));
}

#[test]
fn unset_values_leave_a_dash_or_nothing() {
    let template = Template::parse(
        "<article><p>Phone: [[PATIENT_PHONE]]</p><p>Enc [[ENCOUNTER_NUMBER]] of \
         [[ORDER_ID]]</p><p>[[REFERRING_PROVIDER_NAME]]</p><dl><dt>Plan</dt><dd>[[HEALTHPLAN_INSURANCE_PLAN_NAME]]</dd><dt>Group</dt><dd \
         class=\"optional\">[[HEALTHPLAN_GROUPNAME]]</dd></dl><ul><li>[[DEPARTMENT_LOCAL_ID]]</li></ul></article>",
    )
    .expect("a template");
    let mut report = sample::report(EvaluationType::Dr);
    report.patient.phone = None;
    let (html, _) = Renderer::default().html(&template, &report);
    let main = &html[html.find("<main>").expect("a body")..];
    assert!(!main.contains("Phone"), "a line of unset tokens disappears");
    assert!(main.contains("<bdi>Enc </bdi><bdi>–</bdi><bdi> of </bdi><bdi>5550123</bdi>"), "{main}");
    assert!(main.contains("<dt><bdi>Plan</bdi></dt><dd><bdi>–</bdi></dd>"), "{main}");
    assert!(!main.contains("Group") && !main.contains("<ul>"), "{main}");
}
