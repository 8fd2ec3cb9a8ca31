//! States as they appear in statements: the rules say which are meant, and their columns give the numbers. No statement
//! contains such a number itself.

use super::{STATUSES, delivery_state_column, image_status_column, status_column};
use iris_model::enumeration::OrderStatus;
use iris_rules::deliveries::DeliveryState;
use iris_rules::images::ImageStatus;

/// The delivery states that satisfy a rule, for `IN (…)`.
pub(crate) fn deliveries(rule: fn(DeliveryState) -> bool) -> String {
    list(DeliveryState::ALL.into_iter().filter(|state| rule(*state)).map(delivery_state_column))
}

/// One delivery state.
pub(crate) fn delivery(state: DeliveryState) -> String {
    delivery_state_column(state).to_string()
}

/// The order statuses that satisfy a rule, for `IN (…)`.
pub(crate) fn orders(rule: fn(OrderStatus) -> bool) -> String {
    list(STATUSES.into_iter().filter(|status| rule(*status)).map(status_column))
}

/// One image status.
pub(crate) fn image(status: ImageStatus) -> String {
    image_status_column(status).to_string()
}

fn list(columns: impl Iterator<Item = i16>) -> String {
    // Sorted, so that a statement's text is always the same and matches the partial indexes that cover only some
    // states.
    let mut columns: Vec<i16> = columns.collect();
    columns.sort_unstable();
    columns.iter().map(i16::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The partial indexes in the schema are defined with exactly these lists.
    #[test]
    fn lists_are_those_of_the_indexes() {
        assert_eq!(deliveries(DeliveryState::may_begin), "0, 3, 7");
        assert_eq!(image(ImageStatus::Linked), "1");
        assert_eq!(orders(OrderStatus::is_over), "4, 7");
    }
}
