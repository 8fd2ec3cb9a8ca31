-- The row is the queue: when the next attempt is due, and who is at it (lease: until when, and by which message). purpose: 0 at least once,
-- 1 at most once. failures: attempts in a row that the destination did not take, failing_since the first of them. lost is from now on: attempts
-- in a row that nobody ended. Further states: 7 handed over, 8 uncertain.
ALTER TABLE deliveries ADD COLUMN purpose smallint NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN next_at bigint NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN leased_until bigint;
ALTER TABLE deliveries ADD COLUMN leased_by integer;
ALTER TABLE deliveries ADD COLUMN failures integer NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN failing_since bigint;
UPDATE deliveries SET lost = 0 WHERE lost > 0;
CREATE INDEX deliveries_due ON deliveries (organization, destination, sequence) WHERE state IN (0, 3);

-- What was attempted, for operators. No personal data.
CREATE TABLE delivery_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sequence bigint NOT NULL REFERENCES deliveries (sequence) ON DELETE CASCADE,
    at bigint NOT NULL,
    took_ms bigint NOT NULL,
    outcome text NOT NULL,
    said text NOT NULL
);
CREATE INDEX delivery_attempts_delivery ON delivery_attempts (sequence, id);
SELECT grant_operators();
