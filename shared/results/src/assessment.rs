//! What follows from a grading, fixed when it is submitted (iris-facts R-24). This is what is stored.

use crate::care_plan::{Resolved, Scope};
use crate::finding::{Answer, Diagnosis, Finding, OTHER, OtherSubset, Suspicion};
use crate::guidance::GUIDANCE;
use crate::reading::{Examination, Eye};
use crate::severity;
use crate::{icd, reading};
use iris_model::grading::{GradingSubmission, Note};
use iris_model::organization::{CareLevel, Organization, SiteDocument};
use iris_model::request::{Name, Provider};
use iris_model::result::Severity;
use iris_model::{DateTimeOffset, EvaluationType};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A grading and what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// When the grading was signed.
    pub graded_at: DateTimeOffset,
    /// The grader, if the grading named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grader: Option<Grader>,
    /// The grader's remarks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// The right eye.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub od: Option<AssessedEye>,
    /// The left eye.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<AssessedEye>,
    /// Id of the care plan.
    pub care_plan: String,
    /// Its title.
    pub care_plan_name: String,
    /// Its instructions.
    pub care_plan_description: String,
    /// The most pressing level of anything found.
    pub level: CareLevel,
    /// The highest severity; absent when no eye could be graded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Codes of the diagnoses, undotted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnoses: Vec<String>,
}

/// The assessment of one eye.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AssessedEye {
    /// What was found.
    Gradable(Vec<AssessedFinding>),
    /// The reasons why it could not be graded.
    Ungradable(Vec<String>),
    /// The reason why it is missing.
    Missing(String),
}

/// A finding and its rating.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredFinding", into = "StoredFinding")]
pub struct AssessedFinding {
    /// What was found.
    pub finding: Finding,
    /// The level of its care plan.
    pub level: CareLevel,
    /// Its severity.
    pub severity: Severity,
}

/// The stored form of a finding: as published, with the subset of `Other`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredFinding {
    finding: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subset: Option<String>,
    level: CareLevel,
    severity: Severity,
}

impl From<AssessedFinding> for StoredFinding {
    fn from(own: AssessedFinding) -> Self {
        let subset = match &own.finding {
            Finding::Other { subset, .. } => Some(subset.text().to_owned()),
            _ => None,
        };
        Self {
            finding: own.finding.name().to_owned(),
            result: own.finding.result().map(str::to_owned),
            subset,
            level: own.level,
            severity: own.severity,
        }
    }
}

/// A stored finding is not in the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored finding is none of the vocabulary")]
pub struct UnknownFinding;

impl TryFrom<StoredFinding> for AssessedFinding {
    type Error = UnknownFinding;

    fn try_from(stored: StoredFinding) -> Result<Self, UnknownFinding> {
        let StoredFinding { finding, result, subset, level, severity } = stored;
        let finding = if finding == OTHER {
            let subset = match subset {
                Some(subset) => OtherSubset::from_text(&subset).ok_or(UnknownFinding)?,
                None => subset_of(level),
            };
            Finding::Other { subset, text: result.ok_or(UnknownFinding)? }
        } else if let Some(suspicion) = Suspicion::from_text(&finding) {
            Finding::Suspected(suspicion)
        } else {
            let diagnosis = Diagnosis::from_text(&finding).ok_or(UnknownFinding)?;
            let answer = result.as_deref().and_then(Answer::from_text).ok_or(UnknownFinding)?;
            Finding::Diagnosed(diagnosis, answer)
        };
        Ok(Self { finding, level, severity })
    }
}

/// The subset of a finding stored before subsets existed: the most pressing one of its level.
fn subset_of(level: CareLevel) -> OtherSubset {
    match level {
        CareLevel::NotReferable => OtherSubset::NotReferable,
        CareLevel::Referable => OtherSubset::Referable,
        CareLevel::Urgent => OtherSubset::Urgent,
        CareLevel::Emergent => OtherSubset::Emergent,
    }
}

/// The person or software that graded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Grader {
    /// National provider identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub npi: Option<String>,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Middle name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle: Option<String>,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Associations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub associations: Option<String>,
    /// Degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degrees: Option<String>,
    /// Taxonomy code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taxonomy: Option<String>,
}

impl Grader {
    /// The grader named in a submission; details it leaves out come from the organization's list.
    #[must_use]
    pub fn named(provider: &Provider, organization: &Organization) -> Self {
        let npi = provider.npi.as_deref();
        let listed = organization.grading.graders.iter().find(|grader| Some(grader.npi.as_str()) == npi);
        let name = provider.name.clone().unwrap_or_default();
        Self {
            npi: provider.npi.clone(),
            first: name.first.or_else(|| listed.map(|grader| grader.first_name.clone())),
            last: name.last.or_else(|| listed.map(|grader| grader.last_name.clone())),
            middle: name.middle,
            title: name.title,
            email: provider.email.clone(),
            associations: provider.associations.clone(),
            degrees: provider.degrees.clone().or_else(|| listed.and_then(|grader| grader.degrees.clone())),
            taxonomy: provider.taxonomy.clone().or_else(|| listed.and_then(|grader| grader.taxonomy.clone())),
        }
    }

    /// The form used in results.
    #[must_use]
    pub fn provider(&self) -> Provider {
        let name = Name {
            first: self.first.clone(),
            last: self.last.clone(),
            middle: self.middle.clone(),
            title: self.title.clone(),
        };
        Provider {
            npi: self.npi.clone(),
            taxonomy: self.taxonomy.clone(),
            name: Some(name).filter(|name| *name != Name::default()),
            email: self.email.clone(),
            degrees: self.degrees.clone(),
            associations: self.associations.clone(),
        }
    }
}

/// What an assessment needs to know about an order.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// The organization that the order belongs to.
    pub organization: &'a Organization,
    /// The site of the exam, if the organization lists it.
    pub site: Option<&'a SiteDocument>,
    /// What was ordered.
    pub evaluation_types: &'a [EvaluationType],
    /// The diagnosis submitted with the order.
    pub submitted_diagnosis: Option<&'a str>,
    /// True if only one eye was to be examined.
    pub one_eye: bool,
}

impl Assessment {
    /// Derives the assessment from an examination.
    #[must_use]
    pub fn of(examination: &Examination, grading: &GradingSubmission, basis: Basis<'_>, now: Timestamp) -> Self {
        let organization = basis.organization;
        let scope =
            Scope { site: basis.site.map(|site| &site.care_plans), organization: &organization.grading.care_plans };
        let exams = basis.evaluation_types;
        let graded_at = grading.graded_time.unwrap_or_else(|| DateTimeOffset::utc(now));
        let eye = |eye: &Option<Eye>| eye.as_ref().map(|eye| assessed(eye, &scope, basis));
        let (od, os) = (eye(&examination.od), eye(&examination.os));
        let plan = scope.of_order(examination, exams, basis.one_eye);
        let description = description(&plan, examination);
        let findings = || {
            [&od, &os].into_iter().flatten().flat_map(|eye| match eye {
                AssessedEye::Gradable(findings) => findings.as_slice(),
                _ => &[],
            })
        };
        let level = findings().map(|finding| finding.level).chain([plan.level]).max().unwrap_or(plan.level);
        let gradable = examination.gradable().next().is_some();
        let severity = gradable.then(|| findings().map(|finding| finding.severity).max().unwrap_or_default());
        let codes = icd::codes(examination, basis.submitted_diagnosis, &organization.grading.diabetes_category);
        Self {
            graded_at,
            grader: grading.provider.as_ref().map(|provider| Grader::named(provider, organization)),
            notes: notes(grading, graded_at),
            od,
            os,
            care_plan: plan.id,
            care_plan_name: plan.name,
            care_plan_description: description,
            level,
            severity,
            diagnoses: codes.into_iter().map(|code| code.code).collect(),
        }
    }

    /// True if at least one eye has pathology (iris-facts §12.2).
    #[must_use]
    pub fn pathology(&self) -> bool {
        self.severity.is_some_and(|severity| severity > Severity::Normal)
    }
}

/// The remarks of a grading; those without a time get the grading's.
#[must_use]
pub fn notes(grading: &GradingSubmission, at: DateTimeOffset) -> Vec<Note> {
    let said = grading.notes.iter().filter(|note| note.text.is_some());
    said.map(|note| Note { date: note.date.or(Some(at)), text: note.text.clone() }).collect()
}

fn assessed(eye: &Eye, scope: &Scope<'_>, basis: Basis<'_>) -> AssessedEye {
    match eye {
        reading::Eye::Gradable(findings) => {
            AssessedEye::Gradable(findings.iter().map(|finding| rated(finding, scope, basis)).collect())
        }
        reading::Eye::Ungradable(reasons) => AssessedEye::Ungradable(reasons.clone()),
        reading::Eye::Missing(reason) => AssessedEye::Missing(reason.clone()),
    }
}

fn rated(finding: &Finding, scope: &Scope<'_>, basis: Basis<'_>) -> AssessedFinding {
    let level = if finding.is_negative() {
        CareLevel::NotReferable
    } else {
        scope.of_finding(finding, basis.evaluation_types).level
    };
    let severity = severity::of_finding(finding, level, basis.organization.grading.severe_is_critical);
    AssessedFinding { finding: finding.clone(), level, severity }
}

/// The plan's instructions, plus the advice on everything that was found. If an organization wrote the plan, only its
/// words are used.
fn description(plan: &Resolved, examination: &Examination) -> String {
    let mut sentences = vec![plan.instructions.as_str()];
    if plan.is_platform_text {
        for advice in examination.gradable().flatten().filter_map(|finding| GUIDANCE.advice(finding)) {
            if !sentences.contains(&advice) {
                sentences.push(advice);
            }
        }
    }
    sentences.join(" ")
}
