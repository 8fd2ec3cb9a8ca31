// A queue whose messages start a function.

param namespace string
param name string
param handlerPrincipalId string
param operatorsObjectId string
@description('Event Grid announces blobs to the queue. Empty: callers\' entries forward messages to it.')
param eventsPrincipalId string = ''

var roles = {
  'Azure Service Bus Data Receiver': '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  'Azure Service Bus Data Sender': '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
}

resource bus 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: namespace
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: bus
  name: name
  properties: {
    // The longest there is; the host renews it up to maxAutoLockRenewalDuration.
    lockDuration: 'PT5M'
    // Used up only by a handler that dies: what has to wait is sent again by the handler itself (decision 60).
    maxDeliveryCount: 100
    defaultMessageTimeToLive: 'P14D'
    deadLetteringOnMessageExpiration: true
    maxSizeInMegabytes: 5120
    // Every announcement of a blob has a MessageId of its own, and the sweep relies on repeated ones being dropped. Entries of two
    // organizations may bring the same MessageId, and neither may be dropped (decision 61).
    requiresDuplicateDetection: !empty(eventsPrincipalId)
    duplicateDetectionHistoryTimeWindow: 'PT1H'
  }
}

// The host takes what starts the function.
resource receives 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, handlerPrincipalId, roles['Azure Service Bus Data Receiver'])
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Receiver'])
    principalId: handlerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// The handler sends again, with a delay, what has to wait; and announces blobs whose event was lost.
resource sends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, handlerPrincipalId, roles['Azure Service Bus Data Sender'])
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Sender'])
    principalId: handlerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// Event Grid delivers BlobCreated events.
resource announces 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(eventsPrincipalId)) {
  name: guid(queue.id, eventsPrincipalId, roles['Azure Service Bus Data Sender'])
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Sender'])
    principalId: eventsPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// Operators look at dead letters, and send them back.
resource looks 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, operatorsObjectId, roles['Azure Service Bus Data Receiver'])
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Receiver'])
    principalId: operatorsObjectId
    principalType: 'Group'
  }
}

resource redrives 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, operatorsObjectId, roles['Azure Service Bus Data Sender'])
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Sender'])
    principalId: operatorsObjectId
    principalType: 'Group'
  }
}

output id string = queue.id
