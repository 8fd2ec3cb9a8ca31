//! Testing a program: the message of a sample order is written and read back.

use super::build::{Program, Shown};
use super::content::Content;
use super::defaults::Kind;
use super::problem::{Problem, Wrong};
use crate::message::{Limits, Message, Value};
use crate::write::Output;

pub(super) fn check(program: &Program) -> Vec<Problem> {
    let content = Content::sample();
    let bytes = program.build(&content, Output::Utf8);
    let problem = |at: &str, wrong| Problem { at: at.to_owned(), wrong };
    let Ok(message) = Message::read(&bytes, &Limits::default()) else {
        return vec![problem("segments", Wrong::ReadBack("the header".to_owned()))];
    };
    let mut problems = Vec::new();
    if message.segments().count() != program.segments(&content) {
        problems.push(problem("segments", Wrong::ReadBack("the number of segments".to_owned())));
    }
    for shown in program.show(&content) {
        if read_back(&message, &shown).as_deref() != Some(written(&shown).as_str()) {
            let place = format!("{}-{}", shown.segment, shown.field);
            problems.push(problem(&format!("segments.{}", shown.rule), Wrong::ReadBack(place)));
        }
    }
    let emptied = needed(program.kind()).iter().filter(|(_, addresses)| {
        let empty = |address: &&str| match address.parse() {
            Ok(address) => message.value(&address).is_absent(),
            Err(_) => true,
        };
        addresses.iter().all(empty)
    });
    problems.extend(emptied.map(|(name, _)| problem("segments", Wrong::Emptied(name))));
    problems
}

/// How a value is read back: line breaks that do not count are blanks.
fn written(shown: &Shown) -> String {
    if shown.formatted { shown.value.clone() } else { shown.value.replace('\n', " ") }
}

fn read_back(message: &Message<'_>, shown: &Shown) -> Option<String> {
    let (repetition, component, subcomponent) = shown.place;
    let segment = message.segment(shown.index).filter(|segment| segment.id() == Some(shown.segment))?;
    let component = segment.field(shown.field)?.repetition(repetition)?.component(component)?;
    match component.subcomponent(subcomponent) {
        Value::Text(text) => Some(text.into_owned()),
        Value::Null => Some("\"\"".to_owned()),
        // Blanks read as absent, and may be written.
        Value::Absent => Some(shown.value.clone()).filter(|value| value.trim().is_empty()),
    }
}

/// What receivers need: in each group, one of the addresses must have a value.
fn needed(kind: Kind) -> &'static [(&'static str, &'static [&'static str])] {
    const TYPE: (&str, &[&str]) = ("MSH-9", &["MSH-9.1"]);
    const MRN: (&str, &[&str]) = ("the MRN (PID-2, PID-3 or PID-4)", &["PID-2.1", "PID-3.1", "PID-4.1"]);
    match kind {
        Kind::Oru => &[TYPE, MRN, ("the placer's number (ORC-2 or OBR-2)", &["ORC-2.1", "OBR-2.1"])],
        Kind::Dft => &[TYPE, MRN, ("FT1-7", &["FT1-7.1"])],
        Kind::Mdm => &[TYPE, MRN, ("TXA-12", &["TXA-12.1"])],
    }
}
