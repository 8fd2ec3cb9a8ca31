//! What is wrong with report templates, told when a document is saved.
//!
//! A delivery passes over a template that is not usable ([`Templates::resolve`](crate::Templates::resolve)): whoever edits the document must
//! hear of it before. The rest of a document is checked by [`Organization::parse`], which knows no templates.

use iris_model::organization::{Organization, ReportSettings};
use iris_report::template::Template;

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
