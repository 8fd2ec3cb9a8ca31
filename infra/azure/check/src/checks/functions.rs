//! `host.json` and every `function.json`: as the Functions host reads them, compared with what the handler and the
//! queues need.

use super::{QUEUE, only};
use crate::bicep::Value;
use crate::{Checked, Problem};
use iris_azure::settings::Settings;
use iris_local_functions_host::config::{self, DataType, Trigger};
use iris_model::names::MESSAGE_BINDING;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Connections for the server's own work, and for operators.
const OTHERS: i64 = 30;

/// Checks the functions.
pub(crate) fn check(checked: &Checked<'_>) -> Vec<Problem> {
    let Ok(settings) = checked.app_settings() else { return Vec::new() };
    let mut problems = Vec::new();
    let mut problem = |place: &str, what: String| problems.push(Problem::new(place, what));
    let app = match config::App::load(checked.root, &checked.root.join("functions"), &settings.clone().into()) {
        Ok(app) => app,
        Err(error) => return vec![Problem::new("functions", chain(&error))],
    };
    for warning in &app.warnings {
        problem("functions", warning.clone());
    }
    let queues: BTreeSet<&str> = checked.made(QUEUE).map(|queue| queue.name.as_str()).collect();
    for function in &app.functions {
        let place = format!("functions/{}/function.json", function.name);
        if let Trigger::ServiceBus(trigger) = &function.trigger {
            if !queues.contains(trigger.entity.as_str()) {
                problem(&place, format!("the queue {} is not deployed", trigger.entity));
            }
            if trigger.data_type != DataType::Binary {
                problem(&place, "dataType must be binary: a body could replace the stamp otherwise".to_owned());
            }
            if trigger.many {
                problem(&place, "cardinality must be one: a batch is settled as a whole".to_owned());
            }
            if function.binding != MESSAGE_BINDING {
                problem(&place, format!("the binding must be named {MESSAGE_BINDING}, as the handler reads it"));
            }
        }
        if !function.outputs.is_empty() {
            problem(&place, "output bindings lose MessageIds; the handler sends by itself".to_owned());
        }
    }
    limits(&app.host, &settings, &mut problem);
    logging(checked.root, &mut problem);
    connections(checked, &app, &settings, &mut problem);
    let folders: BTreeSet<&str> = app.functions.iter().map(|function| function.name.as_str()).collect();
    for name in always_ready(checked).filter(|name| !folders.contains(name.as_str())) {
        problem("function app", format!("alwaysReady names the function {name}, which does not exist"));
    }
    problems
}

/// Values that depend on each other in `host.json` and the handler's settings.
fn limits(host: &config::HostJson, settings: &BTreeMap<String, String>, problem: &mut impl FnMut(&str, String)) {
    let Ok(handler) = Settings::from_lookup(&|name| settings.get(name).cloned()).map(|settings| settings.handler)
    else {
        return;
    };
    if host.function_timeout.is_some_and(|timeout| timeout <= handler.time_limit) {
        problem("host.json", "functionTimeout must be longer than HANDLER_TIME_LIMIT_SECONDS".to_owned());
    }
    if host.service_bus.max_auto_lock_renewal <= handler.time_limit {
        problem("host.json", "maxAutoLockRenewalDuration must be longer than HANDLER_TIME_LIMIT_SECONDS".to_owned());
    }
    if host.service_bus.max_concurrent_calls > handler.concurrency {
        problem("host.json", "maxConcurrentCalls must not exceed HANDLER_CONCURRENCY".to_owned());
    }
    if host.service_bus.prefetch > 0 {
        problem("host.json", "prefetchCount must be 0: locks of waiting messages would run out".to_owned());
    }
    if host.custom_handler.executable != "handler" {
        problem("host.json", "defaultExecutablePath must be handler, which is what the package holds".to_owned());
    }
}

/// Every message-triggered function scales to the maximum on its own; each timer has one instance. Every instance has a
/// connection pool.
fn connections(
    checked: &Checked<'_>,
    app: &config::App,
    settings: &BTreeMap<String, String>,
    problem: &mut impl FnMut(&str, String),
) {
    let Some(site) = only(checked.made("Microsoft.Web/sites")) else { return };
    let at = |name| site.body.at(&["properties", "functionAppConfig", "scaleAndConcurrency", name]);
    let number = |value: &Value| value.number();
    let pool = settings.get("Database__maxConnections").and_then(|size| size.parse::<i64>().ok());
    let (Some(maximum), Some(pool), Some(allowed)) =
        (at("maximumInstanceCount").and_then(number), pool, checked.connections)
    else {
        problem(
            "function app",
            "maximumInstanceCount, Database__maxConnections or database.connections is missing".to_owned(),
        );
        return;
    };
    let ready = at("alwaysReady").map(Value::items).unwrap_or_default();
    let ready: i64 = ready.iter().filter_map(|group| group.get("instanceCount")?.number()).sum();
    let scale = |function: &config::Function| if matches!(function.trigger, Trigger::Timer(_)) { 1 } else { maximum };
    let instances = app.functions.iter().map(scale).sum::<i64>() + ready;
    let needed = instances * pool + OTHERS;
    if needed > allowed {
        let what = format!(
            "{instances} instances with pools of {pool} and {OTHERS} others need {needed} connections, but there are \
             {allowed}"
        );
        problem("function app", what);
    }
}

/// What the host sends to the workspace: the alerts read requests and log lines, and need all of them.
fn logging(root: &Path, problem: &mut impl FnMut(&str, String)) {
    let text = std::fs::read_to_string(root.join("host.json")).unwrap_or_default();
    let host: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let logging = &host["logging"];
    let mut expect = |found: &serde_json::Value, wanted: &str, what: &str| {
        if found != wanted {
            problem("host.json", format!("{what} must be {wanted}"));
        }
    };
    let level = &logging["logLevel"];
    expect(&level["default"], "Information", "logLevel.default, the handler's lines,");
    expect(&level["Host.Results"], "Information", "logLevel.Host.Results, requests that succeeded too,");
    expect(&level["Function"], "Warning", "logLevel.Function, below which the host logs MessageIds (decision 270),");
    let excluded = &logging["applicationInsights"]["samplingSettings"]["excludedTypes"];
    expect(excluded, "Exception;Request;Trace", "samplingSettings.excludedTypes, what alerts read,");
}

fn always_ready<'a>(checked: &'a Checked<'_>) -> impl Iterator<Item = String> + 'a {
    let path = ["properties", "functionAppConfig", "scaleAndConcurrency", "alwaysReady"];
    let groups = checked
        .made("Microsoft.Web/sites")
        .flat_map(move |site| site.body.at(&path).map(Value::items).unwrap_or_default());
    groups.filter_map(|group| Some(group.get("name")?.text()?.strip_prefix("function:")?.to_owned()))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
