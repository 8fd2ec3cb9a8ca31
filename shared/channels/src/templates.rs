//! Which template a report gets (iris-facts §8.3): the site's, otherwise the organization's, otherwise the platform's.

use iris_model::organization::{Organization, ReportSettings};
use iris_report::EvaluationType;
use iris_report::template::{Error, Resolved, Scope, Template, resolve};
use jiff::tz::TimeZone;
use std::sync::Arc;

/// The exam that decides which template is used: the order's first.
#[must_use]
pub fn exam(exams: &[EvaluationType]) -> EvaluationType {
    exams.first().copied().unwrap_or(EvaluationType::Dr)
}

/// An organization's templates as they apply to one site. Cheap to create: a template is parsed only when it is needed.
#[derive(Debug, Clone, Copy)]
pub struct Templates<'a> {
    site: Option<&'a ReportSettings>,
    organization: &'a ReportSettings,
}

impl<'a> Templates<'a> {
    /// The templates that apply to a site.
    #[must_use]
    pub fn of(organization: &'a Organization, site: &str) -> Self {
        let site = organization.sites.iter().find(|known| known.local_id.as_str() == site);
        Self { site: site.map(|site| &site.reports), organization: &organization.reports }
    }

    /// The template for an exam. An unusable one is skipped and reported: a template must never hold a result back.
    #[must_use]
    pub fn resolve(&self, kind: EvaluationType) -> (Resolved, Vec<(Scope, Vec<Error>)>) {
        let mut unusable = Vec::new();
        let resolved = resolve(kind, |scope, kind| {
            let settings = match scope {
                Scope::Site => self.site?,
                Scope::Organization => self.organization,
                Scope::Default => return None,
            };
            let own = settings.templates.iter().find(|own| own.evaluation_type == kind)?;
            match Template::parse(&own.html) {
                Ok(template) => Some(Arc::new(template)),
                Err(errors) => {
                    unusable.push((scope, errors));
                    None
                }
            }
        });
        (resolved, unusable)
    }

    /// The disclaimer at the foot of reports.
    #[must_use]
    pub fn disclaimer(&self) -> Option<&'a str> {
        self.site.and_then(|site| site.disclaimer.as_deref()).or(self.organization.disclaimer.as_deref())
    }

    /// The time zone for times on reports.
    #[must_use]
    pub fn time_zone(&self) -> Option<TimeZone> {
        self.site.and_then(ReportSettings::zone).or_else(|| self.organization.zone())
    }

    /// The phone number for questions.
    #[must_use]
    pub fn phone(&self) -> Option<&'a str> {
        self.site.and_then(|site| site.phone.as_deref()).or(self.organization.phone.as_deref())
    }
}
