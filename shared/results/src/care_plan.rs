//! Which care plan an order gets (iris-facts §12.1; decisions 125, 281).
//!
//! Each finding resolves to a plan: first by the site's assignments, then the organization's, then the platform's own
//! ([`crate::guidance`]). Within one of these, the most specific assignment wins (with result before with exam before
//! with neither), and the first among equally specific ones. The plan's texts come from the site, the organization or
//! the platform, in this order.
//!
//! An organization's configuration is skipped, layer by layer, where it would understate what was seen:
//!
//! * what the platform calls emergent stays emergent, under any id and any text;
//! * a condition in words (`Other`) is at least as pressing as the subset chosen by its grader;
//! * the plan for an order without findings is used only for an order without findings.
//!
//! The order gets the plan of its most pressing finding; priorities decide between plans of the same level. The plan
//! for nothing found is used only if nothing was found.

use crate::finding::{Finding, NO_FINDING, NOT_EXAMINED, NOT_GRADABLE, OTHER, same};
use crate::guidance::GUIDANCE;
use crate::reading::{Examination, Eye};
use iris_model::EvaluationType;
use iris_model::organization::{CareLevel, CarePlan, CarePlanAssignment, CarePlans};

/// The plans that apply to an order's site.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The site's own plans.
    pub site: Option<&'a CarePlans>,
    /// The organization's plans.
    pub organization: &'a CarePlans,
}

/// The plan resolved for a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Its id.
    pub id: String,
    /// Its title.
    pub name: String,
    /// Its instructions.
    pub instructions: String,
    /// How pressing it is.
    pub level: CareLevel,
    /// Its relative priority for this finding.
    pub priority: u16,
    /// True if its texts are the platform's; then the platform's advice on the finding is added to them.
    pub is_platform_text: bool,
}

/// Something for which a plan is looked up.
struct Subject<'a> {
    name: &'a str,
    result: Option<&'a str>,
    /// The lowest level that its plan may have.
    floor: CareLevel,
}

impl Subject<'static> {
    const NOTHING_FOUND: Self = Self { name: NO_FINDING, result: None, floor: CareLevel::NotReferable };
    const NOT_GRADABLE: Self = Self { name: NOT_GRADABLE, result: None, floor: CareLevel::NotReferable };
    const NOT_EXAMINED: Self = Self { name: NOT_EXAMINED, result: None, floor: CareLevel::NotReferable };
}

impl<'a> Subject<'a> {
    fn of(finding: &'a Finding) -> Self {
        match finding {
            Finding::Other { subset, .. } => Self { name: OTHER, result: Some(subset.text()), floor: subset.level() },
            finding => Self { name: finding.name(), result: finding.result(), floor: CareLevel::NotReferable },
        }
    }

    fn is_nothing_found(&self) -> bool {
        self.name == NO_FINDING
    }
}

impl<'a> Scope<'a> {
    /// The plan for one finding.
    #[must_use]
    pub fn of_finding(&self, finding: &Finding, exams: &[EvaluationType]) -> Resolved {
        self.resolve(&Subject::of(finding), exams)
    }

    /// The plan for an eye that cannot be graded.
    #[must_use]
    pub fn of_ungradable(&self, exams: &[EvaluationType]) -> Resolved {
        self.resolve(&Subject::NOT_GRADABLE, exams)
    }

    /// The plan for the whole order: that of the most pressing finding, or the one for nothing found if nothing was
    /// found in any eye that was to be examined. `one_eye`: only one eye was to be examined.
    #[must_use]
    pub fn of_order(&self, examination: &Examination, exams: &[EvaluationType], one_eye: bool) -> Resolved {
        let of_eye = |eye: &Eye| match eye {
            Eye::Gradable(findings) => {
                let found = findings.iter().filter(|finding| !finding.is_negative());
                found.map(|finding| self.of_finding(finding, exams)).collect()
            }
            Eye::Ungradable(_) => vec![self.of_ungradable(exams)],
            Eye::Missing(_) => Vec::new(),
        };
        let unseen = (!one_eye && (examination.od.is_none() || examination.os.is_none()))
            .then(|| self.resolve(&Subject::NOT_EXAMINED, exams));
        let most_pressing = examination.eyes().flat_map(of_eye).chain(unseen).max_by(|one, other| {
            (one.level, one.priority).cmp(&(other.level, other.priority)).then_with(|| other.id.cmp(&one.id))
        });
        most_pressing.unwrap_or_else(|| self.resolve(&Subject::NOTHING_FOUND, exams))
    }

    fn resolve(&self, subject: &Subject<'_>, exams: &[EvaluationType]) -> Resolved {
        let platform = &GUIDANCE.care_plans;
        let own = best(platform, subject, exams);
        let is_emergent = own.is_some_and(|own| {
            platform.plans.iter().any(|plan| plan.id == own.plan && plan.level == CareLevel::Emergent)
        });
        let floor = if is_emergent { CareLevel::Emergent } else { subject.floor };
        let nothing_found = (!subject.is_nothing_found()).then(|| self.resolve(&Subject::NOTHING_FOUND, exams).id);
        for plans in self.site.into_iter().chain([self.organization]) {
            let Some(assignment) = best(plans, subject, exams) else { continue };
            let Some((plan, is_platform_text)) = self.plan(&assignment.plan, floor) else { continue };
            if nothing_found.as_ref() == Some(&plan.id) {
                continue;
            }
            return resolved(assignment, plan, is_platform_text);
        }
        // An organization may assign this platform plan to nothing found and write its own text for it. That text must
        // not be used for a finding.
        let found = own.and_then(|own| {
            let plan = if nothing_found.as_ref() == Some(&own.plan) {
                of_platform(&own.plan)
            } else {
                self.plan(&own.plan, floor)
            };
            Some((own, plan?))
        });
        found.map_or_else(last_resort, |(own, (plan, is_platform_text))| resolved(own, plan, is_platform_text))
    }

    /// The texts of a plan, and whether they are the platform's. A text with a level below `floor` is skipped.
    fn plan(&self, id: &str, floor: CareLevel) -> Option<(&'a CarePlan, bool)> {
        let of = |plans: &'a CarePlans| plans.plans.iter().find(|plan| plan.id == id && plan.level >= floor);
        let own = self.site.into_iter().chain([self.organization]).find_map(of).map(|plan| (plan, false));
        own.or_else(|| of_platform(id).filter(|(plan, _)| plan.level >= floor))
    }
}

fn of_platform(id: &str) -> Option<(&'static CarePlan, bool)> {
    GUIDANCE.care_plans.plans.iter().find(|plan| plan.id == id).map(|plan| (plan, true))
}

fn resolved(assignment: &CarePlanAssignment, plan: &CarePlan, is_platform_text: bool) -> Resolved {
    Resolved {
        id: plan.id.clone(),
        name: plan.name.clone(),
        instructions: plan.instructions.clone(),
        level: plan.level,
        priority: assignment.priority.unwrap_or(plan.priority),
        is_platform_text,
    }
}

/// The best assignment: one that names the result comes before one that does not, then one that names the exam.
fn best<'a>(plans: &'a CarePlans, subject: &Subject<'_>, exams: &[EvaluationType]) -> Option<&'a CarePlanAssignment> {
    let fits = |own: &&CarePlanAssignment| {
        let result =
            own.result.as_deref().is_none_or(|wanted| subject.result.is_some_and(|result| same(wanted, result)));
        let exam = own.evaluation_types.is_empty() || own.evaluation_types.iter().any(|exam| exams.contains(exam));
        same(&own.finding, subject.name) && result && exam
    };
    let weight = |own: &CarePlanAssignment| (own.result.is_some(), !own.evaluation_types.is_empty());
    let mut found: Option<&CarePlanAssignment> = None;
    for own in plans.assignments.iter().filter(fits) {
        if found.is_none_or(|known| weight(own) > weight(known)) {
            found = Some(own);
        }
    }
    found
}

/// For a finding without any assignment: somebody should look at it.
fn last_resort() -> Resolved {
    Resolved {
        id: "referral".to_owned(),
        name: "Next available appointment".to_owned(),
        instructions: "Make the next available appointment with an eye care specialist to discuss this result."
            .to_owned(),
        level: CareLevel::Referable,
        priority: 40,
        is_platform_text: true,
    }
}
