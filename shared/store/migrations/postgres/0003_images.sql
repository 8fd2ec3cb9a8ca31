-- What an order says about its images becomes a table of directives; images that arrived get their own.
INSERT INTO ids (name, next) VALUES ('image', 100001);

-- state: 0 waits for its image, 1 linked, 2 given up. next_try_at: when the sweep looks after one that waits.
ALTER TABLE images RENAME TO image_directives;
ALTER INDEX images_pkey RENAME TO image_directives_pkey;
ALTER TABLE image_directives ADD COLUMN state smallint NOT NULL DEFAULT 0;
ALTER TABLE image_directives ADD COLUMN tries integer NOT NULL DEFAULT 0;
ALTER TABLE image_directives ADD COLUMN next_try_at bigint;
ALTER TABLE image_directives ADD COLUMN give_up_at bigint NOT NULL DEFAULT 0;
CREATE INDEX image_directives_blob ON image_directives (container, file_name);
CREATE INDEX image_directives_due ON image_directives (next_try_at) WHERE next_try_at IS NOT NULL;

-- status: 0 waits for its order, 1 linked, 2 quarantined. accession, patient, study, device and own_laterality are what the image says
-- itself; laterality is the eye it counts for. archive: name of the copy in our own container, empty when there is none. reason: why it is
-- not linked; defect: why it never can be.
CREATE TABLE images (
    id uuid PRIMARY KEY,
    iris_id integer NOT NULL,
    version integer NOT NULL,
    order_id integer,
    tries integer NOT NULL,
    received_at bigint NOT NULL,
    next_try_at bigint,
    give_up_at bigint NOT NULL,
    size bigint NOT NULL,
    status smallint NOT NULL,
    organization uuid NOT NULL,
    container text COLLATE "C" NOT NULL,
    file_name text COLLATE "C" NOT NULL,
    format text COLLATE "C" NOT NULL,
    archive text COLLATE "C" NOT NULL,
    accession text COLLATE "C",
    patient text COLLATE "C",
    study text COLLATE "C",
    device text COLLATE "C",
    own_laterality text COLLATE "C",
    laterality text COLLATE "C",
    context text COLLATE "C" NOT NULL,
    local_id text,
    taken text,
    reason text,
    defect text,
    details text NOT NULL
);
CREATE UNIQUE INDEX images_iris_id ON images (iris_id);
CREATE INDEX images_blob ON images (organization, container, file_name);
CREATE INDEX images_order ON images (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX images_unlinked_accession ON images (organization, accession) WHERE status <> 1;
CREATE INDEX images_unlinked_patient ON images (organization, patient) WHERE status <> 1;
CREATE INDEX images_unlinked_study ON images (organization, study) WHERE status <> 1;
CREATE INDEX images_due ON images (next_try_at) WHERE next_try_at IS NOT NULL;

-- Orders by the DICOM study they named.
CREATE TABLE order_studies (
    organization uuid NOT NULL,
    study text COLLATE "C" NOT NULL,
    order_id integer NOT NULL,
    PRIMARY KEY (organization, study, order_id)
);
