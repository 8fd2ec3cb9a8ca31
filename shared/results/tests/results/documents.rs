//! What a result must contain about the order, the patient and each eye, and that it contains nothing about anybody
//! else.

use iris_model::grading::{GradingSubmission, Note};
use iris_model::organization::{CareLevel, Organization};
use iris_model::request::{
    Address, BlobLocation, Camera, HealthPlan, Image, Name, Order, OrderRequest, Patient, PersonGender, Provider, Site,
};
use iris_model::result::{OrderResult, ResultImage, Severity};
use iris_model::{
    DateTimeOffset, EvaluationType, Gender, GenderContext, ImageContext, Laterality, LocalId, OrderStatus, ResultCode,
};
use iris_results::assessment::{Basis, notes};
use iris_results::document::{GradedOrder, Sending, build, image_of_directive};
use iris_results::finding::{Answer, Diagnosis, Finding, Suspicion};
use iris_results::reading::{Examination, Eye};
use iris_results::{AssessedEye, Assessment, Grader, ReportBasis, ShownImage, basis};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn time(text: &str) -> DateTimeOffset {
    DateTimeOffset::utc(at(text))
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn organization() -> Organization {
    let document = json!({ "slug": "acme", "name": "Acme", "clientGuid": "11111111-2222-3333-4444-555555555555",
        "sites": [{ "localId": "S1", "name": "North", "address": { "street1": "1 Sample Street", "city": "Austin", "state": "TX" } }],
        "grading": { "graders": [{ "npi": "1098765432", "firstName": "Listed", "lastName": "Grader", "degrees": "OD", "taxonomy": "152W00000X",
            "states": ["TX"] }] } });
    Organization::parse(document.to_string().as_bytes()).unwrap()
}

fn provider(last: &str) -> Provider {
    Provider {
        npi: some("1234567893"),
        name: Some(Name { last: some(last), ..Name::default() }),
        ..Provider::default()
    }
}

fn image(side: Laterality, context: ImageContext, taken: Option<&str>) -> ResultImage {
    ResultImage {
        laterality: Some(side),
        image_context: Some(context),
        taken: taken.map(time),
        ..ResultImage::default()
    }
}

fn request() -> OrderRequest {
    OrderRequest {
        site: Some(Site { name: some("As sent"), ..Site::default() }),
        order: Some(Order {
            scheduled_time: Some(jiff::civil::date(2026, 11, 20).at(9, 0, 0, 0)),
            department_id: some("EYE"),
            encounter_number: some("E-7"),
            study_instance_unique_id: some("1.2.3"),
            orderable_identifier: some("OI"),
            additional_info: some("info"),
            cpt_code: some("92250"),
            cpt_description: some("Fundus photography"),
            urgent: Some(true),
            ..Order::default()
        }),
        patient: Some(Patient {
            name: Some(Name { first: some("Sample"), last: some("Testpatient"), ..Name::default() }),
            dob: Some(jiff::civil::date(1961, 3, 14)),
            phone: some("555-0100"),
            genders: vec![
                PersonGender { context: GenderContext::Identity, gender: Gender::NonBinary },
                PersonGender { context: GenderContext::Birth, gender: Gender::Female },
            ],
            ..Patient::default()
        }),
        ordering_provider: Some(provider("Ordering")),
        referring_provider: Some(provider("Referring")),
        camera_operator: Some(Provider { email: some("operator@clinic.example"), ..provider("Operator") }),
        health_plan: Some(HealthPlan {
            local_id: some("HP"),
            name: some("Plan"),
            member_id: some("M"),
            individual_id: some("I"),
            health_plan_payer_name: some("Payer"),
            group_name: some("G"),
            group_number: some("GN"),
            policy_number: some("PN"),
            effective_date: Some(jiff::civil::date(2026, 1, 1)),
            expiration_date: Some(jiff::civil::date(2026, 12, 31)),
            primary_care_provider: None,
        }),
        ..OrderRequest::default()
    }
}

fn answers(retinopathy: Answer, edema: Answer) -> Vec<Finding> {
    vec![
        Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, retinopathy),
        Finding::Diagnosed(Diagnosis::MacularEdema, edema),
    ]
}

fn grading() -> GradingSubmission {
    GradingSubmission {
        graded_time: Some(time("2026-11-20T18:00:00Z")),
        provider: Some(Provider {
            npi: some("1098765432"),
            name: Some(Name { first: some("Sent"), middle: some("M."), title: some("Dr."), ..Name::default() }),
            email: some("grader@clinic.example"),
            associations: some("Guild"),
            ..Provider::default()
        }),
        notes: vec![
            Note { date: None, text: some("Compare.") },
            Note { date: Some(time("2026-11-20T17:00:00Z")), text: some("Earlier.") },
            Note { date: None, text: None },
        ],
        ..GradingSubmission::default()
    }
}

fn assess(od: Option<Eye>, os: Option<Eye>) -> Assessment {
    let organization = organization();
    let basis = Basis {
        organization: &organization,
        site: organization.sites.first(),
        evaluation_types: &[EvaluationType::Dr],
        submitted_diagnosis: Some("E10.9"),
        one_eye: true,
    };
    Assessment::of(&Examination { od, os }, &grading(), basis, at("2026-11-20T19:00:00Z"))
}

fn result(assessment: &Assessment, request: &OrderRequest, images: &[ResultImage], site: &str) -> OrderResult {
    let order = GradedOrder {
        organization: &organization(),
        id: 100_001,
        local_id: &LocalId::new("O-1").unwrap(),
        patient_id: 100_002,
        patient_local_id: "P-1",
        site: &LocalId::new(site).unwrap(),
        state: "TX",
        evaluation_types: &[EvaluationType::Dr],
        created_at: at("2026-11-19T08:00:00Z"),
        queued_at: Some(at("2026-11-20T10:00:00Z")),
        request,
        images,
        assessment,
        added_notes: &[Note { date: None, text: some("Added.") }],
    };
    let transaction_id = Uuid::from_u128(7);
    build(&order, Sending { transaction_id, at: at("2026-11-20T20:00:00Z"), code: ResultCode::Correction })
}

fn usual() -> Assessment {
    let mut right = answers(Answer::Moderate, Answer::Positive);
    right.push(Finding::Suspected(Suspicion::DiscEdema));
    assess(Some(Eye::Gradable(right)), Some(Eye::Gradable(answers(Answer::None, Answer::None))))
}

#[test]
fn a_result_says_whose_it_is_and_what_was_found_in_which_eye() {
    let document = result(&usual(), &request(), &[], "S1");
    assert_eq!((document.version.as_str(), document.success), ("2.3.1", true));
    assert_eq!(document.timestamp, time("2026-11-20T20:00:00Z"));
    assert_eq!((document.transaction_id, document.result_code), (Uuid::from_u128(7), ResultCode::Correction));
    assert_eq!(document.result_object_type, "OrderResult");

    let order = &document.order;
    assert_eq!(
        (order.patient_order_id, order.local_id.as_str(), order.status),
        (100_001, "O-1", OrderStatus::Complete)
    );
    assert_eq!((order.state.as_str(), order.expedite), ("TX", true));
    assert_eq!(order.evaluation_types, [EvaluationType::Dr]);
    assert_eq!(order.created_time, time("2026-11-19T08:00:00Z"));
    assert_eq!(order.scheduled_time, Some(jiff::civil::date(2026, 11, 20).at(9, 0, 0, 0)));
    let echoed = [
        (&order.department_id, "EYE"),
        (&order.encounter_number, "E-7"),
        (&order.study_instance_unique_id, "1.2.3"),
        (&order.orderable_identifier, "OI"),
        (&order.additional_info, "info"),
    ];
    for (own, sent) in echoed {
        assert_eq!(own.as_deref(), Some(sent));
    }

    let patient = &document.patient;
    assert_eq!((patient.patient_id, patient.local_id.as_str()), (100_002, "P-1"));
    assert_eq!(patient.gender, Some(Gender::Female), "the one at birth");
    assert_eq!(patient.genders.len(), 2);
    assert_eq!((patient.phone.as_deref(), patient.dob), (Some("555-0100"), Some(jiff::civil::date(1961, 3, 14))));
    assert_eq!(patient.name.as_ref().unwrap().last.as_deref(), Some("Testpatient"));

    let gradings = &document.gradings;
    let findings = |eye: &Option<iris_model::result::EyeSideGrading>| {
        let eye = eye.as_ref().unwrap();
        assert!(eye.gradable && eye.ungradable_reasons.is_empty() && eye.missing_eye_reason.is_none());
        eye.findings.iter().map(|own| (own.finding.clone().unwrap(), own.result.clone())).collect::<Vec<_>>()
    };
    let dr = |level: &str| ("Diabetic Retinopathy".to_owned(), some(level));
    let me = |level: &str| ("Macular Edema".to_owned(), some(level));
    let disc = ("Suspected Disc Edema".to_owned(), None);
    assert_eq!(findings(&gradings.od), [dr("Moderate"), me("Positive"), disc]);
    assert_eq!(findings(&gradings.os), [dr("None"), me("None")]);
    assert_eq!((gradings.pathology, gradings.urgent, gradings.emergent), (true, true, false));
    assert_eq!(gradings.graded_time, time("2026-11-20T18:00:00Z"));
    assert_eq!(gradings.queued_time, Some(time("2026-11-20T10:00:00Z")));
    assert_eq!(gradings.care_plan_name, "Eye care within 24 hours");
    assert!(gradings.care_plan_description.starts_with("See an eye care specialist today"));
    assert!(gradings.care_plan_description.contains("blood sugar"), "{}", gradings.care_plan_description);
    assert_eq!(gradings.dx_codes, ["E103311"]);
    assert_eq!(gradings.diagnosis_codes[0].code, "E103311");
    assert!(gradings.diagnosis_codes[0].description.ends_with("right eye"));
    let notes: Vec<_> = gradings.notes.iter().map(|note| (note.text.clone().unwrap(), note.date)).collect();
    let expected = [
        ("Compare.".to_owned(), Some(time("2026-11-20T18:00:00Z"))),
        ("Earlier.".to_owned(), Some(time("2026-11-20T17:00:00Z"))),
        ("Added.".to_owned(), None),
    ];
    assert_eq!(notes, expected);

    assert_eq!(document.ordering_provider, Some(provider("Ordering")));
    assert_eq!(document.referring_provider, Some(provider("Referring")));
    let procedure = document.cpt.unwrap();
    assert_eq!(
        (procedure.code.as_deref(), procedure.description.as_deref()),
        (Some("92250"), Some("Fundus photography"))
    );
    let plan = serde_json::to_value(document.health_plan).unwrap();
    let expected = json!({ "LocalId": "HP", "Name": "Plan", "MemberId": "M", "IndividualId": "I", "HealthPlanPayerName": "Payer",
        "GroupName": "G", "GroupNumber": "GN", "PolicyNumber": "PN", "EffectiveDate": "2026-01-01", "ExpirationDate": "2026-12-31" });
    assert_eq!(plan, expected);
}

#[test]
fn the_grader_is_as_sent_and_otherwise_as_listed() {
    let document = result(&usual(), &request(), &[], "S1");
    let expected = json!({ "NPI": "1098765432", "Taxonomy": "152W00000X", "Degrees": "OD", "Email": "grader@clinic.example",
        "Associations": "Guild", "Name": { "First": "Sent", "Last": "Grader", "Middle": "M.", "Title": "Dr." } });
    assert_eq!(serde_json::to_value(document.gradings.provider).unwrap(), expected);
    let unknown = Grader::named(&Provider { npi: some("1111111112"), ..Provider::default() }, &organization());
    assert_eq!(unknown.provider(), Provider { npi: some("1111111112"), ..Provider::default() }, "no name of another");
    let complete =
        Provider { degrees: some("MD"), taxonomy: some("T"), npi: some("1098765432"), ..Provider::default() };
    let named = Grader::named(&complete, &organization());
    assert_eq!((named.degrees.as_deref(), named.taxonomy.as_deref()), (Some("MD"), Some("T")));
    assert_eq!(named.first.as_deref(), Some("Listed"));
}

#[test]
fn the_flags_follow_the_level_and_the_severity() {
    let of = |finding: Finding| {
        let document = result(&assess(Some(Eye::Gradable(vec![finding])), None), &request(), &[], "S1");
        (document.gradings.pathology, document.gradings.urgent, document.gradings.emergent)
    };
    let retinopathy = |answer| Finding::Diagnosed(Diagnosis::DiabeticRetinopathy, answer);
    assert_eq!(of(retinopathy(Answer::None)), (false, false, false));
    assert_eq!(of(retinopathy(Answer::Mild)), (true, false, false));
    assert_eq!(of(retinopathy(Answer::Moderate)), (true, false, false));
    assert_eq!(of(retinopathy(Answer::Severe)), (true, true, false));
    assert_eq!(of(Finding::Suspected(Suspicion::BilateralPapilledema)), (true, true, true));
}

#[test]
fn eyes_that_were_not_graded_say_why() {
    let ungradable = Eye::Ungradable(vec!["Dirty Lens".to_owned()]);
    let document =
        result(&assess(Some(ungradable), Some(Eye::Missing("Enucleation".to_owned()))), &request(), &[], "S1");
    let value = serde_json::to_value(&document.gradings).unwrap();
    assert_eq!(value["OD"], json!({ "Gradable": false, "UngradableReasons": ["Dirty Lens"] }));
    assert_eq!(value["OS"], json!({ "Gradable": false, "MissingEyeReason": "Enucleation" }));
    assert!(!document.gradings.pathology);
    let one = result(&assess(None, Some(Eye::Gradable(answers(Answer::None, Answer::None)))), &request(), &[], "S1");
    assert!(one.gradings.od.is_none() && one.gradings.os.is_some());
}

#[test]
fn images_are_counted_by_eye_and_kind() {
    use ImageContext::{Enhancement, Primary};
    use Laterality::{Od, Os, Ou};
    let images = [
        image(Od, Primary, Some("2026-11-20T09:00:00Z")),
        image(Od, Enhancement, None),
        image(Od, Enhancement, Some("2026-11-20T09:05:00Z")),
        image(Os, Primary, Some("2026-11-20T08:00:00Z")),
        image(Ou, Primary, None),
        ResultImage { preferred: Some(false), ..ResultImage::default() },
    ];
    let counts = |images: &[ResultImage], assessment: &Assessment, request: &OrderRequest| {
        let details = result(assessment, request, images, "S1").image_details;
        let counts = [
            details.total_count,
            details.right_eye_count,
            details.left_eye_count,
            details.right_eye_original_count,
            details.left_eye_original_count,
            details.right_eye_enhanced_count,
            details.left_eye_enhanced_count,
        ];
        (counts, details.single_eye_only, details.preferred)
    };
    assert_eq!(counts(&images, &usual(), &request()), ([6, 4, 2, 2, 2, 2, 0], false, false));
    let mut chosen = images.clone();
    chosen[0].preferred = Some(true);
    assert!(counts(&chosen, &usual(), &request()).2);
    let serviced = result(&usual(), &request(), &images, "S1").order.serviced_time;
    assert_eq!(serviced, Some(time("2026-11-20T09:05:00Z")), "the last one taken");

    let right = || Some(Eye::Gradable(answers(Answer::None, Answer::None)));
    let missing = || Some(Eye::Missing("Enucleation".to_owned()));
    assert!(counts(&[], &assess(right(), missing()), &request()).1);
    assert!(counts(&[], &assess(None, right()), &request()).1);
    assert!(!counts(&[], &assess(right(), Some(Eye::Ungradable(Vec::new()))), &request()).1, "both were looked at");
    let mut single = request();
    single.order.as_mut().unwrap().single_eye_only = Some(true);
    assert!(counts(&[], &usual(), &single).1, "as ordered");
}

#[test]
fn the_site_is_as_listed_and_otherwise_as_sent() {
    let site =
        |id: &str, request: &OrderRequest| serde_json::to_value(result(&usual(), request, &[], id).site).unwrap();
    let listed = json!({ "LocalId": "S1", "Name": "North", "Address": { "Street1": "1 Sample Street", "City": "Austin", "State": "TX" } });
    assert_eq!(site("S1", &request()), listed);
    assert_eq!(site("S9", &request()), json!({ "LocalId": "S9", "Name": "As sent" }));
    let mut with_address = request();
    let address = Address { city: some("Dallas"), ..Address::default() };
    with_address.site = Some(Site { address: Some(address), ..Site::default() });
    assert_eq!(site("S9", &with_address), json!({ "LocalId": "S9", "Address": { "City": "Dallas" } }));
    with_address.site = Some(Site { address: Some(Address::default()), ..Site::default() });
    assert_eq!(site("S9", &with_address), json!({ "LocalId": "S9" }), "an address that says nothing is none");
}

#[test]
fn who_took_the_images_and_what_was_charged() {
    let mut request = request();
    let operator =
        |request: &OrderRequest| serde_json::to_value(result(&usual(), request, &[], "S1").camera_operator).unwrap();
    let by_mail = json!({ "UserName": "operator@clinic.example", "Name": { "Last": "Operator" }, "Notes": [] });
    assert_eq!(operator(&request), by_mail);
    request.camera_operator_user_name = some("op@iris.example");
    assert_eq!(operator(&request)["UserName"], "op@iris.example");
    request.camera_operator = None;
    assert_eq!(operator(&request), json!({ "UserName": "op@iris.example", "Notes": [] }));
    request.camera_operator_user_name = None;
    request.camera_operator = Some(Provider { name: provider("Operator").name, ..Provider::default() });
    assert_eq!(operator(&request), json!({ "Name": { "Last": "Operator" }, "Notes": [] }));
    request.camera_operator = Some(Provider::default());
    assert_eq!(operator(&request), Value::Null);
    request.order = Some(Order::default());
    request.health_plan = None;
    let document = result(&usual(), &request, &[], "S1");
    assert!(document.cpt.is_none() && document.health_plan.is_none() && !document.order.expedite);
    request.patient = Some(Patient {
        genders: vec![PersonGender { context: GenderContext::Identity, gender: Gender::NonBinary }],
        ..Patient::default()
    });
    assert_eq!(result(&usual(), &request, &[], "S1").patient.gender, Some(Gender::NonBinary), "else the first");
}

#[test]
fn a_directive_tells_of_its_image_and_its_camera() {
    let directive = Image {
        local_id: some("I-1"),
        taken: Some(time("2026-11-20T09:00:00Z")),
        azure_blob_storage: Some(BlobLocation { container: some("c"), file_name: some("f.jpg") }),
        laterality: Some(Laterality::Os),
        image_context: None,
        parent_local_id: some("I-0"),
        group_id: Some(3),
        group_ordinal: Some(4),
    };
    let camera = Camera { serial_number: some("SN"), images: vec![directive.clone()], ..Camera::default() };
    let told = image_of_directive(&directive, Some(&camera));
    let expected = ResultImage {
        local_id: some("I-1"),
        taken: Some(time("2026-11-20T09:00:00Z")),
        file_name: some("f.jpg"),
        container_name: some("c"),
        laterality: Some(Laterality::Os),
        image_context: Some(ImageContext::Primary),
        parent_local_id: some("I-0"),
        group_id: Some(3),
        group_ordinal: Some(4),
        camera: Some(Camera { serial_number: some("SN"), ..Camera::default() }),
        ..ResultImage::default()
    };
    assert_eq!(told, expected);
    let bare = Camera { images: vec![directive.clone()], ..Camera::default() };
    assert_eq!(image_of_directive(&directive, Some(&bare)).camera, None, "a camera with nothing but images");
    let enhanced = Image { image_context: Some(ImageContext::Enhancement), ..directive };
    assert_eq!(image_of_directive(&enhanced, None).image_context, Some(ImageContext::Enhancement));
}

#[test]
fn a_result_reads_back_as_it_was_written() {
    let images = [image(Laterality::Od, ImageContext::Primary, Some("2026-11-20T09:00:00Z"))];
    let document = result(&usual(), &request(), &images, "S1");
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<OrderResult>(&text).unwrap(), document);
    let mut basis = ReportBasis::of(&usual(), some("E11.9"), at("2026-11-19T08:00:00Z"));
    basis.right_image = Some(ShownImage { archive: "a".into(), size: 3, taken: None });
    let text = serde_json::to_string(&basis).unwrap();
    assert_eq!(serde_json::from_str::<ReportBasis>(&text).unwrap(), basis);
    assert_eq!((basis.submitted_diagnosis.as_deref(), basis.ordered_at), (Some("E11.9"), at("2026-11-19T08:00:00Z")));
    assert_eq!(basis.assessment, usual());
}

#[test]
fn an_eye_is_as_severe_as_its_worst_finding() {
    let assessment = usual();
    assert_eq!(basis::severity(assessment.od.as_ref()), Some(Severity::Critical));
    assert_eq!(basis::severity(assessment.os.as_ref()), Some(Severity::Normal));
    assert_eq!(basis::severity(Some(&AssessedEye::Ungradable(Vec::new()))), None);
    assert_eq!(basis::severity(None), None);
    assert_eq!((assessment.severity, assessment.level), (Some(Severity::Critical), CareLevel::Urgent));
    let unread = assess(Some(Eye::Ungradable(Vec::new())), None);
    assert_eq!((unread.severity, unread.pathology()), (None, false));
}

#[test]
fn notes_without_a_time_have_that_of_the_grading_and_a_grading_without_one_that_of_its_arrival() {
    let said = notes(&grading(), time("2026-11-20T18:30:00Z"));
    assert_eq!(said.len(), 2, "a note without a text is none");
    assert_eq!(said[0].date, Some(time("2026-11-20T18:30:00Z")));
    let organization = organization();
    let basis = Basis {
        organization: &organization,
        site: None,
        evaluation_types: &[EvaluationType::Dr],
        submitted_diagnosis: None,
        one_eye: false,
    };
    let now = at("2026-11-20T19:00:00Z");
    let assessment = Assessment::of(&Examination::default(), &GradingSubmission::default(), basis, now);
    assert_eq!(assessment.graded_at, DateTimeOffset::utc(now));
    assert_eq!(assessment.grader, None);
}

#[test]
fn a_finding_that_was_stored_before_subsets_were_is_read_by_its_level() {
    let of = |level: &str| {
        let stored = json!({ "finding": "Other", "result": "Tear", "level": level, "severity": "CRITICAL" });
        let read: iris_results::AssessedFinding = serde_json::from_value(stored).unwrap();
        let Finding::Other { subset, text } = read.finding else { panic!("another finding") };
        assert_eq!(text, "Tear");
        subset.text()
    };
    assert_eq!(of("NotReferable"), "Not Referable");
    assert_eq!(of("Referable"), "Referable");
    assert_eq!(of("Urgent"), "Urgent");
    assert_eq!(of("Emergent"), "Emergent");
    for broken in [
        json!({ "finding": "Other", "level": "Urgent", "severity": "NORMAL" }),
        json!({ "finding": "Other", "result": "x", "subset": "Someday", "level": "Urgent", "severity": "NORMAL" }),
        json!({ "finding": "Unheard Of", "result": "Mild", "level": "Urgent", "severity": "NORMAL" }),
        json!({ "finding": "Dry AMD", "level": "Urgent", "severity": "NORMAL" }),
    ] {
        assert!(serde_json::from_value::<iris_results::AssessedFinding>(broken.clone()).is_err(), "{broken}");
    }
}
