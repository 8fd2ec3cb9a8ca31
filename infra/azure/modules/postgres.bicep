// The database. Sign-in with Microsoft Entra only: there is no password to leak or rotate.
//
// The handler's identity is a plain database user, which only SQL can create: grant-database.sh does, signed in as one of the operators.

param name string
param location string
param tags object
param database string
param settings { sku: string, tier: string, storageGB: int, highAvailability: bool, backupDays: int, connections: int }
param operators { name: string, objectId: string }
param isPrivate bool
param workspaceId string

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: settings.sku, tier: settings.tier }
  properties: {
    version: '16'
    createMode: 'Default'
    authConfig: { activeDirectoryAuth: 'Enabled', passwordAuth: 'Disabled', tenantId: tenant().tenantId }
    storage: { storageSizeGB: settings.storageGB, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: settings.backupDays, geoRedundantBackup: settings.highAvailability ? 'Enabled' : 'Disabled' }
    highAvailability: { mode: settings.highAvailability ? 'ZoneRedundant' : 'Disabled' }
    network: { publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled' }
  }

  resource data 'databases' = {
    name: database
    properties: { charset: 'UTF8', collation: 'en_US.utf8' }
  }

  resource administrators 'administrators' = {
    name: operators.objectId
    properties: { principalType: 'Group', principalName: operators.name, tenantId: tenant().tenantId }
    // The server takes one change at a time.
    dependsOn: [data]
  }

  // Instances of Flex Consumption have no fixed addresses; whoever comes in still needs a token of a known identity.
  resource azure 'firewallRules' = if (!isPrivate) {
    name: 'azure'
    properties: { startIpAddress: '0.0.0.0', endIpAddress: '0.0.0.0' }
    dependsOn: [administrators]
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: server
  properties: {
    workspaceId: workspaceId
    // Not PostgreSQLLogs: a statement in an error may hold a patient's data.
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output id string = server.id
output host string = server.properties.fullyQualifiedDomainName
