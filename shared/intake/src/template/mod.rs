//! The workbook a person fills in and drops: the columns of the organization's mapping, lists for coded cells, and a
//! sheet that explains each column.
//!
//! The second row is an example. Its patient has the id `EXAMPLE-DELETE-THIS-ROW`, and a row with that id is never
//! loaded, whatever else it says: forgetting to delete it causes a warning (`example-row`), not an invented patient
//! (decision 221).

mod book;
mod choice;
mod column;
mod words;

pub(crate) use column::EXAMPLE_PATIENT;

use column::columns;
use iris_model::Organization;
use iris_model::organization::Mapping;
use rust_xlsxwriter::XlsxError;

/// Writes the workbook for files that will be dropped under this name, which decides which of the organization's
/// mappings reads them.
///
/// # Errors
/// When the workbook cannot be made, which no mapping is known to cause.
pub fn write(organization: &Organization, file_name: &str) -> Result<Vec<u8>, XlsxError> {
    let builtin = Mapping::default();
    let rule = organization.rule_for(file_name);
    let mapping = rule.map_or(&builtin, |rule| &rule.mapping);
    let about = book::About {
        organization: &organization.name,
        container: &organization.drops_container(),
        pattern: rule.map(|rule| rule.pattern.as_str()),
        sheet: mapping.sheet.as_deref().unwrap_or("Orders"),
    };
    book::write(&columns(organization, mapping), &about)
}
