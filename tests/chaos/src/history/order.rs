//! One order: what was asked about it, what was answered, and what its history says.

use super::{Asked, Entry, Found, Kind, Order, Report, Sent};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Everything about one order under its submitter's id.
struct Case<'a> {
    name: String,
    asked: Vec<&'a Sent>,
    events: Vec<&'a Value>,
    results: Vec<&'a Value>,
    orders: Vec<&'a Order>,
}

/// Those requests that the history shows, in its order.
struct Applied<'a> {
    sent: Vec<&'a Sent>,
    /// The wave of the request that closed the order.
    closed: Option<usize>,
}

pub(super) fn check(asked: &[&Sent], here: &Found, events: &[&Value], results: &[&Value], report: &mut Report) {
    let mut cases: BTreeMap<&str, Case<'_>> = BTreeMap::new();
    for sent in asked {
        let case = cases.entry(&sent.order).or_insert_with(|| Case {
            name: format!("{}: {}", here.mark, sent.order),
            asked: Vec::new(),
            events: Vec::new(),
            results: Vec::new(),
            orders: Vec::new(),
        });
        case.asked.push(sent);
    }
    let nobody = |what: &str| format!("{}: {what} about an order nobody asked for", here.mark);
    for event in events {
        match event["OrderLocalId"].as_str().and_then(|order| cases.get_mut(order)) {
            Some(case) => case.events.push(event),
            None => report.add(Kind::Unexplained, nobody("an event")),
        }
    }
    for result in results {
        match result["Order"]["LocalId"].as_str().and_then(|order| cases.get_mut(order)) {
            Some(case) => case.results.push(result),
            None => report.add(Kind::Unexplained, nobody("a result")),
        }
    }
    for order in &here.orders {
        match cases.get_mut(order.local_id.as_str()) {
            Some(case) => case.orders.push(order),
            None => report.add(Kind::Unexplained, nobody("something on record")),
        }
    }
    for case in cases.values() {
        case.check(report);
    }
}

impl Case<'_> {
    fn check(&self, report: &mut Report) {
        let good = self.created(report);
        if let (true, [order]) = (good, self.orders.as_slice()) {
            self.acknowledged(order, report);
            let applied = self.applied(order, report);
            self.explained(order, &applied, report);
            self.graded(order, report);
            self.linked(order, report);
        }
        for event in &self.events {
            let kind = event["ResultObjectType"].as_str().unwrap_or_default();
            if !KNOWN.contains(&kind) {
                report.add(Kind::Unexplained, format!("{} got a {kind}", self.name));
            }
        }
    }

    fn of_kind(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().copied().filter(|event| event["ResultObjectType"] == kind).collect()
    }

    /// Checks that this many answers of these kinds have come.
    fn answers(&self, what: &str, wanted: usize, kinds: &[&str], report: &mut Report) {
        let count = kinds.iter().map(|kind| self.of_kind(kind).len()).sum::<usize>();
        if count < wanted {
            report.add(Kind::Unanswered, format!("{}: {count} of {wanted} answers to {what}", self.name));
        }
        if count > wanted {
            report.add(Kind::Doubled, format!("{}: {count} answers to {wanted} {what}", self.name));
        }
    }

    /// Whether it had to be created; if so, it exists once and was acknowledged.
    fn created(&self, report: &mut Report) -> bool {
        let creations = self.asked.iter().filter(|sent| matches!(sent.asked, Asked::Order | Asked::Row { .. }));
        self.answers("creation", creations.clone().count(), &[CREATION], report);
        let good = !creations.clone().any(|sent| matches!(sent.asked, Asked::Row { good: false, .. }));
        if self.of_kind(CREATION).iter().any(|event| event["Success"] != good) {
            report.add(Kind::Unexplained, format!("{}: its creation was answered with {}", self.name, !good));
        }
        match (good, self.orders.len()) {
            (true, 1) | (false, 0) => {}
            (true, 0) => report.add(Kind::Lost, format!("{} is not on record", self.name)),
            (true, count) => report.add(Kind::Doubled, format!("{} is on record {count} times", self.name)),
            (false, _) => report.add(Kind::Unexplained, format!("{} was refused and is on record", self.name)),
        }
        good
    }

    /// Checks that every acknowledgment has its entry in the history, that every entry that somebody asked for has its
    /// acknowledgment, and that there are as many answers as requests.
    fn acknowledged(&self, order: &Order, report: &mut Report) {
        let count = |wanted: fn(&Asked) -> bool| self.asked.iter().filter(|sent| wanted(&sent.asked)).count();
        self.answers("changes", count(|asked| matches!(asked, Asked::Change { .. })), &[CHANGE], report);
        self.answers(
            "cancellations",
            count(|asked| matches!(asked, Asked::Cancellation)),
            &[CANCELLED, NOT_CANCELLED],
            report,
        );
        self.answers("gradings", count(|asked| matches!(asked, Asked::Grading)), &[GRADING], report);

        let mut entries = BTreeMap::new();
        for entry in &order.history {
            let Some(kind) = receipt_of(entry) else { continue };
            // The published rule of an event's id: from the submission, the kind and the order.
            let id = Uuid::new_v5(&entry.submission, format!("{kind}/{}", order.id).as_bytes()).to_string();
            if entries.insert(id, entry).is_some() {
                report.add(Kind::Doubled, format!("{}: version {} was made before", self.name, entry.version));
            }
        }
        for event in [CHANGE, CANCELLED, GRADING].iter().flat_map(|kind| self.of_kind(kind)) {
            let entry = event["TransactionId"].as_str().and_then(|id| entries.remove(id));
            let success = event["Success"] == true;
            report.changes += usize::from(success);
            let kind = event["ResultObjectType"].as_str().unwrap_or_default();
            match (success, entry) {
                (true, None) => {
                    report.add(Kind::Lost, format!("{}: a {kind} and nothing in the history", self.name));
                }
                (false, Some(entry)) => {
                    let what = format!("{}: version {} was made and refused", self.name, entry.version);
                    report.add(Kind::Unexplained, what);
                }
                _ => {}
            }
        }
        for entry in entries.values() {
            report.add(Kind::Unanswered, format!("{}: nobody was told of version {}", self.name, entry.version));
        }
    }

    /// Goes through the history and finds the request behind each entry.
    fn applied<'a>(&'a self, order: &Order, report: &mut Report) -> Applied<'a> {
        let mut patient = self.changes_of_the_patient();
        let mut applied = Applied { sent: Vec::new(), closed: None };
        for (place, entry) in order.history.iter().enumerate() {
            let here = format!("{}, version {}", self.name, entry.version);
            if i64::try_from(place + 1) != Ok(entry.version) {
                report.add(Kind::Lost, format!("{here}: the history has a gap before it"));
            }
            let asked = match entry.change.as_str() {
                "changed" => {
                    let after = order.history[place + 1..].iter().find_map(|later| later.before.as_ref());
                    self.change(entry, after.unwrap_or(&order.content), &mut patient)
                }
                "cancelled" => self.asked(|asked| matches!(asked, Asked::Cancellation)),
                "graded" => self.asked(|asked| matches!(asked, Asked::Grading)),
                "image-linked" | "queued" | "completed" => continue,
                _ => None,
            };
            let Some(sent) = asked else {
                report.add(Kind::Unexplained, format!("{here} is {} as nobody asked", entry.change));
                continue;
            };
            if applied.closed.is_some() {
                report.add(Kind::Unexplained, format!("{here} came after the order was closed"));
            }
            if matches!(sent.asked, Asked::Cancellation | Asked::Grading) {
                applied.closed.get_or_insert(sent.wave);
            }
            applied.sent.push(sent);
        }
        let last = applied.sent.iter().rev().find_map(|sent| of_the_patient(sent));
        let on_record = |pointer: &str| order.patient.pointer(pointer).and_then(Value::as_str);
        if let Some((pointer, value)) = last.filter(|(pointer, value)| on_record(pointer) != Some(value)) {
            report.add(Kind::Lost, format!("{}: {pointer} of the patient is not {value}", self.name));
        }
        applied
    }

    fn asked(&self, wanted: impl Fn(&Asked) -> bool) -> Option<&Sent> {
        self.asked.iter().copied().find(|sent| wanted(&sent.asked))
    }

    /// Changes of the patient leave the order's content as it is. At most one is sent per wave, so they are applied in
    /// the order of waves.
    fn changes_of_the_patient(&self) -> std::vec::IntoIter<&Sent> {
        let mut changes: Vec<&Sent> =
            self.asked.iter().copied().filter(|sent| of_the_patient(sent).is_some()).collect();
        changes.sort_by_key(|sent| sent.wave);
        changes.into_iter()
    }

    /// The request that turns what was before into `after`: it changes one value, and only that.
    fn change<'a>(
        &'a self,
        entry: &Entry,
        after: &Value,
        patient: &mut impl Iterator<Item = &'a Sent>,
    ) -> Option<&'a Sent> {
        let (before, after) = (leaves(entry.before.as_ref()?), leaves(after));
        let different = before.keys().chain(after.keys()).filter(|key| before.get(*key) != after.get(*key));
        let different: BTreeSet<&String> = different.collect();
        let mut different = different.into_iter();
        match (different.next(), different.next()) {
            (None, _) => patient.next(),
            (Some(place), None) => {
                let now = after.get(place)?.as_str()?;
                let makes_it = |asked: &Asked| matches!(asked, Asked::Change { pointer, value } if pointer == place && value == now);
                self.asked(makes_it)
            }
            (Some(_), Some(_)) => None,
        }
    }

    /// Checks that the order of the history explains the answers.
    fn explained(&self, order: &Order, applied: &Applied<'_>, report: &mut Report) {
        for (first, second) in applied.sent.iter().zip(applied.sent.iter().skip(1)) {
            if first.wave > second.wave {
                let what = "was acknowledged before the change above it was sent";
                report.add(Kind::Unexplained, format!("{}: {} {what}", self.name, told(second)));
            }
        }
        let mut left: Vec<&Sent> = Vec::new();
        for sent in &self.asked {
            let times = applied.sent.iter().filter(|other| std::ptr::eq(**other, *sent)).count();
            match (&sent.asked, times) {
                (Asked::Change { .. } | Asked::Cancellation | Asked::Grading, 0) => left.push(sent),
                (_, 0 | 1) => {}
                _ => report.add(Kind::Doubled, format!("{}: {} was made {times} times", self.name, told(sent))),
            }
        }
        let refusals = [CHANGE, NOT_CANCELLED, GRADING].iter().flat_map(|kind| self.of_kind(kind));
        let refused = refusals.filter(|event| event["Success"] == false).count();
        let unexplained = left.iter().filter(|sent| applied.closed.is_none_or(|closed| closed > sent.wave));
        if left.len() > refused {
            let names: Vec<String> = left.iter().map(|sent| told(sent)).collect();
            let what = format!("{} of {} (order {})", left.len() - refused, names.join(", "), order.id);
            report.add(Kind::Lost, format!("{}: not refused and not in the history: {what}", self.name));
        } else {
            for sent in unexplained {
                let what = format!("{}: {} was refused while the order was open", self.name, told(sent));
                report.add(Kind::Unexplained, what);
            }
        }
    }

    /// Checks that a graded order has one result, that it went to the results queue and one other destination, and that
    /// its submitter was told.
    fn graded(&self, order: &Order, report: &mut Report) {
        let graded = order.history.iter().filter(|entry| entry.change == "graded").count();
        let (events, receipts) = (self.of_kind(GRADED).len(), self.of_kind(DELIVERED).len());
        for (what, count) in
            [("events of grading", events), ("receipts of delivery", receipts), ("results", self.results.len())]
        {
            let kind = match count.cmp(&graded) {
                std::cmp::Ordering::Less => Kind::Lost,
                std::cmp::Ordering::Greater => Kind::Doubled,
                std::cmp::Ordering::Equal => continue,
            };
            report.add(kind, format!("{}: {count} {what} for {graded} gradings", self.name));
        }
    }

    /// Checks that every image is linked once, and that its submitter was told.
    fn linked(&self, order: &Order, report: &mut Report) {
        let mut images = 0;
        for sent in &self.asked {
            let Asked::Image { local_id } = &sent.asked else { continue };
            images += 1;
            let receipts = self.of_kind(IMAGE).into_iter().filter(|event| event["ImageLocalId"] == **local_id);
            let (linked, other): (Vec<&Value>, Vec<&Value>) = receipts.partition(|event| event["Success"] == true);
            let kind = match (linked.len(), other.len()) {
                (1, 0) => continue,
                (0, 0) => Kind::Unanswered,
                (0, _) => Kind::Unexplained,
                _ => Kind::Doubled,
            };
            let what = format!("{}: {} receipts of {local_id}, {} refusals", self.name, linked.len(), other.len());
            report.add(kind, what);
        }
        let distinct: BTreeSet<&String> = order.images.iter().collect();
        if distinct.len() < order.images.len() {
            report.add(Kind::Doubled, format!("{}: an image is linked twice", self.name));
        }
        if distinct.len() != images {
            let what = format!("{}: {} images are linked, {images} were sent", self.name, distinct.len());
            report.add(if distinct.len() < images { Kind::Lost } else { Kind::Unexplained }, what);
        }
        let ready = self.of_kind(READY).len();
        if ready != usize::from(images > 0) {
            let kind = if ready == 0 { Kind::Lost } else { Kind::Doubled };
            report.add(kind, format!("{}: {ready} times ready for grading", self.name));
        }
    }
}

const CREATION: &str = "OrderCreationReceipt";
const CHANGE: &str = "OrderChangeReceipt";
const CANCELLED: &str = "OrderCancelled";
const NOT_CANCELLED: &str = "OrderCancelReceipt";
const GRADING: &str = "GradingReceipt";
const GRADED: &str = "OrderGradedEvent";
const IMAGE: &str = "ImageReceipt";
const READY: &str = "ReadyForGradingEvent";
const DELIVERED: &str = "ResultsDeliveryReceipt";
const KNOWN: [&str; 9] = [CREATION, CHANGE, CANCELLED, NOT_CANCELLED, GRADING, GRADED, IMAGE, READY, DELIVERED];

/// The kind of event that acknowledges an entry, if somebody asked for it.
fn receipt_of(entry: &Entry) -> Option<&'static str> {
    match entry.change.as_str() {
        "changed" => Some(CHANGE),
        "cancelled" => Some(CANCELLED),
        "graded" => Some(GRADING),
        _ => None,
    }
}

/// The place in the patient's record that a change sets, and the value; `None` for changes of anything else.
fn of_the_patient(sent: &Sent) -> Option<(&str, &str)> {
    match &sent.asked {
        Asked::Change { pointer, value } => Some((pointer.strip_prefix("/Patient")?, value)),
        _ => None,
    }
}

fn told(sent: &Sent) -> String {
    match &sent.asked {
        Asked::Change { pointer, value } => format!("{pointer} = {value} (wave {})", sent.wave),
        other => format!("{other:?} (wave {})", sent.wave),
    }
}

/// Every value with its pointer.
fn leaves(value: &Value) -> BTreeMap<String, Value> {
    fn collect(value: &Value, place: &str, into: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    collect(value, &format!("{place}/{key}"), into);
                }
            }
            Value::Array(array) => {
                for (index, value) in array.iter().enumerate() {
                    collect(value, &format!("{place}/{index}"), into);
                }
            }
            other => {
                into.insert(place.to_owned(), other.clone());
            }
        }
    }
    let mut all = BTreeMap::new();
    collect(value, "", &mut all);
    all
}
