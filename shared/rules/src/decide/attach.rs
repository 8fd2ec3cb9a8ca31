//! The images a request speaks of: directives, studies, and separate image messages (iris-facts §2.4, §2.11).

use super::{Case, Change, Decision};
use crate::content;
use crate::images::{DirectiveRecord, DirectiveState, ImageStatus, Wait};
use crate::record::{OrderChange, OrderRecord};
use iris_model::enumeration::OrderStatus;
use iris_model::request::Image;
use iris_model::{Issue, IssueCode, LocalId, OrderRequest, OutcomeKind};
use std::sync::Arc;

/// Adds the directive of an image message to its order. The receipt follows when the image is linked or given up.
pub(super) fn attach(mut case: Case<'_>, request: &OrderRequest, local_id: &LocalId) -> Decision {
    case.image_local_id = sent_images(request).first().and_then(|image| image.local_id.clone());
    let Some(order) = case.snapshot.order(&case.order_ref(local_id)) else {
        return case.unknown_order();
    };
    case.iris_order_id = Some(order.id);
    case.patient_local_id = case.patient_of(order);
    if order.status == OrderStatus::OrderCancelled {
        let message = "The order is cancelled; no image can be added. Send a new order.";
        case.issues.push(Issue::error(IssueCode::OrderClosed, "OrderLocalId", message));
        return case.failed();
    }
    let known = case.snapshot.images.directives(order.id);
    let first_free = known.iter().map(|directive| directive.ordinal + 1).max().unwrap_or_default();
    let sent = case.directives(order.id, request, first_free);
    let is_news = |new: &DirectiveRecord| !known.iter().any(|old| same_blob(old, new) && old.details == new.details);
    if !sent.iter().any(|new| is_news(new) || new.state != DirectiveState::Linked) {
        return case.finish(OutcomeKind::Replayed);
    }
    let mut directives: Vec<DirectiveRecord> =
        known.iter().filter(|old| !sent.iter().any(|new| same_blob(old, new))).cloned().collect();
    directives.extend(sent);
    case.changes.push(Change::Directives { order: order.id, directives });
    case.changes.push(Change::ChangedOrder {
        order: Arc::new(OrderRecord { version: order.version + 1, content: None, ..order.clone() }),
        change: OrderChange::Changed,
        status_before: order.status,
        content_before: None,
    });
    case.finish(OutcomeKind::Changed)
}

impl Case<'_> {
    /// Stores the image directives of a request, if it has any. Those already fulfilled stay fulfilled; the others
    /// start waiting anew.
    pub(super) fn store_directives(&mut self, order: i64, request: &OrderRequest) {
        let directives = self.directives(order, request, 0);
        if !directives.is_empty() {
            self.changes.push(Change::Directives { order, directives });
        }
    }

    fn directives(&self, order: i64, request: &OrderRequest, first: i32) -> Vec<DirectiveRecord> {
        let wait = Wait::starting(self.now, self.organization.image_patience_seconds);
        let known = self.snapshot.images.directives(order);
        let directive = |(ordinal, image): (i32, &Image)| {
            let place = image.azure_blob_storage.as_ref()?;
            let new = DirectiveRecord {
                order,
                ordinal,
                container: place.container.clone()?,
                file_name: place.file_name.clone()?,
                details: content::json(image),
                version: 1,
                state: DirectiveState::Pending,
                wait,
            };
            let replaced = known.iter().find(|old| same_blob(old, &new));
            let new = DirectiveRecord { version: replaced.map_or(1, |old| old.version + 1), ..new };
            let linked = replaced.filter(|old| old.state == DirectiveState::Linked);
            // Unlinked, because a new file was uploaded under the same name and the directive was sent again for it.
            let linked = linked.filter(|_| !self.has_free_image(&new));
            Some(match linked {
                Some(old) => DirectiveRecord { state: old.state, wait: old.wait, ..new },
                None => new,
            })
        };
        let mut directives: Vec<DirectiveRecord> = Vec::new();
        for directive in (first..).zip(sent_images(request)).filter_map(directive) {
            // If two name the same blob, the last one counts.
            directives.retain(|earlier| !same_blob(earlier, &directive));
            directives.push(directive);
        }
        directives
    }

    /// Whether a usable, unlinked image was uploaded under the directive's blob name.
    fn has_free_image(&self, directive: &DirectiveRecord) -> bool {
        let images = self.snapshot.images.images_of_blob(&directive.blob(self.client_guid()));
        images.iter().any(|image| image.defect.is_none() && image.status != ImageStatus::Linked)
    }

    /// Stores the study that a request names, since images may refer to it.
    pub(super) fn store_study(&mut self, order: i64, request: &OrderRequest) {
        let study = request.order.as_ref().and_then(|sent| sent.study_instance_unique_id.as_deref());
        if let Some(study) = study.filter(|study| self.snapshot.images.study_of(order) != Some(*study)) {
            self.changes.push(Change::Study {
                organization: self.client_guid(),
                study: study.trim().to_owned(),
                order,
            });
        }
    }
}

fn sent_images(request: &OrderRequest) -> &[Image] {
    request.camera.as_ref().map(|camera| camera.images.as_slice()).unwrap_or_default()
}

fn same_blob(one: &DirectiveRecord, other: &DirectiveRecord) -> bool {
    one.container == other.container && one.file_name == other.file_name
}
