-- Who changed or viewed what, and why. Rows are only ever added. login: the database's own name for whoever wrote it, whatever the
-- statement says.
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    organization uuid,
    actor text NOT NULL,
    login text NOT NULL DEFAULT '',
    action text NOT NULL,
    subject text NOT NULL,
    reason text NOT NULL,
    details text NOT NULL
);

CREATE FUNCTION audit_login() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.login := session_user;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_login BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_login();

CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit rows cannot be changed or removed' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept();
REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM PUBLIC;

-- A submission that repeats a refused one: the id it has, or will have, in submissions.
CREATE TABLE resubmissions (
    submission uuid PRIMARY KEY,
    original uuid NOT NULL,
    at bigint NOT NULL
);
CREATE INDEX resubmissions_original ON resubmissions (original);
