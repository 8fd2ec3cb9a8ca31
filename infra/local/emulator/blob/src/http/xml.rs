//! The protocol's XML: written with care for what names may contain, and read as a flat list of leaves.

use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;
use uuid::Uuid;

use super::failure::{Failure, Outcome};

/// Deepest nesting that is accepted.
const DEEPEST: usize = 16;

/// XML being written.
pub(super) struct Writer(String);

impl Writer {
    pub(super) fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"utf-8\"?>".to_owned())
    }

    /// An opening tag; `attributes` are written as they are.
    pub(super) fn open(&mut self, name: &str, attributes: &str) -> &mut Self {
        let _ = write!(self.0, "<{name}{attributes}>");
        self
    }

    pub(super) fn close(&mut self, name: &str) -> &mut Self {
        let _ = write!(self.0, "</{name}>");
        self
    }

    /// An element with text.
    pub(super) fn leaf(&mut self, name: &str, text: impl AsRef<str>) -> &mut Self {
        let _ = write!(self.0, "<{name}>{}</{name}>", escape(text.as_ref()));
        self
    }

    pub(super) fn optional(&mut self, name: &str, text: Option<impl AsRef<str>>) -> &mut Self {
        if let Some(text) = text {
            self.leaf(name, text);
        }
        self
    }

    /// A blob's name or prefix; percent-encoded, and marked so, if XML cannot represent it.
    pub(super) fn name(&mut self, element: &str, name: &str) -> &mut Self {
        if name.chars().any(|c| matches!(c, '\u{fffe}' | '\u{ffff}')) {
            let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
            let _ = write!(self.0, "<{element} Encoded=\"true\">{encoded}</{element}>");
            return self;
        }
        self.leaf(element, name)
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Text as element content or attribute value; what XML cannot represent at all becomes U+FFFD.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    let plain = |c: char| !matches!(c, '<' | '>' | '&' | '"' | '\'' | '\0'..='\x08' | '\x0b'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\r' => escaped.push_str("&#13;"),
            '\0'..='\x08' | '\x0b'..='\x1f' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// The body of a failure. The service begins it with a byte order mark.
pub(super) fn error(failure: &Failure, request: Uuid) -> String {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ");
    let mut writer = Writer::new();
    writer
        .open("Error", "")
        .leaf("Code", failure.code)
        .leaf("Message", format!("{}\nRequestId:{request}\nTime:{now}", failure.message));
    if let Some(source) = &failure.source {
        writer
            .leaf("CopySourceStatusCode", source.status.as_str())
            .leaf("CopySourceErrorCode", source.code)
            .leaf("CopySourceErrorMessage", &source.message);
    }
    writer.close("Error");
    format!("\u{feff}{}", writer.finish())
}

/// An element that contains no others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Name of the element that contains it.
    pub(super) parent: String,
    pub(super) name: String,
    pub(super) text: String,
}

/// Reads a document's leaves in order.
///
/// Failures: not well-formed, a DOCTYPE, nested deeper than any document of the protocol.
pub(super) fn leaves(bytes: &[u8]) -> Outcome<Vec<Leaf>> {
    let text = std::str::from_utf8(bytes).map_err(|_| Failure::body())?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut leaves = Vec::new();
    let mut stack: Vec<String> = Vec::new();
    let mut content = String::new();
    let mut is_leaf = false;
    loop {
        match reader.read_event().map_err(|_| Failure::body())? {
            Event::Start(start) => {
                if stack.len() == DEEPEST {
                    return Err(Failure::body());
                }
                stack.push(local(start.local_name().as_ref())?);
                content.clear();
                is_leaf = true;
            }
            Event::Empty(empty) => {
                let name = local(empty.local_name().as_ref())?;
                leaves.push(Leaf { parent: stack.last().cloned().unwrap_or_default(), name, text: String::new() });
                is_leaf = false;
            }
            Event::End(_) => {
                let name = stack.pop().ok_or_else(Failure::body)?;
                if is_leaf {
                    let parent = stack.last().cloned().unwrap_or_default();
                    leaves.push(Leaf { parent, name, text: content.trim().to_owned() });
                }
                is_leaf = false;
            }
            Event::Text(piece) => content.push_str(&piece.decode().map_err(|_| Failure::body())?),
            Event::CData(piece) => content.push_str(&piece.decode().map_err(|_| Failure::body())?),
            Event::GeneralRef(reference) => {
                if let Some(c) = reference.resolve_char_ref().map_err(|_| Failure::body())? {
                    content.push(c);
                } else {
                    let name = reference.decode().map_err(|_| Failure::body())?;
                    content.push_str(resolve_xml_entity(&name).ok_or_else(Failure::body)?);
                }
            }
            Event::DocType(_) => return Err(Failure::body()),
            Event::Eof if stack.is_empty() => return Ok(leaves),
            Event::Eof => return Err(Failure::body()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
}

fn local(name: &[u8]) -> Outcome<String> {
    std::str::from_utf8(name).map(str::to_owned).map_err(|_| Failure::body())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_come_in_order_with_their_parents() {
        let found =
            leaves(b"<?xml version='1.0'?><L><Latest>YQ==</Latest> <x><Committed>a&amp;b&#33;</Committed></x><e/></L>")
                .unwrap();
        let found: Vec<_> =
            found.iter().map(|leaf| (leaf.parent.as_str(), leaf.name.as_str(), leaf.text.as_str())).collect();
        assert_eq!(found, [("L", "Latest", "YQ=="), ("x", "Committed", "a&b!"), ("L", "e", "")]);
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "<a>".repeat(1000);
        for bad in ["<a>", "<a></b>", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<a>&x;</a>", "\u{0}", &deep] {
            assert!(leaves(bad.as_bytes()).is_err() || bad == "\u{0}", "{bad}");
        }
        assert!(leaves(b"\xff").is_err());
    }

    #[test]
    fn names_survive() {
        let mut writer = Writer::new();
        writer.leaf("Name", "a<b>&\"'\u{1}ü").name("Name", "x\u{ffff}");
        assert!(
            writer
                .finish()
                .ends_with("<Name>a&lt;b&gt;&amp;&quot;&apos;\u{fffd}ü</Name><Name Encoded=\"true\">x%EF%BF%BF</Name>")
        );
    }
}
