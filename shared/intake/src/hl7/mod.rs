//! HL7 orders: from an ORM to order requests.
//!
//! A message is a record whose cells are named by addresses; rules, translations, defaults and constants work as for
//! files. Each ORC begins a group, and each group is a request of its own, read from its own segments and those shared
//! by all orders of its patient: one bad order does not hold back the others. Addresses are parsed, never compared as
//! column names: `PID-5.1` and `PID-51` are different.

mod defaults;
mod excerpt;
mod order;

pub use defaults::defaults;
pub use excerpt::excerpts;
pub use order::{Echo, Order};

use iris_hl7::{Address, Message, SegmentId};
pub use iris_model::organization::{Inbound, WrongAddress as Wrong};
use iris_model::{EvaluationType, IntakeField};
use thiserror::Error;

/// A header of an inbound mapping that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{header}`, of {}, is no place that can be read", field.name())]
pub struct Problem {
    /// The field whose rule it is in.
    pub field: IntakeField,
    /// The header.
    pub header: String,
    /// Why.
    #[source]
    pub wrong: Wrong,
}

/// A mapping whose addresses were read.
#[derive(Debug, Clone)]
pub struct Reader {
    rules: Vec<Rule>,
    conventions: crate::mapping::Conventions,
}

#[derive(Debug, Clone)]
struct Rule {
    field: IntakeField,
    addresses: Vec<Address>,
    /// Translations; the first of each pair in lower case.
    values: Vec<(String, String)>,
    default: Option<String>,
    constant: Option<String>,
}

const ORC: &str = "ORC";
const PID: &str = "PID";

impl Reader {
    /// Reads the addresses of a mapping. `exams` are those the organization subscribes to; issues list them when an
    /// order names another.
    ///
    /// # Errors
    ///
    /// Every header that cannot be used.
    pub fn new(inbound: &Inbound, exams: &[EvaluationType]) -> Result<Self, Vec<Problem>> {
        let mut columns = defaults();
        columns.extend(inbound.columns.iter().map(|(field, rule)| (*field, rule.clone())));
        let mut problems = Vec::new();
        let mut rules = Vec::new();
        for (field, rule) in columns {
            let mut addresses = Vec::new();
            for header in &rule.headers {
                match Inbound::address(header) {
                    Ok(address) => addresses.push(address),
                    Err(wrong) => problems.push(Problem { field, header: header.clone(), wrong }),
                }
            }
            let values =
                rule.values.iter().map(|(from, to)| (from.trim().to_lowercase(), to.trim().to_owned())).collect();
            let given =
                |value: Option<String>| value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            rules.push(Rule { field, addresses, values, default: given(rule.default), constant: given(rule.constant) });
        }
        let conventions = crate::mapping::Conventions::new(iris_model::organization::DateOrder::default(), exams);
        if problems.is_empty() { Ok(Self { rules, conventions }) } else { Err(problems) }
    }

    /// The orders of a message, in its order; none where it has no ORC.
    #[must_use]
    pub fn orders(&self, message: &Message<'_>) -> Vec<Order> {
        let Ok(leader) = ORC.parse::<SegmentId>() else { return Vec::new() };
        message.groups(leader).iter().map(|group| self.order(message, group)).collect()
    }

    /// Every field that has a value but is not read by this mapping, as `PID-10`: for people who write mappings. The
    /// header, set ids and the social security number are left out.
    #[must_use]
    pub fn unread(&self, message: &Message<'_>) -> Vec<String> {
        let read: Vec<Address> = self.rules.iter().flat_map(|rule| rule.addresses.iter().cloned()).collect();
        let unread = message.unread(&read).into_iter().filter_map(|(segment, field)| {
            let id = segment.id()?;
            let dropped =
                id == SegmentId::MSH || (id.to_string() == PID && field == 19) || (field == 1 && id.to_string() != ORC);
            (!dropped).then(|| format!("{id}-{field}"))
        });
        unread.collect()
    }
}
