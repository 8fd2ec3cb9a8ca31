//! The command line: what a person types.

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use iris_model::Slug;
use std::path::PathBuf;

/// Runs the IRIS order integrations on this machine: Service Bus, Blob storage, Functions host and handler on
/// 127.0.0.1.
#[derive(Debug, Parser)]
#[command(name = "iris-local", version, max_term_width = 110)]
pub struct Cli {
    /// What to do; without it the local host stays up until Ctrl-C.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of the local host.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What to do instead of staying up.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Drop a file as a caller would, wait until it is loaded, and show what became of its rows.
    Process(ProcessArgs),
    /// Show what would become of a file, or what its columns probably are, without loading it.
    Try(TryArgs),
    /// Write what a shell needs to complete this program's commands.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the workbook that an organization's people fill in and drop.
    Template(TemplateArgs),
    /// Play a hospital's system that speaks HL7 by MLLP.
    #[command(subcommand)]
    Hl7(Hl7Command),
    /// Run the proxy of a customer's network with this configuration, as iris-proxy does.
    #[command(hide = true)]
    Proxy {
        /// The configuration, a JSON document.
        file: PathBuf,
    },
    /// Run the deployed handler; started by the Functions host, not by people.
    #[command(hide = true)]
    Handler,
}

/// What a hospital does, and what becomes of its messages.
#[derive(Debug, Subcommand)]
pub enum Hl7Command {
    /// Send messages from files, as a hospital's system would, and show how each is answered.
    Send {
        /// Files with one message, or many.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Where the proxy listens.
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2575")]
        to: String,
    },
    /// Receive results as a hospital's system would, and show them, a field a line.
    Listen {
        /// Where to listen.
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2576")]
        at: String,
        /// What every message is answered with.
        #[arg(long, value_enum, default_value = "aa")]
        answer: HospitalAnswer,
    },
    /// Show what the orders of a message ask for, what is wrong with them, and what nobody reads. Nothing is sent.
    Read {
        /// A file with one message, or many.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The organization whose interface reads it.
        #[arg(long, value_name = "SLUG", default_value = crate::sample::SLUG, value_parser = parse_slug)]
        organization: Slug,
    },
}

/// How a hospital that is played answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum HospitalAnswer {
    /// It takes the message.
    Aa,
    /// It finds a fault in it.
    Ae,
    /// It does not take such messages.
    Ar,
    /// It says nothing.
    Silence,
    /// It closes the connection.
    Cut,
    /// It says something that is no answer.
    Garbage,
}

/// Settings of the local host that stays up.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Folder that keeps queues, blobs and the database between runs.
    #[arg(long, value_name = "DIR", default_value = ".iris-local")]
    pub data: PathBuf,
    /// Have callers connect in TLS, as with Azure; prints the certificate they have to trust.
    #[arg(long)]
    pub tls: bool,
    /// Port of the Service Bus endpoint (AMQP); 0 = any free one. Default: 5672 (in TLS 5671), or a free one when that
    /// is taken.
    #[arg(long, value_name = "PORT")]
    pub amqp_port: Option<u16>,
    /// Port on which messages are taken over HTTP; 0 = any free one. Default: 5300, or a free one when that is taken.
    #[arg(long, value_name = "PORT")]
    pub http_port: Option<u16>,
    /// Port of the Blob endpoint; 0 = any free one. Default: 10000, or a free one when that is taken.
    #[arg(long, value_name = "PORT")]
    pub blob_port: Option<u16>,
    /// File of queues and topics to add, in the format of Microsoft's Service Bus emulator.
    #[arg(long, value_name = "FILE")]
    pub entities: Option<PathBuf>,
    /// Start a sample proxy, which takes HL7 orders on port 2575 and sends results to port 2576; the sample
    /// organization gets its results there.
    #[arg(long)]
    pub proxy: bool,
    /// Say what to connect with as one JSON object on one line, for programs.
    #[arg(long)]
    pub json: bool,
    /// Port of the console, for a browser; 0 = any free one. Default: 7071, or a free one when that is taken.
    #[arg(long, value_name = "PORT")]
    pub console_port: Option<u16>,
    /// Settings shared by all ways to run it.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Settings shared by all ways to run the local host.
#[derive(Debug, Clone, Args)]
pub struct CommonArgs {
    /// Folder of organization documents (`{slug}.json`) to add; the sample organization is always there.
    #[arg(long, value_name = "DIR", global = true)]
    pub organizations: Option<PathBuf>,
    /// Database URL, e.g. postgres://user@127.0.0.1/iris; default: an SQLite file in the data folder.
    #[arg(long, value_name = "URL", global = true, env = "IRIS_LOCAL_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// How many processes of the handler run side by side, as Azure scales them out; with --database, PostgreSQL
    /// carries them best.
    #[arg(long, value_name = "N", global = true, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub handlers: u8,
    /// A packaged function app to run instead of the built-in one: `target/app.zip`, or the folder it was unpacked to.
    #[arg(long, value_name = "ZIP|DIR", global = true)]
    pub app: Option<PathBuf>,
}

/// `process FILE`.
#[derive(Debug, Args)]
pub struct ProcessArgs {
    /// The file to drop: CSV, XLSX, JSON or NDJSON.
    pub file: PathBuf,
    /// The organization that drops it.
    #[arg(long, value_name = "SLUG", default_value = crate::sample::SLUG, value_parser = parse_slug)]
    pub organization: Slug,
    /// Folder of images, or one image, to upload once the file is loaded.
    #[arg(long, value_name = "DIR|FILE")]
    pub images: Option<PathBuf>,
    /// File of gradings (JSON: one, or a list of them) to post once the images are received; the reports are copied,
    /// too.
    #[arg(long, value_name = "FILE")]
    pub grade: Option<PathBuf>,
    /// Folder the receipts and events are copied to.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Write the receipt's totals as one JSON object on the last line of standard output.
    #[arg(long)]
    pub json: bool,
}

/// `try FILE`.
#[derive(Debug, Args)]
pub struct TryArgs {
    /// The file to try: CSV or XLSX; what would become of JSON is shown, too.
    pub file: PathBuf,
    /// The organization that would drop it.
    #[arg(long, value_name = "SLUG", default_value = crate::sample::SLUG, value_parser = parse_slug)]
    pub organization: Slug,
    /// A mapping to read it by: a JSON object with pattern and mapping.
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Where no mapping reads it: write what is sure to this file, to be completed.
    #[arg(long, value_name = "FILE")]
    pub save_mapping: Option<PathBuf>,
    /// Write one JSON object instead.
    #[arg(long)]
    pub json: bool,
}

/// `template`.
#[derive(Debug, Args)]
pub struct TemplateArgs {
    /// The organization that will drop it.
    #[arg(long, value_name = "SLUG", default_value = crate::sample::SLUG, value_parser = parse_slug)]
    pub organization: Slug,
    /// The file to write; its name decides which of the organization's mappings it is for. Default:
    /// {organization}-orders.xlsx.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Writes the completions of the program's commands for a shell.
pub fn completions(shell: clap_complete::Shell, out: &mut dyn std::io::Write) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut <Cli as clap::CommandFactory>::command(), "iris-local", &mut script);
    // A reader that closed the pipe wants no more.
    let _ = out.write_all(&script);
}

fn parse_slug(text: &str) -> Result<Slug> {
    Slug::new(text).context(
        "an organization's short name has 3 to 40 lower-case letters, digits and single hyphens, e.g. harborview",
    )
}
