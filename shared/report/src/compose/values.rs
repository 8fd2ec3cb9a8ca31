//! Text tokens → text.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::clean;
use crate::evaluation::title;
use crate::report::{EyeReport, Moment, Provider, Report, ResultCode};
use crate::{EvaluationType, Token};
use iris_results::Chip;

const DISCLAIMER: &str = "This exam looks at images of the retina. It does not replace a complete eye exam; findings should be \
                          confirmed by an ophthalmic examination. If your sight changes suddenly, seek care at once.";

/// Value of a text token; `None` when unset. Block tokens have none.
pub(super) fn value(token: Token, report: &Report) -> Option<String> {
    let (patient, order, plan) = (&report.patient, &report.order, &report.health_plan);
    match token {
        Token::PatientName => full_name(&patient.first_name, &patient.last_name),
        Token::PatientAge => age(report).map(|years| years.to_string()),
        Token::PatientGender => set(patient.gender.as_deref()),
        Token::PatientDob => patient.dob.map(date),
        Token::PatientMrn | Token::PatientLocalId => set(Some(&patient.local_id)),
        Token::PatientPhone => set(patient.phone.as_deref()),
        Token::HealthPlanMemberId => set(plan.member_id.as_deref()),
        Token::HealthPlanPolicyNumber => set(plan.policy_number.as_deref()),
        Token::HealthPlanGroupNumber => set(plan.group_number.as_deref()),
        Token::HealthPlanGroupName => set(plan.group_name.as_deref()),
        Token::HealthPlanCompanyLocalId => set(plan.company_local_id.as_deref()),
        Token::HealthPlanPlanId => set(plan.plan_id.as_deref()),
        Token::HealthPlanPlanName => set(plan.plan_name.as_deref()),
        Token::Disclaimer => Some(free(report.disclaimer.as_deref()).unwrap_or_else(|| DISCLAIMER.to_owned())),
        Token::ClinicName => set(Some(&report.letterhead.site)),
        Token::OrderDate => order.created.map(|moment| when(moment, report)),
        Token::OrderScheduledDate => order.scheduled.map(|moment| when(moment, report)),
        Token::OrderingProviderName => report.ordering_provider.as_ref().and_then(provider_name),
        Token::ReferringProviderName => report.referring_provider.as_ref().and_then(provider_name),
        Token::EncounterNumber => set(order.encounter_number.as_deref()),
        Token::OrderLocalId => set(order.local_id.as_deref()),
        Token::PatientOrderInfo => free(order.additional_info.as_deref()),
        Token::OrderableIdentifier => set(order.orderable_identifier.as_deref()),
        Token::DepartmentLocalId => set(order.department_id.as_deref()),
        Token::ExamName => Some(exam_name(report)),
        Token::ExamDate => order.serviced.map(|moment| when(moment, report)),
        Token::EyesExamined => Some(eyes(report).to_owned()),
        Token::OrderId => Some(order.iris_order_id.to_string()),
        Token::ResultStatus => match report.result_code {
            ResultCode::Preliminary => Some("Preliminary report".to_owned()),
            ResultCode::Addendum => Some("Addendum to an earlier report".to_owned()),
            ResultCode::Correction => Some("Corrected report: replaces the earlier one".to_owned()),
            ResultCode::Final | ResultCode::Resend => None,
        },
        Token::GraderSignature
        | Token::CarePlan
        | Token::ExamAbout
        | Token::RightEyeFindings
        | Token::LeftEyeFindings
        | Token::RightEyeImage
        | Token::LeftEyeImage
        | Token::Letterhead
        | Token::RightEyeResult
        | Token::LeftEyeResult
        | Token::Diagnoses
        | Token::GraderNotes => None,
    }
}

/// A one-line value; `None` if it is blank.
pub(super) fn set(value: Option<&str>) -> Option<String> {
    value.map(clean::line).filter(|text| !text.is_empty())
}

/// A free text; `None` if it is blank.
pub(super) fn free(value: Option<&str>) -> Option<String> {
    value.map(clean::text).filter(|text| !text.is_empty())
}

/// First and last name.
pub(super) fn full_name(first: &str, last: &str) -> Option<String> {
    let (first, last) = (clean::line(first), clean::line(last));
    let name = format!("{first} {last}");
    set(Some(&name))
}

/// The name of a provider, with degrees.
pub(super) fn provider_name(provider: &Provider) -> Option<String> {
    let name = full_name(&provider.first_name, &provider.last_name)?;
    Some(match set(provider.degrees.as_deref()) {
        Some(degrees) => format!("{name}, {degrees}"),
        None => name,
    })
}

/// What was examined: the exam, or all exams of an order with several.
pub(super) fn exam_name(report: &Report) -> String {
    let mut titles: Vec<&str> = Vec::new();
    for kind in &report.evaluation_types {
        if !titles.contains(&title(*kind)) {
            titles.push(title(*kind));
        }
    }
    if titles.is_empty() {
        titles.push(title(EvaluationType::Dr));
    }
    titles.join(" · ")
}

fn eyes(report: &Report) -> &'static str {
    let examined = |eye: &EyeReport| eye.said.chip != Chip::NotExamined;
    match (examined(&report.od), examined(&report.os)) {
        (true, true) => "Both eyes",
        (true, false) => "Right eye",
        (false, true) => "Left eye",
        (false, false) => "None",
    }
}

/// Age in full years at the exam, or otherwise when the report was issued.
fn age(report: &Report) -> Option<i16> {
    let exam = match report.order.serviced.unwrap_or(Moment::At(report.issued)) {
        Moment::At(instant) => instant.to_zoned(zone(report)).date(),
        Moment::Local(time) => time.date(),
    };
    let born = report.patient.dob?;
    let had_birthday = (exam.month(), exam.day()) >= (born.month(), born.day());
    let years = exam.year() - born.year() - i16::from(!had_birthday);
    (years >= 0).then_some(years)
}

/// `Nov 3, 2026`: day and month cannot be mixed up.
pub(super) fn date(date: Date) -> String {
    strtime::format("%b %-d, %Y", date).unwrap_or_else(|_| date.to_string())
}

/// `Nov 3, 2026, 9:05 AM`
pub(super) fn date_time(time: DateTime) -> String {
    strtime::format("%b %-d, %Y, %-I:%M %p", time).unwrap_or_else(|_| time.to_string())
}

/// `Nov 3, 2026, 9:05 AM PST`, in the zone of the exam; without a zone if it is unknown.
pub(super) fn when(moment: Moment, report: &Report) -> String {
    let zoned = match (moment, &report.time_zone) {
        (Moment::At(instant), _) => instant.to_zoned(zone(report)),
        (Moment::Local(time), Some(zone)) => match time.to_zoned(zone.clone()) {
            Ok(zoned) => zoned,
            Err(_) => return date_time(time),
        },
        (Moment::Local(time), None) => return date_time(time),
    };
    strtime::format("%b %-d, %Y, %-I:%M %p %Z", &zoned).unwrap_or_else(|_| zoned.to_string())
}

/// `Nov 3, 2026, 14:05:09 PST`
pub(super) fn instant(instant: Timestamp, report: &Report) -> String {
    strtime::format("%b %-d, %Y, %H:%M:%S %Z", &instant.to_zoned(zone(report))).unwrap_or_else(|_| instant.to_string())
}

fn zone(report: &Report) -> TimeZone {
    report.time_zone.clone().unwrap_or(TimeZone::UTC)
}
