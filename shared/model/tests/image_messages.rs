//! Image submissions as the published clients write them, and what is wrong with others (iris-facts §2.11).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_model::submission::{Context, Origin, validate_image};
use iris_model::{Action, ImageClass, ImageEncoding, Issue, IssueCode, Laterality, Message, Organization, Submission};
use serde_json::{Value, json};

fn organization() -> Organization {
    Organization::parse(include_bytes!("../../../samples/harborview.json")).unwrap()
}

fn message() -> Value {
    json!({
        "Version": "V2.3.1",
        "ClientGuid": "5a3d1e70-0000-4000-8000-000000000001",
        "Site": { "LocalId": "HV-SEA", "Name": "", "Address": {} },
        "OrderLocalId": "O-1",
        "Image": {
            "LocalId": "IMG-1",
            "AzureBlobStorage": { "Container": "harborview-images", "FileName": "one.jpg" },
            "Laterality": 0,
            "ImageContext": 1,
            "ParentLocalId": "",
        },
        "ImageClass": 0,
        "ImageEncoding": 6,
        "TotalImageCountForOrder": 2,
        "ItemNumberInCollection": 1,
        "Camera": { "LocalId": "", "Images": [] },
    })
}

fn validated(message: &Value) -> Result<Submission, Vec<Issue>> {
    let Message::Image(parsed) = Message::parse(message.to_string().as_bytes()).unwrap() else {
        panic!("not taken for an image");
    };
    let organization = organization();
    let origin =
        Origin { today: jiff::civil::date(2026, 11, 20), derived_order_id: None, fill_from_organization: false };
    validate_image(parsed.request, parsed.issues, &Context { organization: &organization, origin: &origin })
}

#[test]
fn a_message_of_the_published_client_is_one_directive() {
    let Message::Image(parsed) = Message::parse(message().to_string().as_bytes()).unwrap() else { panic!() };
    assert_eq!(parsed.issues, []);
    assert_eq!(parsed.request.image_class, Some(ImageClass::Fundus));
    assert_eq!(parsed.request.image_encoding, Some(ImageEncoding::Dcm));
    let submission = validated(&message()).unwrap();
    assert!(matches!(&submission.action, Action::AttachImage { order } if order.as_str() == "O-1"));
    let images = &submission.request.camera.unwrap().images;
    assert_eq!(images.len(), 1);
    assert_eq!(images[0].laterality, Some(Laterality::Os));
}

#[test]
fn what_is_missing_is_named_where_the_sender_wrote_it() {
    for (path, expected) in [
        ("/Image/Laterality", "Image.Laterality"),
        ("/Image/AzureBlobStorage/FileName", "Image.AzureBlobStorage.FileName"),
        ("/OrderLocalId", "OrderLocalId"),
        ("/Image", "Image"),
        ("/ClientGuid", "ClientGuid"),
        ("/Version", "Version"),
    ] {
        let mut message = message();
        *message.pointer_mut(path).unwrap() = Value::Null;
        let issues = validated(&message).unwrap_err();
        assert_eq!(issues.len(), 1, "{path}: {issues:?}");
        assert_eq!((issues[0].code, &*issues[0].path), (IssueCode::Missing, expected));
    }
    let mut wrong = message();
    wrong["Image"]["Laterality"] = json!("middle");
    let issues = validated(&wrong).unwrap_err();
    assert_eq!((issues[0].code, &*issues[0].path), (IssueCode::UnknownCode, "Image.Laterality"));
    let mut long = message();
    long["OrderLocalId"] = json!("9".repeat(65));
    let issues = validated(&long).unwrap_err();
    assert_eq!((issues[0].code, &*issues[0].path), (IssueCode::TooLong, "OrderLocalId"));
}

#[test]
fn another_organization_is_refused() {
    let mut foreign = message();
    foreign["ClientGuid"] = json!("11111111-2222-4333-8444-555555555555");
    assert_eq!(validated(&foreign).unwrap_err()[0].code, IssueCode::WrongOrganization);
}

#[test]
fn orders_are_not_taken_for_images() {
    for order in [
        json!({ "OrderControlCode": "NW", "Image": { "LocalId": "1" } }),
        json!({ "Order": { "LocalId": "1" }, "OrderLocalId": "1" }),
        json!({ "Patient": { "LocalId": "1" } }),
        json!({}),
    ] {
        assert!(matches!(Message::parse(order.to_string().as_bytes()), Ok(Message::Order(_))), "{order}");
    }
}
