//! Images: how they find their orders, and when an order has the ones it needs (iris-facts §2.4, §2.5, §10.1;
//! decisions 23 to 25, 170 to 179).
//!
//! # How image and order come together
//!
//! An *image* is a file that arrived ([`ImageRecord`]); a *directive* is an order's statement that an image belongs to
//! it ([`DirectiveRecord`]). Either may come first. Whatever arrives, the same question is asked in the end: [`settle`]
//! looks at one order and everything known that may belong to it, links what does, and queues the order for grading
//! once it has what it needs. It is pure and idempotent, and the outcome does not depend on the order in which things
//! arrive.
//!
//! An image belongs to the order that [`find`] names: the one whose directive names its blob; otherwise the one whose
//! LocalId is its AccessionNumber; otherwise the one of its study; otherwise the one open order of its patient. If that
//! is not exactly one order, the image *waits*. After the organization's patience it is *quarantined*: kept, reported,
//! and still linked if something later says where it belongs.
//!
//! # Crashes and races
//!
//! All of this is written in the transaction of the group commit, together with its events. Linking raises the order's
//! version, so that two processes cannot both conclude that an order is complete. An image and an order that are stored
//! by two processes at the same moment may miss each other; both then wait, and the sweep asks again
//! ([`Store::images_due`](crate::Store::images_due)).

mod decide;
mod find;
mod known;
mod readiness;
mod receipt;
mod settle;

pub use decide::{ImageAnswer, ImageTask, ImageWork, decide};
pub use find::{Obstacle, Target, find};
pub use known::KnownImages;
pub use readiness::{Requirement, is_satisfied, requirement};
pub use receipt::explanation;
pub use settle::{Effects, settle};

use crate::incoming::{NAMESPACE, message_id};
use iris_model::{ClientGuid, ImageContext, IssueCode, Laterality};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// A blob of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobRef {
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// Its container.
    pub container: String,
    /// Its name.
    pub file_name: String,
}

/// An image that arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRecord {
    /// The same for the same bytes under the same name; see [`image_id`].
    pub id: Uuid,
    /// The image's id in IRIS; 0 until it is stored.
    pub iris_id: i64,
    /// Raised by every change.
    pub version: i32,
    /// The name under which it arrived.
    pub blob: BlobRef,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Size in bytes.
    pub size: u64,
    /// `JPG`, `PNG`, `DCM`; empty for any other format.
    pub format: String,
    /// Name of the copy in the platform's own container; empty when there is none.
    pub archive: String,
    /// What it says about itself.
    pub claims: Claims,
    /// Its current status.
    pub status: ImageStatus,
    /// Why it is not linked.
    pub reason: Option<IssueCode>,
    /// Why it can never be linked, in words for its sender; `None` = it is usable.
    pub defect: Option<String>,
    /// The order it is linked to.
    pub order: Option<i64>,
    /// The eye it counts for.
    pub laterality: Option<Laterality>,
    /// Its role in the exam.
    pub context: ImageContext,
    /// The submitter's id, if a directive gave one.
    pub local_id: Option<String>,
    /// When it is looked at again while it waits.
    pub wait: Wait,
    /// Other known details, as canonical JSON: pixel size, digest.
    pub details: String,
}

/// What an image says about itself. It proves nothing, but devices know what they wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// The order it names.
    pub accession: Option<String>,
    /// The patient it names.
    pub patient: Option<String>,
    /// The DICOM study it names.
    pub study: Option<String>,
    /// The device's serial number.
    pub device: Option<String>,
    /// The eye it names.
    pub laterality: Option<Laterality>,
    /// When it was taken, in local time.
    pub taken: Option<DateTime>,
}

/// The status of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageStatus {
    /// No order has been found yet.
    Waiting,
    /// It belongs to an order.
    Linked,
    /// No order was found in time, or it cannot be used.
    Quarantined,
}

/// An image directive of an order (iris-facts §2.4): announces an image that is to be linked to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectiveRecord {
    /// The order.
    pub order: i64,
    /// Position among the order's directives, from 0.
    pub ordinal: i32,
    /// Container of the blob.
    pub container: String,
    /// Name of the blob.
    pub file_name: String,
    /// The directive as canonical JSON.
    pub details: String,
    /// Counts its changes, from 1.
    pub version: i32,
    /// Its current state.
    pub state: DirectiveState,
    /// When it is looked at again while it waits.
    pub wait: Wait,
}

/// The state of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DirectiveState {
    /// Its image has not arrived yet.
    Pending,
    /// Its image is linked.
    Linked,
    /// Its image did not arrive in time or cannot be used, and this was reported. An image that arrives later is still
    /// linked.
    Failed,
}

/// The retry schedule of something that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// How often it was looked at.
    pub tries: i32,
    /// When it is looked at again; `None` = never.
    pub next_try_at: Option<Timestamp>,
    /// When it is given up and reported.
    pub give_up_at: Timestamp,
}

impl Wait {
    /// The first delay; doubled each time, up to [`Self::LONGEST`].
    const FIRST: SignedDuration = SignedDuration::from_secs(5);
    /// The longest delay.
    const LONGEST: SignedDuration = SignedDuration::from_secs(120);

    /// Starts waiting.
    #[must_use]
    pub fn starting(now: Timestamp, patience_seconds: u32) -> Self {
        let give_up_at = now + SignedDuration::from_secs(i64::from(patience_seconds));
        Self { tries: 0, next_try_at: Some((now + Self::FIRST).min(give_up_at)), give_up_at }
    }

    /// Stops waiting.
    #[must_use]
    pub fn over(self) -> Self {
        Self { next_try_at: None, ..self }
    }

    /// Goes on waiting, with a longer delay; the last look is when the patience ends.
    #[must_use]
    pub fn again(self, now: Timestamp) -> Self {
        let tries = self.tries.saturating_add(1);
        let delay = (Self::FIRST * (1 << tries.clamp(0, 10))).min(Self::LONGEST);
        let next = now + delay;
        let next = if now < self.give_up_at { next.min(self.give_up_at) } else { next };
        Self { tries, next_try_at: Some(next), ..self }
    }

    /// True when it should be given up and reported now.
    #[must_use]
    pub fn is_over_at(&self, now: Timestamp) -> bool {
        now >= self.give_up_at
    }
}

impl DirectiveRecord {
    /// The blob it names.
    #[must_use]
    pub fn blob(&self, organization: ClientGuid) -> BlobRef {
        BlobRef { organization, container: self.container.clone(), file_name: self.file_name.clone() }
    }
}

/// The id of an image: the same bytes under the same name in the same container are one image, however often they are
/// uploaded.
#[must_use]
pub fn image_id(blob: &BlobRef, digest: &[u8]) -> Uuid {
    let place = Uuid::new_v5(&NAMESPACE, blob.organization.0.as_bytes());
    Uuid::new_v5(&place, message_id(&blob.container, &blob.file_name, digest).as_bytes())
}
