//! What is wrong with a submission, said so that the sender can put it right.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How bad an [`Issue`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Accepted, but worth a look.
    Warning,
    /// The submission is refused.
    Error,
}

/// One finding about one place of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// Stable code; each is explained in docs/ERRORS.md.
    pub code: IssueCode,
    /// Whether it refuses the submission.
    pub severity: Severity,
    /// Where: a JSON path in canonical names, `Patient.Dob`, `Camera.Images[2].Laterality`; empty for the whole
    /// submission.
    pub path: Cow<'static, str>,
    /// What is wrong and what to do, in one or two sentences for a person.
    pub message: Cow<'static, str>,
}

impl Issue {
    /// An issue that refuses the submission.
    pub fn error(code: IssueCode, path: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, severity: Severity::Error, path: path.into(), message: message.into() }
    }

    /// An issue that is reported while the submission is accepted.
    pub fn warning(code: IssueCode, path: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, severity: Severity::Warning, path: path.into(), message: message.into() }
    }

    /// True when it refuses the submission.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// A value as messages quote it: in quotation marks, control characters escaped, at most 40 characters.
#[must_use]
pub fn quoted(value: &str) -> String {
    const LIMIT: usize = 40;
    let mut quoted = String::with_capacity(value.len().min(LIMIT) + 5);
    quoted.push('"');
    let mut room = LIMIT;
    for character in value.chars() {
        let escaped = character.escape_debug();
        let length = escaped.len();
        if length > room {
            quoted.push('…');
            break;
        }
        room -= length;
        quoted.extend(escaped);
    }
    quoted.push('"');
    quoted
}

macro_rules! issue_codes {
    ($($(#[$meta:meta])* $variant:ident = $code:literal;)+) => {
        /// Every issue the platform can report. docs/ERRORS.md has a section per code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum IssueCode { $($(#[$meta])* #[serde(rename = $code)] $variant,)+ }

        impl IssueCode {
            /// Every code.
            pub const ALL: &'static [IssueCode] = &[$(IssueCode::$variant,)+];

            /// The code as written in receipts and events.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(IssueCode::$variant => $code,)+ }
            }
        }

        impl std::fmt::Display for IssueCode {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

issue_codes! {
    // A value or its absence.
    /// A required value is missing.
    Missing = "missing";
    /// A value has the wrong JSON type, e.g. an array where text belongs.
    WrongType = "wrong-type";
    /// Text is longer than allowed (decision 13).
    TooLong = "too-long";
    /// Text holds control characters.
    ControlCharacter = "control-character";
    /// Not a date in an accepted form (decision 15).
    BadDate = "bad-date";
    /// A date with a two-digit year.
    TwoDigitYear = "two-digit-year";
    /// A birth date in the future or before 1900.
    ImplausibleDate = "implausible-date";
    /// Not a truth value.
    BadBoolean = "bad-boolean";
    /// Not a number.
    BadNumber = "bad-number";
    /// Not a code of the list it must come from.
    UnknownCode = "unknown-code";
    /// A code outside the usual list, stored as given (decision 14).
    UnlistedCode = "unlisted-code";
    /// Not a GUID.
    BadGuid = "bad-guid";
    /// An NPI that does not have ten digits.
    BadNpi = "bad-npi";
    /// An NPI whose check digit is wrong.
    NpiCheckDigit = "npi-check-digit";
    /// Cannot be what it is meant to be, and stops nothing; stored as given.
    ImplausibleValue = "implausible-value";
    /// Not an ICD-10-CM code.
    BadDiagnosisCode = "bad-diagnosis-code";
    /// Not a state, district or territory of the United States.
    UnknownState = "unknown-state";
    /// No state could be determined for the order (iris-facts R-06).
    NoState = "no-state";
    /// A version other than 2.3.1.
    UnsupportedVersion = "unsupported-version";
    /// A control code this service does not serve.
    UnsupportedControlCode = "unsupported-control-code";
    /// The same property twice in one object.
    DuplicateProperty = "duplicate-property";
    /// A property the platform does not know; ignored.
    UnknownProperty = "unknown-property";

    // The document.
    /// Not well-formed JSON.
    BadJson = "bad-json";
    /// The document is nested too deeply.
    TooDeep = "too-deep";
    /// The message or file is larger than allowed.
    TooLarge = "too-large";
    /// There is nothing in it.
    Empty = "empty";
    /// A file in a format that cannot be loaded.
    UnsupportedFormat = "unsupported-format";
    /// A damaged or hostile file.
    UnreadableFile = "unreadable-file";
    /// No row looks like a header of this mapping.
    NoHeader = "no-header";
    /// The header lacks required columns.
    MissingColumn = "missing-column";
    /// Two columns of the header mean the same field.
    AmbiguousColumn = "ambiguous-column";
    /// A column that no field takes; ignored.
    UnknownColumn = "unknown-column";
    /// A record with more cells than the header.
    ExtraCells = "extra-cells";
    /// More rows, columns or characters in a cell than allowed.
    LimitExceeded = "limit-exceeded";
    /// A cell holds a spreadsheet error such as `#N/A`.
    CellError = "cell-error";
    /// The text cannot be decoded.
    BadEncoding = "bad-encoding";
    /// Text behind a closing quotation mark, or a blank before an opening one: nobody knows where the cells begin and
    /// end.
    BadQuoting = "bad-quoting";
    /// A row of totals or the end of a report, and not of an order.
    TotalRow = "total-row";
    /// A row repeats an order id of the same file (decision 21).
    DuplicateRow = "duplicate-row";
    /// A sheet that looks like data and was not read (decision 16).
    SkippedSheet = "skipped-sheet";
    /// The example of the template was left in, and is not loaded.
    ExampleRow = "example-row";
    /// Rows were loaded that the sheet does not show.
    HiddenRows = "hidden-rows";
    /// A good row not loaded because another failed and the mapping says all or nothing (decision 18).
    NotLoaded = "not-loaded";

    // Who and where.
    /// The message's ClientGuid is not that of the entry it came through.
    WrongOrganization = "wrong-organization";
    /// The entry's organization has no document, or a broken one.
    UnknownOrganization = "unknown-organization";
    /// The site is not known (iris-facts R-02).
    UnknownSite = "unknown-site";
    /// A new site lacks what its creation needs (iris-facts R-03).
    IncompleteSite = "incomplete-site";
    /// The camera belongs to another site (decision 15a).
    CameraOfOtherSite = "camera-of-other-site";
    /// The camera is not known and may not be created (iris-facts R-04).
    UnknownCamera = "unknown-camera";
    /// The user is not one the organization lists (decision 15a).
    UnknownUser = "unknown-user";
    /// The evaluation type is not subscribed (iris-facts R-18).
    EvaluationNotSubscribed = "evaluation-not-subscribed";

    // The state of things.
    /// The patient is not known and the submission has no demographics (decision 5).
    UnknownPatient = "unknown-patient";
    /// Name and birth date both differ from the patient on record (decision 6).
    PatientMismatch = "patient-mismatch";
    /// The order id is in use with other content (decision 2).
    OrderExists = "order-exists";
    /// Another order of the patient is open (decision 3).
    OpenOrder = "open-order";
    /// The patient's open order was cancelled because this one takes its place (decision 3).
    Superseded = "superseded";
    /// No order with this id (iris-facts R-12).
    UnknownOrder = "unknown-order";
    /// The order can no longer be changed or cancelled (iris-facts R-13).
    OrderClosed = "order-closed";
    /// The order has no result yet.
    NoResultYet = "no-result-yet";
    /// A value that cannot change was sent with another value; ignored (iris-facts R-15).
    ImmutableValue = "immutable-value";
    /// A blob that a directive names did not arrive in time (decision 23).
    ImageMissing = "image-missing";
    /// Nothing in an image or about it says whose it is.
    ImageUnidentified = "image-unidentified";
    /// No order fits what an image says about itself (decision 24).
    ImageUnmatched = "image-unmatched";
    /// More than one order fits what an image says about itself.
    ImageAmbiguous = "image-ambiguous";
    /// Nothing says which eye an image shows (decision 47).
    ImageEyeUnknown = "image-eye-unknown";
    /// Directive and image disagree about the eye.
    ImageEyeMismatch = "image-eye-mismatch";
    /// The image is linked to another order.
    ImageInUse = "image-in-use";
    /// A directive names a container that is not the organization's image container.
    ForeignContainer = "foreign-container";
    /// The event that announced the file is not usable.
    BadEvent = "bad-event";

    // Gradings.
    /// A grading names another site than its order's.
    OtherSite = "other-site";
    /// A finding, or a result of one, that the exam does not have (iris-facts §6.3 to §6.5).
    FindingNotAllowed = "finding-not-allowed";
    /// A question of the exam is not answered for a gradable eye (iris-facts §6.5).
    AnswerMissing = "answer-missing";
    /// What is said about an eye contradicts itself (iris-facts §6.1).
    ContradictoryEye = "contradictory-eye";
    /// Indeterminable without a suspected condition (iris-facts §6.5).
    IndeterminableAlone = "indeterminable-alone";
    /// An eye that has images, or every eye, was left out.
    EyeNotGraded = "eye-not-graded";
    /// The order has no images (iris-facts §6.2).
    NoImages = "no-images";
    /// The grader is not one the organization lists (decision 123).
    UnknownGrader = "unknown-grader";
    /// The grader has no license for the order's state (iris-facts R-06).
    GraderNotLicensed = "grader-not-licensed";
    /// A correction or addendum of an order that has no result (decision 121).
    NothingToCorrect = "nothing-to-correct";
    /// An urgent or emergent finding, and nobody to tell (decision 127).
    NoContact = "no-contact";
}

/// An issue of one row of a file, with the cell it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowIssue {
    /// Column position in the file, 1 = first; absent when it is about the whole row.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<u32>,
    /// The column's header as the file has it (or the key of a flat record).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub header: Option<String>,
    /// What is wrong.
    #[serde(flatten)]
    pub issue: Issue,
}

#[cfg(test)]
mod documentation {
    use super::*;

    #[test]
    fn every_code_is_explained_and_every_explanation_has_a_code() {
        let page = include_str!("../../../docs/ERRORS.md");
        let explained: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("### `"))
            .filter_map(|rest| rest.strip_suffix('`'))
            .collect();
        for code in IssueCode::ALL {
            assert!(explained.contains(&code.as_str()), "docs/ERRORS.md does not explain {code}");
        }
        assert_eq!(
            explained.len(),
            IssueCode::ALL.len(),
            "docs/ERRORS.md explains codes that do not exist, or some twice"
        );
    }
}
