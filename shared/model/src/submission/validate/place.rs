//! Sites, cameras, states and images, as far as the organization's document tells (iris-facts;
//! decisions 10, 15a).
//!
//! Where an organization has sites or cameras created from submissions, one that is not listed may be on record; then
//! the rules decide, because they see what is stored. Otherwise its document is the whole list.

use super::Review;
use crate::issue::quoted;
use crate::request::{Address, Image};
use crate::{IssueCode, LocalId, Organization, state};

const NOT_A_STATE: &str =
    "is not a state, district or territory of the United States. Send the two-letter code or the full name.";

pub(super) fn check(review: &mut Review<'_>) {
    site(review);
    camera(review);
    images(review);
    states(review);
}

pub(super) fn site_id(review: &Review<'_>) -> Option<LocalId> {
    LocalId::new(review.request.site.as_ref()?.local_id.as_deref()?)
}

pub(super) fn camera_id(review: &Review<'_>) -> Option<LocalId> {
    LocalId::new(review.request.camera.as_ref()?.local_id.as_deref()?)
}

fn site(review: &mut Review<'_>) {
    let organization = review.context.organization;
    let Some(site) = site_id(review) else { return };
    if organization.site(&site).is_none() && !organization.auto_create_sites {
        let message = unknown_site(&site, organization);
        review.error(IssueCode::UnknownSite, "Site.LocalId", message);
    }
}

/// How many sites are listed.
const SITES_LISTED: usize = 10;

/// Says which sites exist, and which of them is probably meant.
fn unknown_site(site: &LocalId, organization: &Organization) -> String {
    let meant = organization.site_meant(site.as_str());
    let meant = meant.map(|meant| format!(" Did you mean {}?", meant.local_id)).unwrap_or_default();
    let ids = organization.sites.iter().take(SITES_LISTED).map(|site| site.local_id.as_str()).collect::<Vec<_>>();
    let more = organization.sites.len().saturating_sub(SITES_LISTED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let sites = if ids.is_empty() { "none yet".to_owned() } else { ids.join(", ") };
    format!(
        "{} is not one of the organization's sites.{meant} Use the LocalId of a site ({sites}{more}), or have this \
         one added.",
        quoted(site.as_str())
    )
}

fn camera(review: &mut Review<'_>) {
    let organization = review.context.organization;
    let Some(sent) = &review.request.camera else { return };
    let Some(camera) = camera_id(review) else {
        let identified = sent.serial_number.is_some() || sent.name.is_some() || sent.location.is_some();
        if identified && sent.local_id.is_none() {
            let message = "The camera has no LocalId, so it is not assigned to the order. Send its LocalId, usually the serial number.";
            review.warn(IssueCode::Missing, "Camera.LocalId", message);
        }
        return;
    };
    match (organization.camera(&camera), site_id(review)) {
        (Some(listed), Some(site)) if listed.site != site => review.error(
            IssueCode::CameraOfOtherSite,
            "Camera.LocalId",
            format!(
                "Camera {} is assigned to site {}. Use a camera of the order's site, or have this one moved.",
                quoted(camera.as_str()),
                quoted(listed.site.as_str())
            ),
        ),
        (None, _) if !organization.auto_create_cameras => {
            let message = format!(
                "{} is not one of the organization's cameras. Use the LocalId of a camera, or have this one added.",
                quoted(camera.as_str())
            );
            review.error(IssueCode::UnknownCamera, "Camera.LocalId", message);
        }
        _ => {}
    }
}

/// An image directive says where the image lies and which eye it shows.
fn images(review: &mut Review<'_>) {
    let Some(camera) = &review.request.camera else { return };
    let mut missing = Vec::new();
    for (index, image) in camera.images.iter().enumerate() {
        missing.extend(
            missing_of(image).map(|(property, message)| (format!("Camera.Images[{index}].{property}"), message)),
        );
    }
    for (path, message) in missing {
        if !review.has_error_at(&path) {
            review.error(IssueCode::Missing, path, message);
        }
    }
}

fn missing_of(image: &Image) -> impl Iterator<Item = (&'static str, &'static str)> {
    let location = image.azure_blob_storage.as_ref();
    [
        (
            location.is_none_or(|location| location.container.is_none()),
            "AzureBlobStorage.Container",
            "An image directive names the container its image lies in.",
        ),
        (
            location.is_none_or(|location| location.file_name.is_none()),
            "AzureBlobStorage.FileName",
            "An image directive names the blob of its image.",
        ),
        (
            image.laterality.is_none(),
            "Laterality",
            "An image directive says which eye it shows: OD (right) or OS (left). Clients that leave out the number 0 \
             send \"OS\".",
        ),
    ]
    .into_iter()
    .filter_map(|(is_missing, property, message)| is_missing.then_some((property, message)))
}

/// An unknown state refuses the request where the state is used; in a patient's home address it is only a warning.
fn states(review: &mut Review<'_>) {
    let organization = review.context.organization;
    let unreadable = |state: Option<&String>| state.filter(|text| state::from_text(text).is_none()).cloned();
    if let Some(text) = unreadable(review.request.order.as_ref().and_then(|order| order.state.as_ref())) {
        review.error(IssueCode::UnknownState, "Order.State", format!("{} {NOT_A_STATE}", quoted(&text)));
    }
    let site_address = review.request.site.as_ref().and_then(|site| site.address.as_ref());
    if let Some(text) = unreadable(site_address.and_then(|address| address.state.as_ref())) {
        let message = format!("{} {NOT_A_STATE}", quoted(&text));
        let listed = site_id(review).is_some_and(|site| organization.site(&site).is_some());
        if listed || !organization.auto_create_sites {
            review.warn(IssueCode::UnknownState, "Site.Address.State", message);
        } else {
            review.error(IssueCode::UnknownState, "Site.Address.State", message);
        }
    }
    let home = review.request.patient.as_ref().and_then(|patient| patient.address.as_ref());
    if let Some(text) = unreadable(home.filter(|home| is_domestic(home)).and_then(|home| home.state.as_ref())) {
        let message = format!("{} is not a state of the United States; it is kept as it is.", quoted(&text));
        review.warn(IssueCode::UnknownState, "Patient.Address.State", message);
    }
}

fn is_domestic(address: &Address) -> bool {
    let domestic = ["US", "USA", "U.S.", "U.S.A.", "United States", "United States of America"];
    address.country.as_deref().is_none_or(|country| domestic.iter().any(|name| country.eq_ignore_ascii_case(name)))
}

/// A new order must resolve to a state: its own, or its site's (iris-facts ). Sites that are not listed have
/// one, because they cannot be created without.
pub(super) fn order_state(review: &mut Review<'_>) {
    if review.request.order.as_ref().is_some_and(|order| order.state.is_some()) {
        return;
    }
    let listed = site_id(review).and_then(|site| review.context.organization.site(&site));
    let site_has_none = listed.is_some_and(|site| site.address.state.as_deref().and_then(state::from_text).is_none());
    if site_has_none && !review.has_error_at("Order.State") {
        let message =
            "The site has no state of its own, so every order has to say where the exam takes place. Send Order.State.";
        review.error(IssueCode::NoState, "Order.State", message);
    }
}
