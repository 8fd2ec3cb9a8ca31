//! Compares every code that can result with the tabular list of ICD-10-CM (release of April 1, 2026, CDC/NCHS), kept as
//! test data.

use iris_model::result::DiagnosisCode;
use iris_results::finding::{Answer, Diagnosis, Finding};
use iris_results::icd;
use iris_results::reading::{Examination, Eye};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Made from the published XML: every leaf of the diabetic eye codes and of macular degeneration, with its seventh
/// characters.
const TABULAR: &str = include_str!("data/icd-10-cm-2026-04.tsv");

fn tabular() -> BTreeMap<&'static str, &'static str> {
    TABULAR.lines().map(|line| line.split_once('\t').unwrap()).collect()
}

fn eye(answers: &[(Diagnosis, Answer)]) -> Option<Eye> {
    Some(Eye::Gradable(answers.iter().map(|(diagnosis, answer)| Finding::Diagnosed(*diagnosis, *answer)).collect()))
}

/// Every combination of the answers from which codes are made.
fn eyes() -> Vec<Option<Eye>> {
    let mut eyes = vec![None];
    for retinopathy in Answer::ALL {
        for edema in [Answer::None, Answer::Positive] {
            eyes.push(eye(&[(Diagnosis::DiabeticRetinopathy, *retinopathy), (Diagnosis::MacularEdema, edema)]));
        }
    }
    for dry in Answer::ALL {
        for wet in [Answer::NoObservable, Answer::Positive, Answer::Indeterminable] {
            eyes.push(eye(&[(Diagnosis::WetAmd, wet), (Diagnosis::DryAmd, *dry)]));
        }
    }
    eyes.push(eye(&[(Diagnosis::MacularEdema, Answer::Positive)]));
    eyes.push(eye(&[(Diagnosis::Glaucoma, Answer::Positive), (Diagnosis::HivRetinopathy, Answer::Positive)]));
    eyes
}

#[test]
fn every_code_is_in_the_tabular_list_with_its_description() {
    let tabular = tabular();
    let mut emitted = BTreeSet::new();
    for category in icd::CATEGORIES {
        for od in eyes() {
            for os in eyes() {
                for code in icd::codes(&Examination { od: od.clone(), os }, Some(category), "E11") {
                    assert_eq!(
                        tabular.get(code.code.as_str()).copied(),
                        Some(code.description.as_str()),
                        "{}",
                        code.code
                    );
                    emitted.insert(code.code);
                }
            }
        }
    }
    assert_eq!(emitted.len(), 5 * 4 * 2 * 3 + 3 * 4 + 3 + 1, "all of the table comes out");
}

#[test]
fn edema_beside_retinopathy_without_a_level_has_no_code() {
    let codes = |retinopathy, edema| {
        let od = eye(&[(Diagnosis::DiabeticRetinopathy, retinopathy), (Diagnosis::MacularEdema, edema)]);
        let found = icd::codes(&Examination { od, os: None }, None, "E11");
        found.into_iter().map(|own| own.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(Answer::Positive, Answer::Positive), [""; 0]);
    assert_eq!(codes(Answer::Indeterminable, Answer::Positive), [""; 0]);
    assert_eq!(codes(Answer::None, Answer::Positive), ["H3581"]);
    assert_eq!(codes(Answer::Moderate, Answer::Positive), ["E113311"]);
    let alone = eye(&[(Diagnosis::MacularEdema, Answer::Positive)]);
    let found = icd::codes(&Examination { od: None, os: alone }, None, "E11");
    assert_eq!(found, [icd::described("H3581").unwrap()]);
}

#[test]
fn a_submitted_diagnosis_says_that_it_was_submitted_and_what_it_contradicts() {
    let exam = [icd::described("E113311").unwrap()];
    let of = |code: &str, generated: &[DiagnosisCode]| {
        let own = icd::submitted(code, generated);
        (own.code, own.description)
    };
    let plain = "Submitted with the order, before this exam";
    assert_eq!(of(" e11.9", &exam), ("E119".to_owned(), plain.to_owned()));
    let described = icd::described("E113311").unwrap().description;
    assert_eq!(of("E11.3311", &[]).1, format!("{described}: submitted with the order, before this exam"));
    let listed = |code: Option<&str>| {
        icd::listed(code, &exam).into_iter().map(|own| (own.code, own.description)).collect::<Vec<_>>()
    };
    let own = ("E113311".to_owned(), described.clone());
    assert_eq!(listed(None), std::slice::from_ref(&own));
    assert_eq!(listed(Some("E11.9")), [("E119".to_owned(), plain.to_owned()), own]);
    assert_eq!(listed(Some("E11.3311")), [("E113311".to_owned(), format!("{described} (submitted, too)"))]);
    let conflict = "Submitted with the order; ICD-10-CM does not allow it beside E11.3311 of this exam (Excludes1)";
    for code in ["R73.03", "R7309", "O24.419", "E10.9", "E13.9"] {
        assert_eq!(of(code, &exam).1, conflict, "{code}");
        assert_eq!(of(code, &[]).1, plain, "{code}");
    }
    for code in ["I10", "O09.90", "R94.30", "H40.9"] {
        assert_eq!(of(code, &exam).1, plain, "{code}");
    }
    assert_eq!(of("R73.03", &[icd::described("H353111").unwrap()]).1, plain, "no diabetes in the exam's codes");
}

#[test]
fn the_edition_is_named_with_the_years() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let edition = "ICD-10-CM, CDC/NCHS, fiscal year 2026, release of April 1, 2026.";
    let same = icd::edition(at("2026-09-30T12:00:00Z"), at("2026-09-30T13:00:00Z"));
    assert_eq!(same, format!("{edition} Graded in fiscal year 2026."));
    let older = icd::edition(at("2026-09-30T12:00:00Z"), at("2026-10-01T12:00:00Z"));
    assert_eq!(older, format!("{edition} Graded in fiscal year 2026, sent in fiscal year 2027."));
    assert!(
        icd::edition(at("2026-12-01T00:00:00Z"), at("2026-12-01T00:00:00Z")).ends_with("Graded in fiscal year 2027.")
    );
}
