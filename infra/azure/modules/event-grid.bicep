// BlobCreated events of callers' containers become messages of our queues.

param name string
param location string
param tags object
param storageAccountId string
param identityId string
param dropsQueueId string
param imagesQueueId string
param deadLetterAccountId string
param deadLetterContainer string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: '${name}-storage'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    source: storageAccountId
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

// Files and images.
var announcements = [
  { kind: 'drops', queueId: dropsQueueId }
  { kind: 'images', queueId: imagesQueueId }
]

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [
  for announcement in announcements: {
    parent: topic
    name: announcement.kind
    properties: {
      eventDeliverySchema: 'EventGridSchema'
      deliveryWithResourceIdentity: {
        identity: { type: 'UserAssigned', userAssignedIdentity: identityId }
        destination: {
          endpointType: 'ServiceBusQueue'
          properties: { resourceId: announcement.queueId }
        }
      }
      filter: {
        includedEventTypes: ['Microsoft.Storage.BlobCreated']
        subjectBeginsWith: '/blobServices/default/containers/'
        enableAdvancedFilteringOnArrays: false
        advancedFilters: [
          // Containers named {slug}-drops or {slug}-images, and no others.
          { operatorType: 'StringContains', key: 'subject', values: ['-${announcement.kind}/blobs/'] }
          // Complete blobs only: other operations announce a blob before its content is there.
          { operatorType: 'StringIn', key: 'data.api', values: ['PutBlob', 'PutBlockList', 'CopyBlob', 'FlushWithClose', 'SftpCommit'] }
        ]
      }
      // A day; afterwards the sweep finds the blob.
      retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
      deadLetterWithResourceIdentity: {
        identity: { type: 'UserAssigned', userAssignedIdentity: identityId }
        deadLetterDestination: {
          endpointType: 'StorageBlob'
          properties: { resourceId: deadLetterAccountId, blobContainerName: deadLetterContainer }
        }
      }
    }
  }
]

output topicId string = topic.id
