// What one organization gets: entries that stamp, queues and containers, and credentials that can do one thing each.
//
// An organization can be added on its own, to a platform that runs:
//
//   az deployment group create --resource-group iris-prod-rg --template-file infra/azure/modules/organization.bicep \
//     --parameters slug=harborview serviceBus=… storageAccount=… keyVault=… handlerPrincipalId=… operatorsObjectId=… issuersObjectId=…

@description('Short name, as in the organization document: 3 to 40 lower-case letters, digits and single hyphens.')
@minLength(3)
@maxLength(40)
param slug string
param serviceBus string
param storageAccount string
param keyVault string
param handlerPrincipalId string
param operatorsObjectId string
@description('Microsoft Entra group whose members make signatures of the containers. Empty: nobody.')
param issuersObjectId string = ''
param ordersQueue string = 'incoming-orders'
param gradingsQueue string = 'gradings'
param hl7Queue string = 'hl7'

var roles = {
  'Azure Service Bus Data Receiver': '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  'Azure Service Bus Data Sender': '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
  'Storage Blob Data Contributor': 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  'Storage Blob Data Reader': '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
}
// The role of ours in modules/storage.bicep.
var uploadRole = guid(resourceGroup().id, 'upload')

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: serviceBus
}

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccount

  resource blobs 'blobServices' existing = {
    name: 'default'
  }
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: keyVault
}

module orders 'entry.bicep' = {
  name: 'entry-orders-${slug}'
  params: {
    kind: 'orders'
    slug: slug
    serviceBus: serviceBus
    keyVault: keyVault
    queue: ordersQueue
    operatorsObjectId: operatorsObjectId
  }
}

module gradings 'entry.bicep' = {
  name: 'entry-gradings-${slug}'
  params: {
    kind: 'gradings'
    slug: slug
    serviceBus: serviceBus
    keyVault: keyVault
    queue: gradingsQueue
    operatorsObjectId: operatorsObjectId
  }
}

module hl7 'entry.bicep' = {
  name: 'entry-hl7-${slug}'
  params: {
    kind: 'hl7'
    slug: slug
    serviceBus: serviceBus
    keyVault: keyVault
    queue: hl7Queue
    operatorsObjectId: operatorsObjectId
  }
}

// HL7 messages for hospitals; the proxy takes them.
resource hl7Out 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: 'hl7out-${slug}'
  properties: {
    lockDuration: 'PT5M'
    maxDeliveryCount: 100
    defaultMessageTimeToLive: 'P14D'
    deadLetteringOnMessageExpiration: true
    // The longest there is: a charge that is handed over again is thrown away.
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'P7D'
  }

  resource listen 'authorizationRules' = {
    name: 'listen'
    properties: { rights: ['Listen'] }
  }
}

resource events 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: 'events-${slug}'
  properties: {
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    defaultMessageTimeToLive: 'P14D'
    deadLetteringOnMessageExpiration: true
    // The outbox repeats a message with its id when an acknowledgement was lost.
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'P1D'
  }

  resource listen 'authorizationRules' = {
    name: 'listen'
    properties: { rights: ['Listen'] }
  }
}

resource results 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: 'results-${slug}'
  properties: {
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    defaultMessageTimeToLive: 'P14D'
    deadLetteringOnMessageExpiration: true
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'P1D'
  }

  resource listen 'authorizationRules' = {
    name: 'listen'
    properties: { rights: ['Listen'] }
  }
}

resource dropsContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: account::blobs
  name: '${slug}-drops'
  properties: { publicAccess: 'None' }
}

resource resultsContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: account::blobs
  name: '${slug}-results'
  properties: { publicAccess: 'None' }
}

resource imagesContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: account::blobs
  name: '${slug}-images'
  properties: { publicAccess: 'None' }
}

// load_drop reads the file, and removes it when it is loaded; the sweep lists what was forgotten.
resource takesDrops 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(dropsContainer.id, handlerPrincipalId, roles['Storage Blob Data Contributor'])
  scope: dropsContainer
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Contributor'])
    principalId: handlerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// receive_image reads the image, and removes it when it is archived; the sweep lists what was forgotten.
resource takesImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(imagesContainer.id, handlerPrincipalId, roles['Storage Blob Data Contributor'])
  scope: imagesContainer
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Contributor'])
    principalId: handlerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// load_drop writes receipts.
resource writesResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resultsContainer.id, handlerPrincipalId, roles['Storage Blob Data Contributor'])
  scope: resultsContainer
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Contributor'])
    principalId: handlerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// Issuers make signatures for putting files and images, and for reading results.
resource issuesDrops 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(issuersObjectId)) {
  name: guid(dropsContainer.id, issuersObjectId, uploadRole)
  scope: dropsContainer
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', uploadRole)
    principalId: issuersObjectId
    principalType: 'Group'
  }
}

resource issuesImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(issuersObjectId)) {
  name: guid(imagesContainer.id, issuersObjectId, uploadRole)
  scope: imagesContainer
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', uploadRole)
    principalId: issuersObjectId
    principalType: 'Group'
  }
}

resource issuesResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(issuersObjectId)) {
  name: guid(resultsContainer.id, issuersObjectId, roles['Storage Blob Data Reader'])
  scope: resultsContainer
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Reader'])
    principalId: issuersObjectId
    principalType: 'Group'
  }
}

// The outbox is published to the organization's queues.
resource sendsEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(events.id, handlerPrincipalId, roles['Azure Service Bus Data Sender'])
  scope: events
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Sender'])
    principalId: handlerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource sendsResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(results.id, handlerPrincipalId, roles['Azure Service Bus Data Sender'])
  scope: results
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Sender'])
    principalId: handlerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource sendsHl7 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hl7Out.id, handlerPrincipalId, roles['Azure Service Bus Data Sender'])
  scope: hl7Out
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Sender'])
    principalId: handlerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// Operators look at what no proxy took; it is never sent back: the delivery itself is attempted again, and a charge is not.
resource looksAtHl7 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hl7Out.id, operatorsObjectId, roles['Azure Service Bus Data Receiver'])
  scope: hl7Out
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Receiver'])
    principalId: operatorsObjectId
    principalType: 'Group'
  }
}

// Operators look at dead letters, and send them back.
resource looksAtEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(events.id, operatorsObjectId, roles['Azure Service Bus Data Receiver'])
  scope: events
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Receiver'])
    principalId: operatorsObjectId
    principalType: 'Group'
  }
}

resource redrivesEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(events.id, operatorsObjectId, roles['Azure Service Bus Data Sender'])
  scope: events
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Sender'])
    principalId: operatorsObjectId
    principalType: 'Group'
  }
}

resource looksAtResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(results.id, operatorsObjectId, roles['Azure Service Bus Data Receiver'])
  scope: results
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Receiver'])
    principalId: operatorsObjectId
    principalType: 'Group'
  }
}

resource redrivesResults 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(results.id, operatorsObjectId, roles['Azure Service Bus Data Sender'])
  scope: results
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Sender'])
    principalId: operatorsObjectId
    principalType: 'Group'
  }
}

// Connection strings for the organization. Operators read them here; no deployment output ever shows them.
resource eventsSecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: '${slug}-events-listen'
  properties: { value: events::listen.listKeys().primaryConnectionString, contentType: 'Service Bus connection string' }
}

resource resultsSecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: '${slug}-results-listen'
  properties: { value: results::listen.listKeys().primaryConnectionString, contentType: 'Service Bus connection string' }
}

resource hl7OutSecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: '${slug}-hl7out-listen'
  properties: { value: hl7Out::listen.listKeys().primaryConnectionString, contentType: 'Service Bus connection string' }
}
