//! What becomes of a hospital's message, without sending it.

use crate::cli::CommonArgs;
use crate::organizations;
use crate::serve::say;
use anyhow::{Context, Result};
use iris_functions::receive_hl7::preview;
use iris_hl7::batch;
use iris_hl7::message::Limits;
use iris_intake::hl7::Reader;
use iris_model::Slug;
use jiff::Timestamp;
use std::path::Path;

pub(super) fn run(file: &Path, slug: &Slug, common: &CommonArgs) -> Result<()> {
    let documents = organizations::read(common.organizations.as_deref())?;
    let known = documents.into_iter().map(|document| document.organization).find(|known| known.slug == *slug);
    let organization = known.with_context(|| format!("there is no organization {slug}"))?;
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    for (_, message) in batch::messages(&bytes, &Limits::default()) {
        let Ok(message) = message else {
            say("something that is no message");
            continue;
        };
        for request in preview(&message, &organization, Timestamp::now()) {
            match request {
                Ok(submission) => {
                    say(&serde_json::to_string_pretty(&submission.request)?);
                    for issue in &submission.warnings {
                        say(&format!("  warning {} {}: {}", issue.code.as_str(), issue.path, issue.message));
                    }
                }
                Err(refusal) => {
                    for issue in &refusal.issues {
                        say(&format!("  refused {} {}: {}", issue.code.as_str(), issue.path, issue.message));
                    }
                }
            }
        }
        let interface =
            organization.interface(None).unwrap_or_else(iris_model::organization::InterfaceDocument::published);
        if let Ok(reader) = Reader::new(&interface.inbound, &organization.evaluation_types) {
            let unread = reader.unread(&message);
            if !unread.is_empty() {
                say(&format!("  nobody reads {}", unread.join(", ")));
            }
        }
    }
    Ok(())
}
