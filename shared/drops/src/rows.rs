//! Turns a row that was read into what the rules decide about.

use crate::refusal::about;
use iris_intake::Row;
use iris_model::submission::{Context, Origin, validate};
use iris_model::{Issue, IssueCode, LocalId, Organization};
use iris_rules::incoming::row_id;
use iris_rules::{Incoming, Refusal};
use iris_store::RowDetail;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use std::sync::Arc;
use uuid::Uuid;

/// Issues after which a row's values are meaningless.
const UNREADABLE: [IssueCode; 6] = [
    IssueCode::BadJson,
    IssueCode::TooDeep,
    IssueCode::TooLarge,
    IssueCode::BadEncoding,
    IssueCode::BadQuoting,
    IssueCode::TotalRow,
];

/// What all rows of a drop share.
#[derive(Debug, Clone)]
pub struct RowOrigin {
    /// The drop.
    pub drop: Uuid,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// The organization it belongs to.
    pub organization: Arc<Organization>,
    /// Orders without an id get one (decision 4), because the file's layout says so.
    pub derives_order_ids: bool,
}

impl RowOrigin {
    /// Rows in the form the rules take, at this time.
    #[must_use]
    pub fn submissions(&self, rows: Vec<Row>, now: Timestamp) -> Vec<(Incoming, RowDetail)> {
        let today = now.to_zoned(TimeZone::UTC).date();
        rows.into_iter().map(|row| self.submission(row, now, today)).collect()
    }

    /// A row in the form the rules take: validated, or refused with every issue of the row.
    fn submission(&self, row: Row, now: Timestamp, today: Date) -> (Incoming, RowDetail) {
        let origin = Origin {
            today,
            derived_order_id: self.derives_order_ids.then(|| self.derived_order_id(row.number)).flatten(),
            fill_from_organization: true,
        };
        let context = Context { organization: &self.organization, origin: &origin };
        let refused = about(&row.request);
        let known: Vec<Issue> = row.issues.iter().map(|located| located.issue.clone()).collect();
        // There is nothing to add about a row that could not be read at all.
        let request = if known.iter().any(|issue| UNREADABLE.contains(&issue.code)) {
            Err(known)
        } else {
            validate(row.request, known, &context)
        };
        let (issues, cells) = (row.issues, row.original.into_cells());
        let detail = RowDetail { row: row.number, issues, cells, earlier: row.earlier };
        let incoming = Incoming {
            id: row_id(self.drop, row.number),
            message_id: None,
            organization: Arc::clone(&self.organization),
            received_at: now,
            first_seen: self.first_seen,
            source: iris_rules::Source::Row,
            request: request.map_err(|issues| Refusal { issues, ..refused }),
            body: None,
        };
        (incoming, detail)
    }

    /// The id for an order without one, stable over redelivery (decision 4).
    fn derived_order_id(&self, row: u32) -> Option<LocalId> {
        LocalId::new(&format!("{}-{row}", self.drop.simple()))
    }
}
