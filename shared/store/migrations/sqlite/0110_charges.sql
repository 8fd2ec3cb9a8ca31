-- An order is charged once, ever: kept for as long as the order is, whatever becomes of the delivery.
CREATE TABLE charges (
    order_id INTEGER NOT NULL PRIMARY KEY,
    transaction_id BLOB NOT NULL,
    destination TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- What was handed over comes up again when the final word about it is overdue.
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (organization, destination, sequence) WHERE state IN (0, 3, 7);
