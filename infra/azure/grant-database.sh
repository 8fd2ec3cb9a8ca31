#!/bin/sh
# Makes the handler's identity a user of one database that owns its own tables and nothing else, and the role of operators:
#
#   infra/azure/grant-database.sh HOST DATABASE IDENTITY PRINCIPAL_ID
#
# Runs as the signed-in operator (`az login`), who is a member of the server's administrators' group. IRIS_OPERATORS_NAME names that group.
# Where the server is private, run it from inside the network. May be repeated, before and after the handler has made its tables.
set -eu
host=${1:?host}
database=${2:?database}
identity=${3:?identity}
principal=${4:?object id of the identity}
PGPASSWORD=$(az account get-access-token --resource-type oss-rdbms --query accessToken --output tsv)
PGUSER=${IRIS_OPERATORS_NAME:?the name of the operators group}
PGSSLMODE=verify-full
PGSSLROOTCERT=${PGSSLROOTCERT:-system}
export PGPASSWORD PGUSER PGSSLMODE PGSSLROOTCERT

# An identity that was made anew has another object id under the same name: the label says which one is meant.
psql --host "$host" --dbname postgres --set ON_ERROR_STOP=1 --set identity="$identity" --set principal="$principal" <<'SQL'
SELECT pgaadauth_create_principal_with_oid(:'identity', :'principal', 'service', false, false)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'identity');
SELECT 'aadauth,oid=' || :'principal' || ',type=service' AS label \gset
SECURITY LABEL FOR "pgaadauth" ON ROLE :"identity" IS :'label';
SELECT 'CREATE ROLE iris_operators NOLOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'iris_operators') \gexec
SQL
# What operators may do with the tables stands in the handler's migrations, which ask for it as well.
psql --host "$host" --dbname "$database" --set ON_ERROR_STOP=1 --set database="$database" --set identity="$identity" <<'SQL'
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"identity", iris_operators;
GRANT USAGE, CREATE ON SCHEMA public TO :"identity";
GRANT USAGE ON SCHEMA public TO iris_operators;
SELECT 'SELECT grant_operators()' WHERE to_regprocedure('public.grant_operators()') IS NOT NULL \gexec
SQL
