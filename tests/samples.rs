//! Every sample, processed as a newcomer would: the program, a file, an output folder.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn process(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_iris-local"))
        .arg("process")
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[test]
fn an_exam_with_its_report() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let exam = ["samples/exam/order.json", "--images", "samples/exam/images", "--grade", "samples/exam/grading.json"];
    let done = process(&[&exam[..], &["--out", folder]].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said = String::from_utf8(done.stdout).unwrap();
    let folder = out.path().join("harborview");
    let report = std::fs::read(folder.join("reports/HV-EXAM-1.pdf")).unwrap();
    assert!(report.starts_with(b"%PDF-"));
    let kinds = |file: &str| -> Vec<String> {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let kind = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["ResultObjectType"].as_str().unwrap().to_owned()
        };
        text.lines().map(kind).collect()
    };
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"are in .*", "are in [folder]");
    settings.bind(|| insta::assert_snapshot!("exam.summary", said));
    assert_eq!(
        kinds("events.ndjson"),
        [
            "OrderCreationReceipt",
            "ImageReceipt",
            "ImageReceipt",
            "ReadyForGradingEvent",
            "GradingReceipt",
            "OrderGradedEvent",
            "ResultsDeliveryReceipt"
        ]
    );
    assert_eq!(kinds("results.ndjson").len(), 1);
}

#[test]
fn what_is_wrong_with_an_exam_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let sample =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/exam/grading.json")).unwrap();
    let images = folder.path().join("images");
    std::fs::create_dir(&images).unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    std::fs::write(images.join("hv-exam-1-right.jpg"), b"no picture").unwrap();
    std::fs::write(images.join("scan.pdf"), b"%PDF-1.7").unwrap();
    std::fs::write(path("other.json"), sample.replace("HV-EXAM-1", "HV-EXAM-2")).unwrap();
    std::fs::write(path("foreign.json"), sample.replace("5a3d1e70", "5a3d1e71")).unwrap();
    std::fs::write(path("text.json"), "\"graded\"").unwrap();
    std::fs::write(path("broken.json"), "{").unwrap();
    let (good, exam) = ("samples/exam/grading.json".to_owned(), "samples/exam/images".to_owned());
    for (images, grading, complaints) in [
        (
            path("images"),
            good.clone(),
            &["[no-images]", "\"scan.pdf\": This is not an image", "\"hv-exam-1-right.jpg\""][..],
        ),
        (exam.clone(), path("other.json"), &["nothing was graded: [unknown-order]"]),
        (exam.clone(), path("foreign.json"), &["nothing was graded: ClientGuid"]),
        (exam.clone(), path("text.json"), &["something else than gradings"]),
        (exam.clone(), path("broken.json"), &["is not JSON"]),
        (exam, path("none.json"), &["cannot read"]),
        (path("empty"), good.clone(), &["there is no image in"]),
        (path("nowhere"), good, &["cannot read the folder"]),
    ] {
        let out = path("out");
        let done = process(&["samples/exam/order.json", "--images", &images, "--grade", &grading, "--out", &out]);
        assert!(!done.status.success(), "{images} {grading}");
        let said = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        assert!(complaints.iter().all(|complaint| said.contains(complaint)), "{images} {grading}: {said}");
    }
}

/// Processes a sample and compares everything the caller gets with the snapshots.
fn sample(name: &str) {
    let out = tempfile::tempdir().unwrap();
    let file = format!("samples/{name}");
    let done = process(&[&file, "--json", "--out", out.path().to_str().unwrap()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said = String::from_utf8(done.stdout).unwrap();
    let totals: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();

    let folder = out.path().join("harborview");
    let receipts = files(&folder.join("receipts"));
    let receipt = receipts
        .iter()
        .find(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".json") && !name.ends_with(".rejected.json")
        })
        .unwrap();
    let receipt: serde_json::Value = serde_json::from_slice(&std::fs::read(receipt).unwrap()).unwrap();
    assert_eq!(receipt["totals"], totals);

    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[uuid]");
    settings.add_filter(r"0x[0-9A-F]{10,}", "[etag]");
    // Batches of one file are decided side by side, so neither the assignment of ids nor the order of their events is
    // fixed.
    settings.add_filter(r"\b100\d{3}\b", "[id]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|\+00:00)", "[time]");
    settings.add_filter(r"receipts and events are in .*", "receipts and events are in [folder]");
    settings.bind(|| {
        insta::assert_snapshot!(format!("{name}.receipt"), serde_json::to_string_pretty(&receipt).unwrap());
        insta::assert_snapshot!(format!("{name}.summary"), said);
        let events = std::fs::read_to_string(folder.join("events.ndjson")).unwrap();
        let mut events: Vec<&str> = events.lines().collect();
        events.sort_by_key(|event| event.split_once("LocalId\"").map(|(_, rest)| rest));
        let events = events.join("\n");
        insta::assert_snapshot!(format!("{name}.events"), events);
        for document in &receipts {
            let text = document.to_string_lossy();
            for ending in [".rows.csv", ".rejected.csv", ".rejected.json", ".rejected.ndjson"] {
                if text.ends_with(ending) {
                    insta::assert_snapshot!(format!("{name}{ending}"), std::fs::read_to_string(document).unwrap());
                }
            }
        }
    });
}

macro_rules! samples {
    ($($test:ident: $file:literal;)+) => { $(#[test] fn $test() { sample($file); })+ };
}

samples! {
    a_clean_csv_file: "harborview-clean.csv";
    a_dirty_csv_file: "harborview-dirty.csv";
    a_payers_own_columns: "members-2026-11.csv";
    a_workbook: "harborview-batch.xlsx";
    a_salesforce_flow: "salesforce-flow.json";
    a_partners_orders: "partner-orders.ndjson";
    a_first_order: "order.json";
}

#[test]
fn a_file_that_cannot_be_loaded_ends_with_the_reason_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for (name, content, reason) in [
        ("orders.hl7", &b"MSH|^~\\&|EMR"[..], "not supported yet"),
        ("empty.csv", b"", "empty"),
        ("letter.csv", b"Dear Sir or Madam,\nhere are the members.\n", "No row near the top looks like a header"),
        ("scan.pdf", b"%PDF-1.7", "PDF files cannot be loaded"),
        ("broken.xlsx", b"PK\x03\x04 and nothing more", "workbook"),
        ("columns.csv", b"PatientFirstName,PatientLastName,PatientDob\nA,B,2000-01-01\n", "PatientLocalId"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let done = process(&[file.to_str().unwrap(), "--out", out.to_str().unwrap()]);
        let complaint = String::from_utf8(done.stderr).unwrap();
        assert!(!done.status.success(), "{name}");
        let lines: Vec<&str> = complaint.lines().collect();
        assert_eq!(lines.len(), 1, "{name}: {complaint}");
        assert!(complaint.contains(reason), "{name}: {complaint}");
    }
}

/// The program, with temporary files in this folder.
fn program(temporary: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iris-local"));
    command.args(arguments).env("TMPDIR", temporary).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    command
}

/// The first line of its output.
fn first_line(child: &mut std::process::Child) -> String {
    let mut line = String::new();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
    line
}

#[test]
fn a_reader_that_has_enough_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut command =
        program(folder.path(), &["process", "samples/harborview-clean.csv", "--out", out.to_str().unwrap()]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // The pipe is closed after its first line, as by `| head -1`.
    assert!(first_line(&mut child).contains("harborview-drops"));
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(out.join("harborview/events.ndjson").exists());
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_of_the_file_behind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut command =
        program(folder.path(), &["process", "samples/harborview-batch.xlsx", "--out", out.to_str().unwrap()]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    first_line(&mut child);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let done = child.wait_with_output().unwrap();
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("interrupted"), "{done:?}");
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

#[test]
fn runs_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    for sample in ["samples/order.json", "samples/harborview-clean.csv"] {
        assert!(process(&[sample, "--out", out]).status.success());
    }
    let receipts = |run: &str| {
        let names = files(&folder.path().join(run).join("receipts"));
        names.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    assert!(receipts("harborview").iter().all(|name| name.starts_with("order.json")));
    assert!(receipts("harborview-2").iter().all(|name| name.starts_with("harborview-clean.csv")));
}

#[test]
fn a_file_is_tried_without_being_loaded_and_an_unknown_one_gets_a_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let tried = program(folder.path(), &["try", "samples/harborview-dirty.csv"]).output().unwrap();
    assert!(tried.status.success(), "{tried:?}");
    let said = text(tried.stdout);
    assert!(said.contains("read by clinic export: nothing is stored") && said.contains("14 rejected"), "{said}");

    let unknown = "tests/console/eye-gaps-2026-Q4.xlsx";
    let mapping = folder.path().join("gaps.json");
    let proposed =
        program(folder.path(), &["try", unknown, "--save-mapping", mapping.to_str().unwrap()]).output().unwrap();
    assert!(!proposed.status.success());
    let said = text(proposed.stdout);
    assert!(said.contains("header in row 4, 8 rows below it"), "{said}");
    assert!(said.contains("still needed: PatientLocalId, EvaluationType"), "{said}");
    assert!(!said.contains("M40100"), "values of the file are not shown: {said}");

    let mut rule: serde_json::Value = serde_json::from_slice(&std::fs::read(&mapping).unwrap()).unwrap();
    let columns = &mut rule["mapping"]["columns"];
    columns["PatientLocalId"] = serde_json::json!({ "headers": ["Mbr #"] });
    columns["EvaluationType"] = serde_json::json!({ "constant": "DR" });
    columns["SiteLocalId"]["values"]["Eastside"] = "HV-BOI".into();
    std::fs::write(&mapping, rule.to_string()).unwrap();
    let arguments = ["try", unknown, "--mapping", mapping.to_str().unwrap(), "--json"];
    let tried = program(folder.path(), &arguments).output().unwrap();
    assert!(tried.status.success(), "{tried:?}");
    let tried: serde_json::Value = serde_json::from_slice(&tried.stdout).unwrap();
    assert_eq!((&tried["totals"]["created"], &tried["totals"]["failed"]), (&7.into(), &1.into()), "{tried}");
    assert_eq!(tried["groups"][0]["header"], "D.O.B.");
}

#[test]
fn shells_complete_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef iris-local"), ("fish", "complete -c iris-local")] {
        let script = program(folder.path(), &["completions", shell]).output().unwrap();
        assert!(script.status.success() && String::from_utf8(script.stdout).unwrap().contains(word), "{shell}");
    }
}

#[test]
fn wrong_arguments_are_told_before_anything_starts() {
    for (arguments, word) in [
        (&["no-such-file.csv"][..], "no file no-such-file.csv"),
        (&["samples"], "not a file"),
        (&["samples/order.json", "--organization", "Not A Slug"], "lower-case"),
        (&["samples/order.json", "--organization", "somebody-else"], "no organization somebody-else"),
    ] {
        let done = process(arguments);
        assert!(!done.status.success(), "{arguments:?}");
        let complaint = String::from_utf8(done.stderr).unwrap();
        assert!(complaint.contains(word), "{arguments:?}: {complaint}");
    }
}
