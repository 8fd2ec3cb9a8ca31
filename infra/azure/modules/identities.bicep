// Who the parts are. Roles are assigned where the resource is, each with the reason.

param name string
param location string
param tags object

@description('The function app: host and handler.')
resource handler 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-handler'
  location: location
  tags: tags
}

@description('Event Grid, when it delivers BlobCreated events.')
resource events 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-events'
  location: location
  tags: tags
}

output handler { id: string, name: string, clientId: string, principalId: string } = {
  id: handler.id
  name: handler.name
  clientId: handler.properties.clientId
  principalId: handler.properties.principalId
}
output events { id: string, principalId: string } = {
  id: events.id
  principalId: events.properties.principalId
}
