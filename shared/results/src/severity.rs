//! How severe findings are (iris-facts §9.4.1, §12.2; decision 135).

use crate::finding::{Answer, Diagnosis, Finding};
use iris_model::organization::CareLevel;
use iris_model::result::Severity;

/// The severity of a finding whose care plan has this level. `severe_is_critical`: severe diabetic retinopathy counts
/// as critical.
#[must_use]
pub fn of_finding(finding: &Finding, level: CareLevel, severe_is_critical: bool) -> Severity {
    use Answer as A;
    match finding {
        Finding::Diagnosed(_, A::None | A::NoObservable) => Severity::Normal,
        // An organization's own plan may declare anything an emergency.
        _ if level == CareLevel::Emergent => Severity::Critical,
        Finding::Diagnosed(_, A::Proliferative) => Severity::Critical,
        Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, A::Severe) if severe_is_critical => Severity::Critical,
        Finding::Diagnosed(Diagnosis::MacularEdema | Diagnosis::WetAmd, A::Positive) => Severity::Critical,
        Finding::Diagnosed(Diagnosis::DryAmd, A::AdvancedWith | A::AdvancedWithout) => Severity::Critical,
        Finding::Diagnosed(..) => Severity::Abnormal,
        Finding::Suspected(_) | Finding::Other { .. } => match level {
            CareLevel::NotReferable => Severity::Normal,
            CareLevel::Referable => Severity::Abnormal,
            CareLevel::Urgent | CareLevel::Emergent => Severity::Critical,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Suspicion;

    #[test]
    fn the_published_flags() {
        let of =
            |diagnosis, answer| of_finding(&Finding::Diagnosed(diagnosis, answer), CareLevel::Referable, false).flag();
        assert_eq!(of(Diagnosis::DiabeticRetinopathy, Answer::None), None);
        for answer in [Answer::Indeterminable, Answer::Mild, Answer::Moderate, Answer::Severe] {
            assert_eq!(of(Diagnosis::DiabeticRetinopathy, answer), Some("A"));
        }
        assert_eq!(of(Diagnosis::DiabeticRetinopathy, Answer::Proliferative), Some("AA"));
        assert_eq!(of(Diagnosis::MacularEdema, Answer::Positive), Some("AA"));
        assert_eq!(of(Diagnosis::DryAmd, Answer::IntermediateStage), Some("A"));
        assert_eq!(of(Diagnosis::DryAmd, Answer::AdvancedWithout), Some("AA"));
        assert_eq!(of(Diagnosis::WetAmd, Answer::Positive), Some("AA"));
        let suspected = |level| of_finding(&Finding::Suspected(Suspicion::DiscEdema), level, false).flag();
        assert_eq!(suspected(CareLevel::NotReferable), None);
        assert_eq!(suspected(CareLevel::Referable), Some("A"));
        assert_eq!(suspected(CareLevel::Urgent), Some("AA"));
    }

    #[test]
    fn severe_retinopathy_is_as_the_organization_wants() {
        let severe = Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, Answer::Severe);
        assert_eq!(of_finding(&severe, CareLevel::Urgent, true), Severity::Critical);
    }
}
