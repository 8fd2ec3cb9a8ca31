-- When everybody had the result that a batch has; fixed when the batch is opened.
ALTER TABLE batch_results ADD COLUMN sent_at bigint;
