//! Links an order and its images as far as that is possible now.

use super::find::{context, find, sent};
use super::{DirectiveRecord, DirectiveState, ImageRecord, ImageStatus, is_satisfied, receipt, requirement};
use crate::content::{self, Unreadable};
use crate::decide::Change;
use crate::record::{OrderChange, OrderRecord};
use crate::snapshot::Snapshot;
use iris_model::enumeration::OrderStatus;
use iris_model::{Event, ImageContext, IssueCode, Laterality, Organization};
use jiff::Timestamp;
use std::sync::Arc;

/// Rows to write and events to send.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    /// What to write.
    pub changes: Vec<Change>,
    /// What to tell the submitter.
    pub events: Vec<Event>,
}

/// Links everything in the snapshot that belongs to an order, reports directives that cannot be fulfilled, and queues
/// the order for grading once it has the images it needs. The changes are also applied to the snapshot. Called again,
/// it has nothing to do.
///
/// The snapshot has to hold the order with its content, its directives and images, and the images that may belong to
/// it.
///
/// # Errors
/// When something stored cannot be read; the snapshot is then half changed and must be discarded.
pub fn settle(
    order: i64,
    snapshot: &mut Snapshot,
    organization: &Organization,
    now: Timestamp,
) -> Result<Effects, Unreadable> {
    if snapshot.images.is_empty() {
        return Ok(Effects::default());
    }
    let Some(known) = snapshot.order_by_id(order) else { return Ok(Effects::default()) };
    if !known.current || known.status == OrderStatus::OrderCancelled || known.content.is_none() {
        return Ok(Effects::default());
    }
    let known = known.clone();
    let mut case = Settling { organization, now, order: known.clone(), effects: Effects::default() };
    case.refuse_foreign(snapshot)?;
    case.follow_directives(snapshot)?;
    case.link_found(snapshot)?;
    case.report_unusable(snapshot)?;
    case.queue_when_ready(&known, snapshot)?;
    Ok(case.effects)
}

struct Settling<'a> {
    organization: &'a Organization,
    now: Timestamp,
    /// The order after all changes.
    order: OrderRecord,
    effects: Effects,
}

impl Settling<'_> {
    /// A directive may only name the organization's own image container (decision 170).
    fn refuse_foreign(&mut self, snapshot: &mut Snapshot) -> Result<(), Unreadable> {
        let own = self.organization.images_container();
        for directive in pending(snapshot, self.order.id) {
            if directive.container != own {
                self.fail(directive, None, IssueCode::ForeignContainer, snapshot)?;
            }
        }
        Ok(())
    }

    /// Handles directives for images that are already linked: the image was found by its own ids, or the directive was
    /// sent again with another eye.
    fn follow_directives(&mut self, snapshot: &mut Snapshot) -> Result<(), Unreadable> {
        for directive in snapshot.images.directives(self.order.id).to_vec() {
            for image in linked(snapshot, self.order.id) {
                if directive.container == image.blob.container && directive.file_name == image.blob.file_name {
                    self.follow(directive.clone(), image, snapshot)?;
                }
            }
        }
        Ok(())
    }

    fn follow(
        &mut self,
        directive: DirectiveRecord,
        mut image: ImageRecord,
        snapshot: &mut Snapshot,
    ) -> Result<(), Unreadable> {
        let sent = sent(&directive)?;
        if image.claims.laterality.is_some() && sent.laterality.is_some_and(|eye| image.claims.laterality != Some(eye))
        {
            if directive.state == DirectiveState::Pending {
                self.fail(directive, Some(&image), IssueCode::ImageEyeMismatch, snapshot)?;
            }
            return Ok(());
        }
        let late = image.context == ImageContext::AddedLate || !self.order.is_open();
        let as_sent = ImageRecord {
            laterality: sent.laterality.or(image.laterality),
            local_id: sent.local_id,
            context: if late { image.context } else { context(&self.order, Some(&directive))? },
            ..image.clone()
        };
        if as_sent != image {
            image = self.put_image(as_sent, snapshot);
        }
        let waits_for_another = candidates(&self.order, snapshot).iter().any(|other| other.blob == image.blob);
        if directive.state != DirectiveState::Linked && !waits_for_another {
            self.effects.events.push(receipt::linked(&image, &self.order, snapshot, self.now));
            let wait = directive.wait.over();
            self.put_directive(DirectiveRecord { state: DirectiveState::Linked, wait, ..directive }, snapshot);
        }
        Ok(())
    }

    /// Links the images that belong to the order, in order of arrival.
    fn link_found(&mut self, snapshot: &mut Snapshot) -> Result<(), Unreadable> {
        for image in candidates(&self.order, snapshot) {
            let found = match find(&image, snapshot, self.organization)? {
                Ok(target) if target.order.id == self.order.id => Ok((target.laterality, target.directive.cloned())),
                Err(obstacle) => match obstacle.directive {
                    Some(directive) if directive.order == self.order.id => Err((obstacle.code, directive.clone())),
                    _ => continue,
                },
                Ok(_) => continue,
            };
            match found {
                Ok((laterality, directive)) => self.link(image, laterality, directive, snapshot)?,
                Err((code, directive)) => self.contradiction(image, code, directive, snapshot)?,
            }
        }
        Ok(())
    }

    fn link(
        &mut self,
        image: ImageRecord,
        laterality: Laterality,
        directive: Option<DirectiveRecord>,
        snapshot: &mut Snapshot,
    ) -> Result<(), Unreadable> {
        let sent = directive.as_ref().map(sent).transpose()?;
        let image = ImageRecord {
            status: ImageStatus::Linked,
            reason: None,
            order: Some(self.order.id),
            laterality: Some(laterality),
            context: context(&self.order, directive.as_ref())?,
            local_id: sent.and_then(|sent| sent.local_id),
            wait: image.wait.over(),
            ..image
        };
        self.order.images += 1;
        self.effects.events.push(receipt::linked(&image, &self.order, snapshot, self.now));
        self.put_image(image, snapshot);
        if let Some(directive) = directive.filter(|directive| directive.state != DirectiveState::Linked) {
            let wait = directive.wait.over();
            self.put_directive(DirectiveRecord { state: DirectiveState::Linked, wait, ..directive }, snapshot);
        }
        Ok(())
    }

    /// Image and directive disagree, so neither is trusted.
    fn contradiction(
        &mut self,
        image: ImageRecord,
        code: IssueCode,
        directive: DirectiveRecord,
        snapshot: &mut Snapshot,
    ) -> Result<(), Unreadable> {
        if directive.state == DirectiveState::Pending {
            self.fail(directive, Some(&image), code, snapshot)?;
        }
        if image.reason != Some(code) || image.status != ImageStatus::Quarantined {
            let wait = image.wait.over();
            let quarantined = ImageRecord { status: ImageStatus::Quarantined, reason: Some(code), wait, ..image };
            self.put_image(quarantined, snapshot);
        }
        Ok(())
    }

    /// Reports directives whose image arrived but cannot be linked: it is broken, or belongs to another order.
    fn report_unusable(&mut self, snapshot: &mut Snapshot) -> Result<(), Unreadable> {
        for directive in pending(snapshot, self.order.id) {
            let blob = directive.blob(self.organization.client_guid);
            let images = snapshot.images.images_of_blob(&blob);
            let broken = images.iter().find(|image| image.defect.is_some());
            let code = match broken {
                Some(image) => image.reason.unwrap_or(IssueCode::UnreadableFile),
                None if images.iter().any(|image| in_use(image, snapshot)) => IssueCode::ImageInUse,
                None => continue,
            };
            let image = broken.map(|image| (*image).clone());
            self.fail(directive, image.as_ref(), code, snapshot)?;
        }
        Ok(())
    }

    fn fail(
        &mut self,
        directive: DirectiveRecord,
        image: Option<&ImageRecord>,
        code: IssueCode,
        snapshot: &mut Snapshot,
    ) -> Result<(), Unreadable> {
        self.effects.events.push(receipt::failed(&directive, image, &self.order, code, snapshot, self.now)?);
        let wait = directive.wait.over();
        self.put_directive(DirectiveRecord { state: DirectiveState::Failed, wait, ..directive }, snapshot);
        Ok(())
    }

    fn queue_when_ready(&mut self, before: &OrderRecord, snapshot: &mut Snapshot) -> Result<(), Unreadable> {
        let images = linked(snapshot, self.order.id);
        if images.is_empty() {
            return Ok(());
        }
        let request = content::parse_order(self.order.stored_content()?)?;
        let requirement = requirement(&request, self.organization);
        let ready = self.order.status == OrderStatus::AwaitingImages && is_satisfied(requirement, &images);
        if ready {
            self.order.status = OrderStatus::QueuedForGrading;
            self.effects.events.push(receipt::ready(&self.order, snapshot, self.now));
        }
        if self.order == *before {
            return Ok(());
        }
        self.order.version += 1;
        // `None` leaves the stored content as it is.
        let order = Arc::new(OrderRecord { content: None, ..self.order.clone() });
        let change = Change::ChangedOrder {
            order,
            change: if ready { OrderChange::Queued } else { OrderChange::ImageLinked },
            status_before: before.status,
            content_before: None,
        };
        self.put(change, snapshot);
        Ok(())
    }

    fn put_image(&mut self, image: ImageRecord, snapshot: &mut Snapshot) -> ImageRecord {
        let image = ImageRecord { version: image.version + 1, ..image };
        self.put(Change::ChangedImage(Arc::new(image.clone())), snapshot);
        image
    }

    fn put_directive(&mut self, directive: DirectiveRecord, snapshot: &mut Snapshot) {
        let directive = DirectiveRecord { version: directive.version + 1, ..directive };
        self.put(Change::ChangedDirective(directive), snapshot);
    }

    fn put(&mut self, change: Change, snapshot: &mut Snapshot) {
        snapshot.apply_change(&change);
        self.effects.changes.push(change);
    }
}

fn pending(snapshot: &Snapshot, order: i64) -> Vec<DirectiveRecord> {
    let pending = |directive: &&DirectiveRecord| directive.state == DirectiveState::Pending;
    snapshot.images.directives(order).iter().filter(pending).cloned().collect()
}

fn linked(snapshot: &Snapshot, order: i64) -> Vec<ImageRecord> {
    snapshot.images.images_of_order(order).into_iter().cloned().collect()
}

/// Images that may be linked to an order: named by one of its directives or naming the order themselves, usable, and
/// either unlinked or left behind by a canceled order.
fn candidates(order: &OrderRecord, snapshot: &Snapshot) -> Vec<ImageRecord> {
    let (organization, known) = (order.key.organization, &snapshot.images);
    let patient = snapshot.patient_by_id(order.patient).map(|patient| patient.key.local_id.as_str());
    let names = [Some(order.key.local_id.as_str()), patient, known.study_of(order.id)];
    let claiming = names.into_iter().flatten().flat_map(|name| known.images_claiming(organization, name));
    let directives = known.directives(order.id).iter();
    let named = directives.flat_map(|directive| known.images_of_blob(&directive.blob(organization)));
    let free = |image: &&ImageRecord| {
        image.defect.is_none() && (image.status != ImageStatus::Linked || !in_use(image, snapshot))
    };
    let mut images: Vec<ImageRecord> = claiming.chain(named).filter(free).cloned().collect();
    images.sort_by_key(|image| (image.received_at, image.iris_id));
    images.dedup_by_key(|image| image.id);
    images
}

/// Whether an image is linked to an order that is not canceled.
fn in_use(image: &ImageRecord, snapshot: &Snapshot) -> bool {
    let cancelled = |order: &OrderRecord| order.status == OrderStatus::OrderCancelled;
    image.status == ImageStatus::Linked
        && !image.order.and_then(|order| snapshot.order_by_id(order)).is_some_and(cancelled)
}
