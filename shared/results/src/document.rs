//! Writing the OrderResult (iris-facts §5; decision 129).

use crate::assessment::{AssessedEye, Assessment};
use crate::icd;
use iris_model::grading::Note;
use iris_model::organization::{CareLevel, Organization};
use iris_model::request::{self, Address, Image, OrderRequest, PersonGender};
use iris_model::result::{
    CameraOperator, EyeSideGrading, Gradings, ImageDetails, OrderResult, Procedure, RESULT_OBJECT_TYPE,
    ResultHealthPlan, ResultImage, ResultOrder, ResultPatient, ResultSite,
};
use iris_model::{
    DateTimeOffset, EvaluationType, Gender, GenderContext, ImageContext, Laterality, LocalId, OrderStatus, ResultCode,
};
use jiff::Timestamp;
use uuid::Uuid;

/// The part of a graded order that its result describes.
#[derive(Debug, Clone, Copy)]
pub struct GradedOrder<'a> {
    /// The organization it belongs to.
    pub organization: &'a Organization,
    /// The order's id in IRIS.
    pub id: i64,
    /// The submitter's id of the order.
    pub local_id: &'a LocalId,
    /// The patient's id in IRIS.
    pub patient_id: i64,
    /// The submitter's id of the patient.
    pub patient_local_id: &'a str,
    /// The site where the exam took place.
    pub site: &'a LocalId,
    /// Two-letter state of the exam.
    pub state: &'a str,
    /// What was examined.
    pub evaluation_types: &'a [EvaluationType],
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was queued for grading.
    pub queued_at: Option<Timestamp>,
    /// What was submitted, with the patient as currently on record.
    pub request: &'a OrderRequest,
    /// Its images.
    pub images: &'a [ResultImage],
    /// The assessment in force.
    pub assessment: &'a Assessment,
    /// Remarks added later, oldest first.
    pub added_notes: &'a [Note],
}

/// The transmission for which a document is written.
#[derive(Debug, Clone, Copy)]
pub struct Sending {
    /// Its id.
    pub transaction_id: Uuid,
    /// When it is written.
    pub at: Timestamp,
    /// What kind of result it is.
    pub code: ResultCode,
}

/// Writes the document.
#[must_use]
pub fn build(order: &GradedOrder<'_>, sending: Sending) -> OrderResult {
    let request = order.request;
    OrderResult {
        version: request::VERSION.to_owned(),
        timestamp: DateTimeOffset::utc(sending.at),
        transaction_id: sending.transaction_id,
        success: true,
        result_object_type: RESULT_OBJECT_TYPE.to_owned(),
        result_code: sending.code,
        site: site(order),
        results_document: None,
        image_details: image_details(order),
        images: order.images.to_vec(),
        order: result_order(order),
        patient: patient(order),
        ordering_provider: request.ordering_provider.clone(),
        referring_provider: request.referring_provider.clone(),
        gradings: gradings(order),
        camera_operator: camera_operator(request),
        health_plan: request.health_plan.as_ref().map(health_plan),
        cpt: procedure(request),
    }
}

/// What an image directive says about its image.
#[must_use]
pub fn image_of_directive(image: &Image, camera: Option<&request::Camera>) -> ResultImage {
    let place = image.azure_blob_storage.clone().unwrap_or_default();
    ResultImage {
        local_id: image.local_id.clone(),
        taken: image.taken,
        received: None,
        file_name: place.file_name,
        container_name: place.container,
        order_image_id: None,
        laterality: image.laterality,
        image_context: Some(image.image_context.unwrap_or(ImageContext::Primary)),
        parent_local_id: image.parent_local_id.clone(),
        group_id: image.group_id,
        group_ordinal: image.group_ordinal,
        preferred: None,
        // The images are left out, because the directives are the images themselves; a camera without other details is
        // omitted.
        camera: camera
            .map(|camera| request::Camera { images: Vec::new(), ..camera.clone() })
            .filter(|camera| *camera != request::Camera::default()),
    }
}

fn site(order: &GradedOrder<'_>) -> ResultSite {
    let listed = order.organization.site(order.site);
    let sent = order.request.site.as_ref();
    let address =
        listed.map(|site| Address::from(&site.address)).or_else(|| sent.and_then(|site| site.address.clone()));
    ResultSite {
        local_id: order.site.to_string(),
        name: listed.map(|site| site.name.clone()).or_else(|| sent.and_then(|site| site.name.clone())),
        address: address.filter(|address| *address != Address::default()),
    }
}

fn image_details(order: &GradedOrder<'_>) -> ImageDetails {
    let count = |wanted: &dyn Fn(&&ResultImage) -> bool| {
        u32::try_from(order.images.iter().filter(wanted).count()).unwrap_or(u32::MAX)
    };
    let of = |image: &ResultImage, side: Laterality| matches!(image.laterality, Some(eye) if eye == side || eye == Laterality::Ou);
    let enhanced = |image: &ResultImage| image.image_context == Some(ImageContext::Enhancement);
    let seen = |eye: &Option<AssessedEye>| eye.as_ref().is_some_and(|eye| !matches!(eye, AssessedEye::Missing(_)));
    let sent = order.request.order.as_ref().and_then(|order| order.single_eye_only);
    ImageDetails {
        total_count: count(&|_| true),
        right_eye_count: count(&|image| of(image, Laterality::Od)),
        left_eye_count: count(&|image| of(image, Laterality::Os)),
        right_eye_original_count: count(&|image| of(image, Laterality::Od) && !enhanced(image)),
        left_eye_original_count: count(&|image| of(image, Laterality::Os) && !enhanced(image)),
        right_eye_enhanced_count: count(&|image| of(image, Laterality::Od) && enhanced(image)),
        left_eye_enhanced_count: count(&|image| of(image, Laterality::Os) && enhanced(image)),
        preferred: order.images.iter().any(|image| image.preferred == Some(true)),
        single_eye_only: sent == Some(true) || seen(&order.assessment.od) != seen(&order.assessment.os),
    }
}

fn result_order(order: &GradedOrder<'_>) -> ResultOrder {
    let sent = order.request.order.clone().unwrap_or_default();
    let serviced = order.images.iter().filter_map(|image| image.taken).max_by_key(|taken| taken.instant);
    ResultOrder {
        patient_order_id: order.id,
        // Whoever reads this has the result, so for them the order is complete.
        status: OrderStatus::Complete,
        local_id: order.local_id.to_string(),
        evaluation_types: order.evaluation_types.to_vec(),
        scheduled_time: sent.scheduled_time,
        created_time: DateTimeOffset::utc(order.created_at),
        serviced_time: serviced,
        department_id: sent.department_id,
        encounter_number: sent.encounter_number,
        study_instance_unique_id: sent.study_instance_unique_id,
        orderable_identifier: sent.orderable_identifier,
        additional_info: sent.additional_info,
        state: order.state.to_owned(),
        single_eye_only: sent.single_eye_only,
        missing_eye_reason: sent.missing_eye_reason,
        expedite: sent.urgent.unwrap_or(false),
    }
}

fn patient(order: &GradedOrder<'_>) -> ResultPatient {
    let patient = order.request.patient.clone().unwrap_or_default();
    let at_birth = |entry: &&PersonGender| entry.context == GenderContext::Birth;
    let gender: Option<Gender> =
        patient.genders.iter().find(at_birth).or(patient.genders.first()).map(|entry| entry.gender);
    ResultPatient {
        patient_id: order.patient_id,
        local_id: order.patient_local_id.to_owned(),
        name: patient.name,
        dob: patient.dob,
        gender,
        genders: patient.genders,
        phone: patient.phone,
    }
}

fn gradings(order: &GradedOrder<'_>) -> Gradings {
    let assessment = order.assessment;
    Gradings {
        notes: assessment.notes.iter().chain(order.added_notes).cloned().collect(),
        graded_time: assessment.graded_at,
        queued_time: order.queued_at.map(DateTimeOffset::utc),
        care_plan_name: assessment.care_plan_name.clone(),
        care_plan_description: assessment.care_plan_description.clone(),
        pathology: assessment.pathology(),
        urgent: assessment.level >= CareLevel::Urgent,
        emergent: assessment.level == CareLevel::Emergent,
        od: assessment.od.as_ref().map(eye),
        os: assessment.os.as_ref().map(eye),
        dx_codes: assessment.diagnoses.clone(),
        diagnosis_codes: assessment.diagnoses.iter().filter_map(|code| icd::described(code)).collect(),
        provider: assessment.grader.as_ref().map(|grader| grader.provider()),
    }
}

fn eye(eye: &AssessedEye) -> EyeSideGrading {
    match eye {
        AssessedEye::Gradable(findings) => EyeSideGrading {
            gradable: true,
            findings: findings.iter().map(|own| own.finding.entry()).collect(),
            ..EyeSideGrading::default()
        },
        AssessedEye::Ungradable(reasons) => {
            EyeSideGrading { ungradable_reasons: reasons.clone(), ..EyeSideGrading::default() }
        }
        AssessedEye::Missing(reason) => {
            EyeSideGrading { missing_eye_reason: Some(reason.clone()), ..EyeSideGrading::default() }
        }
    }
}

fn camera_operator(request: &OrderRequest) -> Option<CameraOperator> {
    let provider = request.camera_operator.as_ref();
    let user_name = request.camera_operator_user_name.clone().or_else(|| provider.and_then(|own| own.email.clone()));
    let name = provider.and_then(|own| own.name.clone());
    (user_name.is_some() || name.is_some()).then(|| CameraOperator { user_name, name, notes: Vec::new() })
}

fn health_plan(plan: &request::HealthPlan) -> ResultHealthPlan {
    ResultHealthPlan {
        local_id: plan.local_id.clone(),
        name: plan.name.clone(),
        member_id: plan.member_id.clone(),
        individual_id: plan.individual_id.clone(),
        health_plan_payer_name: plan.health_plan_payer_name.clone(),
        group_name: plan.group_name.clone(),
        group_number: plan.group_number.clone(),
        policy_number: plan.policy_number.clone(),
        effective_date: plan.effective_date,
        expiration_date: plan.expiration_date,
    }
}

fn procedure(request: &OrderRequest) -> Option<Procedure> {
    let order = request.order.as_ref()?;
    let procedure = Procedure { code: order.cpt_code.clone(), description: order.cpt_description.clone() };
    (procedure != Procedure::default()).then_some(procedure)
}
