//! Which template an order gets (iris-facts §8.3): the site's, else the organization's, else the default of its
//! evaluation type.

use std::sync::Arc;

use super::{Template, defaults};
use crate::EvaluationType;

/// Who keeps a template.
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
    /// Whose it is.
    pub scope: Scope,
    /// The template.
    pub template: Arc<Template>,
}

/// The template for an evaluation type, given a look-up of what a site or an organization keeps for it.
///
/// The look-up is asked for [`Scope::Site`] and then for [`Scope::Organization`]; the default needs none and always
/// exists.
pub fn resolve(kind: EvaluationType, mut kept: impl FnMut(Scope, EvaluationType) -> Option<Arc<Template>>) -> Resolved {
    for scope in [Scope::Site, Scope::Organization] {
        if let Some(template) = kept(scope, kind) {
            return Resolved { scope, template };
        }
    }
    Resolved { scope: Scope::Default, template: defaults::default_template(kind) }
}
