//! ImageRequest: an image sent after its order, as a message of its own (iris-facts §2.11).
//!
//! It comes through the same queue as OrderRequests. What tells the two apart is the `Image` at the root, which no
//! OrderRequest has.

use crate::request::{Camera, Image, Order, OrderRequest, Site};
use crate::{ClientGuid, ImageClass, ImageEncoding, Issue};
use schemars::JsonSchema;
use serde::Serialize;

/// A message of the queue of orders, as far as it could be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A patient, an order, or an operation on an order.
    Order(Box<crate::Parsed>),
    /// An image for an order.
    Image(Box<ParsedImage>),
}

/// An image submission as far as it could be read, and what could not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParsedImage {
    /// The request; values that could not be read are left out.
    pub request: ImageRequest,
    /// What could not be read (errors), or was not understood and is ignored (warnings).
    pub issues: Vec<Issue>,
}

/// A stand-alone image submission.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageRequest {
    /// Message version; `2.3.1` (`V2.3.1` is accepted).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The organization as the sender states it; proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_guid: Option<ClientGuid>,
    /// Where the exam takes place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// The order to attach the image to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_local_id: Option<String>,
    /// Where the image lies and which eye it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Kind of image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_class: Option<ImageClass>,
    /// File format as the sender states it; what counts is the file itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_encoding: Option<ImageEncoding>,
    /// How many images the sender means to send for the order; informational (decision 177).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_image_count_for_order: Option<i64>,
    /// Which of them this one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_number_in_collection: Option<i64>,
    /// The camera, without images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<Camera>,
}

impl ImageRequest {
    /// The same as an order with one image directive: the form in which directives are validated and stored.
    #[must_use]
    pub(crate) fn into_order_request(self) -> OrderRequest {
        let camera = Camera { images: self.image.into_iter().collect(), ..self.camera.unwrap_or_default() };
        OrderRequest {
            version: self.version,
            client_guid: self.client_guid,
            site: self.site,
            order: Some(Order { local_id: self.order_local_id, ..Order::default() }),
            camera: Some(camera),
            ..OrderRequest::default()
        }
    }
}
