//! The enumerations of iris-facts §3. Each emits its code and accepts the code in any case or its numeric id.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

/// What all enumerations of the wire have in common, for readers that do not care which one it is.
pub trait WireEnum: Copy + PartialEq + 'static {
    /// What a value is, for messages: `a gender`.
    const NOUN: &'static str;

    /// Reads a code or alias in any case, or a numeric id written as text.
    fn from_text(text: &str) -> Option<Self>;

    /// The codes to offer to someone who sent none of them.
    fn choices() -> String;
}

/// Declares a wire enumeration: variants with their code and, where one is published, numeric id and accepted aliases.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident, $noun:literal $(, choices $choices:literal)? { $($(#[$vmeta:meta])* $variant:ident = $code:literal $(, id $id:literal)? $(, alias $alias:literal)* ;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in the order published.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The canonical code as emitted.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $($name::$variant => $code,)+ }
            }

            /// The published numeric id, where there is one.
            #[must_use]
            pub fn id(self) -> Option<u8> {
                match self { $($name::$variant => { let id: Option<u8> = None $(.or(Some($id)))?; id })+ }
            }

            /// The value with this numeric id.
            #[must_use]
            pub fn from_id(id: u64) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.id().is_some_and(|own| u64::from(own) == id))
            }

            /// Reads a code or alias in any case, or a numeric id written as text. Surrounding white space is ignored.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> {
                let text = text.trim();
                $(if text.eq_ignore_ascii_case($code) $(|| text.eq_ignore_ascii_case($alias))* { return Some($name::$variant); })+
                crate::value::whole(text).parse::<u64>().ok().and_then(Self::from_id)
            }

            /// The codes as one list for messages: `A, B, C`.
            #[must_use]
            pub fn codes() -> String {
                Self::ALL.iter().map(|value| value.code()).collect::<Vec<_>>().join(", ")
            }
        }

        impl WireEnum for $name {
            const NOUN: &'static str = $noun;
            fn from_text(text: &str) -> Option<Self> { Self::from_text(text) }
            fn choices() -> String {
                let choices: Option<&'static str> = None $(.or(Some($choices)))?;
                choices.map_or_else(Self::codes, str::to_owned)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.code()) }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> { serializer.serialize_str(self.code()) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                Self::from_text(&text).ok_or_else(|| serde::de::Error::custom(concat!("not one of the codes of ", stringify!($name))))
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> { Cow::Borrowed(stringify!($name)) }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "enum": [$($code),+] })
            }
        }
    };
}

wire_enum! {
    /// What is asked (iris-facts §3.2).
    OrderControlCode, "a control code", choices "NW (new), XO (change), CA (cancel), ResendResult" {
        /// Create an order.
        NewOrder = "NW", id 1;
        /// Change an order.
        Change = "XO", id 2;
        /// Change, on HL7 interfaces that announced it.
        ChangeRequest = "XR", id 3;
        /// Cancel an order.
        Cancel = "CA", id 4;
        /// Cancel, on HL7 interfaces that announced it.
        CancelRequest = "CR", id 5;
        /// Known to one client only; not supported.
        CloneOrder = "CloneOrder", id 6;
        /// Known to one client only; not supported.
        ChangeEvaluationType = "ChangeEvaluationType", id 7;
        /// Known to one client only; not supported.
        OrderCancelled = "OC", id 8;
        /// Known to one client only; not supported.
        Submission = "Submission", id 9;
        /// Known to one client only; not supported.
        StatusChanged = "SC", id 10;
        /// Regenerate and redeliver the result.
        ResendResult = "ResendResult", id 11;
    }
}

wire_enum! {
    /// The exam ordered (iris-facts §3.10).
    EvaluationType, "an evaluation type" {
        /// Diabetic retinopathy with macular edema, read by a human.
        Dr = "DR", id 1;
        /// Glaucoma.
        Glaucoma = "Glaucoma", id 2;
        /// HIV retinopathy.
        Hiv = "HIV", id 3;
        /// Diabetic retinopathy and macular edema with extended care plans.
        Drme = "DRME", id 4;
        /// Diabetic retinopathy, refer or not, read by AI.
        DrRefNoRef = "DR_REFNOREF", id 6;
        /// Age-related macular degeneration.
        Amd = "AMD", id 7;
        /// Diabetic retinopathy and AMD combined.
        DrAmd = "DR_AMD", id 8;
        /// Suspected pathology.
        Sp = "SP", id 9;
        /// DR, AMD (AREDS) and glaucoma, read by AI.
        DrAredsGlauc = "DR_AREDS_GLAUC", id 12;
        /// DR, AMD and glaucoma, read by Eyenuk's AI.
        AiEyenukO1 = "AI_Eyenuk_O1", id 13;
        /// Macular edema alone: a constant of one client; readable, never subscribed by default.
        Me = "ME";
    }
}

wire_enum! {
    /// Which eye (iris-facts §3.3).
    Laterality, "an eye", choices "OD (right), OS (left), OU (both)" {
        /// Left.
        Os = "OS", id 0;
        /// Right.
        Od = "OD", id 1;
        /// Both.
        Ou = "OU";
    }
}

wire_enum! {
    /// In which sense a gender is meant (iris-facts §3.4).
    GenderContext, "a gender context" {
        /// Unspecified.
        Unknown = "Unknown", id 0;
        /// Self-identified.
        Identity = "IdentityGender", id 1;
        /// Assigned at birth.
        Birth = "BirthGender", id 2;
    }
}

wire_enum! {
    /// Gender (iris-facts §3.6).
    Gender, "a gender", choices "F or Female, M or Male, U or Unknown, N (non-binary), O or Other, TM, TF, ND, EQ, NL, X" {
        /// Unspecified.
        Unspecified = "U", id 0, alias "Unknown", alias "Unspecified";
        /// Male.
        Male = "M", id 1, alias "Male";
        /// Female.
        Female = "F", id 2, alias "Female";
        /// Non-binary.
        NonBinary = "N", id 3;
        /// Other.
        Other = "O", id 4, alias "Other";
        /// Transgender male.
        TransgenderMale = "TM", id 5;
        /// Transgender female.
        TransgenderFemale = "TF", id 6;
        /// Not disclosed.
        NotDisclosed = "ND", id 7;
        /// Exploring or questioning.
        Exploring = "EQ", id 8;
        /// Not listed.
        NotListed = "NL", id 9;
        /// Not exclusively male or female.
        NotExclusive = "X", id 10;
    }
}

wire_enum! {
    /// Marital status (iris-facts §3.5).
    MaritalStatus, "a marital status" {
        /// Annulled.
        Annulled = "A", id 0;
        /// Divorced.
        Divorced = "D", id 1;
        /// Interlocutory.
        Interlocutory = "I", id 2;
        /// Legally separated.
        LegallySeparated = "L", id 3;
        /// Married.
        Married = "M", id 4;
        /// Polygamous.
        Polygamous = "P", id 5;
        /// Never married.
        NeverMarried = "S", id 6;
        /// Domestic partner.
        DomesticPartner = "T", id 7;
        /// Widowed.
        Widowed = "W", id 8;
        /// Common law (an older list).
        CommonLaw = "C";
    }
}

wire_enum! {
    /// What an image is to the exam (iris-facts §3.11).
    ImageContext, "an image context" {
        /// Diagnostic; the default.
        Primary = "Primary", id 0;
        /// An alternate view.
        SecondaryViewField = "SecondaryViewField", id 1, alias "Secondary";
        /// Not derivable.
        Unknown = "Unknown", id 2;
        /// Part of a primary.
        Component = "Component", id 3;
        /// A combination of components.
        Aggregate = "Aggregate", id 4;
        /// Enhanced.
        Enhancement = "Enhancement", id 5;
        /// Arrived after grading.
        AddedLate = "AddedLate", id 6;
    }
}

wire_enum! {
    /// The kind of image (iris-facts §3.12).
    ImageClass, "an image class" {
        /// Fundus photograph.
        Fundus = "Fundus", id 0;
        /// Computed tomography.
        Ct = "CT", id 1;
        /// Magnetic resonance.
        Mri = "MRI", id 2;
        /// Ultrasound.
        Ultrasound = "Ultrasound", id 3;
        /// X-ray.
        XRay = "XRay", id 4;
        /// VRx.
        Vrx = "VRx", id 5;
        /// Optical coherence tomography.
        Oct = "OCT", id 6;
        /// Visual fields.
        VisualFields = "VisualFields", id 7;
    }
}

wire_enum! {
    /// The file format of an image (iris-facts §3.13).
    ImageEncoding, "an image encoding" {
        /// JPEG.
        Jpg = "JPG", id 0, alias "JPEG";
        /// PNG.
        Png = "PNG", id 1;
        /// BMP.
        Bmp = "BMP", id 2;
        /// TIFF.
        Tiff = "TIFF", id 3, alias "TIF";
        /// SVG.
        Svg = "SVG", id 4;
        /// PDF.
        Pdf = "PDF", id 5;
        /// DICOM.
        Dcm = "DCM", id 6, alias "DICOM";
    }
}

wire_enum! {
    /// What kind of result (iris-facts §3.1).
    ResultCode, "a result code", choices "F (final), C (correction), A (addendum)" {
        /// Preliminary: not sent.
        Preliminary = "P";
        /// Final.
        Final = "F";
        /// Adds to an earlier result.
        Addendum = "A";
        /// Replaces an earlier result.
        Correction = "C";
        /// An earlier result, sent again on request.
        Resend = "R";
    }
}

wire_enum! {
    /// Where an order stands (iris-facts §1.3).
    OrderStatus, "an order status" {
        /// Open, image requirement not met.
        AwaitingImages = "AwaitingImages";
        /// Open, queued for a grader.
        QueuedForGrading = "QueuedForGrading";
        /// Open, held by a grader.
        CheckedOutForGrading = "CheckedOutForGrading";
        /// Graded, delivery pending.
        Graded = "Graded";
        /// Closed by cancellation.
        OrderCancelled = "OrderCancelled";
        /// Held by staff.
        UnderReview = "UnderReview";
        /// Processing failed.
        Error = "Error";
        /// Closed, everything delivered.
        Complete = "Complete";
    }
}

impl OrderStatus {
    /// Open = neither completed nor cancelled (iris-facts R-07).
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(self, Self::OrderCancelled | Self::Complete | Self::Graded)
    }

    /// Nothing more will happen to it: cancelled, or graded with everything delivered.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::OrderCancelled | Self::Complete)
    }

    /// True while the order may still be superseded: it has not reached the grading queue.
    #[must_use]
    pub fn is_before_grading(self) -> bool {
        matches!(self, Self::AwaitingImages)
    }
}
