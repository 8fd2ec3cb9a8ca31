-- An order is charged once, ever: kept for as long as the order is, whatever becomes of the delivery.
CREATE TABLE charges (
    order_id integer NOT NULL PRIMARY KEY,
    transaction_id uuid NOT NULL,
    destination text NOT NULL,
    at bigint NOT NULL
);
SELECT grant_operators();

-- What was handed over comes up again when the final word about it is overdue.
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (organization, destination, sequence) WHERE state IN (0, 3, 7);
