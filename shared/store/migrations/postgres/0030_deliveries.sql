-- What a result's report says beyond its document.
ALTER TABLE results ADD COLUMN report text NOT NULL DEFAULT '{}';

-- One row per result and destination. state: 0 waiting, 1 delivered, 2 held, 3 resumed, 4 dropped, 5 failed.
CREATE TABLE deliveries (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid NOT NULL,
    organization uuid NOT NULL,
    order_id integer NOT NULL,
    at bigint NOT NULL,
    delivered_at bigint,
    state smallint NOT NULL,
    destination text NOT NULL,
    slug text NOT NULL
);
CREATE UNIQUE INDEX deliveries_key ON deliveries (transaction_id, destination);
CREATE INDEX deliveries_order ON deliveries (order_id, destination, sequence);
CREATE INDEX deliveries_held ON deliveries (organization, destination, state, sequence) WHERE state IN (2, 3);

-- Destinations that fail; one that works has no row.
CREATE TABLE destinations (
    organization uuid NOT NULL,
    destination text NOT NULL,
    failing_since bigint NOT NULL,
    failed_at bigint NOT NULL,
    disabled_at bigint,
    reason text NOT NULL,
    PRIMARY KEY (organization, destination)
);
