//! App settings and `%NAME%` expansion.

use std::collections::BTreeMap;
use std::path::Path;

use super::Error;

/// The app settings, which Azure keeps in the app's configuration and passes to the process as environment variables.
#[derive(Debug, Clone, Default)]
pub struct Settings(BTreeMap<String, String>);

impl From<BTreeMap<String, String>> for Settings {
    fn from(map: BTreeMap<String, String>) -> Self {
        Self(map)
    }
}

impl Settings {
    /// The value of a setting. Names are compared without regard to case, as the host does.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let exact = self.0.get(name);
        let any_case = || self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        exact.or_else(any_case).map(String::as_str)
    }

    /// All settings, for the handler's environment.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// Replaces every `%NAME%` in `text`. `%%` stays a single percent sign; a lone `%` is kept.
    pub(super) fn expand(&self, path: &Path, property: &str, text: &str) -> Result<String, Error> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            expanded.push_str(before);
            let Some((name, tail)) = after.split_once('%') else {
                expanded.push('%');
                expanded.push_str(after);
                return Ok(expanded);
            };
            if name.is_empty() {
                expanded.push('%');
            } else {
                let value = self.get(name).ok_or_else(|| Error::MissingSetting {
                    path: path.to_owned(),
                    property: property.to_owned(),
                    setting: name.to_owned(),
                })?;
                expanded.push_str(value);
            }
            rest = tail;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// Whether `connection` is configured: as the plain setting, or in one of its identity forms `connection__suffix`.
    pub(super) fn has_connection(&self, connection: &str, suffixes: &[&str]) -> bool {
        let filled = |name: &str| self.get(name).is_some_and(|value| !value.trim().is_empty());
        filled(connection) || suffixes.iter().any(|suffix| filled(&format!("{connection}__{suffix}")))
    }

    /// The host name of the Service Bus namespace of a connection; the plain setting takes precedence over the identity
    /// form.
    #[must_use]
    pub fn service_bus_namespace(&self, connection: &str) -> Option<String> {
        if let Some(text) = self.get(connection) {
            let endpoint = text.split(';').find_map(|part| part.trim().strip_prefix("Endpoint="))?;
            let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host);
            let host = host.trim_end_matches('/');
            return Some(host.split(':').next().unwrap_or(host).to_owned());
        }
        self.get(&format!("{connection}__fullyQualifiedNamespace")).map(str::to_owned)
    }

    /// Whether `AzureWebJobs.<function>.Disabled` (or its form with underscores, for shells that allow no dots) is set.
    pub(super) fn disables(&self, function: &str) -> bool {
        let truthy = |value: &str| value == "1" || value.eq_ignore_ascii_case("true");
        [format!("AzureWebJobs.{function}.Disabled"), format!("AzureWebJobs_{function}_Disabled")]
            .iter()
            .any(|name| self.get(name).is_some_and(truthy))
    }
}
