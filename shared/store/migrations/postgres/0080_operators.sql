-- What operators may do: iris-admin's part, and no more. They are members of the role iris_operators, which an administrator makes before
-- these tables or after them (infra/azure/grant-database.sh); therefore a function, which the administrator calls too. It acts as the owner
-- of the tables. Without the role it does nothing.
CREATE FUNCTION grant_operators() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'iris_operators') THEN
        RETURN;
    END IF;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO iris_operators;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO iris_operators;
    -- Envelopes are moved between the two.
    GRANT INSERT, UPDATE, DELETE ON outbox, parked TO iris_operators;
    GRANT UPDATE ON deliveries TO iris_operators;
    GRANT DELETE ON destinations TO iris_operators;
    -- Rows are added, and never changed.
    GRANT INSERT ON audit, resubmissions TO iris_operators;
END $$;
SELECT grant_operators();
