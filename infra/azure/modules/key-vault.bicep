// Callers' connection strings, kept for the operators who hand them over, and secrets of destinations.

@maxLength(24)
param name string
param location string
param tags object
param isPrivate bool
param operatorsObjectId string
param handlerPrincipalId string
@description('Secrets that app settings refer to.')
param handlerSecrets string[]
param workspaceId string

var roles = {
  'Key Vault Secrets Officer': 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6'
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: { bypass: 'AzureServices', defaultAction: isPrivate ? 'Deny' : 'Allow' }
  }
}

// Operators put secrets in and hand connection strings over.
resource officers 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, operatorsObjectId, roles['Key Vault Secrets Officer'])
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Key Vault Secrets Officer'])
    principalId: operatorsObjectId
    principalType: 'Group'
  }
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' existing = [
  for name in handlerSecrets: {
    parent: vault
    name: name
  }
]

// The host resolves the references in app settings. One secret each: callers' connection strings stay out of reach.
resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, index) in handlerSecrets: {
    name: guid(vault.id, name, handlerPrincipalId, roles['Key Vault Secrets User'])
    scope: secret[index]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Key Vault Secrets User'])
      principalId: handlerPrincipalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'AuditEvent', enabled: true }]
  }
}

output id string = vault.id
output name string = vault.name
output uri string = vault.properties.vaultUri
