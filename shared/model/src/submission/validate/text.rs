//! Limits of every text, and control characters (decision 13).

use super::Review;
use crate::identifier::LOCAL_ID_LIMIT;
use crate::request::{Address, Camera, HealthPlan, Image, Name, Order, OrderRequest, Patient, Provider, Site};
use crate::{Issue, IssueCode};
use std::borrow::Cow;

/// The most characters of a name, and of any other text of one line.
pub(crate) const NAME_LIMIT: usize = 100;
/// The most characters of free text.
pub(crate) const FREE_TEXT_LIMIT: usize = 4_000;
/// The most characters of an e-mail address (RFC 5321).
pub(crate) const EMAIL_LIMIT: usize = 254;
/// The most characters of a blob's name (Azure's limit).
pub(crate) const FILE_NAME_LIMIT: usize = 1_024;

/// The kinds of text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    LocalId,
    Name,
    Email,
    FileName,
    /// The only kind that may hold tabs and line breaks.
    Free,
}

impl Kind {
    fn limit(self) -> usize {
        match self {
            Self::LocalId => LOCAL_ID_LIMIT,
            Self::Name => NAME_LIMIT,
            Self::Email => EMAIL_LIMIT,
            Self::FileName => FILE_NAME_LIMIT,
            Self::Free => FREE_TEXT_LIMIT,
        }
    }

    fn allows(self, character: char) -> bool {
        !character.is_control() || (self == Self::Free && matches!(character, '\t' | '\n' | '\r'))
    }
}

/// Whether a text keeps the rules of e-mail addresses and user names.
pub(super) fn is_email_sized(text: &str) -> bool {
    text.chars().count() <= EMAIL_LIMIT && text.chars().all(|character| Kind::Email.allows(character))
}

pub(super) fn check(review: &mut Review<'_>) {
    let Review { request, issues, .. } = review;
    let mut texts = Texts { issues };
    texts.request(request);
}

struct Texts<'a> {
    issues: &'a mut Vec<Issue>,
}

impl Texts<'_> {
    fn text(&mut self, section: &str, property: &str, text: Option<&String>, kind: Kind) {
        let Some(text) = text else { return };
        // Nearly every text is short and plain: decided by its bytes alone.
        if text.len() <= kind.limit() && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return;
        }
        let path = || if section.is_empty() { property.to_owned() } else { format!("{section}.{property}") };
        let length = text.chars().count();
        if length > kind.limit() {
            let message = format!("This text has {length} characters; {} are allowed. Shorten it.", kind.limit());
            self.issues.push(Issue::error(IssueCode::TooLong, Cow::Owned(path()), message));
        }
        if let Some(found) = text.chars().find(|character| !kind.allows(*character)) {
            let message = format!("This text holds the control character U+{:04X}. Remove it.", u32::from(found));
            self.issues.push(Issue::error(IssueCode::ControlCharacter, Cow::Owned(path()), message));
        }
    }

    fn texts<const N: usize>(&mut self, section: &str, kind: Kind, texts: [(&str, &Option<String>); N]) {
        for (property, text) in texts {
            self.text(section, property, text.as_ref(), kind);
        }
    }

    fn request(&mut self, request: &OrderRequest) {
        self.texts(
            "",
            Kind::Email,
            [
                ("UserNameSubmitting", &request.user_name_submitting),
                ("CameraOperatorUserName", &request.camera_operator_user_name),
            ],
        );
        if let Some(site) = &request.site {
            self.site(site);
        }
        if let Some(camera) = &request.camera {
            self.camera(camera);
        }
        if let Some(order) = &request.order {
            self.order(order);
        }
        if let Some(patient) = &request.patient {
            self.patient(patient);
        }
        let providers = [
            ("OrderingProvider", &request.ordering_provider),
            ("ReferringProvider", &request.referring_provider),
            ("CameraOperator", &request.camera_operator),
        ];
        for (section, provider) in providers {
            if let Some(provider) = provider {
                self.provider(section, provider);
            }
        }
        if let Some(plan) = &request.health_plan {
            self.health_plan(plan);
        }
    }

    fn site(&mut self, site: &Site) {
        self.texts("Site", Kind::LocalId, [("LocalId", &site.local_id)]);
        self.texts("Site", Kind::Name, [("Name", &site.name)]);
        self.address("Site.Address", site.address.as_ref());
    }

    fn address(&mut self, section: &str, address: Option<&Address>) {
        let Some(address) = address else { return };
        let texts = [
            ("Street1", &address.street1),
            ("Street2", &address.street2),
            ("City", &address.city),
            ("State", &address.state),
            ("PostalCode", &address.postal_code),
            ("Country", &address.country),
        ];
        self.texts(section, Kind::Name, texts);
    }

    fn camera(&mut self, camera: &Camera) {
        self.texts("Camera", Kind::LocalId, [("LocalId", &camera.local_id)]);
        let texts = [
            ("Name", &camera.name),
            ("Location", &camera.location),
            ("IPAddress", &camera.ip_address),
            ("MACAddress", &camera.mac_address),
            ("SerialNumber", &camera.serial_number),
            ("Manufacturer", &camera.manufacturer),
            ("Model", &camera.model),
            ("SoftwareVersion", &camera.software_version),
        ];
        self.texts("Camera", Kind::Name, texts);
        for (index, image) in camera.images.iter().enumerate() {
            self.image(&format!("Camera.Images[{index}]"), image);
        }
    }

    fn image(&mut self, section: &str, image: &Image) {
        self.texts(section, Kind::LocalId, [("LocalId", &image.local_id), ("ParentLocalId", &image.parent_local_id)]);
        if let Some(location) = &image.azure_blob_storage {
            let texts = [
                ("AzureBlobStorage.Container", &location.container),
                ("AzureBlobStorage.FileName", &location.file_name),
            ];
            self.texts(section, Kind::FileName, texts);
        }
    }

    fn order(&mut self, order: &Order) {
        self.texts("Order", Kind::LocalId, [("LocalId", &order.local_id)]);
        let texts = [
            ("DepartmentId", &order.department_id),
            ("EncounterNumber", &order.encounter_number),
            ("StudyInstanceUniqueId", &order.study_instance_unique_id),
            ("OrderableIdentifier", &order.orderable_identifier),
            ("CPTCode", &order.cpt_code),
            ("State", &order.state),
        ];
        self.texts("Order", Kind::Name, texts);
        let texts = [
            ("CPTDescription", &order.cpt_description),
            ("AdditionalInfo", &order.additional_info),
            ("MissingEyeReason", &order.missing_eye_reason),
        ];
        self.texts("Order", Kind::Free, texts);
    }

    fn patient(&mut self, patient: &Patient) {
        self.texts("Patient", Kind::LocalId, [("LocalId", &patient.local_id)]);
        self.name("Patient.Name", patient.name.as_ref());
        let texts = [
            ("Race", &patient.race),
            ("Ethnicity", &patient.ethnicity),
            ("PrimaryLanguage", &patient.primary_language),
            ("Phone", &patient.phone),
            ("DxCode", &patient.dx_code),
        ];
        self.texts("Patient", Kind::Name, texts);
        self.texts("Patient", Kind::Email, [("Email", &patient.email)]);
        self.texts("Patient", Kind::Free, [("AdditionalInfo", &patient.additional_info)]);
        self.address("Patient.Address", patient.address.as_ref());
    }

    fn name(&mut self, section: &str, name: Option<&Name>) {
        let Some(name) = name else { return };
        let texts = [("First", &name.first), ("Last", &name.last), ("Middle", &name.middle), ("Title", &name.title)];
        self.texts(section, Kind::Name, texts);
    }

    fn provider(&mut self, section: &str, provider: &Provider) {
        let texts = [
            ("NPI", &provider.npi),
            ("Taxonomy", &provider.taxonomy),
            ("Degrees", &provider.degrees),
            ("Associations", &provider.associations),
        ];
        self.texts(section, Kind::Name, texts);
        self.texts(section, Kind::Email, [("Email", &provider.email)]);
        if let Some(name) = &provider.name {
            let texts = [
                ("Name.First", &name.first),
                ("Name.Last", &name.last),
                ("Name.Middle", &name.middle),
                ("Name.Title", &name.title),
            ];
            self.texts(section, Kind::Name, texts);
        }
    }

    fn health_plan(&mut self, plan: &HealthPlan) {
        self.texts("HealthPlan", Kind::LocalId, [("LocalId", &plan.local_id)]);
        let texts = [
            ("Name", &plan.name),
            ("MemberId", &plan.member_id),
            ("IndividualId", &plan.individual_id),
            ("HealthPlanPayerName", &plan.health_plan_payer_name),
            ("GroupName", &plan.group_name),
            ("GroupNumber", &plan.group_number),
            ("PolicyNumber", &plan.policy_number),
        ];
        self.texts("HealthPlan", Kind::Name, texts);
        let Some(provider) = &plan.primary_care_provider else { return };
        const SECTION: &str = "HealthPlan.PrimaryCareProvider";
        self.texts(SECTION, Kind::Name, [("NPI", &provider.npi), ("FaxNumber", &provider.fax_number)]);
        self.texts(SECTION, Kind::Email, [("EmailAddress", &provider.email_address)]);
        self.name("HealthPlan.PrimaryCareProvider.Name", provider.name.as_ref());
    }
}
