//! Results for hospitals by HL7 (iris-facts §9.3–9.6), sent to the organization's queue for its proxy, which speaks
//! MLLP.
//!
//! The message is built from the platform's instructions, the destination's own, and what was stored with the result.
//! Handed over again, it is byte for byte the same, with the same MSH-10, so that the hospital recognizes a repetition.
//! A delivery does not end when the queue has the message; it ends with the hospital's answer, which the proxy reports
//! (`functions/receive_hl7`).

mod content;
mod findings;
mod narrative;

use crate::{Away, Channel, Failure, Obstacle, Outside, Parcel, Refusal};
use async_trait::async_trait;
use bytes::Bytes;
use iris_azure::blob::{BlobAddress, UploadOptions};
use iris_azure::servicebus::OutgoingMessage;
use iris_hl7::mapping::{Kind, Program, compile, defaults};
use iris_model::HL7_CONTENT;
use iris_model::issue::quoted;
use iris_model::names::property;
use iris_model::organization::{
    DeliveryFormat, DestinationDocument, Hl7Target, InterfaceDocument, MESSAGE_LIMITS, Organization, Problem,
};
use iris_model::result::DocumentLocation;
use iris_rules::deliveries::life::CHARGE_WAITS;
use uuid::Uuid;

use content::content;

/// The folder for messages too large for the queue, in the organization's results container.
const FOLDER: &str = "hl7";

#[async_trait]
impl Channel for Hl7Target {
    fn kind(&self) -> &'static str {
        "hl7"
    }

    fn delivery_type(&self) -> &'static str {
        "icOrgProxy"
    }

    fn place(&self) -> String {
        format!("{} to interface {}", name(self.message), self.interface)
    }

    fn awaits_word(&self) -> bool {
        true
    }

    fn check(&self, destination: &DestinationDocument, organization: &Organization) -> Vec<Problem> {
        let mut problems = Vec::new();
        if organization.interface(Some(&self.interface)).is_none() {
            let problem = format!("{} is not the id of one of the interfaces", quoted(&self.interface));
            problems.push(Problem { place: "to.hl7.interface", problem });
        }
        if !MESSAGE_LIMITS.contains(&self.message_limit) {
            let problem = format!("is not from {} to {} bytes", MESSAGE_LIMITS.start(), MESSAGE_LIMITS.end());
            problems.push(Problem { place: "to.hl7.messageLimit", problem });
        }
        if let Err(wrong) = program(self) {
            problems.extend(wrong.into_iter().map(|problem| Problem { place: "to.hl7.mapping", problem }));
        }
        let payloads = payloads(self);
        let uses = |payload: &str| payloads.iter().any(|used| used == payload);
        if uses("link") {
            let problem = "has the payload link: there is no address at which a hospital could see a report".to_owned();
            problems.push(Problem { place: "to.hl7.mapping.use", problem });
        }
        let has_pdf = matches!(destination.format, DeliveryFormat::Pdf | DeliveryFormat::ResultWithPdf);
        if uses("pdf") != has_pdf {
            let problem = if has_pdf {
                "has a report, which this message does not hold; use result, or the payload pdf"
            } else {
                "has no PDF, which this message holds; use resultWithPdf, or leave out the payload pdf"
            };
            problems.push(Problem { place: "format", problem: problem.to_owned() });
        }
        if self.message == Kind::Dft && uses("technical") && self.technical_code().is_none() {
            let problem = "is missing: the payload technical charges it".to_owned();
            problems.push(Problem { place: "to.hl7.charge.technicalCode", problem });
        }
        problems
    }

    async fn send(&self, parcel: &Parcel<'_>, outside: &Outside) -> Result<String, Failure> {
        let interface = parcel.organization.interface(Some(&self.interface)).ok_or(Obstacle::Interface)?;
        let message = build(self, &interface, parcel)?;
        let queue = parcel.organization.slug.hl7_out_queue();
        let is_large = message.len() > self.message_limit as usize;
        let (body, content_type) = if is_large {
            (put_aside(parcel, outside, message).await?, "application/json")
        } else {
            (message, HL7_CONTENT)
        };
        let delivery = parcel.delivery;
        let properties = [
            (property::TRANSACTION, delivery.transaction_id.to_string()),
            (property::DESTINATION, parcel.destination.id.clone()),
            (property::INTERFACE, self.interface.clone()),
            (property::MESSAGE, name(self.message).to_owned()),
        ];
        let charge = self.message == Kind::Dft;
        let outgoing = OutgoingMessage {
            // Depends on how often it was handed over, so that the queue does not drop an intended repetition as a
            // duplicate.
            message_id: message_id(parcel, charge).to_string(),
            body,
            content_type: Some(content_type.to_owned()),
            application_properties: properties.map(|(name, value)| (name.to_owned(), value.into())).into(),
            time_to_live: charge.then(|| CHARGE_WAITS.unsigned_abs()),
            ..OutgoingMessage::default()
        };
        outside.sender.send(&queue, vec![outgoing]).await.map_err(Refusal::Queue)?;
        Ok(self.interface.clone())
    }
}

/// A charge keeps its id however often it is handed over, so that the queue drops duplicates. A result that its
/// hospital has not taken must be sent again, so it gets a new id.
fn message_id(parcel: &Parcel<'_>, charge: bool) -> Uuid {
    let place = Uuid::new_v5(&parcel.delivery.transaction_id, parcel.destination.id.as_bytes());
    let times = if charge { 0 } else { parcel.delivery.announced };
    Uuid::new_v5(&place, &times.to_be_bytes())
}

/// The name used in MSH-9 and in documents.
fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Oru => "ORU",
        Kind::Mdm => "MDM",
        Kind::Dft => "DFT",
    }
}

/// The payloads to send: the destination's, or the published ones.
fn payloads(target: &Hl7Target) -> Vec<String> {
    let own = target.mapping.payloads.clone();
    own.or_else(|| defaults(target.message).ok().map(|instructions| instructions.payloads)).unwrap_or_default()
}

/// The compiled instructions for building messages, or all problems with them.
fn program(target: &Hl7Target) -> Result<Program, Vec<String>> {
    let instructions = defaults(target.message).map_err(|_| vec!["has no instructions".to_owned()])?;
    compile(target.message, &instructions, &target.mapping)
        .map_err(|problems| problems.iter().map(|problem| format!("at {}: {}", problem.at, problem.wrong)).collect())
}

/// The message of a result.
///
/// # Errors
/// [`Obstacle::Interface`] if the destination's instructions are unusable; they were checked when the document was
/// read.
pub fn build(target: &Hl7Target, interface: &InterfaceDocument, parcel: &Parcel<'_>) -> Result<Bytes, Obstacle> {
    let program = program(target).map_err(|_| Obstacle::Interface)?;
    Ok(program.build(&content(target, interface, parcel), interface.charset).into())
}

/// Puts a message too large for the queue into the results container; returns the JSON that says where.
async fn put_aside(parcel: &Parcel<'_>, outside: &Outside, message: Bytes) -> Result<Bytes, Failure> {
    let container = parcel.organization.results_container();
    let place = Uuid::new_v5(&parcel.delivery.transaction_id, parcel.destination.id.as_bytes());
    let file_name = format!("{FOLDER}/{}.{place}.hl7", parcel.result.order_id());
    let address = BlobAddress::new(&container, &file_name).map_err(Away::Place)?;
    let options = UploadOptions { content_type: Some(HL7_CONTENT.to_owned()), ..UploadOptions::default() };
    let size = message.len() as u64;
    outside.blobs.upload(&address, message, options).await.map_err(Away::Storage)?;
    let location = DocumentLocation { container, file_name, size };
    Ok(Bytes::from(serde_json::to_vec(&location).map_err(Away::Location)?))
}
