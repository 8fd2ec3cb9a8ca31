//! blobTrigger (functions-host-contract §1.7): the whole content as base64.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use super::value::{push_base64, quoted, twice_quoted, whole_seconds};
use super::{Context, Error, Metadata, envelope};
use crate::config::BlobTrigger;

/// A blob as a trigger value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its content.
    pub content: Bytes,
    /// Its address.
    pub uri: String,
    /// Its container.
    pub container: String,
    /// Its name inside the container.
    pub name: String,
    /// Its content type.
    pub content_type: String,
    /// When it was last written.
    pub modified_at: Timestamp,
    /// Its user metadata.
    pub metadata: BTreeMap<String, String>,
}

/// The request body for one blob.
///
/// # Errors
/// When the blob does not match the trigger's path.
pub fn blob(context: &Context<'_>, trigger: &BlobTrigger, blob: &Blob) -> Result<String, Error> {
    let path = format!("{}/{}", blob.container, blob.name);
    let parameters = match_path(&trigger.path, &path).ok_or_else(|| Error::PathMismatch(trigger.path.clone()))?;
    let mut metadata = Metadata::with_capacity(8);
    metadata.text("Uri", &blob.uri);
    metadata.json(
        "Properties",
        format!(
            "{{\"LastModified\":\"{}+00:00\",\"ContentLength\":{},\"ContentType\":{},\"ETag\":{{}},\"BlobType\":0}}",
            whole_seconds(blob.modified_at),
            blob.content.len(),
            quoted(&blob.content_type)
        ),
    );
    // A map with text keys always has a JSON form.
    metadata.json("Metadata", serde_json::to_string(&blob.metadata).unwrap_or_default());
    for (name, value) in parameters {
        metadata.set(name, twice_quoted(value));
    }
    let mut data = String::with_capacity(blob.content.len() / 3 * 4 + 8);
    push_base64(&mut data, &blob.content);
    Ok(envelope(context, &data, metadata))
}

/// Matches `inbox/{site}/{name}`: a parameter ends at the next literal, the last one takes the rest.
fn match_path<'a>(pattern: &'a str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let (mut pattern, mut path, mut found) = (pattern, path, Vec::new());
    while let Some((literal, after)) = pattern.split_once('{') {
        let (name, tail) = after.split_once('}')?;
        path = path.strip_prefix(literal)?;
        let next_literal = tail.split('{').next().unwrap_or(tail);
        let end = match next_literal {
            "" => path.len(),
            // The last literal must end the path.
            literal if literal.len() == tail.len() => path.len().checked_sub(literal.len())?,
            literal => path.find(literal)?,
        };
        found.push((name, path.get(..end).filter(|value| !value.is_empty())?));
        path = &path[end..];
        pattern = tail;
    }
    (path == pattern || (pattern.is_empty() && path.is_empty())).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_bind_their_parameters() {
        for (pattern, path, expected) in [
            ("in/{name}", "in/a/b.csv", Some(vec![("name", "a/b.csv")])),
            ("in/{site}/{name}", "in/s7/a/b.csv", Some(vec![("site", "s7"), ("name", "a/b.csv")])),
            ("in/{name}.csv", "in/a.b.csv", Some(vec![("name", "a.b")])),
            ("in/fixed", "in/fixed", Some(vec![])),
            ("in/{name}.csv", "in/a.txt", None),
            ("in/{name}", "out/a", None),
            ("in/{name}", "in/", None),
            ("in/{broken", "in/a", None),
        ] {
            assert_eq!(match_path(pattern, path), expected, "{pattern} {path}");
        }
    }
}
