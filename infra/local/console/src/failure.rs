//! What a person sees when a page cannot be shown. Causes go to the log, without personal data.

use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, html};

/// Why a page or an action failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address names something that is not there.
    #[error("there is no {0}")]
    Missing(&'static str),
    /// The request cannot be understood; the text says what to do.
    #[error("{0}")]
    Unfit(String),
    /// The database failed.
    #[error("the database cannot be read")]
    Orders(#[from] iris_store::Error),
    /// The blob store failed.
    #[error("the blob store failed")]
    Blobs(#[from] iris_local_blob::store::Error),
    /// A stored document cannot be read.
    #[error("a stored document cannot be read")]
    Document(#[from] serde_json::Error),
    /// A temporary file failed.
    #[error("a temporary file cannot be written or read")]
    Temporary(#[source] std::io::Error),
    /// A file could not be tried.
    #[error("the file could not be tried")]
    Trial(#[from] iris_drops::trial::Error),
    /// The broker refused.
    #[error("{0}")]
    Broker(#[from] iris_local_servicebus::broker::Error),
}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::Missing(_) | Self::Broker(iris_local_servicebus::broker::Error::NotFound(_)) => StatusCode::NOT_FOUND,
            Self::Unfit(_) => StatusCode::BAD_REQUEST,
            Self::Orders(_)
            | Self::Blobs(_)
            | Self::Document(_)
            | Self::Temporary(_)
            | Self::Trial(_)
            | Self::Broker(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(error = %self, cause = std::error::Error::source(&self), "the console could not answer");
        }
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    title { "IRIS local host" }
                    link rel="icon" href=(crate::assets::ICON) type="image/svg+xml";
                    link rel="stylesheet" href=(crate::assets::STYLE);
                }
                body class="failure" {
                    main {
                        h1 { (status.canonical_reason().unwrap_or("Failed")) }
                        p #reason { (sentence(&self.to_string())) }
                        p { a href="/" { "Back to the drops" } }
                    }
                }
            }
        };
        (status, page).into_response()
    }
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", characters.as_str())
}

/// For unknown addresses.
pub(crate) async fn nothing_here(_: Uri) -> Error {
    Error::Missing("page at this address")
}
