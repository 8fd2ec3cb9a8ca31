//! The events about images (iris-facts §4.2). Their ids depend only on their content, so that a repeated event is
//! recognizable.

use super::{DirectiveRecord, ImageRecord, ImageStatus};
use crate::content::Unreadable;
use crate::incoming::NAMESPACE;
use crate::record::OrderRecord;
use crate::snapshot::Snapshot;
use iris_model::event::{Event, EventKind};
use iris_model::{DateTimeOffset, IssueCode, issue::quoted};
use jiff::Timestamp;
use uuid::Uuid;

/// An image was linked.
pub(super) fn linked(image: &ImageRecord, order: &OrderRecord, snapshot: &Snapshot, now: Timestamp) -> Event {
    let id = Uuid::new_v5(
        &image.id,
        format!("linked/{}/{}", order.id, image.local_id.as_deref().unwrap_or_default()).as_bytes(),
    );
    Event {
        image_local_id: image.local_id.clone(),
        iris_image_id: Some(image.iris_id),
        ..about(EventKind::ImageReceipt, id, Some(order), snapshot, now)
    }
}

/// A directive's image did not arrive, or cannot be linked.
pub(super) fn failed(
    directive: &DirectiveRecord,
    image: Option<&ImageRecord>,
    order: &OrderRecord,
    code: IssueCode,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Event, Unreadable> {
    let name =
        format!("directive/{}/{}/{}/{code}/{}", order.key.organization, order.id, directive.ordinal, order.version);
    let mut event =
        about(EventKind::ImageReceipt, Uuid::new_v5(&NAMESPACE, name.as_bytes()), Some(order), snapshot, now);
    event.image_local_id = super::find::sent(directive)?.local_id;
    event.iris_image_id = image.map(|image| image.iris_id);
    event.success = false;
    event.error_message = Some(message(code, image, &directive.file_name));
    Ok(event)
}

/// An image found no order.
pub(super) fn quarantined(image: &ImageRecord, code: IssueCode, snapshot: &Snapshot, now: Timestamp) -> Event {
    let id = Uuid::new_v5(&image.id, format!("quarantined/{code}").as_bytes());
    Event {
        iris_image_id: Some(image.iris_id),
        success: false,
        error_message: Some(message(code, Some(image), &image.blob.file_name)),
        ..about(EventKind::ImageReceipt, id, None, snapshot, now)
    }
}

/// The order has the images it needs. Sent once per order.
pub(super) fn ready(order: &OrderRecord, snapshot: &Snapshot, now: Timestamp) -> Event {
    let name = format!("ready/{}/{}", order.key.organization, order.id);
    about(EventKind::ReadyForGradingEvent, Uuid::new_v5(&NAMESPACE, name.as_bytes()), Some(order), snapshot, now)
}

fn about(kind: EventKind, id: Uuid, order: Option<&OrderRecord>, snapshot: &Snapshot, now: Timestamp) -> Event {
    let patient = order.and_then(|order| snapshot.patient_by_id(order.patient));
    Event {
        iris_order_id: order.map(|order| order.id),
        order_local_id: order.map(|order| order.key.local_id.to_string()),
        patient_local_id: patient.map(|patient| patient.key.local_id.to_string()),
        ..Event::of(kind, id, DateTimeOffset::utc(now))
    }
}

/// Why an image is not linked to an order, and what to do; `None` if it is linked, or has not been decided yet.
#[must_use]
pub fn explanation(image: &ImageRecord) -> Option<String> {
    let code = image.reason.filter(|_| image.status != ImageStatus::Linked)?;
    Some(message(code, Some(image), &image.blob.file_name))
}

/// What is wrong and what to do. Names the blob, since that is all the sender can recognize the image by.
fn message(code: IssueCode, image: Option<&ImageRecord>, file_name: &str) -> String {
    let text = match code {
        IssueCode::ImageMissing => {
            "The image did not arrive. Upload it under this name; it is linked as soon as it arrives."
        }
        IssueCode::ImageUnidentified => {
            "Nothing says whose image this is. Send an order or an image message that names it, or have the camera \
             write PatientID or AccessionNumber into it."
        }
        IssueCode::ImageUnmatched => {
            "No open order fits the ids in the image. Check them, or send the order: the image is linked then."
        }
        IssueCode::ImageAmbiguous => {
            "More than one order fits the ids in the image. Send an image message that names the order."
        }
        IssueCode::ImageEyeUnknown => "Nothing says which eye this is. Send an image message with Laterality OD or OS.",
        IssueCode::ImageEyeMismatch => {
            "Directive and image name different eyes. Send the directive again with the right Laterality, or upload \
             the right image."
        }
        IssueCode::PatientMismatch => {
            "The image names another patient than the order's. Check that it is the right image."
        }
        IssueCode::ImageInUse => {
            "The image is linked to another order. Upload the image of this order under a name of its own."
        }
        IssueCode::OrderClosed => "The order this image names is cancelled.",
        IssueCode::ForeignContainer => {
            "This is not the container for your images. Upload the image there and name that container."
        }
        _ => image.and_then(|image| image.defect.as_deref()).unwrap_or("The file cannot be used."),
    };
    format!("[{code}] {}: {text}", quoted(file_name))
}
