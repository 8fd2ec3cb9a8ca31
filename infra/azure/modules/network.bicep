// The virtual network of the private-networking option: one subnet for the function app, one for private endpoints.

param name string
param location string
param tags object

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: '${name}-net'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.40.0.0/22'] }
  }

  resource functions 'subnets' = {
    name: 'functions'
    properties: {
      // Flex Consumption needs an address per instance and a few more.
      addressPrefix: '10.40.0.0/24'
      delegations: [
        { name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }
      ]
    }
  }

  resource endpoints 'subnets' = {
    name: 'endpoints'
    properties: {
      addressPrefix: '10.40.1.0/26'
      privateEndpointNetworkPolicies: 'Disabled'
    }
    // Azure changes one subnet of a network at a time.
    dependsOn: [functions]
  }
}

output id string = network.id
output functionsSubnetId string = network::functions.id
output endpointsSubnetId string = network::endpoints.id
