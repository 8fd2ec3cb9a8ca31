//! What is suggested for headers that people really use, compared with what they mean.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_intake::suggest::{Choices, Column, Confidence, Dates, Fallback, View, look, suggest};
use iris_intake::{Format, Limits, Source};
use iris_model::organization::DateOrder;
use iris_model::{IntakeField, Organization};
use std::collections::BTreeMap;
use std::io::Cursor;

const VOCABULARIES: &str = include_str!("vocabularies.txt");
/// Values in each column.
const VALUES: usize = 24;

fn harborview() -> Organization {
    Organization::parse(include_bytes!("../../../../samples/harborview.json")).unwrap()
}

/// The sample without mappings, so that none of its names are known.
fn unmapped() -> Organization {
    Organization { drops: Vec::new(), ..harborview() }
}

struct Named {
    header: &'static str,
    field: Option<IntakeField>,
    kind: &'static str,
}

fn vocabularies() -> Vec<(&'static str, Vec<Named>)> {
    let mut all: Vec<(&str, Vec<Named>)> = Vec::new();
    for line in VOCABULARIES.lines().filter(|line| !line.is_empty() && !line.starts_with("//")) {
        if let Some(name) = line.strip_prefix("# ") {
            all.push((name, Vec::new()));
            continue;
        }
        for column in line.split("; ") {
            let (header, rest) = column.rsplit_once('=').unwrap_or_else(|| panic!("{column}"));
            let (field, kind) = rest.split_once(':').unwrap();
            let named = IntakeField::ALL.iter().copied().find(|known| known.name() == field);
            assert!(named.is_some() || field == "-", "{field}");
            all.last_mut().unwrap().1.push(Named { header, field: named, kind });
        }
    }
    all
}

/// A made-up value of a kind, always the same for the same index.
fn value(kind: &str, at: usize) -> String {
    let of = |list: &[&str]| list[at % list.len()].to_owned();
    let (day, month, year) = (1 + at * 5 % 28, 1 + at % 12, 1931 + at % 60);
    match kind {
        "empty" => String::new(),
        "iso" => format!("{year}-{month:02}-{day:02}"),
        "isotime" => format!("2026-11-{day:02}T09:{:02}:00", at % 60),
        "basic" => format!("{year}{month:02}{day:02}"),
        "us" => format!("{month:02}/{day:02}/{year}"),
        "ustime" => format!("{month}/{day}/2026 9:{:02} AM", at % 60),
        "dayfirst" => format!("{day:02}/{month:02}/{year}"),
        "time" => format!("{:02}:15", at % 24),
        "year" => year.to_string(),
        "id" => format!("T{:06}", 100_000 + at * 37),
        "uuid" => format!("5a3d1e70-0000-4000-8000-{at:012}"),
        "fewids" => format!("G{:05}", 20_000 + at % 4),
        "ssn" => format!("900-{:02}-{:04}", at % 90 + 10, 1000 + at),
        "number" => (at % 9 + 10).to_string(),
        "digit" => (at % 2 + 1).to_string(),
        "age" => (40 + at % 40).to_string(),
        "amount" => format!("{}.{:02}", 100 + at * 7, at % 100),
        "letter" => of(&["A", "B", "C"]),
        "flag" => of(&["Y", "N"]),
        "sex" => of(&["F", "M"]),
        "sexword" => of(&["Female", "Male"]),
        "first" => of(&["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gail"]),
        "last" => of(&["Testpatient", "O'Test", "De Sample", "Probe", "Muster"]),
        "name" => of(&["Testpatient, Ada", "Sample, Ben", "Probe, Cleo"]),
        "phone" => format!("(206) 555-{:04}", 100 + at),
        "email" => format!("test{at}@example.org"),
        "street" => format!("{} Sample Street", at + 1),
        "city" => of(&["Tacoma", "Spokane", "Yakima"]),
        "state" => of(&["WA", "OR", "ID"]),
        "statename" => of(&["Washington", "Oregon"]),
        "zip" => format!("{}", 98_101 + at),
        "icd" => of(&["E11.9", "E11.65", "E10.9"]),
        "cpt" => of(&["92227", "92228", "92250"]),
        "payer" => of(&["Sample Health", "Example Mutual", "Test Medicaid"]),
        "plan" => of(&["Gold PPO", "Silver HMO", "Medicare Advantage"]),
        "clinic" => of(&["Northside Family Practice", "Riverside Internal Medicine"]),
        "site" => of(&["Seattle", "Portland", "Boise"]),
        "exam" => of(&["DR", "DR_AMD"]),
        "text" => of(&["alpha", "beta", "gamma", "delta"]),
        "npi" => {
            let base = 100_000_000 + at * 131;
            let fits = |digit: &u32| iris_model::value::npi_check_digit_ok(&format!("{base}{digit}"));
            format!("{base}{}", (0..10).find(fits).unwrap())
        }
        _ => panic!("{kind}"),
    }
}

fn columns(named: &[Named]) -> Vec<Column> {
    let column = |named: &Named| {
        let mut column = Column::new(named.header);
        (0..VALUES).for_each(|at| column.see(&value(named.kind, at)));
        column
    };
    named.iter().map(column).collect()
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    exact_or_strong: usize,
    weak: usize,
    weak_but_another: usize,
    not_at_all: usize,
}

#[test]
fn nothing_is_suggested_wrongly_with_confidence() {
    let (organization, mut count, mut wrong, mut vague) = (unmapped(), Count::default(), Vec::new(), Vec::new());
    let vocabularies = vocabularies();
    assert!(vocabularies.len() >= 30, "{} vocabularies", vocabularies.len());
    for (name, named) in &vocabularies {
        let suggestions = suggest(&columns(named), &organization);
        for (named, suggestion) in named.iter().zip(&suggestions.columns) {
            let sure = suggestion.as_ref().filter(|found| found.confidence > Confidence::Weak);
            let what = suggestion.as_ref().map(|found| found.field);
            match (sure.is_some(), what == named.field, named.field, what) {
                (true, true, ..) => count.exact_or_strong += 1,
                (true, false, ..) => wrong.push(format!("{name}: {} as {what:?}", named.header)),
                (false, true, Some(_), _) => count.weak += 1,
                (false, false, _, Some(_)) => count.weak_but_another += 1,
                (false, _, Some(field), None) => {
                    count.not_at_all += 1;
                    vague.push(format!("{name}: {} is {}", named.header, field.name()));
                }
                (false, ..) => {}
            }
        }
    }
    println!("{} vocabularies: {count:?}\nnot at all:\n{}", vocabularies.len(), vague.join("\n"));
    assert_eq!(wrong, Vec::<String>::new(), "wrong with confidence");
    let meant = vocabularies.iter().flat_map(|(_, named)| named).filter(|named| named.field.is_some()).count();
    assert!(count.exact_or_strong * 10 >= meant * 7, "too few of {meant} are suggested with confidence: {count:?}");
}

fn source(text: &str) -> Source {
    Source::Stream(Box::new(Cursor::new(text.as_bytes().to_vec())))
}

fn seen(text: &str, view: &View) -> iris_intake::suggest::Look {
    look(source(text), Format::Csv, &Limits::default(), view).unwrap()
}

const GAPS: &str = "Eye exam gaps;;;;;;\nRun date 11/30/2026;;;;;;\nMbr #;First;Last;D.O.B.;Sex;Home Clinic;Ref No\n\
    M001;Ada;Testpatient;04/23/1961;F;Seattle;R-1\nM002;Ben;Testpatient;03/04/1961;M;Portland;R-2\n\
    M003;Cleo;Testpatient;12/31/1950;F;Seattle;R-3\nTotal;3;;;;;\n";

#[test]
fn the_header_is_found_below_titles_and_another_can_be_chosen() {
    let found = seen(GAPS, &View::default());
    assert_eq!((found.header_row, found.rows, found.columns.len()), (3, 3, 7));
    assert_eq!(found.totals, ["Total"]);
    assert_eq!(found.columns[5].choices.as_ref().unwrap()["Seattle"], 2);
    let chosen = seen(GAPS, &View { header_row: Some(4), ..View::default() });
    assert_eq!((chosen.header_row, chosen.columns[0].header.as_str()), (4, "M001"));
    let nothing = look(source("1,2\n3,4\n"), Format::Csv, &Limits::default(), &View::default());
    assert_eq!(nothing.unwrap_err().issue.code, iris_model::IssueCode::NoHeader);
}

#[test]
fn what_dates_show_is_said_and_contradictions_are_not_read() {
    let of = |dates: &[&str]| {
        let mut column = Column::new("DOB");
        dates.iter().for_each(|date| column.see(date));
        suggest(&[column], &unmapped()).dates
    };
    assert_eq!(of(&["04/23/1961", "03/04/1961"]), Dates::Shown(DateOrder::MonthFirst));
    assert_eq!(of(&["23/04/1961", "03/04/1961"]), Dates::Shown(DateOrder::DayFirst));
    assert_eq!(of(&["23/04/1961", "04/23/1961"]), Dates::Contradictory);
    assert_eq!(of(&["03/04/1961", "05/06/1961"]), Dates::Open);
    assert_eq!(of(&["1961-04-03"]), Dates::NoQuestion);
}

#[test]
fn names_of_the_organizations_own_mappings_are_exact() {
    let mut column = Column::new("HOME_CLINIC");
    column.see("SEATTLE");
    let of = |organization: &Organization| suggest(&[column.clone()], organization).columns[0].clone();
    let own = of(&harborview()).unwrap();
    assert_eq!((own.field, own.confidence), (IntakeField::SiteLocalId, Confidence::Exact));
    assert_eq!(of(&unmapped()).unwrap().confidence, Confidence::Weak);
    // One column for two fields identifies neither.
    let mut both = Column::new("MBR_ID");
    both.see("M001");
    assert_eq!(suggest(&[both], &harborview()).columns[0].as_ref().unwrap().confidence, Confidence::Strong);
}

#[test]
fn two_columns_for_one_field_are_for_a_person_to_choose() {
    let mut columns = [Column::new("MRN"), Column::new("Patient ID")];
    (0..5).for_each(|at| columns.iter_mut().for_each(|column| column.see(&format!("P{at}00"))));
    let found = suggest(&columns, &unmapped());
    assert!(found.columns.iter().flatten().all(|found| found.confidence == Confidence::Weak), "{found:?}");
}

#[test]
fn choices_become_a_mapping_that_reads_the_file() {
    let mut organization = harborview();
    let found = seen(GAPS, &View::default());
    let suggestions = suggest(&found.columns, &organization);
    let mut choices = Choices::suggested(&found, &suggestions, &organization);
    choices.name = "gaps".to_owned();
    assert_eq!(choices.columns[&IntakeField::HealthPlanMemberId], 0);
    assert_eq!(choices.values[&IntakeField::SiteLocalId]["Seattle"], "HV-SEA");
    choices.columns.insert(IntakeField::PatientLocalId, 0);
    choices.columns.insert(IntakeField::OrderLocalId, 6);
    assert_eq!(choices.missing(&found, &organization), [IntakeField::EvaluationType]);
    choices.fallbacks.insert(IntakeField::EvaluationType, Fallback::Constant("DR".to_owned()));
    assert_eq!(choices.missing(&found, &organization), []);
    let mapping = choices.mapping(&found);
    assert_eq!(mapping.skip_rows, ["Total"]);

    // It is recognized by its header, whatever the file is called, and skips the total.
    organization.drops = vec![iris_model::organization::DropRule { pattern: "gaps-*.csv".to_owned(), mapping }];
    let mut rows = Vec::new();
    let mut read_by = BTreeMap::new();
    for name in ["gaps-11.csv", "corrected by hand.csv"] {
        let mut sink = |step| {
            match step {
                iris_intake::Step::Layout(layout) => drop(read_by.insert(name, layout.mapping.clone())),
                iris_intake::Step::Batch(batch) => rows.extend(batch),
            }
            std::ops::ControlFlow::Continue(())
        };
        iris_intake::read(source(GAPS), Format::Csv, &organization, name, &Limits::default(), 100, &mut sink).unwrap();
    }
    assert_eq!(read_by.values().map(String::as_str).collect::<Vec<_>>(), ["gaps", "gaps"]);
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().all(|row| row.issues.is_empty()), "{:?}", rows[0].issues);
    assert_eq!(rows[4].request.site.as_ref().unwrap().local_id.as_deref(), Some("HV-PDX"));
}

#[test]
fn two_mappings_that_fit_a_header_alike_are_none() {
    let mut organization = harborview();
    let rule = organization.drops[0].clone();
    let header = "MBR_ID,MBR_FIRST_NM,MBR_LAST_NM,BIRTH_DT,SEX_CD,HOME_CLINIC,PHONE_NO,DX1,AUTH_NO,SVC_DT,PLAN_NM,GRP_NO,EFF_DT,TERM_DT,\
                  PCP_NPI,PCP_FIRST,PCP_LAST,PCP_FAX\n";
    let read = |organization: &Organization| {
        let mut name = String::new();
        let mut sink = |step| {
            if let iris_intake::Step::Layout(layout) = step {
                name.clone_from(&layout.mapping);
            }
            std::ops::ControlFlow::Continue(())
        };
        let text = format!("{header}M1,Ada,Testpatient,1960-01-02,2,SEATTLE,,,A1,,,,,,,,,\n");
        iris_intake::read(source(&text), Format::Csv, organization, "x.csv", &Limits::default(), 10, &mut sink)
            .map(|()| name)
            .map_err(|failure| failure.issue.code.to_string())
    };
    assert_eq!(read(&organization), Ok("monthly member file".to_owned()));
    organization.drops.push(iris_model::organization::DropRule { pattern: "other-*".to_owned(), ..rule });
    assert!(read(&organization).is_err());
}
