#!/bin/sh
# What no template can do: makes the handler a user of the database and operators' role, and deploys the package. Both may be repeated.
#
# Reads the deployment's outputs from the environment, where deploy.sh and `azd` put them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

"$here/grant-database.sh" "$DATABASE_HOST" "$DATABASE_NAME" "$HANDLER_IDENTITY" "$HANDLER_PRINCIPAL_ID"

cd "$root"
cargo xtask package
az functionapp deployment source config-zip --resource-group "$AZURE_RESOURCE_GROUP" --name "$FUNCTION_APP" --src target/app.zip
