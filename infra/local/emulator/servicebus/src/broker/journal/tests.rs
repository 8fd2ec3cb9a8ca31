use super::record::*;
use super::*;
use crate::broker::options::QueueOptions;
use crate::broker::slot::{Arrival, Place};
use crate::message::Message;
use proptest::prelude::*;

fn slot() -> Slot {
    let mut state = State::new(QueueOptions::default());
    let message = Message::new("body").with_message_id("m").encode().unwrap();
    let sequence = state.enqueue(Arrival::new(message), 1000).unwrap();
    let mut slot = state.slot(sequence).unwrap().clone();
    slot.dead_letter_source = Some("orders".into());
    slot.expires_at = Some(2000);
    slot.place = Place::Scheduled(1500);
    slot
}

fn log() -> Vec<u8> {
    let mut out = Vec::new();
    put_queue(&mut out, 3, "orders", 17);
    put_message(&mut out, 3, 16, &slot());
    put_update(&mut out, 3, 16, 2, Place::Deferred);
    put_session(&mut out, 3, "s", Some(b"state"));
    put_remove(&mut out, 3, 16);
    out
}

fn records(mut bytes: &[u8]) -> (Vec<Record>, usize) {
    let mut records = Vec::new();
    while let Some(record) = next(&mut bytes) {
        records.push(record);
    }
    (records, bytes.len())
}

#[test]
fn records_read_back() {
    let (records, rest) = records(&log());
    assert_eq!(rest, 0);
    assert_eq!(records[0], Record::Queue { number: 3, name: "orders".into(), next_sequence: 17 });
    let Record::Put { queue: 3, sequence: 16, kept } = records[1].clone() else { panic!("{:?}", records[1]) };
    let restored = kept.into_slot(9).unwrap();
    let slot = Slot { segment: Some(9), ..slot() };
    assert_eq!(format!("{restored:?}"), format!("{slot:?}"));
    assert_eq!(records[2], Record::Update { queue: 3, sequence: 16, attempts: 2, place: KeptPlace::Deferred });
    assert_eq!(records[3], Record::Session { queue: 3, id: "s".into(), state: Some(b"state".to_vec()) });
    assert_eq!(records[4], Record::Remove { queue: 3, sequence: 16 });
}

proptest! {
    #[test]
    fn a_torn_log_gives_its_whole_records(cut in 0..400_usize) {
        let log = log();
        let cut = cut.min(log.len());
        let (read, rest) = records(&log[..cut]);
        let whole = records(&log).0;
        prop_assert_eq!(&read[..], &whole[..read.len()]);
        prop_assert!(rest <= cut);
    }

    #[test]
    fn a_flipped_bit_ends_the_log_there(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut log = log();
        let at = at.index(log.len());
        log[at] ^= 1 << bit;
        let (read, _) = records(&log);
        prop_assert!(read.len() < 5);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = records(&bytes);
    }
}
