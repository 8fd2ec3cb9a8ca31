#!/bin/sh
# Deploys everything: infra/azure/deploy.sh dev eastus2
#
# Needs the Azure CLI, signed in (`az login`) as a member of the operators' group who owns the subscription or may assign roles in it; psql;
# and what `cargo xtask package` needs. IRIS_OPERATORS_NAME and IRIS_OPERATORS_ID name the operators' group, IRIS_ALERT_EMAIL addresses, with commas between.
set -eu
environment=${1:?say which environment: dev, test or prod}
location=${2:?say which region, for instance eastus2}
here=$(cd "$(dirname "$0")" && pwd)

az deployment sub create --name "iris-$environment" --location "$location" \
    --template-file "$here/main.bicep" --parameters "$here/$environment.bicepparam" --output none

AZURE_RESOURCE_GROUP="iris-$environment-rg"
output() {
    az deployment group show --resource-group "$AZURE_RESOURCE_GROUP" --name platform --query "properties.outputs.$1.value" --output tsv
}
FUNCTION_APP=$(output functionApp)
HANDLER_IDENTITY=$(output handlerIdentity)
DATABASE_HOST=$(output databaseHost)
DATABASE_NAME=$(output databaseName)
export AZURE_RESOURCE_GROUP FUNCTION_APP HANDLER_IDENTITY DATABASE_HOST DATABASE_NAME
exec "$here/finish.sh"
