//! The report of a result, from its stored document. Without the images: they are for whom treats the patient, and would make the archive of
//! a batch many times as large.

use anyhow::Context;
use iris_model::Organization;
use iris_report::report::{
    CarePlan, Diagnosis, EyeReport, Finding, Grader, HealthPlan, Letterhead, Order, Outcome, Patient, Provider, Report,
    ResultCode, Severity,
};
use iris_report::{EvaluationType, Renderer, template};
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::Value;
use std::sync::LazyLock;

/// Holds the fonts; one for the process.
static RENDERER: LazyLock<Renderer> = LazyLock::new(Renderer::default);

/// Renders the PDF. Blocks.
pub(super) fn pdf(document: &Value, organization: &Organization, issued: Timestamp) -> anyhow::Result<Vec<u8>> {
    let report = report(document, organization, issued).context("a stored result lacks what every result has")?;
    let kind = report.evaluation_types.first().copied().unwrap_or(EvaluationType::Dr);
    let template = template::resolve(kind, |_, _| None).template;
    Ok(RENDERER.pdf(&template, &report)?.0)
}

fn report(document: &Value, organization: &Organization, issued: Timestamp) -> Option<Report> {
    let at = |pointer: &str| text(document, pointer);
    let list = |pointer: &str| document.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let kinds = list("/Order/EvaluationTypes").filter_map(|code| EvaluationType::from_code(code.as_str()?));
    let flag = |pointer: &str| document.pointer(pointer).and_then(Value::as_bool).unwrap_or_default();
    let plan_severity = match (flag("/Gradings/Urgent") || flag("/Gradings/Emergent"), flag("/Gradings/Pathology")) {
        (true, _) => Severity::Critical,
        (false, true) => Severity::Abnormal,
        (false, false) => Severity::Normal,
    };
    let diagnosis =
        |entry: &Value| Some(Diagnosis { code: text(entry, "/Code")?, description: text(entry, "/Description")? });
    Some(Report {
        evaluation_types: kinds.collect(),
        result_code: match at("/ResultCode").as_deref() {
            Some("C") => ResultCode::Correction,
            Some("A") => ResultCode::Addendum,
            Some("R") => ResultCode::Resend,
            _ => ResultCode::Final,
        },
        letterhead: Letterhead {
            organization: organization.name.clone(),
            site: at("/Site/Name").or_else(|| at("/Site/LocalId")).unwrap_or_default(),
            address: address(document),
            phone: None,
            logo: None,
        },
        patient: Patient {
            local_id: at("/Patient/LocalId")?,
            first_name: at("/Patient/Name/First").unwrap_or_default(),
            last_name: at("/Patient/Name/Last").unwrap_or_default(),
            dob: at("/Patient/Dob").and_then(|dob| dob.parse().ok()),
            gender: at("/Patient/Gender"),
            phone: at("/Patient/Phone"),
        },
        order: Order {
            iris_order_id: document.pointer("/Order/PatientOrderId")?.as_i64()?,
            local_id: at("/Order/LocalId"),
            created: at("/Order/CreatedTime").as_deref().and_then(time),
            scheduled: at("/Order/ScheduledTime").as_deref().and_then(time),
            serviced: at("/Order/ServicedTime").as_deref().and_then(time),
            encounter_number: at("/Order/EncounterNumber"),
            department_id: at("/Order/DepartmentId"),
            orderable_identifier: at("/Order/OrderableIdentifier"),
            additional_info: at("/Order/AdditionalInfo"),
        },
        ordering_provider: document.pointer("/OrderingProvider").map(provider),
        referring_provider: document.pointer("/ReferringProvider").map(provider),
        health_plan: HealthPlan {
            member_id: at("/HealthPlan/MemberId"),
            policy_number: at("/HealthPlan/PolicyNumber"),
            group_number: at("/HealthPlan/GroupNumber"),
            group_name: at("/HealthPlan/GroupName"),
            company_local_id: None,
            plan_id: at("/HealthPlan/LocalId"),
            plan_name: at("/HealthPlan/Name"),
        },
        od: eye(document.pointer("/Gradings/OD")),
        os: eye(document.pointer("/Gradings/OS")),
        care_plan: at("/Gradings/CarePlanName").map(|name| CarePlan {
            name,
            description: at("/Gradings/CarePlanDescription").unwrap_or_default(),
            severity: plan_severity,
        }),
        diagnoses: list("/Gradings/DiagnosisCodes").filter_map(diagnosis).collect(),
        notes: list("/Gradings/Notes").filter_map(|note| text(note, "/Text")).collect(),
        grader: document
            .pointer("/Gradings/Provider")
            .zip(at("/Gradings/GradedTime"))
            .and_then(|(grader, graded)| Some(Grader { provider: provider(grader), graded: graded.parse().ok()? })),
        disclaimer: None,
        issued,
    })
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_owned)
}

/// The wall-clock part of a time, with or without an offset.
fn time(text: &str) -> Option<DateTime> {
    text.parse().ok()
}

fn address(document: &Value) -> Vec<String> {
    let part = |key: &str| text(document, &format!("/Site/Address/{key}"));
    let region: Vec<String> = [part("State"), part("PostalCode")].into_iter().flatten().collect();
    let place: Vec<String> = part("City").into_iter().chain((!region.is_empty()).then(|| region.join(" "))).collect();
    let place = (!place.is_empty()).then(|| place.join(", "));
    [part("Street1"), part("Street2"), place].into_iter().flatten().collect()
}

fn provider(provider: &Value) -> Provider {
    Provider {
        first_name: text(provider, "/Name/First").unwrap_or_default(),
        last_name: text(provider, "/Name/Last").unwrap_or_default(),
        degrees: text(provider, "/Degrees"),
        npi: text(provider, "/NPI"),
        taxonomy: text(provider, "/Taxonomy"),
    }
}

fn eye(eye: Option<&Value>) -> EyeReport {
    let outcome = match eye {
        None => Outcome::NotExamined { reason: None },
        Some(eye) if eye["Gradable"].as_bool() == Some(true) => {
            let findings: Vec<Finding> = eye["Findings"].as_array().into_iter().flatten().filter_map(finding).collect();
            let is_negative = |finding: &Finding| matches!(finding.result.as_deref(), Some("None" | "Negative"));
            let severity = if findings.iter().all(is_negative) { Severity::Normal } else { Severity::Abnormal };
            Outcome::Graded { severity, findings }
        }
        Some(eye) => match text(eye, "/MissingEyeReason") {
            Some(reason) => Outcome::NotExamined { reason: Some(reason) },
            None => {
                let reasons = eye["UngradableReasons"].as_array().into_iter().flatten();
                Outcome::NotGradable {
                    reasons: reasons.filter_map(|reason| reason.as_str().map(str::to_owned)).collect(),
                }
            }
        },
    };
    EyeReport { outcome, image: None }
}

fn finding(entry: &Value) -> Option<Finding> {
    Some(Finding { finding: text(entry, "/Finding")?, result: text(entry, "/Result") })
}
