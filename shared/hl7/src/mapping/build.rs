//! From programs and contents to messages.

use super::content::Content;
use super::defaults::Kind;
use super::filter::{Filter, apply};
use super::instructions::Tables;
use super::template::{Field, Leaf, Piece, Source};
use super::value::{Datum, List, Part};
use crate::message::SegmentId;
use crate::tree::Components;
use crate::version::Version;
use crate::write::{Output, Writer};
use std::borrow::Cow;

/// How an interface's messages of one kind are built.
#[derive(Debug, Clone)]
pub struct Program {
    pub(super) kind: Kind,
    pub(super) version: Option<Version>,
    pub(super) rules: Vec<Compiled>,
    pub(super) tables: Tables,
}

/// A rule, ready to be used.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pub(super) id: String,
    pub(super) segment: SegmentId,
    pub(super) each: Option<List>,
    pub(super) when: Vec<Condition>,
    pub(super) payloads: Vec<String>,
    pub(super) fields: Vec<Field>,
    pub(super) also: Vec<Compiled>,
}

#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) source: Source,
    pub(super) test: Test,
}

#[derive(Debug, Clone)]
pub(super) enum Test {
    Valued,
    Empty,
    Is(String),
}

/// A value of a message and the rule that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The rule.
    pub rule: String,
    /// Which segment of the message it is in, from 0.
    pub index: usize,
    /// The name of the segment.
    pub segment: SegmentId,
    /// The field.
    pub field: u16,
    /// Repetition, component and subcomponent, from 1.
    pub place: (u16, u16, u16),
    /// The value, as it is before it is escaped.
    pub value: String,
    /// Line breaks are kept.
    pub formatted: bool,
}

/// What the steps of a program write to.
trait Sink {
    fn segment(&mut self, rule: &Compiled);
    fn next_field(&mut self, formatted: bool);
    fn next_repetition(&mut self);
    fn next_component(&mut self);
    fn next_subcomponent(&mut self);
    fn value(&mut self, text: &str);
}

struct Bytes {
    writer: Writer,
    begun: bool,
    formatted: bool,
}

impl Sink for Bytes {
    fn segment(&mut self, rule: &Compiled) {
        // The writer begins with the header.
        if std::mem::replace(&mut self.begun, true) {
            self.writer.segment(rule.segment);
        }
    }

    fn next_field(&mut self, formatted: bool) {
        self.formatted = formatted;
        self.writer.next_field();
    }

    fn next_repetition(&mut self) {
        self.writer.next_repetition();
    }

    fn next_component(&mut self) {
        self.writer.next_component();
    }

    fn next_subcomponent(&mut self) {
        self.writer.next_subcomponent();
    }

    fn value(&mut self, text: &str) {
        if self.formatted { self.writer.formatted(text) } else { self.writer.value(text) }
    }
}

#[derive(Default)]
struct Values {
    shown: Vec<Shown>,
    current: Option<Shown>,
    segments: usize,
}

impl Values {
    fn end(&mut self) {
        if let Some(current) = &mut self.current
            && !current.value.is_empty()
        {
            self.shown.push(Shown { value: std::mem::take(&mut current.value), ..current.clone() });
        }
    }

    fn step(&mut self, place: impl FnOnce((u16, u16, u16)) -> (u16, u16, u16)) {
        self.end();
        if let Some(current) = &mut self.current {
            current.place = place(current.place);
        }
    }
}

impl Sink for Values {
    fn segment(&mut self, rule: &Compiled) {
        self.end();
        self.current = Some(Shown {
            rule: rule.id.clone(),
            index: self.segments,
            segment: rule.segment,
            field: if rule.segment.is_header() { 2 } else { 0 },
            place: (1, 1, 1),
            value: String::new(),
            formatted: false,
        });
        self.segments += 1;
    }

    fn next_field(&mut self, formatted: bool) {
        self.step(|_| (1, 1, 1));
        if let Some(current) = &mut self.current {
            current.field += 1;
            current.formatted = formatted;
        }
    }

    fn next_repetition(&mut self) {
        self.step(|(repetition, ..)| (repetition + 1, 1, 1));
    }

    fn next_component(&mut self) {
        self.step(|(repetition, component, _)| (repetition, component + 1, 1));
    }

    fn next_subcomponent(&mut self) {
        self.step(|(repetition, component, subcomponent)| (repetition, component, subcomponent + 1));
    }

    fn value(&mut self, text: &str) {
        if let Some(current) = &mut self.current {
            current.value.push_str(text);
        }
    }
}

impl Program {
    /// The kind of message.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The message of this content.
    #[must_use]
    pub fn build(&self, content: &Content, output: Output) -> Vec<u8> {
        let mut bytes = Bytes { writer: Writer::message(output), begun: false, formatted: false };
        self.run(content, &mut bytes);
        bytes.writer.finish()
    }

    /// The values of that message, in order, with the rules that made them.
    #[must_use]
    pub fn show(&self, content: &Content) -> Vec<Shown> {
        self.values(content).shown
    }

    fn values(&self, content: &Content) -> Values {
        let mut values = Values::default();
        self.run(content, &mut values);
        values.end();
        values
    }

    /// How many segments that message has.
    #[must_use]
    pub fn segments(&self, content: &Content) -> usize {
        self.values(content).segments
    }

    fn run(&self, content: &Content, sink: &mut impl Sink) {
        let mut run = Run { program: self, content, numbers: Vec::new() };
        for rule in &self.rules {
            match rule.each {
                None => run.rule(rule, None, sink),
                Some(list) => {
                    for index in 0..list.len(content) {
                        run.rule(rule, Some((list, index)), sink);
                    }
                }
            }
        }
    }
}

/// The item that values are taken from.
type Item = Option<(List, usize)>;

struct Run<'p> {
    program: &'p Program,
    content: &'p Content,
    /// How many segments of each name there are so far.
    numbers: Vec<(SegmentId, usize)>,
}

impl<'p> Run<'p> {
    fn rule(&mut self, rule: &Compiled, item: Item, sink: &mut impl Sink) {
        if !rule.when.iter().all(|condition| self.holds(condition, item)) {
            return;
        }
        let number = match self.numbers.iter_mut().find(|(id, _)| *id == rule.segment) {
            Some((_, number)) => {
                *number += 1;
                *number
            }
            None => {
                self.numbers.push((rule.segment, 1));
                1
            }
        };
        sink.segment(rule);
        let skipped = if rule.segment.is_header() { 2 } else { 0 };
        for (n, field) in rule.fields.iter().enumerate().skip(skipped) {
            sink.next_field(rule.formatted(n + 1));
            match field {
                Field::Fixed(repetitions) => {
                    for (r, components) in repetitions.iter().enumerate() {
                        if r > 0 {
                            sink.next_repetition();
                        }
                        self.components(components, item, number, sink);
                    }
                }
                Field::Each(list, components) => {
                    for index in 0..list.len(self.content) {
                        if index > 0 {
                            sink.next_repetition();
                        }
                        self.components(components, Some((*list, index)), number, sink);
                    }
                }
            }
        }
        for also in &rule.also {
            self.rule(also, item, sink);
        }
    }

    fn components(&self, components: &Components<Leaf>, item: Item, number: usize, sink: &mut impl Sink) {
        for (c, subcomponents) in components.iter().enumerate() {
            if c > 0 {
                sink.next_component();
            }
            for (s, leaf) in subcomponents.iter().enumerate() {
                if s > 0 {
                    sink.next_subcomponent();
                }
                for piece in leaf {
                    self.piece(piece, item, number, sink);
                }
            }
        }
    }

    fn piece(&self, piece: &Piece, item: Item, number: usize, sink: &mut impl Sink) {
        let (source, filters) = match piece {
            Piece::Text(text) => return sink.value(text),
            Piece::Value { source, filters } => (source, filters),
        };
        let datum = self.datum(source, item, number);
        let text = match (datum, filters.as_slice()) {
            (Datum::Text(text), []) => text,
            (datum, filters) => {
                apply(datum, filters, self.content, &self.program.tables, |value| keys(self.content, item, value))
            }
        };
        if filters.last() == Some(&Filter::Ampersand) {
            // An ampersand that is sent as it is acts as a separator, so it is written as one.
            for (n, part) in text.split('&').enumerate() {
                if n > 0 {
                    sink.next_subcomponent();
                }
                sink.value(part);
            }
        } else {
            sink.value(&text);
        }
    }

    fn datum(&self, source: &Source, item: Item, number: usize) -> Datum<'p> {
        let version = self.program.version.unwrap_or(self.content.version);
        Datum::Text(match source {
            Source::Path(path) => return path.of(self.content),
            Source::Part(part) => match item {
                Some((list, index)) => list.item(self.content, index, *part),
                None => Cow::Borrowed(""),
            },
            Source::Running => Cow::Owned(number.to_string()),
            Source::Version => Cow::Borrowed(version.text()),
            Source::Structure if version.names_structure() => Cow::Borrowed(self.program.kind.structure()),
            Source::Structure => Cow::Borrowed(""),
        })
    }

    fn holds(&self, condition: &Condition, item: Item) -> bool {
        let value =
            apply(self.datum(&condition.source, item, 0), &[], self.content, &self.program.tables, |_| Vec::new());
        match &condition.test {
            Test::Valued => !value.is_empty(),
            Test::Empty => value.is_empty(),
            Test::Is(text) => value == text.as_str(),
        }
    }
}

/// Further keys under which a table may have a finding's value or flag: the identifier with the finding's value, or
/// with this value.
fn keys(content: &Content, item: Item, value: &str) -> Vec<String> {
    match item {
        Some((List::Findings, index)) => {
            let identifier = List::Findings.item(content, index, Part::Identifier);
            let own = List::Findings.item(content, index, Part::Value);
            vec![format!("{identifier}={own}"), format!("{identifier}={value}")]
        }
        _ => Vec::new(),
    }
}
