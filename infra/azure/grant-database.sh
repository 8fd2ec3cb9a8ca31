#!/bin/sh
# Makes an identity a user of one database that owns its own tables and nothing else:
#
#   infra/azure/grant-database.sh HOST DATABASE IDENTITY
#
# Runs as the signed-in operator (`az login`), who is a member of the server's administrators' group. IRIS_OPERATORS_NAME names that group.
# Where the server is private, run it from inside the network. May be repeated.
set -eu
host=${1:?host}
database=${2:?database}
identity=${3:?identity}
PGPASSWORD=$(az account get-access-token --resource-type oss-rdbms --query accessToken --output tsv)
PGUSER=${IRIS_OPERATORS_NAME:?the name of the operators group}
PGSSLMODE=verify-full
PGSSLROOTCERT=${PGSSLROOTCERT:-system}
export PGPASSWORD PGUSER PGSSLMODE PGSSLROOTCERT

psql --host "$host" --dbname postgres --set ON_ERROR_STOP=1 --set identity="$identity" <<'SQL'
SELECT pgaadauth_create_principal(:'identity', false, false)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'identity');
SQL
psql --host "$host" --dbname "$database" --set ON_ERROR_STOP=1 --set database="$database" --set identity="$identity" <<'SQL'
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"identity";
GRANT USAGE, CREATE ON SCHEMA public TO :"identity";
SQL
