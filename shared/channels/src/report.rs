//! What the page says: from the stored result to the view that is printed.

use crate::stored::{Address, Eye, Provider};
use crate::{Result, Templates};
use iris_model::organization::{CareLevel, Organization};
use iris_model::{DateTimeOffset, ResultCode};
use iris_report::EvaluationType;
use iris_report::report::{
    self, CarePlan, Diagnosis, EyeImage, EyeReport, Finding, Grader, HealthPlan, Letterhead, Order, Outcome, Patient,
    Report,
};
use iris_results::{Severity, icd};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// The bytes of the chosen images; `None` where there is none, or it could not be had.
#[derive(Debug, Clone, Default)]
pub struct Pictures {
    /// Of the right eye.
    pub right: Option<Arc<[u8]>>,
    /// Of the left eye.
    pub left: Option<Arc<[u8]>>,
}

/// The report of a result.
#[must_use]
pub fn report(result: &Result, organization: &Organization, templates: &Templates<'_>, pictures: Pictures) -> Report {
    let (seen, basis) = (&result.seen, &result.basis);
    let gradings = &seen.gradings;
    let name = seen.patient.name.clone().unwrap_or_default();
    let image = |bytes: Option<Arc<[u8]>>, taken: Option<DateTime>| bytes.map(|bytes| EyeImage { bytes, taken });
    let taken = |shown: &Option<iris_results::ShownImage>| shown.as_ref().and_then(|shown| shown.taken);
    let missing = seen.order.missing_eye_reason.as_deref();
    Report {
        evaluation_types: result.evaluation_types().iter().filter_map(|code| EvaluationType::from_code(code)).collect(),
        result_code: code(result.code),
        letterhead: Letterhead {
            organization: organization.name.clone(),
            site: seen.site.name.clone().unwrap_or_else(|| seen.site.local_id.clone()),
            address: seen.site.address.as_ref().map(lines).unwrap_or_default(),
            phone: templates.phone().map(str::to_owned),
            logo: None,
        },
        patient: Patient {
            local_id: seen.patient.local_id.clone(),
            first_name: name.first.unwrap_or_default(),
            last_name: name.last.unwrap_or_default(),
            dob: seen.patient.dob,
            gender: seen.patient.gender.as_deref().and_then(gender).map(str::to_owned),
            phone: seen.patient.phone.clone(),
        },
        order: Order {
            iris_order_id: seen.order.patient_order_id,
            local_id: Some(seen.order.local_id.clone()),
            created: Some(basis.ordered_at.to_zoned(TimeZone::UTC).datetime()),
            scheduled: seen.order.scheduled_time,
            serviced: seen.order.serviced_time.map(local).or(taken(&basis.right_image)).or(taken(&basis.left_image)),
            encounter_number: seen.order.encounter_number.clone(),
            department_id: seen.order.department_id.clone(),
            orderable_identifier: seen.order.orderable_identifier.clone(),
            additional_info: seen.order.additional_info.clone(),
        },
        ordering_provider: seen.ordering_provider.as_ref().map(provider),
        referring_provider: seen.referring_provider.as_ref().map(provider),
        health_plan: health_plan(result),
        od: EyeReport {
            outcome: outcome(gradings.od.as_ref(), basis.od, missing),
            image: image(pictures.right, taken(&basis.right_image)),
        },
        os: EyeReport {
            outcome: outcome(gradings.os.as_ref(), basis.os, missing),
            image: image(pictures.left, taken(&basis.left_image)),
        },
        care_plan: Some(CarePlan {
            name: gradings.care_plan_name.clone(),
            description: gradings.care_plan_description.clone(),
            severity: match basis.level {
                CareLevel::NotReferable => report::Severity::Normal,
                CareLevel::Referable => report::Severity::Abnormal,
                CareLevel::Urgent | CareLevel::Emergent => report::Severity::Critical,
            },
        }),
        diagnoses: diagnoses(result),
        notes: gradings.notes.iter().filter_map(|note| note.text.clone()).collect(),
        grader: gradings
            .provider
            .as_ref()
            .map(|grader| Grader { provider: provider(grader), graded: gradings.graded_time.instant }),
        disclaimer: templates.disclaimer().map(str::to_owned),
        issued: seen.timestamp.instant,
    }
}

fn local(time: DateTimeOffset) -> DateTime {
    time.offset.to_datetime(time.instant)
}

fn code(code: ResultCode) -> report::ResultCode {
    match code {
        ResultCode::Preliminary => report::ResultCode::Preliminary,
        ResultCode::Final => report::ResultCode::Final,
        ResultCode::Addendum => report::ResultCode::Addendum,
        ResultCode::Correction => report::ResultCode::Correction,
        ResultCode::Resend => report::ResultCode::Resend,
    }
}

fn severity(severity: Option<Severity>) -> report::Severity {
    match severity {
        None | Some(Severity::Normal) => report::Severity::Normal,
        Some(Severity::Abnormal) => report::Severity::Abnormal,
        Some(Severity::Critical) => report::Severity::Critical,
    }
}

/// An eye that the result does not mention has no images.
fn outcome(eye: Option<&Eye>, worst: Option<Severity>, missing: Option<&str>) -> Outcome {
    match eye {
        Some(eye) if eye.gradable => Outcome::Graded {
            severity: severity(worst),
            findings: eye
                .findings
                .iter()
                .filter_map(|entry| Some(Finding { finding: entry.finding.clone()?, result: entry.result.clone() }))
                .collect(),
        },
        Some(eye) if eye.missing_eye_reason.is_some() => {
            Outcome::NotExamined { reason: eye.missing_eye_reason.clone() }
        }
        Some(eye) => Outcome::NotGradable { reasons: eye.ungradable_reasons.clone() },
        None => Outcome::NotExamined { reason: missing.map(str::to_owned) },
    }
}

/// The submitted diagnosis first (iris-facts §9.7.1), marked as such, unless it is among the generated ones.
fn diagnoses(result: &Result) -> Vec<Diagnosis> {
    let generated = &result.seen.gradings.diagnosis_codes;
    let undotted = |code: &str| code.replace('.', "").to_ascii_uppercase();
    let submitted = result.basis.submitted_diagnosis.as_deref().map(undotted);
    let submitted = submitted.filter(|code| generated.iter().all(|known| known.code != *code));
    let described = |code: String| {
        let known = icd::described(&code).map(|known| known.description);
        let description =
            known.map_or_else(|| "Submitted with the order".to_owned(), |text| format!("{text} (submitted)"));
        Diagnosis { code, description }
    };
    let generated =
        generated.iter().map(|known| Diagnosis { code: known.code.clone(), description: known.description.clone() });
    submitted.map(described).into_iter().chain(generated).collect()
}

fn health_plan(result: &Result) -> HealthPlan {
    let plan = result.seen.health_plan.clone().unwrap_or_default();
    HealthPlan {
        member_id: plan.member_id,
        policy_number: plan.policy_number,
        group_number: plan.group_number,
        group_name: plan.group_name,
        company_local_id: plan.health_plan_payer_name,
        plan_id: plan.local_id,
        plan_name: plan.name,
    }
}

fn provider(provider: &Provider) -> report::Provider {
    let name = provider.name.clone().unwrap_or_default();
    report::Provider {
        first_name: name.first.unwrap_or_default(),
        last_name: name.last.unwrap_or_default(),
        degrees: provider.degrees.clone(),
        npi: provider.npi.clone(),
        taxonomy: provider.taxonomy.clone(),
    }
}

fn lines(address: &Address) -> Vec<String> {
    let set = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let region: Vec<String> = [set(&address.state), set(&address.postal_code)].into_iter().flatten().collect();
    let region = (!region.is_empty()).then(|| region.join(" "));
    let town: Vec<String> = [set(&address.city), region].into_iter().flatten().collect();
    let town = (!town.is_empty()).then(|| town.join(", "));
    [set(&address.street1), set(&address.street2), town].into_iter().flatten().collect()
}

/// The published codes in words (iris-facts §3.6).
fn gender(code: &str) -> Option<&'static str> {
    Some(match code {
        "M" => "Male",
        "F" => "Female",
        "N" => "Non-binary",
        "TM" => "Transgender male",
        "TF" => "Transgender female",
        "EQ" => "Exploring or questioning",
        "X" => "Not exclusively male or female",
        "O" | "NL" => "Other",
        _ => return None,
    })
}
