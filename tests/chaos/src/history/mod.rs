//! What was asked, what is found afterwards, and whether one explains the other.
//!
//! The checker reads what a caller gets (events, results, lines of receipts) and what an operator sees (orders with
//! their history), as JSON. It shares no code with the rules it checks, and knows only what callers are promised:
//!
//! * every acknowledged change of an order is in its history exactly once, and everything else was refused;
//! * the order of the history explains the answers: what was acknowledged before something else was sent comes before
//!   it, and an order refuses changes only after it is closed;
//! * every row of a file has one line, and every accepted order exists once;
//! * every event and every result comes at least once, under one id, with the same content each time;
//! * nothing of one organization is seen at another.

mod order;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Something a caller did, and has to get an answer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Whose it is: an index into the list of organizations.
    pub organization: usize,
    /// Everything in a wave is answered before the next is sent; within a wave, the order is arbitrary.
    pub wave: usize,
    /// The order as its submitter calls it.
    pub order: String,
    /// What is asked about it.
    pub asked: Asked,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// To create it.
    Order,
    /// To create it, by a row of a file. A bad row has to be refused.
    Row {
        /// The file.
        file: String,
        /// The row, as spreadsheets count.
        row: u32,
        /// Whether it can be accepted.
        good: bool,
    },
    /// To change one value. No two changes in a run have the same value.
    Change {
        /// Which, as a JSON pointer into the request.
        pointer: String,
        /// The new value.
        value: String,
    },
    /// To cancel it.
    Cancellation,
    /// To grade it.
    Grading,
    /// To link an image that its directives name.
    Image {
        /// The image as its submitter calls it.
        local_id: String,
    },
}

/// What is found at an organization.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// A word that is in all of its texts, and in nobody else's.
    pub mark: String,
    /// Its orders.
    pub orders: Vec<Order>,
    /// Its events, each as often as it came.
    pub events: Vec<Value>,
    /// Its results, each as often as it came.
    pub results: Vec<Value>,
    /// Lines of the receipts of its files.
    pub files: BTreeMap<String, Vec<Line>>,
}

/// An order as an operator sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Order {
    /// In IRIS.
    pub id: i64,
    /// As its submitter calls it.
    pub local_id: String,
    /// What is on record without the patient.
    pub content: Value,
    /// The patient on record.
    pub patient: Value,
    /// What happened to it, oldest first.
    pub history: Vec<Entry>,
    /// Names of the images that are linked to it.
    pub images: Vec<String>,
}

/// An entry of an order's history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// The version that ended.
    pub version: i64,
    /// What happened.
    pub change: String,
    /// The submission that did it.
    pub submission: Uuid,
    /// The content before, when it changed.
    pub before: Option<Value>,
}

/// A line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The row.
    pub row: u32,
    /// What became of it.
    pub outcome: String,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub kind: Kind,
    /// What it is about. Names orders, which are synthetic.
    pub what: String,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Acknowledged, but not there.
    Lost,
    /// There more than once, or under more than one id.
    Doubled,
    /// Seen at another organization.
    Crossed,
    /// Never answered.
    Unanswered,
    /// An answer, or an order of events, that nothing explains.
    Unexplained,
}

/// The checker's report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What is wrong; empty when everything is as promised.
    pub findings: Vec<Finding>,
    /// How many changes were acknowledged, cancellations and gradings among them.
    pub changes: usize,
    /// How many orders there are.
    pub orders: usize,
    /// How many distinct events came.
    pub events: usize,
    /// How many results came.
    pub results: usize,
}

impl Report {
    fn add(&mut self, kind: Kind, what: impl Into<String>) {
        self.findings.push(Finding { kind, what: what.into() });
    }

    /// How many findings are of this kind.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.findings.iter().filter(|finding| finding.kind == kind).count()
    }
}

/// Checks a run. `found` has the organizations in the order in which `sent` counts them.
#[must_use]
pub fn check(sent: &[Sent], found: &[Found]) -> Report {
    let mut report = Report::default();
    for (place, here) in found.iter().enumerate() {
        crossed(here, place, found, &mut report);
        let events = distinct(&here.events, &here.mark, &mut report);
        let results = distinct(&here.results, &here.mark, &mut report);
        report.events += events.len();
        report.results += results.len();
        report.orders += here.orders.len();
        let asked: Vec<&Sent> = sent.iter().filter(|sent| sent.organization == place).collect();
        files(&asked, here, &mut report);
        order::check(&asked, here, &events, &results, &mut report);
    }
    report
}

/// Messages under one id with the same content count as one.
fn distinct<'a>(messages: &'a [Value], mark: &str, report: &mut Report) -> Vec<&'a Value> {
    let mut seen: BTreeMap<&str, &Value> = BTreeMap::new();
    for message in messages {
        let Some(id) = message["TransactionId"].as_str() else {
            report.add(Kind::Unexplained, format!("{mark}: a message without an id"));
            continue;
        };
        if *seen.entry(id).or_insert(message) != message {
            report.add(Kind::Doubled, format!("{mark}: two different messages under the id {id}"));
        }
    }
    seen.into_values().collect()
}

/// Everything at one organization that has the mark of another.
fn crossed(here: &Found, place: usize, found: &[Found], report: &mut Report) {
    let others = found.iter().enumerate().filter(|(other, _)| *other != place);
    let marks: Vec<&str> = others.clone().map(|(_, other)| other.mark.as_str()).collect();
    let foreign: BTreeSet<i64> = others.flat_map(|(_, other)| other.orders.iter().map(|order| order.id)).collect();
    let mut texts: Vec<(&str, String)> = Vec::new();
    for order in &here.orders {
        let before = order.history.iter().filter_map(|entry| entry.before.as_ref());
        let values = [&order.content, &order.patient].into_iter().chain(before);
        texts.extend(values.map(|value| (order.local_id.as_str(), value.to_string())));
        texts.extend(order.images.iter().map(|image| (order.local_id.as_str(), image.clone())));
    }
    for message in here.events.iter().chain(&here.results) {
        texts.push(("a message", message.to_string()));
        let about = message["IrisOrderId"].as_i64().or_else(|| message["Order"]["PatientOrderId"].as_i64());
        if about.is_some_and(|id| foreign.contains(&id)) {
            report.add(Kind::Crossed, format!("{}: a message about somebody else's order", here.mark));
        }
    }
    for (what, text) in texts {
        for mark in marks.iter().filter(|mark| text.contains(**mark)) {
            report.add(Kind::Crossed, format!("{}: {what} has something of {mark}", here.mark));
        }
    }
}

/// Checks that every row of a file has one line, with the right outcome.
fn files(asked: &[&Sent], here: &Found, report: &mut Report) {
    let mut wanted: BTreeMap<(&str, u32), bool> = BTreeMap::new();
    for sent in asked {
        if let Asked::Row { file, row, good } = &sent.asked {
            wanted.insert((file, *row), *good);
        }
    }
    for (file, lines) in &here.files {
        let mut seen = BTreeSet::new();
        for line in lines {
            let place = format!("{}: row {} of {file}", here.mark, line.row);
            if !seen.insert(line.row) {
                report.add(Kind::Doubled, format!("{place} has two lines"));
            }
            match wanted.get(&(file.as_str(), line.row)) {
                None => report.add(Kind::Unexplained, format!("{place} has a line and is no row")),
                Some(good) if *good == (line.outcome == "failed") => {
                    report.add(Kind::Unexplained, format!("{place} ended as {}", line.outcome));
                }
                Some(_) => {}
            }
        }
    }
    for (file, row) in wanted.keys() {
        let lines = here.files.get(*file);
        if lines.is_none_or(|lines| lines.iter().all(|line| line.row != *row)) {
            report.add(Kind::Lost, format!("{}: row {row} of {file} has no line", here.mark));
        }
    }
}
