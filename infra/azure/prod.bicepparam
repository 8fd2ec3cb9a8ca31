// Production: private network, messages up to 1 MB, a database that survives a zone, an instance that is always ready.
using 'main.bicep'

param prefix = readEnvironmentVariable('IRIS_PREFIX', 'iris')
param environment = 'prod'
param operators = {
  name: readEnvironmentVariable('IRIS_OPERATORS_NAME')
  objectId: readEnvironmentVariable('IRIS_OPERATORS_ID')
}
param issuersObjectId = readEnvironmentVariable('IRIS_ISSUERS_ID', '')
param organizations = []
param alertEmails = split(readEnvironmentVariable('IRIS_ALERT_EMAIL'), ',')
param serviceBusSku = 'Premium'
param privateNetworking = true
param database = {
  sku: 'Standard_D4ds_v5'
  tier: 'GeneralPurpose'
  storageGB: 256
  highAvailability: true
  backupDays: 35
  connections: 1719
}
param instances = { memoryMB: 2048, maximum: 90, alwaysReady: 1 }
param retention = { files: 90, images: 365, results: 730, softDelete: 30, logs: 90 }
