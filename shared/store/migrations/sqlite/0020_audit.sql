-- Who changed or viewed what, and why. Rows are only ever added: not even a replacing insert takes one away.
-- login: the database's own name for whoever wrote it; empty where it has none.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    organization BLOB,
    actor TEXT NOT NULL,
    login TEXT NOT NULL DEFAULT '',
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows cannot be changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows cannot be removed'); END;
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'audit rows cannot be replaced'); END;

-- A submission that repeats a refused one: the id it has, or will have, in submissions.
CREATE TABLE resubmissions (
    submission BLOB PRIMARY KEY,
    original BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX resubmissions_original ON resubmissions (original);
