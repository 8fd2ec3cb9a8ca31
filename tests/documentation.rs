//! The list in docs/LOCAL-HOST.md of what is not offered, which the endpoints refuse. `IRIS_UPDATE_DOCS=1` rewrites it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;

const BEGIN: &str = "<!-- not offered: written by the test `documentation` with IRIS_UPDATE_DOCS=1 -->\n";
const END: &str = "<!-- end of not offered -->";

fn rendered() -> String {
    let mut table = String::from("\n| not offered | how it is asked for |\n|---|---|\n| **Service Bus** | |\n");
    for offer in iris_local_servicebus::NotOffered::ALL {
        let _ = writeln!(table, "| {} | {} |", offer.what(), offer.asked_for_by());
    }
    table.push_str("| **Blob storage** | |\n");
    for offer in iris_local_blob::NotOffered::ALL {
        let ways: Vec<String> = offer.asked_for_by().map(|way| format!("`{way}`")).collect();
        let _ = writeln!(table, "| {} | {} |", offer.what(), ways.join(", "));
    }
    table.push('\n');
    table
}

#[test]
fn the_list_of_what_is_not_offered_is_the_one_the_endpoints_refuse_by() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/LOCAL-HOST.md");
    let document = std::fs::read_to_string(&file).unwrap();
    let (head, rest) = document.split_once(BEGIN).expect("the document has a place for the list");
    let (_, tail) = rest.split_once(END).unwrap();
    let current = format!("{head}{BEGIN}{}{END}{tail}", rendered());
    if std::env::var_os("IRIS_UPDATE_DOCS").is_some() {
        std::fs::write(&file, current).unwrap();
    } else if document != current {
        panic!("the list in docs/LOCAL-HOST.md is not current; run this test with IRIS_UPDATE_DOCS=1");
    }
}
