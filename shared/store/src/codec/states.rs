//! States as statements name them: the rules say which are meant, their columns say by what numbers. No statement has
//! such a number of its own.

use super::{STATUSES, delivery_state_column, image_status_column, status_column};
use iris_model::enumeration::OrderStatus;
use iris_rules::deliveries::DeliveryState;
use iris_rules::images::ImageStatus;

/// The delivery states of which a rule holds, for `IN (…)`.
pub(crate) fn deliveries(rule: fn(DeliveryState) -> bool) -> String {
    list(DeliveryState::ALL.into_iter().filter(|state| rule(*state)).map(delivery_state_column))
}

/// One delivery state.
pub(crate) fn delivery(state: DeliveryState) -> String {
    delivery_state_column(state).to_string()
}

/// The order statuses of which a rule holds, for `IN (…)`.
pub(crate) fn orders(rule: fn(OrderStatus) -> bool) -> String {
    list(STATUSES.into_iter().filter(|status| rule(*status)).map(status_column))
}

/// One image status.
pub(crate) fn image(status: ImageStatus) -> String {
    image_status_column(status).to_string()
}

fn list(columns: impl Iterator<Item = i16>) -> String {
    // In one order, so that a statement's text is always the same, and indexes that hold some states alone are found.
    let mut columns: Vec<i16> = columns.collect();
    columns.sort_unstable();
    columns.iter().map(i16::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The partial indexes of the schema are made for these.
    #[test]
    fn lists_are_those_of_the_indexes() {
        assert_eq!(deliveries(DeliveryState::may_begin), "0, 3, 7");
        assert_eq!(image(ImageStatus::Linked), "1");
        assert_eq!(orders(OrderStatus::is_over), "4, 7");
    }
}
