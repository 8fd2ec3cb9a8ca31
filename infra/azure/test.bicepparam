// For callers' trials: no private network, yet nothing is cold and the database is a real one.
using 'main.bicep'

param prefix = readEnvironmentVariable('IRIS_PREFIX', 'iris')
param environment = 'test'
param operators = {
  name: readEnvironmentVariable('IRIS_OPERATORS_NAME')
  objectId: readEnvironmentVariable('IRIS_OPERATORS_ID')
}
param issuersObjectId = readEnvironmentVariable('IRIS_ISSUERS_ID', '')
param organizations = ['harborview']
param alertEmails = split(readEnvironmentVariable('IRIS_ALERT_EMAIL'), ',')
param database = {
  sku: 'Standard_D2ds_v5'
  tier: 'GeneralPurpose'
  storageGB: 64
  highAvailability: false
  backupDays: 14
  connections: 859
}
param instances = { memoryMB: 2048, maximum: 40, alwaysReady: 0 }
param retention = { files: 90, images: 90, results: 90, softDelete: 14, logs: 30 }
