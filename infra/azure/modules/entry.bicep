// Where an organization sends messages of one kind: a topic that stamps whatever passes with the organization, and forwards it.

@description('What is sent. Begins the entry\'s name.')
param kind string
param slug string
param serviceBus string
param keyVault string
param operatorsObjectId string
@description('Where everything goes.')
param queue string

var roles = {
  'Azure Service Bus Data Receiver': '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  'Azure Service Bus Data Sender': '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
}

resource bus 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: serviceBus
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: keyVault
}

// Whatever a message says about its sender is overwritten by the stamp; what only the platform sets on its way is taken off.
resource entry 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' = {
  parent: bus
  name: '${kind}-${slug}'
  properties: {
    defaultMessageTimeToLive: 'P14D'
    maxSizeInMegabytes: 1024
  }

  resource forward 'subscriptions' = {
    name: 'forward'
    properties: {
      forwardTo: queue
      lockDuration: 'PT1M'
      maxDeliveryCount: 10
      defaultMessageTimeToLive: 'P14D'
      deadLetteringOnMessageExpiration: true
      deadLetteringOnFilterEvaluationExceptions: true
    }

    // Takes the place of the rule every subscription is born with; a second one would forward a second, unstamped copy.
    resource stamp 'rules' = {
      name: '$Default'
      properties: {
        filterType: 'SqlFilter'
        sqlFilter: { sqlExpression: '1=1' }
        action: {
          sqlExpression: 'REMOVE IrisFirstSeen; REMOVE IrisWaits; REMOVE IrisWaitingSince; REMOVE IrisGivenUp; SET IrisOrganization = \'${slug}\''
        }
      }
    }
  }

  resource send 'authorizationRules' = {
    name: 'send'
    properties: { rights: ['Send'] }
  }
}

// Operators submit rejected messages again, and send back what could not be forwarded.
resource resubmits 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(entry.id, operatorsObjectId, roles['Azure Service Bus Data Sender'])
  scope: entry
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Sender'])
    principalId: operatorsObjectId
    principalType: 'Group'
  }
}

// Operators look at what could not be forwarded.
resource looks 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(entry::forward.id, operatorsObjectId, roles['Azure Service Bus Data Receiver'])
  scope: entry::forward
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Azure Service Bus Data Receiver'])
    principalId: operatorsObjectId
    principalType: 'Group'
  }
}

// Operators read it here and hand it over; no deployment output ever shows it.
resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: '${slug}-${kind}-send'
  properties: { value: entry::send.listKeys().primaryConnectionString, contentType: 'Service Bus connection string' }
}
