//! Accepting a file. It is put where a caller would put it, and from there is processed like every drop.

use crate::Shared;
use crate::failure::Error;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use iris_local_blob::store::PutOptions;
use iris_local_blob::{BlobName, ContainerName};
use serde::Deserialize;

/// The most bytes accepted. The platform's own limit is lower, and its message about larger files is worth seeing.
const MOST: u64 = 512 << 20;

/// What is dropped, and as whom.
#[derive(Deserialize)]
pub(crate) struct Dropped {
    organization: String,
    name: String,
}

/// `POST /drops?organization={slug}&name={file name}` with the file as body.
pub(crate) async fn take(
    State(console): State<Shared>,
    Query(dropped): Query<Dropped>,
    body: Body,
) -> Result<Response, Refused> {
    let organizations = &console.platform.organizations;
    let organization = organizations
        .iter()
        .find(|one| one.slug.as_str() == dropped.organization)
        .ok_or_else(|| unfit("there is no such organization"))?;
    let name = file_name(&dropped.name)?;
    let container = ContainerName::new(organization.drops_container()).map_err(|error| unfit(&error.to_string()))?;
    let mut upload = console.platform.blobs.upload();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| unfit("the file did not arrive whole; drop it again"))?;
        if upload.length() + piece.len() as u64 > MOST {
            return Err(unfit(&format!("the console takes at most {} MB; split the file", MOST >> 20)));
        }
        upload.write(piece).await.map_err(Error::from)?;
    }
    let content = upload.finish().await.map_err(Error::from)?;
    let options = PutOptions::content_type("application/octet-stream");
    console.platform.blobs.put_staged(&container, &name, content, options).await.map_err(Error::from)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// The last part of a path as some browsers send it.
pub(crate) fn file_name(path: &str) -> Result<BlobName, Refused> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if name.chars().all(|character| character == '.') {
        return Err(unfit("the file has no name; give it one"));
    }
    BlobName::new(name).map_err(|error| unfit(&format!("the file's name cannot be used: {error}")))
}

/// Why a file was not accepted, as plain text: it is shown in the page it was dropped on.
pub(crate) struct Refused(Error);

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

fn unfit(reason: &str) -> Refused {
    Refused(Error::Unfit(reason.to_owned()))
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self.0 {
            Error::Unfit(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, self.0.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_a_path() {
        for (sent, name) in [("a b.csv", "a b.csv"), ("../../x.csv", "x.csv"), ("C:\\fakepath\\y.xlsx", "y.xlsx")] {
            assert_eq!(file_name(sent).ok().map(|name| name.as_str().to_owned()).as_deref(), Some(name));
        }
        assert!(file_name("folder/").is_err());
        assert!(file_name("..").is_err());
        assert!(file_name(&"n".repeat(2_000)).is_err());
    }
}
