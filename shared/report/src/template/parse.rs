//! Markup → [`Template`], collecting all problems.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Content, Element, Error, Fact, MAX_TEMPLATE_BYTES, Part, Problem, Template, Tone};
use crate::Token;
use crate::token::Kind;

const MAX_DEPTH: usize = 6;
const MAX_PROBLEMS: usize = 50;

impl Template {
    /// Parses a template, and so checks it. Only templates that pass should be saved.
    ///
    /// # Errors
    /// Every problem found, in order, at most 50.
    pub fn parse(source: &str) -> Result<Self, Vec<Error>> {
        if source.len() > MAX_TEMPLATE_BYTES {
            return Err(vec![Error { line: 1, column: 1, problem: Problem::TooLarge(source.len()) }]);
        }
        let mut problems = Problems { source, found: Vec::new() };
        let tree = read_tree(source, &mut problems);
        let template = tree.and_then(|root| build(&root, &mut problems));
        match template {
            Some(template) if problems.found.is_empty() => Ok(template),
            _ => {
                problems.found.sort_by_key(|problem| (problem.line, problem.column));
                Err(problems.found)
            }
        }
    }
}

struct Problems<'a> {
    source: &'a str,
    found: Vec<Error>,
}

impl Problems<'_> {
    fn add(&mut self, offset: usize, problem: Problem) {
        if self.found.len() >= MAX_PROBLEMS {
            return;
        }
        let before = &self.source[..self.source.floor_char_boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.found.push(Error { line, column, problem });
    }
}

/// The raw markup, before its meaning is checked.
enum Node {
    Element { name: String, class: Option<String>, offset: usize, children: Vec<Node> },
    Text { text: String, offset: usize },
}

fn quoted(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

fn read_tree(source: &str, problems: &mut Problems<'_>) -> Option<Node> {
    let mut reader = Reader::from_str(source);
    let mut open: Vec<(String, Option<String>, usize, Vec<Node>)> = vec![(String::new(), None, 0, Vec::new())];
    loop {
        let offset = offset_of(&reader);
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let (name, class) = head(&start, offset, problems);
                if open.len() > MAX_DEPTH + 1 {
                    problems.add(offset, Problem::TooDeep);
                    return None;
                }
                open.push((name, class, offset, Vec::new()));
            }
            Ok(Event::Empty(start)) => {
                let (name, class) = head(&start, offset, problems);
                push(&mut open, Node::Element { name, class, offset, children: Vec::new() });
            }
            Ok(Event::End(_)) => {
                if let Some((name, class, offset, children)) = open.pop() {
                    push(&mut open, Node::Element { name, class, offset, children });
                }
            }
            Ok(Event::Text(text)) => push_text(&mut open, &String::from_utf8_lossy(&text), offset),
            Ok(Event::GeneralRef(reference)) => {
                let name = String::from_utf8_lossy(&reference).into_owned();
                match entity(&name) {
                    Some(c) => push_text(&mut open, c.encode_utf8(&mut [0; 4]), offset),
                    None => problems.add(offset, Problem::Markup(format!("&{}; is not known", quoted(&name)))),
                }
            }
            Ok(Event::Comment(_)) => {}
            Ok(Event::Eof) => break,
            Ok(_) => problems.add(offset, Problem::Markup("only elements, text and comments are allowed".to_owned())),
            Err(error) => {
                problems.add(offset, Problem::Markup(quoted(&error.to_string())));
                return None;
            }
        }
    }
    if open.len() != 1 {
        let offset = open.last().map_or(0, |(_, _, offset, _)| *offset);
        problems.add(offset, Problem::Markup("an element is not closed".to_owned()));
        return None;
    }
    let roots: Vec<Node> = open.pop()?.3;
    let mut elements =
        roots.into_iter().filter(|node| !matches!(node, Node::Text { text, .. } if text.trim().is_empty()));
    match (elements.next(), elements.next()) {
        (Some(Node::Element { name, children, offset, class }), None) if name == "article" => {
            Some(Node::Element { name, class, offset, children })
        }
        _ => {
            problems.add(0, Problem::Structure("a template is one <article>"));
            None
        }
    }
}

fn offset_of(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn push(open: &mut [(String, Option<String>, usize, Vec<Node>)], node: Node) {
    if let Some((_, _, _, children)) = open.last_mut() {
        children.push(node);
    }
}

/// Joins text that is interrupted by a character reference, so that `[[` and `]]` are found in one piece.
fn push_text(open: &mut [(String, Option<String>, usize, Vec<Node>)], more: &str, offset: usize) {
    let Some((_, _, _, children)) = open.last_mut() else { return };
    if let Some(Node::Text { text, .. }) = children.last_mut() {
        text.push_str(more);
    } else {
        children.push(Node::Text { text: more.to_owned(), offset });
    }
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "ndash" => '–',
        "mdash" => '—',
        "middot" => '·',
        "copy" => '©',
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control())?
        }
    })
}

fn head(start: &BytesStart<'_>, offset: usize, problems: &mut Problems<'_>) -> (String, Option<String>) {
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let mut class = None;
    for attribute in start.attributes() {
        match attribute {
            Ok(attribute) if attribute.key.as_ref() == b"class" => {
                class = Some(String::from_utf8_lossy(&attribute.value).into_owned());
            }
            Ok(attribute) => {
                problems.add(offset, Problem::Attribute(quoted(&String::from_utf8_lossy(attribute.key.as_ref()))));
            }
            Err(_) => problems.add(offset, Problem::Markup("an attribute cannot be read".to_owned())),
        }
    }
    (name, class)
}

fn build(root: &Node, problems: &mut Problems<'_>) -> Option<Template> {
    let Node::Element { children, class, offset, .. } = root else { return None };
    check_class(class.as_deref(), &[], *offset, problems);
    let mut template = Template { header: Vec::new(), body: Vec::new(), footer: Vec::new() };
    let mut rest = Vec::new();
    for child in children {
        match child {
            Node::Element { name, children, .. } if name == "header" => {
                template.header.extend(blocks(children, problems));
            }
            Node::Element { name, children, offset, .. } if name == "footer" => {
                for element in blocks(children, problems) {
                    match element {
                        Element::Paragraph(_, parts) if template.footer.len() < 2 => template.footer.push(parts),
                        _ => problems.add(*offset, Problem::Structure("a footer is one or two <p>")),
                    }
                }
            }
            other => rest.push(other),
        }
    }
    template.body = blocks(rest, problems);
    Some(template)
}

fn check_class(class: Option<&str>, allowed: &[&str], offset: usize, problems: &mut Problems<'_>) {
    if let Some(class) = class
        && !allowed.contains(&class)
    {
        problems.add(offset, Problem::Attribute(format!("class=\"{}\"", quoted(class))));
    }
}

fn blocks<'a>(nodes: impl IntoIterator<Item = &'a Node>, problems: &mut Problems<'_>) -> Vec<Element> {
    nodes.into_iter().filter_map(|node| block(node, problems)).collect()
}

fn block(node: &Node, problems: &mut Problems<'_>) -> Option<Element> {
    let (name, class, offset, children) = match node {
        Node::Text { text, offset } => {
            if !text.trim().is_empty() {
                problems.add(*offset, Problem::StrayText);
            }
            return None;
        }
        Node::Element { name, class, offset, children } => (name.as_str(), class.as_deref(), *offset, children),
    };
    let classes: &[&str] = match name {
        "p" => &["lead", "small"],
        "div" => &["columns"],
        "section" => &["panel"],
        _ => &[],
    };
    check_class(class, classes, offset, problems);
    match name {
        "h1" | "h2" | "h3" => {
            let level = name.as_bytes()[1] - b'0';
            Some(Element::Heading(level, inline(children, problems)))
        }
        "p" => {
            if let Some(token) = lone_block_token(children) {
                return Some(Element::Generated(token));
            }
            let tone = match class {
                Some("lead") => Tone::Lead,
                Some("small") => Tone::Small,
                _ => Tone::Normal,
            };
            Some(Element::Paragraph(tone, inline(children, problems)))
        }
        "ul" => Some(Element::List(
            only(children, "li", "a list holds only <li>", problems).map(|(_, _, item)| item).collect(),
        )),
        "dl" => facts(children, offset, problems),
        "div" => columns(children, class, offset, problems),
        "section" => Some(Element::Panel(blocks(children, problems))),
        "hr" => Some(Element::Rule),
        other => {
            problems.add(offset, Problem::Element(quoted(other)));
            None
        }
    }
}

/// The inline content of each child; all children must have this name.
fn only<'a>(
    nodes: &'a [Node],
    wanted: &'static str,
    rule: &'static str,
    problems: &mut Problems<'_>,
) -> impl Iterator<Item = (usize, Option<&'a str>, Vec<Part>)> + use<'a> {
    let mut found = Vec::new();
    for node in nodes {
        match node {
            Node::Element { name, class, offset, children } if name == wanted => {
                found.push((*offset, class.as_deref(), inline(children, problems)));
            }
            Node::Text { text, .. } if text.trim().is_empty() => {}
            Node::Text { offset, .. } | Node::Element { offset, .. } => problems.add(*offset, Problem::Structure(rule)),
        }
    }
    found.into_iter()
}

fn facts(nodes: &[Node], offset: usize, problems: &mut Problems<'_>) -> Option<Element> {
    const RULE: &str = "a <dl> holds pairs: <dt>label</dt><dd>value</dd>";
    let mut facts = Vec::new();
    let mut label = None;
    for node in nodes {
        match node {
            Node::Element { name, class, offset, children } if name == "dt" && label.is_none() => {
                check_class(class.as_deref(), &[], *offset, problems);
                label = Some(inline(children, problems));
            }
            Node::Element { name, class, offset, children } if name == "dd" && label.is_some() => {
                check_class(class.as_deref(), &["optional"], *offset, problems);
                let value = inline(children, problems);
                facts.extend(label.take().map(|label| Fact { label, value, optional: class.is_some() }));
            }
            Node::Text { text, .. } if text.trim().is_empty() => {}
            Node::Text { offset, .. } | Node::Element { offset, .. } => problems.add(*offset, Problem::Structure(RULE)),
        }
    }
    if label.is_some() {
        problems.add(offset, Problem::Structure(RULE));
    }
    Some(Element::Facts(facts))
}

fn columns(nodes: &[Node], class: Option<&str>, offset: usize, problems: &mut Problems<'_>) -> Option<Element> {
    const RULE: &str = "<div class=\"columns\"> holds two or three <div>, one for each column";
    let mut columns = Vec::new();
    for node in nodes {
        match node {
            Node::Element { name, class: None, children, .. } if name == "div" && class.is_some() => {
                columns.push(blocks(children, problems));
            }
            Node::Text { text, .. } if text.trim().is_empty() => {}
            Node::Text { offset, .. } | Node::Element { offset, .. } => problems.add(*offset, Problem::Structure(RULE)),
        }
    }
    if !(2..=3).contains(&columns.len()) {
        problems.add(offset, Problem::Structure(RULE));
    }
    Some(Element::Columns(columns))
}

fn lone_block_token(nodes: &[Node]) -> Option<Token> {
    let [Node::Text { text, .. }] = nodes else { return None };
    let name = text.trim().strip_prefix("[[")?.strip_suffix("]]")?;
    name.parse::<Token>().ok().filter(|token| token.kind() == Kind::Block)
}

fn inline(nodes: &[Node], problems: &mut Problems<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    inline_into(nodes, false, false, &mut parts, problems);
    trim(&mut parts);
    parts
}

fn inline_into(nodes: &[Node], strong: bool, small: bool, parts: &mut Vec<Part>, problems: &mut Problems<'_>) {
    for node in nodes {
        match node {
            Node::Text { text, offset } => text_parts(text, *offset, strong, small, parts, problems),
            Node::Element { name, class, offset, children } => {
                check_class(class.as_deref(), &[], *offset, problems);
                match name.as_str() {
                    "strong" | "b" => inline_into(children, true, small, parts, problems),
                    "small" => inline_into(children, strong, true, parts, problems),
                    "br" => parts.push(Part { content: Content::Break, strong, small }),
                    other => problems.add(*offset, Problem::Element(quoted(other))),
                }
            }
        }
    }
}

fn text_parts(
    text: &str,
    offset: usize,
    strong: bool,
    small: bool,
    parts: &mut Vec<Part>,
    problems: &mut Problems<'_>,
) {
    let mut part = |content| parts.push(Part { content, strong, small });
    let mut rest = text;
    while let Some(start) = rest.find("[[") {
        let here = offset + (text.len() - rest.len()) + start;
        if start > 0 {
            part(Content::Literal(collapse(&rest[..start])));
        }
        rest = &rest[start + 2..];
        let Some(end) = rest.find("]]") else {
            problems.add(here, Problem::OpenToken);
            return;
        };
        let name = &rest[..end];
        match name.parse::<Token>() {
            Ok(token) if token.kind() == Kind::Text => part(Content::Token(token)),
            Ok(token) => problems.add(here, Problem::BlockToken(token)),
            Err(()) => problems.add(here, Problem::UnknownToken { name: quoted(name), nearest: Token::nearest(name) }),
        }
        rest = &rest[end + 2..];
    }
    if !rest.is_empty() {
        part(Content::Literal(collapse(rest)));
    }
}

/// White space as HTML shows it: any run of it is one space. A no-break space stays.
fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' | '\n' | '\t' | '\r' if out.ends_with(' ') => {}
            ' ' | '\n' | '\t' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn trim(parts: &mut Vec<Part>) {
    if let Some(Part { content: Content::Literal(text), .. }) = parts.first_mut() {
        *text = text.trim_start_matches(' ').to_owned();
    }
    if let Some(Part { content: Content::Literal(text), .. }) = parts.last_mut() {
        *text = text.trim_end_matches(' ').to_owned();
    }
    parts.retain(|part| !matches!(&part.content, Content::Literal(text) if text.is_empty()));
}
