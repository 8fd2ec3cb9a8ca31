//! `BlobCreated` events as Event Grid puts them on a queue: one JSON object per message, in either of its two schemas.
//!
//! Shapes and member order follow functions-host-contract §6.4. What a real subscription has and this machine does not
//! is filled in recognizably: the subscription id is all zeros, the resource group is `local`.

use serde::Serialize;
use uuid::Uuid;

use crate::store::BlobCreated;

/// The type of the event in both schemas.
pub const EVENT_TYPE: &str = "Microsoft.Storage.BlobCreated";
/// Content type of a message in the Event Grid schema.
pub const EVENT_GRID_CONTENT_TYPE: &str = "application/json";
/// Content type of a message in the CloudEvents schema.
pub const CLOUD_EVENTS_CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// The resource id of an account on this machine: `topic` in one schema, `source` in the other.
#[must_use]
pub fn topic(account: &str) -> String {
    format!("/subscriptions/{}/resourceGroups/local/providers/Microsoft.Storage/storageAccounts/{account}", Uuid::nil())
}

/// The subject of an event: the raw name, case kept, not percent-encoded.
#[must_use]
pub fn subject(event: &BlobCreated) -> String {
    format!("/blobServices/default/containers/{}/blobs/{}", event.container, event.name)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    api: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_request_id: Option<&'a str>,
    request_id: String,
    e_tag: String,
    content_type: &'a str,
    content_length: u64,
    blob_type: &'a str,
    url: &'a str,
    sequencer: &'a str,
    storage_diagnostics: Diagnostics,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Diagnostics {
    batch_id: String,
}

fn data<'a>(event: &'a BlobCreated, url: &'a str) -> Data<'a> {
    Data {
        api: event.api.as_str(),
        client_request_id: event.client_request_id.as_deref(),
        request_id: event.request_id.to_string(),
        e_tag: event.etag.to_string(),
        content_type: event.content_type.as_deref().unwrap_or("application/octet-stream"),
        content_length: event.content_length,
        blob_type: "BlockBlob",
        url,
        sequencer: &event.sequencer,
        storage_diagnostics: Diagnostics { batch_id: event.id.to_string() },
    }
}

fn time(event: &BlobCreated) -> String {
    // 100 ns, as Event Grid writes it; further digits are cut off.
    event.time.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventGridEvent<'a> {
    topic: String,
    subject: String,
    event_type: &'a str,
    event_time: String,
    id: String,
    data: Data<'a>,
    data_version: &'a str,
    metadata_version: &'a str,
}

/// The event in the Event Grid schema; `url` is the blob's address (see
/// [`Endpoint::blob_url`](crate::auth::Endpoint::blob_url)).
///
/// # Errors
/// None for an event of this crate, because all of it is text and numbers.
pub fn event_grid(event: &BlobCreated, account: &str, url: &str) -> Result<String, serde_json::Error> {
    serde_json::to_string(&EventGridEvent {
        topic: topic(account),
        subject: subject(event),
        event_type: EVENT_TYPE,
        event_time: time(event),
        id: event.id.to_string(),
        data: data(event, url),
        data_version: "",
        metadata_version: "1",
    })
}

#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'a str,
    id: String,
    source: String,
    r#type: &'a str,
    subject: String,
    time: String,
    data: Data<'a>,
}

/// The event in the CloudEvents 1.0 schema; `url` as in [`event_grid`].
///
/// # Errors
/// None for an event of this crate, because all of it is text and numbers.
pub fn cloud_event(event: &BlobCreated, account: &str, url: &str) -> Result<String, serde_json::Error> {
    serde_json::to_string(&CloudEvent {
        specversion: "1.0",
        id: event.id.to_string(),
        source: topic(account),
        r#type: EVENT_TYPE,
        subject: subject(event),
        time: time(event),
        data: data(event, url),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etag::Etag;
    use crate::names::{BlobName, ContainerName};
    use crate::store::Api;

    fn event() -> BlobCreated {
        BlobCreated {
            id: "831e1650-001e-001b-66ab-eeb76e069631".parse().unwrap(),
            container: ContainerName::new("inbox").unwrap(),
            name: BlobName::new("site7/batch 1.xlsx").unwrap(),
            etag: Etag(0x8DE2_7FAC_DC0C_3402),
            content_length: 18231,
            content_type: None,
            api: Api::PutBlob,
            client_request_id: Some("6d79dbfb-0e37-4fc4-981f-442c9ca65760".to_owned()),
            request_id: "831e1650-001e-001b-66ab-eeb76e000000".parse().unwrap(),
            sequencer: "00000000000004420000000000028963".to_owned(),
            time: "2026-11-20T09:15:02.5314827Z".parse().unwrap(),
        }
    }

    const URL: &str = "http://127.0.0.1:10000/acct/inbox/site7/batch%201.xlsx";
    const DATA: &str = r#""data":{"api":"PutBlob","clientRequestId":"6d79dbfb-0e37-4fc4-981f-442c9ca65760","requestId":"831e1650-001e-001b-66ab-eeb76e000000","eTag":"0x8DE27FACDC0C3402","contentType":"application/octet-stream","contentLength":18231,"blobType":"BlockBlob","url":"http://127.0.0.1:10000/acct/inbox/site7/batch%201.xlsx","sequencer":"00000000000004420000000000028963","storageDiagnostics":{"batchId":"831e1650-001e-001b-66ab-eeb76e069631"}}"#;
    const TOPIC: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.Storage/storageAccounts/acct";
    const SUBJECT: &str = "/blobServices/default/containers/inbox/blobs/site7/batch 1.xlsx";

    #[test]
    fn the_event_grid_schema() {
        let expected = format!(
            r#"{{"topic":"{TOPIC}","subject":"{SUBJECT}","eventType":"Microsoft.Storage.BlobCreated","eventTime":"2026-11-20T09:15:02.5314827Z","id":"831e1650-001e-001b-66ab-eeb76e069631",{DATA},"dataVersion":"","metadataVersion":"1"}}"#
        );
        assert_eq!(event_grid(&event(), "acct", URL).unwrap(), expected);
    }

    #[test]
    fn the_cloud_events_schema() {
        let expected = format!(
            r#"{{"specversion":"1.0","id":"831e1650-001e-001b-66ab-eeb76e069631","source":"{TOPIC}","type":"Microsoft.Storage.BlobCreated","subject":"{SUBJECT}","time":"2026-11-20T09:15:02.5314827Z",{DATA}}}"#
        );
        assert_eq!(cloud_event(&event(), "acct", URL).unwrap(), expected);
    }
}
