//! A message as a tree, for writing by address.

use crate::address::{Address, Depth, Pick};
use crate::message::{Message, Segment, SegmentId};
use crate::write::{Output, Writer};
use thiserror::Error;

/// Fields, repetitions, components and subcomponents of one segment. Fields are numbered as in addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree<T>(pub(crate) Vec<Repetitions<T>>);

pub(crate) type Repetitions<T> = Vec<Components<T>>;
pub(crate) type Components<T> = Vec<Subcomponents<T>>;
pub(crate) type Subcomponents<T> = Vec<T>;

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The n-th item from 1; created if it does not exist.
pub(crate) fn grown<T: Default>(items: &mut Vec<T>, n: u16) -> &mut T {
    let index = usize::from(n.saturating_sub(1));
    if items.len() <= index {
        items.resize_with(index + 1, T::default);
    }
    &mut items[index]
}

impl<T> Tree<T> {
    /// Field n, from 1, if the tree has one.
    pub(crate) fn get(&self, n: u16) -> Option<&Repetitions<T>> {
        self.0.get(usize::from(n).checked_sub(1)?)
    }

    /// Field n, from 1; created if it does not exist.
    pub(crate) fn field(&mut self, n: u16) -> &mut Repetitions<T> {
        grown(&mut self.0, n)
    }
}

/// A message that is created or changed by addresses.
///
/// ```
/// use iris_hl7::Draft;
/// let mut draft = Draft::new();
/// draft.set(&"MSH-9.1".parse()?, "ORM")?;
/// draft.set(&"PID-3[5=MRN].1".parse()?, "SYN-1")?;
/// assert_eq!(draft.write(Default::default()), b"MSH|^~\\&|||||||ORM\rPID|||SYN-1^^^^MRN\r");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    segments: Vec<(SegmentId, Tree<Leaf>)>,
}

/// A value of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Leaf {
    Text(String),
    Null,
}

impl Default for Leaf {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// Why a draft cannot be changed like this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DraftError {
    /// MSH-1 and MSH-2 are the delimiters.
    #[error("MSH-1 and MSH-2 cannot be written: they are the delimiters")]
    Delimiters,
    /// A second header, or a segment far beyond the last one of its name.
    #[error("an address may begin the next segment of its name, and no header but the first")]
    Segment,
    /// Beyond the limits of messages.
    #[error("fields, repetitions, components and subcomponents end at 1000")]
    TooFar,
}

/// The highest number of a field, repetition, component or subcomponent.
const LAST: u16 = 1_000;

impl Default for Draft {
    fn default() -> Self {
        Self::new()
    }
}

impl Draft {
    /// A message with an empty header.
    #[must_use]
    pub fn new() -> Self {
        Self { segments: vec![(SegmentId::MSH, Tree::default())] }
    }

    /// The same message. Lines that do not begin with a segment's name are left out.
    #[must_use]
    pub fn of(message: &Message<'_>) -> Self {
        Self { segments: message.segments().filter_map(|segment| Some((segment.id()?, tree(&segment)))).collect() }
    }

    /// Adds a segment at the end.
    ///
    /// # Errors
    ///
    /// [`DraftError::Segment`] for a second header.
    pub fn push(&mut self, id: SegmentId) -> Result<(), DraftError> {
        if id.is_header() {
            return Err(DraftError::Segment);
        }
        self.segments.push((id, Tree::default()));
        Ok(())
    }

    /// Puts a text at the address: the whole field, component or subcomponent, which loses what it had. A missing
    /// segment is added at the end; a missing repetition that is chosen by one of its components is added with that
    /// component.
    ///
    /// # Errors
    ///
    /// [`DraftError`].
    pub fn set(&mut self, address: &Address, text: &str) -> Result<(), DraftError> {
        self.put(address, Leaf::Text(text.to_owned()))
    }

    /// Puts HL7's null at the address.
    ///
    /// # Errors
    ///
    /// [`DraftError`].
    pub fn set_null(&mut self, address: &Address) -> Result<(), DraftError> {
        self.put(address, Leaf::Null)
    }

    fn put(&mut self, address: &Address, leaf: Leaf) -> Result<(), DraftError> {
        let field = address.field.get();
        if address.segment == SegmentId::MSH && field <= 2 {
            return Err(DraftError::Delimiters);
        }
        let (component, subcomponent) = address.depth.position();
        let picked = match &address.repetition {
            Some(Pick::Where { component, subcomponent, .. }) => {
                component.get().max(subcomponent.map_or(1, std::num::NonZero::get))
            }
            Some(Pick::Number(n)) => n.get(),
            None => 1,
        };
        if [field, component, subcomponent, picked].into_iter().any(|n| n > LAST) {
            return Err(DraftError::TooFar);
        }
        let repetitions = self.segment(address)?.field(field);
        let repetition = match &address.repetition {
            None if matches!(address.depth, Depth::Field | Depth::WholeField) => {
                repetitions.clear();
                grown(repetitions, 1)
            }
            None => grown(repetitions, 1),
            Some(Pick::Number(n)) => grown(repetitions, n.get()),
            Some(Pick::Where { component, subcomponent, is }) => {
                let position = (component.get(), subcomponent.map_or(1, std::num::NonZero::get));
                chosen(repetitions, position, is)
            }
        };
        match address.depth {
            Depth::Field | Depth::WholeField => *repetition = vec![vec![leaf]],
            Depth::Component(_) | Depth::WholeComponent(_) => *grown(repetition, component) = vec![leaf],
            Depth::Subcomponent(..) => *grown(grown(repetition, component), subcomponent) = leaf,
        }
        Ok(())
    }

    fn segment(&mut self, address: &Address) -> Result<&mut Tree<Leaf>, DraftError> {
        let occurrence = address.occurrence.map_or(1, |n| usize::from(n.get()));
        let found = |(_, (id, _)): &(usize, &(SegmentId, Tree<Leaf>))| *id == address.segment;
        let mut before = 0;
        let index = self.segments.iter().enumerate().filter(found).inspect(|_| before += 1).nth(occurrence - 1);
        let index = match index {
            Some((index, _)) => index,
            None if before + 1 == occurrence => {
                self.push(address.segment)?;
                self.segments.len() - 1
            }
            None => return Err(DraftError::Segment),
        };
        self.segments.get_mut(index).map(|(_, tree)| tree).ok_or(DraftError::Segment)
    }

    /// The message, with the standard delimiters.
    #[must_use]
    pub fn write(&self, output: Output) -> Vec<u8> {
        let mut writer = Writer::message(output);
        for (n, (id, tree)) in self.segments.iter().enumerate() {
            if n > 0 {
                writer.segment(*id);
            }
            let kind = tree.get(2).and_then(|field| field.first()?.first()?.first());
            let kind = match kind {
                Some(Leaf::Text(kind)) => Some(kind.as_str()),
                _ => None,
            };
            let skipped = if id.is_header() { 2 } else { 0 };
            for (n, field) in tree.0.iter().enumerate().skip(skipped) {
                let formatted = is_formatted(*id, n + 1, kind);
                writer.next_field();
                write_field(&mut writer, field, formatted);
            }
        }
        writer.finish()
    }
}

/// Whether a field holds formatted text, in which line breaks count: NTE-3, and OBX-5 where OBX-2 says FT or TX.
pub(crate) fn is_formatted(segment: SegmentId, field: usize, kind: Option<&str>) -> bool {
    match (&segment.bytes(), field) {
        (b"NTE", 3) => true,
        (b"OBX", 5) => matches!(kind, Some("FT" | "TX")),
        _ => false,
    }
}

fn write_field(writer: &mut Writer, field: &Repetitions<Leaf>, formatted: bool) {
    for (r, repetition) in field.iter().enumerate() {
        if r > 0 {
            writer.next_repetition();
        }
        for (c, component) in repetition.iter().enumerate() {
            if c > 0 {
                writer.next_component();
            }
            for (s, leaf) in component.iter().enumerate() {
                if s > 0 {
                    writer.next_subcomponent();
                }
                match leaf {
                    Leaf::Null => writer.null(),
                    Leaf::Text(text) if formatted => writer.formatted(text),
                    Leaf::Text(text) => writer.value(text),
                }
            }
        }
    }
}

/// The repetition that has this text at this place; a new one if there is none.
fn chosen<'t>(repetitions: &'t mut Repetitions<Leaf>, position: (u16, u16), is: &str) -> &'t mut Components<Leaf> {
    let (component, subcomponent) = position;
    let at = |n: u16| usize::from(n.saturating_sub(1));
    let has = |repetition: &Components<Leaf>| match repetition.get(at(component)).and_then(|c| c.get(at(subcomponent)))
    {
        Some(Leaf::Text(text)) => text.trim() == is,
        _ => false,
    };
    let index = repetitions.iter().position(has).unwrap_or_else(|| {
        // An empty repetition does not count.
        let empty = |repetition: &Components<Leaf>| repetition.iter().flatten().all(|leaf| *leaf == Leaf::default());
        repetitions.iter().position(empty).unwrap_or(repetitions.len())
    });
    let repetition = grown(repetitions, u16::try_from(index + 1).unwrap_or(u16::MAX));
    *grown(grown(repetition, component), subcomponent) = Leaf::Text(is.to_owned());
    repetition
}

/// The values of a segment.
fn tree(segment: &Segment<'_>) -> Tree<Leaf> {
    let mut tree = Tree::default();
    let header = segment.id().is_some_and(SegmentId::is_header);
    for (n, field) in segment.fields() {
        let repetitions = tree.field(n);
        if header && n <= 2 {
            continue;
        }
        for repetition in field.repetitions() {
            let components = repetition.components().map(|component| match component.bytes() {
                br#""""# => vec![Leaf::Null],
                _ => component.subcomponents().map(|text| Leaf::Text(text.into_owned())).collect(),
            });
            repetitions.push(components.collect());
        }
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Limits;

    fn after(before: &[u8], changes: &[(&str, &str)]) -> String {
        let mut draft = Draft::of(&Message::read(before, &Limits::default()).unwrap());
        for (address, text) in changes {
            draft.set(&address.parse().unwrap(), text).unwrap();
        }
        let bytes = draft.write(Output::Utf8);
        String::from_utf8(bytes).unwrap().strip_prefix("MSH|^~\\&\r").unwrap().replace('\r', "/")
    }

    #[test]
    fn values_are_put_where_the_address_says() {
        let before = b"MSH|^~\\&\rPID|1||A^^^^PI~B^^^^MRN||L&l^F";
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "PID|1||A^^^^PI~B^^^^MRN||L&l^F/"),
            (&[("PID-3", "X")], "PID|1||X||L&l^F/"),
            (&[("PID-3.1", "X")], "PID|1||X^^^^PI~B^^^^MRN||L&l^F/"),
            (&[("PID-3[2].1", "X")], "PID|1||A^^^^PI~X^^^^MRN||L&l^F/"),
            (&[("PID-3[5=MRN].1", "X")], "PID|1||A^^^^PI~X^^^^MRN||L&l^F/"),
            (&[("PID-3[5=SS].1", "X")], "PID|1||A^^^^PI~B^^^^MRN~X^^^^SS||L&l^F/"),
            (&[("PID-5.1", "X|")], "PID|1||A^^^^PI~B^^^^MRN||X\\F\\^F/"),
            (&[("PID-5.1.2", "x")], "PID|1||A^^^^PI~B^^^^MRN||L&x^F/"),
            (&[("PID-5.1", ""), ("PID-5.2", ""), ("PID-3", "")], "PID|1/"),
            (&[("NTE-3", "a\nb"), ("NTE[2]-1", "2")], "PID|1||A^^^^PI~B^^^^MRN||L&l^F/NTE|||a\\.br\\b/NTE|2/"),
            (&[("OBX-5", "a\nb"), ("OBX-2", "ST")], "PID|1||A^^^^PI~B^^^^MRN||L&l^F/OBX||ST|||a b/"),
        ];
        for (changes, expected) in cases {
            assert_eq!(&after(before, changes), expected, "{changes:?}");
        }
    }

    #[test]
    fn what_is_set_is_read_back() {
        for address in ["MSH-10", "PID-3[5=MRN].1", "PID-5.2.3", "NTE-3[4].*", "ZX1-9.2.*"] {
            let address: Address = address.parse().unwrap();
            let mut draft = Draft::new();
            draft.set(&address, "a^b&c|d~e\\ \"\" é").unwrap();
            let bytes = draft.write(Output::Utf8);
            let message = Message::read(&bytes, &Limits::default()).unwrap();
            assert_eq!(message.value(&address).text().unwrap(), "a^b&c|d~e\\ \"\" é", "{address}");
        }
    }

    #[test]
    fn nulls_stay_nulls() {
        let mut draft = Draft::new();
        draft.set_null(&"PID-5".parse().unwrap()).unwrap();
        assert_eq!(draft.write(Output::Utf8), b"MSH|^~\\&\rPID|||||\"\"\r");
    }

    #[test]
    fn what_cannot_be_written() {
        let mut draft = Draft::new();
        for (address, expected) in [
            ("MSH-2", DraftError::Delimiters),
            ("MSH[2]-3", DraftError::Segment),
            ("BHS-3", DraftError::Segment),
            ("PID[2]-3", DraftError::Segment),
            ("PID-1001", DraftError::TooFar),
            ("PID-3[60000].1", DraftError::TooFar),
        ] {
            assert_eq!(draft.set(&address.parse().unwrap(), "x"), Err(expected), "{address}");
        }
    }
}
