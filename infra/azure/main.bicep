// The whole platform in one resource group. docs/OPERATIONS.md tells how to deploy it, and what it costs.
//
//   az deployment sub create --location eastus2 --template-file infra/azure/main.bicep --parameters infra/azure/dev.bicepparam

targetScope = 'subscription'

@description('Which of the three it is. Part of every name.')
@allowed(['dev', 'test', 'prod'])
param environment string

@description('Region of every resource.')
param location string = deployment().location

@description('Begins every name. Letters and digits.')
@minLength(2)
@maxLength(8)
param prefix string = 'iris'

@description('Short names of the organizations to provide for, as in their documents. Others can be added on their own: modules/organization.bicep.')
param organizations string[] = []

@description('Microsoft Entra group whose members administer the database, read secrets, and run iris-admin.')
param operators { name: string, objectId: string }

@description('Object id of the Microsoft Entra group whose members make signatures of callers\' containers. Empty: nobody.')
param issuersObjectId string = ''

@description('Where alerts go. Empty: alerts are only shown in the portal.')
param alertEmails string[] = []

@description('Standard takes messages up to 256 kB. Premium takes 1 MB and private endpoints.')
@allowed(['Standard', 'Premium'])
param serviceBusSku string = 'Standard'

@description('The database server.')
param database {
  sku: string
  tier: 'Burstable' | 'GeneralPurpose' | 'MemoryOptimized'
  storageGB: int
  highAvailability: bool
  backupDays: int
  @description('Connections the SKU allows (its default of max_connections).')
  connections: int
}

@description('Host of the database to use, after a restore: docs/OPERATIONS.md. Empty: the server made here.')
param databaseHost string = ''

@description('Instances of the function app: memory of one, most of them for each function, and how many always run for messages.')
param instances { memoryMB: 512 | 2048 | 4096, maximum: int, alwaysReady: int }

@description('Platform resources are reached through a virtual network only. Callers still reach their queues and containers.')
param privateNetworking bool = false

@description('Address ranges (CIDR) callers come from. Empty: anywhere. Needs Premium for Service Bus, and privateNetworking: without it the platform itself would be locked out.')
param callerIpRanges string[] = []

@description('Lets callers have signatures that last longer than a week, which are signed with the account key.')
param longLivedSignatures bool = false

@description('Days after which blobs and logs are deleted: copies of dropped files, images, receipts and results.')
param retention { files: int, images: int, results: int, softDelete: int, logs: int }

@description('Days after which the timer prune removes what is kept in the database, by kind: docs/ADMIN.md.')
param rowRetention { bodies: int, history: int, receipts: int, results: int } = { bodies: 90, history: 730, receipts: 730, results: 3650 }

@description('App settings whose values are secrets of the key vault: setting name to secret name.')
param secretSettings object = {}

@description('Where an OpenTelemetry collector takes OTLP over HTTP, e.g. http://collector.internal:4318. Empty: no spans and measurements are exported.')
param otlpEndpoint string = ''

var tags = { system: 'iris-orders', environment: environment }
var name = '${prefix}-${environment}'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: '${name}-rg'
  location: location
  tags: tags
}

module platform 'modules/platform.bicep' = {
  name: 'platform'
  scope: group
  params: {
    name: name
    location: location
    tags: tags
    organizations: organizations
    operators: operators
    issuersObjectId: issuersObjectId
    alertEmails: alertEmails
    serviceBusSku: serviceBusSku
    database: database
    databaseHost: databaseHost
    instances: instances
    privateNetworking: privateNetworking
    callerIpRanges: callerIpRanges
    longLivedSignatures: longLivedSignatures
    retention: retention
    rowRetention: rowRetention
    secretSettings: secretSettings
    otlpEndpoint: otlpEndpoint
  }
}

// Names that scripts and `azd` read.
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP string = platform.outputs.functionApp
output HANDLER_IDENTITY string = platform.outputs.handlerIdentity
output HANDLER_PRINCIPAL_ID string = platform.outputs.handlerPrincipalId
output DATABASE_HOST string = platform.outputs.databaseHost
output DATABASE_NAME string = platform.outputs.databaseName
output SERVICE_BUS string = platform.outputs.serviceBus
output STORAGE_ACCOUNT string = platform.outputs.storageAccount
output KEY_VAULT string = platform.outputs.keyVault
