use super::*;
use secrecy::ExposeSecret;
use std::collections::HashMap;
use std::time::Duration;

const MINIMAL: [(&str, &str); 3] = [
    ("ServiceBus", "Endpoint=sb://localhost;SharedAccessKeyName=n;SharedAccessKey=secret-key"),
    ("Storage", "UseDevelopmentStorage=true"),
    ("Database", "sqlite:iris.db"),
];

fn read(changes: &[(&str, &str)]) -> Result<Settings, Error> {
    let values: HashMap<String, String> =
        MINIMAL.iter().chain(changes).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings::from_lookup(&|name| values.get(name).cloned())
}

#[test]
fn three_connections_are_enough() {
    let settings = read(&[]).unwrap();
    let QueueNames { orders, drops, images, gradings, hl7, deliveries } = settings.queues;
    assert_eq!([orders, drops, images, gradings, hl7], ["incoming-orders", "drops", "images", "gradings", "hl7"]);
    assert_eq!(deliveries, "deliveries");
    assert_eq!(settings.containers.organizations, "organizations");
    assert_eq!(settings.containers.archive, "archive");
    assert_eq!(settings.handler.max_body_bytes, 64 * 1024 * 1024);
    assert_eq!(settings.handler.time_limit, Duration::from_secs(1680));
    assert_eq!(settings.telemetry.level, LogLevel::Info);
    assert!(!settings.storage.hierarchical_namespace);
    assert!(settings.database.token_identity.is_none());
    assert!(matches!(settings.service_bus, ServiceBusSettings::ConnectionString(_)));
}

#[test]
fn identities_are_used_where_no_connection_string_is_set() {
    let settings = read(&[
        ("ServiceBus", " "),
        ("ServiceBus__fullyQualifiedNamespace", "acme.servicebus.windows.net"),
        ("ServiceBus__credential", "managedIdentity"),
        ("ServiceBus__clientId", "11111111-2222-3333-4444-555555555555"),
        ("Storage", ""),
        ("Storage__blobServiceUri", "https://acme.blob.core.windows.net"),
        ("Database", "postgres://iris@db/iris"),
        ("Database__managedIdentity", "true"),
    ])
    .unwrap();
    let ServiceBusSettings::Identity { namespace, identity } = settings.service_bus else {
        panic!("identity expected")
    };
    assert_eq!(namespace, "acme.servicebus.windows.net");
    assert_eq!(identity.client_id.as_deref(), Some("11111111-2222-3333-4444-555555555555"));
    assert!(matches!(settings.storage.connection, StorageConnection::Identity { .. }));
    assert_eq!(settings.database.token_identity, Some(IdentitySettings { client_id: None }));
}

#[test]
fn a_connection_string_wins_over_an_identity() {
    let settings = read(&[("ServiceBus__fullyQualifiedNamespace", "acme.servicebus.windows.net")]).unwrap();
    assert!(matches!(settings.service_bus, ServiceBusSettings::ConnectionString(_)));
}

#[test]
fn errors_name_the_variable_and_the_remedy_but_not_the_value() {
    for (variable, value, words) in [
        ("ServiceBus", "", "connection string"),
        ("Storage", "", "Storage__blobServiceUri"),
        ("Database", "", "sqlite:"),
        ("Database", "mysql://root:hunter2@db", "postgres://"),
        ("Database__managedIdentity", "true", "SQLite"),
        ("Database__maxConnections", "hunter2", "from 1 to 1000"),
        ("HANDLER_CONCURRENCY", "0", "from 1 to 10000"),
        ("HANDLER_MAX_BODY_MB", "-1", "from 1 to 1024"),
        ("HANDLER_TIME_LIMIT_SECONDS", "1.5", "whole number"),
        ("LOG_LEVEL", "hunter2", "debug"),
        ("ORDERS_QUEUE", "-orders", "queue name"),
        ("ARCHIVE_CONTAINER", "Archive", "lower-case"),
        ("Storage__hierarchicalNamespace", "yes", "true or false"),
    ] {
        let text = read(&[(variable, value)]).unwrap_err().to_string();
        assert!(text.contains(variable) && text.contains(words), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn identity_connections_are_checked() {
    for (variable, value) in [
        ("ServiceBus__fullyQualifiedNamespace", "sb://acme.servicebus.windows.net/"),
        ("ServiceBus__credential", "clientsecret"),
    ] {
        let mut changes =
            vec![("ServiceBus", ""), ("ServiceBus__fullyQualifiedNamespace", "acme.servicebus.windows.net")];
        changes.push((variable, value));
        assert!(read(&changes).unwrap_err().to_string().contains(variable));
    }
    for url in ["http://acme.blob.core.windows.net", "https://acme.blob.core.windows.net?sig=x", "acme"] {
        let error = read(&[("Storage", ""), ("Storage__blobServiceUri", url)]).unwrap_err();
        assert!(error.to_string().contains("https URL"));
    }
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let settings = read(&[]).unwrap();
    assert!(!format!("{settings:?}").contains("secret-key"));
    let ServiceBusSettings::ConnectionString(text) = settings.service_bus else { panic!("connection string expected") };
    assert!(text.expose_secret().contains("secret-key"));
}
