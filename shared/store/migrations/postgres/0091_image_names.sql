-- version: counts the changes of a directive, so that a late one does not undo another.
ALTER TABLE image_directives ADD COLUMN version integer NOT NULL DEFAULT 1;

-- Names of blobs have up to 1,024 characters, which may be more bytes than an entry of an index may have: they are looked up by their hash.
DROP INDEX images_blob;
CREATE INDEX images_blob ON images (organization, md5(file_name));
DROP INDEX image_directives_blob;
CREATE INDEX image_directives_blob ON image_directives (md5(file_name));
-- What an image says of itself may be as long.
DROP INDEX images_unlinked_accession;
CREATE INDEX images_unlinked_accession ON images (organization, md5(accession)) WHERE status <> 1;
DROP INDEX images_unlinked_patient;
CREATE INDEX images_unlinked_patient ON images (organization, md5(patient)) WHERE status <> 1;
DROP INDEX images_unlinked_study;
CREATE INDEX images_unlinked_study ON images (organization, md5(study)) WHERE status <> 1;
