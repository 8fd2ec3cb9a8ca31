//! The app settings: the handler starts with them, and each of them is read by something.

use crate::bicep::Value;
use crate::{Checked, Problem};
use iris_azure::settings::Settings;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Prefixes of settings that Azure, the Functions host and the handler's allocator read themselves.
const PLATFORM: [&str; 4] = ["AzureWebJobsStorage__", "APPLICATIONINSIGHTS_", "AzureWebJobs.", "MIMALLOC_"];
/// Settings of the OpenTelemetry SDK, as far as the templates set them.
const TELEMETRY: [&str; 3] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_SERVICE_NAME"];
/// What Flex Consumption refuses or ignores (functions-host-contract §6.1).
const REFUSED: [&str; 4] =
    ["FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_TIME_ZONE", "WEBSITE_RUN_FROM_PACKAGE"];
/// The setting that holds the secret of every expansion, to check that secrets are referred to and not contained.
const SECRET: &str = "DESTINATION_SECRET";

/// `otlpEndpoint` of every expansion, to check its effect.
pub(crate) fn sample_collector() -> Value {
    Value::Text("http://collector.example:4318".to_owned())
}

/// `secretSettings` of every expansion.
pub(crate) fn sample_secret() -> Value {
    Value::Object(BTreeMap::from([(SECRET.to_owned(), Value::Text("destination-password".to_owned()))]))
}

/// Checks the app settings.
pub(crate) fn check(checked: &Checked<'_>) -> Vec<Problem> {
    let settings = match checked.app_settings() {
        Ok(settings) => settings,
        Err(problem) => return vec![problem],
    };
    let mut problems = Vec::new();
    let mut problem = |what: String| problems.push(Problem::new("app settings", what));
    let read = RefCell::new(BTreeSet::new());
    let outcome = Settings::from_lookup(&|name| {
        read.borrow_mut().insert(name.to_owned());
        settings.get(name).cloned()
    });
    if let Err(error) = outcome {
        problem(error.to_string());
    }
    for name in REFUSED.iter().filter(|name| settings.contains_key(**name)) {
        problem(format!("{name} is refused on Flex Consumption; remove it"));
    }
    let read = read.into_inner();
    let referred = referred(checked);
    for name in settings.keys() {
        let platform = PLATFORM.iter().any(|prefix| name.starts_with(prefix)) || TELEMETRY.contains(&name.as_str());
        if !platform && !read.contains(name) && !referred.contains(name) && name != SECRET {
            problem(format!("nobody reads {name}"));
        }
    }
    for name in TELEMETRY.iter().filter(|name| !settings.contains_key(**name)) {
        problem(format!("otlpEndpoint does not become {name}"));
    }
    match settings.get(SECRET) {
        Some(value) if value.starts_with("@Microsoft.KeyVault(SecretUri=") && value.contains("/secrets/") => {}
        _ => problem("secretSettings do not become references to the key vault".to_owned()),
    }
    problems
}

/// Settings that `function.json` files refer to as `%NAME%`.
fn referred(checked: &Checked<'_>) -> BTreeSet<String> {
    let folders = std::fs::read_dir(checked.root.join("functions")).into_iter().flatten().flatten();
    let texts = folders.filter_map(|folder| std::fs::read_to_string(folder.path().join("function.json")).ok());
    texts.flat_map(|text| text.split('%').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

impl Checked<'_> {
    /// The app settings as the handler would see them, with placeholders for what only Azure knows.
    pub(super) fn app_settings(&self) -> Result<BTreeMap<String, String>, Problem> {
        let config = super::only(self.made("Microsoft.Web/sites/config").filter(|config| config.name == "appsettings"));
        match config.and_then(|config| config.body.get("properties")) {
            Some(Value::Object(settings)) => {
                let text = |value: &Value| value.text().map(stand_in).unwrap_or_default();
                Ok(settings.iter().map(|(name, value)| (name.clone(), text(value))).collect())
            }
            _ => Err(Problem::new("app settings", "the function app has none")),
        }
    }
}

/// Replaces symbols with values of their kind.
fn stand_in(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, symbol)) = rest.split_once('‹') {
        let (symbol, after) = symbol.split_once('›').unwrap_or((symbol, ""));
        result.push_str(before);
        result.push_str(if symbol.ends_with("primaryEndpoints.blob") {
            "https://account.blob.core.windows.net/"
        } else if symbol.ends_with("vaultUri") {
            "https://vault.vault.azure.net/"
        } else if symbol.ends_with("fullyQualifiedDomainName") {
            "server.postgres.database.azure.com"
        } else {
            "00000000-0000-0000-0000-000000000000"
        });
        rest = after;
    }
    result + rest
}
