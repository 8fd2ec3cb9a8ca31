//! People: patients, providers, names, genders (iris-facts §2.6 to §2.8).

use super::object::Object;
use super::place::address;
use crate::request::{Name, Patient, PersonGender, PrimaryCareProvider, Provider};
use crate::{Gender, GenderContext};

pub(super) fn patient(object: &mut Object<'_, '_>) -> Patient {
    Patient {
        local_id: object.text(&["LocalId"]),
        name: object.child(&["Name"], name),
        dob: object.date("Dob"),
        genders: genders(object),
        race: object.text(&["Race"]),
        ethnicity: object.text(&["Ethnicity"]),
        primary_language: object.text(&["PrimaryLanguage"]),
        marital_status: object.code("MaritalStatus"),
        email: object.text(&["Email"]),
        phone: object.text(&["Phone"]),
        address: object.child(&["Address"], address),
        additional_info: object.text(&["AdditionalInfo"]),
        dx_code: object.text(&["DxCode"]),
    }
}

/// The genders by context; where there are none, the obsolete single gender, which has no context (iris-facts §13 #5).
fn genders(object: &mut Object<'_, '_>) -> Vec<PersonGender> {
    let listed: Vec<PersonGender> = object.children("Genders", gender).into_iter().flatten().collect();
    match object.code::<Gender>("Gender") {
        Some(gender) if listed.is_empty() => vec![PersonGender { context: GenderContext::Unknown, gender }],
        _ => listed,
    }
}

/// One gender in its context. The published TypeScript client writes `{}` for the gender numbered 0 (iris-facts §2.10),
/// so an empty object beside a context means gender 0; an entry without a gender means nothing.
fn gender(entry: &mut Object<'_, '_>) -> Option<PersonGender> {
    const KEYS: &[&str] = &["Gender", "Value"];
    let unspecified = entry.has_empty_object(KEYS).then_some(Gender::Unspecified);
    let context = entry.code::<GenderContext>("Context");
    match (context, entry.code_of::<Gender>(KEYS)) {
        (context, Some(gender)) => Some(PersonGender { context: context.unwrap_or(GenderContext::Unknown), gender }),
        (Some(context), None) => unspecified.map(|gender| PersonGender { context, gender }),
        (None, None) => None,
    }
}

pub(super) fn provider(object: &mut Object<'_, '_>) -> Provider {
    Provider {
        npi: object.text(&["NPI"]),
        taxonomy: object.text(&["Taxonomy"]),
        name: object.child_or_text("Name", name, name_from_text),
        email: object.text(&["Email", "EmailAddress"]),
        degrees: object.text(&["Degrees"]),
        associations: object.text(&["Associations"]),
    }
}

pub(super) fn primary_care_provider(object: &mut Object<'_, '_>) -> PrimaryCareProvider {
    PrimaryCareProvider {
        npi: object.text(&["NPI"]),
        name: object.child_or_text("Name", name, name_from_text),
        email_address: object.text(&["EmailAddress", "Email"]),
        fax_number: object.text(&["FaxNumber", "Fax"]),
    }
}

fn name(object: &mut Object<'_, '_>) -> Name {
    Name {
        first: object.text(&["First"]),
        last: object.text(&["Last"]),
        middle: object.text(&["Middle"]),
        title: object.text(&["Title"]),
    }
}

/// A provider's name as one text (iris-facts §13 #12): `Last, First`, else the last word is the family name.
fn name_from_text(text: &str) -> Name {
    let text = text.trim();
    let (first, last) = match text.split_once(',') {
        Some((last, first)) => (first, last),
        None => text.rsplit_once(char::is_whitespace).unwrap_or(("", text)),
    };
    let part = |part: &str| Some(part.trim()).filter(|part| !part.is_empty()).map(str::to_owned);
    Name { first: part(first), last: part(last), ..Name::default() }
}
