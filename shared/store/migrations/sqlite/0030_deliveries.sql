-- What a result's report says beyond its document.
ALTER TABLE results ADD COLUMN report TEXT NOT NULL DEFAULT '{}';

-- One row per result and destination. state: 0 waiting, 1 delivered, 2 held, 3 resumed, 4 dropped, 5 failed.
CREATE TABLE deliveries (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    transaction_id BLOB NOT NULL,
    organization BLOB NOT NULL,
    order_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    delivered_at INTEGER,
    state INTEGER NOT NULL,
    destination TEXT NOT NULL,
    slug TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX deliveries_key ON deliveries (transaction_id, destination);
CREATE INDEX deliveries_order ON deliveries (order_id, destination, sequence);
CREATE INDEX deliveries_held ON deliveries (organization, destination, state, sequence) WHERE state IN (2, 3);

-- Destinations that fail; one that works has no row.
CREATE TABLE destinations (
    organization BLOB NOT NULL,
    destination TEXT NOT NULL,
    failing_since INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    disabled_at INTEGER,
    reason TEXT NOT NULL,
    PRIMARY KEY (organization, destination)
) STRICT, WITHOUT ROWID;
