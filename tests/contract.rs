//! What the emulator and the handler have in common: the function app of this repository, and the requests that both
//! are tested with.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use iris_local_functions_host::config::{App, Settings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_functions_host_takes_the_app_without_a_warning() {
    let names = ["ORDERS_QUEUE", "DROPS_QUEUE", "IMAGES_QUEUE", "GRADINGS_QUEUE", "HL7_QUEUE", "DELIVERIES_QUEUE"];
    let schedules = ["SWEEP_SCHEDULE", "PRUNE_SCHEDULE", "BATCHES_SCHEDULE"];
    let settings = names.map(|name| (name, "queue")).into_iter().chain(schedules.map(|name| (name, "0 15 3 * * *")));
    let connections = [
        ("ServiceBus__fullyQualifiedNamespace", "example.servicebus.windows.net"),
        ("AzureWebJobsStorage__accountName", "x"),
    ];
    let settings = settings.chain(connections).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let app =
        App::load(&root(), &root().join("functions"), &Settings::from(settings.collect::<BTreeMap<_, _>>())).unwrap();
    assert_eq!(app.warnings, Vec::<String>::new());
}

/// The emulator's crates do not depend on the platform's, so each side has its own copy.
#[test]
fn both_sides_are_tested_with_the_same_requests() {
    let (emulator, handler) =
        (root().join("infra/local/emulator/functions-host/tests/fixtures"), root().join("shared/azure/tests/fixtures"));
    let mut compared = 0;
    for entry in std::fs::read_dir(emulator).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "json") {
            let other = handler.join(file.file_name().unwrap());
            assert!(std::fs::read(&file).unwrap() == std::fs::read(&other).unwrap(), "{}", file.display());
            compared += 1;
        }
    }
    assert!(compared > 5);
}
