//! What is wrong with an organization's document: with where its destinations are, and with its report templates.
//!
//! A delivery passes over a template that is not usable ([`Templates::resolve`](crate::Templates::resolve)): whoever
//! edits the document must hear of it before. A destination that is not usable makes the document unusable: it could
//! name somebody else's credential.

use crate::channel;
use iris_model::organization::{Error, Organization, Problem, ReportSettings};
use iris_report::template::Template;

/// Reads an organization's document, with everything that its channels say about its destinations.
///
/// # Errors
/// [`Error`] names every place that has to be corrected.
pub fn organization(document: &[u8]) -> Result<Organization, Error> {
    Organization::parse_with(document, |destination, organization| {
        channel(&destination.to).check(destination, organization)
    })
}

/// What is wrong with the setting that a destination's connection is in: it is the organization's own.
pub(crate) fn connection(place: &'static str, setting: Option<&str>, organization: &Organization) -> Option<Problem> {
    let problem = setting.filter(|setting| !organization.owns_connection(setting)).map(|_| {
        let prefix = organization.connection_prefix();
        format!("names no setting of this organization's: it begins with {prefix} and goes on in capitals")
    });
    problem.map(|problem| Problem { place, problem })
}

/// One sentence per problem, each with its place in the document, and line and column in the template.
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
