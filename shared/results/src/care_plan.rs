//! Which care plan an order gets (iris-facts §12.1; decision 125).
//!
//! Every finding, and the absence of any, resolves to a plan: first by the site's assignments, then the organization's, then the
//! platform's own ([`HOST`]); within one of them the most specific assignment wins (result before exam before neither), and of equally
//! specific ones the first. What the platform assigns to an emergent plan cannot be assigned to anything else. The plan's texts come from
//! the site, the organization or the platform, in this order. The order gets the plan with the highest priority.

use crate::finding::{Finding, NO_FINDING, NOT_GRADABLE, OTHER, OTHER_SUBSETS, same};
use crate::reading::{Examination, Eye};
use iris_model::EvaluationType;
use iris_model::organization::{CareLevel, CarePlan, CarePlanAssignment, CarePlans};
use std::sync::LazyLock;

/// The platform's own plans.
#[expect(clippy::disallowed_methods, reason = "the file is part of the program, and tests go through its plans")]
static HOST: LazyLock<CarePlans> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/care-plans.json")).unwrap_or_default());

/// The plans that hold for an order's site.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The site's own.
    pub site: Option<&'a CarePlans>,
    /// The organization's.
    pub organization: &'a CarePlans,
}

/// A plan as resolved for a finding.
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
}

/// What a plan is looked up for.
struct Subject<'a> {
    name: &'a str,
    result: Option<&'a str>,
}

impl<'a> Scope<'a> {
    fn layers(&self) -> impl Iterator<Item = &'a CarePlans> {
        self.site.into_iter().chain([self.organization, &*HOST])
    }

    /// The plan of one finding.
    #[must_use]
    pub fn of_finding(&self, finding: &Finding, exams: &[EvaluationType]) -> Resolved {
        match finding {
            Finding::Other { level, .. } => {
                let subset = OTHER_SUBSETS.iter().find(|(_, own)| own == level).map(|(name, _)| *name);
                self.resolve(&Subject { name: OTHER, result: subset }, exams)
            }
            finding => self.resolve(&Subject { name: finding.name(), result: finding.result() }, exams),
        }
    }

    /// The plan of an eye that cannot be graded.
    #[must_use]
    pub fn of_ungradable(&self, exams: &[EvaluationType]) -> Resolved {
        self.resolve(&Subject { name: NOT_GRADABLE, result: None }, exams)
    }

    /// The plan of the whole order: the most pressing one of everything that was found, or else the one for nothing found.
    #[must_use]
    pub fn of_order(&self, examination: &Examination, exams: &[EvaluationType]) -> Resolved {
        let of_eye = |eye: &Eye| match eye {
            Eye::Gradable(findings) => {
                let found = findings.iter().filter(|finding| !is_negative(finding));
                found.map(|finding| self.of_finding(finding, exams)).collect()
            }
            Eye::Ungradable(_) => vec![self.of_ungradable(exams)],
            Eye::Missing(_) => Vec::new(),
        };
        examination
            .eyes()
            .flat_map(of_eye)
            .chain([self.resolve(&Subject { name: NO_FINDING, result: None }, exams)])
            .max_by(|one, other| {
                (one.priority, one.level).cmp(&(other.priority, other.level)).then_with(|| other.id.cmp(&one.id))
            })
            .unwrap_or_else(last_resort)
    }

    fn resolve(&self, subject: &Subject<'_>, exams: &[EvaluationType]) -> Resolved {
        let host = best(&HOST, subject, exams);
        let is_emergent = |assignment: &CarePlanAssignment| {
            self.plan(&assignment.plan).is_some_and(|plan| plan.level == CareLevel::Emergent)
        };
        let locked = host.filter(|assignment| is_emergent(assignment));
        let assignment = locked.or_else(|| {
            self.layers().find_map(|plans| best(plans, subject, exams).filter(|own| self.plan(&own.plan).is_some()))
        });
        let Some((assignment, plan)) = assignment.and_then(|own| Some((own, self.plan(&own.plan)?))) else {
            return last_resort();
        };
        Resolved {
            id: plan.id.clone(),
            name: plan.name.clone(),
            instructions: plan.instructions.clone(),
            level: if locked.is_some() { CareLevel::Emergent } else { plan.level },
            priority: assignment.priority.unwrap_or(plan.priority),
        }
    }

    /// The texts of a plan. A plan the platform calls emergent stays so, whatever a document says about its level.
    fn plan(&self, id: &str) -> Option<&'a CarePlan> {
        self.layers().find_map(|plans| plans.plans.iter().find(|plan| plan.id == id))
    }
}

/// The assignment that fits best: one that names the result before one that does not, then one that names the exam.
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

/// Whether a finding says that there is nothing.
#[must_use]
pub fn is_negative(finding: &Finding) -> bool {
    matches!(finding, Finding::Diagnosed(_, answer) if answer.is_negative())
}

/// For a finding nobody thought of: somebody should look at it.
fn last_resort() -> Resolved {
    Resolved {
        id: "referral".to_owned(),
        name: "Next available appointment".to_owned(),
        instructions: "Please make an appointment with an eye care specialist to discuss this result.".to_owned(),
        level: CareLevel::Referable,
        priority: 40,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Answer, Diagnosis, Suspicion};

    #[test]
    fn the_platform_has_a_plan_for_everything() {
        let organization = CarePlans::default();
        let scope = Scope { site: None, organization: &organization };
        assert!(!HOST.plans.is_empty(), "the data file is read");
        for assignment in &HOST.assignments {
            assert!(HOST.plans.iter().any(|plan| plan.id == assignment.plan), "{assignment:?}");
        }
        let assigned = |name: &str, result: Option<&str>| best(&HOST, &Subject { name, result }, &[]).is_some();
        for suspicion in Suspicion::ALL {
            assert!(assigned(suspicion.text(), None), "{suspicion:?}");
        }
        for (subset, level) in OTHER_SUBSETS {
            assert!(assigned(OTHER, Some(subset)));
            let other = Finding::Other { level, text: "x".into() };
            assert_eq!(scope.of_finding(&other, &[]).level, level);
        }
        for exam in EvaluationType::ALL {
            for (diagnosis, answers) in crate::exam::questions(*exam) {
                for answer in answers.iter().filter(|answer| !answer.is_negative()) {
                    assert!(assigned(diagnosis.text(), Some(answer.text())), "{diagnosis:?} {answer:?}");
                }
            }
        }
        assert!(assigned(NO_FINDING, None) && assigned(NOT_GRADABLE, None));
        let proliferative = Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, Answer::Proliferative);
        assert_eq!(scope.of_finding(&proliferative, &[EvaluationType::Dr]).level, CareLevel::Urgent);
    }
}
