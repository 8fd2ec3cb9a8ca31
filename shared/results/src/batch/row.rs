//! A result in the published columns (iris-facts §8.1; decision 224).
//!
//! A row is made from the stored document by the published property names, so documents of older versions can be read
//! as long as those names exist.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

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
pub fn row(document: &Value, sent: Option<Timestamp>, zone: &TimeZone) -> Row {
    let text = |pointer: &str| text(document, pointer);
    let time = |pointer: &str| {
        document.pointer(pointer).and_then(Value::as_str).map(|text| local(text, zone)).unwrap_or_default()
    };
    let originals = ["/ImageDetails/RightEyeOriginalCount", "/ImageDetails/LeftEyeOriginalCount"];
    let originals: u64 = originals.iter().filter_map(|pointer| document.pointer(pointer)?.as_u64()).sum();
    [
        text("/Order/PatientOrderId"),
        text("/Order/ScheduledTime").replace('T', " "),
        text("/Order/Status"),
        list(document, "/Order/EvaluationTypes", |value| value.as_str().map(str::to_owned)),
        either(text("/Site/Name"), || text("/Site/LocalId")),
        name(document.pointer("/Patient/Name")),
        text("/Patient/Gender"),
        text("/Patient/Dob"),
        text("/Patient/LocalId"),
        text("/Patient/Phone"),
        either(name(document.pointer("/CameraOperator/Name")), || text("/CameraOperator/UserName")),
        provider(document.pointer("/OrderingProvider")),
        provider(document.pointer("/Gradings/Provider")),
        time("/Gradings/GradedTime"),
        findings(document),
        list(document, "/Gradings/DxCodes", |value| value.as_str().map(str::to_owned)),
        text("/Cpt/Code"),
        text("/Gradings/CarePlanName"),
        originals.to_string(),
        list(document, "/CameraOperator/Notes", note),
        list(document, "/Gradings/Notes", note),
        sent.map(|sent| written(sent, zone)).unwrap_or_default(),
        text("/Order/State"),
        SOURCE.to_owned(),
    ]
}

fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => one_line(text),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// A row must be a single line for every tool.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn either(first: String, second: impl FnOnce() -> String) -> String {
    if first.is_empty() { second() } else { first }
}

/// The entries of a list; the separator is removed from the values.
fn list(document: &Value, pointer: &str, entry: impl Fn(&Value) -> Option<String>) -> String {
    let entries = document.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(entry).map(|text| one_line(&text).replace(BETWEEN, "/")).collect::<Vec<_>>().join(BETWEEN)
}

fn note(note: &Value) -> Option<String> {
    note.get("Text").and_then(Value::as_str).map(str::to_owned)
}

fn name(name: Option<&Value>) -> String {
    let part = |key: &str| name.and_then(|name| name.get(key)).and_then(Value::as_str).map(one_line);
    let parts = ["First", "Middle", "Last"].into_iter().filter_map(part).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// `Sample Grader, OD (NPI 9000000007)`.
fn provider(provider: Option<&Value>) -> String {
    let Some(provider) = provider else { return String::new() };
    let mut words = name(provider.get("Name"));
    let degrees = text(provider, "/Degrees");
    if !words.is_empty() && !degrees.is_empty() {
        words = format!("{words}, {degrees}");
    }
    match (words.is_empty(), text(provider, "/NPI")) {
        (_, npi) if npi.is_empty() => words,
        (true, npi) => format!("NPI {npi}"),
        (false, npi) => format!("{words} (NPI {npi})"),
    }
}

/// `OD: Diabetic Retinopathy: Moderate|OS: Not gradable: Blurred`, with the right eye first.
fn findings(document: &Value) -> String {
    let mut all = Vec::new();
    for eye in ["OD", "OS"] {
        let Some(side) = document.pointer("/Gradings").and_then(|gradings| gradings.get(eye)) else { continue };
        let is_gradable = side.get("Gradable").and_then(Value::as_bool).unwrap_or_default();
        let missing = text(side, "/MissingEyeReason");
        if !missing.is_empty() {
            all.push(format!("{eye}: Missing: {missing}"));
        } else if !is_gradable {
            let reasons = list(side, "/UngradableReasons", |value| value.as_str().map(str::to_owned));
            let reasons = reasons.replace(BETWEEN, ", ");
            all.push(if reasons.is_empty() {
                format!("{eye}: Not gradable")
            } else {
                format!("{eye}: Not gradable: {reasons}")
            });
        }
        for entry in side.get("Findings").and_then(Value::as_array).into_iter().flatten() {
            let (finding, result) = (text(entry, "/Finding"), text(entry, "/Result"));
            all.push(if result.is_empty() {
                format!("{eye}: {finding}")
            } else {
                format!("{eye}: {finding}: {result}")
            });
        }
    }
    all.iter().map(|text| text.replace(BETWEEN, "/")).collect::<Vec<_>>().join(BETWEEN)
}

/// A time from the document, in the zone; text that is not a time stays as it is.
fn local(text: &str, zone: &TimeZone) -> String {
    match text.parse::<Timestamp>() {
        Ok(time) => written(time, zone),
        Err(_) => one_line(text),
    }
}

/// `2026-11-21 09:30:00` in the zone.
fn written(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
