//! A result prepared for one destination.

use crate::{Embedded, Obstacle, Rendered, Result as StoredResult, message};
use bytes::Bytes;
use iris_model::Organization;
use iris_model::organization::{DeliveryFormat, DestinationDocument, NameTemplate};
use iris_rules::deliveries::Delivery;

/// What a channel sends.
#[derive(Debug, Clone, Copy)]
pub struct Parcel<'a> {
    /// The delivery.
    pub delivery: &'a Delivery,
    /// The organization it belongs to.
    pub organization: &'a Organization,
    /// The destination, with its format.
    pub destination: &'a DestinationDocument,
    /// The stored result.
    pub result: &'a StoredResult,
    /// The rendered report, if the format has one.
    pub rendered: &'a Rendered,
}

impl Parcel<'_> {
    /// The report to embed in the result.
    #[must_use]
    pub fn embedded(&self) -> Embedded<'_> {
        match self.destination.format {
            DeliveryFormat::ResultWithPdf => Embedded::Pdf(&self.rendered.pdf),
            DeliveryFormat::ResultWithHtml => Embedded::Html(&self.rendered.html),
            DeliveryFormat::Result | DeliveryFormat::Pdf | DeliveryFormat::Html => Embedded::Nothing,
        }
    }

    /// The bytes to send.
    #[must_use]
    pub fn content(&self) -> Bytes {
        match self.destination.format {
            DeliveryFormat::ResultWithPdf | DeliveryFormat::ResultWithHtml | DeliveryFormat::Result => {
                message(self.result, self.embedded(), &self.destination.compatibility()).into()
            }
            DeliveryFormat::Pdf => self.rendered.pdf.clone(),
            DeliveryFormat::Html => Bytes::from(self.rendered.html.clone()),
        }
    }

    /// Their media type.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self.destination.format {
            DeliveryFormat::Pdf => "application/pdf",
            DeliveryFormat::Html => "text/html; charset=utf-8",
            DeliveryFormat::ResultWithPdf | DeliveryFormat::ResultWithHtml | DeliveryFormat::Result => {
                "application/json"
            }
        }
    }

    /// The name of its file. Dates are those of the result, so that the name is the same on every delivery.
    ///
    /// # Errors
    /// [`Obstacle::Name`] when the order lacks a value that the name needs.
    pub fn file_name(&self, template: &NameTemplate) -> Result<String, Obstacle> {
        template.name(&self.result.names(self.delivery.at)).map_err(Obstacle::Name)
    }
}
