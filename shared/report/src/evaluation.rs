//! The exams a report can be about (iris-facts §3.10), and what each is called.

/// Type of an exam; decides which template is used and which questions a grader answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EvaluationType {
    /// `DR`: diabetic retinopathy with macular edema.
    Dr,
    /// `Glaucoma`.
    Glaucoma,
    /// `HIV`: HIV retinopathy.
    Hiv,
    /// `DRME`: as DR, with extended care plans.
    Drme,
    /// `ME`: macular edema alone.
    Me,
    /// `DR_REFNOREF`: diabetic retinopathy, refer or do not refer, read by software.
    DrReferral,
    /// `AMD`: age-related macular degeneration.
    Amd,
    /// `DR_AMD`: diabetic retinopathy and macular degeneration.
    DrAmd,
    /// `SP`: suspected pathology.
    SuspectedPathology,
    /// `DR_AREDS_GLAUC`: diabetic retinopathy, macular degeneration and glaucoma, read by software.
    DrAredsGlaucoma,
    /// `AI_Eyenuk_O1`: the same three, read by Eyenuk's software.
    Eyenuk,
}

impl EvaluationType {
    /// Every type, in the order of the published list.
    pub const ALL: [Self; 11] = [
        Self::Dr,
        Self::Glaucoma,
        Self::Hiv,
        Self::Drme,
        Self::Me,
        Self::DrReferral,
        Self::Amd,
        Self::DrAmd,
        Self::SuspectedPathology,
        Self::DrAredsGlaucoma,
        Self::Eyenuk,
    ];

    /// The published code, as on the wire.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Dr => "DR",
            Self::Glaucoma => "Glaucoma",
            Self::Hiv => "HIV",
            Self::Drme => "DRME",
            Self::Me => "ME",
            Self::DrReferral => "DR_REFNOREF",
            Self::Amd => "AMD",
            Self::DrAmd => "DR_AMD",
            Self::SuspectedPathology => "SP",
            Self::DrAredsGlaucoma => "DR_AREDS_GLAUC",
            Self::Eyenuk => "AI_Eyenuk_O1",
        }
    }

    /// The type of a published code, in any letter case.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code().eq_ignore_ascii_case(code))
    }

    /// What the exam is called on the report.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Dr | Self::Drme | Self::DrReferral => "Diabetic eye exam",
            Self::Me => "Macular edema exam",
            Self::Glaucoma => "Glaucoma exam",
            Self::Hiv => "HIV retinopathy exam",
            Self::Amd => "Macular degeneration exam",
            Self::DrAmd => "Diabetic eye and macular degeneration exam",
            Self::SuspectedPathology => "Retinal exam",
            Self::DrAredsGlaucoma | Self::Eyenuk => "Diabetic eye, macular degeneration and glaucoma exam",
        }
    }
}
