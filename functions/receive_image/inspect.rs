//! Reads an image's header, range by range, and translates what it says into the terms of the rules.

use super::{Error, IMAGE_BYTES};
use iris_azure::blob::{BlobAddress, BlobStore, Etag};
use iris_images::{Facts, Inspection, Unusable};
use iris_model::IssueCode;
use iris_rules::images::Claims;
use serde_json::json;

/// How much is read at a time; enough for most headers. The reader stops asking at [`iris_images::HEADER_LIMIT`].
const RANGE: u64 = 128 << 10;

/// What a file's header says.
pub(super) struct Seen {
    /// As stored; empty if it is not an image.
    pub(super) format: String,
    /// What it says about itself.
    pub(super) claims: Claims,
    /// Why it cannot be used.
    pub(super) defect: Option<(IssueCode, String)>,
    width: u32,
    height: u32,
}

impl Seen {
    /// Further details to store, as JSON.
    pub(super) fn details(&self, digest: &[u8]) -> String {
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "width": self.width, "height": self.height, "digest": digest }).to_string()
    }

    fn of(facts: Facts) -> Self {
        Self {
            format: facts.format.map(|format| format.as_str().to_owned()).unwrap_or_default(),
            width: facts.width,
            height: facts.height,
            claims: Claims {
                accession: facts.accession_number,
                patient: facts.patient_id,
                study: facts.study_instance_uid,
                device: facts.device,
                laterality: facts.laterality,
                taken: facts.taken,
            },
            defect: None,
        }
    }

    fn unusable(code: IssueCode, text: String) -> Self {
        let defect = Some((code, text));
        Self { format: String::new(), claims: Claims::default(), defect, width: 0, height: 0 }
    }
}

/// Reads as much of the file as its header takes up.
pub(super) async fn inspect(blobs: &BlobStore, source: &BlobAddress, etag: &Etag, size: u64) -> Result<Seen, Error> {
    if size > IMAGE_BYTES {
        let text = format!("The image has {} MB; at most {} MB are taken.", size.div_ceil(1 << 20), IMAGE_BYTES >> 20);
        return Ok(Seen::unusable(IssueCode::TooLarge, text));
    }
    if size == 0 {
        let text = "The file is empty. Upload the image again.";
        return Ok(Seen::unusable(IssueCode::UnreadableFile, text.to_owned()));
    }
    let mut head = Vec::new();
    let mut ranges = blobs.reader(source, Some(etag)).await?.with_range(RANGE);
    while let Some(range) = ranges.next().await? {
        head.extend_from_slice(&range);
        match iris_images::inspect(&head, size) {
            Ok(Inspection::Image(facts)) => return Ok(Seen::of(*facts)),
            Ok(Inspection::NeedsMore) => {}
            Err(unusable) => return Ok(Seen::unusable(code(unusable), unusable.to_string())),
        }
    }
    let text = "The file ends within its header. Upload the image again.";
    Ok(Seen::unusable(IssueCode::UnreadableFile, text.to_owned()))
}

fn code(unusable: Unusable) -> IssueCode {
    match unusable {
        Unusable::Format | Unusable::SopClass | Unusable::TransferSyntax => IssueCode::UnsupportedFormat,
        Unusable::Damaged(_) | Unusable::Excessive(_) => IssueCode::UnreadableFile,
    }
}
