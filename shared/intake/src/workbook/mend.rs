//! Changing bytes of a part on their way to calamine, without changing their number.
//!
//! Three things are allowed in a workbook that calamine fails on or misreads: the dimension of a sheet, which is only a
//! hint, in any form; sheets that hold no cells; and values with blanks or comments around them. Since a part keeps its
//! size, an element is removed by giving it a name that means nothing, and a value is written in place with blanks
//! after it.

use super::package::Sheets;
use super::tokens::{Tag, attributes, local_name};

/// A change.
#[derive(Debug)]
pub(super) struct Mend {
    /// Where it begins in the part.
    at: u64,
    /// The bytes to write there.
    bytes: Vec<u8>,
}

impl Mend {
    /// Removes the name from a tag.
    pub(super) fn rename(tag: &Tag<'_>) -> Self {
        let name = tag.bytes.iter().position(|byte| byte.is_ascii_whitespace()).unwrap_or(tag.bytes.len());
        let end = if tag.bytes.get(..name).is_some_and(|name| name.ends_with(b"/")) { name - 1 } else { name };
        // The last letter of the name, after the opening bracket.
        Self { at: tag.start() + end as u64, bytes: b"_".to_vec() }
    }

    /// Writes a value from `start` on, with blanks after its closing tag.
    pub(super) fn value(start: u64, end: &Tag<'_>, value: &[u8]) -> Self {
        let mut bytes = value.to_vec();
        bytes.push(b'<');
        bytes.extend_from_slice(end.bytes);
        bytes.push(b'>');
        let length = usize::try_from(end.end.saturating_sub(start)).unwrap_or(usize::MAX);
        bytes.resize(length.max(bytes.len()), b' ');
        Self { at: start, bytes }
    }

    /// Changes a piece that begins at this place of the part. `false`: the change lies outside the piece.
    pub(super) fn apply(&self, piece: &mut [u8], begins: u64) -> bool {
        let place = self.at.checked_sub(begins).and_then(|from| usize::try_from(from).ok());
        let place = place.and_then(|from| piece.get_mut(from..from.checked_add(self.bytes.len())?));
        if let Some(place) = place {
            place.copy_from_slice(&self.bytes);
            return true;
        }
        false
    }
}

/// Follows the tags of the part that lists the sheets.
#[derive(Default)]
pub(super) struct BookTags {
    /// The current element is being removed, so its end tag must be too.
    is_open: bool,
    mends: Vec<Mend>,
}

impl BookTags {
    /// The next tag.
    pub(super) fn tag(&mut self, found: &Tag<'_>, sheets: &Sheets) {
        let is_end = found.bytes.starts_with(b"/");
        let tag = found.bytes.strip_prefix(b"/").unwrap_or(found.bytes);
        if local_name(tag) != b"sheet" {
            return;
        }
        if is_end {
            if std::mem::take(&mut self.is_open) {
                self.mends.push(Mend::rename(found));
            }
            return;
        }
        let id = attributes(tag).filter(|(key, _)| *key == b"id" || key.ends_with(b":id")).map(|(_, id)| id).last();
        if !id.is_some_and(|id| sheets.relations.contains(id)) {
            self.is_open = !tag.ends_with(b"/");
            self.mends.push(Mend::rename(found));
        }
    }

    /// The changes found since the last call.
    pub(super) fn mends(&mut self) -> Vec<Mend> {
        std::mem::take(&mut self.mends)
    }
}

/// How much of a piece can be handed on so that nothing that may have to be mended is cut in two: up to the last cell,
/// or else the last tag.
pub(super) fn whole(piece: &[u8]) -> usize {
    /// A cell has only a few tags.
    const LOOKED_AT: usize = 16;
    let mut last = None;
    let mut end = piece.len();
    for _ in 0..LOOKED_AT {
        let Some(at) = piece.get(..end).and_then(|before| before.iter().rposition(|byte| *byte == b'<')) else { break };
        last.get_or_insert(at);
        let tag = piece.get(at + 1..).unwrap_or_default();
        let name = tag.iter().position(|byte| matches!(byte, b' ' | b'>' | b'/')).and_then(|end| tag.get(..end));
        if name.is_some_and(|name| name == b"c" || name.ends_with(b":c")) {
            return at;
        }
        end = at;
    }
    last.unwrap_or(piece.len())
}

#[cfg(test)]
mod tests {
    use super::super::remarks::SheetTags;
    use super::super::tokens::Tokens;
    use super::*;

    fn mended(xml: &str) -> String {
        let (mut tokens, mut tags) = (Tokens::default(), SheetTags::default());
        let mut bytes = xml.as_bytes().to_vec();
        tokens.feed(xml.as_bytes(), &mut |tag| tags.tag(tag));
        for mend in tags.mends() {
            assert!(mend.apply(&mut bytes, 0));
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn values_are_written_as_they_are_meant() {
        for (xml, expected) in [
            ("<c t=\"s\"><v> 17</v></c>", "<c t=\"s\"><v>17</v> </c>"),
            ("<c t=\"s\"><v>1<!-- x -->7</v></c>", "<c t=\"s\"><v>17</v>          </c>"),
            ("<c t=\"s\"><v>-1</v></c>", "<c t=\"s\"><v></v>  </c>"),
            ("<c><v>\n4567 </v></c>", "<c><v>4567</v>  </c>"),
            ("<c><v>45&#54;7</v></c>", "<c><v></v>        </c>"),
            ("<x:c t=\"s\"><x:v>1 </x:v></x:c>", "<x:c t=\"s\"><x:v>1</x:v> </x:c>"),
            ("<c t=\"str\"><v> a </v></c>", "<c t=\"str\"><v> a </v></c>"),
            ("<c t=\"s\"><v>17</v></c><c><v>-1.5E+3</v></c>", "<c t=\"s\"><v>17</v></c><c><v>-1.5E+3</v></c>"),
            ("<dimension ref=\"\"/>", "<dimensio_ ref=\"\"/>"),
            ("<x:dimension></x:dimension>", "<x:dimensio_></x:dimensio_>"),
            ("<dimension/>", "<dimensio_/>"),
        ] {
            assert_eq!(mended(xml), expected);
        }
    }

    #[test]
    fn sheets_without_cells_are_not_listed() {
        let sheets = Sheets { document: String::new(), relations: [b"rId1".to_vec()].into_iter().collect() };
        let xml = "<sheets><sheet name=\"A\" r:id=\"rId1\"/><sheet name=\"M\" r:id=\"\"/><sheet r:id=\"rId9\"></sheet></sheets>";
        let (mut tags, mut bytes) = (BookTags::default(), xml.as_bytes().to_vec());
        Tokens::default().feed(xml.as_bytes(), &mut |tag| tags.tag(tag, &sheets));
        for mend in tags.mends() {
            assert!(mend.apply(&mut bytes, 0));
        }
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "<sheets><sheet name=\"A\" r:id=\"rId1\"/><shee_ name=\"M\" r:id=\"\"/><shee_ \
             r:id=\"rId9\"></shee_></sheets>"
        );
    }

    #[test]
    fn pieces_end_before_a_cell() {
        for (piece, rest) in [
            ("<c r=\"A1\"><v>1</v></c><c r=\"B1\"><v>2</", "<c r=\"B1\"><v>2</"),
            ("<sheets><sheet name=\"A", "<sheet name=\"A"),
            ("text", ""),
        ] {
            assert_eq!(&piece[whole(piece.as_bytes())..], rest);
        }
    }
}
