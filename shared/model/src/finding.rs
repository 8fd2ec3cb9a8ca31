//! The vocabulary of findings and results (iris-facts §6.3, §6.4): read in any case, with or without a plural s,
//! written as published.

use crate::grading::FindingEntry;
use crate::organization::CareLevel;

/// Declares an enumeration of published texts.
macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// As published.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }

            /// Reads the text in any case, with or without a plural s.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| same(value.text(), text))
            }
        }
    };
}

vocabulary! {
    /// A question that is answered for every gradable eye.
    Diagnosis {
        /// Diabetic retinopathy.
        DiabeticRetinopathy = "Diabetic Retinopathy";
        /// Macular edema.
        MacularEdema = "Macular Edema";
        /// Age-related macular degeneration, dry form.
        DryAmd = "Dry AMD";
        /// Age-related macular degeneration, wet form.
        WetAmd = "Wet AMD";
        /// Glaucoma.
        Glaucoma = "Glaucoma";
        /// HIV retinopathy.
        HivRetinopathy = "HIV Retinopathy";
    }
}

vocabulary! {
    /// The answer.
    Answer {
        /// Nothing found.
        None = "None";
        /// Mild.
        Mild = "Mild";
        /// Moderate.
        Moderate = "Moderate";
        /// Severe.
        Severe = "Severe";
        /// Proliferative.
        Proliferative = "Proliferative";
        /// Found, without a level.
        Positive = "Positive";
        /// Cannot be told from these images.
        Indeterminable = "Indeterminable";
        /// Nothing to be seen.
        NoObservable = "No Observable";
        /// Early stage.
        EarlyStage = "Early Stage";
        /// Intermediate stage.
        IntermediateStage = "Intermediate Stage";
        /// Advanced atrophic, fovea spared.
        AdvancedWithout = "Adv. Atrophic w/o Subfoveal Involvement";
        /// Advanced atrophic, fovea involved.
        AdvancedWith = "Adv. Atrophic w/ Subfoveal Involvement";
    }
}

impl Answer {
    /// True when it says that nothing was found.
    #[must_use]
    pub fn is_negative(self) -> bool {
        matches!(self, Self::None | Self::NoObservable)
    }
}

vocabulary! {
    /// A condition that is suspected, neither confirmed nor excluded (iris-facts §6.4).
    Suspicion {
        /// Hypertensive retinopathy.
        HtnRetinopathy = "Suspected HTN Retinopathy";
        /// Papilledema of both eyes: always emergent.
        BilateralPapilledema = "Suspected Bilateral Papilledema";
        /// Cataract.
        Cataract = "Suspected Cataract";
        /// Mild diabetic retinopathy.
        MildDiabeticRetinopathy = "Suspected Diabetic Retinopathy - Mild Only";
        /// More than mild diabetic retinopathy.
        DiabeticRetinopathy = "Suspected Diabetic Retinopathy - Moderate to Proliferative";
        /// Disc edema.
        DiscEdema = "Suspected Disc Edema";
        /// Dry AMD.
        DryAmd = "Suspected Dry AMD";
        /// Epiretinal membrane.
        EpiretinalMembrane = "Suspected Epiretinal Membrane";
        /// Geographic atrophy.
        GeographicAtrophy = "Suspected Geographic Atrophy";
        /// Glaucoma.
        Glaucoma = "Suspected Glaucoma";
        /// Macular edema.
        MacularEdema = "Suspected Macular Edema";
        /// Macular hole.
        MacularHole = "Suspected Macular Hole";
        /// Another disease, unnamed.
        OtherDisease = "Suspected Other Disease";
        /// Vein occlusion.
        VeinOcclusion = "Suspected Vein Occlusion";
        /// Wet AMD.
        WetAmd = "Suspected Wet AMD";
        /// Choroidal nevus.
        ChoroidalNevus = "Suspected Choroidal Nevus";
    }
}

vocabulary! {
    /// How urgent a grader considers a condition that the vocabulary has no name for: the subsets of `Other`, as
    /// screens show them (iris-facts §6.5).
    OtherSubset {
        /// Nothing to refer.
        NotReferable = "Not Referable";
        /// To be seen by a specialist.
        Referable = "Referable";
        /// To be seen within weeks.
        Severe = "Severe";
        /// To be seen within a day.
        Urgent = "Urgent";
        /// To be seen at once.
        Emergent = "Emergent";
    }
}

impl OtherSubset {
    /// The lowest level that its care plan may have. The subset published as Severe is urgent (decision 126).
    #[must_use]
    pub fn level(self) -> CareLevel {
        match self {
            Self::NotReferable => CareLevel::NotReferable,
            Self::Referable => CareLevel::Referable,
            Self::Severe | Self::Urgent => CareLevel::Urgent,
            Self::Emergent => CareLevel::Emergent,
        }
    }

    /// The subset in `Other` or `Other (subset)`; without one it is referable.
    #[must_use]
    pub fn of_name(text: &str) -> Option<Self> {
        let text = text.trim();
        let head = text.get(..OTHER.len()).filter(|head| head.eq_ignore_ascii_case(OTHER))?;
        let rest = text.get(head.len()..)?.trim();
        if rest.is_empty() {
            return Some(Self::Referable);
        }
        let subset = rest.strip_prefix('(')?.strip_suffix(')')?.trim();
        Self::ALL.iter().copied().find(|own| own.text().eq_ignore_ascii_case(subset))
    }
}

/// Something found in an eye.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A question answered.
    Diagnosed(Diagnosis, Answer),
    /// A suspected condition.
    Suspected(Suspicion),
    /// Anything else, in words, with the subset the grader chose for it (iris-facts §6.5).
    Other {
        /// How urgent it is.
        subset: OtherSubset,
        /// What it is.
        text: String,
    },
}

impl Finding {
    /// The finding as published.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Diagnosed(diagnosis, _) => diagnosis.text(),
            Self::Suspected(suspicion) => suspicion.text(),
            Self::Other { .. } => OTHER,
        }
    }

    /// The result as published; suspected conditions have none.
    #[must_use]
    pub fn result(&self) -> Option<&str> {
        match self {
            Self::Diagnosed(_, answer) => Some(answer.text()),
            Self::Suspected(_) => None,
            Self::Other { text, .. } => Some(text),
        }
    }

    /// Whether it says that nothing was found.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        matches!(self, Self::Diagnosed(_, answer) if answer.is_negative())
    }

    /// As results carry it; `Other` without its subset.
    #[must_use]
    pub fn entry(&self) -> FindingEntry {
        FindingEntry { finding: Some(self.name().to_owned()), result: self.result().map(str::to_owned) }
    }
}

/// The name for a condition that has none of its own.
pub const OTHER: &str = "Other";

/// In care plan assignments, and as a finding: an eye that cannot be graded.
pub const NOT_GRADABLE: &str = "Not Gradable";

/// In care plan assignments: an eye that was to be examined and was not.
pub const NOT_EXAMINED: &str = "Not Examined";

/// In care plan assignments: an order without any finding.
pub const NO_FINDING: &str = "None";

/// Compares without regard to case, surrounding blanks and a plural s (iris-facts §13 #35).
#[must_use]
pub fn same(published: &str, text: &str) -> bool {
    let plain = |text: &str| {
        let text = text.trim().to_lowercase();
        text.strip_suffix('s').map(str::to_owned).unwrap_or(text)
    };
    plain(published) == plain(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_reads_back_in_any_case() {
        for finding in Suspicion::ALL {
            assert_eq!(Suspicion::from_text(&finding.text().to_uppercase()), Some(*finding));
        }
        for answer in Answer::ALL {
            assert_eq!(Answer::from_text(&format!(" {} ", answer.text().to_lowercase())), Some(*answer));
        }
        assert_eq!(Suspicion::from_text("suspected cataracts"), Some(Suspicion::Cataract));
        assert_eq!(Suspicion::from_text("Suspected bilateral papilledema"), Some(Suspicion::BilateralPapilledema));
        assert_eq!(Suspicion::from_text("Suspected"), None);
    }

    #[test]
    fn subsets_of_other() {
        assert_eq!(OtherSubset::of_name("other"), Some(OtherSubset::Referable));
        assert_eq!(OtherSubset::of_name("Other (not referable)"), Some(OtherSubset::NotReferable));
        assert_eq!(OtherSubset::of_name(" Other(Urgent) "), Some(OtherSubset::Urgent));
        assert_eq!(OtherSubset::of_name("Other (Severe)"), Some(OtherSubset::Severe));
        assert_eq!(OtherSubset::of_name("Other (someday)"), None);
        assert_eq!(OtherSubset::of_name("Otherwise"), None);
        assert_eq!(OtherSubset::of_name("\u{d6}ther"), None);
        let levels: Vec<CareLevel> = OtherSubset::ALL.iter().map(|subset| subset.level()).collect();
        let expected =
            [CareLevel::NotReferable, CareLevel::Referable, CareLevel::Urgent, CareLevel::Urgent, CareLevel::Emergent];
        assert_eq!(levels, expected);
    }

    #[test]
    fn an_entry_names_finding_and_result() {
        let entry = Finding::Diagnosed(Diagnosis::DryAmd, Answer::EarlyStage).entry();
        assert_eq!((entry.finding.as_deref(), entry.result.as_deref()), (Some("Dry AMD"), Some("Early Stage")));
        let entry = Finding::Suspected(Suspicion::Cataract).entry();
        assert_eq!((entry.finding.as_deref(), entry.result.as_deref()), (Some("Suspected Cataract"), None));
        let entry = Finding::Other { subset: OtherSubset::Urgent, text: "Tear".into() }.entry();
        assert_eq!((entry.finding.as_deref(), entry.result.as_deref()), (Some("Other"), Some("Tear")));
    }
}
