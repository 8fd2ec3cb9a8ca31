//! Rows that repeat the order id of an earlier row of the same file (decision 21).

use iris_model::{OrderControlCode, OrderRequest};
use std::hash::{BuildHasher, RandomState};

/// Shards, so that growing moves little: a million ids are about 250 in each.
const SHARDS: usize = 4096;
/// A shard grows by this many ids instead of doubling, so memory stays close to what is needed.
const GROWTH: usize = 32;

/// The order ids seen so far, as hashes: 12 bytes a row, so that a million rows fit. Two different ids of one file
/// share a hash with a probability below one in ten million.
#[derive(Default)]
pub(crate) struct Seen {
    shards: Vec<Shard>,
    hashes: RandomState,
}

/// Hashes in order, and the row of each.
#[derive(Default, Clone)]
struct Shard {
    hashes: Vec<u64>,
    rows: Vec<u32>,
}

impl Shard {
    /// The earlier row with the same hash; otherwise remembers this one.
    fn first(&mut self, hash: u64, row: u32) -> Option<u32> {
        match self.hashes.binary_search(&hash) {
            Ok(place) => self.rows.get(place).copied(),
            Err(place) => {
                if self.hashes.len() == self.hashes.capacity() {
                    self.hashes.reserve_exact(GROWTH);
                    self.rows.reserve_exact(GROWTH);
                }
                self.hashes.insert(place, hash);
                self.rows.insert(place, row);
                None
            }
        }
    }
}

impl Seen {
    /// The earlier row with the same operation and order id; otherwise remembers this one.
    pub(crate) fn first(&mut self, request: &OrderRequest, row: u32) -> Option<u32> {
        let id = request.order.as_ref()?.local_id.as_deref()?;
        let operation = match request.order_control_code {
            None => OrderControlCode::NewOrder,
            Some(OrderControlCode::ChangeRequest) => OrderControlCode::Change,
            Some(OrderControlCode::CancelRequest) => OrderControlCode::Cancel,
            Some(code) => code,
        };
        let hash = self.hashes.hash_one((operation, id));
        if self.shards.is_empty() {
            self.shards = vec![Shard::default(); SHARDS];
        }
        self.shards.get_mut(hash as usize % SHARDS)?.first(hash, row)
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

    #[test]
    fn many_ids_are_told_apart_in_little_memory() {
        let mut seen = Seen::default();
        let numbered = |number: u32| request(&format!("{{\"Order\":{{\"LocalId\":\"O-{number}\"}}}}"));
        for number in 0..20_000 {
            assert_eq!(seen.first(&numbered(number), number), None);
        }
        for number in (0..20_000).step_by(777) {
            assert_eq!(seen.first(&numbered(number), 0), Some(number));
        }
        let held: usize = seen.shards.iter().map(|shard| shard.hashes.capacity()).sum();
        assert!(held <= 20_000 + SHARDS * GROWTH, "{held}");
    }
}
