//! Folding a request into its canonical form: sections without content dropped, lists sorted and free of repetition,
//! states as two-letter codes. What is not canonical after this is reported by the checks that follow.

use super::Review;
use crate::request::{Address, BlobLocation, Image, PersonGender, PrimaryCareProvider, Provider, VERSION};
use crate::{IssueCode, OrderControlCode, OrderRequest, state};

pub(super) fn fold(review: &mut Review<'_>) {
    if review.context.origin.fill_from_organization {
        fill(review);
    }
    let request = &mut review.request;
    drop_empty_sections(request);
    let addresses = [
        request.site.as_mut().and_then(|site| site.address.as_mut()),
        request.patient.as_mut().and_then(|patient| patient.address.as_mut()),
    ];
    for address in addresses.into_iter().flatten() {
        canonical_state(&mut address.state);
    }
    if let Some(order) = &mut request.order {
        canonical_state(&mut order.state);
        order.evaluation_types.sort_unstable();
        order.evaluation_types.dedup();
    }
    fold_genders(review);
}

/// What a drop's container already says. Something unreadable is not the same as nothing.
fn fill(review: &mut Review<'_>) {
    if !review.has_error_at("Version") {
        review.request.version.get_or_insert_with(|| VERSION.to_owned());
    }
    if !review.has_error_at("ClientGuid") {
        review.request.client_guid.get_or_insert(review.context.organization.client_guid);
    }
    if !review.has_error_at("OrderControlCode") {
        review.request.order_control_code.get_or_insert(OrderControlCode::NewOrder);
    }
}

fn canonical_state(text: &mut Option<String>) {
    if let Some(code) = text.as_deref().and_then(state::from_text)
        && text.as_deref() != Some(code)
    {
        *text = Some(code.to_owned());
    }
}

/// Drops what says nothing, innermost first.
fn drop_empty_sections(request: &mut OrderRequest) {
    let providers = [&mut request.ordering_provider, &mut request.referring_provider, &mut request.camera_operator];
    for provider in providers {
        if let Some(inner) = provider {
            drop_empty(&mut inner.name);
        }
        drop_empty::<Provider>(provider);
    }
    if let Some(site) = &mut request.site {
        drop_empty::<Address>(&mut site.address);
    }
    if let Some(camera) = &mut request.camera {
        for image in &mut camera.images {
            drop_empty::<BlobLocation>(&mut image.azure_blob_storage);
        }
        camera.images.retain(|image| *image != Image::default());
    }
    if let Some(patient) = &mut request.patient {
        drop_empty(&mut patient.name);
        drop_empty::<Address>(&mut patient.address);
    }
    if let Some(plan) = &mut request.health_plan {
        if let Some(provider) = &mut plan.primary_care_provider {
            drop_empty(&mut provider.name);
        }
        drop_empty::<PrimaryCareProvider>(&mut plan.primary_care_provider);
    }
    drop_empty(&mut request.site);
    drop_empty(&mut request.camera);
    drop_empty(&mut request.order);
    drop_empty(&mut request.patient);
    drop_empty(&mut request.health_plan);
}

fn drop_empty<T: Default + PartialEq>(section: &mut Option<T>) {
    if section.as_ref().is_some_and(|section| *section == T::default()) {
        *section = None;
    }
}

/// One gender per context. The same one twice is the same as once; two different ones contradict each other.
fn fold_genders(review: &mut Review<'_>) {
    let Some(patient) = &mut review.request.patient else { return };
    patient.genders.sort_by_key(|entry| (entry.context, entry.gender));
    patient.genders.dedup();
    let contradiction = patient.genders.windows(2).find_map(|pair| match pair {
        [PersonGender { context, gender }, next] if next.context == *context => Some((*context, *gender, next.gender)),
        _ => None,
    });
    if let Some((context, one, other)) = contradiction {
        let message = format!("{context} is given twice, as {one} and as {other}. Send one gender per context.");
        review.error(IssueCode::DuplicateProperty, "Patient.Genders", message);
    }
}
