//! What is refused when a document is saved, and the place that is reported.

use crate::program;
use iris_hl7::mapping::{Instructions, Kind, Overrides, Problem, Wrong, compile, defaults};

fn problems(kind: Kind, overrides: &str) -> Vec<(String, Wrong)> {
    let problems = program(kind, overrides).err().unwrap_or_default();
    problems.into_iter().map(|Problem { at, wrong }| (at, wrong)).collect()
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn overrides() {
    use Kind::{Dft, Mdm, Oru};
    let cases = [
        (Oru, r#"{ "use": ["everything"] }"#, "use", Wrong::Payload(text("everything"))),
        (Oru, r#"{ "set": { "PID-3": "{patient.name}" } }"#, "set.PID-3", Wrong::Value(text("patient.name"))),
        (Oru, r#"{ "set": { "PID-3": "{it.code}" } }"#, "set.PID-3", Wrong::Value(text("it.code"))),
        (Oru, r#"{ "set": { "OBX-5": "{it.code}" } }"#, "set.OBX-5", Wrong::Value(text("it.code"))),
        (Oru, r#"{ "set": { "PID-3": "{patient.mrn|lower}" } }"#, "set.PID-3", Wrong::Filter(text("lower"))),
        (Oru, r#"{ "set": { "PID-3": "{patient.mrn|time}" } }"#, "set.PID-3", Wrong::Filter(text("time"))),
        (Oru, r#"{ "set": { "PID-7": "{patient.dob|time}" } }"#, "set.PID-7", Wrong::Filter(text("time"))),
        (Oru, r#"{ "set": { "PID-3": "{patient.mrn|table:ids}" } }"#, "segments.pid", Wrong::Table(text("ids"))),
        (Oru, r#"{ "set": { "PID-3": "{patient.mrn" } }"#, "set.PID-3", Wrong::Brace),
        (Oru, r#"{ "set": { "PID-3": "patient.mrn}" } }"#, "set.PID-3", Wrong::Brace),
        (Oru, r#"{ "set": { "PID-3": "{{patient.mrn}}" } }"#, "set.PID-3", Wrong::Brace),
        (Oru, r#"{ "set": { "PID-3": "{>patient}" } }"#, "set.PID-3", Wrong::Fragment(text("patient"))),
        (Oru, r#"{ "set": { "PID-3": "a|b" } }"#, "set.PID-3", Wrong::Separator),
        (Oru, r#"{ "set": { "PID-3.1": "a^b" } }"#, "set.PID-3.1", Wrong::Separator),
        (Oru, r#"{ "set": { "PID-3.1": "a~b" } }"#, "set.PID-3.1", Wrong::Separator),
        (Oru, r#"{ "set": { "PID-3.1.1": "a&b" } }"#, "set.PID-3.1.1", Wrong::Separator),
        (Oru, r#"{ "set": { "PID": "x" } }"#, "set.PID", Wrong::Place),
        (Oru, r#"{ "set": { "PID-0": "x" } }"#, "set.PID-0", Wrong::Place),
        (Oru, r#"{ "set": { "PID-3[2]": "x" } }"#, "set.PID-3[2]", Wrong::Place),
        (Oru, r#"{ "set": { "PID-3.*": "x" } }"#, "set.PID-3.*", Wrong::Place),
        (Oru, r#"{ "set": { "PID-1001": "x" } }"#, "set.PID-1001", Wrong::Place),
        (Oru, r#"{ "set": { "ZZZ-3": "x" } }"#, "set.ZZZ-3", Wrong::NoSegment(text("ZZZ"))),
        (Oru, r#"{ "set": { "obx.pdf/3": "x" } }"#, "set.obx.pdf/3", Wrong::Rule(text("obx.pdf"))),
        (Oru, r#"{ "set": { "MSH-1": "x" } }"#, "set.MSH-1", Wrong::Header),
        (Oru, r#"{ "clear": ["MSH-2"] }"#, "clear.MSH-2", Wrong::Header),
        (Oru, r#"{ "set": { "msh/10": "x" } }"#, "set.msh/10", Wrong::Header),
        (Oru, r#"{ "set": { "PID-19": "x" } }"#, "set.PID-19", Wrong::SocialSecurity),
        (Oru, r#"{ "move": { "PID-3": "PID-19" } }"#, "move.PID-3", Wrong::SocialSecurity),
        (Oru, r#"{ "move": { "PID-3": "PV1-3" } }"#, "move.PID-3", Wrong::PartMoved),
        (Oru, r#"{ "move": { "PID-3": "PID-4.1" } }"#, "move.PID-3", Wrong::PartMoved),
        (Oru, r#"{ "drop": ["obx.pdf"] }"#, "drop.obx.pdf", Wrong::Rule(text("obx.pdf"))),
        (Oru, r#"{ "drop": ["msh"] }"#, "drop.msh", Wrong::Needed),
        (Oru, r#"{ "drop": ["pid"] }"#, "drop.pid", Wrong::Needed),
        (Oru, r#"{ "add": [{ "after": "pdi", "id": "z", "line": "ZZZ|1" }] }"#, "add.z", Wrong::Rule(text("pdi"))),
        (Oru, r#"{ "add": [{ "after": "pid", "id": "z", "line": "zzz|1" }] }"#, "add.z", Wrong::Segment),
        (Oru, r#"{ "add": [{ "after": "pid", "id": "z", "line": "MSH||x" }] }"#, "add.z", Wrong::SecondHeader),
        (
            Oru,
            r#"{ "add": [{ "after": "pid", "id": "pv1", "line": "ZZZ|1" }] }"#,
            "segments.pv1",
            Wrong::Twice(text("pv1")),
        ),
        (
            Oru,
            r#"{ "add": [{ "after": "pid", "id": "z", "each": "orders", "line": "ZZZ|1" }] }"#,
            "add.z",
            Wrong::List(text("orders")),
        ),
        (
            Oru,
            r#"{ "add": [{ "after": "pid", "id": "z", "when": ["sunny"], "line": "ZZZ|1" }] }"#,
            "add.z.when",
            Wrong::Value(text("sunny")),
        ),
        (
            Oru,
            r#"{ "add": [{ "after": "pid", "id": "z", "line": "PID|||||||||||||||||||123" }] }"#,
            "segments.z",
            Wrong::SocialSecurity,
        ),
        // Fields that receivers need.
        (Oru, r#"{ "clear": ["MSH-9"] }"#, "segments", Wrong::Emptied("MSH-9")),
        (Oru, r#"{ "clear": ["PID-2", "PID-3"] }"#, "segments", Wrong::Emptied("the MRN (PID-2, PID-3 or PID-4)")),
        (Oru, r#"{ "clear": ["ORC-2", "OBR-2"] }"#, "segments", Wrong::Emptied("the placer's number (ORC-2 or OBR-2)")),
        (Dft, r#"{ "clear": ["FT1-7"] }"#, "segments", Wrong::Emptied("FT1-7")),
        (Dft, r#"{ "drop": ["ft1"] }"#, "segments", Wrong::Emptied("FT1-7")),
        (Mdm, r#"{ "clear": ["TXA-12"] }"#, "segments", Wrong::Emptied("TXA-12")),
    ];
    for (kind, overrides, at, wrong) in cases {
        assert_eq!(problems(kind, overrides), [(at.to_owned(), wrong)], "{overrides}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let overrides = r#"{ "use": ["x"], "set": { "PID-3": "{x}", "PID-19": "" }, "clear": ["QQQ-1"], "drop": ["x"] }"#;
    let found = problems(Kind::Oru, overrides);
    let places: Vec<&str> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(places, ["use", "set.PID-19", "set.PID-3", "clear.QQQ-1", "drop.x"]);
}

#[test]
fn unknown_members_are_refused() {
    for text in [r#"{ "sets": {} }"#, r#"{ "version": "2.9" }"#, r#"{ "set": ["x"] }"#] {
        assert!(serde_json::from_str::<Overrides>(text).is_err(), "{text}");
    }
}

#[test]
fn instructions_without_a_header_are_refused() {
    let mut instructions: Instructions = defaults(Kind::Oru).unwrap();
    instructions.segments.remove(0);
    let found = compile(Kind::Oru, &instructions, &Overrides::default()).unwrap_err();
    assert!(found.iter().any(|problem| problem.wrong == Wrong::SecondHeader));
}

#[test]
fn a_problem_says_where_and_what() {
    let found = program(Kind::Oru, r#"{ "set": { "PID-3": "{x}" } }"#).unwrap_err();
    let [problem] = found.as_slice() else { panic!("{found:?}") };
    let what = std::error::Error::source(problem).unwrap().to_string();
    assert_eq!(
        (problem.to_string(), what),
        ("set.PID-3 cannot be used".to_owned(), "there is no value `x` here".to_owned())
    );
}
