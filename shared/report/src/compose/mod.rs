//! Template + [`Report`] → [`Document`]: every token becomes text or a block.

mod blocks;
mod values;

use crate::clean;
use crate::document::{Block, Document, Metadata, Span, Text};
use crate::picture::{Picture, Pictures};
use crate::report::Report;
use crate::template::{Content, Element, Fact, Part, Template};

/// Shown for an unset value.
const DASH: &str = "–";

/// Fills a template.
pub(crate) fn compose(template: &Template, report: &Report, pictures: &Pictures) -> Document {
    let mut composer = Composer { report, pictures, shown: Vec::new() };
    let header = composer.elements(&template.header);
    let mut body = composer.elements(&template.body);
    let footer = template.footer.iter().filter_map(|parts| composer.optional(parts)).collect();
    let name = values::full_name(&report.patient.first_name, &report.patient.last_name);
    let exam = values::exam_name(report);
    let title = format!("IRIS Retinal Scan Result for {}", name.as_deref().unwrap_or(DASH));
    let mrn = clean::line(&report.patient.local_id);
    if header.is_empty() && body.is_empty() {
        // If nothing is left of a template, there is still a page that says what it is.
        body.push(Block::Heading(1, vec![Span::plain(title.clone())]));
    }
    let running = format!("{} · MRN {mrn} · {exam}", name.as_deref().unwrap_or(DASH));
    let mut keywords = vec![format!("PatientLocalId={mrn}"), format!("PatientOrderId={}", report.order.iris_order_id)];
    if let Some(id) = values::set(report.order.local_id.as_deref()) {
        keywords.push(format!("OrderLocalId={id}"));
    }
    let codes: Vec<&str> = report.evaluation_types.iter().take(8).map(|kind| kind.code()).collect();
    keywords.push(format!("EvaluationTypes={}", codes.join("+")));
    Document {
        title,
        header,
        body,
        footer,
        running,
        metadata: Metadata {
            author: values::set(Some(&report.letterhead.organization)).unwrap_or_default(),
            subject: exam,
            keywords,
            issued: report.issued,
        },
        pictures: composer.shown,
    }
}

struct Composer<'a> {
    report: &'a Report,
    pictures: &'a Pictures,
    shown: Vec<Picture>,
}

impl Composer<'_> {
    fn elements(&mut self, elements: &[Element]) -> Vec<Block> {
        elements.iter().flat_map(|element| self.element(element)).collect()
    }

    fn element(&mut self, element: &Element) -> Vec<Block> {
        match element {
            Element::Heading(level, parts) => {
                self.optional(parts).map(|text| Block::Heading(*level, text)).into_iter().collect()
            }
            Element::Paragraph(tone, parts) => {
                self.optional(parts).map(|text| Block::Paragraph(*tone, text)).into_iter().collect()
            }
            Element::List(items) => {
                let items: Vec<Text> = items.iter().filter_map(|item| self.optional(item)).collect();
                if items.is_empty() { Vec::new() } else { vec![Block::List(items)] }
            }
            Element::Facts(facts) => {
                let facts: Vec<(Text, Text)> = facts.iter().filter_map(|fact| self.fact(fact)).collect();
                if facts.is_empty() { Vec::new() } else { vec![Block::Facts(facts)] }
            }
            Element::Columns(columns) => {
                let columns: Vec<Vec<Block>> = columns.iter().map(|column| self.elements(column)).collect();
                if columns.iter().all(Vec::is_empty) { Vec::new() } else { vec![Block::Columns(columns)] }
            }
            Element::Panel(elements) => {
                let blocks = self.elements(elements);
                if blocks.is_empty() { Vec::new() } else { vec![Block::Panel(crate::document::Shade::Neutral, blocks)] }
            }
            Element::Rule => vec![Block::Rule],
            Element::Generated(token) => blocks::generate(*token, self.report, self.pictures, &mut self.shown),
        }
    }

    fn fact(&self, fact: &Fact) -> Option<(Text, Text)> {
        let value = match self.optional(&fact.value) {
            Some(value) => value,
            None if fact.optional => return None,
            None => vec![Span::plain(DASH)],
        };
        Some((self.optional(&fact.label)?, value))
    }

    /// The text of a line; `None` if it is empty, or if it has tokens and all of them are unset.
    fn optional(&self, parts: &[Part]) -> Option<Text> {
        let mut text = Text::new();
        let (mut tokens, mut set) = (0, 0);
        for part in parts {
            let words = match &part.content {
                Content::Literal(literal) => literal.clone(),
                Content::Break => "\n".to_owned(),
                Content::Token(token) => {
                    tokens += 1;
                    match values::value(*token, self.report) {
                        Some(value) => {
                            set += 1;
                            value
                        }
                        None => DASH.to_owned(),
                    }
                }
            };
            text.push(Span { text: words, strong: part.strong, small: part.small });
        }
        (!text.is_empty() && (tokens == 0 || set > 0)).then_some(text)
    }
}
