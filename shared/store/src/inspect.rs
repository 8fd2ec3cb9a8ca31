//! Searches for people who look into the platform, the same in both databases.

use crate::Error;
use crate::codec::{id, status_column};
use crate::queries::OrderSearch;

/// A search as its statement takes it.
pub(super) struct Terms {
    /// Pattern for `LIKE … ESCAPE '!'` on lower-case text.
    pub(super) pattern: Option<String>,
    /// The order the text is the number of.
    pub(super) number: Option<i32>,
    pub(super) status: Option<i16>,
    pub(super) patient: Option<i32>,
    pub(super) before: i32,
}

impl Terms {
    pub(super) fn of(search: &OrderSearch) -> Result<Self, Error> {
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

/// The pattern of texts that contain this one, whatever characters it has.
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

/// Defines the functions for a pool type.
macro_rules! inspect_statements {
    ($pool:ty) => {
        use crate::Error;
        use crate::queries::{OrderSearch, OrderSummary, Page};
        use crate::codec::SummaryRow;
        use crate::fault::fault;
        use crate::inspect::Terms;
        use sqlx::AssertSqlSafe;

        pub(super) async fn search_orders(
            pool: &$pool,
            search: &OrderSearch,
            limit: u32,
        ) -> Result<Page<OrderSummary>, Error> {
            let terms = Terms::of(search)?;
            let sql = format!(
                "SELECT {} FROM orders o JOIN patients p ON p.id = o.patient \
                 WHERE o.id < $1 AND (CAST($2 AS TEXT) IS NULL OR o.id = $3 OR lower(o.local_id) LIKE $2 ESCAPE '!' \
                     OR lower(p.local_id) LIKE $2 ESCAPE '!' OR lower(o.site) LIKE $2 ESCAPE '!') \
                 AND ($4 IS NULL OR o.organization = $4) AND ($5 IS NULL OR o.status = $5) AND ($6 IS NULL OR o.patient = $6) \
                 ORDER BY o.id DESC LIMIT $7",
                SummaryRow::COLUMNS
            );
            let rows: Vec<SummaryRow> = sqlx::query_as(AssertSqlSafe(sql))
                .bind(terms.before)
                .bind(terms.pattern)
                .bind(terms.number)
                .bind(search.organization.map(|guid| guid.0))
                .bind(terms.status)
                .bind(terms.patient)
                .bind(i64::from(limit) + 1)
                .fetch_all(pool)
                .await
                .map_err(fault)?;
            let mut items: Vec<OrderSummary> = rows.into_iter().map(SummaryRow::record).collect::<Result<_, _>>()?;
            let more = items.len() > limit as usize;
            items.truncate(limit as usize);
            let next = items.last().filter(|_| more).map(|last| last.id);
            Ok(Page { items, next })
        }
    };
}

pub(super) use inspect_statements;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_its_text_alone() {
        assert_eq!(containing("D_1%!"), "%d!_1!%!!%");
    }
}
