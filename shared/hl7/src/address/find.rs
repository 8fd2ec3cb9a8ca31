//! Reading with addresses.

use super::{Address, Depth, Pick};
use crate::message::{Field, Group, Message, Repetition, Segment, Value};

/// What addresses can be resolved in: a message, or one group of it.
trait Scope<'m> {
    fn all(&self) -> impl Iterator<Item = Segment<'m>>;
}

impl<'m> Scope<'m> for &'m Message<'_> {
    fn all(&self) -> impl Iterator<Item = Segment<'m>> {
        self.segments()
    }
}

impl<'m> Scope<'m> for Group<'m> {
    fn all(&self) -> impl Iterator<Item = Segment<'m>> {
        self.segments()
    }
}

fn field<'m>(scope: &impl Scope<'m>, address: &Address) -> Option<Field<'m>> {
    let occurrence = address.occurrence.map_or(0, |n| usize::from(n.get()) - 1);
    let segment = scope.all().filter(|segment| segment.id() == Some(address.segment)).nth(occurrence)?;
    segment.field(address.field.get())
}

fn value<'m>(scope: &impl Scope<'m>, address: &Address) -> Value<'m> {
    field(scope, address).map_or(Value::Absent, |field| address.within(field))
}

impl Address {
    /// The repetition of this field that the address chooses.
    fn repetition_of<'m>(&self, field: Field<'m>) -> Option<Repetition<'m>> {
        match &self.repetition {
            None => field.repetition(1),
            Some(Pick::Number(n)) => field.repetition(n.get()),
            Some(Pick::Where { component, subcomponent, is }) => field.repetitions().find(|repetition| {
                let part = repetition.component(component.get());
                let found = part.map(|part| part.subcomponent(subcomponent.map_or(1, std::num::NonZero::get)));
                found.and_then(Value::into_text).is_some_and(|text| text.trim() == is)
            }),
        }
    }

    /// What the address names within a field.
    fn within<'m>(&self, field: Field<'m>) -> Value<'m> {
        if self.repetition.is_none() && self.depth == Depth::WholeField {
            return field.whole();
        }
        let Some(repetition) = self.repetition_of(field) else { return Value::Absent };
        let (component, subcomponent) = self.depth.position();
        match self.depth {
            Depth::WholeField => repetition.whole(),
            Depth::WholeComponent(_) => repetition.component(component).map_or(Value::Absent, |part| part.whole()),
            Depth::Field | Depth::Component(_) | Depth::Subcomponent(..) => {
                repetition.component(component).map_or(Value::Absent, |part| part.subcomponent(subcomponent))
            }
        }
    }
}

impl Message<'_> {
    /// The value at an address.
    #[must_use]
    pub fn value(&self, address: &Address) -> Value<'_> {
        value(&self, address)
    }

    /// The field of an address, with all its repetitions.
    #[must_use]
    pub fn field(&self, address: &Address) -> Option<Field<'_>> {
        field(&self, address)
    }

    /// Every field with a value that none of these addresses reads, in order: what a mapping overlooks (a segment and
    /// its field). The header's delimiters are left out.
    #[must_use]
    pub fn unread(&self, read: &[Address]) -> Vec<(Segment<'_>, u16)> {
        let fields = self.segments().flat_map(|segment| segment.fields().map(move |(n, field)| (segment, n, field)));
        let unread = fields.filter(|(segment, n, field)| {
            let delimiters = *n <= 2 && segment.id().is_some_and(crate::SegmentId::is_header);
            let known = read.iter().any(|a| Some(a.segment) == segment.id() && a.field.get() == *n);
            !delimiters && !known && !field.whole().is_absent()
        });
        unread.map(|(segment, n, _)| (segment, n)).collect()
    }
}

impl<'m> Group<'m> {
    /// The value at an address, among the segments of this group.
    #[must_use]
    pub fn value(&self, address: &Address) -> Value<'m> {
        value(self, address)
    }

    /// The field of an address, with all its repetitions.
    #[must_use]
    pub fn field(&self, address: &Address) -> Option<Field<'m>> {
        field(self, address)
    }
}

#[cfg(test)]
mod tests {
    use crate::message::{Limits, Message, Value};
    use std::borrow::Cow;

    const MESSAGE: &str = concat!(
        "MSH|^~\\&|EMR|FAC\r",
        "PID|1|77^^^HOSP&1.2.3&ISO^PI~SYN-1^^^CLIN^MRN|\"\"||Sample&van&Sample^Pat^\"\"|  |^^x|a\\T\\b & c^d\r",
        "NTE|1||one\r",
        "NTE|2||t^w~o\r",
    );

    #[test]
    fn values_by_address() {
        let message = Message::read(MESSAGE.as_bytes(), &Limits::default()).unwrap();
        let text = |text: &'static str| Value::Text(Cow::Borrowed(text));
        let cases = [
            ("MSH-1", text("|")),
            ("MSH-2", text(r"^~\&")),
            ("MSH-2.1", text(r"^~\&")),
            ("MSH-3", text("EMR")),
            ("MSH-4.1.1", text("FAC")),
            ("MSH-9", Value::Absent),
            ("PID-1", text("1")),
            ("PID-2", text("77")),
            ("PID-2.4", text("HOSP")),
            ("PID-2.4.2", text("1.2.3")),
            ("PID-2.4.9", Value::Absent),
            ("PID-2.4.*", text("HOSP&1.2.3&ISO")),
            ("PID-2[2].1", text("SYN-1")),
            ("PID-2[3].1", Value::Absent),
            ("PID-2[5=MRN].1", text("SYN-1")),
            ("PID-2[5=MRN]", text("SYN-1")),
            ("PID-2[4.2=1.2.3].1", text("77")),
            ("PID-2[5=SS].1", Value::Absent),
            ("PID-2[5=MRN].*", text("SYN-1^^^CLIN^MRN")),
            ("PID-3", Value::Null),
            ("PID-3.4", Value::Null),
            ("PID-3.4.2", Value::Null),
            ("PID-5.1", text("Sample")),
            ("PID-5.1.3", text("Sample")),
            ("PID-5.3", Value::Null),
            ("PID-5.4", Value::Absent),
            ("PID-6", Value::Absent),
            ("PID-7", Value::Absent),
            ("PID-7.3", text("x")),
            ("PID-8", text("a&b ")),
            ("PID-8.*", text("a&b & c^d")),
            ("PID-9", Value::Absent),
            ("PV1-3", Value::Absent),
            ("NTE-3", text("one")),
            ("NTE[2]-3", text("t")),
            ("NTE[2]-3.*", text("t^w~o")),
            ("NTE[2]-3[1].*", text("t^w")),
            ("NTE[3]-3", Value::Absent),
        ];
        for (address, expected) in cases {
            assert_eq!(message.value(&address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn what_nothing_reads_is_listed() {
        let message = Message::read(MESSAGE.as_bytes(), &Limits::default()).unwrap();
        let read = ["MSH-3", "PID-2.1", "PID-5.1", "NTE-3"].map(|address| address.parse().unwrap());
        let unread: Vec<_> = message.unread(&read).iter().map(|(s, n)| format!("{}-{n}", s.id().unwrap())).collect();
        assert_eq!(unread, ["MSH-4", "PID-1", "PID-3", "PID-7", "PID-8", "NTE-1", "NTE-1"]);
    }
}
