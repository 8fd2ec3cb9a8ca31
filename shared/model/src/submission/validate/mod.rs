//! From a request to a submission, or to all the issues found.
//!
//! In this order: check every text and remove placeholders (`NULL`, `n/a`), fold into canonical form, fill in what a
//! drop's container already says, check the message (version, sender, operation), check every other value, then find
//! out what is asked and whether everything it needs is there. Issues of all steps are collected. A place that already
//! has an error is not reported as missing as well.
//!
//! Cancelling and resending need nothing but the order's id (iris-facts R-11): anything else sent with them is dropped,
//! and errors about it become warnings, so that an order can always be cancelled with the very message that created it.

mod canonical;
mod image;
mod message;
mod operation;
mod people;
mod place;
mod plausible;
mod text;

pub use image::validate_image;
pub(crate) use text::{EMAIL_LIMIT, FILE_NAME_LIMIT, FREE_TEXT_LIMIT, NAME_LIMIT};

use super::{Context, Submission};
use crate::{Issue, IssueCode, OrderControlCode, OrderRequest, Severity};
use std::borrow::Cow;

/// Validates a request. `issues` are those already found while it was read; they count.
///
/// # Errors
/// All issues, warnings included, when at least one of them is an error.
pub fn validate(request: OrderRequest, issues: Vec<Issue>, context: &Context<'_>) -> Result<Submission, Vec<Issue>> {
    let mut review = Review { request, issues, context: *context };
    text::check(&mut review);
    canonical::fold(&mut review);
    message::check(&mut review);
    people::check(&mut review);
    place::check(&mut review);
    plausible::check(&mut review);
    let action = operation::action(&mut review);
    let Review { request, issues, .. } = review;
    match action {
        Some(action) if !issues.iter().any(Issue::is_error) => Ok(Submission { action, request, warnings: issues }),
        _ => Err(issues),
    }
}

/// A request under review.
struct Review<'a> {
    request: OrderRequest,
    issues: Vec<Issue>,
    context: Context<'a>,
}

impl Review<'_> {
    fn error(&mut self, code: IssueCode, path: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) {
        self.issues.push(Issue::error(code, path, message));
    }

    fn warn(&mut self, code: IssueCode, path: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) {
        self.issues.push(Issue::warning(code, path, message));
    }

    /// Reports a required value that is absent, unless an error says why it could not be read.
    fn missing(&mut self, path: &'static str, message: &'static str) {
        if !self.has_error_at(path) {
            self.error(IssueCode::Missing, path, message);
        }
    }

    /// Whether an error was found at this place, around it or within it.
    fn has_error_at(&self, path: &str) -> bool {
        let covers = |issue: &Issue| match &*issue.path {
            "" => issue.code == IssueCode::WrongType,
            place => is_about(place, path),
        };
        self.issues.iter().any(|issue| issue.is_error() && covers(issue))
    }

    /// Turns errors about places that an operation does not look at into warnings.
    fn relax(&mut self, looked_at: &[&str]) {
        for issue in &mut self.issues {
            let essential = issue.path.is_empty() || looked_at.iter().any(|path| is_about(&issue.path, path));
            if issue.is_error() && !essential {
                issue.severity = Severity::Warning;
            }
        }
    }

    fn operation(&self) -> Option<OrderControlCode> {
        self.request.order_control_code
    }
}

/// Whether an issue reported at `reported` is about `path`: the same place, one that contains it, or one within it.
fn is_about(reported: &str, path: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    within(reported, path) || within(path, reported)
}
