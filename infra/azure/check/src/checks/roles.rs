//! Roles: everything the code does is allowed, and nothing else.
//!
//! The table of needs below is the only place that says what each identity does with which resource. A role assignment
//! without a need is as much a problem as a need without an assignment.

use super::{CONTAINER, QUEUE, SUBSCRIPTION, TOPIC};
use crate::bicep::{Resource, Value};
use crate::{Checked, Problem};
use anyhow::{Context, Result, bail};
use iris_local::provision;
use iris_model::names;
use std::collections::BTreeSet;

/// Azure's built-in roles, by the id that is the same everywhere; and our own.
const ROLES: [(&str, &str); 11] = [
    (RECEIVER, "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0"),
    (SENDER, "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39"),
    (READER, "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"),
    (CONTRIBUTOR, "ba92f5b4-2d11-453d-a403-e96b0029c9fe"),
    (OWNER, "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"),
    (PUBLISHER, "3913510d-42f4-4e42-8a64-420c390055eb"),
    (SECRETS_USER, "4633458b-17de-408a-b874-0445c86b69e6"),
    (SECRETS_OFFICER, "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"),
    (DELEGATOR, "db58b8e5-c6ad-4a2a-8342-4190687cbf4a"),
    // Our own role, by the name it is made from.
    (UPLOAD, " upload›"),
    ("Azure Service Bus Data Owner", "090c5cfd-751d-490a-894a-3ce6f1109419"),
];
const RECEIVER: &str = "Azure Service Bus Data Receiver";
const SENDER: &str = "Azure Service Bus Data Sender";
const READER: &str = "Storage Blob Data Reader";
const CONTRIBUTOR: &str = "Storage Blob Data Contributor";
const OWNER: &str = "Storage Blob Data Owner";
const DELEGATOR: &str = "Storage Blob Delegator";
const UPLOAD: &str = "upload";
const PUBLISHER: &str = "Monitoring Metrics Publisher";
const SECRETS_USER: &str = "Key Vault Secrets User";
const SECRETS_OFFICER: &str = "Key Vault Secrets Officer";

const ASSIGNMENT: &str = "Microsoft.Authorization/roleAssignments";
const DEFINITION: &str = "Microsoft.Authorization/roleDefinitions";
/// The group of issuers in every expansion.
const ISSUERS: &str = "‹issuers›";

/// Who may do what: identity, role, resource.
type Grant = (String, &'static str, String);

/// `issuersObjectId` of every expansion, so that the roles of issuers are checked.
pub(crate) fn sample_issuers() -> Value {
    Value::Text(ISSUERS.to_owned())
}

/// Checks the roles.
pub(crate) fn check(checked: &Checked<'_>) -> Vec<Problem> {
    let needs = needs(checked);
    let mut problems = Vec::new();
    let mut grants = BTreeSet::new();
    for assignment in checked.made(ASSIGNMENT) {
        match grant(checked, assignment) {
            Ok(grant) => {
                if !needs.contains(&grant) {
                    let (who, role, on) = &grant;
                    problems.push(Problem::new(&assignment.file, format!("{who} does not need {role} on {on}")));
                }
                grants.insert(grant);
            }
            Err(what) => problems.push(Problem::new(&assignment.file, format!("{}: {what}", assignment.symbol))),
        }
    }
    for (who, role, on) in needs.difference(&grants) {
        problems.push(Problem::new("roles", format!("{who} needs {role} on {on}")));
    }
    let blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
    let upload = [format!("{blobs}/write"), format!("{blobs}/add/action")].map(Value::Text);
    for definition in checked.made(DEFINITION) {
        let permissions = definition.body.at(&["properties", "permissions"]).map(Value::items).unwrap_or_default();
        let data = |permission: &Value| permission.get("dataActions").is_some_and(|actions| actions.items() == upload);
        let plain = |permission: &Value| permission.get("actions").is_none_or(|actions| actions.items().is_empty());
        if permissions.len() != 1 || !permissions.iter().all(|permission| data(permission) && plain(permission)) {
            let what = "a role of ours may create and write blobs, and nothing else";
            problems.push(Problem::new(&definition.file, what));
        }
    }
    problems
}

/// The needs of the code.
fn needs(checked: &Checked<'_>) -> BTreeSet<Grant> {
    let mut needs = BTreeSet::new();
    let mut need = |who: &str, role: &'static str, on: String| needs.insert((who.to_owned(), role, on));
    let queue = |name: &str| format!("queue {name}");
    let entry = |kind: &str, slug: &dyn std::fmt::Display| format!("entry {kind}-{slug}");
    let container = |name: &str| format!("container {name}");
    for name in provision::WORK {
        // The host receives what triggers a function; the handler resends what has to wait, and announces forgotten
        // blobs.
        need("handler", RECEIVER, queue(name));
        need("handler", SENDER, queue(name));
        // Operators look at dead letters, and send them back.
        need("operators", RECEIVER, queue(name));
        need("operators", SENDER, queue(name));
    }
    need("events", SENDER, queue(names::queue::DROPS));
    need("events", SENDER, queue(names::queue::IMAGES));
    need("events", CONTRIBUTOR, container("undelivered-events"));
    need("handler", READER, container("organizations"));
    need("handler", CONTRIBUTOR, container("archive"));
    need("operators", CONTRIBUTOR, container("organizations"));
    for document in &checked.organizations {
        let organization = &document.organization;
        // Read, list and delete files and images; write receipts; publish the outbox.
        need("handler", CONTRIBUTOR, container(&organization.drops_container()));
        need("handler", CONTRIBUTOR, container(&organization.images_container()));
        need("handler", CONTRIBUTOR, container(&organization.results_container()));
        // A signature can do whatever its signer can.
        need("issuers", UPLOAD, container(&organization.drops_container()));
        need("issuers", UPLOAD, container(&organization.images_container()));
        need("issuers", READER, container(&organization.results_container()));
        let results = organization.slug.results_queue();
        for name in organization.events_queue().into_iter().chain([results]) {
            need("handler", SENDER, queue(&name));
            need("operators", RECEIVER, queue(&name));
            need("operators", SENDER, queue(&name));
        }
        // Messages for hospitals are never sent back from the dead letters, because a charge must not be sent twice.
        let out = organization.slug.hl7_out_queue();
        need("handler", SENDER, queue(&out));
        need("operators", RECEIVER, queue(&out));
        // Operators resubmit rejected messages, and deal with messages that could not be forwarded.
        for kind in ["orders", "gradings", "hl7"] {
            need("operators", SENDER, entry(kind, &organization.slug));
            need("operators", RECEIVER, format!("subscription of {}", entry(kind, &organization.slug)));
        }
    }
    // The host's leases and keys, and the package.
    need("handler", OWNER, "the runtime's account".to_owned());
    need("issuers", DELEGATOR, "callers' account".to_owned());
    need("handler", PUBLISHER, "Application Insights".to_owned());
    need("handler", SECRETS_USER, "secret destination-password".to_owned());
    need("operators", SECRETS_OFFICER, "the key vault".to_owned());
    needs
}

fn grant(checked: &Checked<'_>, assignment: &Resource) -> Result<Grant> {
    let property = |name| assignment.body.at(&["properties", name]).and_then(Value::text).unwrap_or_default();
    let definition = property("roleDefinitionId");
    let (role, _) = ROLES
        .iter()
        .find(|(_, id)| definition.contains(id))
        .with_context(|| format!("{definition} is not a role this check knows"))?;
    let principal = property("principalId");
    let who = if principal.ends_with("-handler.properties.principalId›") {
        "handler"
    } else if principal.ends_with("-events.properties.principalId›") {
        "events"
    } else if principal == ISSUERS && property("principalType") == "Group" {
        "issuers"
    } else if property("principalType") == "Group" {
        "operators"
    } else {
        bail!("{principal} is no identity of ours");
    };
    let scope = assignment.scope.context("a role must be given on a resource, not on the whole group")?;
    let on = checked.deployment.resources.get(scope).context("its scope is not deployed")?;
    if !assignment.name.contains(principal) {
        bail!("its name must be made from who gets it, or a change of identity leaves it stuck");
    }
    Ok((who.to_owned(), role, described(on)))
}

fn described(on: &Resource) -> String {
    match on.kind.as_str() {
        QUEUE => format!("queue {}", on.name),
        TOPIC => format!("entry {}", on.name),
        SUBSCRIPTION => {
            let topic = on.path.rsplit('/').nth(1).unwrap_or_default();
            format!("subscription of entry {topic}")
        }
        CONTAINER => format!("container {}", on.name),
        "Microsoft.KeyVault/vaults" => "the key vault".to_owned(),
        "Microsoft.KeyVault/vaults/secrets" => format!("secret {}", on.name),
        "Microsoft.Insights/components" => "Application Insights".to_owned(),
        "Microsoft.Storage/storageAccounts" if on.file.ends_with("runtime-storage.bicep") => {
            "the runtime's account".to_owned()
        }
        "Microsoft.Storage/storageAccounts" => "callers' account".to_owned(),
        other => format!("{other} {}", on.path),
    }
}
