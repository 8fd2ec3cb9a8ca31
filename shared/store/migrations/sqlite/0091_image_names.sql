-- version: counts the changes of a directive, so that a late one does not undo another.
ALTER TABLE image_directives ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
