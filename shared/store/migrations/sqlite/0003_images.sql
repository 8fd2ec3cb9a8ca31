-- What an order says about its images becomes a table of directives; images that arrived get their own.
INSERT INTO ids (name, next) VALUES ('image', 100001);

-- state: 0 waits for its image, 1 linked, 2 given up. next_try_at: when the sweep looks after one that waits.
ALTER TABLE images RENAME TO image_directives;
ALTER TABLE image_directives ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE image_directives ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE image_directives ADD COLUMN next_try_at INTEGER;
ALTER TABLE image_directives ADD COLUMN give_up_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX image_directives_blob ON image_directives (container, file_name);
CREATE INDEX image_directives_due ON image_directives (next_try_at) WHERE next_try_at IS NOT NULL;

-- status: 0 waits for its order, 1 linked, 2 quarantined. accession, patient, study, device and own_laterality are what the image says
-- itself; laterality is the eye it counts for. archive: name of the copy in our own container, empty when there is none. reason: why it is
-- not linked; defect: why it never can be.
CREATE TABLE images (
    id BLOB PRIMARY KEY,
    iris_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    order_id INTEGER,
    tries INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    next_try_at INTEGER,
    give_up_at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    status INTEGER NOT NULL,
    organization BLOB NOT NULL,
    container TEXT NOT NULL,
    file_name TEXT NOT NULL,
    format TEXT NOT NULL,
    archive TEXT NOT NULL,
    accession TEXT,
    patient TEXT,
    study TEXT,
    device TEXT,
    own_laterality TEXT,
    laterality TEXT,
    context TEXT NOT NULL,
    local_id TEXT,
    taken TEXT,
    reason TEXT,
    defect TEXT,
    details TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX images_iris_id ON images (iris_id);
CREATE INDEX images_blob ON images (organization, container, file_name);
CREATE INDEX images_order ON images (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX images_unlinked_accession ON images (organization, accession) WHERE status <> 1;
CREATE INDEX images_unlinked_patient ON images (organization, patient) WHERE status <> 1;
CREATE INDEX images_unlinked_study ON images (organization, study) WHERE status <> 1;
CREATE INDEX images_due ON images (next_try_at) WHERE next_try_at IS NOT NULL;

-- Orders by the DICOM study they named.
CREATE TABLE order_studies (
    organization BLOB NOT NULL,
    study TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    PRIMARY KEY (organization, study, order_id)
) STRICT, WITHOUT ROWID;
