//! A result in the published columns (iris-facts §8.1; decision 224).

use iris_model::grading::{FindingEntry, Note};
use iris_model::request::{Name, Provider};
use iris_model::result::{EyeSideGrading, Gradings, OrderResult};
use iris_model::{EvaluationType, OrderStatus};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The columns, in the published order. The exact header of the nineteenth is not published.
pub const HEADERS: [&str; 24] = [
    "Order Id",
    "Scheduled Date",
    "Order Status",
    "Evaluation Type(s)",
    "Exam Location",
    "Patient Name",
    "Patient Gender",
    "Patient DOB",
    "Patient MRN",
    "Patient Phone Number",
    "Camera Operator",
    "Ordering Provider",
    "Interpreting Provider",
    "Interpretation Date",
    "Findings",
    "Diagnoses",
    "CPT",
    "Care Plan",
    "Original Images",
    "Camera Operator Notes",
    "Interpreting Provider Notes",
    "Results Sent Date",
    "Order State",
    "Order Creation Source",
];

/// The cells of a result, one for each of [`HEADERS`].
pub type Row = [String; 24];

/// The value of the last column of [`HEADERS`]. `Manual` is published for orders entered on a device; here all orders
/// come through interfaces.
const SOURCE: &str = "Integration";

/// Separates several values in a cell.
const BETWEEN: &str = "|";

/// Writes a result as a row. `sent` is when all recipients had received it, if they have. Times are local to the zone
/// and do not name it, because spreadsheets cannot read zones.
#[must_use]
pub fn row(result: &OrderResult, sent: Option<Timestamp>, zone: &TimeZone) -> Row {
    let OrderResult { order, site, patient, gradings, image_details: images, .. } = result;
    let operator = result.camera_operator.as_ref();
    let originals = u64::from(images.right_eye_original_count) + u64::from(images.left_eye_original_count);
    [
        order.patient_order_id.to_string(),
        order.scheduled_time.map(|time| time.to_string().replace('T', " ")).unwrap_or_default(),
        OrderStatus::code(order.status).to_owned(),
        list(order.evaluation_types.iter().copied().map(EvaluationType::code)),
        one_line(site.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&site.local_id)),
        patient.name.as_ref().map(name).unwrap_or_default(),
        patient.gender.map(|gender| gender.code().to_owned()).unwrap_or_default(),
        patient.dob.map(|dob| dob.to_string()).unwrap_or_default(),
        one_line(&patient.local_id),
        optional(patient.phone.as_deref()),
        operator
            .and_then(|operator| operator.name.as_ref().map(name).filter(|name| !name.is_empty()))
            .unwrap_or_else(|| optional(operator.and_then(|operator| operator.user_name.as_deref()))),
        result.ordering_provider.as_ref().map(provider).unwrap_or_default(),
        gradings.provider.as_ref().map(provider).unwrap_or_default(),
        written(gradings.graded_time.instant, zone),
        findings(gradings),
        list(gradings.dx_codes.iter().map(String::as_str)),
        optional(result.cpt.as_ref().and_then(|cpt| cpt.code.as_deref())),
        one_line(&gradings.care_plan_name),
        originals.to_string(),
        notes(operator.map(|operator| operator.notes.as_slice()).unwrap_or_default()),
        notes(&gradings.notes),
        sent.map(|sent| written(sent, zone)).unwrap_or_default(),
        one_line(&order.state),
        SOURCE.to_owned(),
    ]
}

/// A row must be a single line for every tool.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn optional(text: Option<&str>) -> String {
    text.map(one_line).unwrap_or_default()
}

/// The entries of a list; the separator is removed from the values.
fn list<'a>(entries: impl Iterator<Item = &'a str>) -> String {
    entries.map(|text| one_line(text).replace(BETWEEN, "/")).collect::<Vec<_>>().join(BETWEEN)
}

fn notes(notes: &[Note]) -> String {
    list(notes.iter().filter_map(|note| note.text.as_deref()))
}

fn name(name: &Name) -> String {
    let parts = [&name.first, &name.middle, &name.last].into_iter().map(|part| optional(part.as_deref()));
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// `Sample Grader, OD (NPI 9000000007)`.
fn provider(provider: &Provider) -> String {
    let mut words = provider.name.as_ref().map(name).unwrap_or_default();
    let degrees = optional(provider.degrees.as_deref());
    if !words.is_empty() && !degrees.is_empty() {
        words = format!("{words}, {degrees}");
    }
    match (words.is_empty(), optional(provider.npi.as_deref())) {
        (_, npi) if npi.is_empty() => words,
        (true, npi) => format!("NPI {npi}"),
        (false, npi) => format!("{words} (NPI {npi})"),
    }
}

/// `OD: Diabetic Retinopathy: Moderate|OS: Not gradable: Blurred`, with the right eye first.
fn findings(gradings: &Gradings) -> String {
    let eyes = [("OD", &gradings.od), ("OS", &gradings.os)];
    let all = eyes.into_iter().filter_map(|(eye, side)| Some((eye, side.as_ref()?)));
    let all: Vec<String> = all.flat_map(|(eye, side)| said(side).map(move |text| format!("{eye}: {text}"))).collect();
    list(all.iter().map(String::as_str))
}

/// What a result says of an eye.
fn said(side: &EyeSideGrading) -> impl Iterator<Item = String> {
    let missing = optional(side.missing_eye_reason.as_deref());
    let reasons: Vec<String> = side.ungradable_reasons.iter().map(|reason| one_line(reason)).collect();
    let state = if !missing.is_empty() {
        Some(format!("Missing: {missing}"))
    } else if side.gradable {
        None
    } else if reasons.is_empty() {
        Some("Not gradable".to_owned())
    } else {
        Some(format!("Not gradable: {}", reasons.join(", ")))
    };
    state.into_iter().chain(side.findings.iter().map(entry))
}

fn entry(entry: &FindingEntry) -> String {
    let (finding, result) = (optional(entry.finding.as_deref()), optional(entry.result.as_deref()));
    if result.is_empty() { finding } else { format!("{finding}: {result}") }
}

/// `2026-11-21 09:30:00` in the zone.
fn written(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
