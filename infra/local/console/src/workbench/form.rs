//! What a person has chosen, as the page's form sends it.

use iris_drops::proposal::{Proposal, pattern};
use iris_intake::suggest::{Choices, Dates, Fallback, View};
use iris_model::organization::{DateOrder, DropRule};
use iris_model::{IntakeField, Organization};
use std::collections::BTreeSet;

/// The fields of a form, in order.
#[derive(Debug, Default)]
pub(crate) struct Form(pub(crate) Vec<(String, String)>);

impl Form {
    /// The value of a field that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(own, _)| own == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Where a person says the data is.
    pub(crate) fn view(&self) -> View {
        let header_row = self.get("header").and_then(|number| number.parse().ok());
        View { sheet: self.get("sheet").map(str::to_owned), header_row }
    }

    /// Whether it has choices, or only says where the data is.
    fn has_choices(&self) -> bool {
        self.get("chosen") == Some(&self.place())
    }

    /// The place that the form's choices refer to.
    fn place(&self) -> String {
        format!("{}/{}", self.get("sheet").unwrap_or_default(), self.get("header").unwrap_or_default())
    }
}

/// What was chosen, and what still prevents reading the file.
pub(crate) struct Entered {
    pub(crate) choices: Choices,
    pub(crate) confirmed: BTreeSet<IntakeField>,
    /// Columns chosen for a field that already has one.
    pub(crate) doubled: Vec<IntakeField>,
    pub(crate) missing: Vec<IntakeField>,
    pub(crate) pattern: String,
    /// Day and month were decided, by the file or by the person.
    pub(crate) is_dated: bool,
}

/// The field of a published name.
pub(crate) fn field(name: &str) -> Option<IntakeField> {
    IntakeField::ALL.iter().copied().find(|field| field.name() == name)
}

/// `M/d/yyyy` and `d/M/yyyy`, as documents have them.
pub(crate) fn order_name(order: DateOrder) -> &'static str {
    match order {
        DateOrder::MonthFirst => "M/d/yyyy",
        DateOrder::DayFirst => "d/M/yyyy",
    }
}

impl Entered {
    /// Reads the form; if it has no choices for this place yet, those of the proposal apply.
    pub(crate) fn read(form: &Form, proposal: &Proposal, organization: &Organization, file_name: &str) -> Self {
        let mut entered = Self {
            choices: proposal.choices.clone(),
            confirmed: BTreeSet::new(),
            doubled: Vec::new(),
            missing: Vec::new(),
            pattern: form.get("pattern").map_or_else(|| pattern(file_name), str::to_owned),
            is_dated: matches!(proposal.suggestions.dates, Dates::NoQuestion | Dates::Shown(_)),
        };
        if form.has_choices() {
            entered.choices = Choices {
                name: form.get("name").unwrap_or(&proposal.choices.name).to_owned(),
                sheet: proposal.choices.sheet.clone(),
                date_order: proposal.choices.date_order,
                ..Choices::default()
            };
            entered.columns(form, proposal);
            entered.fallbacks(form);
            entered.translations(form);
            entered.choices.prefill(&proposal.look, organization);
            entered.choices.skip_rows = lines(form.get("skip"));
            entered.choices.derives_order_ids = form.get("derive").is_some();
            for (name, _) in &form.0 {
                entered.confirmed.extend(name.strip_prefix("k-").and_then(field));
            }
        }
        if proposal.suggestions.dates == Dates::Open {
            let chosen = [DateOrder::MonthFirst, DateOrder::DayFirst];
            let chosen = chosen.into_iter().find(|order| form.get("order") == Some(order_name(*order)));
            entered.is_dated = chosen.is_some();
            entered.choices.date_order = chosen.unwrap_or_default();
        }
        entered.missing = entered.choices.missing(&proposal.look, organization);
        entered
    }

    fn columns(&mut self, form: &Form, proposal: &Proposal) {
        for at in 0..proposal.look.columns.len() {
            if let Some(field) = form.get(&format!("c{at}")).and_then(field)
                && self.choices.columns.insert(field, at).is_some()
            {
                self.doubled.push(field);
            }
        }
    }

    fn fallbacks(&mut self, form: &Form) {
        for (name, value) in &form.0 {
            let Some(field) = name.strip_prefix("m-").and_then(field) else { continue };
            let given = form.get(&format!("v-{}", field.name())).map(str::to_owned);
            match (value.as_str(), given) {
                ("constant", Some(value)) => drop(self.choices.fallbacks.insert(field, Fallback::Constant(value))),
                ("default", Some(value)) => drop(self.choices.fallbacks.insert(field, Fallback::Default(value))),
                (column, _) => {
                    if let Some(at) = column.strip_prefix("column:").and_then(|at| at.parse().ok()) {
                        self.choices.columns.entry(field).or_insert(at);
                    }
                }
            }
        }
    }

    fn translations(&mut self, form: &Form) {
        for (name, cell) in &form.0 {
            let Some((field_name, number)) = name.strip_prefix("tk-").and_then(|rest| rest.rsplit_once('-')) else {
                continue;
            };
            let Some(field) = field(field_name) else { continue };
            if let Some(to) = form.get(&format!("tv-{field_name}-{number}")) {
                self.choices.values.entry(field).or_default().insert(cell.clone(), to.to_owned());
            }
        }
        let columns = &self.choices.columns;
        self.choices.values.retain(|field, _| columns.contains_key(field));
    }

    /// Chosen fields that a person has not confirmed yet.
    pub(crate) fn unconfirmed(&self) -> Vec<IntakeField> {
        self.choices.to_confirm().into_iter().filter(|field| !self.confirmed.contains(field)).collect()
    }

    /// Whether nothing prevents reading the file like this.
    pub(crate) fn is_ready(&self) -> bool {
        self.missing.is_empty() && self.doubled.is_empty() && self.unconfirmed().is_empty() && self.is_dated
    }

    /// The rule.
    pub(crate) fn rule(&self, proposal: &Proposal) -> DropRule {
        DropRule { pattern: self.pattern.clone(), mapping: self.choices.mapping(&proposal.look) }
    }
}

fn lines(text: Option<&str>) -> Vec<String> {
    text.into_iter().flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
