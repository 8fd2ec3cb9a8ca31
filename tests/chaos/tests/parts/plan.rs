//! Plans: repeatable, and eventually containing everything.

use iris_chaos::history::Asked;
use iris_chaos::plan::{Blow, Link, Plan, Shape, mark};
use std::collections::BTreeSet;

const SHAPE: Shape = Shape { handlers: 4, organizations: 3, orders: 8, rows: 20, server: true, for_good: true };

#[test]
fn a_seed_is_a_plan_and_another_seed_another() {
    assert_eq!(Plan::new(&SHAPE, 5), Plan::new(&SHAPE, 5));
    assert_ne!(Plan::new(&SHAPE, 5), Plan::new(&SHAPE, 6));
}

#[test]
fn values_are_never_sent_twice_and_a_wave_changes_a_patient_once() {
    for seed in 0..20 {
        let sent = Plan::new(&SHAPE, seed).sent();
        let mut values = BTreeSet::new();
        let mut patients = BTreeSet::new();
        for sent in &sent {
            let Asked::Change { pointer, value } = &sent.asked else { continue };
            assert!(values.insert(value.clone()), "{value} twice");
            assert!(value.starts_with(&mark(sent.organization)));
            if pointer.starts_with("/Patient") {
                assert!(patients.insert((sent.organization, sent.wave, sent.order.clone())), "{sent:?}");
            }
        }
    }
}

#[test]
fn all_that_can_break_is_planned_sooner_or_later() {
    let blows: Vec<Blow> = (0..200)
        .flat_map(|seed| Plan::new(&SHAPE, seed).waves)
        .flat_map(|wave| wave.strikes)
        .map(|strike| strike.blow)
        .collect();
    assert!(blows.contains(&Blow::KillAll));
    assert!(blows.iter().any(|blow| matches!(blow, Blow::Freeze(Link::Database, _, None))));
    assert!(blows.iter().any(|blow| matches!(blow, Blow::Dark(Link::Bus, _))));
    assert!(blows.iter().any(|blow| matches!(blow, Blow::Reset(Link::Storage, _))));
    assert!(blows.iter().any(|blow| matches!(blow, Blow::Restart(_))));
    let alone = Shape { handlers: 1, server: false, ..SHAPE };
    let blows = (0..200).flat_map(|seed| Plan::new(&alone, seed).waves).flat_map(|wave| wave.strikes);
    let mut blows = blows.map(|strike| strike.blow);
    assert!(!blows.any(|blow| matches!(blow, Blow::Restart(_) | Blow::Cut(Link::Database, _))));
}
