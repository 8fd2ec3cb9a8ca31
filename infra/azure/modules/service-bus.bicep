// The namespace, and the queues whose messages start functions. modules/organization.bicep adds an organization's entries and queues.

param name string
param location string
param tags object
param sku string
param queues { orders: string, drops: string, images: string, gradings: string, hl7: string, deliveries: string }
param callerIpRanges string[]
param handlerPrincipalId string
param eventsPrincipalId string
param operatorsObjectId string
param workspaceId string

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: sku == 'Premium' ? { name: 'Premium', tier: 'Premium', capacity: 1 } : { name: 'Standard', tier: 'Standard' }
  properties: {
    minimumTlsVersion: '1.2'
    // Callers sign in with the key of their own entry.
    disableLocalAuth: false
    publicNetworkAccess: 'Enabled'
  }
}

resource addresses 'Microsoft.ServiceBus/namespaces/networkRuleSets@2024-01-01' = if (sku == 'Premium' && !empty(callerIpRanges)) {
  parent: namespace
  name: 'default'
  properties: {
    defaultAction: 'Deny'
    trustedServiceAccessEnabled: true
    publicNetworkAccess: 'Enabled'
    ipRules: [for range in callerIpRanges: { ipMask: range, action: 'Allow' }]
  }
}

module orders 'work-queue.bicep' = {
  name: 'queue-orders'
  params: { namespace: namespace.name, name: queues.orders, handlerPrincipalId: handlerPrincipalId, operatorsObjectId: operatorsObjectId }
}

module drops 'work-queue.bicep' = {
  name: 'queue-drops'
  params: {
    namespace: namespace.name
    name: queues.drops
    handlerPrincipalId: handlerPrincipalId
    operatorsObjectId: operatorsObjectId
    eventsPrincipalId: eventsPrincipalId
  }
}

module images 'work-queue.bicep' = {
  name: 'queue-images'
  params: {
    namespace: namespace.name
    name: queues.images
    handlerPrincipalId: handlerPrincipalId
    operatorsObjectId: operatorsObjectId
    eventsPrincipalId: eventsPrincipalId
  }
}

module gradings 'work-queue.bicep' = {
  name: 'queue-gradings'
  params: { namespace: namespace.name, name: queues.gradings, handlerPrincipalId: handlerPrincipalId, operatorsObjectId: operatorsObjectId }
}

module hl7 'work-queue.bicep' = {
  name: 'queue-hl7'
  params: { namespace: namespace.name, name: queues.hl7, handlerPrincipalId: handlerPrincipalId, operatorsObjectId: operatorsObjectId }
}

module deliveries 'work-queue.bicep' = {
  name: 'queue-deliveries'
  params: { namespace: namespace.name, name: queues.deliveries, handlerPrincipalId: handlerPrincipalId, operatorsObjectId: operatorsObjectId }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'OperationalLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output id string = namespace.id
output name string = namespace.name
output host string = '${namespace.name}.servicebus.windows.net'
output dropsQueueId string = drops.outputs.id
output imagesQueueId string = images.outputs.id
