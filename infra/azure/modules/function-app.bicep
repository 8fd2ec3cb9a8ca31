// The function app on Flex Consumption. Runtime `custom`: the package brings its own program (functions-host-contract §6.1).

param name string
param location string
param tags object
param identity { id: string, name: string, clientId: string, principalId: string }
param applicationInsights string
param runtimeAccount string
param packageContainerUrl string
param serviceBusHost string
param blobEndpoint string
param databaseUrl string
@description('Connections the database server allows.')
param databaseConnections int
param queues { orders: string, drops: string, images: string, gradings: string, hl7: string, deliveries: string }
param containers { organizations: string, archive: string }
@description('Days.')
param rowRetention { bodies: int, history: int, receipts: int, results: int }
param instances { memoryMB: int, maximum: int, alwaysReady: int }
param secretSettings object
param vaultUri string
@description('Empty: nothing is exported.')
param otlpEndpoint string
@description('Empty: no virtual network.')
param subnetId string

// Every function scales by itself up to the maximum: five that messages start; the three that timers start have one instance each.
var mostInstances = 6 * instances.maximum + 3 + instances.alwaysReady
// Every instance has a pool. What the server allows is shared by the most instances there may be; 30 connections stay for its own work and
// for operators. Two are the least a handler works with: one that saves while another reads.
var poolSize = min(8, max(2, (databaseConnections - 30) / mostInstances))

// Read by the OpenTelemetry SDK in the handler (docs/OPERATIONS.md, "Spans and measurements").
var telemetrySettings = empty(otlpEndpoint)
  ? {}
  : {
      OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf'
      OTEL_SERVICE_NAME: name
    }

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // References to the key vault are resolved with it.
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    // No function has an HTTP trigger; nobody needs to reach the app but those who deploy it.
    siteConfig: { minTlsVersion: '1.2', http20Enabled: true }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
      scaleAndConcurrency: {
        maximumInstanceCount: instances.maximum
        instanceMemoryMB: instances.memoryMB
        alwaysReady: instances.alwaysReady == 0 ? [] : [{ name: 'function:submit_order', instanceCount: instances.alwaysReady }]
      }
      runtime: { name: 'custom', version: '1.0' }
    }
  }

  resource settings 'config' = {
    name: 'appsettings'
    properties: union(
      {
        AzureWebJobsStorage__accountName: runtimeAccount
        AzureWebJobsStorage__credential: 'managedidentity'
        AzureWebJobsStorage__clientId: identity.clientId
        APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.clientId};Authorization=AAD'
        ServiceBus__fullyQualifiedNamespace: serviceBusHost
        ServiceBus__credential: 'managedidentity'
        ServiceBus__clientId: identity.clientId
        Storage__blobServiceUri: blobEndpoint
        Storage__credential: 'managedidentity'
        Storage__clientId: identity.clientId
        Database: databaseUrl
        Database__managedIdentity: 'true'
        Database__clientId: identity.clientId
        Database__maxConnections: string(poolSize)
        ORDERS_QUEUE: queues.orders
        DROPS_QUEUE: queues.drops
        IMAGES_QUEUE: queues.images
        GRADINGS_QUEUE: queues.gradings
        HL7_QUEUE: queues.hl7
        DELIVERIES_QUEUE: queues.deliveries
        ORGANIZATIONS_CONTAINER: containers.organizations
        ARCHIVE_CONTAINER: containers.archive
        SWEEP_SCHEDULE: '0 * * * * *'
        PRUNE_SCHEDULE: '0 30 3 * * *'
        RETENTION_BODIES_DAYS: string(rowRetention.bodies)
        RETENTION_HISTORY_DAYS: string(rowRetention.history)
        RETENTION_RECEIPTS_DAYS: string(rowRetention.receipts)
        RETENTION_RESULTS_DAYS: string(rowRetention.results)
        BATCHES_SCHEDULE: '0 */15 * * * *'
        LOG_LEVEL: 'info'
        // Milliseconds the handler's allocator keeps freed pages (decision 186).
        MIMALLOC_PURGE_DELAY: '20'
      },
      union(
        telemetrySettings,
        toObject(
          items(secretSettings),
          entry => entry.key,
          entry => '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${entry.value})'
        )
      )
    )
  }

  // Deployments sign in with Microsoft Entra, not with a publishing password.
  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

output name string = app.name
