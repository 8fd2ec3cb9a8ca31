//! The five lease actions, on blobs and containers.

use http::StatusCode;
use uuid::Uuid;

use super::answer::Answer;
use super::call::Call;
use super::containers::of_container;
use super::failure::{Failure, Outcome};
use crate::store::lease::{Action, Outcome as LeaseOutcome};

fn required(call: &Call, name: &'static str) -> Outcome<String> {
    call.lease_id(name)?.ok_or_else(|| Failure::missing_header(name))
}

fn action(call: &Call) -> Outcome<Action> {
    const DURATION: &str = "x-ms-lease-duration";
    const BREAK: &str = "x-ms-lease-break-period";
    match call.header("x-ms-lease-action").map(|action| action.to_ascii_lowercase()).as_deref() {
        Some("acquire") => {
            let seconds = match call.header(DURATION).as_deref().map(str::trim) {
                None => return Err(Failure::missing_header(DURATION)),
                Some("-1") => None,
                Some(text) => {
                    let seconds = text.parse().ok().filter(|seconds| (15..=60).contains(seconds));
                    Some(seconds.ok_or_else(|| Failure::header(DURATION))?)
                }
            };
            let id = call.lease_id("x-ms-proposed-lease-id")?.unwrap_or_else(|| Uuid::new_v4().to_string());
            Ok(Action::Acquire { id, seconds })
        }
        Some("renew") => Ok(Action::Renew { id: required(call, "x-ms-lease-id")? }),
        Some("change") => Ok(Action::Change {
            id: required(call, "x-ms-lease-id")?,
            proposed: required(call, "x-ms-proposed-lease-id")?,
        }),
        Some("release") => Ok(Action::Release { id: required(call, "x-ms-lease-id")? }),
        Some("break") => {
            let seconds = call.header(BREAK).map(|text| {
                let seconds = text.trim().parse().ok().filter(|seconds| *seconds <= 60_u32);
                seconds.ok_or_else(|| Failure::header(BREAK))
            });
            Ok(Action::Break { seconds: seconds.transpose()? })
        }
        Some(_) => Err(Failure::header("x-ms-lease-action")),
        None => Err(Failure::missing_header("x-ms-lease-action")),
    }
}

fn answer(action: &Action, outcome: &LeaseOutcome) -> Answer {
    let status = match action {
        Action::Acquire { .. } => StatusCode::CREATED,
        Action::Break { .. } => StatusCode::ACCEPTED,
        Action::Renew { .. } | Action::Change { .. } | Action::Release { .. } => StatusCode::OK,
    };
    Answer::new(status)
        .optional("x-ms-lease-id", outcome.id.as_deref())
        .optional("x-ms-lease-time", outcome.remaining.map(|seconds| seconds.to_string()))
}

pub(super) async fn blob(call: &Call) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let action = action(call)?;
    let (blob, outcome) = call.store.lease(container, name, action.clone(), &call.conditions()?).await?;
    Ok(answer(&action, &outcome).version(blob.etag, blob.modified))
}

pub(super) async fn container(call: &Call) -> Outcome<Answer> {
    let action = action(call)?;
    let leased = call.store.lease_container(call.container()?, action.clone(), &call.conditions()?).await;
    let (container, outcome) = leased.map_err(of_container)?;
    Ok(answer(&action, &outcome).version(container.etag, container.modified))
}
