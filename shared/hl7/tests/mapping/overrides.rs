//! Overrides of an interface.

use crate::content::content;
use crate::{message, program, segment};
use iris_hl7::mapping::{Content, Kind};
use iris_hl7::message::Limits;
use iris_hl7::write::Output;
use iris_hl7::{Message, Version};

/// The example of INTEGRATORS: every kind of override at once.
const EXAMPLE: &str = r#"{
    "use": ["discrete", "pdf"], "version": "2.5.1",
    "move": { "PID-2": "PID-4" },
    "set": { "PID-3": "{patient.mrn}^^^^MRN", "PV1-7": "{>grader}", "obx.document/3": "PDF^Retinal report" },
    "clear": ["PID-18"],
    "add": [{ "after": "pid", "id": "zpi", "line": "ZPI|1|{site.id}|{order.departmentId|or:none}" }],
    "tables": { "sex": { "F": "O" }, "identifier": { "RIGHTDIABRETIN": "DR_OD" }, "flag": { "AA": "A", "": "N" } }
}"#;

#[test]
fn all_at_once() {
    insta::assert_snapshot!(message(Kind::Oru, EXAMPLE, &content()));
}

#[test]
fn one_by_one() {
    let cases = [
        (r#"{ "move": { "PID-2": "PID-4" } }"#, "PID", "PID|||SYN-1001|SYN-1001|Sample^Pat||19700203|F||||||||||CSN-5"),
        (
            r#"{ "move": { "PID-5.2": "PID-5.4" } }"#,
            "PID",
            "PID||SYN-1001|SYN-1001||Sample^^^Pat||19700203|F||||||||||CSN-5",
        ),
        (
            r#"{ "set": { "PID-5.1.2": "{patient.first}" } }"#,
            "PID",
            "PID||SYN-1001|SYN-1001||Sample&Pat^Pat||19700203|F||||||||||CSN-5",
        ),
        (r#"{ "set": { "PID-5.1": "a|b" } }"#, "", ""),
        (
            r#"{ "set": { "PID-7": "{patient.dob|date:MM/dd/yyyy}" } }"#,
            "PID",
            "PID||SYN-1001|SYN-1001||Sample^Pat||02/03/1970|F||||||||||CSN-5",
        ),
        (r#"{ "clear": ["PID-5.2", "PID-18"] }"#, "PID", "PID||SYN-1001|SYN-1001||Sample||19700203|F"),
        (
            r#"{ "set": { "pid/30": "Y" } }"#,
            "PID",
            "PID||SYN-1001|SYN-1001||Sample^Pat||19700203|F||||||||||CSN-5||||||||||||Y",
        ),
        (
            r#"{ "set": { "obx.severity/5": "{severity.value|first:3}" } }"#,
            "OBX|1|",
            "OBX|1|ST|SEVERITY^^IRIS|1|ABN|||A|||F",
        ),
        (
            r#"{ "tables": { "value": { "RIGHTDIABRETIN=Mild": "Leicht" }, "flag": { "RIGHTDIABRETIN=Mild": "L" } } }"#,
            "OBX|2|",
            "OBX|2|ST|RIGHTDIABRETIN^^IRIS|2|Leicht|||L|||F",
        ),
        (
            r#"{ "use": ["link"] }"#,
            "OBX",
            r"OBX|1|RP|LINK^^PDFLINK|1|https://example.invalid/r?id=1\T\asPdf=True||||||F",
        ),
        (
            r#"{ "use": ["link"], "set": { "obx.link/5": "{report.url|ampersand}" } }"#,
            "OBX",
            "OBX|1|RP|LINK^^PDFLINK|1|https://example.invalid/r?id=1&asPdf=True||||||F",
        ),
    ];
    for (overrides, start, expected) in cases {
        if expected.is_empty() {
            assert!(program(Kind::Oru, overrides).is_err(), "{overrides}");
        } else {
            assert_eq!(segment(&message(Kind::Oru, overrides, &content()), start), expected, "{overrides}");
        }
    }
}

#[test]
fn rules_are_dropped_and_added_where_they_belong() {
    let overrides = r#"{ "drop": ["obx.narrative", "obx.document", "obx.discrete", "obx.severity"], "add": [
        { "after": "orc", "id": "nte", "when": ["site.id=HV-01"], "line": "NTE|{n}||{order.departmentId}" },
        { "after": "nte", "id": "never", "when": ["!site.id"], "line": "NTE|{n}||never" },
        { "after": "obr", "id": "zdx", "each": "diagnoses", "line": "ZDX|{n}|{it.code|dot}|{it.number|pad3}" } ] }"#;
    let text = message(Kind::Oru, overrides, &content());
    let names: Vec<&str> = text.lines().map(|line| &line[..3]).collect();
    assert_eq!(names, ["MSH", "PID", "PV1", "ORC", "NTE", "OBR", "ZDX", "ZDX"]);
    assert!(text.contains("\nNTE|1||D-9\n") && text.contains("\nZDX|2|E11.3291|002\n"), "{text}");
}

#[test]
fn charges_with_another_layout() {
    let overrides = r#"{ "set": { "FT1-19": "{order.encounter}", "ft1/26": "59~{charge.code}" } }"#;
    let charge = segment(&message(Kind::Dft, overrides, &content()), "FT1");
    assert!(charge.contains("|CSN-5|1999999984^") && charge.ends_with("|59~92250"), "{charge}");
    let part = r#"{ "set": { "FT1-19.3": "I10" }, "move": { "FT1-26": "FT1-27" } }"#;
    let charge = segment(&message(Kind::Dft, part, &content()), "FT1");
    assert!(charge.contains("|E11.9^Type 2 diabetes mellitus^I10~E11.3291^"), "{charge}");
    assert!(charge.ends_with("^CPT||26~52"), "{charge}");
}

#[test]
fn a_fixed_version_names_its_structure() {
    let content = Content { version: Version::V2_3, ..content() };
    let header = segment(&message(Kind::Oru, r#"{ "version": "2.5.1" }"#, &content), "MSH");
    assert!(header.contains("|ORU^R01^ORU_R01|") && header.ends_with("|2.5.1"), "{header}");
}

#[test]
fn times_are_written_in_the_interfaces_zone() {
    let zone = jiff::tz::TimeZone::get("America/Chicago").unwrap();
    let header = segment(&message(Kind::Oru, "{}", &Content { zone, ..content() }), "MSH");
    assert!(header.contains("|20261130031500|"), "{header}");
}

/// What is shown is what is sent: each value at its address, and nothing else.
#[test]
fn shown_values_are_those_of_the_message() {
    for kind in Kind::ALL {
        let program = program(kind, "{}").unwrap();
        let content = content();
        let bytes = program.build(&content, Output::Utf8);
        let message = Message::read(&bytes, &Limits::default()).unwrap();
        let shown = program.show(&content);
        for value in &shown {
            let (repetition, component, subcomponent) = value.place;
            let field = message.segment(value.index).unwrap().field(value.field).unwrap();
            let part = field.repetition(repetition).unwrap().component(component).unwrap();
            assert_eq!(part.subcomponent(subcomponent).text().unwrap(), value.value, "{value:?}");
        }
        let leaves = message.segments().flat_map(|segment| {
            let skipped = if segment.id() == Some(iris_hl7::SegmentId::MSH) { 2 } else { 0 };
            segment.fields().skip(skipped).map(|(_, field)| field).collect::<Vec<_>>()
        });
        let leaves = leaves
            .flat_map(|field| field.repetitions().flat_map(|r| r.components().collect::<Vec<_>>()).collect::<Vec<_>>());
        let valued =
            leaves.flat_map(|component| component.subcomponents().collect::<Vec<_>>()).filter(|text| !text.is_empty());
        assert_eq!(valued.count(), shown.len());
    }
}
