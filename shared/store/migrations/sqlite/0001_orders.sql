-- Times are microseconds since 1970 (UTC). No foreign keys: rows are written together in one transaction by one program, and on bulk
-- loads every check costs.

CREATE TABLE ids (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO ids (name, next) VALUES ('order', 100001), ('patient', 100001);

CREATE TABLE sites (
    organization BLOB NOT NULL,
    local_id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    address TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization, local_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE cameras (
    organization BLOB NOT NULL,
    local_id TEXT NOT NULL,
    site TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization, local_id)
) STRICT, WITHOUT ROWID;

-- site: where the local id is unique; empty = in the whole organization.
CREATE TABLE patients (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    organization BLOB NOT NULL,
    site TEXT NOT NULL,
    local_id TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX patients_key ON patients (organization, site, local_id);

CREATE TABLE patient_history (
    patient INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    submission BLOB NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (patient, version)
) STRICT;

-- status: 0 AwaitingImages, 1 QueuedForGrading, 2 CheckedOutForGrading, 3 Graded, 4 OrderCancelled, 5 UnderReview, 6 Error, 7 Complete.
-- slot: 0 closed, 1 the one open order of its patient, 2 open within its evaluation types (see open_evaluations).
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    patient INTEGER NOT NULL,
    version INTEGER NOT NULL,
    images INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    current INTEGER NOT NULL,
    organization BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    local_id TEXT NOT NULL,
    site TEXT NOT NULL,
    camera TEXT,
    state TEXT NOT NULL,
    evaluations TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX orders_local_id ON orders (organization, local_id) WHERE current;
CREATE UNIQUE INDEX orders_open ON orders (patient) WHERE slot = 1;
CREATE INDEX orders_open_by_evaluation ON orders (patient) WHERE slot = 2;

CREATE TABLE open_evaluations (
    patient INTEGER NOT NULL,
    evaluation TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    PRIMARY KEY (patient, evaluation)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_history (
    order_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    submission BLOB NOT NULL,
    status INTEGER NOT NULL,
    change TEXT NOT NULL,
    content TEXT,
    PRIMARY KEY (order_id, version)
) STRICT;

CREATE TABLE images (
    order_id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    container TEXT NOT NULL,
    file_name TEXT NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (order_id, ordinal)
) STRICT;

-- Messages dealt with: what was answered, and the bytes of those that were refused.
CREATE TABLE submissions (
    id BLOB PRIMARY KEY,
    organization BLOB NOT NULL,
    at INTEGER NOT NULL,
    iris_order_id INTEGER,
    outcome TEXT NOT NULL,
    order_local_id TEXT,
    patient_local_id TEXT,
    issues TEXT,
    body BLOB
) STRICT;
CREATE INDEX submissions_refused ON submissions (at) WHERE outcome = 'failed';

CREATE TABLE drops (
    id BLOB PRIMARY KEY,
    organization BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    size INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    finished_at INTEGER,
    status TEXT NOT NULL,
    container TEXT NOT NULL,
    name TEXT NOT NULL,
    etag TEXT NOT NULL,
    issues TEXT
) STRICT;
CREATE INDEX drops_received ON drops (received_at);

CREATE TABLE drop_batches (
    drop_id BLOB NOT NULL,
    number INTEGER NOT NULL,
    totals TEXT NOT NULL,
    pending TEXT,
    lines TEXT NOT NULL,
    PRIMARY KEY (drop_id, number)
) STRICT;

-- Envelopes of messages; available_at: from when somebody other than its holder may publish it.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at INTEGER NOT NULL,
    available_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    destination TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_destination ON outbox (destination, id);

CREATE TABLE parked (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at INTEGER NOT NULL,
    parked_at INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    destination TEXT NOT NULL,
    reason TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;
