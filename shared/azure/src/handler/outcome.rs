//! What a function answers.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use iris_telemetry::span::End;
use serde_json::json;

/// The end of an invocation, as the host is to see it. There is no third way: a permanent failure is recorded by the
/// function and is `Done`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The trigger is done with: 200 and `{}`.
    Done,
    /// The trigger is to be delivered again: 500 and a code. The host abandons the message at once, so a function backs
    /// off first.
    Retry {
        /// Why, as one of our fixed words, e.g. `database-unavailable`. Fixed, so that nothing personal can get into
        /// it.
        code: &'static str,
    },
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        match self {
            Self::Done => Json(json!({})).into_response(),
            Self::Retry { code } => failure(StatusCode::INTERNAL_SERVER_ERROR, code),
        }
    }
}

impl From<Outcome> for End {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Retry { code } => Self::Retry(code),
        }
    }
}

/// A failed invocation with only a code in its body.
pub(super) fn failure(status: StatusCode, code: &'static str) -> Response {
    (status, Json(json!({ "code": code }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn sent(outcome: Outcome) -> (StatusCode, String, String) {
        let response = outcome.into_response();
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, content_type, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn no_outcome_has_an_empty_body() {
        assert_eq!(sent(Outcome::Done).await, (StatusCode::OK, "application/json".into(), "{}".into()));
        assert_eq!(
            sent(Outcome::Retry { code: "database-unavailable" }).await,
            (StatusCode::INTERNAL_SERVER_ERROR, "application/json".into(), r#"{"code":"database-unavailable"}"#.into())
        );
    }
}
