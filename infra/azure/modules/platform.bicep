// Puts the parts together. What they are called for each other stands here and nowhere else.

param name string
param location string
param tags object
param organizations string[]
param operators { name: string, objectId: string }
param issuersObjectId string
param alertEmails string[]
param serviceBusSku string
param database object
@description('Empty: the server made here.')
param databaseHost string
param instances object
param privateNetworking bool
param callerIpRanges string[]
param longLivedSignatures bool
param retention object
param rowRetention object
param secretSettings object
param otlpEndpoint string

// Names of storage accounts and servers are shared by all of Azure.
var unique = take(uniqueString(subscription().id, resourceGroup().id), 6)
var compact = replace(name, '-', '')

var queues = {
  orders: 'incoming-orders'
  drops: 'drops'
  images: 'images'
  gradings: 'gradings'
  hl7: 'hl7'
  deliveries: 'deliveries'
}
var containers = {
  organizations: 'organizations'
  archive: 'archive'
}
var databaseName = 'iris'

module identities 'identities.bicep' = {
  name: 'identities'
  params: { name: name, location: location, tags: tags }
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  params: {
    name: name
    location: location
    tags: tags
    retentionDays: retention.logs
    publisherPrincipalId: identities.outputs.handler.principalId
  }
}

module network 'network.bicep' = if (privateNetworking) {
  name: 'network'
  params: { name: name, location: location, tags: tags }
}

module storage 'storage.bicep' = {
  name: 'storage'
  params: {
    name: '${compact}${unique}'
    location: location
    tags: tags
    containers: containers
    organizations: organizations
    retention: retention
    longLivedSignatures: longLivedSignatures
    callerIpRanges: callerIpRanges
    handlerPrincipalId: identities.outputs.handler.principalId
    operatorsObjectId: operators.objectId
    issuersObjectId: issuersObjectId
  }
}

module runtime 'runtime-storage.bicep' = {
  name: 'runtime-storage'
  params: {
    name: '${compact}rt${unique}'
    location: location
    tags: tags
    isPrivate: privateNetworking
    handlerPrincipalId: identities.outputs.handler.principalId
    eventsPrincipalId: identities.outputs.events.principalId
  }
}

module serviceBus 'service-bus.bicep' = {
  name: 'service-bus'
  params: {
    name: '${name}-${unique}'
    location: location
    tags: tags
    sku: serviceBusSku
    queues: queues
    callerIpRanges: callerIpRanges
    handlerPrincipalId: identities.outputs.handler.principalId
    eventsPrincipalId: identities.outputs.events.principalId
    operatorsObjectId: operators.objectId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module events 'event-grid.bicep' = {
  name: 'event-grid'
  params: {
    name: name
    location: location
    tags: tags
    storageAccountId: storage.outputs.id
    identityId: identities.outputs.events.id
    dropsQueueId: serviceBus.outputs.dropsQueueId
    imagesQueueId: serviceBus.outputs.imagesQueueId
    deadLetterAccountId: runtime.outputs.id
    deadLetterContainer: runtime.outputs.undeliveredEvents
  }
}

module postgres 'postgres.bicep' = {
  name: 'postgres'
  params: {
    name: '${name}-${unique}'
    location: location
    tags: tags
    database: databaseName
    settings: database
    operators: operators
    isPrivate: privateNetworking
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault 'key-vault.bicep' = {
  name: 'key-vault'
  params: {
    name: '${name}-${unique}'
    location: location
    tags: tags
    isPrivate: privateNetworking
    operatorsObjectId: operators.objectId
    handlerPrincipalId: identities.outputs.handler.principalId
    handlerSecrets: map(items(secretSettings), entry => string(entry.value))
    workspaceId: monitoring.outputs.workspaceId
  }
}

module functionApp 'function-app.bicep' = {
  name: 'function-app'
  params: {
    name: '${name}-${unique}'
    location: location
    tags: tags
    identity: identities.outputs.handler
    applicationInsights: monitoring.outputs.connectionString
    runtimeAccount: runtime.outputs.name
    packageContainerUrl: runtime.outputs.packageContainerUrl
    serviceBusHost: serviceBus.outputs.host
    blobEndpoint: storage.outputs.blobEndpoint
    databaseUrl: 'postgres://${identities.outputs.handler.name}@${empty(databaseHost) ? postgres.outputs.host : databaseHost}:5432/${databaseName}?sslmode=verify-full'
    databaseConnections: database.connections
    queues: queues
    containers: containers
    rowRetention: rowRetention
    instances: instances
    secretSettings: secretSettings
    otlpEndpoint: otlpEndpoint
    vaultUri: vault.outputs.uri
    #disable-next-line BCP318
    subnetId: privateNetworking ? network.outputs.functionsSubnetId : ''
  }
}

module endpoints 'private-endpoints.bicep' = if (privateNetworking) {
  name: 'private-endpoints'
  params: {
    name: name
    location: location
    tags: tags
    #disable-next-line BCP318
    networkId: network.outputs.id
    #disable-next-line BCP318
    subnetId: network.outputs.endpointsSubnetId
    targets: concat(
      [
        { name: 'storage', id: storage.outputs.id, kind: 'blob' }
        { name: 'runtime', id: runtime.outputs.id, kind: 'blob' }
        { name: 'database', id: postgres.outputs.id, kind: 'postgresqlServer' }
        { name: 'vault', id: vault.outputs.id, kind: 'vault' }
      ],
      serviceBusSku == 'Premium' ? [{ name: 'service-bus', id: serviceBus.outputs.id, kind: 'namespace' }] : []
    )
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  params: {
    name: name
    location: location
    tags: tags
    emails: alertEmails
    workspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.id
    databaseId: postgres.outputs.id
    eventTopicId: events.outputs.topicId
  }
}

module organization 'organization.bicep' = [
  for slug in organizations: {
    name: 'organization-${slug}'
    params: {
      slug: slug
      serviceBus: serviceBus.outputs.name
      storageAccount: storage.outputs.name
      keyVault: vault.outputs.name
      handlerPrincipalId: identities.outputs.handler.principalId
      operatorsObjectId: operators.objectId
      issuersObjectId: issuersObjectId
      ordersQueue: queues.orders
      gradingsQueue: queues.gradings
      hl7Queue: queues.hl7
    }
  }
]

output functionApp string = functionApp.outputs.name
output handlerIdentity string = identities.outputs.handler.name
output handlerPrincipalId string = identities.outputs.handler.principalId
output databaseHost string = empty(databaseHost) ? postgres.outputs.host : databaseHost
output databaseName string = databaseName
output serviceBus string = serviceBus.outputs.name
output storageAccount string = storage.outputs.name
output keyVault string = vault.outputs.name
