//! Rows that repeat the order id of an earlier row of the same file (decision 21).

use iris_model::{OrderControlCode, OrderRequest};
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;

/// The order ids seen so far, as hashes: 16 bytes a row, so that a million rows fit. Two different ids of one file share a hash with a
/// probability below one in ten million.
#[derive(Default)]
pub(crate) struct Seen {
    rows: HashMap<u64, u32>,
    hashes: RandomState,
}

impl Seen {
    /// The row that had the same operation and order id before; else remembers this one.
    pub(crate) fn first(&mut self, request: &OrderRequest, row: u32) -> Option<u32> {
        let id = request.order.as_ref()?.local_id.as_deref()?;
        let operation = match request.order_control_code {
            None => OrderControlCode::NewOrder,
            Some(OrderControlCode::ChangeRequest) => OrderControlCode::Change,
            Some(OrderControlCode::CancelRequest) => OrderControlCode::Cancel,
            Some(code) => code,
        };
        match self.rows.entry(self.hashes.hash_one((operation, id))) {
            Entry::Occupied(seen) => Some(*seen.get()),
            Entry::Vacant(new) => {
                new.insert(row);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: &str) -> OrderRequest {
        OrderRequest::parse(json.as_bytes()).unwrap().request
    }

    #[test]
    fn the_same_operation_on_the_same_order_is_a_repetition() {
        let mut seen = Seen::default();
        let new = request(r#"{"Order":{"LocalId":"1"}}"#);
        assert_eq!(seen.first(&new, 2), None);
        assert_eq!(seen.first(&request(r#"{"OrderControlCode":"NW","Order":{"LocalId":"1"}}"#), 3), Some(2));
        assert_eq!(seen.first(&request(r#"{"OrderControlCode":"CA","Order":{"LocalId":"1"}}"#), 4), None);
        assert_eq!(seen.first(&request(r#"{"Patient":{"LocalId":"1"}}"#), 5), None);
    }
}
