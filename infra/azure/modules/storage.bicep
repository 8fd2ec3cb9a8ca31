// Callers' containers and our own. modules/organization.bicep adds an organization's.

@maxLength(24)
param name string
param location string
param tags object
param containers { organizations: string, archive: string }
param organizations string[]
param retention object
param longLivedSignatures bool
param callerIpRanges string[]
param handlerPrincipalId string
param operatorsObjectId string
@description('Empty: nobody.')
param issuersObjectId string

var roles = {
  'Storage Blob Data Contributor': 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  'Storage Blob Data Reader': '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  'Storage Blob Delegator': 'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'
}
var groupId = resourceGroup().id

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    // Without keys, callers' signatures are made with an identity and last a week at most.
    allowSharedKeyAccess: longLivedSignatures
    defaultToOAuthAuthentication: true
    allowCrossTenantReplication: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    sasPolicy: { expirationAction: 'Log', sasExpirationPeriod: longLivedSignatures ? '366.00:00:00' : '7.00:00:00' }
    // Callers come from outside, whatever the platform's own network is.
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: empty(callerIpRanges) ? 'Allow' : 'Deny'
      ipRules: [for range in callerIpRanges: { value: range, action: 'Allow' }]
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: { enabled: true, days: retention.softDelete }
      containerDeleteRetentionPolicy: { enabled: true, days: retention.softDelete }
      isVersioningEnabled: false
    }

    resource organizationDocuments 'containers' = {
      name: containers.organizations
      properties: { publicAccess: 'None' }
    }

    resource archive 'containers' = {
      name: containers.archive
      properties: { publicAccess: 'None' }
    }
  }

  resource lifecycle 'managementPolicies' = {
    name: 'default'
    properties: {
      policy: {
        rules: concat(
          // What the handler keeps of dropped files goes with the bodies of messages; images are kept for as long as reports show them.
          map([{ kind: 'drops', days: retention.files }, { kind: 'images', days: retention.images }], kept => {
            name: 'archive-${kept.kind}'
            type: 'Lifecycle'
            enabled: true
            definition: {
              filters: { blobTypes: ['blockBlob'], prefixMatch: ['${containers.archive}/${kept.kind}/'] }
              actions: {
                baseBlob: {
                  tierToCool: { daysAfterCreationGreaterThan: 30 }
                  delete: { daysAfterCreationGreaterThan: kept.days }
                }
              }
            }
          }),
          // A rule each, since a rule takes ten prefixes. A storage account takes 100 rules.
          map(organizations, slug => {
            name: 'results-${slug}'
            type: 'Lifecycle'
            enabled: true
            definition: {
              filters: { blobTypes: ['blockBlob'], prefixMatch: ['${slug}-results/'] }
              actions: { baseBlob: { delete: { daysAfterCreationGreaterThan: retention.results } } }
            }
          })
        )
      }
    }
    dependsOn: [blobs]
  }
}

// load_drop and submit_order read organization documents; the sweep lists them.
resource readsOrganizations 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::blobs::organizationDocuments.id, handlerPrincipalId, roles['Storage Blob Data Reader'])
  scope: account::blobs::organizationDocuments
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Reader'])
    principalId: handlerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// load_drop keeps a copy of every drop and reads it while loading.
resource keepsArchive 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::blobs::archive.id, handlerPrincipalId, roles['Storage Blob Data Contributor'])
  scope: account::blobs::archive
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Contributor'])
    principalId: handlerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// Operators put organizations' documents.
resource putsOrganizations 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::blobs::organizationDocuments.id, operatorsObjectId, roles['Storage Blob Data Contributor'])
  scope: account::blobs::organizationDocuments
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Contributor'])
    principalId: operatorsObjectId
    principalType: 'Group'
  }
}

// Issuers sign callers' signatures with a key of the account that is theirs for a week.
resource signs 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(issuersObjectId)) {
  name: guid(account.id, issuersObjectId, roles['Storage Blob Delegator'])
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Delegator'])
    principalId: issuersObjectId
    principalType: 'Group'
  }
}

// A signature can do no more than its signer: what callers may do with their files and images, and no built-in role stops at.
// modules/organization.bicep gives it to issuers.
resource upload 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!empty(issuersObjectId)) {
  name: guid(groupId, 'upload')
  properties: {
    roleName: '${name} upload'
    description: 'Creates and writes blobs, and neither reads nor deletes them.'
    type: 'CustomRole'
    permissions: [
      {
        actions: []
        dataActions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action'
        ]
      }
    ]
    assignableScopes: [groupId]
  }
}

output id string = account.id
output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
