//! What messages are made of. Plain data, filled in by code that knows orders and results.

use crate::version::Version;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Everything a message may say. Empty texts are unknown values.
#[derive(Debug, Clone)]
pub struct Content {
    /// MSH-3 to MSH-6.
    pub names: Names,
    /// The time of the message.
    pub now: Timestamp,
    /// The zone that times are written in.
    pub zone: TimeZone,
    /// MSH-10.
    pub control_id: String,
    /// MSH-11.
    pub environment: Environment,
    /// MSH-12.
    pub version: Version,
    /// Whom it is about.
    pub patient: Patient,
    /// What was ordered.
    pub order: Order,
    /// Where.
    pub site: Site,
    /// Who ordered.
    pub ordering: Provider,
    /// Who graded.
    pub grader: Provider,
    /// When the images were taken.
    pub captured: Option<Timestamp>,
    /// When the grading was signed.
    pub graded: Option<Timestamp>,
    /// Final, or corrected where that is asked for.
    pub status: Status,
    /// The order's severity; `None` if all of it is ungradable.
    pub severity: Option<Severity>,
    /// The submitted diagnosis first, then the generated codes.
    pub diagnoses: Vec<Diagnosis>,
    /// Discrete results, in the order they are sent.
    pub findings: Vec<Finding>,
    /// The narrative, line by line.
    pub lines: Vec<String>,
    /// The images.
    pub images: Vec<Image>,
    /// The report.
    pub report: Report,
    /// The document's own id.
    pub document: String,
    /// The professional component, or the exam as a whole.
    pub charge: Billed,
    /// The technical component, where it is charged separately.
    pub technical: Billed,
    /// The quality code for a normal result (CPT II): its modifiers, if it applies.
    pub quality: Option<Vec<&'static str>>,
}

/// MSH-3 to MSH-6.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// MSH-3.
    pub sending_application: String,
    /// MSH-4.
    pub sending_facility: String,
    /// MSH-5.
    pub receiving_application: String,
    /// MSH-6.
    pub receiving_facility: String,
}

/// MSH-11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Environment {
    /// `P`
    Production,
    /// `T`
    #[default]
    Test,
}

/// Whether a result replaces an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// `F`
    #[default]
    Final,
    /// `C`
    Corrected,
}

/// Whom a message is about. There is deliberately no social security number.
#[derive(Debug, Clone, Default)]
pub struct Patient {
    /// The submitter's id.
    pub mrn: String,
    /// Family name.
    pub last: String,
    /// Given name.
    pub first: String,
    /// Middle name.
    pub middle: String,
    /// Birth date.
    pub dob: Option<Date>,
    /// `M`, `F`, or another code.
    pub sex: String,
}

/// What was ordered.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// The submitter's number.
    pub placer: String,
    /// Our number.
    pub iris: String,
    /// The encounter.
    pub encounter: String,
    /// The submitter's department.
    pub department: String,
    /// OBR-4 of the order.
    pub procedure: Procedure,
}

/// OBR-4.
#[derive(Debug, Clone, Default)]
pub struct Procedure {
    /// Component 1.
    pub code: String,
    /// Component 2.
    pub text: String,
    /// Component 3.
    pub system: String,
    /// Component 5.
    pub alternate: String,
}

/// Where the exam was.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// The submitter's id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A person who ordered or graded.
#[derive(Debug, Clone, Default)]
pub struct Provider {
    /// National provider identifier.
    pub npi: String,
    /// Family name.
    pub last: String,
    /// Given name.
    pub first: String,
    /// Title before the name.
    pub prefix: String,
    /// What follows the name (`Jr.`).
    pub suffix: String,
    /// `MD`, `OD`.
    pub credential: String,
    /// Taxonomy code.
    pub taxonomy: String,
    /// The full name as people read it.
    pub display: String,
}

/// `SEVERITY` of a result.
#[derive(Debug, Clone, Default)]
pub struct Severity {
    /// `NORMAL`, `ABNORMAL`, `CRITICAL`.
    pub value: String,
    /// Empty, `A`, `AA`.
    pub flag: String,
}

/// A diagnosis.
#[derive(Debug, Clone, Default)]
pub struct Diagnosis {
    /// ICD-10-CM.
    pub code: String,
    /// What it means.
    pub text: String,
}

/// A discrete result.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    /// `RIGHTDIABRETIN`.
    pub identifier: String,
    /// `Mild`.
    pub value: String,
    /// Empty, `A`, `AA`.
    pub flag: String,
    /// Whether it is about the images of an eye, not about the eye.
    pub quality: bool,
}

/// An image.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// `OD` or `OS`.
    pub eye: String,
}

/// The report.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The PDF in base64, without line breaks.
    pub pdf: String,
    /// Where it can be seen.
    pub url: String,
}

/// What is charged for one component.
#[derive(Debug, Clone, Default)]
pub struct Billed {
    /// CPT.
    pub code: String,
    /// What it means.
    pub text: String,
    /// See [`modifiers`].
    pub modifiers: Vec<&'static str>,
}

/// How many of the uploaded images are ungradable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ungradable {
    /// None.
    None,
    /// Some.
    Some,
    /// All.
    All,
}

/// The modifiers of a charge (iris-facts §9.5): the component's own (`26` professional, `TC` technical), if components
/// are charged by modifier, then `NC` (all images ungradable, not chargeable) or `52` (some are).
#[must_use]
pub fn modifiers(component: Option<&'static str>, ungradable: Ungradable) -> Vec<&'static str> {
    let reduced = match ungradable {
        Ungradable::None => None,
        Ungradable::Some => Some("52"),
        Ungradable::All => Some("NC"),
    };
    component.into_iter().chain(reduced).collect()
}

impl Content {
    /// A sample: every value is present, differs from all others, and contains every delimiter, so that a message built
    /// from it shows what is missing, swapped or not escaped. No such patient exists.
    #[must_use]
    pub fn sample() -> Self {
        let hard = |name: &str| format!("{name}|^~\\& é");
        let provider = |name: &str| Provider {
            npi: hard(&format!("{name} npi")),
            last: hard(&format!("{name} last")),
            first: hard(&format!("{name} first")),
            prefix: hard(&format!("{name} prefix")),
            suffix: hard(&format!("{name} suffix")),
            credential: hard(&format!("{name} credential")),
            taxonomy: hard(&format!("{name} taxonomy")),
            display: hard(&format!("{name} display")),
        };
        let billed = |name: &str, modifiers| Billed {
            code: hard(&format!("{name} code")),
            text: hard(&format!("{name} text")),
            modifiers,
        };
        let finding = |n: u8, quality| Finding {
            identifier: hard(&format!("identifier {n}")),
            value: hard(&format!("value {n}")),
            flag: hard(&format!("flag {n}")),
            quality,
        };
        let diagnosis = |n: u8| Diagnosis { code: format!("E11{n}"), text: hard(&format!("diagnosis {n}")) };
        Self {
            names: Names {
                sending_application: hard("sending application"),
                sending_facility: hard("sending facility"),
                receiving_application: hard("receiving application"),
                receiving_facility: hard("receiving facility"),
            },
            now: Timestamp::from_second(1_780_000_000).unwrap_or_default(),
            zone: TimeZone::UTC,
            control_id: "26052820264000017".to_owned(),
            environment: Environment::Test,
            version: Version::V2_5_1,
            patient: Patient {
                mrn: hard("mrn"),
                last: hard("last"),
                first: hard("first"),
                middle: hard("middle"),
                dob: Some(jiff::civil::date(1970, 2, 3)),
                sex: "F".to_owned(),
            },
            order: Order {
                placer: hard("placer"),
                iris: "900000001".to_owned(),
                encounter: hard("encounter"),
                department: hard("department"),
                procedure: Procedure {
                    code: hard("code"),
                    text: hard("text"),
                    system: hard("system"),
                    alternate: hard("alternate"),
                },
            },
            site: Site { id: hard("site"), name: hard("site name") },
            ordering: provider("ordering"),
            grader: provider("grader"),
            captured: Timestamp::from_second(1_779_900_000).ok(),
            graded: Timestamp::from_second(1_779_950_000).ok(),
            status: Status::Final,
            severity: Some(Severity { value: hard("severity"), flag: hard("severity flag") }),
            diagnoses: vec![diagnosis(9), diagnosis(3)],
            findings: vec![finding(1, false), finding(2, true)],
            lines: vec![hard("line 1"), String::new(), hard("line 3")],
            images: vec![
                Image { id: hard("image 1"), eye: "OD".to_owned() },
                Image { id: hard("image 2"), eye: "OS".to_owned() },
            ],
            report: Report {
                pdf: "JVBERi0xLjcK".to_owned(),
                url: "https://example.invalid/?order=1&asPdf=True".to_owned(),
            },
            document: hard("document"),
            charge: billed("charge", vec!["26", "52"]),
            technical: billed("technical", vec!["TC", "52"]),
            quality: Some(vec!["NC"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_modifiers() {
        let cases = [
            (Some("26"), Ungradable::None, vec!["26"]),
            (Some("26"), Ungradable::All, vec!["26", "NC"]),
            (Some("26"), Ungradable::Some, vec!["26", "52"]),
            (Some("TC"), Ungradable::All, vec!["TC", "NC"]),
            (None, Ungradable::None, vec![]),
            (None, Ungradable::All, vec!["NC"]),
            (None, Ungradable::Some, vec!["52"]),
        ];
        for (component, ungradable, expected) in cases {
            assert_eq!(modifiers(component, ungradable), expected);
        }
    }
}
