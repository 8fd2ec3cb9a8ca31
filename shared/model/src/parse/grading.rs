//! Reading a GradingSubmission leniently (iris-facts §6.1): same rules as for requests.

use super::object::{Findings, Object, section};
use super::path::Path;
use super::{person, place};
use crate::grading::{EyeSubmission, FindingEntry, GradingSubmission, Note, ParsedGrading};
use crate::{Issue, json};

impl GradingSubmission {
    /// Reads a message.
    ///
    /// # Errors
    /// The one issue that keeps it from being read at all: `bad-json`, `bad-encoding`, `empty`, `too-deep`,
    /// `too-large`.
    pub fn parse(bytes: &[u8]) -> Result<ParsedGrading, Issue> {
        let node = json::parse(bytes)?;
        let mut findings = Findings::default();
        let grading = section(&node, Path::Root, &mut findings, root).unwrap_or_default();
        Ok(ParsedGrading { grading, issues: findings.into_issues() })
    }
}

fn root(object: &mut Object<'_, '_>) -> GradingSubmission {
    object.ignore("$schema");
    GradingSubmission {
        version: object.text(&["Version"]),
        client_guid: object.guid("ClientGuid"),
        site: object.child(&["Site"], place::site),
        local_id: object.text(&["LocalId", "OrderLocalId"]),
        result_code: object.code("ResultCode"),
        graded_time: object.instant(&["GradedTime", "Graded"]),
        provider: object.child(&["Provider"], person::provider),
        notes: object.children("Notes", note),
        od: object.child(&["OD"], eye),
        os: object.child(&["OS"], eye),
    }
}

fn eye(object: &mut Object<'_, '_>) -> EyeSubmission {
    EyeSubmission {
        gradable: object.boolean("Gradable"),
        findings: object.children("Findings", finding),
        ungradable_reasons: object.texts("UngradableReasons"),
        missing_eye_reason: object.text(&["MissingEyeReason"]),
    }
}

fn finding(object: &mut Object<'_, '_>) -> FindingEntry {
    FindingEntry { finding: object.text(&["Finding"]), result: object.text(&["Result"]) }
}

fn note(object: &mut Object<'_, '_>) -> Note {
    Note { date: object.instant(&["Date"]), text: object.text(&["Text"]) }
}
