//! The platform's own instructions are the published layout (iris-facts §9.3 to §9.6, §9.8).

use crate::content::content;
use crate::{message, segment};
use iris_hl7::Version;
use iris_hl7::mapping::{Content, Kind, Status, compile, defaults};

#[test]
fn results() {
    insta::assert_snapshot!(message(Kind::Oru, "{}", &content()));
}

#[test]
fn charges() {
    let all = r#"{ "use": ["professional", "technical", "quality"] }"#;
    insta::assert_snapshot!(message(Kind::Dft, all, &content()));
}

#[test]
fn documents() {
    insta::assert_snapshot!(message(Kind::Mdm, "{}", &content()));
}

#[test]
fn the_other_payloads() {
    let other = r#"{ "use": ["diagnoses", "discrete-notes", "narrative-single", "narrative-notes", "link"] }"#;
    insta::assert_snapshot!(message(Kind::Oru, other, &content()));
}

#[test]
fn the_structure_is_named_from_2_5_on() {
    for version in Version::ALL {
        let message = message(Kind::Oru, "{}", &Content { version, ..content() });
        let kind = if version.names_structure() { "|ORU^R01^ORU_R01|" } else { "|ORU^R01|" };
        let header = segment(&message, "MSH");
        assert!(header.contains(kind) && header.ends_with(version.text()), "{header}");
    }
}

#[test]
fn one_charge_where_nothing_else_is_asked_for() {
    let charge = message(Kind::Dft, "{}", &content());
    assert!(segment(&charge, "FT1").starts_with("FT1|1||900000001|"));
    assert!(!message(Kind::Dft, r#"{ "use": ["quality"] }"#, &Content { quality: None, ..content() }).contains("FT1"));
}

#[test]
fn what_is_not_known_is_left_out() {
    let content = Content {
        severity: None,
        findings: Vec::new(),
        lines: Vec::new(),
        captured: None,
        status: Status::Corrected,
        ..content()
    };
    let result = message(Kind::Oru, "{}", &content);
    assert_eq!(segment(&result, "OBX"), "OBX|1|ED|||PDF^TEXT^^Base64^JVBERi0xLjcK||||||C");
    assert!(segment(&result, "PV1").ends_with("||CSN-5"), "{result}");
    assert!(segment(&result, "OBR").contains("|||C|||||||1999999984^"), "{result}");
}

#[test]
fn no_instruction_writes_a_social_security_number() {
    for kind in Kind::ALL {
        let text = serde_json::to_string(&defaults(kind).unwrap()).unwrap();
        assert!(!text.contains("ssn"));
        assert!(compile(kind, &defaults(kind).unwrap(), &iris_hl7::mapping::Overrides::default()).is_ok());
    }
}
