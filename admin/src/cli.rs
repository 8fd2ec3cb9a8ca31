//! The command line.

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use iris_model::Slug;
use iris_rules::deliveries::DeliveryState;
use std::path::PathBuf;
use uuid::Uuid;

/// Looks at a running IRIS order platform and helps it along: organizations, drops, orders, dead letters, the outbox,
/// submissions.
///
/// Connects by the handler's own settings (ServiceBus, Storage, Database …) from the environment, from --set, or from a
/// local host's data folder (--local).
#[derive(Debug, Parser)]
#[command(name = "iris-admin", version, max_term_width = 110)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Data folder of a running local host to connect to, e.g. .iris-local.
    #[arg(long, value_name = "DIR", global = true)]
    pub local: Option<PathBuf>,
    /// A setting of the handler, over those of the environment; repeat for more.
    #[arg(long = "set", value_name = "NAME=VALUE", global = true, value_parser = setting)]
    pub settings: Vec<(String, String)>,
    /// Write JSON instead of tables.
    #[arg(long, global = true)]
    pub json: bool,
    /// Who you are, for the audit; default: your login on this machine.
    #[arg(long, value_name = "NAME", global = true, env = "IRIS_ADMIN_ACTOR")]
    pub actor: Option<String>,
    /// Why you do this, for the audit; needed for changes and to see personal data.
    #[arg(long, value_name = "TEXT", global = true)]
    pub reason: Option<String>,
    /// Show personal data. Needs --reason, and is audited.
    #[arg(long, global = true)]
    pub show_personal_data: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Documents of organizations.
    #[command(subcommand)]
    Organizations(OrganizationsCommand),
    /// Mappings: what the columns of a file are.
    #[command(subcommand)]
    Mappings(MappingsCommand),
    /// Files that were dropped.
    #[command(subcommand)]
    Drops(DropsCommand),
    /// Orders with their history.
    #[command(subcommand)]
    Orders(OrdersCommand),
    /// Messages nobody could handle.
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Events and results that wait to be sent, or were given up.
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// Results on their way to destinations.
    #[command(subcommand)]
    Deliveries(DeliveriesCommand),
    /// Where results go, and whether they arrive.
    #[command(subcommand)]
    Destinations(DestinationsCommand),
    /// Messages dealt with, above all rejected ones.
    #[command(subcommand)]
    Submissions(SubmissionsCommand),
    /// Who changed or viewed what.
    #[command(subcommand)]
    Audit(AuditCommand),
}

/// `organizations`.
#[derive(Debug, Subcommand)]
pub enum OrganizationsCommand {
    /// Check documents without connecting to anything.
    Validate {
        /// The documents.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Put a document in its place; the platform uses it within a quarter of a minute.
    Put {
        /// The document.
        file: PathBuf,
    },
    /// List organizations.
    List,
    /// Show an organization's document.
    Show {
        /// Its short name.
        #[arg(value_parser = slug)]
        organization: Slug,
    },
}

/// `mappings`.
#[derive(Debug, Subcommand)]
pub enum MappingsCommand {
    /// Look through a file and suggest a mapping for it. Nothing is stored.
    Suggest {
        /// The file.
        #[command(flatten)]
        tried: TriedFile,
        /// Write what is sure to this file, to be completed.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show what would become of a file's rows. Nothing is stored.
    Try {
        /// The file.
        #[command(flatten)]
        tried: TriedFile,
        /// A mapping to read it by instead of those of the document: an object with pattern and mapping.
        #[arg(long, value_name = "FILE")]
        mapping: Option<PathBuf>,
    },
    /// Put a mapping into the organization's document, in the place of one with the same pattern.
    Put {
        /// A file that it is to read.
        #[command(flatten)]
        tried: TriedFile,
        /// The mapping: an object with pattern and mapping.
        #[arg(long, value_name = "FILE")]
        mapping: PathBuf,
    },
}

/// A file and whose it is.
#[derive(Debug, Args)]
pub struct TriedFile {
    /// The file: CSV or XLSX.
    pub file: PathBuf,
    /// The organization that would drop it.
    #[arg(long, value_parser = slug)]
    pub organization: Slug,
}

/// `drops`.
#[derive(Debug, Subcommand)]
pub enum DropsCommand {
    /// List drops, the latest first.
    List {
        /// Only those of this organization.
        #[arg(long, value_parser = slug)]
        organization: Option<Slug>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show a drop with its failed rows.
    Show {
        /// Its id.
        #[arg(value_parser = uuid)]
        id: Uuid,
        /// At most so many failed rows.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}

/// `orders`.
#[derive(Debug, Subcommand)]
pub enum OrdersCommand {
    /// Show an order: its history, images, gradings, results, and their deliveries.
    Show {
        /// Its number in IRIS, or what its submitter calls it.
        id: String,
        /// Whose; needed where two organizations call an order the same.
        #[arg(long, value_parser = slug)]
        organization: Option<Slug>,
    },
    /// Find orders by part of an order's, patient's or site's id as submitted, or by number in IRIS.
    Find {
        /// What to look for.
        text: String,
        /// Only those of this organization.
        #[arg(long, value_parser = slug)]
        organization: Option<Slug>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}

/// `dead-letters`.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List dead letters of all queues and entries, or of one.
    List {
        /// Only those of this queue, or of this entry's subscription: TOPIC/subscriptions/NAME.
        #[arg(long)]
        queue: Option<String>,
        /// At most so many of each queue.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show a dead letter: its shape, and with --show-personal-data its content.
    Show {
        /// The queue or subscription, as listed.
        queue: String,
        /// Its number, as listed.
        number: i64,
    },
    /// Send dead letters back to their queue or entry.
    Redrive {
        /// The queue or subscription, as listed.
        queue: String,
        /// Their numbers, as listed.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        numbers: Vec<i64>,
        /// All there are now, a thousand at most.
        #[arg(long)]
        all: bool,
    },
}

/// `outbox`.
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// List what waits and what was parked.
    List {
        /// At most so many of each.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Put parked envelopes back, to be sent with the next sweep.
    Retry {
        /// Their ids among the parked.
        #[arg(required = true)]
        parked: Vec<i64>,
    },
    /// Let waiting envelopes be tried with the next sweep instead of when their delay is over.
    Hasten {
        /// Their ids among the waiting.
        #[arg(required = true)]
        waiting: Vec<i64>,
    },
    /// Park waiting envelopes: they hold up what goes to the same destination, and cannot be sent as they are.
    Park {
        /// Their ids among the waiting.
        #[arg(required = true)]
        waiting: Vec<i64>,
    },
}

/// `deliveries`.
#[derive(Debug, Subcommand)]
pub enum DeliveriesCommand {
    /// List deliveries, the latest first; without --state, --order or --all those that are not made.
    List {
        /// Only those of this organization.
        #[arg(long, value_parser = slug)]
        organization: Option<Slug>,
        /// Only those for this destination.
        #[arg(long, value_name = "ID")]
        destination: Option<String>,
        /// Only those in this state; repeat for more: waiting, held, resumed, handed-over, uncertain, parked,
        /// failed, dropped, delivered.
        #[arg(long = "state", value_parser = delivery_state)]
        states: Vec<DeliveryState>,
        /// Only those of the order with this number in IRIS.
        #[arg(long, value_name = "NUMBER")]
        order: Option<i64>,
        /// In whatever state.
        #[arg(long, conflicts_with = "states")]
        all: bool,
        /// Only deliveries with ids below.
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show a delivery with what was attempted: when, how long it took, what the destination said.
    Show {
        /// Its id, as listed.
        #[arg(value_name = "ID")]
        delivery: i64,
        /// At most so many attempts, the latest first.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Have deliveries tried again with the next sweep: those that were parked, impossible or dropped, and those that
    /// wait.
    Retry {
        /// Their ids, as listed.
        #[arg(required = true, value_name = "ID")]
        deliveries: Vec<i64>,
    },
    /// Take deliveries aside that are not made: later results of the same order go on without them.
    Park {
        /// Their ids, as listed.
        #[arg(required = true, value_name = "ID")]
        deliveries: Vec<i64>,
    },
}

/// `destinations`.
#[derive(Debug, Subcommand)]
pub enum DestinationsCommand {
    /// List destinations: whether they work, since when not, and what is held for them.
    List {
        /// Only those of this organization.
        #[arg(long, value_parser = slug)]
        organization: Option<Slug>,
    },
    /// Enable a destination that was disabled, and send what was held for it, one after the other.
    Resume {
        /// Whose, by its short name.
        #[arg(value_parser = slug)]
        organization: Slug,
        /// Its id, as listed.
        destination: String,
    },
}

/// `submissions`.
#[derive(Debug, Subcommand)]
pub enum SubmissionsCommand {
    /// List rejected messages, the latest first.
    List {
        /// Only those of this organization.
        #[arg(long, value_parser = slug)]
        organization: Option<Slug>,
        /// All messages, not only rejected ones.
        #[arg(long)]
        all: bool,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show a message: what became of it, what repeats it, and with --show-personal-data its content.
    Show {
        /// Its submission id.
        #[arg(value_parser = uuid)]
        id: Uuid,
    },
    /// Send a rejected message again through its organization's entry, as it was or corrected, linked to the original.
    Resubmit {
        /// Its submission id.
        #[arg(value_parser = uuid)]
        id: Uuid,
        /// The corrected message.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Whose it is; needed only for messages that came through no known entry.
        #[arg(long, value_parser = slug)]
        organization: Option<Slug>,
        /// It is a grading; needed only for one that cannot be told from an order by what it says.
        #[arg(long)]
        grading: bool,
    },
}

/// `audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List entries, the latest first.
    List {
        /// Only by this person.
        #[arg(long = "by", value_name = "NAME")]
        by: Option<String>,
        /// Only about this.
        #[arg(long)]
        subject: Option<String>,
        /// Only entries with numbers below.
        #[arg(long)]
        before: Option<i64>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}

fn slug(text: &str) -> Result<Slug> {
    Slug::new(text).context(
        "an organization's short name has 3 to 40 lower-case letters, digits and single hyphens, e.g. harborview",
    )
}

fn uuid(text: &str) -> Result<Uuid> {
    let known = text.parse().ok();
    known.context("ids look like 5a3d1e70-0000-4000-8000-000000000001; the list command shows them")
}

fn delivery_state(text: &str) -> Result<DeliveryState> {
    let known = DeliveryState::ALL.into_iter().find(|state| state.as_str() == text);
    known.with_context(|| format!("states are {}", DeliveryState::ALL.map(DeliveryState::as_str).join(", ")))
}

fn setting(text: &str) -> Result<(String, String)> {
    let (name, value) = text.split_once('=').context("write NAME=VALUE, e.g. Database=postgres://user@host/iris")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
