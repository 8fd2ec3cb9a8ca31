//! Finds problems in an organization's document: in the addresses of its destinations, and in its report templates.
//!
//! A delivery skips an unusable template ([`Templates::resolve`](crate::Templates::resolve)), so whoever edits the
//! document has to be told beforehand. An unusable destination makes the whole document unusable, since it could name
//! somebody else's credential.

use crate::channel;
use iris_model::organization::{Error, Organization, Problem, ReportSettings};
use iris_report::template::Template;

/// Reads an organization's document; each channel checks the destinations of its kind.
///
/// # Errors
/// [`Error`] names every place that has to be corrected.
pub fn organization(document: &[u8]) -> Result<Organization, Error> {
    Organization::parse_with(document, |destination, organization| {
        channel(&destination.to).check(destination, organization)
    })
}

/// Checks that the setting with a destination's connection is one of the organization's own.
pub(crate) fn connection(place: &'static str, setting: Option<&str>, organization: &Organization) -> Option<Problem> {
    let problem = setting.filter(|setting| !organization.owns_connection(setting)).map(|_| {
        let prefix = organization.connection_prefix();
        format!("names no setting of this organization's: it begins with {prefix} and goes on in capitals")
    });
    problem.map(|problem| Problem { place, problem })
}

/// One sentence per problem, with its place in the document, and its line and column in the template.
#[must_use]
pub fn template_problems(organization: &Organization) -> Vec<String> {
    let of_sites = organization.sites.iter().enumerate();
    let of_sites = of_sites.map(|(index, site)| (format!("sites[{index}].reports"), &site.reports));
    let all = std::iter::once(("reports".to_owned(), &organization.reports)).chain(of_sites);
    all.flat_map(|(place, reports)| of_reports(&place, reports)).collect()
}

fn of_reports(place: &str, reports: &ReportSettings) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, own) in reports.templates.iter().enumerate() {
        for error in Template::parse(&own.html).err().unwrap_or_default() {
            let (line, column) = (error.line, error.column);
            problems.push(format!("{place}.templates[{index}].html line {line}, column {column}: {}", error.problem));
        }
    }
    problems
}
