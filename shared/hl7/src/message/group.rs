//! Groups: what belongs to one order in a message with several.

use super::{Message, Segment, SegmentId};
use std::ops::Range;

const PID: SegmentId = SegmentId::literal(*b"PID");

/// The segments of one group: the header, those of its patient, and its own.
///
/// A group begins with a segment of the given name and ends before the next one. Segments before a patient's first
/// group belong to all of the patient's groups. When another PID follows, everything about the previous patient is left
/// behind: no order may get another patient's data.
#[derive(Debug, Clone)]
pub struct Group<'m> {
    message: &'m Message<'m>,
    /// Before the first PID, then the patient's, then the group's own.
    parts: [Range<usize>; 3],
}

impl<'m> Group<'m> {
    /// Its segments, in the message's order.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'m>> + use<'m> {
        let message = self.message;
        self.parts.clone().into_iter().flatten().filter_map(move |index| message.segment(index))
    }

    /// The segments that are only this group's.
    pub fn own(&self) -> impl Iterator<Item = Segment<'m>> + use<'m> {
        let [_, _, own] = self.parts.clone();
        let message = self.message;
        own.filter_map(move |index| message.segment(index))
    }
}

impl Message<'_> {
    /// The groups that begin with segments of this name, e.g. every ORC of an ORM (one order each).
    #[must_use]
    pub fn groups(&self, leader: SegmentId) -> Vec<Group<'_>> {
        let mut scan = Scan { message: self, header: None, patient: None, own: None, groups: Vec::new() };
        for segment in self.segments() {
            match segment.id() {
                Some(id) if id == leader => scan.leader(segment.index()),
                Some(PID) => scan.patient(segment.index()),
                _ => {}
            }
        }
        scan.close(self.segments.len());
        scan.groups
    }
}

struct Scan<'m> {
    message: &'m Message<'m>,
    /// Where the header ends: at the first patient or group.
    header: Option<usize>,
    /// Where the current patient begins, and where the first group after that begins.
    patient: Option<(usize, Option<usize>)>,
    /// Where the current group begins.
    own: Option<usize>,
    groups: Vec<Group<'m>>,
}

impl Scan<'_> {
    fn leader(&mut self, index: usize) {
        self.close(index);
        self.header.get_or_insert(index);
        self.patient.get_or_insert((index, None)).1.get_or_insert(index);
        self.own = Some(index);
    }

    fn patient(&mut self, index: usize) {
        self.close(index);
        self.header.get_or_insert(index);
        self.patient = Some((index, None));
    }

    fn close(&mut self, end: usize) {
        if let (Some(own), Some((start, Some(first)))) = (self.own.take(), self.patient) {
            let parts = [0..self.header.unwrap_or(0), start..first, own..end];
            self.groups.push(Group { message: self.message, parts });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::message::{Limits, Message, SegmentId};

    fn groups(names: &str) -> Vec<String> {
        let bytes = names.split(' ').map(|name| format!("{name}|^~\\&|\r")).collect::<String>();
        let message = Message::read(bytes.as_bytes(), &Limits::default()).unwrap();
        let name = |segment: crate::message::Segment<'_>| segment.id().unwrap().to_string();
        let groups = message.groups(SegmentId::literal(*b"ORC"));
        groups.iter().map(|group| group.segments().map(name).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn each_order_has_the_header_and_its_patient() {
        let cases: &[(&str, &[&str])] = &[
            ("MSH PID PV1", &[]),
            ("MSH PID PV1 ORC OBR DG1", &["MSH PID PV1 ORC OBR DG1"]),
            ("MSH PID PV1 ORC OBR ORC OBR NTE", &["MSH PID PV1 ORC OBR", "MSH PID PV1 ORC OBR NTE"]),
            ("MSH ORC OBR ORC", &["MSH ORC OBR", "MSH ORC"]),
            ("MSH NTE PID ORC OBR PID PV1 ORC", &["MSH NTE PID ORC OBR", "MSH NTE PID PV1 ORC"]),
            ("MSH ORC OBR PID ORC", &["MSH ORC OBR", "MSH PID ORC"]),
            ("MSH PID PID ORC", &["MSH PID ORC"]),
            ("MSH PID ORC PID", &["MSH PID ORC"]),
        ];
        for (names, expected) in cases {
            assert_eq!(&groups(names), expected, "{names}");
        }
    }
}
