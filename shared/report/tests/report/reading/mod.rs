//! Reads a PDF as an archive or a screen reader would: text, structure, metadata.

use std::fmt::Write;

use lopdf::{Dictionary, Document, Object};

/// An open PDF.
pub(crate) struct Pdf(Document);

impl Pdf {
    pub(crate) fn open(bytes: &[u8]) -> Self {
        Self(Document::load_mem(bytes).expect("a PDF"))
    }

    pub(crate) fn pages(&self) -> usize {
        self.0.get_pages().len()
    }

    /// The text of a page (from 1), as it would be copied.
    pub(crate) fn text(&self, page: u32) -> String {
        self.0.extract_text(&[page]).expect("text")
    }

    pub(crate) fn all_text(&self) -> String {
        (1..=u32::try_from(self.pages()).expect("few pages")).map(|page| self.text(page)).collect()
    }

    fn resolve<'a>(&'a self, object: &'a Object) -> &'a Object {
        match object {
            Object::Reference(id) => self.0.get_object(*id).expect("an object"),
            direct => direct,
        }
    }

    fn dictionary<'a>(&'a self, of: &'a Dictionary, key: &[u8]) -> Option<&'a Dictionary> {
        of.get(key).ok().and_then(|object| self.resolve(object).as_dict().ok())
    }

    /// The document information as `Key: value` lines.
    pub(crate) fn information(&self) -> String {
        let info = self.dictionary(&self.0.trailer, b"Info").expect("information");
        let mut lines: Vec<String> = info
            .iter()
            .map(|(key, value)| {
                let value = lopdf::decode_text_string(self.resolve(value)).ok().unwrap_or_default();
                format!("{}: {value}", String::from_utf8_lossy(key))
            })
            .collect();
        lines.sort();
        lines.join("\n")
    }

    /// The XMP packet.
    pub(crate) fn xmp(&self) -> String {
        let stream = self.0.catalog().expect("a catalog").get(b"Metadata").expect("metadata");
        let stream = self.resolve(stream).as_stream().expect("a stream");
        String::from_utf8(stream.get_plain_content().unwrap_or_else(|_| stream.content.clone())).expect("UTF-8")
    }

    /// The structure, one element per line, indented; figures with their descriptions.
    pub(crate) fn structure(&self) -> String {
        let root = self.dictionary(self.0.catalog().expect("a catalog"), b"StructTreeRoot").expect("a structure");
        let mut out = String::new();
        self.element(root, 0, &mut out);
        out
    }

    fn element(&self, element: &Dictionary, depth: usize, out: &mut String) {
        if let Ok(name) = element.get(b"S").and_then(Object::as_name) {
            let alt = element
                .get(b"Alt")
                .ok()
                .map(|alt| lopdf::decode_text_string(self.resolve(alt)).ok().unwrap_or_default());
            let alt = alt.map(|alt| format!(" \"{alt}\"")).unwrap_or_default();
            writeln!(out, "{:depth$}{}{alt}", "", String::from_utf8_lossy(name)).expect("memory");
        }
        let Ok(kids) = element.get(b"K") else { return };
        let kids = match self.resolve(kids) {
            Object::Array(kids) => kids.clone(),
            one => vec![one.clone()],
        };
        for kid in &kids {
            if let Ok(kid) = self.resolve(kid).as_dict()
                && kid.has(b"S")
            {
                self.element(kid, depth + 1, out);
            }
        }
    }

    /// The bytes of every image.
    pub(crate) fn images(&self) -> Vec<Vec<u8>> {
        self.0
            .objects
            .values()
            .filter_map(|object| object.as_stream().ok())
            .filter(|stream| stream.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|name| name == b"Image"))
            .map(|stream| stream.content.clone())
            .collect()
    }
}
