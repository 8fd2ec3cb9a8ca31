//! Derives the view that is printed from the stored result.

use crate::{Result, Templates};
use iris_model::Gender;
use iris_model::organization::Organization;
use iris_model::request::{Address, Provider};
use iris_report::report::{
    self, CarePlan, Diagnosis, EyeImage, EyeReport, Grader, HealthPlan, Letterhead, Moment, Order, Patient, Report,
};
use iris_results::{Said, icd};
use jiff::civil::DateTime;
use std::sync::Arc;

/// The bytes of the chosen images; `None` if there is none, or it is not available.
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
    let exams = result.evaluation_types();
    let said = Said::of(&basis.assessment, exams, seen.order.missing_eye_reason.as_deref());
    let serviced = seen.order.serviced_time.map(|time| Moment::At(time.instant));
    Report {
        evaluation_types: exams.to_vec(),
        result_code: result.code,
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
            gender: seen.patient.gender.and_then(gender).map(str::to_owned),
            phone: seen.patient.phone.clone(),
        },
        order: Order {
            iris_order_id: seen.order.patient_order_id,
            local_id: Some(seen.order.local_id.clone()),
            created: Some(Moment::At(basis.ordered_at)),
            scheduled: seen.order.scheduled_time.map(Moment::Local),
            serviced: serviced
                .or(taken(&basis.right_image).map(Moment::Local))
                .or(taken(&basis.left_image).map(Moment::Local)),
            encounter_number: seen.order.encounter_number.clone(),
            department_id: seen.order.department_id.clone(),
            orderable_identifier: seen.order.orderable_identifier.clone(),
            additional_info: seen.order.additional_info.clone(),
        },
        ordering_provider: seen.ordering_provider.as_ref().map(provider),
        referring_provider: seen.referring_provider.as_ref().map(provider),
        health_plan: health_plan(result),
        od: EyeReport { said: said.od, image: image(pictures.right, taken(&basis.right_image)) },
        os: EyeReport { said: said.os, image: image(pictures.left, taken(&basis.left_image)) },
        care_plan: Some(CarePlan {
            name: gradings.care_plan_name.clone(),
            description: gradings.care_plan_description.clone(),
            chip: said.chip,
        }),
        diagnoses: diagnoses(result),
        code_edition: Some(icd::edition(gradings.graded_time.instant, seen.timestamp.instant)),
        notes: gradings.notes.iter().filter_map(|note| note.text.clone()).collect(),
        grader: gradings
            .provider
            .as_ref()
            .map(|grader| Grader { provider: provider(grader), graded: gradings.graded_time.instant }),
        disclaimer: templates.disclaimer().map(str::to_owned),
        issued: seen.timestamp.instant,
        time_zone: templates.time_zone().or_else(|| organization.batches.as_ref().and_then(|batches| batches.zone())),
    }
}

fn diagnoses(result: &Result) -> Vec<Diagnosis> {
    let generated = &result.seen.gradings.diagnosis_codes;
    let listed = icd::listed(result.basis.submitted_diagnosis.as_deref(), generated);
    listed.into_iter().map(|own| Diagnosis { code: own.code, description: own.description }).collect()
}

/// The carrier's own id is not submitted, so its token stays unset.
fn health_plan(result: &Result) -> HealthPlan {
    let plan = result.seen.health_plan.clone().unwrap_or_default();
    HealthPlan {
        member_id: plan.member_id,
        policy_number: plan.policy_number,
        group_number: plan.group_number,
        group_name: plan.group_name,
        company_local_id: None,
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
fn gender(gender: Gender) -> Option<&'static str> {
    Some(match gender {
        Gender::Male => "Male",
        Gender::Female => "Female",
        Gender::NonBinary => "Non-binary",
        Gender::TransgenderMale => "Transgender male",
        Gender::TransgenderFemale => "Transgender female",
        Gender::Exploring => "Exploring or questioning",
        Gender::NotExclusive => "Not exclusively male or female",
        Gender::Other | Gender::NotListed => "Other",
        Gender::Unspecified | Gender::NotDisclosed => return None,
    })
}
