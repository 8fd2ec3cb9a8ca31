//! The placeholders of report templates (iris-facts §8.3): `[[TOKEN]]`, upper case, a fixed list.
//!
//! A *text* token may be anywhere in a line. If it is unset, it shows a dash; a line in which every token is unset
//! disappears (in a list of facts it stays with its dash, unless it is optional). A *block* token must be alone in its
//! paragraph and becomes a generated block; if there is nothing to say, it disappears.

use std::str::FromStr;

macro_rules! tokens {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal $kind:ident,)+) => {
        /// A placeholder a template may use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Token { $($(#[doc = $doc])+ $name,)+ }

        impl Token {
            /// Every token.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name between the brackets.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// Whether the token is a line of text or a generated block.
            #[must_use]
            pub fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)+ }
            }
        }
    };
}

/// Where a token may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anywhere in a line of text.
    Text,
    /// Alone in its paragraph.
    Block,
}

tokens! {
    /// First and last name.
    PatientName = "PATIENT_NAME" Text,
    /// Age in full years at the exam.
    PatientAge = "PATIENT_AGE" Text,
    /// Gender in words.
    PatientGender = "PATIENT_GENDER" Text,
    /// Birth date.
    PatientDob = "PATIENT_DOB" Text,
    /// Patient.LocalId.
    PatientMrn = "PATIENT_MRN" Text,
    /// Patient.LocalId.
    PatientLocalId = "PATIENT_LOCAL_ID" Text,
    /// Telephone number.
    PatientPhone = "PATIENT_PHONE" Text,
    /// MemberId.
    HealthPlanMemberId = "HEALTHPLAN_MEMBERID" Text,
    /// PolicyNumber.
    HealthPlanPolicyNumber = "HEALTHPLAN_POLICYNUMBER" Text,
    /// GroupNumber.
    HealthPlanGroupNumber = "HEALTHPLAN_GROUPNUMBER" Text,
    /// GroupName.
    HealthPlanGroupName = "HEALTHPLAN_GROUPNAME" Text,
    /// The submitter's carrier id.
    HealthPlanCompanyLocalId = "HEALTHPLAN_INSURANCE_COMPANY_LOCALID" Text,
    /// Plan id.
    HealthPlanPlanId = "HEALTHPLAN_INSURANCE_PLAN_ID" Text,
    /// Plan name.
    HealthPlanPlanName = "HEALTHPLAN_INSURANCE_PLAN_NAME" Text,
    /// The site's line at the end of a report.
    Disclaimer = "DISCLAIMER" Text,
    /// Name of the site.
    ClinicName = "CLINIC_NAME" Text,
    /// When the order was received.
    OrderDate = "ORDER_DATE" Text,
    /// When the exam was planned.
    OrderScheduledDate = "ORDER_SCHEDULED_DATE" Text,
    /// Grader's name and details.
    GraderSignature = "GRADER_SIGNATURE" Block,
    /// Care plan with its instructions.
    CarePlan = "CARE_PLAN" Block,
    /// Every answer for the right eye.
    RightEyeFindings = "RIGHT_EYE_FINDINGS" Block,
    /// Every answer for the left eye.
    LeftEyeFindings = "LEFT_EYE_FINDINGS" Block,
    /// Image of the right eye.
    RightEyeImage = "RIGHT_EYE_ORIGINAL_IMAGE" Block,
    /// Image of the left eye.
    LeftEyeImage = "LEFT_EYE_ORIGINAL_IMAGE" Block,
    /// First and last name of the ordering provider.
    OrderingProviderName = "ORDERING_PROVIDER_NAME" Text,
    /// First and last name of the referring provider.
    ReferringProviderName = "REFERRING_PROVIDER_NAME" Text,
    /// EncounterNumber.
    EncounterNumber = "ENCOUNTER_NUMBER" Text,
    /// Order.LocalId.
    OrderLocalId = "ORDER_LOCAL_ID" Text,
    /// AdditionalInfo of the order.
    PatientOrderInfo = "PATIENT_ORDER_INFO" Text,
    /// OrderableIdentifier.
    OrderableIdentifier = "ORDERABLE_IDENTIFIER" Text,
    /// Department of the exam.
    DepartmentLocalId = "DEPARTMENT_LOCAL_ID" Text,
    /// Addition: organization, site, address, telephone number and logo.
    Letterhead = "LETTERHEAD" Block,
    /// Addition: what was examined, such as `Diabetic eye exam`.
    ExamName = "EXAM_NAME" Text,
    /// Addition: what each exam of the order looks for.
    ExamAbout = "EXAM_ABOUT" Block,
    /// Addition: when the exam was done.
    ExamDate = "EXAM_DATE" Text,
    /// Addition: `Both eyes`, `Right eye`, `Left eye`, of which there are images.
    EyesExamined = "EYES_EXAMINED" Text,
    /// Addition: IRIS order id.
    OrderId = "ORDER_ID" Text,
    /// Addition: `Corrected report`, `Addendum`, `Preliminary report`; unset for a final one.
    ResultStatus = "RESULT_STATUS" Text,
    /// Addition: the outcome of the right eye in a sentence.
    RightEyeResult = "RIGHT_EYE_RESULT" Block,
    /// Addition: the outcome of the left eye in a sentence.
    LeftEyeResult = "LEFT_EYE_RESULT" Block,
    /// Addition: diagnoses, each with its dotted code.
    Diagnoses = "DIAGNOSES" Block,
    /// Addition: notes of the grader.
    GraderNotes = "GRADER_NOTES" Block,
}

impl FromStr for Token {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|token| token.name() == text).ok_or(())
    }
}

impl Token {
    /// The token most similar to an unknown name, for the error message.
    #[must_use]
    pub fn nearest(name: &str) -> Option<Self> {
        let wanted = name.to_ascii_uppercase();
        let score = |token: &Self| {
            let parts = token.name().split('_').filter(|part| wanted.split('_').any(|word| word == *part)).count();
            let same = token.name().bytes().zip(wanted.bytes()).take_while(|(ours, theirs)| ours == theirs).count();
            (parts, same, std::cmp::Reverse(token.name().len().abs_diff(wanted.len())))
        };
        Self::ALL.iter().copied().max_by_key(score).filter(|token| score(token).0 > 0)
    }
}
