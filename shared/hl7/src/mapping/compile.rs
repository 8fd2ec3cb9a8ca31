//! From documents to programs.

use super::build::{Compiled, Condition, Program, Test};
use super::check::check;
use super::defaults::Kind;
use super::filter::Filter;
use super::instructions::{Instructions, Overrides, Rule, Tables};
use super::problem::{Problem, Wrong};
use super::template::{Field, Leaf, Piece, components, field, leaf, source, split, subcomponents};
use super::value::List;
use crate::address::{Depth, place};
use crate::message::SegmentId;
use crate::tree::{grown, is_formatted};
use std::collections::BTreeMap;

const PID: SegmentId = SegmentId::literal(*b"PID");

/// Applies an interface's overrides to instructions, and tries the result: the message of
/// [`Content::sample`](super::Content::sample) is built and read back.
///
/// # Errors
///
/// Everything that is wrong, each with its place in the document.
pub fn compile(kind: Kind, instructions: &Instructions, overrides: &Overrides) -> Result<Program, Vec<Problem>> {
    let mut compiler = Compiler { fragments: &instructions.fragments, problems: Vec::new(), rules: Vec::new() };
    for rule in &instructions.segments {
        let rule = compiler.rule(rule, &format!("segments.{}", rule.id), None);
        compiler.rules.extend(rule);
    }
    let known = |name: &String| all(&compiler.rules).any(|rule| rule.payloads.contains(name));
    let payloads = overrides.payloads.as_ref().unwrap_or(&instructions.payloads);
    let unknown: Vec<_> = payloads.iter().filter(|name| !known(name)).cloned().collect();
    for name in unknown {
        compiler.wrong("use", Wrong::Payload(name));
    }
    compiler.overrides(overrides);
    let mut tables = instructions.tables.clone();
    for (name, entries) in &overrides.tables {
        tables.entry(name.clone()).or_default().extend(entries.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    compiler.conclude(&tables);
    let Compiler { problems, rules, .. } = compiler;
    if !problems.is_empty() {
        return Err(problems);
    }
    // Only rules that are sent are kept.
    let used = |rule: &Compiled| rule.payloads.is_empty() || rule.payloads.iter().any(|name| payloads.contains(name));
    let rules = rules.into_iter().filter(used).collect();
    let program = Program { kind, version: overrides.version, rules, tables };
    let problems = check(&program);
    if problems.is_empty() { Ok(program) } else { Err(problems) }
}

/// Rules, and the further rules within them.
fn all(rules: &[Compiled]) -> impl Iterator<Item = &Compiled> {
    rules.iter().flat_map(|rule| std::iter::once(rule).chain(&rule.also))
}

/// What a place in an override refers to.
enum Target<'p> {
    Segment(SegmentId),
    Rule(&'p str),
}

struct Place<'p> {
    target: Target<'p>,
    field: u16,
    depth: Depth,
}

impl Place<'_> {
    fn names(&self, rule: &Compiled) -> bool {
        match self.target {
            Target::Segment(id) => rule.segment == id,
            Target::Rule(id) => rule.id == id,
        }
    }
}

struct Compiler<'d> {
    fragments: &'d BTreeMap<String, String>,
    problems: Vec<Problem>,
    rules: Vec<Compiled>,
}

impl Compiler<'_> {
    fn wrong(&mut self, at: impl Into<String>, wrong: Wrong) {
        self.problems.push(Problem { at: at.into(), wrong });
    }

    /// The value, or `None` after a problem was noted.
    fn good<T>(&mut self, at: &str, result: Result<T, Wrong>) -> Option<T> {
        result.map_err(|wrong| self.wrong(at, wrong)).ok()
    }

    /// A text with its fragments inserted.
    fn expanded(&self, text: &str) -> Result<String, Wrong> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, inner)) = rest.split_once("{>") {
            let (name, after) = inner.split_once('}').ok_or(Wrong::Brace)?;
            let fragment = self.fragments.get(name).filter(|fragment| !fragment.contains("{>"));
            out.push_str(before);
            out.push_str(fragment.ok_or_else(|| Wrong::Fragment(name.to_owned()))?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// `around`: the list of the enclosing rule.
    fn rule(&mut self, rule: &Rule, at: &str, around: Option<List>) -> Option<Compiled> {
        let list = |name: &String| List::from_name(name).ok_or_else(|| Wrong::List(name.clone()));
        let each = match &rule.each {
            Some(name) => Some(self.good(at, list(name))?),
            None => None,
        };
        let items = each.or(around);
        let parsed = self.line(&rule.line, items);
        let (segment, mut fields) = self.good(at, parsed)?;
        for (number, repeat) in &rule.repeat {
            let at = format!("{at}.repeat.{number}");
            let of = self.good(&at, list(&repeat.each))?;
            let text = self.expanded(&repeat.text);
            let text = text.and_then(|text| separated(&text, &['|', '~']).and_then(|()| components(&text, Some(of))));
            *grown(&mut fields, *number) = Field::Each(of, self.good(&at, text)?);
        }
        let mut when = Vec::new();
        for condition in &rule.when {
            when.push(self.good(&format!("{at}.when"), self::condition(condition, items))?);
        }
        let mut also = Vec::new();
        for rule in &rule.also {
            also.extend(self.rule(rule, &format!("{at}.also.{}", rule.id), items));
        }
        Some(Compiled { id: rule.id.clone(), segment, each, when, payloads: rule.payloads.clone(), fields, also })
    }

    fn line(&self, line: &str, list: Option<List>) -> Result<(SegmentId, Vec<Field>), Wrong> {
        let line = self.expanded(line)?;
        let parts = split(&line, '|')?;
        let (name, fields) = parts.split_first().ok_or(Wrong::Segment)?;
        let segment: SegmentId = name.parse().map_err(|_| Wrong::Segment)?;
        let mut templates = Vec::with_capacity(fields.len() + 1);
        if segment.is_header() {
            // The first separator of a header is its first field.
            templates.push(Field::default());
        }
        for text in fields {
            templates.push(Field::Fixed(field(text, list)?));
        }
        Ok((segment, templates))
    }

    fn overrides(&mut self, overrides: &Overrides) {
        let moves: Vec<_> = overrides.moved.iter().collect();
        for (from, to) in moves {
            self.moved(from, to);
        }
        for (place, text) in &overrides.set {
            self.set(&format!("set.{place}"), place, Some(text));
        }
        for place in &overrides.clear {
            self.set(&format!("clear.{place}"), place, None);
        }
        for id in &overrides.drop {
            let needed = self.rules.iter().any(|rule| rule.id == *id && matches!(rule.segment, SegmentId::MSH | PID));
            let before = self.rules.len();
            if needed {
                self.wrong(format!("drop.{id}"), Wrong::Needed);
                continue;
            }
            self.rules.retain(|rule| rule.id != *id);
            if self.rules.len() == before {
                self.wrong(format!("drop.{id}"), Wrong::Rule(id.clone()));
            }
        }
        for added in &overrides.add {
            let at = format!("add.{}", added.rule.id);
            let Some(rule) = self.rule(&added.rule, &at, None) else { continue };
            match self.rules.iter().position(|rule| rule.id == added.after) {
                _ if rule.segment.is_header() => self.wrong(at, Wrong::SecondHeader),
                Some(position) => self.rules.insert(position + 1, rule),
                None => self.wrong(at, Wrong::Rule(added.after.clone())),
            }
        }
    }

    /// Reads a place and checks that some rule has it.
    fn place<'p>(&mut self, at: &str, text: &'p str) -> Option<Place<'p>> {
        let (target, rest) = match (text.split_once('/'), text.split_once('-')) {
            (Some((rule, rest)), _) => (Target::Rule(rule), rest),
            (None, Some((segment, rest))) => {
                let segment = segment.parse().map_err(|_| Wrong::Place);
                (Target::Segment(self.good(at, segment)?), rest)
            }
            (None, None) => return self.good(at, Err(Wrong::Place)),
        };
        let read = place(rest).map_err(|_| Wrong::Place);
        let (field, pick, depth) = self.good(at, read)?;
        if pick.is_some() || matches!(depth, Depth::WholeField | Depth::WholeComponent(_)) || field.get() > 1_000 {
            return self.good(at, Err(Wrong::Place));
        }
        let place = Place { target, field: field.get(), depth };
        let segment = all(&self.rules).find(|rule| place.names(rule)).map(|rule| rule.segment);
        let wrong = match (segment, place.field) {
            (None, _) => match place.target {
                Target::Segment(id) => Wrong::NoSegment(id.to_string()),
                Target::Rule(id) => Wrong::Rule(id.to_owned()),
            },
            (Some(SegmentId::MSH), 1 | 2 | 10) => Wrong::Header,
            (Some(PID), 19) => Wrong::SocialSecurity,
            (Some(_), _) => return Some(place),
        };
        self.good(at, Err(wrong))
    }

    /// Calls a function for every rule that a place names.
    fn each_rule(
        &mut self,
        place: &Place<'_>,
        mut change: impl FnMut(&mut Compiled) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        let rules = self.rules.iter_mut();
        for rule in rules {
            let list = rule.each;
            for also in &mut rule.also {
                if place.names(also) {
                    let own = also.each;
                    also.each = own.or(list);
                    let changed = change(also);
                    also.each = own;
                    changed?;
                }
            }
            if place.names(rule) {
                change(rule)?;
            }
        }
        Ok(())
    }

    fn moved(&mut self, from: &str, to: &str) {
        let at = format!("move.{from}");
        let (Some(source), Some(target)) = (self.place(&at, from), self.place(&at, to)) else { return };
        let within = match (&source.target, &target.target) {
            (Target::Segment(one), Target::Segment(other)) => one == other,
            (Target::Rule(one), Target::Rule(other)) => one == other,
            _ => false,
        };
        let result = match (source.depth, target.depth) {
            _ if !within => Err(Wrong::PartMoved),
            (Depth::Field, Depth::Field) => self.each_rule(&source, |rule| {
                let field = std::mem::take(grown(&mut rule.fields, source.field));
                *grown(&mut rule.fields, target.field) = field;
                Ok(())
            }),
            (Depth::Component(one), Depth::Component(other)) => self.each_rule(&source, |rule| {
                let parts = grown(&mut rule.fields, source.field).components();
                let component = std::mem::take(grown(parts, one.get()));
                *grown(grown(&mut rule.fields, target.field).components(), other.get()) = component;
                Ok(())
            }),
            _ => Err(Wrong::PartMoved),
        };
        self.good(&at, result);
    }

    /// Puts a text at a place; `None` clears it.
    fn set(&mut self, at: &str, text: &str, content: Option<&str>) {
        let Some(place) = self.place(at, text) else { return };
        let content = match content.map(|content| self.expanded(content)).transpose() {
            Ok(content) => content.unwrap_or_default(),
            Err(wrong) => return self.wrong(at, wrong),
        };
        let result = self.each_rule(&place, |rule| {
            let list = rule.each;
            let template = grown(&mut rule.fields, place.field);
            match place.depth {
                Depth::Field | Depth::WholeField => {
                    separated(&content, &['|'])?;
                    *template = Field::Fixed(field(&content, list)?);
                }
                Depth::Component(component) | Depth::WholeComponent(component) => {
                    separated(&content, &['|', '~', '^'])?;
                    *grown(template.components(), component.get()) = subcomponents(&content, list)?;
                }
                Depth::Subcomponent(component, subcomponent) => {
                    separated(&content, &['|', '~', '^', '&'])?;
                    let component = grown(template.components(), component.get());
                    *grown(component, subcomponent.get()) = leaf(&content, list)?;
                }
            }
            Ok(())
        });
        self.good(at, result);
    }

    /// Checks that concern all rules together, once the overrides are applied.
    fn conclude(&mut self, tables: &Tables) {
        let mut found = Vec::new();
        let mut ids = Vec::new();
        for (n, rule) in self.rules.iter().enumerate() {
            if (rule.segment == SegmentId::MSH) != (n == 0) {
                found.push((format!("segments.{}", rule.id), Wrong::SecondHeader));
            }
        }
        for rule in all(&self.rules) {
            let at = format!("segments.{}", rule.id);
            if ids.contains(&rule.id) {
                found.push((at.clone(), Wrong::Twice(rule.id.clone())));
            }
            ids.push(rule.id.clone());
            if rule.segment == PID && rule.fields.get(18).is_some_and(|field| !field.is_empty()) {
                found.push((at.clone(), Wrong::SocialSecurity));
            }
            if rule.segment.is_header() && rule.fields.iter().take(2).any(|field| !field.is_empty()) {
                found.push((at.clone(), Wrong::Header));
            }
            let missing = rule.fields.iter().flat_map(leaves).flatten().flat_map(table_names);
            found.extend(
                missing
                    .filter(|name| !tables.contains_key(*name))
                    .map(|name| (at.clone(), Wrong::Table(name.to_owned()))),
            );
        }
        for (at, wrong) in found {
            self.wrong(at, wrong);
        }
    }
}

fn leaves(field: &Field) -> Vec<&Leaf> {
    match field {
        Field::Fixed(repetitions) => repetitions.iter().flatten().flatten().collect(),
        Field::Each(_, components) => components.iter().flatten().collect(),
    }
}

fn table_names(piece: &Piece) -> Vec<&str> {
    match piece {
        Piece::Text(_) => Vec::new(),
        Piece::Value { filters, .. } => filters
            .iter()
            .filter_map(|f| if let Filter::Table(name) = f { Some(name.as_str()) } else { None })
            .collect(),
    }
}

/// Checks that these separators do not stand outside of braces.
fn separated(text: &str, none_of: &[char]) -> Result<(), Wrong> {
    for separator in none_of {
        if split(text, *separator)?.len() > 1 {
            return Err(Wrong::Separator);
        }
    }
    Ok(())
}

fn condition(text: &str, list: Option<List>) -> Result<Condition, Wrong> {
    let (name, test) = match (text.strip_prefix('!'), text.split_once('=')) {
        (Some(name), _) => (name, Test::Empty),
        (None, Some((name, text))) => (name, Test::Is(text.to_owned())),
        (None, None) => (text, Test::Valued),
    };
    source(name, list).map(|(source, _)| Condition { source, test })
}

impl Compiled {
    /// Whether line breaks count in field n, from 1.
    pub(super) fn formatted(&self, n: usize) -> bool {
        let kind = match self.fields.get(1) {
            Some(Field::Fixed(repetitions)) => repetitions.first().and_then(|r| r.first()?.first()?.first()),
            _ => None,
        };
        let kind = match kind {
            Some(Piece::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        is_formatted(self.segment, n, kind)
    }
}
