//! What becomes of an image that arrives, and of images and directives that wait.

use super::find::find;
use super::settle::{Effects, settle};
use super::{DirectiveRecord, DirectiveState, ImageRecord, ImageStatus, receipt};
use crate::content::Unreadable;
use crate::decide::Change;
use crate::snapshot::Snapshot;
use iris_model::enumeration::OrderStatus;
use iris_model::{IssueCode, Organization};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// Something to decide about images.
#[derive(Debug, Clone)]
pub struct ImageWork {
    /// The organization it belongs to.
    pub organization: Arc<Organization>,
    /// What to decide.
    pub task: ImageTask,
}

/// What there is to decide.
#[derive(Debug, Clone)]
pub enum ImageTask {
    /// An image arrived. The id and version in its record are not assigned yet.
    Arrived(Box<ImageRecord>),
    /// A waiting image is due to be looked at again.
    Waiting(Box<ImageRecord>),
    /// A directive that waits for its image is due to be looked at again.
    Missing {
        /// The directive.
        directive: DirectiveRecord,
        /// Whether its blob is in the container, so that its image is on the way.
        blob_exists: bool,
    },
}

impl ImageWork {
    /// The id recorded as the cause of changes.
    #[must_use]
    pub fn cause(&self) -> Uuid {
        match &self.task {
            ImageTask::Arrived(image) | ImageTask::Waiting(image) => image.id,
            ImageTask::Missing { .. } => Uuid::nil(),
        }
    }
}

/// The outcome of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageAnswer {
    /// The image as it is now; `None` when it was about a directive.
    pub image: Option<ImageRecord>,
    /// True when the image was stored for the first time.
    pub is_new: bool,
    /// Why something was just given up; this deserves an alert.
    pub given_up: Option<IssueCode>,
}

impl ImageAnswer {
    /// Derives the outcome from the effects.
    #[must_use]
    pub fn of(work: &ImageWork, snapshot: &Snapshot, effects: &Effects) -> Self {
        let given_up = |change: &Change| match change {
            Change::NewImage(image) | Change::ChangedImage(image) if image.status == ImageStatus::Quarantined => {
                image.reason
            }
            Change::ChangedDirective(directive) if directive.state == DirectiveState::Failed => {
                Some(IssueCode::ImageMissing)
            }
            _ => None,
        };
        Self {
            image: match &work.task {
                ImageTask::Arrived(image) | ImageTask::Waiting(image) => snapshot.images.image(image.id).cloned(),
                ImageTask::Missing { .. } => None,
            },
            is_new: effects.changes.iter().any(|change| matches!(change, Change::NewImage(_))),
            given_up: effects.changes.iter().rev().find_map(given_up),
        }
    }
}

/// Decides, and applies the decision to the snapshot. `iris_id` is used when the image is new.
///
/// # Errors
/// When something stored cannot be read; the snapshot is then half changed and must be discarded.
pub fn decide(work: &ImageWork, snapshot: &mut Snapshot, iris_id: i64, now: Timestamp) -> Result<Effects, Unreadable> {
    let organization = &work.organization;
    match &work.task {
        ImageTask::Arrived(image) => arrived(image, snapshot, organization, iris_id, now),
        ImageTask::Waiting(image) => waiting(image.id, snapshot, organization, now),
        ImageTask::Missing { directive, blob_exists } => missing(directive, *blob_exists, snapshot, organization, now),
    }
}

fn arrived(
    image: &ImageRecord,
    snapshot: &mut Snapshot,
    organization: &Organization,
    iris_id: i64,
    now: Timestamp,
) -> Result<Effects, Unreadable> {
    if snapshot.images.image(image.id).is_some() {
        // Uploaded or announced once more. It may have missed its order the first time.
        return resolve(image.id, snapshot, organization, now);
    }
    let mut image = ImageRecord { iris_id, version: 1, ..image.clone() };
    if image.defect.is_some() {
        (image.status, image.wait) = (ImageStatus::Quarantined, image.wait.over());
    } else {
        image.reason = find(&image, snapshot, organization)?.err().map(|obstacle| obstacle.code);
    }
    let (id, defect) = (image.id, image.reason.filter(|_| image.defect.is_some()));
    let mut effects = Effects::default();
    put(Change::NewImage(Arc::new(image)), snapshot, &mut effects);
    extend(&mut effects, resolve(id, snapshot, organization, now)?);
    if let (Some(code), true, Some(image)) = (defect, effects.events.is_empty(), snapshot.images.image(id)) {
        effects.events.push(receipt::quarantined(image, code, snapshot, now));
    }
    Ok(effects)
}

/// Settles the orders that an image may concern.
fn resolve(
    image: Uuid,
    snapshot: &mut Snapshot,
    organization: &Organization,
    now: Timestamp,
) -> Result<Effects, Unreadable> {
    let mut effects = Effects::default();
    for order in concerned(image, snapshot, organization)? {
        extend(&mut effects, settle(order, snapshot, organization, now)?);
    }
    Ok(effects)
}

fn concerned(image: Uuid, snapshot: &Snapshot, organization: &Organization) -> Result<BTreeSet<i64>, Unreadable> {
    let Some(image) = snapshot.images.image(image) else { return Ok(BTreeSet::new()) };
    let mut orders: BTreeSet<i64> =
        snapshot.directives_of(&image.blob).iter().map(|directive| directive.order).collect();
    if image.status != ImageStatus::Linked
        && image.defect.is_none()
        && let Ok(target) = find(image, snapshot, organization)?
    {
        orders.insert(target.order.id);
    }
    Ok(orders)
}

/// Looks at a waiting image again. Once its patience is over, it is quarantined and reported.
fn waiting(
    id: Uuid,
    snapshot: &mut Snapshot,
    organization: &Organization,
    now: Timestamp,
) -> Result<Effects, Unreadable> {
    let mut effects = resolve(id, snapshot, organization, now)?;
    let Some(image) = snapshot.images.image(id).filter(|image| image.status == ImageStatus::Waiting).cloned() else {
        return Ok(effects);
    };
    let code = find(&image, snapshot, organization)?.err().map_or(IssueCode::ImageUnmatched, |obstacle| obstacle.code);
    let mut next = ImageRecord { reason: Some(code), version: image.version + 1, ..image };
    if next.wait.is_over_at(now) {
        (next.status, next.wait) = (ImageStatus::Quarantined, next.wait.over());
        effects.events.push(receipt::quarantined(&next, code, snapshot, now));
    } else {
        next.wait = next.wait.again(now);
    }
    put(Change::ChangedImage(Arc::new(next)), snapshot, &mut effects);
    Ok(effects)
}

/// Looks at a waiting directive again. Once its patience is over and its blob is still not there, it is reported
/// (decision 23).
fn missing(
    directive: &DirectiveRecord,
    blob_exists: bool,
    snapshot: &mut Snapshot,
    organization: &Organization,
    now: Timestamp,
) -> Result<Effects, Unreadable> {
    let mut effects = settle(directive.order, snapshot, organization, now)?;
    let current = snapshot.images.directives(directive.order).iter().find(|known| {
        known.ordinal == directive.ordinal
            && known.file_name == directive.file_name
            && known.state == DirectiveState::Pending
    });
    let (Some(current), Some(order)) = (current.cloned(), snapshot.order_by_id(directive.order)) else {
        return Ok(effects);
    };
    let next = if !order.current || order.status == OrderStatus::OrderCancelled {
        DirectiveRecord { wait: current.wait.over(), ..current }
    } else if current.wait.is_over_at(now) && !blob_exists {
        let code = IssueCode::ImageMissing;
        effects.events.push(receipt::failed(&current, None, order, code, snapshot, now)?);
        DirectiveRecord { state: DirectiveState::Failed, wait: current.wait.over(), ..current }
    } else {
        DirectiveRecord { wait: current.wait.again(now), ..current }
    };
    let next = DirectiveRecord { version: next.version + 1, ..next };
    put(Change::ChangedDirective(next), snapshot, &mut effects);
    Ok(effects)
}

fn put(change: Change, snapshot: &mut Snapshot, effects: &mut Effects) {
    snapshot.apply_change(&change);
    effects.changes.push(change);
}

fn extend(effects: &mut Effects, more: Effects) {
    effects.changes.extend(more.changes);
    effects.events.extend(more.events);
}
