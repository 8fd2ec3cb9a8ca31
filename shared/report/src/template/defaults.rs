//! The template used when neither site nor organization has one.

use std::sync::{Arc, OnceLock};

use super::Template;
use crate::EvaluationType;

/// Source of the default template, from which an administrator starts. What an exam looks for is a token, so one
/// template serves all types.
const STANDARD: &str = include_str!("../../templates/report.html");

/// Source of the default template of a type.
#[must_use]
pub fn default_source(_: EvaluationType) -> &'static str {
    STANDARD
}

/// The default templates, parsed once. A test checks that each can be parsed; one that could not would be replaced by
/// an empty template.
pub(super) fn default_template(kind: EvaluationType) -> Arc<Template> {
    static READ: OnceLock<Vec<(EvaluationType, Arc<Template>)>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let template = |kind| Template::parse(default_source(kind)).unwrap_or_else(|_| Template::empty());
        EvaluationType::ALL.iter().map(|kind| (*kind, Arc::new(template(*kind)))).collect()
    });
    read.iter()
        .find(|(of, _)| *of == kind)
        .map_or_else(|| Arc::new(Template::empty()), |(_, template)| Arc::clone(template))
}

impl Template {
    fn empty() -> Self {
        Self { header: Vec::new(), body: Vec::new(), footer: Vec::new() }
    }
}
