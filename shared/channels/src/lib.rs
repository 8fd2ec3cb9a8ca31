//! How results are sent: what a destination gets of a stored result, with one folder per kind of destination.
//!
//! ```text
//! document ─┬─ [`Result`] ─┬─ report(): what the page says ─► iris_report ─► [`Reports`]: within bounds of memory and processors
//! basis ────┘              ├─ names(): what file names are made of                  │
//!                          └─ message(): the OrderResult, with a report or without ─┴─► [`Parcel`] ─► [`Channel::send`]
//! ```
//!
//! The document and what goes with it were fixed when the result was written ([`iris_results::basis`]). Nothing is
//! looked up again, so a delivery made twice is identical: the same message id, the same file name, the same bytes.
//!
//! # Kinds of destinations
//!
//! | folder | `to` in a document | receipts say |
//! |---|---|---|
//! | `queue` | `queue` | `azure-queue` |
//! | `container` | `container` | `azureblob` |
//! | `files` | `filePath` | `icproxy` |
//! | `hl7` | `hl7` | `icOrgProxy` |
//!
//! Everything specific to a kind is in its folder, which implements [`Channel`] for the settings in the document.
//! [`channel`] is the only place that tells kinds apart.

mod channel;
mod check;
mod connections;
mod container;
mod failure;
mod file;
mod files;
mod hl7;
mod lanes;
mod message;
mod parcel;
mod queue;
mod report;
mod reports;
mod service;
mod stored;
mod templates;

pub use channel::{Channel, Outside};
pub use check::{organization, template_problems};
pub use failure::{Away, Failure, Obstacle, Refusal};
pub use hl7::build as hl7_message;
pub use lanes::{Lane, Turn};
pub use message::{Embedded, FILE_ENDING, located, message};
pub use parcel::Parcel;
pub use report::{Pictures, report};
pub use reports::{Rendered, Reports};
pub use service::Channels;
pub use stored::{Result, Unreadable};
pub use templates::{Templates, exam};

use iris_model::organization::DeliveryTarget;

/// The channel of a destination: one line per kind.
#[must_use]
pub fn channel(target: &DeliveryTarget) -> &dyn Channel {
    match target {
        DeliveryTarget::Queue(queue) => queue,
        DeliveryTarget::Container(container) => container,
        DeliveryTarget::FilePath(files) => files,
        DeliveryTarget::Hl7(hl7) => hl7.as_ref(),
    }
}
