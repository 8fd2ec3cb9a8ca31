//! The checkout has no problem, and every kind of mistake is found.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A copy of what is checked, to make mistakes in.
struct Copy(TempDir);

impl Copy {
    fn new() -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        for path in ["host.json", "functions", "docs/OPERATIONS.md", "infra/azure"] {
            copy.take(&root().join(path), &copy.0.path().join(path));
        }
        // Large, and nothing is changed in it.
        std::os::unix::fs::symlink(root().join("shared"), copy.0.path().join("shared")).unwrap();
        copy
    }

    fn take(&self, from: &Path, to: &Path) {
        if from.is_file() {
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(from, to).unwrap();
            return;
        }
        for entry in std::fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            self.take(&from.join(&name), &to.join(&name));
        }
    }

    fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.0.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} no longer contains {from}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    async fn problems(&self) -> Vec<String> {
        iris_check_app::check(self.0.path()).await.unwrap().iter().map(ToString::to_string).collect()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

#[tokio::test]
async fn the_checkout_has_no_problem() {
    assert_eq!(Copy::new().problems().await, [""; 0]);
}

#[tokio::test]
async fn every_kind_of_mistake_is_found() {
    // File, correct text, wrong text, and what must be reported.
    let mistakes = [
        // Bicep itself.
        ("main.bicep", "var name =", "var name", "this is not Bicep"),
        ("modules/network.bicep", "location: location", "location: locations", "locations is used, but not declared"),
        ("modules/network.bicep", "param tags object", "param tags object\nparam color string", "color"),
        ("modules/platform.bicep", "    slug: slug\n", "", "organization.bicep needs the parameter slug"),
        ("dev.bicepparam", "param instances", "param instance", "main.bicep has no parameter instance"),
        // Settings.
        ("modules/function-app.bicep", "        Database: databaseUrl\n", "", "setting Database is missing"),
        ("modules/function-app.bicep", "IMAGES_QUEUE:", "IMAGE_QUEUE:", "nobody reads IMAGE_QUEUE"),
        ("modules/function-app.bicep", "        IMAGES_QUEUE: queues.images\n", "", "IMAGES_QUEUE"),
        ("modules/function-app.bicep", "LOG_LEVEL: 'info'", "LOG_LEVEL: 'chatty'", "setting LOG_LEVEL is not valid"),
        (
            "modules/function-app.bicep",
            "LOG_LEVEL:",
            "FUNCTIONS_WORKER_RUNTIME: 'custom'\n        LOG_LEVEL:",
            "refused on Flex",
        ),
        ("modules/function-app.bicep", "@Microsoft.KeyVault(SecretUri=", "(", "references to the key vault"),
        ("modules/function-app.bicep", "OTEL_SERVICE_NAME:", "OTEL_SERVICE:", "nobody reads OTEL_SERVICE"),
        ("modules/platform.bicep", "otlpEndpoint: otlpEndpoint", "otlpEndpoint: ''", "does not become OTEL_EXPORTER"),
        ("dev.bicepparam", "maximum: 1", "maximum: 2", "need 60 connections, but there are 50"),
        ("modules/function-app.bicep", "6 * instances.maximum", "instances.maximum", "connections, but there are"),
        (
            "test.bicepparam",
            "param alertEmails",
            "param callerIpRanges = ['203.0.113.0/24']\nparam alertEmails",
            "callerIpRanges needs privateNetworking",
        ),
        // Queues, entries, containers, events.
        (
            "modules/platform.bicep",
            "  drops: 'drops'\n",
            "  drops: 'dropped'\n",
            "the queue drops exists locally, but is not deployed",
        ),
        (
            "modules/organization.bicep",
            "'results-${slug}'",
            "'result-${slug}'",
            "the queue results-harborview exists locally",
        ),
        (
            "modules/organization.bicep",
            "'${slug}-images'",
            "'${slug}-image'",
            "the container harborview-images exists locally",
        ),
        ("modules/work-queue.bicep", "maxDeliveryCount: 100", "maxDeliveryCount: 10", "maxDeliveryCount must be 100"),
        ("modules/work-queue.bicep", "!empty(eventsPrincipalId)\n", "true\n", "duplicate detection belongs to"),
        ("modules/entry.bicep", "SET IrisOrganization", "SET Organization", "the rule's action must be"),
        ("modules/entry.bicep", "REMOVE IrisFirstSeen; ", "", "the rule's action must be"),
        ("modules/entry.bicep", "name: '$Default'", "name: 'stamp'", "one rule, named $Default, must stamp"),
        (
            "modules/entry.bicep",
            "forwardTo: queue",
            "forwardTo: 'drops'",
            "one subscription must forward to incoming-orders",
        ),
        (
            "modules/event-grid.bicep",
            "queueId: imagesQueueId",
            "queueId: dropsQueueId",
            "it must deliver to the queue images",
        ),
        ("modules/event-grid.bicep", "'PutBlob', ", "", "after which a blob is complete"),
        ("modules/event-grid.bicep", "-${announcement.kind}/blobs/", "drops/blobs/", "its subjects must be"),
        // Roles.
        (
            "modules/work-queue.bicep",
            "name: guid(queue.id, handlerPrincipalId, roles['Azure Service Bus Data Receiver'])\n  scope: queue",
            "name: guid(queue.id, handlerPrincipalId, roles['Azure Service Bus Data Receiver'])\n  scope: bus",
            "handler needs Azure Service Bus Data Receiver on queue incoming-orders",
        ),
        (
            "modules/storage.bicep",
            "'2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'",
            "'ba92f5b4-2d11-453d-a403-e96b0029c9fe'",
            "handler does not need Storage Blob Data Contributor on container organizations",
        ),
        (
            "modules/service-bus.bicep",
            "name: queues.images\n    handlerPrincipalId: handlerPrincipalId\n    operatorsObjectId: \
             operatorsObjectId\n    eventsPrincipalId: eventsPrincipalId",
            "name: queues.images\n    handlerPrincipalId: handlerPrincipalId\n    operatorsObjectId: operatorsObjectId",
            "events needs Azure Service Bus Data Sender on queue images",
        ),
        (
            "modules/organization.bicep",
            "issuersObjectId, uploadRole)\n  scope: imagesContainer",
            "issuersObjectId, uploadRole)\n  scope: dropsContainer",
            "issuers needs upload on container harborview-images",
        ),
        ("modules/storage.bicep", "blobs/add/action", "blobs/delete", "may create and write blobs, and nothing else"),
        ("modules/entry.bicep", "principalType: 'Group'", "principalType: 'User'", "is no identity of ours"),
        (
            "modules/function-app.bicep",
            "RETENTION_BODIES_DAYS: string(rowRetention.bodies)",
            "RETENTION_BODIES_DAYS: '7'",
            "RETENTION_BODIES_DAYS",
        ),
        // Alerts.
        ("modules/alerts.bicep", "outbox-parked", "outbox-parking", "nothing logs \"outbox-parking\""),
        ("modules/alerts.bicep", "== \"batch\"", "== \"report-template\"", "nobody is told of the alert \"batch\""),
        ("modules/alerts.bicep", ", \"unknown-delivery\"", "", "nobody is told of the alert \"unknown-delivery\""),
        (
            "modules/alerts.bicep",
            "\"organization document\"",
            "\"outbox\"",
            "nobody is told of the alert \"organization document",
        ),
        ("modules/alerts.bicep", "line.oldest_seconds", "line.oldest_minutes", "no line has the field oldest_minutes"),
        (
            "modules/alerts.bicep",
            "name: 'queue-backlog'",
            "name: 'backlog'",
            "docs/OPERATIONS.md has no section of this name",
        ),
    ];
    let mut missed = Vec::new();
    for (file, from, to, expected) in mistakes {
        let copy = Copy::new();
        copy.change(&format!("infra/azure/{file}"), from, to);
        let problems = copy.problems().await;
        if !problems.iter().any(|problem| problem.contains(expected)) {
            missed.push(format!("{file}: {to:?} does not give {expected:?}, but {problems:#?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test]
async fn mistakes_in_functions_are_found() {
    let mistakes = [
        ("functions/load_drop/function.json", "%DROPS_QUEUE%", "drop", "the queue drop is not deployed"),
        ("functions/load_drop/function.json", "%DROPS_QUEUE%", "%DROP_QUEUE%", "DROP_QUEUE"),
        ("functions/load_drop/function.json", "\"binary\"", "\"string\"", "dataType must be binary"),
        ("functions/load_drop/function.json", "\"one\"", "\"many\"", "cardinality must be one"),
        (
            "functions/load_drop/function.json",
            "\"name\": \"message\"",
            "\"name\": \"event\"",
            "the binding must be named message",
        ),
        ("functions/load_drop/function.json", "\"ServiceBus\"", "\"Bus\"", "Bus"),
        ("host.json", "00:29:00", "00:05:00", "maxAutoLockRenewalDuration must be longer"),
        (
            "host.json",
            "\"maxConcurrentCalls\": 128",
            "\"maxConcurrentCalls\": 1000",
            "maxConcurrentCalls must not exceed",
        ),
        ("host.json", "\"handler\"", "\"handle\"", "defaultExecutablePath must be handler"),
        (
            "host.json",
            "\"Host.Results\": \"Information\"",
            "\"Host.Results\": \"Warning\"",
            "requests that succeeded too",
        ),
        (
            "host.json",
            "\"Function\": \"Warning\"",
            "\"Function\": \"Information\"",
            "below which the host logs MessageIds",
        ),
        ("host.json", "Exception;Request;Trace", "Exception", "samplingSettings.excludedTypes"),
    ];
    for (file, from, to, expected) in mistakes {
        let copy = Copy::new();
        copy.change(file, from, to);
        let problems = copy.problems().await;
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{file}, {to}: {problems:#?}");
    }
}
