-- Times are microseconds since 1970 (UTC). Submitters' ids compare by bytes (COLLATE "C"). No foreign keys: rows are written together in
-- one transaction by one program, and on bulk loads every check costs.

CREATE TABLE ids (
    name text PRIMARY KEY,
    next integer NOT NULL
);
INSERT INTO ids (name, next) VALUES ('order', 100001), ('patient', 100001);

CREATE TABLE sites (
    organization uuid NOT NULL,
    local_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    address text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (organization, local_id)
);

CREATE TABLE cameras (
    organization uuid NOT NULL,
    local_id text COLLATE "C" NOT NULL,
    site text COLLATE "C" NOT NULL,
    details text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (organization, local_id)
);

-- site: where the local id is unique; empty = in the whole organization.
CREATE TABLE patients (
    id integer PRIMARY KEY,
    version integer NOT NULL,
    created_at bigint NOT NULL,
    organization uuid NOT NULL,
    site text COLLATE "C" NOT NULL,
    local_id text COLLATE "C" NOT NULL,
    details text NOT NULL
);
CREATE UNIQUE INDEX patients_key ON patients (organization, site, local_id);

CREATE TABLE patient_history (
    patient integer NOT NULL,
    version integer NOT NULL,
    at bigint NOT NULL,
    submission uuid NOT NULL,
    details text NOT NULL,
    PRIMARY KEY (patient, version)
);

-- status: 0 AwaitingImages, 1 QueuedForGrading, 2 CheckedOutForGrading, 3 Graded, 4 OrderCancelled, 5 UnderReview, 6 Error, 7 Complete.
-- slot: 0 closed, 1 the one open order of its patient, 2 open within its evaluation types (see open_evaluations).
CREATE TABLE orders (
    id integer PRIMARY KEY,
    patient integer NOT NULL,
    version integer NOT NULL,
    images integer NOT NULL,
    created_at bigint NOT NULL,
    status smallint NOT NULL,
    slot smallint NOT NULL,
    current boolean NOT NULL,
    organization uuid NOT NULL,
    fingerprint uuid NOT NULL,
    local_id text COLLATE "C" NOT NULL,
    site text COLLATE "C" NOT NULL,
    camera text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    evaluations text COLLATE "C" NOT NULL,
    content text NOT NULL
);
CREATE UNIQUE INDEX orders_local_id ON orders (organization, local_id) WHERE current;
CREATE UNIQUE INDEX orders_open ON orders (patient) WHERE slot = 1;
CREATE INDEX orders_open_by_evaluation ON orders (patient) WHERE slot = 2;

CREATE TABLE open_evaluations (
    patient integer NOT NULL,
    evaluation text COLLATE "C" NOT NULL,
    order_id integer NOT NULL,
    PRIMARY KEY (patient, evaluation)
);

CREATE TABLE order_history (
    order_id integer NOT NULL,
    version integer NOT NULL,
    at bigint NOT NULL,
    submission uuid NOT NULL,
    status smallint NOT NULL,
    change text NOT NULL,
    content text,
    PRIMARY KEY (order_id, version)
);

CREATE TABLE images (
    order_id integer NOT NULL,
    ordinal integer NOT NULL,
    container text NOT NULL,
    file_name text NOT NULL,
    details text NOT NULL,
    PRIMARY KEY (order_id, ordinal)
);

-- Messages dealt with: what was answered, and the bytes of those that were refused.
CREATE TABLE submissions (
    id uuid PRIMARY KEY,
    organization uuid NOT NULL,
    at bigint NOT NULL,
    iris_order_id integer,
    outcome text NOT NULL,
    order_local_id text,
    patient_local_id text,
    issues text,
    body bytea
);
CREATE INDEX submissions_refused ON submissions (at) WHERE outcome = 'failed';

CREATE TABLE drops (
    id uuid PRIMARY KEY,
    organization uuid NOT NULL,
    epoch bigint NOT NULL,
    size bigint NOT NULL,
    received_at bigint NOT NULL,
    finished_at bigint,
    status text NOT NULL,
    container text NOT NULL,
    name text NOT NULL,
    etag text NOT NULL,
    issues text
);
CREATE INDEX drops_received ON drops (received_at);

CREATE TABLE drop_batches (
    drop_id uuid NOT NULL,
    number integer NOT NULL,
    totals text NOT NULL,
    pending text,
    lines text NOT NULL,
    PRIMARY KEY (drop_id, number)
);
-- Written once, read once: compressing would cost more than it saves.
ALTER TABLE drop_batches ALTER COLUMN lines SET STORAGE EXTERNAL;

-- Envelopes of messages; available_at: from when somebody other than its holder may publish it.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at bigint NOT NULL,
    available_at bigint NOT NULL,
    attempts integer NOT NULL,
    messages integer NOT NULL,
    destination text COLLATE "C" NOT NULL,
    payload text NOT NULL
);
CREATE INDEX outbox_destination ON outbox (destination, id);
ALTER TABLE outbox ALTER COLUMN payload SET STORAGE EXTERNAL;
-- The table is nearly empty most of the time while rows stream through it: clean up often.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE parked (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at bigint NOT NULL,
    parked_at bigint NOT NULL,
    messages integer NOT NULL,
    destination text NOT NULL,
    reason text NOT NULL,
    payload text NOT NULL
);
