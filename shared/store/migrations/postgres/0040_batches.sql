-- Results of organizations that get batches, each until it belongs to one. batch: its number, NULL as long as there is none.
CREATE TABLE batch_results (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization uuid NOT NULL,
    transaction_id uuid NOT NULL,
    at bigint NOT NULL,
    order_id integer NOT NULL,
    batch integer,
    code text NOT NULL
);
CREATE INDEX batch_results_batch ON batch_results (organization, batch, sequence);
CREATE INDEX batch_results_order ON batch_results (order_id, batch, sequence);

-- starts_at: NULL for the first. ends_at: end of the period. day: the day the files are named for, 2026-11-20. has_more: another batch of the same period follows. closed_at: when everything
-- was written.
CREATE TABLE batches (
    organization uuid NOT NULL,
    number integer NOT NULL,
    starts_at bigint,
    ends_at bigint NOT NULL,
    day text NOT NULL,
    opened_at bigint NOT NULL,
    closed_at bigint,
    has_more boolean NOT NULL,
    PRIMARY KEY (organization, number)
);
