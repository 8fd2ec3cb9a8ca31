//! Whether data about people can be true: birth dates, codes, provider identifiers (decisions 13 to 15).

use super::Review;
use crate::issue::quoted;
use crate::value::{self, residue};
use crate::{Issue, IssueCode};
use jiff::civil::{Date, date};

/// Nobody who is examined was born before this day (decision 15).
const EARLIEST_BIRTH: Date = date(1900, 1, 1);

/// Nobody has an appointment before this day; an earlier one has a truncated or mistyped year.
const EARLIEST_APPOINTMENT: Date = date(1900, 1, 1);
/// An appointment before this day, or further ahead than these years, is worth a look.
const USUAL_APPOINTMENTS: (Date, i16) = (date(2000, 1, 1), 10);

/// HL7 race codes as published (iris-facts §3.7).
const RACES: &[&str] = &["1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2131-1"];
/// HL7 ethnicity codes as published (iris-facts §3.8), and the two most used: Hispanic or Latino, or not.
const ETHNICITIES: &[&str] = &["2135-2", "2137-8", "2148-5", "2149-3", "2155-0", "2180-8", "2182-4", "2186-5"];

pub(super) fn check(review: &mut Review<'_>) {
    birth_date(review);
    appointment(review);
    phone(review);
    procedure(review);
    codes(review);
    diagnosis(review);
    providers(review);
    plan_dates(review);
}

fn birth_date(review: &mut Review<'_>) {
    let Some(born) = review.request.patient.as_ref().and_then(|patient| patient.dob) else { return };
    if born > review.context.origin.today {
        review.error(
            IssueCode::ImplausibleDate,
            "Patient.Dob",
            format!("The birth date {born} is in the future. Correct it."),
        );
    } else if born < EARLIEST_BIRTH {
        review.error(
            IssueCode::ImplausibleDate,
            "Patient.Dob",
            format!("The birth date {born} is before 1900. Correct it."),
        );
    }
}

fn appointment(review: &mut Review<'_>) {
    let Some(scheduled) = review.request.order.as_ref().and_then(|order| order.scheduled_time) else { return };
    let (from, years) = USUAL_APPOINTMENTS;
    let day = scheduled.date();
    if day < EARLIEST_APPOINTMENT {
        let message = format!("The appointment on {day} is before 1900. Correct its year.");
        review.error(IssueCode::ImplausibleDate, "Order.ScheduledTime", message);
    } else if day < from || day.year() > review.context.origin.today.year().saturating_add(years) {
        let message = format!("The appointment is on {day}. Make sure that its year is right.");
        review.warn(IssueCode::ImplausibleDate, "Order.ScheduledTime", message);
    }
}

/// Drops the fraction of zero that some programs add to whole numbers.
fn phone(review: &mut Review<'_>) {
    let Some(phone) = review.request.patient.as_mut().and_then(|patient| patient.phone.as_mut()) else { return };
    if let Some(digits) = residue::without_fraction(phone) {
        *phone = digits.to_owned();
    }
}

fn procedure(review: &mut Review<'_>) {
    let Some(code) = review.request.order.as_ref().and_then(|order| order.cpt_code.as_deref()) else { return };
    if !value::is_procedure_code(code) {
        let message =
            format!("{} is not a CPT code; it is kept as it is. Send one code of five characters.", quoted(code));
        review.warn(IssueCode::UnlistedCode, "Order.CPTCode", message);
    }
}

fn codes(review: &mut Review<'_>) {
    let Some(patient) = &review.request.patient else { return };
    let listed = [
        ("Patient.Race", &patient.race, "race", (|code| RACES.contains(&code)) as fn(&str) -> bool),
        ("Patient.Ethnicity", &patient.ethnicity, "ethnicity", |code| ETHNICITIES.contains(&code)),
        ("Patient.PrimaryLanguage", &patient.primary_language, "language", is_language_tag),
    ];
    for (path, code, what, is_listed) in listed {
        if let Some(code) = code
            && !is_listed(code)
        {
            let message = format!("{} is not one of the usual {what} codes; it is kept as it is.", quoted(code));
            review.issues.push(Issue::warning(IssueCode::UnlistedCode, path, message));
        }
    }
}

/// `en`, `en-US`, `zh-Hans-CN`: two or three letters, then parts of two to eight letters or digits.
fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn diagnosis(review: &mut Review<'_>) {
    let Some(sent) = review.request.patient.as_mut().and_then(|patient| patient.dx_code.as_mut()) else { return };
    match value::diagnosis_code(sent) {
        Ok(code) => {
            if !value::is_known_diagnosis(&code) {
                let message = format!("ICD-10-CM has no category for {}. Check the code.", quoted(&code));
                review.issues.push(Issue::warning(IssueCode::ImplausibleValue, "Patient.DxCode", message));
            }
            *sent = code;
        }
        Err(error) => review.issues.push(error.at("Patient.DxCode")),
    }
}

fn providers(review: &mut Review<'_>) {
    let Review { request, issues, .. } = review;
    let plan = request.health_plan.as_mut().and_then(|plan| plan.primary_care_provider.as_mut());
    let sent = [
        ("OrderingProvider.NPI", request.ordering_provider.as_mut().map(|provider| &mut provider.npi)),
        ("ReferringProvider.NPI", request.referring_provider.as_mut().map(|provider| &mut provider.npi)),
        ("CameraOperator.NPI", request.camera_operator.as_mut().map(|provider| &mut provider.npi)),
        ("HealthPlan.PrimaryCareProvider.NPI", plan.map(|provider| &mut provider.npi)),
    ];
    for (path, npi) in sent {
        let Some(npi) = npi.and_then(Option::as_mut) else { continue };
        match value::npi(npi) {
            Err(error) => issues.push(error.at(path)),
            Ok(digits) => {
                if !value::npi_check_digit_ok(&digits) {
                    let message = format!(
                        "The check digit of NPI {} does not fit. Make sure it was typed correctly.",
                        quoted(&digits)
                    );
                    issues.push(Issue::warning(IssueCode::NpiCheckDigit, path, message));
                }
                *npi = digits;
            }
        }
    }
}

fn plan_dates(review: &mut Review<'_>) {
    let Some(plan) = &review.request.health_plan else { return };
    if let (Some(from), Some(to)) = (plan.effective_date, plan.expiration_date)
        && to < from
    {
        let message = format!("The plan ends on {to}, before it begins on {from}. Check both dates.");
        review.warn(IssueCode::ImplausibleDate, "HealthPlan.ExpirationDate", message);
    }
}
