//! Values that cannot be what they are meant to be, but stop nothing: they cause warnings and are stored as given.

use super::Review;
use crate::IssueCode;

/// The most characters of a DICOM UID (PS3.5 §9.1).
const UID_LIMIT: usize = 64;

pub(super) fn check(review: &mut Review<'_>) {
    let request = &review.request;
    let order = request.order.as_ref();
    let caregiver = request.health_plan.as_ref().and_then(|plan| plan.primary_care_provider.as_ref());
    let study = order.and_then(|order| order.study_instance_unique_id.as_deref());
    let emails = [
        ("Patient.Email", request.patient.as_ref().and_then(|patient| patient.email.as_deref())),
        ("OrderingProvider.Email", request.ordering_provider.as_ref().and_then(|own| own.email.as_deref())),
        ("ReferringProvider.Email", request.referring_provider.as_ref().and_then(|own| own.email.as_deref())),
        ("CameraOperator.Email", request.camera_operator.as_ref().and_then(|own| own.email.as_deref())),
        ("HealthPlan.PrimaryCareProvider.EmailAddress", caregiver.and_then(|own| own.email_address.as_deref())),
    ];
    let fax = caregiver.and_then(|own| own.fax_number.as_deref());
    let mut found: Vec<(&'static str, &'static str)> = Vec::new();
    if study.is_some_and(|study| !is_uid(study)) {
        found.push(("Order.StudyInstanceUniqueId", "This is not a DICOM UID: up to 64 digits and dots."));
    }
    for (path, email) in emails {
        if email.is_some_and(|email| !is_email(email)) {
            found.push((path, "This is not an e-mail address."));
        }
    }
    if fax.is_some_and(|fax| !is_phone(fax)) {
        found.push(("HealthPlan.PrimaryCareProvider.FaxNumber", "This is not a fax number: 7 to 15 digits."));
    }
    for (path, message) in found {
        review.warn(IssueCode::ImplausibleValue, path, message);
    }
}

/// Numbers joined by dots, none with a leading zero.
fn is_uid(text: &str) -> bool {
    let is_number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'))
    };
    let text = text.trim();
    text.len() <= UID_LIMIT && text.contains('.') && text.split('.').all(is_number)
}

/// Something before the one `@`, and a name with a dot behind it.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.trim().split_once('@') else { return false };
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|character| character.is_alphanumeric() || character == '-')
    };
    !local.is_empty()
        && !text.trim().chars().any(|character| character.is_whitespace() || character.is_control())
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

/// Digits with what people write between them.
fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_usual = |character: char| character.is_ascii_digit() || " +-().x/".contains(character);
    (7..=15).contains(&digits) && text.trim().chars().all(is_usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plausible() {
        for (uid, good) in [
            ("1.2.840.10008.1.2", true),
            ("2.25.0", true),
            ("1.02.3", false),
            ("1..2", false),
            ("study 7", false),
            ("12345", false),
            (&"1.".repeat(40), false),
        ] {
            assert_eq!(is_uid(uid), good, "{uid}");
        }
        for (email, good) in [
            ("a.b@clinic.example", true),
            ("name@direct.hisp.example", true),
            ("clinic.example", false),
            ("@clinic.example", false),
            ("a@b", false),
            ("a b@clinic.example", false),
            ("a@clinic..example", false),
            ("a@b@clinic.example", false),
        ] {
            assert_eq!(is_email(email), good, "{email}");
        }
        for (phone, good) in [
            ("(217) 555-0142", true),
            ("+1 217 555 0142 x7", true),
            ("none", false),
            ("12345", false),
            ("555-01AB2345", false),
        ] {
            assert_eq!(is_phone(phone), good, "{phone}");
        }
    }
}
