//! Queries for people who inspect the platform.

use crate::Error;
use crate::codec::{id, status_column};
use crate::queries::{Counts, OrderDetail, OrderSearch, OrderSummary, Page, SubmissionRecord};
use async_trait::async_trait;
use iris_model::{ClientGuid, OutcomeKind};
use iris_rules::record::{GradingRecord, ResultRecord};
use uuid::Uuid;

/// Queries for people, not for the platform's own work.
#[async_trait]
pub trait Inspection: Send + Sync {
    /// Totals, for one organization or for all.
    async fn counts(&self, organization: Option<ClientGuid>) -> Result<Counts, Error>;
    /// Orders of an organization, newest first, with ids below `before`.
    async fn orders(
        &self,
        organization: ClientGuid,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page<OrderSummary>, Error>;
    /// Orders that match, newest first. In the worst case this scans every order, so it is for people, not for the
    /// platform's own work.
    async fn search_orders(&self, search: &OrderSearch, limit: u32) -> Result<Page<OrderSummary>, Error>;
    /// One order with its history.
    async fn order(&self, id: i64) -> Result<Option<OrderDetail>, Error>;
    /// Messages that were handled, latest first; `only` = with this outcome.
    async fn submissions(
        &self,
        organization: Option<ClientGuid>,
        only: Option<OutcomeKind>,
        limit: u32,
    ) -> Result<Vec<SubmissionRecord>, Error>;
    /// The bytes of a refused message.
    async fn refused_body(&self, submission: Uuid) -> Result<Option<Vec<u8>>, Error>;
    /// Results of an order, oldest first, with their canonical documents.
    async fn results(&self, order: i64) -> Result<Vec<ResultRecord>, Error>;
    /// Gradings of an order, oldest first.
    async fn gradings(&self, order: i64) -> Result<Vec<GradingRecord>, Error>;
}

/// A search in the form its statement takes.
pub(crate) struct Terms {
    /// Pattern for `LIKE … ESCAPE '!'` on lower-case text.
    pub(crate) pattern: Option<String>,
    /// The order number, if the text is one.
    pub(crate) number: Option<i32>,
    pub(crate) status: Option<i16>,
    pub(crate) patient: Option<i32>,
    pub(crate) before: i32,
}

impl Terms {
    pub(crate) fn of(search: &OrderSearch) -> Result<Self, Error> {
        let text = search.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        Ok(Self {
            pattern: text.map(containing),
            number: text.and_then(|text| text.parse().ok()),
            status: search.status.map(status_column),
            patient: search.patient.map(id).transpose()?,
            before: search.before.map_or(Ok(i32::MAX), id)?,
        })
    }
}

/// A pattern for texts that contain this one, with all its characters taken literally.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_its_text_alone() {
        assert_eq!(containing("D_1%!"), "%d!_1!%!!%");
    }
}
