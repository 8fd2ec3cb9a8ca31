//! Derives the content of messages from a stored result.

use super::{findings, narrative};
use crate::{Parcel, Result as StoredResult};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iris_hl7::control_id;
use iris_hl7::mapping::{
    Billed, Content, Diagnosis, Environment, Image, Kind, Names, Order, Patient, Procedure, Provider, Report, Severity,
    Site, Status, Ungradable, modifiers,
};
use iris_model::organization::{self, Hl7Target, InterfaceDocument};
use iris_model::{ResultCode, request};
use iris_results::icd;
use iris_results::{AssessedEye, Severity as Rated};
use jiff::tz::TimeZone;

/// Everything that a result's message may contain. Times are those of the result, so that a message built twice is
/// identical.
#[must_use]
pub(super) fn content(target: &Hl7Target, interface: &InterfaceDocument, parcel: &Parcel<'_>) -> Content {
    let (result, delivery) = (parcel.result, parcel.delivery);
    let (seen, basis) = (&result.seen, &result.basis);
    let zone = interface.zone().unwrap_or(TimeZone::UTC);
    let name = seen.patient.name.clone().unwrap_or_default();
    let procedure = procedure(result);
    let ungradable = ungradable(result);
    let settings = target.charge.clone().unwrap_or_default();
    let component = |modifier| settings.component_modifiers.then_some(modifier);
    let generated = &seen.gradings.diagnosis_codes;
    let diagnoses = icd::listed(basis.submitted_diagnosis.as_deref(), generated);
    Content {
        names: Names {
            sending_application: interface.sending_application.clone(),
            sending_facility: interface.sending_facility.clone(),
            receiving_application: interface.receiving_application.clone(),
            receiving_facility: interface.receiving_facility.clone(),
        },
        now: delivery.at,
        control_id: control_id(delivery.at, u64::try_from(delivery.sequence).unwrap_or_default()),
        environment: match parcel.organization.environment {
            organization::Environment::Production => Environment::Production,
            organization::Environment::Test => Environment::Test,
        },
        version: interface.version,
        patient: Patient {
            mrn: seen.patient.local_id.clone(),
            last: name.last.unwrap_or_default(),
            first: name.first.unwrap_or_default(),
            middle: name.middle.unwrap_or_default(),
            dob: seen.patient.dob,
            sex: seen.patient.gender.map(|gender| gender.code().to_owned()).unwrap_or_default(),
        },
        order: Order {
            placer: seen.order.local_id.clone(),
            iris: seen.order.patient_order_id.to_string(),
            encounter: seen.order.encounter_number.clone().unwrap_or_default(),
            department: seen.order.department_id.clone().unwrap_or_default(),
            procedure: procedure.clone(),
        },
        site: Site { id: seen.site.local_id.clone(), name: seen.site.name.clone().unwrap_or_default() },
        ordering: seen.ordering_provider.as_ref().map(provider).unwrap_or_default(),
        grader: seen.gradings.provider.as_ref().map(provider).unwrap_or_default(),
        captured: seen.order.serviced_time.map(|time| time.instant),
        graded: Some(seen.gradings.graded_time.instant),
        status: status(target, result.code),
        severity: basis.assessment.severity.map(severity),
        diagnoses: diagnoses.into_iter().map(|own| Diagnosis { code: own.code, text: own.description }).collect(),
        findings: findings::findings(&basis.assessment),
        lines: narrative::lines(parcel, &zone),
        images: seen.images.iter().map(image).collect(),
        report: Report { pdf: STANDARD.encode(&parcel.rendered.pdf), url: String::new() },
        document: delivery.transaction_id.to_string(),
        charge: Billed {
            code: settings.code.clone().unwrap_or_else(|| procedure.code.clone()),
            text: settings.text.clone().unwrap_or_else(|| procedure.text.clone()),
            modifiers: modifiers(component("26"), ungradable),
        },
        technical: Billed {
            code: settings.technical_code.clone().unwrap_or_default(),
            text: settings.text.clone().unwrap_or(procedure.text),
            modifiers: modifiers(component("TC"), ungradable),
        },
        quality: is_normal_adult(result).then(|| modifiers(None, ungradable)),
        zone,
    }
}

/// `C` is for documents that replace another; in results it is used only on request (iris-facts §9.4), because a
/// corrected result is a new report.
fn status(target: &Hl7Target, code: ResultCode) -> Status {
    if code == ResultCode::Correction && (target.corrected || target.message == Kind::Mdm) {
        Status::Corrected
    } else {
        Status::Final
    }
}

/// The procedure as ordered: OBR-4 if an HL7 order brought it, otherwise the code.
fn procedure(result: &StoredResult) -> Procedure {
    let cpt = result.seen.cpt.clone().unwrap_or_default();
    match result.seen.order.orderable_identifier.as_deref().filter(|text| text.contains('^') || cpt.code.is_none()) {
        Some(text) => {
            let mut parts = text.split('^').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            let (code, text, system) = (next(), next(), next());
            let _ = next();
            Procedure { code, text, system, alternate: next() }
        }
        None => Procedure {
            code: cpt.code.unwrap_or_default(),
            text: cpt.description.unwrap_or_default(),
            ..Procedure::default()
        },
    }
}

fn provider(provider: &request::Provider) -> Provider {
    let name = provider.name.clone().unwrap_or_default();
    let (first, last) = (name.first.unwrap_or_default(), name.last.unwrap_or_default());
    let npi = provider.npi.clone().unwrap_or_default();
    let credential = provider.degrees.clone().unwrap_or_default();
    let taxonomy = provider.taxonomy.clone().unwrap_or_default();
    let numbers = [("NPI", &npi), ("Taxonomy", &taxonomy)];
    let numbers = numbers.into_iter().filter(|(_, value)| !value.is_empty());
    let display = std::iter::once(format!("{first} {last}").trim().to_owned())
        .chain(std::iter::once(credential.clone()))
        .chain(numbers.map(|(name, value)| format!("{name} {value}")))
        .filter(|part| !part.is_empty());
    let display = display.collect::<Vec<_>>().join(", ");
    Provider {
        npi,
        last,
        first,
        prefix: name.title.unwrap_or_default(),
        suffix: String::new(),
        credential,
        taxonomy,
        display,
    }
}

fn severity(rated: Rated) -> Severity {
    let value = match rated {
        Rated::Normal => "NORMAL",
        Rated::Abnormal => "ABNORMAL",
        Rated::Critical => "CRITICAL",
    };
    Severity { value: value.to_owned(), flag: rated.flag().unwrap_or_default().to_owned() }
}

fn image(image: &iris_model::result::ResultImage) -> Image {
    let eye = image.laterality.map(|eye| eye.code().to_owned()).unwrap_or_default();
    Image { id: image.local_id.clone().unwrap_or_default(), eye }
}

/// Per eye; it does not say which of an eye's images cannot be graded.
fn ungradable(result: &StoredResult) -> Ungradable {
    let assessment = &result.basis.assessment;
    let eyes = || [&assessment.od, &assessment.os].into_iter().flatten();
    let bad = eyes().filter(|eye| matches!(eye, AssessedEye::Ungradable(_))).count();
    let good = eyes().filter(|eye| matches!(eye, AssessedEye::Gradable(_))).count();
    match (bad, good) {
        (0, _) => Ungradable::None,
        (_, 0) => Ungradable::All,
        _ => Ungradable::Some,
    }
}

/// Whether the quality code for a normal result applies: the patient was older than 18 when graded, and nothing was
/// found (iris-facts §9.5).
fn is_normal_adult(result: &StoredResult) -> bool {
    let day = result.seen.gradings.graded_time.instant.to_zoned(TimeZone::UTC).date();
    let adult = result.seen.patient.dob.is_some_and(|dob| narrative::age(dob, day) > 18);
    adult && result.basis.assessment.severity == Some(Rated::Normal)
}
