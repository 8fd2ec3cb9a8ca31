//! Whether a grading may be handed to the rules: version, sender, order, result code (iris-facts §6.1, R-01).

use super::{Action, Submission};
use crate::grading::ParsedGrading;
use crate::issue::quoted;
use crate::request::{VERSION, is_supported_version};
use crate::{Issue, IssueCode, LocalId, OrderRequest, Organization, ResultCode, value};

/// The most notes of one grading.
const NOTES_LIMIT: usize = 50;

/// Turns a grading into a submission, or into all the issues found. Whether it fits its order is decided later.
///
/// # Errors
/// All issues, warnings included.
pub fn validate_grading(parsed: ParsedGrading, organization: &Organization) -> Result<Submission, Vec<Issue>> {
    let ParsedGrading { mut grading, mut issues } = parsed;
    match &grading.version {
        None => issues.push(missing("Version", "Every message states its version. Send \"2.3.1\".")),
        Some(version) if is_supported_version(version) => grading.version = Some(VERSION.to_owned()),
        Some(version) => {
            let message = format!("{} is not a supported version. Send \"2.3.1\".", quoted(version));
            issues.push(Issue::error(IssueCode::UnsupportedVersion, "Version", message));
        }
    }
    let unreadable = |path: &str, issues: &[Issue]| issues.iter().any(|issue| issue.is_error() && issue.path == path);
    match grading.client_guid {
        Some(sent) if sent == organization.client_guid => {}
        Some(_) => issues.push(Issue::error(
            IssueCode::WrongOrganization,
            "ClientGuid",
            "This ClientGuid does not belong to the queue it came through. Use the one of the organization whose \
             order it is.",
        )),
        None if unreadable("ClientGuid", &issues) => {}
        None => issues
            .push(missing("ClientGuid", "A grading carries the ClientGuid of the organization whose order it is.")),
    }
    let order = grading.local_id.as_deref().and_then(LocalId::new);
    match &grading.local_id {
        None => issues.push(missing("LocalId", "A grading carries the LocalId of its order.")),
        Some(_) if order.is_none() => {
            let message = "An order's LocalId has at most 64 printable characters.";
            issues.push(Issue::error(IssueCode::TooLong, "LocalId", message));
        }
        Some(_) => {}
    }
    if let Some(code @ (ResultCode::Preliminary | ResultCode::Resend)) = grading.result_code {
        let message = format!("A grading cannot be {code}. Use F (final), C (correction) or A (addendum).");
        issues.push(Issue::error(IssueCode::UnknownCode, "ResultCode", message));
    }
    if let Some(npi) = grading.provider.as_ref().and_then(|provider| provider.npi.as_deref())
        && let Err(error) = value::npi(npi)
    {
        issues.push(error.at("Provider.NPI"));
    }
    let texts = grading.notes.iter().filter_map(|note| note.text.as_deref());
    if grading.notes.len() > NOTES_LIMIT || texts.into_iter().any(|text| text.chars().count() > super::FREE_TEXT_LIMIT)
    {
        let message = format!("At most {NOTES_LIMIT} notes of {} characters are taken.", super::FREE_TEXT_LIMIT);
        issues.push(Issue::error(IssueCode::TooLong, "Notes", message));
    }
    match order.filter(|_| !issues.iter().any(Issue::is_error)) {
        Some(order) => Ok(Submission {
            action: Action::Grade { order, grading: Box::new(grading) },
            request: OrderRequest::default(),
            warnings: issues,
        }),
        None => Err(issues),
    }
}

fn missing(path: &'static str, message: &'static str) -> Issue {
    Issue::error(IssueCode::Missing, path, message)
}
