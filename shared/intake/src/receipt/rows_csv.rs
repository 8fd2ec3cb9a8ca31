//! `rows.csv`: one line for every row of the file.

use iris_model::RowLine;
use iris_model::formula::guarded;
use std::io::Write;

/// Writes `rows.csv`.
pub struct RowsCsv<W: Write> {
    out: csv::Writer<W>,
}

impl<W: Write> RowsCsv<W> {
    /// Begins with the header.
    pub fn new(out: W) -> csv::Result<Self> {
        let mut out = csv::Writer::from_writer(out);
        out.write_record(["Row", "Outcome", "IrisOrderId", "OrderLocalId", "PatientLocalId", "Issues"])?;
        Ok(Self { out })
    }

    /// Writes the line of a row.
    pub fn write(&mut self, line: &RowLine) -> csv::Result<()> {
        let id = line.iris_order_id.map(|id| id.to_string()).unwrap_or_default();
        let order = guarded(line.order_local_id.as_deref().unwrap_or_default());
        let patient = guarded(line.patient_local_id.as_deref().unwrap_or_default());
        let issues = issues(line);
        self.out.write_record([&line.row.to_string(), line.outcome.as_str(), &id, &order, &patient, &guarded(&issues)])
    }

    /// Ends the document.
    pub fn finish(self) -> std::io::Result<W> {
        self.out.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// All issues of a row in one cell: `PatientDob: bad-date: …; OrderState: …`. They stay on one line, so that every tool
/// sees one line per row.
pub(super) fn issues(line: &RowLine) -> String {
    let texts = line.issues.iter().map(|located| {
        let issue = &located.issue;
        match located.header.as_deref().unwrap_or(&issue.path) {
            "" => format!("{}: {}", issue.code, issue.message),
            place => format!("{place}: {}: {}", issue.code, issue.message),
        }
    });
    texts.collect::<Vec<_>>().join("; ")
}
