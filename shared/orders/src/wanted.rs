//! What a snapshot has to hold so that a submission, or a task about images, can be decided.

use iris_model::organization::PatientScope;
use iris_model::{Action, LocalId, OrderRequest, Organization};
use iris_rules::decide::patient_ref;
use iris_rules::images::{BlobRef, ImageRecord, ImageTask, ImageWork};
use iris_rules::incoming::{Incoming, Source};
use iris_rules::record::OrderRef;
use iris_store::Wanted;

/// Adds what a submission needs.
pub(super) fn want_submission(incoming: &Incoming, wanted: &mut Wanted) {
    if incoming.source == Source::Message {
        wanted.submissions.push(incoming.id);
    }
    let Ok(submission) = &incoming.request else { return };
    let organization = incoming.organization.as_ref();
    let sent_camera = || {
        let camera = submission.request.camera.as_ref()?;
        LocalId::new(camera.local_id.as_deref()?)
    };
    match &submission.action {
        Action::RegisterPatient { site, patient } => {
            wanted.patients.insert(patient_ref(organization, site, &patient.local_id));
            want_site(wanted, organization, site);
        }
        Action::Create { site, patient, order } => {
            wanted.patients.insert(patient_ref(organization, site, &patient.local_id));
            want_order(wanted, organization, &order.local_id, false);
            want_site(wanted, organization, site);
            want_camera(wanted, organization, order.camera.as_ref());
            want_claim(wanted, organization, order.local_id.as_str());
            want_claim(wanted, organization, patient.local_id.as_str());
            want_sent_images(wanted, organization, &submission.request);
        }
        Action::Change { order, site } => {
            want_order(wanted, organization, order, true);
            if let Some(site) = site {
                want_site(wanted, organization, site);
            }
            want_camera(wanted, organization, sent_camera().as_ref());
            want_sent_images(wanted, organization, &submission.request);
        }
        Action::AttachImage { order } => {
            want_order(wanted, organization, order, true);
            want_sent_images(wanted, organization, &submission.request);
        }
        Action::Cancel { order } => want_order(wanted, organization, order, false),
        Action::ResendResult { order } | Action::Grade { order, .. } => {
            want_order(wanted, organization, order, true);
            let key = OrderRef { organization: organization.client_guid, local_id: order.clone() };
            wanted.gradings.insert(key);
        }
    }
}

/// Adds what a task about images needs.
pub(super) fn want_image(work: &ImageWork, wanted: &mut Wanted) {
    let organization = work.organization.as_ref();
    match &work.task {
        ImageTask::Arrived(image) | ImageTask::Waiting(image) => want_owner(image, organization, wanted),
        ImageTask::Missing { directive, .. } => {
            wanted.images.orders.insert(directive.order);
            wanted.images.blobs.insert(directive.blob(organization.client_guid));
        }
    }
}

/// Everything an image may belong to.
fn want_owner(image: &ImageRecord, organization: &Organization, wanted: &mut Wanted) {
    let guid = organization.client_guid;
    wanted.images.ids.insert(image.id);
    wanted.images.blobs.insert(image.blob.clone());
    let claims = &image.claims;
    if let Some(order) = claims.accession.as_deref().and_then(LocalId::new) {
        want_order(wanted, organization, &order, true);
    }
    if let Some(study) = &claims.study {
        wanted.images.studies.insert((guid, study.clone()));
    }
    if let Some(patient) = claims.patient.as_deref().and_then(LocalId::new) {
        want_patient_anywhere(wanted, organization, &patient);
    }
    want_camera(wanted, organization, claims.device.as_deref().and_then(LocalId::new).as_ref());
}

/// An image does not say which site its patient belongs to, so every site is searched.
fn want_patient_anywhere(wanted: &mut Wanted, organization: &Organization, patient: &LocalId) {
    wanted.images.patients.insert((organization.client_guid, patient.clone()));
    match organization.patient_scope {
        PatientScope::Organization => {
            wanted
                .patients
                .extend(organization.sites.first().map(|site| patient_ref(organization, &site.local_id, patient)));
        }
        PatientScope::Site => {
            let sites = organization.sites.iter().map(|site| &site.local_id);
            wanted.patients.extend(sites.map(|site| patient_ref(organization, site, patient)));
        }
    }
}

fn want_sent_images(wanted: &mut Wanted, organization: &Organization, request: &OrderRequest) {
    let sent = request.camera.as_ref().map(|camera| camera.images.as_slice()).unwrap_or_default();
    for place in sent.iter().filter_map(|image| image.azure_blob_storage.as_ref()) {
        if let (Some(container), Some(file_name)) = (&place.container, &place.file_name) {
            let organization = organization.client_guid;
            let blob = BlobRef { organization, container: container.clone(), file_name: file_name.clone() };
            wanted.images.blobs.insert(blob);
        }
    }
    let study = request.order.as_ref().and_then(|order| order.study_instance_unique_id.as_deref());
    if let Some(study) = study {
        want_claim(wanted, organization, study.trim());
    }
}

fn want_claim(wanted: &mut Wanted, organization: &Organization, text: &str) {
    wanted.images.claims.insert((organization.client_guid, text.to_owned()));
}

fn want_order(wanted: &mut Wanted, organization: &Organization, local_id: &LocalId, content: bool) {
    let key = OrderRef { organization: organization.client_guid, local_id: local_id.clone() };
    *wanted.orders.entry(key).or_default() |= content;
}

fn want_site(wanted: &mut Wanted, organization: &Organization, site: &LocalId) {
    if organization.site(site).is_none() {
        wanted.sites.insert((organization.client_guid, site.clone()));
    }
}

fn want_camera(wanted: &mut Wanted, organization: &Organization, camera: Option<&LocalId>) {
    if let Some(camera) = camera.filter(|camera| organization.camera(camera).is_none()) {
        wanted.cameras.insert((organization.client_guid, camera.clone()));
    }
}
