//! The templates that apply where nobody keeps one: one for each evaluation type. They share head and foot and differ in what the
//! exam looks for.

use std::sync::{Arc, OnceLock};

use super::Template;
use crate::EvaluationType;

macro_rules! standard {
    ($about:literal) => {
        concat!(
            include_str!("../../templates/head.html"),
            include_str!(concat!("../../templates/about-", $about, ".html")),
            include_str!("../../templates/foot.html")
        )
    };
}

/// Source of the default template of a type: what an administrator starts from.
#[must_use]
pub fn default_source(kind: EvaluationType) -> &'static str {
    match kind {
        EvaluationType::Dr | EvaluationType::Drme => standard!("dr"),
        EvaluationType::DrReferral => standard!("dr-referral"),
        EvaluationType::Me => standard!("me"),
        EvaluationType::Glaucoma => standard!("glaucoma"),
        EvaluationType::Hiv => standard!("hiv"),
        EvaluationType::Amd => standard!("amd"),
        EvaluationType::DrAmd => standard!("dr-amd"),
        EvaluationType::SuspectedPathology => standard!("sp"),
        EvaluationType::DrAredsGlaucoma | EvaluationType::Eyenuk => standard!("dr-amd-glaucoma"),
    }
}

/// The default templates, read once. That each can be read is a test; a type whose template could not be would get an empty one.
pub(super) fn default_template(kind: EvaluationType) -> Arc<Template> {
    static READ: OnceLock<Vec<(EvaluationType, Arc<Template>)>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let template = |kind| Template::parse(default_source(kind)).unwrap_or_else(|_| Template::empty());
        EvaluationType::ALL.into_iter().map(|kind| (kind, Arc::new(template(kind)))).collect()
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
