-- code: F final, C correction, A addendum. details: what follows from the grading, fixed when it was submitted.
CREATE TABLE gradings (
    order_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    submission BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (order_id, number)
) STRICT;

-- Every result that was written, in the order of writing, with its canonical document.
CREATE TABLE results (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    transaction_id BLOB NOT NULL UNIQUE,
    order_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX results_order ON results (order_id, sequence);
