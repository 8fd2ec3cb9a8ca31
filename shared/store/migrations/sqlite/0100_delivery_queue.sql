-- The row is the queue: when the next attempt is due, and who is at it (lease: until when, and by which message). purpose: 0 at least once,
-- 1 at most once. failures: attempts in a row that the destination did not take, failing_since the first of them. lost is from now on: attempts
-- in a row that nobody ended. Further states: 7 handed over, 8 uncertain.
ALTER TABLE deliveries ADD COLUMN purpose INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN next_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN leased_until INTEGER;
ALTER TABLE deliveries ADD COLUMN leased_by INTEGER;
ALTER TABLE deliveries ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN failing_since INTEGER;
UPDATE deliveries SET lost = 0 WHERE lost > 0;
CREATE INDEX deliveries_due ON deliveries (organization, destination, sequence) WHERE state IN (0, 3);

-- What was attempted, for operators. No personal data.
CREATE TABLE delivery_attempts (
    id INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL REFERENCES deliveries (sequence) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    said TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_attempts_delivery ON delivery_attempts (sequence, id);
