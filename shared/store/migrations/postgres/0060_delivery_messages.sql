-- Whether the message of a delivery is still under way cannot be asked; when it was last seen can.
-- seen_at: when its message was last looked at, or sent anew; NULL = not yet. announced: how many messages followed the first. lost: how
-- many of the latest of them followed one that was lost. A further state: 6 parked.
ALTER TABLE deliveries ADD COLUMN seen_at bigint;
ALTER TABLE deliveries ADD COLUMN announced integer NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN lost integer NOT NULL DEFAULT 0;
CREATE INDEX deliveries_open ON deliveries (sequence) WHERE state IN (0, 3);
