//! The platform's own care plans and advice, with the published guidance they are based on (decision 283):
//! `data/care-plans.json`.

use crate::finding::{Finding, same};
use iris_model::EvaluationType;
use iris_model::organization::{CarePlan, CarePlanAssignment, CarePlans};
use serde::Deserialize;
use std::sync::LazyLock;

/// The platform's guidance, used where an organization has none of its own.
#[expect(clippy::disallowed_methods, reason = "the file is part of the program, and tests go through all of it")]
pub static GUIDANCE: LazyLock<Guidance> = LazyLock::new(|| {
    // A test checks that the file can be parsed; without it, every finding would get the plan of last resort.
    serde_json::from_str::<Document>(include_str!("../data/care-plans.json")).map(Guidance::from).unwrap_or_default()
});

/// Care plans, advice and their sources.
#[derive(Debug, Default)]
pub struct Guidance {
    /// Plans and assignments, in the form organizations use.
    pub care_plans: CarePlans,
    /// The source of each assignment, in the same order.
    pub grounds: Vec<Source>,
    /// Advice given in addition to the plan.
    pub advice: Vec<Advice>,
}

/// Published guidance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its id within the data.
    pub id: String,
    /// The publisher and the title.
    pub title: String,
    /// The year of the edition used.
    pub year: u16,
}

/// Advice on a finding, whatever its plan.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// The findings it applies to, as published.
    pub about: Vec<String>,
    /// The advice.
    pub text: String,
    /// Id of its source.
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    sources: Vec<Source>,
    plans: Vec<CarePlan>,
    assignments: Vec<Assignment>,
    advice: Vec<Advice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Assignment {
    finding: String,
    result: Option<String>,
    #[serde(default)]
    evaluation_types: Vec<EvaluationType>,
    plan: String,
    priority: Option<u16>,
    source: String,
}

impl From<Document> for Guidance {
    fn from(document: Document) -> Self {
        let Document { sources, plans, assignments, advice } = document;
        let unnamed = |id: &str| Source { id: id.to_owned(), title: String::new(), year: 0 };
        let ground = |id: &str| sources.iter().find(|own| own.id == id).cloned().unwrap_or_else(|| unnamed(id));
        let grounds = assignments.iter().map(|own| ground(&own.source)).collect();
        let assignments = assignments.into_iter().map(|own| CarePlanAssignment {
            finding: own.finding,
            result: own.result,
            evaluation_types: own.evaluation_types,
            plan: own.plan,
            priority: own.priority,
        });
        Self { care_plans: CarePlans { plans, assignments: assignments.collect() }, grounds, advice }
    }
}

impl Guidance {
    /// The advice on a finding, in addition to its plan.
    #[must_use]
    pub fn advice(&self, finding: &Finding) -> Option<&str> {
        let about = |advice: &&Advice| advice.about.iter().any(|name| same(name, finding.name()));
        let found = self.advice.iter().filter(|_| !finding.is_negative()).find(about);
        found.map(|advice| advice.text.as_str())
    }
}
