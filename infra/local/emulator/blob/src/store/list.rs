//! Listing containers and blobs, by name, in pages.

use rusqlite::{Connection, params};

use super::record::{self, Blob, Container};
use super::{Error, Store};
use crate::names::ContainerName;

/// Most entries in a page, and the default.
pub(super) const PAGE: usize = 5000;

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Only names that begin with this.
    pub prefix: String,
    /// Names are rolled up to the first of these after the prefix.
    pub delimiter: Option<String>,
    /// Where to begin: [`Page::next`] of the page before, or any name (inclusive).
    pub from: Option<String>,
    /// Most entries, 1 to 5,000; `None`: 5,000.
    pub limit: Option<usize>,
    /// Also blobs that have only uncommitted blocks.
    pub uncommitted: bool,
}

impl ListQuery {
    /// All names that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }
}

/// One line of a listing.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A blob.
    Blob(Box<Blob>),
    /// Blobs whose names begin with this, rolled up at a delimiter.
    Prefix(String),
}

/// Part of a listing.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The entries, by name.
    pub entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

impl Page {
    /// The blobs of the page.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Blob(blob) => Some(blob.as_ref()),
            Entry::Prefix(_) => None,
        })
    }
}

/// Part of a listing of containers.
#[derive(Debug, Clone, Default)]
pub struct ContainerPage {
    /// The containers, by name.
    pub containers: Vec<Container>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

impl Store {
    /// A page of a container's blobs.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`].
    pub async fn list_blobs(&self, container: &ContainerName, query: ListQuery) -> Result<Page, Error> {
        let container = container.clone();
        self.query(move |connection| {
            let container = record::container_id(connection, &container)?;
            blobs(connection, container, &query)
        })
        .await
    }

    /// A page of the containers whose names begin with `prefix`; `from` as in [`ListQuery`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_containers(
        &self,
        prefix: &str,
        from: Option<&str>,
        limit: Option<usize>,
    ) -> Result<ContainerPage, Error> {
        let (from, end) = (from.unwrap_or_default().max(prefix).to_owned(), after_prefix(prefix));
        let limit = limit.unwrap_or(PAGE).clamp(1, PAGE);
        let rows = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name FROM containers WHERE name >= ?1 AND (?2 IS NULL OR name < ?2) ORDER BY name LIMIT ?3",
            )?;
            let mut names =
                statement.query_map(params![from, end, rows], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            let next = (names.len() > limit).then(|| names.pop()).flatten();
            let containers = names
                .into_iter()
                .filter_map(|name| ContainerName::new(name).ok())
                .map(|name| record::container(connection, &name))
                .collect::<Result<_, _>>()?;
            Ok(ContainerPage { containers, next })
        })
        .await
    }
}

/// The first text after all those that begin with `prefix`; `None` if there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The range skips surrogates; nothing follows the last character.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

fn blobs(connection: &Connection, container: i64, query: &ListQuery) -> Result<Page, Error> {
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE);
    let end = after_prefix(&query.prefix);
    let mut from = query.from.clone().unwrap_or_default().max(query.prefix.clone());
    let mut page = Page::default();
    let mut statement = connection.prepare_cached(
        "SELECT id, name, committed, etag, created, modified, length, document FROM blobs
         WHERE container = ?1 AND name >= ?2 AND (?3 IS NULL OR name < ?3) AND (committed OR ?4) ORDER BY name",
    )?;
    // One pass of the outer loop per rolled-up prefix: its other names are skipped by seeking past it.
    'seek: loop {
        let mut rows = statement.query(params![container, from, end, query.uncommitted])?;
        while let Some(row) = rows.next()? {
            let name = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            if page.entries.len() == limit {
                page.next = Some(name.to_owned());
                return Ok(page);
            }
            if let Some(prefix) = rolled_up(name, query) {
                let Some(next) = after_prefix(prefix) else { return Ok(page) };
                page.entries.push(Entry::Prefix(prefix.to_owned()));
                from = next;
                continue 'seek;
            }
            page.entries.push(Entry::Blob(Box::new(record::blob_from_row(row)?)));
        }
        return Ok(page);
    }
}

fn rolled_up<'a>(name: &'a str, query: &ListQuery) -> Option<&'a str> {
    let delimiter = query.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
    let rest = name.get(query.prefix.len()..)?;
    let at = rest.find(delimiter)?;
    name.get(..query.prefix.len() + at + delimiter.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_after_a_prefix() {
        assert_eq!(after_prefix("a/"), Some("a0".to_owned()));
        assert_eq!(after_prefix("a\u{d7ff}"), Some("a\u{e000}".to_owned()));
        assert_eq!(after_prefix("a\u{10ffff}"), Some("b".to_owned()));
        assert_eq!(after_prefix(""), None);
    }
}
