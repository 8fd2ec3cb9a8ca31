#!/bin/sh
# Deploys everything: infra/azure/deploy.sh dev eastus2
#
# Needs the Azure CLI, signed in (`az login`) as a member of the operators' group who owns the subscription or may assign roles in it; psql;
# and what `cargo xtask package` needs. IRIS_OPERATORS_NAME and IRIS_OPERATORS_ID name the operators' group, IRIS_ISSUERS_ID that of issuers,
# IRIS_ALERT_EMAIL addresses, with commas between. IRIS_PREFIX begins every name; another platform beside the first needs another one.
set -eu
environment=${1:?say which environment: dev, test or prod}
location=${2:?say which region, for instance eastus2}
prefix=${IRIS_PREFIX:-iris}
here=$(cd "$(dirname "$0")" && pwd)

# A deployment's name belongs to one region.
az deployment sub create --name "$prefix-$environment-$location" --location "$location" \
    --template-file "$here/main.bicep" --parameters "$here/$environment.bicepparam" --output none

AZURE_RESOURCE_GROUP="$prefix-$environment-rg"
output() {
    az deployment group show --resource-group "$AZURE_RESOURCE_GROUP" --name platform --query "properties.outputs.$1.value" --output tsv
}
FUNCTION_APP=$(output functionApp)
HANDLER_IDENTITY=$(output handlerIdentity)
HANDLER_PRINCIPAL_ID=$(output handlerPrincipalId)
DATABASE_HOST=$(output databaseHost)
DATABASE_NAME=$(output databaseName)
export AZURE_RESOURCE_GROUP FUNCTION_APP HANDLER_IDENTITY HANDLER_PRINCIPAL_ID DATABASE_HOST DATABASE_NAME
exec "$here/finish.sh"
