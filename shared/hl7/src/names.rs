//! Names of fields, for people who look at a message.

use crate::message::SegmentId;

/// The standard's name of a field of a segment; `None` for fields and segments that integrations of this kind do not
/// use.
#[must_use]
pub fn field_name(segment: SegmentId, field: u16) -> Option<&'static str> {
    let names: &[(u16, &str)] = match &segment.bytes() {
        b"MSH" => MSH,
        b"MSA" => MSA,
        b"ERR" => ERR,
        b"EVN" => EVN,
        b"PID" => PID,
        b"PV1" => PV1,
        b"ORC" => ORC,
        b"OBR" => OBR,
        b"OBX" => OBX,
        b"NTE" => NTE,
        b"DG1" => DG1,
        b"FT1" => FT1,
        b"TXA" => TXA,
        _ => return None,
    };
    names.iter().find(|(number, _)| *number == field).map(|(_, name)| *name)
}

const MSH: &[(u16, &str)] = &[
    (1, "Field separator"),
    (2, "Encoding characters"),
    (3, "Sending application"),
    (4, "Sending facility"),
    (5, "Receiving application"),
    (6, "Receiving facility"),
    (7, "Time of message"),
    (8, "Security"),
    (9, "Message type"),
    (10, "Message control id"),
    (11, "Processing id"),
    (12, "Version"),
    (13, "Sequence number"),
    (14, "Continuation pointer"),
    (15, "Accept acknowledgement"),
    (16, "Application acknowledgement"),
    (17, "Country"),
    (18, "Character set"),
];
const MSA: &[(u16, &str)] =
    &[(1, "Acknowledgement code"), (2, "Message control id"), (3, "Text"), (6, "Error condition")];
const ERR: &[(u16, &str)] =
    &[(1, "Error code and location"), (2, "Error location"), (3, "Error code"), (4, "Severity"), (8, "User message")];
const EVN: &[(u16, &str)] = &[(1, "Event type"), (2, "Time recorded")];
const PID: &[(u16, &str)] = &[
    (1, "Set id"),
    (2, "Patient id"),
    (3, "Patient identifiers"),
    (4, "Alternate patient id"),
    (5, "Patient name"),
    (7, "Birth date"),
    (8, "Sex"),
    (10, "Race"),
    (11, "Address"),
    (13, "Home phone"),
    (14, "Business phone"),
    (15, "Language"),
    (16, "Marital status"),
    (18, "Account number"),
    (19, "Social security number"),
    (22, "Ethnic group"),
];
const PV1: &[(u16, &str)] = &[
    (1, "Set id"),
    (2, "Patient class"),
    (3, "Assigned location"),
    (7, "Attending doctor"),
    (8, "Referring doctor"),
    (17, "Admitting doctor"),
    (19, "Visit number"),
    (44, "Admit time"),
    (45, "Discharge time"),
];
const ORC: &[(u16, &str)] = &[
    (1, "Order control"),
    (2, "Placer order number"),
    (3, "Filler order number"),
    (4, "Placer group number"),
    (5, "Order status"),
    (7, "Quantity and timing"),
    (9, "Time of transaction"),
    (10, "Entered by"),
    (12, "Ordering provider"),
    (13, "Enterer's location"),
    (14, "Call-back phone"),
    (18, "Entering device"),
];
const OBR: &[(u16, &str)] = &[
    (1, "Set id"),
    (2, "Placer order number"),
    (3, "Filler order number"),
    (4, "Universal service id"),
    (6, "Requested time"),
    (7, "Observation time"),
    (11, "Specimen action code"),
    (14, "Specimen received time"),
    (16, "Ordering provider"),
    (17, "Call-back phone"),
    (22, "Time of result"),
    (24, "Diagnostic service section"),
    (25, "Result status"),
    (27, "Quantity and timing"),
    (32, "Principal result interpreter"),
    (36, "Scheduled time"),
];
const OBX: &[(u16, &str)] = &[
    (1, "Set id"),
    (2, "Value type"),
    (3, "Observation identifier"),
    (4, "Observation sub-id"),
    (5, "Observation value"),
    (6, "Units"),
    (7, "Reference range"),
    (8, "Abnormal flags"),
    (11, "Result status"),
    (14, "Observation time"),
];
const NTE: &[(u16, &str)] = &[(1, "Set id"), (2, "Source of comment"), (3, "Comment")];
const DG1: &[(u16, &str)] = &[
    (1, "Set id"),
    (2, "Coding method"),
    (3, "Diagnosis code"),
    (4, "Diagnosis description"),
    (5, "Diagnosis time"),
    (6, "Diagnosis type"),
];
const FT1: &[(u16, &str)] = &[
    (1, "Set id"),
    (2, "Transaction id"),
    (3, "Transaction batch id"),
    (4, "Transaction date"),
    (5, "Posting date"),
    (6, "Transaction type"),
    (7, "Transaction code"),
    (8, "Transaction description"),
    (9, "Transaction description, alternate"),
    (10, "Quantity"),
    (13, "Department"),
    (15, "Insurance fee schedule"),
    (16, "Patient location"),
    (19, "Diagnosis codes"),
    (20, "Performed by"),
    (21, "Ordered by"),
    (22, "Unit cost"),
    (23, "Filler order number"),
    (25, "Procedure code"),
    (26, "Procedure code modifiers"),
];
const TXA: &[(u16, &str)] = &[
    (1, "Set id"),
    (2, "Document type"),
    (4, "Activity time"),
    (10, "Assigned authenticator"),
    (12, "Unique document number"),
    (14, "Placer order number"),
    (17, "Completion status"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Content, Kind, Overrides, compile, defaults};

    #[test]
    fn every_field_that_is_written_has_a_name() {
        for kind in Kind::ALL {
            let instructions = defaults(kind).unwrap();
            let program = compile(kind, &instructions, &Overrides::default()).unwrap();
            for shown in program.show(&Content::sample()) {
                assert!(field_name(shown.segment, shown.field).is_some(), "{}-{}", shown.segment, shown.field);
            }
        }
        assert_eq!(field_name(SegmentId::literal(*b"ZZZ"), 1), None);
    }

    #[test]
    fn names_are_in_order() {
        for names in [MSH, MSA, ERR, EVN, PID, PV1, ORC, OBR, OBX, NTE, DG1, FT1, TXA] {
            assert!(names.is_sorted_by_key(|(number, _)| *number));
        }
    }
}
