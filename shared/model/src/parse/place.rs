//! Places and devices: sites, addresses, cameras, image directives (iris-facts §2.2 to §2.4, §2.8).

use super::object::Object;
use crate::request::{Address, BlobLocation, Camera, Image, Site};

pub(super) fn site(object: &mut Object<'_, '_>) -> Site {
    Site {
        local_id: object.text(&["LocalId"]),
        name: object.text(&["Name"]),
        address: object.child(&["Address"], address),
    }
}

/// An address under any of its published spellings (iris-facts §13 #10, #11); the canonical one wins.
pub(super) fn address(object: &mut Object<'_, '_>) -> Address {
    Address {
        street1: object.text(&["Street1", "Street"]),
        street2: object.text(&["Street2"]),
        city: object.text(&["City"]),
        state: object.state(&["State", "Region", "Province", "Territory"]),
        postal_code: object.text(&["PostalCode", "Zip"]),
        country: object.text(&["Country"]),
    }
}

pub(super) fn camera(object: &mut Object<'_, '_>) -> Camera {
    Camera {
        local_id: object.text(&["LocalId"]),
        name: object.text(&["Name"]),
        location: object.text(&["Location"]),
        ip_address: object.text(&["IPAddress"]),
        mac_address: object.text(&["MACAddress"]),
        serial_number: object.text(&["SerialNumber"]),
        manufacturer: object.text(&["Manufacturer"]),
        model: object.text(&["Model"]),
        software_version: object.text(&["SoftwareVersion"]),
        images: object.children("Images", image),
    }
}

pub(super) fn image(object: &mut Object<'_, '_>) -> Image {
    Image {
        local_id: object.text(&["LocalId"]),
        taken: object.instant(&["Taken", "DateTimeOffset"]),
        azure_blob_storage: object.child(&["AzureBlobStorage"], blob_location),
        laterality: object.code("Laterality"),
        image_context: object.code("ImageContext"),
        parent_local_id: object.text(&["ParentLocalId"]),
        group_id: object.integer("GroupId"),
        group_ordinal: object.integer("GroupOrdinal"),
    }
}

fn blob_location(object: &mut Object<'_, '_>) -> BlobLocation {
    BlobLocation { container: object.text(&["Container"]), file_name: object.text(&["FileName"]) }
}
