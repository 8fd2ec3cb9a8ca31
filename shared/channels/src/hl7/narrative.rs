//! The narrative, line by line (iris-facts §9.4.3). It uses the words of the report ([`Said`]), so that the two cannot
//! disagree.

use crate::Parcel;
use iris_results::{Said, SaidEye, icd};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Full years between two days.
pub(super) fn age(born: Date, day: Date) -> i16 {
    let had_birthday = (day.month(), day.day()) >= (born.month(), born.day());
    day.year() - born.year() - i16::from(!had_birthday)
}

pub(super) fn lines(parcel: &Parcel<'_>, zone: &TimeZone) -> Vec<String> {
    let result = parcel.result;
    let (seen, basis) = (&result.seen, &result.basis);
    let gradings = &seen.gradings;
    let name = seen.patient.name.clone().unwrap_or_default();
    let name = [name.first, name.last].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let exam = seen.order.serviced_time.unwrap_or(gradings.graded_time).instant.to_zoned(zone.clone());
    let day = |date: Date| date.strftime("%m-%d-%Y").to_string();
    let sex = seen.patient.gender.map(|gender| gender.code()).unwrap_or_default();
    let mut about = vec![name.clone()];
    if let Some(dob) = seen.patient.dob {
        about.push(format!("{} y/o {sex}", age(dob, exam.date())).trim_end().to_owned());
        about.push(format!("DOB: {}", day(dob)));
    }
    about.push(format!("MRN: {}", seen.patient.local_id));
    let site = seen.site.name.as_deref().unwrap_or(&seen.site.local_id);
    let mut lines = vec![format!("Retinal exam of {name}"), String::new(), about.join(", ")];
    lines.push(format!("{site}, exam of {}", day(exam.date())));
    lines.push(String::new());
    lines.push("Care plan:".to_owned());
    lines.push(format!("{}: {}", gradings.care_plan_name, gradings.care_plan_description));
    lines.push(String::new());
    let notes: Vec<&str> = gradings.notes.iter().filter_map(|note| note.text.as_deref()).collect();
    if notes.is_empty() {
        lines.push("No comments of the grader.".to_owned());
    }
    lines.extend(notes.iter().flat_map(|note| note.lines()).map(str::to_owned));
    let diagnoses = icd::listed(basis.submitted_diagnosis.as_deref(), &gradings.diagnosis_codes);
    let first = diagnoses.len();
    for (place, own) in diagnoses.into_iter().enumerate() {
        let label = if place == 0 { "Diagnoses: " } else { "" };
        lines.push(format!("{label}{} - {}", icd::dotted(&own.code), own.description));
    }
    if first > 0 {
        lines.push(String::new());
    }
    let missing = seen.order.missing_eye_reason.as_deref();
    let said = Said::of(&basis.assessment, result.evaluation_types(), missing);
    eye(&mut lines, "Right eye", &said.od);
    lines.push(String::new());
    eye(&mut lines, "Left eye", &said.os);
    lines.extend([String::new(), String::new()]);
    if let Some(grader) = &gradings.provider {
        let own = grader.name.clone().unwrap_or_default();
        let name = [own.last, own.first].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let signed = gradings.graded_time.instant.to_zoned(TimeZone::UTC).strftime("%m-%d-%Y %H:%M:%S UTC").to_string();
        lines.push([name, grader.degrees.clone().unwrap_or_default(), signed].join(" ").replace("  ", " "));
    }
    lines.push("Findings are to be confirmed by an ophthalmic examination.".to_owned());
    lines
}

fn eye(lines: &mut Vec<String>, label: &str, said: &SaidEye) {
    lines.push(format!("{label}: {}", said.sentence));
    lines.extend(said.lines.iter().map(|line| format!("{}: {}", line.label, line.value)));
}
