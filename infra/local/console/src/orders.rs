//! Orders: the newest first, and a search.

use crate::failure::Error;
use crate::format::{self, encoded};
use crate::page::{Look, Place, live, page};
use crate::{Console, Shared};
use axum::extract::{Query, State};
use iris_model::enumeration::OrderStatus;
use iris_store::queries::{OrderSearch, OrderSummary, Page};
use maud::{Markup, html};
use serde::Deserialize;

/// Orders of a page.
const LISTED: u32 = 50;

/// What is looked for. Empty fields of the form count as not filled in.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    organization: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    status: String,
    before: Option<i64>,
}

impl Asked {
    fn search(&self, console: &Console) -> OrderSearch {
        let organizations = &console.platform.organizations;
        let chosen = organizations.iter().find(|one| one.slug.as_str() == self.organization);
        OrderSearch {
            organization: chosen.map(|organization| organization.client_guid),
            text: Some(self.q.clone()).filter(|text| !text.trim().is_empty()),
            status: OrderStatus::from_text(&self.status),
            patient: None,
            before: self.before,
        }
    }

    /// The address of the same search, continued before this order.
    fn address(&self, before: Option<i64>) -> String {
        let before = before.map(|id| format!("&before={id}")).unwrap_or_default();
        let [organization, q, status] = [&self.organization, &self.q, &self.status].map(|text| encoded(text));
        format!("/orders?organization={organization}&q={q}&status={status}{before}")
    }
}

/// `GET /orders`.
pub(crate) async fn show(
    State(console): State<Shared>,
    look: Look,
    Query(asked): Query<Asked>,
) -> Result<Markup, Error> {
    let found = console.platform.orders.search_orders(&asked.search(&console), LISTED).await?;
    let content = html! {
        header.head { h1 { "Orders" } }
        (form(&console, &asked))
        (live("orders", &["orders"], &asked.address(asked.before), &list(&asked, &found, look)))
    };
    page(&console, look, Place::Orders, "Orders", content).await
}

fn form(console: &Console, asked: &Asked) -> Markup {
    let organizations = &console.platform.organizations;
    html! {
        form.search role="search" action="/orders" hx-get="/orders" hx-trigger="input changed delay:200ms from:#q, change, submit"
            hx-select="#orders" hx-target="#orders" hx-swap="morph:outerHTML" hx-push-url="true" {
            label.field.wide {
                span { "Find" }
                input #q type="search" name="q" value=(asked.q) placeholder="order, patient or site id" autocomplete="off" spellcheck="false";
                kbd { "/" }
            }
            label.field {
                span { "Status" }
                select name="status" {
                    option value="" { "any" }
                    @for status in OrderStatus::ALL {
                        option value=(status.code()) selected[asked.status == status.code()] { (format::words(status.code())) }
                    }
                }
            }
            @if organizations.len() > 1 {
                label.field {
                    span { "Organization" }
                    select name="organization" {
                        option value="" { "all" }
                        @for one in organizations {
                            option value=(one.slug.as_str()) selected[asked.organization == one.slug.as_str()] { (one.name) }
                        }
                    }
                }
            }
            noscript { button type="submit" { "Find" } }
        }
    }
}

fn list(asked: &Asked, found: &Page<OrderSummary>, look: Look) -> Markup {
    html! {
        @if found.items.is_empty() {
            p.empty { @if asked.q.trim().is_empty() { "There are no orders here yet." } @else { "No order matches." } }
        } @else {
            (table(&found.items, look))
            @if let Some(next) = found.next { p.more { a href=(asked.address(Some(next))) { "Older orders" } } }
        }
    }
}

/// Orders, one line each.
pub(crate) fn table(orders: &[OrderSummary], look: Look) -> Markup {
    html! {
        table.list {
            thead { tr { th { "Order in IRIS" } th { "Order" } th { "Patient" } th { "Site" } th { "Exam" } th { "Created" } th { "Status" } } }
            tbody {
                @for order in orders {
                    tr {
                        td { a.row href={ "/orders/" (order.id) } { (order.id) } }
                        td { (look.private(&order.local_id)) }
                        td { (look.private(&order.patient_local_id)) }
                        td { (order.site) " (" (order.state) ")" }
                        td { (exams(order)) }
                        td { (format::time(order.created_at)) }
                        td { (format::order_status(order.status)) }
                    }
                }
            }
        }
    }
}

/// What is examined.
pub(crate) fn exams(order: &OrderSummary) -> String {
    order.evaluation_types.iter().map(|kind| kind.code()).collect::<Vec<_>>().join(", ")
}
