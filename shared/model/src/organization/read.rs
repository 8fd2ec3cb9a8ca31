//! Reading an organization document, and finding everything that is wrong with it.
//!
//! Shape (unknown properties, types, codes) is checked by its types; meaning is checked here, all of it, so that
//! whoever edits the document sees every problem at once. Each problem names its place as a path in the document.

use super::delivery::{MESSAGE_LIMITS, Problem, RESULTS_QUEUE, TargetCheck};
use super::mapping::{self, Use};
use super::{CameraDocument, CarePlans, ColumnRule, DateOrder, DeliveryTarget, Mapping, Organization, SiteDocument};
use crate::IntakeField;
use crate::issue::quoted;
use crate::names::is_queue_name;
use crate::{json, state, value};
use std::collections::{BTreeMap, HashSet};

/// The longest patience with late parents, in seconds: longer than this, a queue would fill with waiting messages.
const PATIENCE_LIMIT: u32 = 24 * 60 * 60;
/// The categories of diabetes (iris-facts §9.7.2).
const DIABETES_CATEGORIES: [&str; 5] = ["E08", "E09", "E10", "E11", "E13"];

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not JSON, or not in the shape of the schema.
    #[error("the document is not in the form of schemas/organization.schema.json: {0}")]
    Shape(String),
    /// In shape, but contradicting itself; one sentence per problem, with its place.
    #[error("{}", .0.join("; "))]
    Problems(Vec<String>),
}

impl Organization {
    /// Reads a document without checking where its destinations are, which only their channels can do. Code that
    /// delivers reads it with [`parse_with`](Self::parse_with), as `iris_channels::organization` does.
    ///
    /// # Errors
    /// As [`parse_with`](Self::parse_with).
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Self::parse_with(bytes, |_, _| Vec::new())
    }

    /// Reads a document. States become two-letter codes.
    ///
    /// # Errors
    /// [`Error`] names every place that has to be corrected.
    pub fn parse_with(bytes: &[u8], check: TargetCheck) -> Result<Self, Error> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let tree = json::parse(bytes).map_err(|issue| Error::Shape(issue.message.into_owned()))?;
        if let Some(path) = tree.repeated_property() {
            return Err(Error::Shape(format!("{path} is there twice")));
        }
        let mut organization: Self = shaped(bytes)?;
        let problems = organization.problems(check);
        if !problems.is_empty() {
            return Err(Error::Problems(problems));
        }
        for site in &mut organization.sites {
            let code = site.address.state.as_deref().and_then(state::from_text);
            site.address.state = code.map(str::to_owned);
        }
        for state in organization.grading.graders.iter_mut().flat_map(|grader| &mut grader.states) {
            state::from_text(state).unwrap_or_default().clone_into(state);
        }
        Ok(organization)
    }

    fn problems(&self, check: TargetCheck) -> Vec<String> {
        let mut problems = Problems::default();
        if self.name.trim().is_empty() {
            problems.add("name", "is empty");
        }
        if self.client_guid.0.is_nil() {
            problems.add("clientGuid", "is all zeros; use the GUID that was issued");
        }
        if self.evaluation_types.is_empty() {
            problems.add("evaluationTypes", "is empty; list at least one, the default first");
        }
        problems.repeated("evaluationTypes", "", self.evaluation_types.iter().map(|kind| kind.code().to_owned()));
        if self.image_patience_seconds > PATIENCE_LIMIT {
            problems.add("imagePatienceSeconds", format!("is more than {PATIENCE_LIMIT}, one day"));
        }
        if self.late_parent_patience_seconds > PATIENCE_LIMIT {
            problems.add("lateParentPatienceSeconds", format!("is more than {PATIENCE_LIMIT}, one day"));
        }
        if let super::EventsDestination::Queue(name) = &self.events
            && !is_queue_name(name)
        {
            problems.add("events.queue", format!("{} is not the name of a queue", quoted(name)));
        }
        problems.sites(&self.sites);
        problems.cameras(self);
        problems.users(&self.users);
        problems.drops(self);
        problems.grading(self);
        problems.interfaces(self);
        problems.destinations(self, check);
        problems.batches(self);
        problems.report_zones(self);
        problems.found
    }
}

/// The document in its types; the first value that does not fit is reported with its place.
fn shaped(bytes: &[u8]) -> Result<Organization, Error> {
    let mut document = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut document).map_err(|error| {
        let place = error.path().to_string();
        let mut what = error.into_inner().to_string();
        if place.ends_with("].to") && what.starts_with("expected value") {
            what = what.replacen("expected value", &format!("{}, and nothing besides", kinds_of_targets()), 1);
        }
        // The whole document has no name.
        Error::Shape(if place == "." { what } else { format!("{place}: {what}") })
    })
}

/// The kinds of targets, in serde's words: it lists them when it is given an unknown one.
fn kinds_of_targets() -> String {
    let refused = serde_json::from_str::<DeliveryTarget>(r#"{ "?": null }"#).err().map(|error| error.to_string());
    let listed = refused.as_deref().and_then(|text| Some((text.find("expected")?, text.rfind(" at line")?)));
    listed.and_then(|(from, to)| refused.as_deref()?.get(from..to)).unwrap_or("expected one kind").to_owned()
}

#[derive(Default)]
struct Problems {
    found: Vec<String>,
}

impl Problems {
    fn add(&mut self, place: impl std::fmt::Display, problem: impl std::fmt::Display) {
        self.found.push(format!("{place} {problem}"));
    }

    /// Reports values that are in a list more than once; `property` says which property of its elements they are.
    fn repeated(&mut self, list: &str, property: &str, values: impl Iterator<Item = String>) {
        let mut seen = HashSet::new();
        for (index, value) in values.enumerate() {
            if !seen.insert(value.clone()) {
                self.add(format_args!("{list}[{index}]{property}"), format_args!("{} is there twice", quoted(&value)));
            }
        }
    }

    fn sites(&mut self, sites: &[SiteDocument]) {
        self.repeated("sites", ".localId", sites.iter().map(|site| site.local_id.to_string()));
        for (index, site) in sites.iter().enumerate() {
            if site.name.trim().is_empty() {
                self.add(format_args!("sites[{index}].name"), "is empty");
            }
            if let Some(state) = &site.address.state
                && state::from_text(state).is_none()
            {
                let problem = format!("{} is not a state, district or territory of the United States", quoted(state));
                self.add(format_args!("sites[{index}].address.state"), problem);
            }
        }
    }

    fn report_zones(&mut self, organization: &Organization) {
        let of_sites = organization.sites.iter().enumerate();
        let of_sites = of_sites.map(|(index, site)| (format!("sites[{index}].reports.timeZone"), &site.reports));
        let all = std::iter::once(("reports.timeZone".to_owned(), &organization.reports)).chain(of_sites);
        for (place, reports) in all {
            if let (Some(name), None) = (&reports.time_zone, reports.zone()) {
                let problem = format!("{} is not a time zone; use an IANA name such as America/Chicago", quoted(name));
                self.add(&place, problem);
            }
        }
    }

    fn batches(&mut self, organization: &Organization) {
        let Some(batches) = &organization.batches else { return };
        if batches.hour > 23 {
            self.add("batches.hour", "is not an hour of the day; use 0 to 23");
        }
        if batches.zone().is_none() {
            let problem =
                format!("{} is not a time zone; use an IANA name such as America/Chicago", quoted(&batches.time_zone));
            self.add("batches.timeZone", problem);
        }
        if batches.formats.is_empty() {
            self.add("batches.formats", "is empty; list at least one of csv, xlsx, zip");
        }
        self.repeated("batches.formats", "", batches.formats.iter().map(|format| format!("{format:?}").to_lowercase()));
    }

    fn cameras(&mut self, organization: &Organization) {
        let cameras = &organization.cameras;
        self.repeated("cameras", ".localId", cameras.iter().map(|camera| camera.local_id.to_string()));
        for (index, CameraDocument { site, .. }) in cameras.iter().enumerate() {
            if organization.site(site).is_none() {
                let problem = format!("{} is not the localId of one of the sites", quoted(site.as_str()));
                self.add(format_args!("cameras[{index}].site"), problem);
            }
        }
    }

    fn users(&mut self, users: &[String]) {
        self.repeated("users", "", users.iter().map(|user| user.to_lowercase()));
        for (index, user) in users.iter().enumerate() {
            if !is_email(user) {
                self.add(format_args!("users[{index}]"), format_args!("{} is not an e-mail address", quoted(user)));
            }
        }
    }

    fn drops(&mut self, organization: &Organization) {
        let patterns = organization.drops.iter().map(|rule| rule.pattern.to_lowercase());
        self.repeated("drops", ".pattern", patterns);
        for (index, rule) in organization.drops.iter().enumerate() {
            if rule.pattern.trim().is_empty() || rule.pattern.chars().any(char::is_control) {
                self.add(format_args!("drops[{index}].pattern"), "is empty or holds control characters");
            }
            self.mapping(&format!("drops[{index}].mapping"), &rule.mapping, organization);
        }
    }

    fn grading(&mut self, organization: &Organization) {
        let grading = &organization.grading;
        if !DIABETES_CATEGORIES.contains(&grading.diabetes_category.as_str()) {
            let problem = format!("is none of {}", DIABETES_CATEGORIES.join(", "));
            self.add("grading.diabetesCategory", problem);
        }
        self.repeated("grading.graders", ".npi", grading.graders.iter().map(|grader| grader.npi.clone()));
        for (index, grader) in grading.graders.iter().enumerate() {
            let place = format!("grading.graders[{index}]");
            if let Err(error) = value::npi(&grader.npi) {
                self.add(format_args!("{place}.npi:"), error);
            }
            for state in grader.states.iter().filter(|state| state::from_text(state).is_none()) {
                let problem = format!("{} is not a state, district or territory of the United States", quoted(state));
                self.add(format_args!("{place}.states:"), problem);
            }
        }
        for (index, contact) in grading.contacts.iter().enumerate() {
            let place = format!("grading.contacts[{index}]");
            if contact.email.as_deref().is_some_and(|email| !is_email(email)) {
                self.add(format_args!("{place}.email"), "is not an e-mail address");
            }
            if contact.email.is_none() && contact.phone.is_none() {
                self.add(&place, "has neither email nor phone: it cannot be told anything");
            }
            for site in contact.sites.iter().filter(|site| organization.site(site).is_none()) {
                let problem = format!("{} is not the localId of one of the sites", quoted(site.as_str()));
                self.add(format_args!("{place}.sites:"), problem);
            }
        }
        let of_sites = organization.sites.iter().enumerate();
        let of_sites = of_sites.map(|(index, site)| (format!("sites[{index}].carePlans"), &site.care_plans));
        for (place, plans) in std::iter::once(("grading.carePlans".to_owned(), &grading.care_plans)).chain(of_sites) {
            self.care_plans(&place, plans);
        }
        if !MESSAGE_LIMITS.contains(&organization.results.message_limit) {
            let problem = format!("is not between {} and {} bytes", MESSAGE_LIMITS.start(), MESSAGE_LIMITS.end());
            self.add("results.messageLimit", problem);
        }
    }

    fn destinations(&mut self, organization: &Organization, check: TargetCheck) {
        let destinations = &organization.destinations;
        self.repeated("destinations", ".id", destinations.iter().map(|destination| destination.id.clone()));
        for (index, destination) in destinations.iter().enumerate() {
            let place = format!("destinations[{index}]");
            if !is_destination_id(&destination.id) || destination.id == RESULTS_QUEUE {
                let problem =
                    "is no usable name: use 1 to 40 lower-case letters, digits and hyphens, and not results-queue";
                self.add(format_args!("{place}.id"), problem);
            }
            for (number, site) in destination.sites.iter().enumerate() {
                if !organization.auto_create_sites && organization.site(site).is_none() {
                    let problem = format!("{} is not the localId of one of the sites", quoted(site.as_str()));
                    self.add(format_args!("{place}.sites[{number}]"), problem);
                }
            }
            for Problem { place: within, problem } in check(destination, organization) {
                self.add(format_args!("{place}.{within}"), problem);
            }
        }
        let of_sites = organization.sites.iter().enumerate();
        let of_sites = of_sites.map(|(index, site)| (format!("sites[{index}].reports.templates"), &site.reports));
        for (place, reports) in std::iter::once(("reports.templates".to_owned(), &organization.reports)).chain(of_sites)
        {
            let kinds = reports.templates.iter().map(|template| template.evaluation_type.code().to_owned());
            self.repeated(&place, ".evaluationType", kinds);
        }
        let days = organization.results.disable_after_days;
        if !(1..=90).contains(&days) {
            self.add("results.disableAfterDays", "is not from 1 to 90");
        }
    }

    fn interfaces(&mut self, organization: &Organization) {
        let interfaces = &organization.interfaces;
        self.repeated("interfaces", ".id", interfaces.iter().map(|interface| interface.id.clone()));
        for (index, interface) in interfaces.iter().enumerate() {
            let place = format!("interfaces[{index}]");
            if !is_destination_id(&interface.id) {
                let problem = "is no usable name: use 1 to 40 lower-case letters, digits and hyphens";
                self.add(format_args!("{place}.id"), problem);
            }
            let names = [
                ("sendingApplication", &interface.sending_application),
                ("sendingFacility", &interface.sending_facility),
                ("receivingApplication", &interface.receiving_application),
                ("receivingFacility", &interface.receiving_facility),
            ];
            for (name, _) in names.into_iter().filter(|(_, value)| value.trim().is_empty()) {
                self.add(format_args!("{place}.{name}"), "is empty; the hospital refuses messages without it");
            }
            if interface.zone().is_none() {
                let problem = "is not a time zone; use an IANA name such as America/Chicago";
                self.add(format_args!("{place}.timeZone"), problem);
            }
            let inbound = format!("{place}.inbound");
            self.columns(&inbound, &interface.inbound.columns, DateOrder::default(), organization);
            for (field, header, problem) in interface.inbound.problems() {
                let place = format!("{inbound}.columns.{}.headers:", field.name());
                self.add(place, format_args!("{} {problem}", quoted(header)));
            }
        }
        self.charges(organization);
    }

    /// An order is charged once. With two destinations for charges serving one site, it would be unclear which gets it.
    fn charges(&mut self, organization: &Organization) {
        let charging: Vec<_> = organization.destinations.iter().filter(|destination| destination.charges()).collect();
        for (index, one) in charging.iter().enumerate() {
            for other in charging.iter().skip(index + 1) {
                let everywhere = one.sites.is_empty() || other.sites.is_empty();
                if everywhere || one.sites.iter().any(|site| other.sites.contains(site)) {
                    let problem = format!("{} and {} both charge for the same sites", one.id, other.id);
                    self.add("destinations:", problem);
                }
            }
        }
    }

    fn care_plans(&mut self, place: &str, plans: &CarePlans) {
        self.repeated(&format!("{place}.plans"), ".id", plans.plans.iter().map(|plan| plan.id.clone()));
        for (index, plan) in plans.plans.iter().enumerate() {
            if [&plan.id, &plan.name, &plan.instructions].iter().any(|text| text.trim().is_empty()) {
                self.add(format_args!("{place}.plans[{index}]"), "needs an id, a name and instructions");
            }
        }
    }

    fn mapping(&mut self, place: &str, mapping: &Mapping, organization: &Organization) {
        if mapping.sheet.as_ref().is_some_and(|sheet| sheet.trim().is_empty()) {
            self.add(format_args!("{place}.sheet"), "is empty; leave it out to read the first sheet that fits");
        }
        if mapping.empty_words.iter().any(|word| word.trim().is_empty()) {
            self.add(format_args!("{place}.emptyWords"), "has an empty word");
        }
        if mapping.skip_rows.iter().any(|skipped| skipped.trim().trim_matches(['*', '?']).is_empty()) {
            self.add(format_args!("{place}.skipRows"), "has a pattern that every row fits, or none");
        }
        self.columns(place, &mapping.columns, mapping.date_order, organization);
    }

    fn columns(
        &mut self,
        place: &str,
        columns: &BTreeMap<IntakeField, ColumnRule>,
        date_order: DateOrder,
        organization: &Organization,
    ) {
        for (field, rule) in columns {
            let place = format!("{place}.columns.{}", field.name());
            if rule.headers.iter().any(|header| header.trim().is_empty()) {
                self.add(format_args!("{place}.headers"), "has an empty header");
            }
            let mut wanted = HashSet::new();
            for cell in rule.values.keys() {
                if !wanted.insert(cell.trim().to_lowercase()) {
                    let problem = format!("{} is there twice: case does not count", quoted(cell));
                    self.add(format_args!("{place}.values"), problem);
                }
            }
            let of_rows = [("constant", rule.constant.as_deref()), ("default", rule.default.as_deref())];
            let of_rows = of_rows.into_iter().filter_map(|(name, value)| Some((name, Use::Rows, value?)));
            let translations = rule.values.values().map(|value| ("values", Use::Translation, value.as_str()));
            for (name, used, value) in of_rows.chain(translations) {
                if let Err(problem) = mapping::check(*field, value, used, date_order, organization) {
                    self.add(format_args!("{place}.{name}:"), problem.message);
                }
            }
        }
    }
}

/// One `@` with something before it and a dotted domain behind it, no blanks.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty()
        && !domain.contains('@')
        && domain.split('.').all(|label| !label.is_empty())
        && domain.contains('.')
        && !text.chars().any(|character| character.is_whitespace() || character.is_control())
}

/// 1 to 40 lower-case letters, digits and hyphens; part of keys and shown to people.
fn is_destination_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=40).contains(&id.len()) && id.bytes().all(allowed) && !id.starts_with('-') && !id.ends_with('-')
}
