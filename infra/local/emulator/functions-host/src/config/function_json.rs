//! One function: its folder's name and its `function.json`.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::bindings::{Binding, Reader};
use super::{Error, HostJson, ServiceBusOutput, Settings, Trigger, invalid, read_json, time_span};

/// A function of the app.
#[derive(Debug, Clone)]
pub struct Function {
    /// The folder's name, exact case: the path the handler is called under.
    pub name: String,
    /// `disabled: true` or the app setting `AzureWebJobs.<name>.Disabled`: no trigger runs, but it can be invoked.
    pub disabled: bool,
    /// The trigger binding's name: the key inside `Data`.
    pub binding: String,
    /// What starts it.
    pub trigger: Trigger,
    /// Where its `Outputs` go.
    pub outputs: Vec<ServiceBusOutput>,
    /// Retries by the host itself; timers only.
    pub retry: Option<Retry>,
}

/// A retry policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often a failed run is repeated; `None` is forever.
    pub max: Option<u32>,
    first: Duration,
    limit: Duration,
}

impl Retry {
    /// How long to wait before retry number `retry` (from 0).
    #[must_use]
    pub fn delay(&self, retry: u32) -> Duration {
        self.first.saturating_mul(1_u32.checked_shl(retry).unwrap_or(u32::MAX)).min(self.limit)
    }
}

#[derive(Deserialize)]
struct RawFunction {
    #[serde(default)]
    bindings: Vec<Map<String, Value>>,
    #[serde(default)]
    disabled: bool,
    retry: Option<RawRetry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRetry {
    strategy: String,
    max_retry_count: i64,
    delay_interval: Option<String>,
    minimum_interval: Option<String>,
    maximum_interval: Option<String>,
}

impl Function {
    pub(super) fn load(
        name: String,
        path: &Path,
        host: &HostJson,
        settings: &Settings,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        if !valid_name(&name) {
            return Err(invalid(
                path,
                "function name",
                "must be a letter followed by up to 127 letters, digits, _ or -",
            ));
        }
        let raw: RawFunction = read_json(path)?;
        let (mut triggers, mut outputs) = (Vec::new(), Vec::new());
        for (index, members) in raw.bindings.iter().enumerate() {
            match (Reader { path, index, members, settings }).read(warnings)? {
                Binding::Trigger(binding, trigger) => triggers.push((binding, trigger)),
                Binding::Output(output) => outputs.push(output),
            }
        }
        let Some((binding, trigger)) = triggers.pop() else {
            return Err(invalid(path, "bindings", "has no trigger"));
        };
        if !triggers.is_empty() {
            return Err(invalid(path, "bindings", "has more than one trigger"));
        }
        let retry = raw.retry.map(|retry| read_retry(path, &retry)).transpose()?;
        let retry = match trigger {
            Trigger::Timer(_) => retry,
            _ => {
                if retry.is_some() {
                    warnings.push(format!(
                        "{}: retry is ignored for this trigger, which has retries of its own",
                        path.display()
                    ));
                }
                None
            }
        };
        if let Trigger::ServiceBus(_) = trigger
            && let Some(timeout) = host.function_timeout
            && host.service_bus.max_auto_lock_renewal > timeout
        {
            warnings.push(format!(
                "{}: locks are renewed for longer than functionTimeout lets an invocation run",
                path.display()
            ));
        }
        let disabled = raw.disabled || settings.disables(&name);
        Ok(Self { name, disabled, binding, trigger, outputs, retry })
    }
}

fn valid_name(name: &str) -> bool {
    let mut characters = name.chars();
    name.len() <= 128
        && !name.eq_ignore_ascii_case("host")
        && characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|other| other.is_ascii_alphanumeric() || other == '_' || other == '-')
}

fn read_retry(path: &Path, raw: &RawRetry) -> Result<Retry, Error> {
    let span = |member: &str, text: &Option<String>| {
        let text = text.as_deref().ok_or_else(|| invalid(path, &format!("retry.{member}"), "is missing"))?;
        time_span::parse(text)
            .ok_or_else(|| invalid(path, &format!("retry.{member}"), "must be a time span such as 00:00:10"))
    };
    let max = match raw.max_retry_count {
        -1 => None,
        count => Some(
            u32::try_from(count)
                .map_err(|_| invalid(path, "retry.maxRetryCount", "must be -1 (forever) or a count"))?,
        ),
    };
    match raw.strategy.as_str() {
        "fixedDelay" => {
            let delay = span("delayInterval", &raw.delay_interval)?;
            Ok(Retry { max, first: delay, limit: delay })
        }
        "exponentialBackoff" => Ok(Retry {
            max,
            first: span("minimumInterval", &raw.minimum_interval)?,
            limit: span("maximumInterval", &raw.maximum_interval)?,
        }),
        _ => Err(invalid(path, "retry.strategy", "must be fixedDelay or exponentialBackoff")),
    }
}
