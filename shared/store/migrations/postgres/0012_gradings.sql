-- code: F final, C correction, A addendum. details: what follows from the grading, fixed when it was submitted.
CREATE TABLE gradings (
    order_id integer NOT NULL,
    number integer NOT NULL,
    at bigint NOT NULL,
    code text NOT NULL,
    submission uuid NOT NULL,
    fingerprint uuid NOT NULL,
    details text NOT NULL,
    PRIMARY KEY (order_id, number)
);

-- Every result that was written, in the order of writing, with its canonical document.
CREATE TABLE results (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id uuid NOT NULL UNIQUE,
    order_id integer NOT NULL,
    at bigint NOT NULL,
    code text NOT NULL,
    document text NOT NULL
);
CREATE INDEX results_order ON results (order_id, sequence);
