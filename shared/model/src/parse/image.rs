//! Reading an ImageRequest as leniently as an OrderRequest (iris-facts §2.11), and telling the two apart.

use super::object::{Findings, Object, section};
use super::path::Path;
use super::place;
use crate::image::{ImageRequest, Message, ParsedImage};
use crate::json::{self, Node};
use crate::{Issue, IssueCode, OrderRequest};

impl Message {
    /// Reads a message of either kind.
    ///
    /// # Errors
    /// The one issue that keeps it from being read at all: `bad-json`, `bad-encoding`, `empty`, `too-deep`,
    /// `too-large`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Issue> {
        match json::parse(bytes)? {
            // Some clients turn the body into JSON after `JSON.stringify` already did: the document is inside a text.
            Node::Text(text) => Self::of_object(&json::parse(text.as_bytes())?),
            node => Self::of_object(&node),
        }
    }

    fn of_object(node: &Node<'_>) -> Result<Self, Issue> {
        let wrong = match node {
            Node::Object(_) => None,
            Node::Array(_) => {
                Some("This is a list. Send one message per order; lists of orders can be dropped as a file.")
            }
            _ => Some("This is not an OrderRequest: send one as a JSON object, {\"Version\": …}."),
        };
        if let Some(message) = wrong {
            return Err(Issue::error(IssueCode::BadJson, "", message));
        }
        if !is_image(node) {
            return Ok(Self::Order(Box::new(OrderRequest::from_node(node))));
        }
        let mut findings = Findings::default();
        let request = section(node, Path::Root, &mut findings, root).unwrap_or_default();
        Ok(Self::Image(Box::new(ParsedImage { request, issues: findings.into_issues() })))
    }
}

/// An `Image` or an `OrderLocalId` at the root; an OrderRequest has neither.
fn is_image(node: &Node<'_>) -> bool {
    let Node::Object(entries) = node else { return false };
    let has = |name: &str| entries.iter().any(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_blank());
    (has("Image") || has("OrderLocalId")) && !has("Order") && !has("Patient") && !has("OrderControlCode")
}

fn root(object: &mut Object<'_, '_>) -> ImageRequest {
    let request = ImageRequest {
        version: object.text(&["Version"]),
        client_guid: object.guid("ClientGuid"),
        site: object.child(&["Site"], place::site),
        order_local_id: object.text(&["OrderLocalId"]),
        image: object.child(&["Image"], place::image),
        image_class: object.code("ImageClass"),
        image_encoding: object.code("ImageEncoding"),
        total_image_count_for_order: object.integer("TotalImageCountForOrder"),
        item_number_in_collection: object.integer("ItemNumberInCollection"),
        camera: object.child(&["Camera"], place::camera),
    };
    object.ignore("$schema");
    request
}
