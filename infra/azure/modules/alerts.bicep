// What someone has to know. docs/OPERATIONS.md has a section for each, under the same name.

param name string
param location string
param tags object
param emails string[]
param workspaceId string
param serviceBusId string
param databaseId string
param eventTopicId string

// A line of the handler is one JSON object; the host stores it as a trace.
var lines = 'AppTraces | where Message startswith "{" | extend line = parse_json(Message)'

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: '${name}-operators'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'iris-ops'
    emailReceivers: [for (address, index) in emails: { name: 'email-${index}', emailAddress: address, useCommonAlertSchema: true }]
  }
}

var queries = [
  {
    name: 'refused-organization'
    description: 'A message or file came through an entry that is not its sender\'s, or of no known organization.'
    severity: 1
    query: '${lines} | where tostring(line.alert) == "wrong-organization" or tostring(line.code) in ("unknown-organization", "bad-event")'
  }
  {
    name: 'organization-document'
    description: 'An organization\'s document cannot be used; its work waits.'
    severity: 1
    query: '${lines} | where tostring(line.message) startswith "organization document" and tostring(line.level) == "ERROR"'
  }
  {
    name: 'failed-delivery'
    description: 'Messages were parked: their destination refused them or was away for too long.'
    severity: 1
    query: '${lines} | where tostring(line.alert) == "outbox-parked"'
  }
  {
    name: 'images'
    description: 'An image was put aside, or an order waits in vain for one.'
    severity: 2
    query: '${lines} | where tostring(line.alert) in ("image-quarantined", "image-given-up")'
  }
  {
    name: 'unheard-finding'
    description: 'An urgent finding has no contact who is told of it.'
    severity: 0
    query: '${lines} | where tostring(line.alert) == "no-contact"'
  }
  {
    name: 'destination'
    description: 'A destination of results is disabled after days of failures, or a result cannot go to it.'
    severity: 1
    query: '${lines} | where tostring(line.alert) in ("destination-disabled", "delivery-impossible", "delivery-parked")'
  }
  {
    name: 'hospital'
    description: 'A hospital has not answered for a quarter of an hour, or nobody knows whether it took a charge.'
    severity: 1
    query: '${lines} | where tostring(line.alert) in ("hospital-silent", "charge-open")'
  }
  {
    name: 'report-template'
    description: 'A report template cannot be used; reports are made with the next more general one.'
    severity: 2
    query: '${lines} | where tostring(line.alert) == "report-template"'
  }
  {
    name: 'batch'
    description: 'A batch of results was not written.'
    severity: 2
    query: '${lines} | where tostring(line.alert) == "batch"'
  }
  {
    name: 'given-up'
    description: 'A message can never be handled as things are, or waited for days; it went to the dead letters.'
    severity: 1
    query: '${lines} | where tostring(line.alert) == "message-given-up"'
  }
  {
    name: 'drop-lines'
    description: 'A file was loaded, and its receipt has not one line for each of its rows.'
    severity: 1
    query: '${lines} | where tostring(line.alert) == "drop-lines"'
  }
  {
    name: 'sweep'
    description: 'The containers of an organization cannot be looked at; a file whose announcement was lost is not found.'
    severity: 2
    query: '${lines} | where tostring(line.alert) == "sweep"'
  }
  {
    name: 'outbox-age'
    description: 'Messages have waited in the outbox for more than ten minutes.'
    severity: 2
    query: '${lines} | where toint(line.oldest_seconds) > 600'
  }
  {
    name: 'function-failures'
    description: 'Invocations fail: what they need is away, or the app is deployed wrongly.'
    severity: 2
    query: 'AppRequests | where Success == false | summarize failures = count() by OperationName, bin(TimeGenerated, 5m) | where failures > 20'
  }
  {
    name: 'mismatch'
    description: 'Host, queues and database are not of one deployment.'
    severity: 1
    query: '${lines} | where tostring(line.code) in ("binding", "bad-delivery", "unknown-delivery", "bad-answer", "interface")'
  }
  {
    name: 'handler-stopped'
    description: 'The sweep, which runs every minute, has not run for a quarter of an hour.'
    severity: 1
    query: 'AppRequests | where OperationName == "sweep_outbox" | summarize runs = count() | where runs == 0'
  }
]

resource search 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in queries: {
    name: '${name}-${alert.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: '${name}: ${alert.name}'
      description: alert.description
      severity: alert.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      // Lines take some minutes to the workspace; one that is late is still in the window of the next look.
      windowSize: 'PT15M'
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      actions: { actionGroups: [operators.id] }
      // The first deployment has no tables yet.
      skipQueryValidation: true
    }
  }
]

var metrics = [
  {
    name: 'dead-letters'
    description: 'A queue holds dead letters.'
    severity: 1
    resource: serviceBusId
    namespace: 'Microsoft.ServiceBus/namespaces'
    metric: 'DeadletteredMessages'
    aggregation: 'Average'
    threshold: 0
    dimensions: [{ name: 'EntityName', operator: 'Include', values: ['*'] }]
  }
  {
    name: 'queue-backlog'
    description: 'More than 50,000 messages wait in one queue.'
    severity: 2
    resource: serviceBusId
    namespace: 'Microsoft.ServiceBus/namespaces'
    metric: 'ActiveMessages'
    aggregation: 'Average'
    threshold: 50000
    dimensions: [{ name: 'EntityName', operator: 'Include', values: ['*'] }]
  }
  {
    name: 'database-storage'
    description: 'The database\'s storage is nearly full.'
    severity: 2
    resource: databaseId
    namespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
    metric: 'storage_percent'
    aggregation: 'Average'
    threshold: 85
    dimensions: []
  }
  {
    name: 'database-connections'
    description: 'Connections to the database fail.'
    severity: 2
    resource: databaseId
    namespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
    metric: 'connections_failed'
    aggregation: 'Total'
    threshold: 10
    dimensions: []
  }
  {
    name: 'undelivered-events'
    description: 'Event Grid gave up announcements of files: they lie in the container undelivered-events.'
    severity: 2
    resource: eventTopicId
    namespace: 'Microsoft.EventGrid/systemTopics'
    metric: 'DeadLetteredCount'
    aggregation: 'Total'
    threshold: 0
    dimensions: []
  }
]

resource metric 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in metrics: {
    name: '${name}-${alert.name}'
    location: 'global'
    tags: tags
    properties: {
      description: alert.description
      severity: alert.severity
      enabled: true
      scopes: [alert.resource]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.MultipleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: alert.name
            metricNamespace: alert.namespace
            metricName: alert.metric
            timeAggregation: alert.aggregation
            operator: 'GreaterThan'
            threshold: alert.threshold
            dimensions: alert.dimensions
          }
        ]
      }
      autoMitigate: true
      actions: [{ actionGroupId: operators.id }]
    }
  }
]
