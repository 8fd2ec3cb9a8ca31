//! One binding of a `function.json` (functions-host-contract §5): the triggers and outputs this host emulates.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Error, STORAGE_SUFFIXES, Settings, invalid};
use crate::ncrontab::Schedule;

/// What starts a function.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// A message of a Service Bus queue or subscription.
    ServiceBus(ServiceBusTrigger),
    /// A schedule.
    Timer(TimerTrigger),
    /// An Event Grid event, pushed in through [`crate::Host::invoke`].
    EventGrid,
    /// A Storage queue message, pushed in through [`crate::Host::invoke`].
    Queue(QueueTrigger),
    /// A blob, pushed in through [`crate::Host::invoke`].
    Blob(BlobTrigger),
}

impl Trigger {
    /// Whether the trigger comes with the extension bundle (timers are built into the host).
    pub(super) fn needs_bundle(&self) -> bool {
        !matches!(self, Self::Timer(_))
    }
}

/// `dataType` of a trigger: the .NET type the host asks for, and thereby the encoding on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// Not given: text for single messages, parsed JSON objects for batches.
    Unspecified,
    /// Text.
    String,
    /// Bytes: base64 on the wire. The one to use.
    Binary,
}

/// A `serviceBusTrigger`.
#[derive(Debug, Clone)]
pub struct ServiceBusTrigger {
    /// The queue's name, or `topic/subscriptions/subscription`.
    pub entity: String,
    /// The namespace's host name, for `Metadata.Client`.
    pub namespace: String,
    /// `cardinality: many`: one invocation for a whole batch.
    pub many: bool,
    /// How bodies are encoded.
    pub data_type: DataType,
}

/// A `timerTrigger`.
#[derive(Debug, Clone)]
pub struct TimerTrigger {
    /// When it fires (UTC).
    pub schedule: Schedule,
    /// Whether it fires once when the host starts.
    pub run_on_startup: bool,
    /// Whether the status of the schedule is kept and sent. Automatically off for schedules that fire more often than
    /// every minute.
    pub use_monitor: bool,
}

/// A `queueTrigger`.
#[derive(Debug, Clone, Copy)]
pub struct QueueTrigger {
    /// How the item is encoded.
    pub data_type: DataType,
}

/// A `blobTrigger` with `source: EventGrid`.
#[derive(Debug, Clone)]
pub struct BlobTrigger {
    /// Container and name, with `{parameters}`.
    pub path: String,
}

/// A `serviceBus` output.
#[derive(Debug, Clone)]
pub struct ServiceBusOutput {
    /// The binding's name: the key inside `Outputs` (case-sensitive), or `$return`.
    pub name: String,
    /// The queue or topic the messages go to.
    pub entity: String,
}

/// A binding that was read, before it is known to be the only trigger.
pub(super) enum Binding {
    Trigger(String, Trigger),
    Output(ServiceBusOutput),
}

/// Azure's binding types that are not emulated here; anything else is a typo.
const NOT_EMULATED: &[&str] = &[
    "httptrigger",
    "http",
    "blob",
    "queue",
    "table",
    "eventgrid",
    "eventhubtrigger",
    "eventhub",
    "cosmosdbtrigger",
    "cosmosdb",
    "kafkatrigger",
    "kafka",
    "rabbitmqtrigger",
    "rabbitmq",
    "signalrtrigger",
    "signalr",
    "sqltrigger",
    "sql",
    "warmuptrigger",
    "orchestrationtrigger",
    "activitytrigger",
    "entitytrigger",
];

/// One binding object, with access to its members by name.
pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    pub(super) index: usize,
    pub(super) members: &'a Map<String, Value>,
    pub(super) settings: &'a Settings,
}

impl Reader<'_> {
    pub(super) fn read(&self, warnings: &mut Vec<String>) -> Result<Binding, Error> {
        let kind = self.required("type")?;
        let direction = self.text("direction")?.unwrap_or_else(|| "in".to_owned());
        match (kind.to_ascii_lowercase().as_str(), direction.as_str()) {
            ("servicebustrigger", "in") => {
                Ok(Binding::Trigger(self.name()?, Trigger::ServiceBus(self.service_bus_trigger(warnings)?)))
            }
            ("timertrigger", "in") => Ok(Binding::Trigger(self.name()?, Trigger::Timer(self.timer_trigger()?))),
            ("eventgridtrigger", "in") => Ok(Binding::Trigger(self.name()?, Trigger::EventGrid)),
            ("queuetrigger", "in") => Ok(Binding::Trigger(self.name()?, Trigger::Queue(self.queue_trigger()?))),
            ("blobtrigger", "in") => Ok(Binding::Trigger(self.name()?, Trigger::Blob(self.blob_trigger()?))),
            ("servicebus", "out") => Ok(Binding::Output(self.service_bus_output()?)),
            (trigger, other) if trigger.ends_with("trigger") && other != "in" => {
                Err(self.invalid("direction", "must be \"in\" for a trigger"))
            }
            ("servicebus", _) => Err(self.invalid("direction", "must be \"out\" for type serviceBus")),
            (kind, _) if NOT_EMULATED.contains(&kind) => {
                Err(self.invalid("type", &format!("{kind} exists in Azure but is not emulated by this host")))
            }
            _ => Err(self.invalid("type", &format!("{kind} is not a known binding type"))),
        }
    }

    fn service_bus_trigger(&self, warnings: &mut Vec<String>) -> Result<ServiceBusTrigger, Error> {
        if self.flag("autoCompleteMessages")? == Some(false) {
            return Err(self.invalid(
                "autoCompleteMessages",
                "must stay true: a custom handler cannot settle messages, so nobody would complete them",
            ));
        }
        if self.flag("isSessionsEnabled")? == Some(true) {
            return Err(self.invalid("isSessionsEnabled", "triggers on session queues are not emulated by this host"));
        }
        let many = match self.text("cardinality")?.as_deref() {
            None | Some("one") => false,
            Some("many") => true,
            Some(_) => return Err(self.invalid("cardinality", "must be \"one\" or \"many\"")),
        };
        let connection = self.connection("ServiceBus", &["fullyQualifiedNamespace"])?;
        let Some(namespace) = self.settings.service_bus_namespace(&connection) else {
            return Err(self.invalid("connection", &format!("setting {connection} holds no Endpoint=sb://…")));
        };
        let data_type = self.data_type()?;
        if data_type != DataType::Binary {
            warnings.push(format!(
                "{}: without \"dataType\": \"binary\" a JSON body can overwrite the broker's own values in Metadata",
                self.path.display()
            ));
        }
        Ok(ServiceBusTrigger { entity: self.entity()?, namespace, many, data_type })
    }

    /// `queueName`, or `topicName` with `subscriptionName`.
    fn entity(&self) -> Result<String, Error> {
        match (self.text("queueName")?, self.text("topicName")?, self.text("subscriptionName")?) {
            (Some(queue), None, None) => Ok(queue),
            (None, Some(topic), Some(subscription)) => Ok(format!("{topic}/subscriptions/{subscription}")),
            _ => Err(self.invalid("queueName", "give either queueName, or topicName and subscriptionName")),
        }
    }

    fn timer_trigger(&self) -> Result<TimerTrigger, Error> {
        let text = self.required("schedule")?;
        let schedule: Schedule =
            text.parse().map_err(|error: crate::ncrontab::Error| self.invalid("schedule", &error.to_string()))?;
        let use_monitor = self.flag("useMonitor")?.unwrap_or(true) && !schedule.fires_within_a_minute();
        Ok(TimerTrigger { schedule, run_on_startup: self.flag("runOnStartup")?.unwrap_or(false), use_monitor })
    }

    fn queue_trigger(&self) -> Result<QueueTrigger, Error> {
        self.required("queueName")?;
        self.connection("AzureWebJobsStorage", STORAGE_SUFFIXES)?;
        Ok(QueueTrigger { data_type: self.data_type()? })
    }

    fn blob_trigger(&self) -> Result<BlobTrigger, Error> {
        if self.text("source")?.as_deref() != Some("EventGrid") {
            return Err(self.invalid("source", "must be \"EventGrid\": Flex Consumption has no polling blob trigger"));
        }
        self.connection("AzureWebJobsStorage", STORAGE_SUFFIXES)?;
        Ok(BlobTrigger { path: self.required("path")? })
    }

    fn service_bus_output(&self) -> Result<ServiceBusOutput, Error> {
        self.connection("ServiceBus", &["fullyQualifiedNamespace"])?;
        let ((Some(entity), None) | (None, Some(entity))) = (self.text("queueName")?, self.text("topicName")?) else {
            return Err(self.invalid("queueName", "give either queueName or topicName"));
        };
        Ok(ServiceBusOutput { name: self.name()?, entity })
    }

    fn data_type(&self) -> Result<DataType, Error> {
        match self.text("dataType")?.as_deref() {
            None => Ok(DataType::Unspecified),
            Some("string") => Ok(DataType::String),
            Some("binary") => Ok(DataType::Binary),
            Some(_) => Err(self.invalid("dataType", "must be \"binary\" (recommended) or \"string\"")),
        }
    }

    /// `connection` names a setting or a prefix of settings; it is never expanded itself.
    fn connection(&self, default: &str, suffixes: &[&str]) -> Result<String, Error> {
        let name = match self.members.get("connection") {
            None => default,
            Some(Value::String(name)) if name.is_empty() => default,
            Some(Value::String(name)) if name.contains('%') => {
                return Err(
                    self.invalid("connection", "is not expanded: write the setting's name without percent signs")
                );
            }
            Some(Value::String(name)) => name,
            Some(_) => return Err(self.invalid("connection", "must be text")),
        };
        if self.settings.has_connection(name, suffixes) {
            return Ok(name.to_owned());
        }
        Err(Error::MissingSetting {
            path: self.path.to_owned(),
            property: self.property("connection"),
            setting: format!("{name} (or {name}__{})", suffixes.join(&format!(", {name}__"))),
        })
    }

    fn name(&self) -> Result<String, Error> {
        self.required("name")
    }

    fn required(&self, member: &str) -> Result<String, Error> {
        match self.text(member)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(self.invalid(member, "is missing or empty")),
        }
    }

    fn text(&self, member: &str) -> Result<Option<String>, Error> {
        match self.members.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => self
                .settings
                .expand(self.path, &self.property(member), text)
                .map(|expanded| Some(expanded.trim().to_owned())),
            Some(_) => Err(self.invalid(member, "must be text")),
        }
    }

    fn flag(&self, member: &str) -> Result<Option<bool>, Error> {
        match self.members.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.invalid(member, "must be true or false")),
        }
    }

    fn property(&self, member: &str) -> String {
        format!("bindings[{}].{member}", self.index)
    }

    fn invalid(&self, member: &str, reason: &str) -> Error {
        invalid(self.path, &self.property(member), reason)
    }
}
