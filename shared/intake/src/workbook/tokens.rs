//! The tokens of an XML part, measured as it passes: the length of the longest, and the tags that are asked for.
//!
//! An XML reader holds one token at a time, however long it is. So this follows the same rules for where a token ends
//! (including quotation marks within tags), in any pieces, and holds only the current tag, and that only when tags are
//! asked for.

/// The longest tag that is handed out; longer ones are only measured.
const TAG: usize = 64 * 1024;

/// The longest text that is handed out with the tag after it; longer ones are cut.
const TEXT: usize = 64;

/// A tag, and the text before it.
pub(super) struct Tag<'t> {
    /// What is between its angle brackets.
    pub(super) bytes: &'t [u8],
    /// The text since the tag before it, comments left out.
    pub(super) text: &'t Text,
    /// Bytes of the part up to the end of the tag.
    pub(super) end: u64,
}

impl Tag<'_> {
    /// Where the tag begins.
    pub(super) fn start(&self) -> u64 {
        self.end.saturating_sub(self.bytes.len() as u64 + 2)
    }
}

/// A text between two tags.
#[derive(Default)]
pub(super) struct Text {
    /// Its length in bytes.
    pub(super) length: usize,
    /// Its beginning.
    pub(super) beginning: Vec<u8>,
    /// It contains a comment or a processing instruction.
    pub(super) is_broken: bool,
}

impl Text {
    fn add(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        let room = TEXT.saturating_sub(self.beginning.len()).min(bytes.len());
        self.beginning.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }

    fn clear(&mut self) {
        self.beginning.clear();
        (self.length, self.is_broken) = (0, false);
    }
}

/// What is found in a part.
#[derive(Default)]
pub(super) struct Tokens {
    state: State,
    /// Bytes of the part that have passed.
    at: u64,
    /// Bytes of the current token.
    run: usize,
    /// The text before the current tag.
    text: Text,
    /// The current tag.
    tag: Vec<u8>,
    pub(super) longest: usize,
    /// A tag was too long to be handed out whole.
    pub(super) has_cut_tag: bool,
    /// There is a document type or entity declaration.
    pub(super) declares: bool,
    /// There is text in a CDATA section.
    pub(super) has_cdata: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Text,
    /// After `<`.
    Open,
    Tag,
    /// Within quotation marks of a tag.
    Quoted(u8),
    /// After `<!`.
    Bang,
    /// Up to `-->`, `?>` or `]]>`: the byte before `>`, how often it is needed, and how often it was seen.
    Until(u8, u8, u8),
}

impl Tokens {
    /// Feeds the next piece of the part. `on_tag` gets each tag with the text before it.
    pub(super) fn feed(&mut self, piece: &[u8], on_tag: &mut dyn FnMut(&Tag<'_>)) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = match self.state {
                State::Text => self.pass(rest, on_tag, |byte| byte == b'<', |_| State::Open),
                State::Tag => self.pass(
                    rest,
                    on_tag,
                    |byte| matches!(byte, b'>' | b'"' | b'\''),
                    |byte| match byte {
                        b'>' => State::Text,
                        quote => State::Quoted(quote),
                    },
                ),
                State::Quoted(quote) => self.pass(rest, on_tag, |byte| byte == quote, |_| State::Tag),
                State::Open | State::Bang | State::Until(..) => self.step(rest.first().copied().unwrap_or_default()),
            };
            self.at += taken as u64;
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    /// Passes everything up to and including the byte that changes the state.
    fn pass(
        &mut self,
        rest: &[u8],
        on_tag: &mut dyn FnMut(&Tag<'_>),
        is_end: impl Fn(u8) -> bool,
        then: impl Fn(u8) -> State,
    ) -> usize {
        let before = self.state;
        let at = rest.iter().position(|byte| is_end(*byte));
        let taken = at.map_or(rest.len(), |at| at + 1);
        self.run += taken;
        self.longest = self.longest.max(self.run);
        if before == State::Text {
            self.text.add(rest.get(..at.unwrap_or(rest.len())).unwrap_or_default());
        } else {
            let room = TAG.saturating_sub(self.tag.len());
            self.has_cut_tag |= taken > room;
            self.tag.extend_from_slice(rest.get(..taken.min(room)).unwrap_or_default());
        }
        if let Some(byte) = at.and_then(|at| rest.get(at)) {
            self.state = then(*byte);
            match (before, self.state) {
                (State::Text, _) => self.run = 1,
                (_, State::Text) => {
                    self.run = 0;
                    let bytes = self.tag.strip_suffix(b">").unwrap_or(&self.tag);
                    on_tag(&Tag { bytes, text: &self.text, end: self.at + taken as u64 });
                    self.text.clear();
                }
                _ => {}
            }
        }
        taken
    }

    fn step(&mut self, byte: u8) -> usize {
        self.run += 1;
        self.state = match (self.state, byte) {
            (State::Open, b'!') => State::Bang,
            (State::Open, b'?') => {
                self.text.is_broken = true;
                State::Until(b'?', 1, 0)
            }
            (State::Open, _) => {
                // The byte belongs to the tag.
                self.state = State::Tag;
                self.run -= 1;
                self.tag.clear();
                return 0;
            }
            (State::Bang, b'-') => {
                self.text.is_broken = true;
                State::Until(b'-', 2, 0)
            }
            (State::Bang, b'[') => {
                self.has_cdata = true;
                State::Until(b']', 2, 0)
            }
            (State::Bang, _) => {
                self.declares = true;
                State::Tag
            }
            (State::Until(_, needed, seen), b'>') if seen >= needed => {
                self.run = 0;
                State::Text
            }
            (State::Until(mark, needed, seen), byte) if byte == mark => {
                State::Until(mark, needed, seen.saturating_add(1))
            }
            (State::Until(mark, needed, _), _) => State::Until(mark, needed, 0),
            (state, _) => state,
        };
        self.longest = self.longest.max(self.run);
        1
    }
}

/// The name of a tag without its prefix.
pub(super) fn local_name(tag: &[u8]) -> &[u8] {
    let end =
        tag.iter().skip(1).position(|byte| byte.is_ascii_whitespace() || *byte == b'/').map_or(tag.len(), |at| at + 1);
    let name = tag.get(..end).unwrap_or_default();
    name.iter().position(|byte| *byte == b':').and_then(|at| name.get(at + 1..)).unwrap_or(name)
}

/// The attributes of a tag, with their raw values.
pub(super) fn attributes(tag: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let name_end = tag.iter().position(u8::is_ascii_whitespace).unwrap_or(tag.len());
    let mut rest = tag.get(name_end..).unwrap_or_default().trim_ascii_start();
    std::iter::from_fn(move || {
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let key = rest.get(..equals)?.trim_ascii();
        let behind = rest.get(equals + 1..)?.trim_ascii_start();
        let (quote, behind) = behind.split_first()?;
        let end = behind.iter().position(|byte| byte == quote)?;
        rest = behind.get(end + 1..)?.trim_ascii_start();
        Some((key, behind.get(..end)?))
    })
}

/// The raw value of an attribute.
pub(super) fn attribute<'t>(tag: &'t [u8], wanted: &[u8]) -> Option<&'t [u8]> {
    attributes(tag).find(|(key, _)| *key == wanted).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(xml: &str, piece: usize) -> (Vec<String>, usize, bool, bool) {
        let mut found = Vec::new();
        let mut tokens = Tokens::default();
        for piece in xml.as_bytes().chunks(piece) {
            tokens.feed(piece, &mut |tag| {
                let start = usize::try_from(tag.start()).unwrap();
                assert_eq!(&xml.as_bytes()[start + 1..start + 1 + tag.bytes.len()], tag.bytes);
                found.push(String::from_utf8_lossy(tag.bytes).into_owned());
            });
        }
        let seen = (tokens.longest, tokens.declares, tokens.has_cdata);
        (found, seen.0, seen.1, seen.2)
    }

    #[test]
    fn tags_are_found_in_any_pieces() {
        let xml = "<?xml version=\"1.0\"?><!-- a > <b> --><x:a b='>' c=\"<\">text<b/></x:a><![CDATA[ <c> ]]>";
        for piece in 1..xml.len() {
            let (found, _, declares, has_cdata) = tags(xml, piece);
            assert_eq!(found, ["x:a b='>' c=\"<\"", "b/", "/x:a"], "{piece}");
            assert!(!declares && has_cdata);
        }
    }

    #[test]
    fn texts_are_known_without_their_comments() {
        let xml = "<a>1<!-- x -->7</a><b> 5</b><c></c>";
        for piece in 1..xml.len() {
            let mut tokens = Tokens::default();
            let mut found = Vec::new();
            for piece in xml.as_bytes().chunks(piece) {
                tokens.feed(piece, &mut |tag| {
                    let text = String::from_utf8_lossy(&tag.text.beginning).into_owned();
                    found.push((text, tag.text.length, tag.text.is_broken));
                });
            }
            let expected = [("", false), ("17", true), ("", false), (" 5", false), ("", false), ("", false)];
            assert_eq!(found, expected.map(|(text, is_broken)| (text.to_owned(), text.len(), is_broken)), "{piece}");
        }
    }

    #[test]
    fn the_longest_token_shows_whatever_hides_it() {
        let long = "><".repeat(500);
        for xml in [
            format!("<a>{}</a>", "x".repeat(1000)),
            format!("<a b=\"{long}\"/>"),
            format!("<a b='{long}'/>"),
            format!("<a><!--{long}--></a>"),
            format!("<a><?{long}?></a>"),
            format!("<a><![CDATA[{long}]]></a>"),
            format!("<a{}", "x".repeat(1000)),
        ] {
            for piece in [7, 4096] {
                let (_, longest, ..) = tags(&xml, piece);
                assert!((1000..1100).contains(&longest), "{longest} {}", &xml[..20]);
            }
        }
        assert!(tags("<?xml?><!DOCTYPE a [<!ENTITY b 'c'>]><a/>", 4096).2);
    }

    #[test]
    fn names_and_attributes() {
        assert_eq!(local_name(b"x:si a='b:c'"), b"si");
        assert_eq!(local_name(b"si/"), b"si");
        assert_eq!(local_name(b"/si"), b"/si");
        assert_eq!(attribute(b"sst count = '1' uniqueCount=\"2\"", b"uniqueCount"), Some(&b"2"[..]));
        assert_eq!(attribute(b"sst xuniqueCount='1'", b"uniqueCount"), None);
    }
}
