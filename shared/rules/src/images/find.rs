//! Which order an image belongs to (decisions 24, 171, 172, 174).

use super::{DirectiveRecord, DirectiveState, ImageRecord};
use crate::content::Unreadable;
use crate::record::{OrderRecord, OrderRef};
use crate::snapshot::Snapshot;
use iris_model::enumeration::OrderStatus;
use iris_model::organization::MismatchPolicy;
use iris_model::{ImageContext, IssueCode, Laterality, LocalId, Organization};

/// The order an image belongs to, and its role there.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The order.
    pub order: &'a OrderRecord,
    /// The directive that links it; `None` = found by the image's own ids.
    pub directive: Option<&'a DirectiveRecord>,
    /// The eye it counts for.
    pub laterality: Laterality,
}

/// Why an image is not linked.
#[derive(Debug, Clone, Copy)]
pub struct Obstacle<'a> {
    /// Why.
    pub code: IssueCode,
    /// The directive that would have linked it if the image had agreed with it.
    pub directive: Option<&'a DirectiveRecord>,
}

impl From<IssueCode> for Obstacle<'_> {
    fn from(code: IssueCode) -> Self {
        Self { code, directive: None }
    }
}

/// Finds the order of an image that is not linked. The snapshot has to hold everything the image may belong to. The
/// inner error says why there is not exactly one order.
///
/// # Errors
/// When something stored cannot be read.
pub fn find<'a>(
    image: &ImageRecord,
    snapshot: &'a Snapshot,
    organization: &Organization,
) -> Result<Result<Target<'a>, Obstacle<'a>>, Unreadable> {
    if let Some((order, directive)) = by_directive(image, snapshot) {
        let found = directed(image, snapshot, organization, order, directive)?;
        return Ok(found.map_err(|code| Obstacle { code, directive: Some(directive) }));
    }
    Ok(claimed(image, snapshot, organization).map_err(Obstacle::from))
}

fn claimed<'a>(
    image: &ImageRecord,
    snapshot: &'a Snapshot,
    organization: &Organization,
) -> Result<Target<'a>, IssueCode> {
    let order = by_claims(image, snapshot, organization)?;
    let laterality = image.claims.laterality.ok_or(IssueCode::ImageEyeUnknown)?;
    Ok(Target { order, directive: None, laterality })
}

/// The directive that names the image's blob and has no image yet, among orders that are current and not canceled; the
/// oldest order's if there are several. A fulfilled directive takes no further image: a device that reuses file names
/// must not put one patient's eye into another's exam.
fn by_directive<'a>(image: &ImageRecord, snapshot: &'a Snapshot) -> Option<(&'a OrderRecord, &'a DirectiveRecord)> {
    let candidates = snapshot.directives_of(&image.blob).into_iter().filter_map(|directive| {
        let order = snapshot.order_by_id(directive.order)?;
        let lives = order.current && order.status != OrderStatus::OrderCancelled;
        (lives && directive.state != DirectiveState::Linked).then_some((order, directive))
    });
    candidates.min_by_key(|(order, directive)| (order.id, directive.ordinal))
}

/// Directive and image must agree on the eye, and, if the organization requires that, on the patient.
fn directed<'a>(
    image: &ImageRecord,
    snapshot: &Snapshot,
    organization: &Organization,
    order: &'a OrderRecord,
    directive: &'a DirectiveRecord,
) -> Result<Result<Target<'a>, IssueCode>, Unreadable> {
    let sent = sent(directive)?;
    let own = image.claims.laterality;
    let Some(laterality) = sent.laterality.or(own) else { return Ok(Err(IssueCode::ImageEyeUnknown)) };
    if own.is_some_and(|own| own != laterality) {
        return Ok(Err(IssueCode::ImageEyeMismatch));
    }
    let strict = organization.patient_mismatch == MismatchPolicy::Error;
    if strict && !is_patient_of(image, snapshot, order) {
        return Ok(Err(IssueCode::PatientMismatch));
    }
    Ok(Ok(Target { order, directive: Some(directive), laterality }))
}

/// The order named by the image's own ids.
fn by_claims<'a>(
    image: &ImageRecord,
    snapshot: &'a Snapshot,
    organization: &Organization,
) -> Result<&'a OrderRecord, IssueCode> {
    let claims = &image.claims;
    if claims.accession.is_none() && claims.study.is_none() && claims.patient.is_none() {
        return Err(IssueCode::ImageUnidentified);
    }
    let accession = claims
        .accession
        .as_deref()
        .and_then(LocalId::new)
        .and_then(|local_id| snapshot.order(&OrderRef { organization: organization.client_guid, local_id }));
    let named = match accession {
        Some(order) => Some(order),
        None => by_study(image, snapshot)?,
    };
    match named {
        Some(order) if !is_patient_of(image, snapshot, order) => Err(IssueCode::PatientMismatch),
        Some(order) if order.status == OrderStatus::OrderCancelled => Err(IssueCode::OrderClosed),
        Some(order) => Ok(order),
        None => by_patient(image, snapshot, organization),
    }
}

fn by_study<'a>(image: &ImageRecord, snapshot: &'a Snapshot) -> Result<Option<&'a OrderRecord>, IssueCode> {
    let Some(study) = image.claims.study.as_deref() else { return Ok(None) };
    let live = |order: &&OrderRecord| order.current && order.status != OrderStatus::OrderCancelled;
    let orders: Vec<_> = snapshot.orders_of_study(image.blob.organization, study).into_iter().filter(live).collect();
    match *orders {
        [] => Ok(None),
        [order] => Ok(Some(order)),
        _ => Err(IssueCode::ImageAmbiguous),
    }
}

/// The patient's one open order. If patient ids are unique per site only and there are several orders, the site of the
/// device decides.
fn by_patient<'a>(
    image: &ImageRecord,
    snapshot: &'a Snapshot,
    organization: &Organization,
) -> Result<&'a OrderRecord, IssueCode> {
    let patient = image.claims.patient.as_deref().ok_or(IssueCode::ImageUnmatched)?;
    let of_name = snapshot
        .patients()
        .filter(|known| known.key.organization == image.blob.organization && known.key.local_id.as_str() == patient);
    let mut orders: Vec<&OrderRecord> = of_name.flat_map(|known| snapshot.open_orders(known.id)).collect();
    if let (true, Some(site)) = (orders.len() > 1, site_of_device(image, snapshot, organization)) {
        orders.retain(|order| order.site == *site);
    }
    match *orders {
        [] => Err(IssueCode::ImageUnmatched),
        [order] => Ok(order),
        _ => Err(IssueCode::ImageAmbiguous),
    }
}

fn site_of_device<'a>(
    image: &ImageRecord,
    snapshot: &'a Snapshot,
    organization: &'a Organization,
) -> Option<&'a LocalId> {
    let device = LocalId::new(image.claims.device.as_deref()?)?;
    let listed = organization.camera(&device).map(|camera| &camera.site);
    listed.or_else(|| snapshot.camera(organization.client_guid, &device).map(|camera| &camera.site))
}

/// False when the image names a different patient from the order's.
pub(super) fn is_patient_of(image: &ImageRecord, snapshot: &Snapshot, order: &OrderRecord) -> bool {
    let Some(claimed) = image.claims.patient.as_deref() else { return true };
    snapshot.patient_by_id(order.patient).is_none_or(|patient| patient.key.local_id.as_str() == claimed)
}

/// The directive as it was sent.
///
/// # Errors
/// When it cannot be read.
pub(super) fn sent(directive: &DirectiveRecord) -> Result<iris_model::request::Image, Unreadable> {
    crate::content::image(&directive.details)
}

/// The image's role in the exam: added late if the order is already graded, otherwise as the directive says.
///
/// # Errors
/// When the directive cannot be read.
pub(super) fn context(order: &OrderRecord, directive: Option<&DirectiveRecord>) -> Result<ImageContext, Unreadable> {
    Ok(match order.status {
        OrderStatus::Graded | OrderStatus::Complete => ImageContext::AddedLate,
        _ => directive.map(sent).transpose()?.and_then(|sent| sent.image_context).unwrap_or(ImageContext::Primary),
    })
}
