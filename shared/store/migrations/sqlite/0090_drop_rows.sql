-- What a batch of a drop stands for is its rows, not its number: first_row and last_row, and every row of the file between them. at: when it
-- was committed; begun_at: when whoever holds the drop began. Both say whether somebody is at work on it. NULL = stored by a former release.
ALTER TABLE drop_batches ADD COLUMN at INTEGER;
ALTER TABLE drop_batches ADD COLUMN first_row INTEGER;
ALTER TABLE drop_batches ADD COLUMN last_row INTEGER;
ALTER TABLE drops ADD COLUMN begun_at INTEGER;
