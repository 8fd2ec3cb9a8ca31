//! Rows of one file that name the same patient.
//!
//! Payers' files often have the subscriber's id on the whole family. Across files, a changed name or birth date is news
//! about a patient, and the organization decides how far to trust it; within one file it means two people with one id.
//! The second must not overwrite the chart of the first.

use iris_model::organization::PatientScope;
use iris_model::receipt::EarlierRow;
use iris_model::request::Patient;
use iris_model::{OrderControlCode, OrderRequest};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};

/// What is new about a row's patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    /// The patient was in no earlier row, or only as the same person. Holds the latest row that ordered something.
    Same(Option<EarlierRow>),
    /// The row that has another person under the same id.
    Another(u32),
}

/// The patients seen so far, as hashes: some 40 bytes each, so that a million fit.
pub(crate) struct People {
    scope: PatientScope,
    seen: HashMap<u64, Seen>,
    hashes: RandomState,
}

#[derive(Clone, Copy)]
struct Seen {
    /// The first row that says who the patient is, and the hash of that person; 0 = no row has said so yet.
    row: u32,
    person: u64,
    last: Option<EarlierRow>,
}

impl People {
    /// `scope` is where patients' ids are unique.
    pub(crate) fn new(scope: PatientScope) -> Self {
        Self { scope, seen: HashMap::new(), hashes: RandomState::new() }
    }

    /// Meets the patient of a row.
    pub(crate) fn meet(&mut self, request: &OrderRequest, row: u32) -> Met {
        use OrderControlCode as Code;
        // A cancellation's patient data does not count.
        if !matches!(request.order_control_code, None | Some(Code::NewOrder | Code::Change | Code::ChangeRequest)) {
            return Met::Same(None);
        }
        let Some(patient) = &request.patient else { return Met::Same(None) };
        let Some(id) = patient.local_id.as_deref() else { return Met::Same(None) };
        let site = request.site.as_ref().and_then(|site| site.local_id.as_deref());
        let key = self.hashes.hash_one((id, site.filter(|_| self.scope == PatientScope::Site)));
        let person = self.person(patient).unwrap_or(0);
        let is_new_order = matches!(request.order_control_code, None | Some(Code::NewOrder));
        let order = request.order.as_ref().and_then(|order| order.local_id.as_deref()).filter(|_| is_new_order);
        let ordered = order.map(|order| EarlierRow::new(row, order));
        match self.seen.entry(key) {
            Entry::Vacant(place) => {
                place.insert(Seen { row, person, last: ordered });
                Met::Same(None)
            }
            Entry::Occupied(mut place) => {
                let seen = place.get_mut();
                if person != 0 && seen.person != 0 && person != seen.person {
                    return Met::Another(seen.row);
                }
                if seen.person == 0 {
                    (seen.row, seen.person) = (row, person);
                }
                let before = seen.last;
                seen.last = ordered.or(before);
                Met::Same(before)
            }
        }
    }

    /// First name and birth date: a different value in either means a different person. Last names change; spacing and
    /// capitals of a name do not matter.
    fn person(&self, patient: &Patient) -> Option<u64> {
        let first = patient.name.as_ref()?.first.as_deref()?;
        let letters: String =
            first.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Some(self.hashes.hash_one((letters, patient.dob?)).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: &str, first: &str, last: &str, dob: &str, order: &str) -> OrderRequest {
        let json = format!(
            "{{\"Site\":{{\"LocalId\":\"S1\"}},\"Order\":{{\"LocalId\":\"{order}\"}},\"Patient\":{{\"LocalId\":\"{id}\",\
             \"Name\":{{\"First\":\"{first}\",\"Last\":\"{last}\"}},\"Dob\":\"{dob}\"}}}}"
        );
        OrderRequest::parse(json.as_bytes()).unwrap().request
    }

    #[test]
    fn another_first_name_or_birth_date_is_another_person() {
        let mut people = People::new(PatientScope::Organization);
        let first = request("P1", "Ada Maria", "Test", "1950-01-02", "O1");
        assert_eq!(people.meet(&first, 2), Met::Same(None));
        for (row, other) in
            [request("P1", "Ben", "Test", "1950-01-02", "O2"), request("P1", "Ada Maria", "Test", "1980-01-02", "O3")]
                .iter()
                .enumerate()
        {
            assert_eq!(people.meet(other, row as u32 + 3), Met::Another(2));
        }
        let Met::Same(Some(earlier)) = people.meet(&request("P1", "ADA-MARIA", "Married", "1950-01-02", "O4"), 7)
        else {
            panic!("the same person");
        };
        assert!(earlier.row == 2 && earlier.is_of("O1") && !earlier.is_of("O4"));
        let Met::Same(Some(earlier)) = people.meet(&first, 8) else { panic!("the same person") };
        assert!(earlier.row == 7 && earlier.is_of("O4"));
    }

    #[test]
    fn who_is_not_named_is_not_compared() {
        let mut people = People::new(PatientScope::Organization);
        let unnamed = OrderRequest::parse(br#"{"Patient":{"LocalId":"P1"},"Order":{"LocalId":"O1"}}"#).unwrap().request;
        assert_eq!(people.meet(&unnamed, 2), Met::Same(None));
        let named = request("P1", "Ada", "Test", "1950-01-02", "O2");
        assert!(matches!(people.meet(&named, 3), Met::Same(Some(_))));
        assert_eq!(people.meet(&request("P1", "Ben", "Test", "1950-01-02", "O3"), 4), Met::Another(3));
        let cancel = OrderRequest {
            order_control_code: Some(OrderControlCode::Cancel),
            ..request("P1", "Cy", "T", "1940-01-01", "O2")
        };
        assert_eq!(people.meet(&cancel, 5), Met::Same(None));
    }

    #[test]
    fn sites_may_have_ids_of_their_own() {
        let elsewhere = |mut request: OrderRequest| {
            request.site.as_mut().unwrap().local_id = Some("S2".to_owned());
            request
        };
        let mut people = People::new(PatientScope::Site);
        assert_eq!(people.meet(&request("P1", "Ada", "Test", "1950-01-02", "O1"), 2), Met::Same(None));
        assert_eq!(people.meet(&elsewhere(request("P1", "Ben", "Test", "1950-01-02", "O2")), 3), Met::Same(None));
    }
}
