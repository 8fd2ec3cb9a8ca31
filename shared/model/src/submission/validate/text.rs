//! Limits of every text, control characters (decision 13), and what programs leave in place of a value ([`residue`]):
//! placeholders are removed where a value is optional, and refused where an id or a name is needed.

use super::Review;
use crate::identifier::LOCAL_ID_LIMIT;
use crate::request::{Address, Camera, HealthPlan, Image, Name, Order, OrderRequest, Patient, Provider, Site};
use crate::value::residue::{Judgment, Purpose, could_be_a_name, judge};
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
    /// A number issued by somebody else: of a member, a policy, an encounter.
    Number,
    /// The first or last name of the patient.
    PersonName,
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
            Self::Number | Self::PersonName | Self::Name => NAME_LIMIT,
            Self::Email => EMAIL_LIMIT,
            Self::FileName => FILE_NAME_LIMIT,
            Self::Free => FREE_TEXT_LIMIT,
        }
    }

    /// What the text is for; `None` = it may say anything.
    fn purpose(self) -> Option<Purpose> {
        match self {
            Self::LocalId => Some(Purpose::Id),
            Self::Number => Some(Purpose::Number),
            Self::PersonName => Some(Purpose::PersonName),
            Self::Name | Self::Email => Some(Purpose::Line),
            Self::Free => Some(Purpose::Free),
            Self::FileName => None,
        }
    }

    fn allows(self, character: char) -> bool {
        !character.is_control() || (self == Self::Free && matches!(character, '\t' | '\n' | '\r'))
    }
}

/// Whether a text has the length and characters allowed in e-mail addresses and user names.
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
    fn text(&mut self, section: &str, property: &str, place: &mut Option<String>, kind: Kind) {
        let Some(text) = place else { return };
        let path = || if section.is_empty() { property.to_owned() } else { format!("{section}.{property}") };
        let judgment = kind.purpose().map_or(Judgment::Sound, |purpose| judge(text.trim(), purpose));
        // Nearly every text is short and plain: decided by its bytes alone.
        if text.len() > kind.limit() || !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            self.limits(text, kind, path);
        }
        match judgment {
            Judgment::Sound => {}
            Judgment::Nothing => *place = None,
            Judgment::Doubtful(doubt) => {
                self.issues.push(Issue::warning(doubt.code, Cow::Owned(path()), doubt.message));
            }
            Judgment::Refused(error) => self.issues.push(error.at(Cow::Owned(path()))),
        }
    }

    fn limits(&mut self, text: &str, kind: Kind, path: impl Fn() -> String) {
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

    fn texts<const N: usize>(&mut self, section: &str, kind: Kind, texts: [(&str, &mut Option<String>); N]) {
        for (property, text) in texts {
            self.text(section, property, text, kind);
        }
    }

    fn request(&mut self, request: &mut OrderRequest) {
        self.texts(
            "",
            Kind::Email,
            [
                ("UserNameSubmitting", &mut request.user_name_submitting),
                ("CameraOperatorUserName", &mut request.camera_operator_user_name),
            ],
        );
        if let Some(site) = &mut request.site {
            self.site(site);
        }
        if let Some(camera) = &mut request.camera {
            self.camera(camera);
        }
        if let Some(order) = &mut request.order {
            self.order(order);
        }
        if let Some(patient) = &mut request.patient {
            self.patient(patient);
        }
        let providers = [
            ("OrderingProvider", &mut request.ordering_provider),
            ("ReferringProvider", &mut request.referring_provider),
            ("CameraOperator", &mut request.camera_operator),
        ];
        for (section, provider) in providers {
            if let Some(provider) = provider {
                self.provider(section, provider);
            }
        }
        if let Some(plan) = &mut request.health_plan {
            self.health_plan(plan);
        }
    }

    fn site(&mut self, site: &mut Site) {
        self.texts("Site", Kind::LocalId, [("LocalId", &mut site.local_id)]);
        self.texts("Site", Kind::Name, [("Name", &mut site.name)]);
        self.address("Site.Address", site.address.as_mut());
    }

    fn address(&mut self, section: &str, address: Option<&mut Address>) {
        let Some(address) = address else { return };
        let texts = [
            ("Street1", &mut address.street1),
            ("Street2", &mut address.street2),
            ("City", &mut address.city),
            ("State", &mut address.state),
            ("PostalCode", &mut address.postal_code),
            ("Country", &mut address.country),
        ];
        self.texts(section, Kind::Name, texts);
    }

    fn camera(&mut self, camera: &mut Camera) {
        self.texts("Camera", Kind::LocalId, [("LocalId", &mut camera.local_id)]);
        let texts = [
            ("Name", &mut camera.name),
            ("Location", &mut camera.location),
            ("IPAddress", &mut camera.ip_address),
            ("MACAddress", &mut camera.mac_address),
            ("SerialNumber", &mut camera.serial_number),
            ("Manufacturer", &mut camera.manufacturer),
            ("Model", &mut camera.model),
            ("SoftwareVersion", &mut camera.software_version),
        ];
        self.texts("Camera", Kind::Name, texts);
        for (index, image) in camera.images.iter_mut().enumerate() {
            self.image(&format!("Camera.Images[{index}]"), image);
        }
    }

    fn image(&mut self, section: &str, image: &mut Image) {
        self.texts(
            section,
            Kind::LocalId,
            [("LocalId", &mut image.local_id), ("ParentLocalId", &mut image.parent_local_id)],
        );
        if let Some(location) = &mut image.azure_blob_storage {
            let texts = [
                ("AzureBlobStorage.Container", &mut location.container),
                ("AzureBlobStorage.FileName", &mut location.file_name),
            ];
            self.texts(section, Kind::FileName, texts);
        }
    }

    fn order(&mut self, order: &mut Order) {
        self.texts("Order", Kind::LocalId, [("LocalId", &mut order.local_id)]);
        let texts = [
            ("DepartmentId", &mut order.department_id),
            ("EncounterNumber", &mut order.encounter_number),
            ("StudyInstanceUniqueId", &mut order.study_instance_unique_id),
        ];
        self.texts("Order", Kind::Number, texts);
        let texts = [
            ("OrderableIdentifier", &mut order.orderable_identifier),
            ("CPTCode", &mut order.cpt_code),
            ("State", &mut order.state),
        ];
        self.texts("Order", Kind::Name, texts);
        let texts = [
            ("CPTDescription", &mut order.cpt_description),
            ("AdditionalInfo", &mut order.additional_info),
            ("MissingEyeReason", &mut order.missing_eye_reason),
        ];
        self.texts("Order", Kind::Free, texts);
    }

    fn patient(&mut self, patient: &mut Patient) {
        self.texts("Patient", Kind::LocalId, [("LocalId", &mut patient.local_id)]);
        self.person("Patient.Name", patient.name.as_mut());
        let texts = [
            ("Race", &mut patient.race),
            ("Ethnicity", &mut patient.ethnicity),
            ("PrimaryLanguage", &mut patient.primary_language),
            ("Phone", &mut patient.phone),
            ("DxCode", &mut patient.dx_code),
        ];
        self.texts("Patient", Kind::Name, texts);
        self.texts("Patient", Kind::Email, [("Email", &mut patient.email)]);
        self.texts("Patient", Kind::Free, [("AdditionalInfo", &mut patient.additional_info)]);
        self.address("Patient.Address", patient.address.as_mut());
    }

    /// A person whose names are both placeholders is nobody, even where each of them alone could be a name.
    fn person(&mut self, section: &str, name: Option<&mut Name>) {
        let Some(name) = name else { return };
        let is_nothing = |part: &Option<String>| part.as_deref().is_some_and(|part| could_be_a_name(part.trim()));
        if is_nothing(&name.first) && is_nothing(&name.last) {
            let message = "First and last name are what programs write for nothing. Fill in the patient's name.";
            self.issues.push(Issue::error(IssueCode::Missing, Cow::Owned(section.to_owned()), message));
            return;
        }
        self.texts(section, Kind::PersonName, [("First", &mut name.first), ("Last", &mut name.last)]);
        self.texts(section, Kind::Name, [("Middle", &mut name.middle), ("Title", &mut name.title)]);
    }

    fn name(&mut self, section: &str, name: Option<&mut Name>) {
        let Some(name) = name else { return };
        let texts = [
            ("First", &mut name.first),
            ("Last", &mut name.last),
            ("Middle", &mut name.middle),
            ("Title", &mut name.title),
        ];
        self.texts(section, Kind::Name, texts);
    }

    fn provider(&mut self, section: &str, provider: &mut Provider) {
        let texts = [
            ("NPI", &mut provider.npi),
            ("Taxonomy", &mut provider.taxonomy),
            ("Degrees", &mut provider.degrees),
            ("Associations", &mut provider.associations),
        ];
        self.texts(section, Kind::Name, texts);
        self.texts(section, Kind::Email, [("Email", &mut provider.email)]);
        if let Some(name) = &mut provider.name {
            let texts = [
                ("Name.First", &mut name.first),
                ("Name.Last", &mut name.last),
                ("Name.Middle", &mut name.middle),
                ("Name.Title", &mut name.title),
            ];
            self.texts(section, Kind::Name, texts);
        }
    }

    fn health_plan(&mut self, plan: &mut HealthPlan) {
        self.texts("HealthPlan", Kind::LocalId, [("LocalId", &mut plan.local_id)]);
        let texts = [
            ("MemberId", &mut plan.member_id),
            ("IndividualId", &mut plan.individual_id),
            ("GroupNumber", &mut plan.group_number),
            ("PolicyNumber", &mut plan.policy_number),
        ];
        self.texts("HealthPlan", Kind::Number, texts);
        let texts = [
            ("Name", &mut plan.name),
            ("HealthPlanPayerName", &mut plan.health_plan_payer_name),
            ("GroupName", &mut plan.group_name),
        ];
        self.texts("HealthPlan", Kind::Name, texts);
        let Some(provider) = &mut plan.primary_care_provider else { return };
        const SECTION: &str = "HealthPlan.PrimaryCareProvider";
        self.texts(SECTION, Kind::Name, [("NPI", &mut provider.npi), ("FaxNumber", &mut provider.fax_number)]);
        self.texts(SECTION, Kind::Email, [("EmailAddress", &mut provider.email_address)]);
        self.name("HealthPlan.PrimaryCareProvider.Name", provider.name.as_mut());
    }
}
