//! A column of an unknown file: its name, its contents, and what its values look like.

use iris_model::organization::DateOrder;
use iris_model::value::{self, Shown, order_shown, residue};
use iris_model::{EvaluationType, Gender, IntakeField, LocalId, Organization, state};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// Different values kept per column; a column with more is not a list of choices.
const CHOICES: usize = 200;
/// How many values are compared to see whether a column repeats itself.
const COMPARED: usize = 100_000;
/// The percentage of values that must have a shape for the column to have it: files have typos.
const MOST: u64 = 90;
/// Sample values shown per column.
const SAMPLES: usize = 3;
/// The longest value that is kept, in characters.
const SHOWN: usize = 80;

/// What dates of three numbers show about the order of day and month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DateEvidence {
    /// Dates that are valid only with the month first: the second part is over 12.
    pub month_first: u64,
    /// Dates that are valid only with the day first: the first part is over 12.
    pub day_first: u64,
    /// Dates that are valid, and different, in both orders.
    pub either: u64,
    /// Dates whose order is unambiguous, such as `2026-11-20`.
    pub plain: u64,
}

impl DateEvidence {
    /// Adds what another column shows.
    pub(super) fn add(&mut self, other: &Self) {
        self.month_first += other.month_first;
        self.day_first += other.day_first;
        self.either += other.either;
        self.plain += other.plain;
    }

    /// All dates.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.month_first + self.day_first + self.either + self.plain
    }
}

/// What a column shows.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Its name, as the file has it.
    pub header: String,
    /// The first different values.
    pub samples: Vec<String>,
    /// Cells that are not empty.
    pub filled: u64,
    /// The different values with their counts, where they are few enough to be a list of choices.
    #[serde(skip)]
    pub choices: Option<BTreeMap<String, u64>>,
    /// Whether no value occurs twice.
    pub is_unique: bool,
    /// What its dates show.
    pub dates: DateEvidence,
    /// Values by shape.
    #[serde(skip)]
    shapes: Shapes,
    #[serde(skip)]
    seen: HashSet<u64>,
    #[serde(skip)]
    hashes: RandomState,
}

/// How many values have which shape.
#[derive(Debug, Clone, Copy, Default)]
struct Shapes {
    npi: u64,
    state: u64,
    gender: u64,
    exam: u64,
    phone: u64,
    diagnosis: u64,
    procedure: u64,
    name: u64,
    id: u64,
    email: u64,
    boolean: u64,
    with_time: u64,
}

impl Column {
    /// A column of this name, before any cell was seen.
    #[must_use]
    pub fn new(header: &str) -> Self {
        Self { header: header.to_owned(), choices: Some(BTreeMap::new()), is_unique: true, ..Self::default() }
    }

    /// Takes a cell into account.
    pub fn see(&mut self, cell: &str) {
        let cell = residue::unforced(cell.trim()).unwrap_or_else(|| cell.trim().to_owned());
        if cell.is_empty() || residue::is_nothing(&cell, residue::Purpose::Typed) {
            return;
        }
        self.filled += 1;
        let short: String = cell.chars().take(SHOWN).collect();
        if self.samples.len() < SAMPLES && !self.samples.contains(&short) {
            self.samples.push(short.clone());
        }
        if let Some(choices) = &mut self.choices {
            *choices.entry(short).or_default() += 1;
            if choices.len() > CHOICES {
                self.choices = None;
            }
        }
        if self.is_unique && self.seen.len() < COMPARED {
            self.is_unique = self.seen.insert(self.hashes.hash_one(&cell));
        }
        self.weigh(&cell);
    }

    fn weigh(&mut self, cell: &str) {
        match order_shown(cell) {
            Some(Shown::Only(DateOrder::MonthFirst)) => self.dates.month_first += 1,
            Some(Shown::Only(DateOrder::DayFirst)) => self.dates.day_first += 1,
            Some(Shown::Either) => self.dates.either += 1,
            None => self.dates.plain += u64::from(value::date(cell, DateOrder::MonthFirst).is_ok()),
        }
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        let of_phone = |character: char| character.is_ascii_digit() || " ()-+.x".contains(character);
        let of_name = |character: char| character.is_alphabetic() || " '\u{2019}-.,".contains(character);
        let of_id = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
        let shapes = &mut self.shapes;
        shapes.npi += u64::from(value::npi_check_digit_ok(cell));
        shapes.state += u64::from(cell.len() == 2 && state::from_text(cell).is_some());
        shapes.gender += u64::from(is_gender(cell));
        shapes.exam += u64::from(cell.parse::<u64>().is_err() && EvaluationType::from_text(cell).is_some());
        shapes.phone += u64::from((10..=15).contains(&digits) && cell.chars().all(of_phone));
        shapes.diagnosis += u64::from(value::diagnosis_code(cell).is_ok() && value::is_known_diagnosis(cell));
        shapes.procedure += u64::from(value::is_procedure_code(cell));
        shapes.name += u64::from(cell.chars().all(of_name) && cell.chars().any(char::is_alphabetic));
        shapes.id += u64::from(digits > 0 && cell.len() >= 3 && cell.len() <= 64 && cell.chars().all(of_id));
        shapes.email += u64::from(cell.contains('@') && cell.contains('.') && !cell.contains(' '));
        shapes.boolean += u64::from(value::boolean(cell).is_ok());
        shapes.with_time += u64::from(value::date(cell, DateOrder::MonthFirst).is_ok() && cell.contains(':'));
    }

    /// Whether nearly all values have a shape.
    fn mostly(&self, of_shape: u64) -> bool {
        self.filled > 0 && of_shape * 100 >= self.filled * MOST
    }

    /// Whether its values are dates.
    #[must_use]
    pub fn is_of_dates(&self) -> bool {
        self.mostly(self.dates.total())
    }

    /// Whether its values look like the field's, with the reason either way.
    pub(super) fn agrees(&self, field: IntakeField, organization: &Organization) -> Result<String, String> {
        use IntakeField as F;
        let shapes = &self.shapes;
        let judged = |is_so: bool, yes: &str, no: &str| if is_so { Ok(yes.to_owned()) } else { Err(no.to_owned()) };
        match field {
            F::PatientDob | F::HealthPlanEffectiveDate | F::HealthPlanExpirationDate | F::OrderScheduledTime => {
                judged(self.is_of_dates(), "Its values are dates.", "Its values are not dates.")
            }
            F::OrderingProviderNpi
            | F::ReferringProviderNpi
            | F::CameraOperatorNpi
            | F::HealthPlanPrimaryCareProviderNpi => judged(
                self.mostly(shapes.npi),
                "Its values have the check digit of NPIs.",
                "Its values do not have the check digit of NPIs.",
            ),
            F::OrderLocalId => judged(
                self.mostly(shapes.id) && self.is_unique && !self.is_of_dates(),
                "Its values look like ids, and none stands there twice.",
                "Its values are not ids of which none stands there twice.",
            ),
            F::PatientLocalId
            | F::HealthPlanMemberId
            | F::EncounterNumber
            | F::HealthPlanPolicyNumber
            | F::HealthPlanGroupNumber
            | F::DepartmentId => judged(
                self.mostly(shapes.id) && !self.is_of_dates(),
                "Its values look like ids.",
                "Its values do not look like ids.",
            ),
            F::PatientFirstName
            | F::PatientLastName
            | F::OrderingProviderFirstName
            | F::OrderingProviderLastName
            | F::ReferringProviderFirstName
            | F::ReferringProviderLastName
            | F::HealthPlanPrimaryCareProviderFirst
            | F::HealthPlanPrimaryCareProviderLast => judged(
                self.mostly(shapes.name) && !self.has_commas(),
                "Its values are words without digits.",
                "Its values have digits or commas, as names do not.",
            ),
            F::PatientBirthGender | F::PatientIdentityGender => judged(
                self.mostly(shapes.gender) || self.choices.as_ref().is_some_and(|few| few.len() <= 6),
                "Its values are genders, or few enough to be.",
                "It has too many different values for a gender.",
            ),
            F::PatientPhone | F::HealthPlanPrimaryCareProviderFaxNumber => judged(
                self.mostly(shapes.phone),
                "Its values have the digits of phone numbers.",
                "Its values do not have the digits of phone numbers.",
            ),
            F::DxCode => judged(
                self.mostly(shapes.diagnosis),
                "Its values are ICD-10-CM codes.",
                "Its values are not single ICD-10-CM codes.",
            ),
            F::CptCode => judged(
                self.mostly(shapes.procedure),
                "Its values have the form of procedure codes.",
                "Its values do not have the form of procedure codes.",
            ),
            F::OrderState => judged(self.mostly(shapes.state), "Its values are states.", "Its values are not states."),
            F::EvaluationType => judged(
                self.mostly(shapes.exam),
                "Its values are codes of exams.",
                "Its values are not codes of exams, and would have to be translated.",
            ),
            F::SiteLocalId => judged(
                self.is_of_sites(organization),
                "Its values are the organization's sites, by id, name or city.",
                "Its values are not the organization's sites, and would have to be translated.",
            ),
            F::OrderingProviderEmail
            | F::ReferringProviderEmail
            | F::HealthPlanPrimaryCareProviderEmailAddress
            | F::CameraOperatorEmail => judged(
                self.mostly(shapes.email),
                "Its values are e-mail addresses.",
                "Its values are not e-mail addresses.",
            ),
            F::SingleEyeOnly => {
                judged(self.mostly(shapes.boolean), "Its values are yes and no.", "Its values are not yes and no.")
            }
            F::HealthPlanName | F::HealthPlanPayerName | F::HealthPlanGroupName => judged(
                !self.mostly(shapes.id) && !self.is_of_dates() && self.choices.is_some() && !self.looks_like_people(),
                "Its values are a few texts that repeat.",
                "Its values are not a few texts that repeat.",
            ),
            F::OrderControlCode => Err("Its values have to be looked at.".to_owned()),
            _ => Ok("Any text can stand there.".to_owned()),
        }
    }

    /// The field whose values look like no other's, whatever the name.
    pub(super) fn shape_alone(&self, organization: &Organization) -> Option<(IntakeField, String)> {
        use IntakeField as F;
        if self.filled < 3 || self.is_of_dates() {
            return None;
        }
        let why = |field| self.agrees(field, organization).ok().map(|why| (field, why));
        if self.mostly(self.shapes.npi) {
            return why(F::OrderingProviderNpi);
        }
        if self.mostly(self.shapes.diagnosis) {
            return why(F::DxCode);
        }
        if self.is_of_sites(organization) {
            return why(F::SiteLocalId);
        }
        self.mostly(self.shapes.exam).then(|| why(F::EvaluationType)).flatten()
    }

    fn is_of_sites(&self, organization: &Organization) -> bool {
        let is_site = |text: &str| {
            LocalId::new(text).is_some_and(|id| organization.site(&id).is_some())
                || organization.site_meant(text).is_some()
        };
        self.choices.as_ref().is_some_and(|choices| {
            let known: u64 = choices.iter().filter(|(text, _)| is_site(text)).map(|(_, count)| count).sum();
            self.mostly(known)
        })
    }

    fn has_commas(&self) -> bool {
        self.samples.iter().any(|sample| sample.contains(','))
    }

    /// Names of persons hardly repeat; names of plans do.
    fn looks_like_people(&self) -> bool {
        self.filled >= 5 && self.choices.as_ref().is_some_and(|choices| choices.len() as u64 * 2 > self.filled)
    }
}

/// Genders as words and letters; digits are private codes.
fn is_gender(text: &str) -> bool {
    text.parse::<u64>().is_err() && Gender::from_text(text).is_some()
}
