//! Property tests: whatever a client sends, the parsers answer and never panic.

use proptest::prelude::*;

use super::header_case::HeaderCase;
use super::{batch, call, date, xml};
use crate::auth::Query;
use crate::names::{BlobName, ContainerName};

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = xml::leaves(&bytes);
        let _ = HeaderCase::read(&bytes);
        let _ = call::text(&bytes);
    }

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        let _ = Query::parse(&text);
        let _ = call::resource(&text);
        let _ = date::parse(&text);
        let _ = batch::parse(&text, "b");
        let _ = ContainerName::new(text.clone());
        let _ = BlobName::new(text);
    }

    #[test]
    fn nearly_xml(text in "(<[a-zA-Z/!?]{0,3}>?|&#?x?[0-9a-z]{0,9};?|[a-z]{0,3}|\\]\\]>|<!\\[CDATA\\[|<!--|-->){0,40}") {
        let _ = xml::leaves(text.as_bytes());
    }

    #[test]
    fn nearly_a_batch(text in "(--b|--|\r\n|Content-ID: [0-9]|DELETE /a/b/c|[ :/?%a-z]{0,5}| HTTP/1.1){0,40}") {
        let _ = batch::parse(&text, "b");
    }

    #[test]
    fn nearly_a_path(path in "(/|%[0-9a-fA-F]{0,2}|[a-z.]{0,3}|\\$root){0,40}") {
        let _ = call::resource(&path);
    }

    #[test]
    fn what_is_written_as_xml_is_read_back(text in "[^\u{0}-\u{1f}\u{fffe}\u{ffff}]{0,100}") {
        let mut writer = xml::Writer::new();
        writer.open("A", "").leaf("B", &text).close("A");
        let leaves = xml::leaves(writer.finish().as_bytes()).map_err(|failure| TestCaseError::fail(failure.code))?;
        prop_assert_eq!(leaves[0].text.as_str(), text.trim());
    }
}
