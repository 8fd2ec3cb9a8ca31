//! `host.json` (functions-host-contract §4).

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Error, Settings, invalid, read_json, time_span};

/// The settings of the host.
#[derive(Debug, Clone)]
pub struct HostJson {
    /// How long one invocation may take; `None` is without limit. Default 30 minutes (Flex, Premium, Dedicated).
    pub function_timeout: Option<Duration>,
    /// The extension bundle's version range, when there is one.
    pub bundle: Option<String>,
    /// The handler's executable.
    pub custom_handler: CustomHandler,
    /// How Service Bus triggers receive.
    pub service_bus: ServiceBusOptions,
}

/// `customHandler` of `host.json`.
#[derive(Debug, Clone)]
pub struct CustomHandler {
    /// `description.defaultExecutablePath`: relative to the app root when that file exists, else searched on `PATH`.
    pub executable: String,
    /// `description.arguments`.
    pub arguments: Vec<String>,
    /// `description.workingDirectory`, relative to the app root; empty is the app root.
    pub working_directory: String,
    /// How long one start may take until the first answer to `GET /`. Default 30 seconds.
    pub initialization_timeout: Duration,
}

/// `extensions.serviceBus` of `host.json`.
#[derive(Debug, Clone)]
pub struct ServiceBusOptions {
    /// Messages in flight per instance and function. Default: 16 per core.
    pub max_concurrent_calls: usize,
    /// How long a lock is renewed while its message is being handled. Default 5 minutes.
    pub max_auto_lock_renewal: Duration,
    /// Messages fetched in advance. Default 0.
    pub prefetch: usize,
    /// Messages per batch with cardinality many. Default 1,000.
    pub max_batch: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHost {
    version: Option<String>,
    function_timeout: Option<String>,
    extension_bundle: Option<RawBundle>,
    custom_handler: Option<RawHandler>,
    http_worker: Option<Value>,
    #[serde(default)]
    extensions: Map<String, Value>,
    #[serde(default)]
    concurrency: Map<String, Value>,
    retry: Option<Value>,
}

#[derive(Deserialize)]
struct RawBundle {
    id: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHandler {
    #[serde(default)]
    description: RawDescription,
    initialization_timeout: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawDescription {
    default_executable_path: String,
    working_directory: Option<String>,
    arguments: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawServiceBus {
    max_concurrent_calls: Option<usize>,
    max_auto_lock_renewal_duration: Option<String>,
    prefetch_count: Option<usize>,
    auto_complete_messages: Option<bool>,
    max_message_batch_size: Option<usize>,
}

/// All properties that `extensions.serviceBus` has in the current extension (version 5).
const SERVICE_BUS_KEYS: &[&str] = &[
    "clientRetryOptions",
    "prefetchCount",
    "transportType",
    "webProxy",
    "autoCompleteMessages",
    "maxAutoLockRenewalDuration",
    "maxConcurrentCalls",
    "maxConcurrentSessions",
    "maxConcurrentCallsPerSession",
    "maxMessageBatchSize",
    "minMessageBatchSize",
    "maxBatchWaitTime",
    "sessionIdleTimeout",
    "enableCrossEntityTransactions",
];

const BUNDLE_ID: &str = "Microsoft.Azure.Functions.ExtensionBundle";

impl HostJson {
    pub(super) fn load(path: &Path, settings: &Settings, warnings: &mut Vec<String>) -> Result<Self, Error> {
        let raw: RawHost = read_json(path)?;
        if raw.version.as_deref() != Some("2.0") {
            return Err(invalid(path, "version", "must be \"2.0\""));
        }
        if raw.http_worker.is_some() {
            return Err(invalid(
                path,
                "httpWorker",
                "is the deprecated name and forwards HTTP implicitly; use customHandler",
            ));
        }
        if raw.retry.is_some() {
            warnings.push("host.json: retry is ignored by most triggers; put it into function.json".to_owned());
        }
        if raw.concurrency.get("dynamicConcurrencyEnabled") == Some(&Value::Bool(true)) {
            warnings.push(
                "host.json: concurrency.dynamicConcurrencyEnabled makes Azure ignore maxConcurrentCalls; here the \
                 fixed value is used"
                    .to_owned(),
            );
        }
        Ok(Self {
            function_timeout: function_timeout(path, raw.function_timeout.as_deref())?,
            bundle: raw.extension_bundle.map(|bundle| checked_bundle(path, bundle)).transpose()?,
            custom_handler: custom_handler(path, raw.custom_handler, settings)?,
            service_bus: service_bus(path, raw.extensions.get("serviceBus"), warnings)?,
        })
    }
}

fn function_timeout(path: &Path, text: Option<&str>) -> Result<Option<Duration>, Error> {
    match text {
        None => Ok(Some(Duration::from_secs(30 * 60))),
        Some("-1") => Ok(None),
        Some(text) => span(path, "functionTimeout", text).map(Some),
    }
}

fn checked_bundle(path: &Path, bundle: RawBundle) -> Result<String, Error> {
    if bundle.id != BUNDLE_ID {
        return Err(invalid(path, "extensionBundle.id", &format!("must be {BUNDLE_ID}")));
    }
    let lower: String =
        bundle.version.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    match lower.parse::<u32>() {
        Ok(major) if major >= 4 => Ok(bundle.version),
        Ok(_) => Err(invalid(path, "extensionBundle.version", "bundles 1 to 3 are out of support; use [4.0.0, 5.0.0)")),
        Err(_) => Err(invalid(path, "extensionBundle.version", "must be a range such as [4.0.0, 5.0.0)")),
    }
}

fn custom_handler(path: &Path, raw: Option<RawHandler>, settings: &Settings) -> Result<CustomHandler, Error> {
    let Some(raw) = raw else {
        return Err(invalid(
            path,
            "customHandler",
            "is missing; without it Azure looks for a worker of another language",
        ));
    };
    let property = "customHandler.description.defaultExecutablePath";
    let executable = settings.expand(path, property, &raw.description.default_executable_path)?;
    if executable.trim().is_empty() {
        return Err(invalid(path, property, "is empty; name the handler's executable"));
    }
    let initialization_timeout = match raw.initialization_timeout {
        Some(text) => span(path, "customHandler.initializationTimeout", &text)?,
        None => Duration::from_secs(30),
    };
    Ok(CustomHandler {
        executable,
        arguments: raw.description.arguments,
        working_directory: raw.description.working_directory.unwrap_or_default(),
        initialization_timeout,
    })
}

fn service_bus(path: &Path, value: Option<&Value>, warnings: &mut Vec<String>) -> Result<ServiceBusOptions, Error> {
    if let Some(Value::Object(members)) = value {
        for old in ["messageHandlerOptions", "sessionHandlerOptions", "batchOptions"] {
            if members.contains_key(old) {
                return Err(invalid(
                    path,
                    &format!("extensions.serviceBus.{old}"),
                    "belongs to bundle 2 and is ignored by the current one",
                ));
            }
        }
        for key in members.keys().filter(|key| !SERVICE_BUS_KEYS.contains(&key.as_str())) {
            warnings.push(format!("host.json: extensions.serviceBus.{key} is not known and silently ignored by Azure"));
        }
    }
    let raw: RawServiceBus = match value {
        Some(value) => serde_json::from_value(value.clone())
            .map_err(|error| invalid(path, "extensions.serviceBus", &error.to_string()))?,
        None => RawServiceBus::default(),
    };
    if raw.auto_complete_messages == Some(false) {
        return Err(invalid(
            path,
            "extensions.serviceBus.autoCompleteMessages",
            "must stay true: a custom handler cannot settle messages, so nobody would complete them",
        ));
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let max_concurrent_calls = raw.max_concurrent_calls.unwrap_or(16 * cores);
    if max_concurrent_calls == 0 {
        return Err(invalid(path, "extensions.serviceBus.maxConcurrentCalls", "must be at least 1"));
    }
    let max_batch = raw.max_message_batch_size.unwrap_or(1_000);
    if max_batch == 0 {
        return Err(invalid(path, "extensions.serviceBus.maxMessageBatchSize", "must be at least 1"));
    }
    Ok(ServiceBusOptions {
        max_concurrent_calls,
        max_auto_lock_renewal: match raw.max_auto_lock_renewal_duration {
            Some(text) => span(path, "extensions.serviceBus.maxAutoLockRenewalDuration", &text)?,
            None => Duration::from_secs(5 * 60),
        },
        prefetch: raw.prefetch_count.unwrap_or(0),
        max_batch,
    })
}

fn span(path: &Path, property: &str, text: &str) -> Result<Duration, Error> {
    time_span::parse(text).ok_or_else(|| invalid(path, property, "must be a time span such as 00:05:00"))
}
