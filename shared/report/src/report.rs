//! The content of a report: a view of a graded order, named as in the published OrderResult (iris-facts §5), with
//! everything already decided. Nothing here is looked up, derived from a clock or fetched.
//!
//! Text may contain anything: it is cleaned and capped when it is put on a page (see [`crate::Limits`]).

use std::sync::Arc;

use iris_results::{Chip, SaidEye};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::EvaluationType;
pub use iris_model::ResultCode;

/// A graded order, ready to print.
#[derive(Clone, Debug)]
pub struct Report {
    /// Exam types of the order; the first decides the template. Must not be empty: an empty list is treated as `DR`.
    pub evaluation_types: Vec<EvaluationType>,
    /// Whether this is a first, corrected or resent report.
    pub result_code: ResultCode,
    /// Who sends the report.
    pub letterhead: Letterhead,
    /// Whom it is about.
    pub patient: Patient,
    /// The order it answers.
    pub order: Order,
    /// Who ordered the exam.
    pub ordering_provider: Option<Provider>,
    /// Who referred the patient.
    pub referring_provider: Option<Provider>,
    /// The patient's plan.
    pub health_plan: HealthPlan,
    /// Right eye.
    pub od: EyeReport,
    /// Left eye.
    pub os: EyeReport,
    /// What should happen next.
    pub care_plan: Option<CarePlan>,
    /// The submitted diagnosis first, then generated codes, in the order in which to list them (iris-facts §9.7.1).
    pub diagnoses: Vec<Diagnosis>,
    /// The edition of the codes, in a sentence.
    pub code_edition: Option<String>,
    /// The grader's notes, oldest first.
    pub notes: Vec<String>,
    /// Who graded, and when.
    pub grader: Option<Grader>,
    /// The site's disclaimer; the standard one if unset.
    pub disclaimer: Option<String>,
    /// The date that the document carries. The same input gives the same bytes.
    pub issued: Timestamp,
    /// The time zone of the place where the exam took place.
    pub time_zone: Option<TimeZone>,
}

/// The sender, shown at the top.
#[derive(Clone, Debug, Default)]
pub struct Letterhead {
    /// Name of the organization.
    pub organization: String,
    /// Name of the site (Client), `CLINIC_NAME`.
    pub site: String,
    /// Address of the site, one line each.
    pub address: Vec<String>,
    /// Telephone number for questions.
    pub phone: Option<String>,
    /// PNG or JPEG, at most 256 kB and 1,000 pixels a side.
    pub logo: Option<Arc<[u8]>>,
}

/// Patient of the order.
#[derive(Clone, Debug)]
pub struct Patient {
    /// MRN.
    pub local_id: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Birth date.
    pub dob: Option<Date>,
    /// Gender in words, such as `Female`.
    pub gender: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

/// The order.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// IRIS order id (PatientOrderId).
    pub iris_order_id: i64,
    /// The submitter's id.
    pub local_id: Option<String>,
    /// When the order was received.
    pub created: Option<Moment>,
    /// When the exam was planned.
    pub scheduled: Option<Moment>,
    /// When the exam was done (ServicedTime).
    pub serviced: Option<Moment>,
    /// EncounterNumber.
    pub encounter_number: Option<String>,
    /// DepartmentId.
    pub department_id: Option<String>,
    /// OrderableIdentifier.
    pub orderable_identifier: Option<String>,
    /// AdditionalInfo of the order.
    pub additional_info: Option<String>,
}

/// A provider named in the report.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Degrees, such as `MD`.
    pub degrees: Option<String>,
    /// NPI.
    pub npi: Option<String>,
    /// Taxonomy code.
    pub taxonomy: Option<String>,
}

/// Health plan values that templates may show.
#[derive(Clone, Debug, Default)]
pub struct HealthPlan {
    /// `HEALTHPLAN_MEMBERID`
    pub member_id: Option<String>,
    /// `HEALTHPLAN_POLICYNUMBER`
    pub policy_number: Option<String>,
    /// `HEALTHPLAN_GROUPNUMBER`
    pub group_number: Option<String>,
    /// `HEALTHPLAN_GROUPNAME`
    pub group_name: Option<String>,
    /// `HEALTHPLAN_INSURANCE_COMPANY_LOCALID`
    pub company_local_id: Option<String>,
    /// `HEALTHPLAN_INSURANCE_PLAN_ID`
    pub plan_id: Option<String>,
    /// `HEALTHPLAN_INSURANCE_PLAN_NAME`
    pub plan_name: Option<String>,
}

/// One eye: what is said about it, and its picture.
#[derive(Clone, Debug)]
pub struct EyeReport {
    /// What is said about it.
    pub said: SaidEye,
    /// The image chosen for the report; also shown for an eye that could not be graded.
    pub image: Option<EyeImage>,
}

/// A moment on a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A point in time; shown in the report's time zone, or in UTC if there is none.
    At(Timestamp),
    /// A local time at the exam's location.
    Local(DateTime),
}

/// Image of an eye.
#[derive(Clone, Debug)]
pub struct EyeImage {
    /// A JPEG or PNG file. Any other file is left out with a notice.
    pub bytes: Arc<[u8]>,
    /// When it was taken, in local time.
    pub taken: Option<DateTime>,
}

/// Care plan of the order.
#[derive(Clone, Debug)]
pub struct CarePlan {
    /// CarePlanName.
    pub name: String,
    /// CarePlanDescription: instructions in plain words.
    pub description: String,
    /// How pressing the plan is; determines its color and the word beside it.
    pub chip: Chip,
}

/// A diagnosis.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// ICD-10-CM code, with or without its dot.
    pub code: String,
    /// Its description.
    pub description: String,
}

/// Who interpreted the images.
#[derive(Clone, Debug)]
pub struct Grader {
    /// The grader; for software, its name as last name.
    pub provider: Provider,
    /// When the grading was submitted (GradedTime).
    pub graded: Timestamp,
}
