// For trying things out: the smallest of everything, the sample organization.
using 'main.bicep'

param prefix = readEnvironmentVariable('IRIS_PREFIX', 'iris')
param environment = 'dev'
param operators = {
  name: readEnvironmentVariable('IRIS_OPERATORS_NAME')
  objectId: readEnvironmentVariable('IRIS_OPERATORS_ID')
}
param issuersObjectId = readEnvironmentVariable('IRIS_ISSUERS_ID', '')
param organizations = ['harborview']
param database = {
  sku: 'Standard_B1ms'
  tier: 'Burstable'
  storageGB: 32
  highAvailability: false
  backupDays: 7
  connections: 50
}
param instances = { memoryMB: 512, maximum: 1, alwaysReady: 0 }
param retention = { files: 30, images: 30, results: 30, softDelete: 7, logs: 30 }
