//! Which of our crates may depend on which, and why. The arrows keep rules from reaching into storage, libraries from
//! reaching into Azure, and the emulator from knowing whose messages it carries.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A crate with those of our crates that it may use, and the reason for all of them.
struct Room {
    name: &'static str,
    uses: &'static [&'static str],
    /// What only its tests may use in addition.
    tests_use: &'static [&'static str],
    reason: &'static str,
}

const fn room(
    name: &'static str,
    uses: &'static [&'static str],
    tests_use: &'static [&'static str],
    reason: &'static str,
) -> Room {
    Room { name, uses, tests_use, reason }
}

/// Lowest first: an arrow points up this list.
const ROOMS: &[Room] = &[
    room("iris-hl7", &[], &[], "HL7 v2 as bytes and messages: knows no order and no result"),
    room("iris-model", &["iris-hl7"], &[], "wire types: everybody reads them; documents hold HL7 instructions"),
    room("iris-telemetry", &[], &[], "names of spans and measurements, nothing of the business"),
    room(
        "iris-intake",
        &["iris-hl7", "iris-model"],
        &[],
        "bytes to requests: knows the wire types, no rule and no storage",
    ),
    room("iris-images", &["iris-model"], &[], "bytes to what an image says about itself"),
    room("iris-results", &["iris-model"], &[], "a grading to a result, pure"),
    room("iris-rules", &["iris-model", "iris-results"], &[], "decides, and therefore reads neither clock nor database"),
    room("iris-report", &["iris-model", "iris-results"], &[], "a page from what results say, pure"),
    room(
        "iris-store",
        &["iris-model", "iris-rules", "iris-telemetry"],
        &[],
        "keeps the records of the rules; decides nothing, and does not know who calls it",
    ),
    room(
        "iris-orders",
        &["iris-model", "iris-rules", "iris-store", "iris-telemetry"],
        &["iris-results"],
        "the service: rules and store put to work, without Azure",
    ),
    room(
        "iris-drops",
        &["iris-intake", "iris-model", "iris-orders", "iris-rules", "iris-store"],
        &[],
        "a file's rows as submissions, for loading and for trying: knows no Azure",
    ),
    room(
        "iris-azure",
        &["iris-model", "iris-store", "iris-telemetry"],
        &["iris-local-blob", "iris-local-servicebus"],
        "the outside; opens documents and the database by its settings, and is tested against the emulator",
    ),
    room(
        "iris-channels",
        &["iris-azure", "iris-hl7", "iris-images", "iris-model", "iris-report", "iris-results", "iris-rules"],
        &[],
        "how results leave: formats and sends, and knows neither the database nor the service",
    ),
    room(
        "iris-functions",
        &[
            "iris-azure",
            "iris-channels",
            "iris-drops",
            "iris-hl7",
            "iris-images",
            "iris-intake",
            "iris-model",
            "iris-orders",
            "iris-results",
            "iris-rules",
            "iris-store",
            "iris-telemetry",
        ],
        &[],
        "puts the libraries together, one folder per function",
    ),
    room(
        "iris-admin",
        &["iris-azure", "iris-channels", "iris-drops", "iris-intake", "iris-model", "iris-rules", "iris-store"],
        &["iris-local"],
        "operators reach database and queues by themselves, without the handler",
    ),
    room(
        "iris-proxy",
        &["iris-azure", "iris-hl7", "iris-model"],
        &[],
        "runs at a hospital: speaks MLLP and queues, and decides nothing about an order",
    ),
    room("iris-local-servicebus", &[], &[], "an emulator of its own: knows nothing of the domain"),
    room("iris-local-blob", &[], &[], "an emulator of its own: knows nothing of the domain"),
    room(
        "iris-local-functions-host",
        &["iris-local-servicebus"],
        &[],
        "takes its messages from the broker; knows nothing of the domain",
    ),
    room(
        "iris-local-console",
        &[
            "iris-drops",
            "iris-intake",
            "iris-local-blob",
            "iris-local-functions-host",
            "iris-local-servicebus",
            "iris-model",
            "iris-store",
        ],
        &[],
        "shows what is there; changes nothing the emulator does not offer",
    ),
    room(
        "iris-local",
        &[
            "iris-azure",
            "iris-channels",
            "iris-drops",
            "iris-functions",
            "iris-hl7",
            "iris-intake",
            "iris-local-blob",
            "iris-local-console",
            "iris-local-functions-host",
            "iris-local-servicebus",
            "iris-model",
            "iris-proxy",
            "iris-rules",
            "iris-store",
        ],
        &["iris-admin", "iris-report", "iris-results"],
        "one machine that has it all; the handler is a subcommand of it",
    ),
    room(
        "iris-check-app",
        &[
            "iris-azure",
            "iris-local",
            "iris-local-blob",
            "iris-local-functions-host",
            "iris-local-servicebus",
            "iris-model",
        ],
        &[],
        "compares the templates with the local host's resources and the settings",
    ),
    room(
        "iris-chaos",
        &[
            "iris-azure",
            "iris-local",
            "iris-local-blob",
            "iris-local-functions-host",
            "iris-local-servicebus",
            "iris-model",
        ],
        &[],
        "breaks everything and checks what is left, by promises to callers: knows neither rules nor store",
    ),
    room("xtask", &["iris-intake", "iris-model", "iris-results"], &[], "writes schemas and documents from the types"),
    room(
        "iris-bench",
        &[
            "iris-azure",
            "iris-intake",
            "iris-local",
            "iris-local-blob",
            "iris-local-servicebus",
            "iris-model",
            "iris-orders",
            "iris-report",
            "iris-rules",
            "iris-store",
        ],
        &[],
        "measures every part by itself",
    ),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    /// Absent for a path in the workspace.
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

/// One sentence per arrow that is not allowed, and per entry of the table that is no longer needed.
pub(super) fn check(metadata: &str) -> Result<Vec<String>> {
    let metadata: Metadata = serde_json::from_str(metadata).context("cargo metadata gave something unexpected")?;
    let ours: Vec<&Package> = metadata.packages.iter().filter(|package| package.source.is_none()).collect();
    let rooms: BTreeMap<&str, &Room> = ROOMS.iter().map(|room| (room.name, room)).collect();
    let mut findings = Vec::new();
    for package in &ours {
        match rooms.get(package.name.as_str()) {
            Some(room) => arrows(package, room, &mut findings),
            None => {
                findings.push(format!("{} is not among the rooms of xtask/src/dependencies/arrows.rs", package.name));
            }
        }
    }
    let known: BTreeSet<&str> = ours.iter().map(|package| package.name.as_str()).collect();
    findings.extend(
        ROOMS.iter().filter(|room| !known.contains(room.name)).map(|room| format!("there is no crate {}", room.name)),
    );
    Ok(findings)
}

fn arrows(package: &Package, room: &Room, findings: &mut Vec<String>) {
    let of_kind = |tests: bool| -> BTreeSet<&str> {
        let ours = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
        ours.filter(|dependency| (dependency.kind.as_deref() == Some("dev")) == tests)
            .map(|dependency| dependency.name.as_str())
            .collect()
    };
    let (used, in_tests) = (of_kind(false), of_kind(true));
    let allowed: BTreeSet<&str> = room.uses.iter().copied().collect();
    let in_tests_too: BTreeSet<&str> = room.uses.iter().chain(room.tests_use).copied().collect();
    let (name, reason) = (room.name, room.reason);
    for other in used.difference(&allowed) {
        findings.push(format!("{name} must not depend on {other}: {reason}"));
    }
    for other in in_tests.difference(&in_tests_too) {
        findings.push(format!("the tests of {name} must not depend on {other}: {reason}"));
    }
    for other in allowed.difference(&used) {
        findings.push(format!("{name} may depend on {other} and does not: take it out of the table"));
    }
    for other in room.tests_use.iter().filter(|other| !in_tests.contains(**other)) {
        findings.push(format!("the tests of {name} may depend on {other} and do not: take it out of the table"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(extra: &str) -> String {
        let packages: Vec<String> = ROOMS
            .iter()
            .map(|room| {
                let arrow = |name: &str, kind: &str| format!(r#"{{"name":"{name}","kind":{kind},"path":"/p"}}"#);
                let uses = room.uses.iter().map(|name| arrow(name, "null"));
                let tests = room.tests_use.iter().map(|name| arrow(name, "\"dev\""));
                let mut all: Vec<String> = uses.chain(tests).collect();
                if room.name == "iris-rules" && !extra.is_empty() {
                    all.push(extra.to_owned());
                }
                format!(r#"{{"name":"{}","source":null,"dependencies":[{}]}}"#, room.name, all.join(","))
            })
            .collect();
        format!(r#"{{"packages":[{}]}}"#, packages.join(","))
    }

    #[test]
    fn the_table_itself_has_no_finding() {
        assert_eq!(check(&metadata("")).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_is_added_is_found_with_the_reason_against_it() {
        let store = check(&metadata(r#"{"name":"iris-store","kind":null,"path":"/p"}"#)).unwrap();
        let wanted =
            "iris-rules must not depend on iris-store: decides, and therefore reads neither clock nor database";
        assert_eq!(store, [wanted]);
        let in_tests = check(&metadata(r#"{"name":"iris-store","kind":"dev","path":"/p"}"#)).unwrap();
        assert!(in_tests[0].starts_with("the tests of iris-rules must not depend on iris-store"), "{in_tests:?}");
        assert!(check(&metadata(r#"{"name":"serde","kind":null,"path":null}"#)).unwrap().is_empty());
    }

    #[test]
    fn a_crate_nobody_gave_a_room_is_found() {
        let text = r#"{"packages":[{"name":"iris-new","source":null,"dependencies":[]}]}"#;
        assert!(check(text).unwrap()[0].starts_with("iris-new is not among the rooms"));
    }

    #[test]
    fn arrows_of_the_table_point_up() {
        let above = |name: &str| ROOMS.iter().position(|room| room.name == name);
        for room in ROOMS {
            for other in room.uses {
                assert!(above(other) < above(room.name), "{} uses {other}, which stands below it", room.name);
            }
        }
    }
}
