-- Results of organizations that get batches, each until it belongs to one. batch: its number, NULL as long as there is none.
CREATE TABLE batch_results (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    organization BLOB NOT NULL,
    transaction_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    order_id INTEGER NOT NULL,
    batch INTEGER,
    code TEXT NOT NULL
) STRICT;
CREATE INDEX batch_results_batch ON batch_results (organization, batch, sequence);
CREATE INDEX batch_results_order ON batch_results (order_id, batch, sequence);

-- starts_at: NULL for the first. ends_at: end of the period. day: the day the files are named for, 2026-11-20. has_more: another batch of the same period follows. closed_at: when everything
-- was written.
CREATE TABLE batches (
    organization BLOB NOT NULL,
    number INTEGER NOT NULL,
    starts_at INTEGER,
    ends_at INTEGER NOT NULL,
    day TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    has_more INTEGER NOT NULL,
    PRIMARY KEY (organization, number)
) STRICT, WITHOUT ROWID;
