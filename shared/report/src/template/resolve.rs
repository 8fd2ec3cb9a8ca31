//! Which template an order gets (iris-facts §8.3): the site's, otherwise the organization's, otherwise the default of
//! its evaluation type.

use std::sync::Arc;

use super::{Template, defaults};
use crate::EvaluationType;

/// Where a template comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The site of the order.
    Site,
    /// Its organization.
    Organization,
    /// The platform.
    Default,
}

/// The template an order gets, and where it comes from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Where it comes from.
    pub scope: Scope,
    /// The template.
    pub template: Arc<Template>,
}

/// The template for an evaluation type, given a look-up of the site's or organization's own templates.
///
/// The look-up is called for [`Scope::Site`] and then for [`Scope::Organization`]; the default always exists and needs
/// no look-up.
pub fn resolve(kind: EvaluationType, mut kept: impl FnMut(Scope, EvaluationType) -> Option<Arc<Template>>) -> Resolved {
    for scope in [Scope::Site, Scope::Organization] {
        if let Some(template) = kept(scope, kind) {
            return Resolved { scope, template };
        }
    }
    Resolved { scope: Scope::Default, template: defaults::default_template(kind) }
}
