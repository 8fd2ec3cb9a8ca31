//! Operations on containers and on the service itself.

use http::StatusCode;

use super::answer::Answer;
use super::body::RequestBody;
use super::call::Call;
use super::failure::{Failure, Outcome};
use super::xml;
use crate::store::{Container, Error, StoredPolicy};

/// Most bytes of a policy document.
const POLICY_DOCUMENT: usize = 64 * 1024;
/// Most stored access policies of a container.
const POLICIES: usize = 5;

/// A lease problem is named after what is leased.
pub(super) fn of_container(error: Error) -> Failure {
    let mut failure = Failure::from(error);
    failure.code = match failure.code {
        "LeaseIdMismatchWithBlobOperation" => "LeaseIdMismatchWithContainerOperation",
        "LeaseNotPresentWithBlobOperation" => "LeaseNotPresentWithContainerOperation",
        code => code,
    };
    failure
}

pub(super) async fn create(call: &Call) -> Outcome<Answer> {
    let container = call.store.create_container(call.container()?, call.metadata()?).await?;
    Ok(Answer::new(StatusCode::CREATED).version(container.etag, container.modified))
}

fn described(answer: Answer, container: &Container) -> Answer {
    let (now, lease) = (jiff::Timestamp::now(), container.lease());
    let state = lease.state(now);
    answer
        .version(container.etag, container.modified)
        .metadata(container.metadata())
        .header("x-ms-lease-status", if state.locked() { "locked" } else { "unlocked" })
        .header("x-ms-lease-state", state.as_str())
        .optional("x-ms-lease-duration", lease.duration(now))
        .header("x-ms-has-immutability-policy", "false")
        .header("x-ms-has-legal-hold", "false")
        .header("x-ms-default-encryption-scope", "$account-encryption-key")
        .header("x-ms-deny-encryption-scope-override", "false")
}

pub(super) async fn properties(call: &Call) -> Outcome<Answer> {
    let container = call.store.container(call.container()?, &call.conditions()?).await.map_err(of_container)?;
    Ok(described(Answer::new(StatusCode::OK), &container))
}

pub(super) async fn set_metadata(call: &Call) -> Outcome<Answer> {
    let conditions = call.conditions()?;
    let changed = call.store.set_container_metadata(call.container()?, call.metadata()?, &conditions).await;
    let container = changed.map_err(of_container)?;
    Ok(Answer::new(StatusCode::OK).version(container.etag, container.modified))
}

pub(super) async fn delete(call: &Call) -> Outcome<Answer> {
    call.store.delete_container(call.container()?, &call.conditions()?).await.map_err(of_container)?;
    Ok(Answer::new(StatusCode::ACCEPTED))
}

pub(super) async fn policies(call: &Call) -> Outcome<Answer> {
    let container = call.store.container(call.container()?, &call.conditions()?).await.map_err(of_container)?;
    let mut document = xml::Writer::new();
    document.open("SignedIdentifiers", "");
    for policy in container.policies() {
        document.open("SignedIdentifier", "").leaf("Id", &policy.id).open("AccessPolicy", "");
        document.optional("Start", policy.start.as_ref()).optional("Expiry", policy.expiry.as_ref());
        document.optional("Permission", policy.permissions.as_ref()).close("AccessPolicy").close("SignedIdentifier");
    }
    document.close("SignedIdentifiers");
    Ok(Answer::new(StatusCode::OK).version(container.etag, container.modified).xml(document.finish()))
}

pub(super) async fn set_policies(call: &Call, body: &mut RequestBody) -> Outcome<Answer> {
    let document = body.collect(POLICY_DOCUMENT).await?;
    let policies = if document.is_empty() { Vec::new() } else { parse_policies(&document)? };
    let conditions = call.conditions()?;
    let changed = call.store.set_container_policies(call.container()?, policies, &conditions).await;
    let container = changed.map_err(of_container)?;
    Ok(Answer::new(StatusCode::OK).version(container.etag, container.modified))
}

fn parse_policies(document: &[u8]) -> Outcome<Vec<StoredPolicy>> {
    let mut policies: Vec<StoredPolicy> = Vec::new();
    for leaf in xml::leaves(document)? {
        let text = Some(leaf.text).filter(|text| !text.is_empty());
        match (leaf.name.as_str(), policies.last_mut()) {
            ("Id", _) => policies.push(StoredPolicy { id: text.unwrap_or_default(), ..StoredPolicy::default() }),
            ("Start", Some(policy)) => policy.start = text,
            ("Expiry", Some(policy)) => policy.expiry = text,
            ("Permission", Some(policy)) => policy.permissions = text,
            _ => {}
        }
    }
    if policies.len() > POLICIES || policies.iter().any(|policy| policy.id.is_empty() || policy.id.len() > 64) {
        return Err(Failure::bad_request(
            "InvalidXmlNodeValue",
            "A container has up to five policies with ids of up to 64 characters.",
        ));
    }
    Ok(policies)
}

pub(super) fn account_information() -> Answer {
    Answer::new(StatusCode::OK)
        .header("x-ms-sku-name", "Standard_LRS")
        .header("x-ms-account-kind", "StorageV2")
        .header("x-ms-is-hns-enabled", "false")
}

/// The properties of an account that was never configured.
pub(super) fn service_properties(call: &Call) -> Answer {
    let mut document = xml::Writer::new();
    document.open("StorageServiceProperties", "").open("Logging", "").leaf("Version", "1.0");
    document.leaf("Delete", "false").leaf("Read", "false").leaf("Write", "false");
    document.open("RetentionPolicy", "").leaf("Enabled", "false").close("RetentionPolicy").close("Logging");
    for metrics in ["HourMetrics", "MinuteMetrics"] {
        document.open(metrics, "").leaf("Version", "1.0").leaf("Enabled", "false");
        document.open("RetentionPolicy", "").leaf("Enabled", "false").close("RetentionPolicy").close(metrics);
    }
    document.leaf("Cors", "").leaf("DefaultServiceVersion", &call.ids.version);
    document.open("DeleteRetentionPolicy", "").leaf("Enabled", "false").close("DeleteRetentionPolicy");
    document
        .open("StaticWebsite", "")
        .leaf("Enabled", "false")
        .close("StaticWebsite")
        .close("StorageServiceProperties");
    Answer::new(StatusCode::OK).xml(document.finish())
}
