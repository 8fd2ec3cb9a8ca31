//! Gradings and resent results (iris-facts §6, R-13, R-17, R-24; decisions 120 to 135).
//!
//! The care plan, the flags and the codes are fixed when the grading is applied, and stored with it. The document is
//! written anew each time from the order, the patient and what was fixed. Corrections and addenda leave the order
//! graded and raise its version, so that two concurrent ones cannot both succeed.

use super::{Case, Change, Decision};
use crate::content::{self, Unreadable};
use crate::deliveries::DeliveryRecord;
use crate::deliveries::life::Purpose;
use crate::images::{ImageRecord, Requirement, is_satisfied, requirement};
use crate::incoming::NAMESPACE;
use crate::record::{GradingRecord, OrderChange, OrderRecord, ResultRecord};
use crate::snapshot::Snapshot;
use iris_model::event::EventKind;
use iris_model::grading::{GradingSubmission, Note};
use iris_model::organization::{CareLevel, Contact, ContactDocument, DestinationDocument};
use iris_model::result::{NotificationKind, ResultImage, UrgentFindingNotification};
use iris_model::{
    DateTimeOffset, ImageContext, Issue, IssueCode, Laterality, LocalId, OrderRequest, OrderStatus, Organization,
    OutcomeKind, ResultCode, request,
};
use iris_results::assessment::{Basis, notes};
use iris_results::basis::severity;
use iris_results::document::{GradedOrder, Sending, build, image_of_directive};
use iris_results::finding::{Finding, Suspicion};
use iris_results::image::{Candidate, choose};
use iris_results::reading::{Examination, Eye, OrderView, read};
use iris_results::{Assessment, ReportBasis, Severity, ShownImage, exam};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use uuid::Uuid;

/// How far a grader's clock may be ahead of ours.
const CLOCKS_DIFFER_BY: SignedDuration = SignedDuration::from_mins(5);
const GRADING: Unreadable = Unreadable::of("grading of an order");

/// Applies a grading, a correction or an addendum.
pub(super) fn grade(
    mut case: Case<'_>,
    local_id: &LocalId,
    grading: &GradingSubmission,
) -> Result<Decision, Unreadable> {
    let Some(order) = case.snapshot.order(&case.order_ref(local_id)) else {
        return Ok(case.unknown_order());
    };
    case.iris_order_id = Some(order.id);
    case.patient_local_id = case.patient_of(order);
    let code = grading.result_code.unwrap_or(ResultCode::Final);
    let fingerprint = Uuid::new_v5(&NAMESPACE, grading.to_json().as_bytes());
    if case.is_repetition(order, code, fingerprint) {
        return Ok(case.succeeded(OutcomeKind::Replayed));
    }
    if order.status == OrderStatus::OrderCancelled {
        return Ok(case.ignored(IssueCode::OrderClosed, "The order was cancelled; it is not graded.".to_owned()));
    }
    let is_graded = standing(case.snapshot.gradings(order.id))?.is_some();
    match code {
        ResultCode::Correction | ResultCode::Addendum if !is_graded => {
            let message = "The order has no result yet. Send the grading as final (F).";
            case.issues.push(Issue::error(IssueCode::NothingToCorrect, "ResultCode", message));
            return Ok(case.failed());
        }
        ResultCode::Correction | ResultCode::Addendum => {}
        _ if is_graded || !order.is_open() => {
            let message = "The order is graded. To replace its result send ResultCode C, to add a note A.";
            return Ok(case.ignored(IssueCode::OrderClosed, message.to_owned()));
        }
        _ if order.images == 0 && !case.organization.grading.without_images => {
            let message = "The order has no images; it cannot be graded yet.";
            return Ok(case.ignored(IssueCode::NoImages, message.to_owned()));
        }
        _ => {}
    }
    case.check_grader(order, grading);
    case.check_place_and_time(order, grading);
    if code == ResultCode::Addendum {
        case.addendum(order, grading, fingerprint)
    } else {
        case.graded(order, grading, code, fingerprint)
    }
}

/// Sends the result of a graded order again. An unknown order is reported at once: it cannot have a result.
pub(super) fn resend(mut case: Case<'_>, local_id: &LocalId) -> Result<Decision, Unreadable> {
    let Some(order) = case.snapshot.order(&case.order_ref(local_id)) else {
        case.issues.push(super::unknown_order());
        return Ok(case.failed());
    };
    case.iris_order_id = Some(order.id);
    case.patient_local_id = case.patient_of(order);
    let Some(assessment) = standing(case.snapshot.gradings(order.id))? else {
        case.issues.push(Issue::error(
            IssueCode::NoResultYet,
            "Order.LocalId",
            format!("There is no result to send again: the order's status is {}.", order.status),
        ));
        return Ok(case.failed());
    };
    let added = added_notes(case.snapshot.gradings(order.id))?;
    case.result(order, &assessment, &added, ResultCode::Resend)?;
    Ok(case.succeeded(OutcomeKind::Resent))
}

/// The assessment in force: that of the latest grading that is not an addendum.
fn standing(gradings: &[Arc<GradingRecord>]) -> Result<Option<Assessment>, Unreadable> {
    let latest = gradings.iter().rfind(|grading| grading.code != ResultCode::Addendum);
    latest.map(|grading| content::read(&grading.details, GRADING)).transpose()
}

/// The notes of all addenda, oldest first.
fn added_notes(gradings: &[Arc<GradingRecord>]) -> Result<Vec<Note>, Unreadable> {
    let addenda = gradings.iter().filter(|grading| grading.code == ResultCode::Addendum);
    let notes: Result<Vec<Vec<Note>>, _> = addenda.map(|grading| content::read(&grading.details, GRADING)).collect();
    Ok(notes?.concat())
}

impl Case<'_> {
    /// The same grading sent again changes nothing. If it has been corrected since, it no longer counts as the same,
    /// and is refused like any second grading.
    fn is_repetition(&self, order: &OrderRecord, code: ResultCode, fingerprint: Uuid) -> bool {
        let gradings = self.snapshot.gradings(order.id);
        match code {
            ResultCode::Addendum => gradings.iter().any(|grading| grading.fingerprint == fingerprint),
            _ => gradings
                .iter()
                .rfind(|grading| grading.code != ResultCode::Addendum)
                .is_some_and(|grading| grading.fingerprint == fingerprint),
        }
    }

    /// If a human grader is named, they must be licensed where the exam took place (iris-facts R-06; decision 123).
    fn check_grader(&mut self, order: &OrderRecord, grading: &GradingSubmission) {
        let graders = &self.organization.grading.graders;
        let by_human = order.evaluation_types.iter().any(|kind| !exam::is_read_by_ai(*kind));
        let Some(npi) = grading.provider.as_ref().and_then(|provider| provider.npi.as_deref()) else { return };
        if graders.is_empty() || !by_human {
            return;
        }
        let issue = match graders.iter().find(|grader| grader.npi == npi) {
            Some(grader) if grader.states.contains(&order.state) => return,
            Some(_) => Issue::error(
                IssueCode::GraderNotLicensed,
                "Provider.NPI",
                format!("The grader has no license for {}, where the exam took place.", order.state),
            ),
            None => {
                let message = "This NPI is not one of the organization's graders.";
                Issue::error(IssueCode::UnknownGrader, "Provider.NPI", message)
            }
        };
        self.issues.push(issue);
    }

    /// A grading must name its order's site and must not be signed in the future (decision 286).
    fn check_place_and_time(&mut self, order: &OrderRecord, grading: &GradingSubmission) {
        let site = grading.site.as_ref().and_then(|site| site.local_id.as_deref());
        if site.is_some_and(|site| LocalId::new(site).as_ref() != Some(&order.site)) {
            let message = "The grading names another site than the one of this order. Check which order was graded.";
            self.issues.push(Issue::error(IssueCode::OtherSite, "Site.LocalId", message));
        }
        if grading.graded_time.is_some_and(|time| time.instant > self.now + CLOCKS_DIFFER_BY) {
            let message = "The grading was signed in the future. Check the clock and the time zone.";
            self.issues.push(Issue::error(IssueCode::ImplausibleDate, "GradedTime", message));
        }
    }

    /// A finding that concerns both eyes is accepted with a warning when only one eye was graded: it may be an
    /// emergency.
    fn note_bilateral(&mut self, examination: &Examination) {
        for (side, path) in [(&examination.od, "OD.Findings"), (&examination.os, "OS.Findings")] {
            let bilateral = Finding::Suspected(Suspicion::BilateralPapilledema);
            let is_named = matches!(side, Some(Eye::Gradable(findings)) if findings.contains(&bilateral));
            if is_named && examination.gradable().count() < 2 {
                let message = "Suspected Bilateral Papilledema is about both eyes, and only one was graded. It was taken as it is.";
                self.issues.push(Issue::warning(IssueCode::ContradictoryEye, path, message));
            }
        }
    }

    fn graded(
        mut self,
        order: &OrderRecord,
        grading: &GradingSubmission,
        code: ResultCode,
        fingerprint: Uuid,
    ) -> Result<Decision, Unreadable> {
        let request = self.request_of(order)?;
        let images = images(self.snapshot, order, &request);
        let shows = |side| {
            images.iter().any(|image| matches!(image.laterality, Some(eye) if eye == side || eye == Laterality::Ou))
        };
        let view = OrderView {
            evaluation_types: &order.evaluation_types,
            missing_eye_reason: request.order.as_ref().and_then(|order| order.missing_eye_reason.as_deref()),
            right_images: shows(Laterality::Od),
            left_images: shows(Laterality::Os),
        };
        let examination = match read(grading, view) {
            Ok(examination) if !self.has_errors() => examination,
            Ok(_) => return Ok(self.failed()),
            Err(issues) => {
                self.issues.extend(issues);
                return Ok(self.failed());
            }
        };
        let basis = Basis {
            organization: self.organization,
            site: self.organization.site(&order.site),
            evaluation_types: &order.evaluation_types,
            submitted_diagnosis: request.patient.as_ref().and_then(|patient| patient.dx_code.as_deref()),
            one_eye: requirement(&request, self.organization) == Requirement::OneEye,
        };
        self.note_bilateral(&examination);
        let assessment = Assessment::of(&examination, grading, basis, self.now);
        self.store_grading(order, code, fingerprint, content::json(&assessment));
        self.receipt(true);
        self.order_event(EventKind::OrderGradedEvent, order, self.patient_local_id.clone());
        let added = added_notes(self.snapshot.gradings(order.id))?;
        self.result(order, &assessment, &added, code)?;
        self.notify(order, &assessment);
        Ok(self.finish(OutcomeKind::Changed))
    }

    fn addendum(
        mut self,
        order: &OrderRecord,
        grading: &GradingSubmission,
        fingerprint: Uuid,
    ) -> Result<Decision, Unreadable> {
        if grading.od.is_some() || grading.os.is_some() {
            let message = "An addendum adds notes and changes no findings. To change them send ResultCode C.";
            self.issues.push(Issue::error(IssueCode::ContradictoryEye, "ResultCode", message));
        }
        let at = grading.graded_time.unwrap_or_else(|| DateTimeOffset::utc(self.now));
        let said = notes(grading, at);
        if said.is_empty() {
            self.issues.push(Issue::error(IssueCode::Missing, "Notes", "An addendum has at least one note."));
        }
        let gradings = self.snapshot.gradings(order.id);
        let Some(assessment) = standing(gradings)?.filter(|_| !self.has_errors()) else { return Ok(self.failed()) };
        self.store_grading(order, ResultCode::Addendum, fingerprint, content::json(&said));
        let added: Vec<Note> = added_notes(gradings)?.into_iter().chain(said).collect();
        self.result(order, &assessment, &added, ResultCode::Addendum)?;
        Ok(self.succeeded(OutcomeKind::Changed))
    }

    fn store_grading(&mut self, order: &OrderRecord, code: ResultCode, fingerprint: Uuid, details: String) {
        let earlier = self.snapshot.gradings(order.id);
        self.changes.push(Change::NewGrading(Arc::new(GradingRecord {
            order: order.id,
            number: earlier.last().map_or(1, |grading| grading.number + 1),
            at: self.now,
            code,
            submission: self.incoming.id,
            fingerprint,
            details,
        })));
        let change = if earlier.is_empty() { OrderChange::Graded } else { OrderChange::Regraded };
        // It stays graded until every destination has the result (decision 261).
        let is_wanted = self.destinations(order).next().is_some();
        let status = if is_wanted { OrderStatus::Graded } else { OrderStatus::Complete };
        self.changes.push(Change::ChangedOrder {
            order: Arc::new(OrderRecord { status, version: order.version + 1, ..order.clone() }),
            change,
            status_before: order.status,
            content_before: None,
        });
    }

    /// Writes and stores the result, and creates a delivery for every destination that wants it.
    fn result(
        &mut self,
        order: &OrderRecord,
        assessment: &Assessment,
        added_notes: &[Note],
        code: ResultCode,
    ) -> Result<(), Unreadable> {
        let request = self.request_of(order)?;
        let mut images = images(self.snapshot, order, &request);
        let submitted = request.patient.as_ref().and_then(|patient| patient.dx_code.clone());
        let mut basis = ReportBasis::of(assessment, submitted, order.created_at);
        let linked = linked(self.snapshot, order);
        basis.right_image = shown(&linked, &mut images, Laterality::Od, severity(assessment.od.as_ref()));
        basis.left_image = shown(&linked, &mut images, Laterality::Os, severity(assessment.os.as_ref()));
        let graded = GradedOrder {
            organization: self.organization,
            id: order.id,
            local_id: &order.key.local_id,
            patient_id: order.patient,
            patient_local_id: self.patient_local_id.as_deref().unwrap_or_default(),
            site: &order.site,
            state: &order.state,
            evaluation_types: &order.evaluation_types,
            created_at: order.created_at,
            queued_at: queued_at(&request, self.organization, order, &linked),
            request: &request,
            images: &images,
            assessment,
            added_notes,
        };
        let transaction_id = self.message_id(iris_model::result::RESULT_OBJECT_TYPE, Some(order.id));
        let document = build(&graded, Sending { transaction_id, at: self.now, code });
        self.changes.push(Change::NewResult(Arc::new(ResultRecord {
            transaction_id,
            order: order.id,
            at: self.now,
            code,
            document: content::json(&document),
            report: content::json(&basis),
        })));
        for destination in self.destinations(order).collect::<Vec<_>>() {
            // An order is charged once, when it is graded; corrections, addenda and resends are not charged.
            if destination.charges() && code != ResultCode::Final {
                continue;
            }
            let purpose = if destination.charges() { Purpose::AtMostOnce } else { Purpose::AtLeastOnce };
            self.changes.push(Change::NewDelivery(DeliveryRecord {
                transaction_id,
                destination: destination.id,
                organization: self.client_guid(),
                slug: self.organization.slug.clone(),
                order: order.id,
                at: self.now,
                purpose,
            }));
        }
        Ok(())
    }

    /// The destinations that get the order's results.
    fn destinations(&self, order: &OrderRecord) -> impl Iterator<Item = DestinationDocument> {
        self.organization.all_destinations().filter(|destination| destination.serves(&order.site))
    }

    /// Notifies the contacts of an urgent or emergent finding (decision 127).
    fn notify(&mut self, order: &OrderRecord, assessment: &Assessment) {
        let wants = |contact: &&ContactDocument| {
            let level = match assessment.level {
                CareLevel::Emergent => contact.emergent,
                CareLevel::Urgent => contact.urgent,
                CareLevel::Referable | CareLevel::NotReferable => false,
            };
            level && (contact.sites.is_empty() || contact.sites.contains(&order.site))
        };
        if assessment.level < CareLevel::Urgent {
            return;
        }
        let contacts: Vec<Contact> =
            self.organization.grading.contacts.iter().filter(wants).map(Contact::from).collect();
        let has_queue = self.organization.events_queue().is_some();
        if contacts.is_empty() || !has_queue {
            let message = "The finding is urgent or emergent, and nobody is named who is to be told.";
            self.issues.push(Issue::warning(IssueCode::NoContact, "", message));
        }
        if !has_queue {
            return;
        }
        for (index, contact) in contacts.into_iter().enumerate() {
            let notification = UrgentFindingNotification {
                transaction_id: self.message_id(&format!("UrgentFindingNotification/{index}"), Some(order.id)),
                timestamp: DateTimeOffset::utc(self.now),
                iris_order_id: order.id,
                order_local_id: order.key.local_id.to_string(),
                patient_local_id: self.patient_local_id.clone(),
                care_level: assessment.level,
                care_plan_name: assessment.care_plan_name.clone(),
                contact,
                success: true,
                error_message: None,
                result_object_type: NotificationKind::UrgentFindingNotification,
                version: request::VERSION.to_owned(),
            };
            self.notifications.push(notification);
        }
    }

    /// The request as submitted: the order and its patient.
    fn request_of(&self, order: &OrderRecord) -> Result<OrderRequest, Unreadable> {
        let patient = self.snapshot.patient_by_id(order.patient);
        let patient = patient.ok_or(Unreadable::of("record of a patient"))?;
        content::whole(order.stored_content()?, &patient.details)
    }
}

/// When the order had all the images it needs, and so was queued for grading. `linked` must be in order of arrival.
/// `None`: it was graded without them.
fn queued_at(
    request: &OrderRequest,
    organization: &Organization,
    order: &OrderRecord,
    linked: &[&ImageRecord],
) -> Option<Timestamp> {
    let requirement = requirement(request, organization);
    let enough = (1..=linked.len()).find(|count| is_satisfied(requirement, linked.iter().take(*count).copied()))?;
    let last = linked.get(enough - 1)?;
    Some(last.received_at.max(order.created_at))
}

/// The images linked to the order, in order of arrival.
fn linked<'a>(snapshot: &'a Snapshot, order: &OrderRecord) -> Vec<&'a ImageRecord> {
    let mut linked = snapshot.images.images_of_order(order.id);
    linked.sort_by_key(|image| (image.received_at, image.iris_id));
    linked
}

/// The linked images as results list them, with the details from the order's directives.
fn images(snapshot: &Snapshot, order: &OrderRecord, request: &OrderRequest) -> Vec<ResultImage> {
    let camera = request.camera.as_ref();
    let directives = camera.map(|camera| camera.images.as_slice()).unwrap_or_default();
    let told = |image: &ImageRecord| {
        let names = |directive: &&request::Image| {
            let place = directive.azure_blob_storage.as_ref();
            place.and_then(|place| place.file_name.as_deref()) == Some(image.blob.file_name.as_str())
        };
        let said = directives.iter().find(names);
        ResultImage {
            local_id: image.local_id.clone(),
            received: Some(DateTimeOffset::utc(image.received_at)),
            file_name: Some(image.blob.file_name.clone()),
            container_name: Some(image.blob.container.clone()),
            order_image_id: Some(image.iris_id),
            laterality: image.laterality,
            image_context: Some(image.context),
            ..said.map(|said| image_of_directive(said, camera)).unwrap_or_default()
        }
    };
    linked(snapshot, order).into_iter().map(told).collect()
}

/// Chooses the image of an eye for the report and marks it as preferred (iris-facts §10.5). `linked` and `told` list
/// the same images. An image that a report can show is preferred to one that it cannot.
fn shown(
    linked: &[&ImageRecord],
    told: &mut [ResultImage],
    eye: Laterality,
    severity: Option<Severity>,
) -> Option<ShownImage> {
    let of_eye = |image: &ImageRecord| {
        !image.archive.is_empty() && matches!(image.laterality, Some(side) if side == eye || side == Laterality::Ou)
    };
    let is_showable = |image: &ImageRecord| matches!(image.format.as_str(), "JPG" | "PNG");
    let of_eye: Vec<usize> = (0..linked.len()).filter(|index| of_eye(linked[*index])).collect();
    let showable: Vec<usize> = of_eye.iter().copied().filter(|index| is_showable(linked[*index])).collect();
    let places = if showable.is_empty() { of_eye } else { showable };
    let candidates: Vec<Candidate> = places.iter().map(|place| candidate(linked[*place], &told[*place])).collect();
    let pathology = severity.is_some_and(|severity| severity > Severity::Normal);
    let chosen = *places.get(choose(&candidates, pathology)?)?;
    let (image, result) = (linked[chosen], told.get_mut(chosen)?);
    result.preferred = Some(true);
    Some(ShownImage { archive: image.archive.clone(), size: image.size, taken: taken(image, result) })
}

fn candidate(image: &ImageRecord, told: &ResultImage) -> Candidate {
    Candidate {
        shown_at_finding: false,
        preferred: false,
        primary: image.context == ImageContext::Primary,
        added_late: image.context == ImageContext::AddedLate,
        taken: taken(image, told),
        received: Some(image.received_at),
    }
}

/// When an image was taken, in local time: from the image itself, otherwise from its directive.
fn taken(image: &ImageRecord, told: &ResultImage) -> Option<DateTime> {
    image.claims.taken.or_else(|| told.taken.map(|taken| taken.offset.to_datetime(taken.instant)))
}
