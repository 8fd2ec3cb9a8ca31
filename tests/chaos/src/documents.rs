//! The organizations' documents, and what they send. All of it is synthetic.

use crate::history::{Asked, Sent};
use crate::plan::{image, mark};
use anyhow::{Context, Result};
use iris_local::organizations::Document;
use iris_model::{Organization, Slug};
use serde_json::{Value, json};
use std::fmt::Write;
use uuid::Uuid;

/// Longer than any run.
const PATIENCE_SECONDS: u32 = 3_000;

/// The organizations: all have the same sites, so that only the owner distinguishes one's data from another's.
pub(crate) fn organizations(count: usize) -> Result<Vec<Document>> {
    let sample = iris_local::organizations::read(None)?.into_iter().next().context("there is a sample organization")?;
    let mut documents = Vec::new();
    for number in 0..count {
        let mut organization = sample.organization.clone();
        let mark = mark(number);
        organization.slug = Slug::new(&mark).context("a mark is a short name")?;
        organization.name = format!("{mark} (synthetic)");
        organization.client_guid.0 = guid(number);
        organization.late_parent_patience_seconds = PATIENCE_SECONDS;
        organization.change_receipts = true;
        organization.cancel_receipts = true;
        organization.events_for_drops = true;
        organization.grading.without_images = true;
        let content = serde_json::to_vec(&organization).context("a document is JSON")?;
        let organization = Organization::parse(&content).context("a document of the run is not usable")?;
        documents.push(Document { organization, content });
    }
    Ok(documents)
}

fn guid(organization: usize) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, mark(organization).as_bytes())
}

/// The message that asks for it; `None` for rows and images, which are not sent as messages.
pub(crate) fn message(sent: &Sent) -> Option<Value> {
    let order = &sent.order;
    let head = |code: &str| {
        json!({
            "Version": "2.3.1",
            "ClientGuid": guid(sent.organization),
            "OrderControlCode": code,
            "Order": { "LocalId": order },
        })
    };
    match &sent.asked {
        Asked::Order => {
            let mut document = head("NW");
            document["Site"] = json!({ "LocalId": "HV-SEA" });
            document["Order"]["EvaluationTypes"] = json!(["DR"]);
            document["Patient"] = json!({
                "LocalId": format!("P-{order}"),
                "Name": { "First": "Sample", "Last": format!("Testpatient {}", mark(sent.organization)) },
                "Dob": "1961-12-01",
                "Genders": [{ "Context": "BirthGender", "Gender": "F" }],
            });
            if matches!(order.as_str(), "O0" | "O1") {
                document["Camera"] = json!({ "Images": [directive(sent, "od"), directive(sent, "os")] });
            }
            Some(document)
        }
        Asked::Change { pointer, value } => {
            let mut document = head("XO");
            let (section, property) = pointer.strip_prefix('/')?.split_once('/')?;
            document[section][property] = json!(value);
            Some(document)
        }
        Asked::Cancellation => Some(head("CA")),
        Asked::Grading => {
            let eye = json!({ "Gradable": true, "Findings": [
                { "Finding": "Diabetic Retinopathy", "Result": "None" },
                { "Finding": "Macular Edema", "Result": "None" }
            ] });
            Some(json!({
                "Version": "2.3.1",
                "ClientGuid": guid(sent.organization),
                "LocalId": order,
                "GradedTime": "2026-11-20T17:30:00.0000000+00:00",
                "Provider": { "NPI": "9000000007", "Name": { "First": "Sample", "Last": "Grader" }, "Degrees": "OD" },
                "OD": eye,
                "OS": eye,
            }))
        }
        Asked::Row { .. } | Asked::Image { .. } => None,
    }
}

fn directive(sent: &Sent, eye: &str) -> Value {
    let name = image(sent.organization, &sent.order, eye);
    json!({
        "LocalId": name,
        "AzureBlobStorage": { "Container": format!("{}-images", mark(sent.organization)), "FileName": name },
        "Laterality": eye.to_uppercase(),
    })
}

/// The file with these rows.
pub(crate) fn file<'a>(rows: impl Iterator<Item = &'a Sent>) -> String {
    let mut text = String::from(
        "Version,ClientGuid,OrderControlCode,SiteLocalId,PatientLocalId,PatientFirstName,PatientLastName,PatientDob,\
         PatientBirthGender,OrderLocalId,EvaluationType\n",
    );
    let mut rows: Vec<(u32, &Sent, bool)> = rows
        .filter_map(|sent| match sent.asked {
            Asked::Row { row, good, .. } => Some((row, sent, good)),
            _ => None,
        })
        .collect();
    rows.sort_by_key(|(row, ..)| *row);
    for (_, sent, good) in rows {
        let (order, mark, guid) = (&sent.order, mark(sent.organization), guid(sent.organization));
        // Without a birth date a row is refused.
        let birth = if good { "1961-12-01" } else { "" };
        let _ = writeln!(text, "2.3.1,{guid},NW,HV-PDX,P-{order},Sample,Testpatient {mark},{birth},F,{order},DR");
    }
    text
}

/// The bytes of an image.
pub(crate) fn picture(name: &str) -> &'static [u8] {
    if name.ends_with("-od.jpg") {
        include_bytes!("../../images/plain-od.jpg")
    } else {
        include_bytes!("../../images/plain-os.jpg")
    }
}
