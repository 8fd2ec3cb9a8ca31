//! The frame around every view: navigation, the handler, the faults.

use crate::failure::Error;
use crate::faults;
use crate::format::{HIDDEN, foreign, without_quotes};
use crate::{Shared, assets};
use axum::extract::FromRequestParts;
use axum::http::header::{self, HeaderMap};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use iris_model::value::residue::shown;
use maud::{DOCTYPE, Markup, html};
use std::borrow::Cow;
use std::convert::Infallible;

/// The cookie that says that personal data is hidden.
const PRIVACY: &str = "iris_console_hide";

/// The cookie with the most recently chosen organization.
const ORGANIZATION: &str = "iris_console_organization";

/// Settings of htmx: nothing is evaluated, no style is injected, no page with personal data is kept in the browser.
const HTMX: &str = r#"{"allowEval":false,"includeIndicatorStyles":false,"historyEnabled":false,"historyCacheSize":0,"selfRequestsOnly":true,"allowScriptTags":false}"#;

/// The views of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Drops,
    Orders,
    Messages,
    Events,
    Queues,
    Workbench,
}

const PLACES: [(Place, &str, &str); 6] = [
    (Place::Drops, "Drops", "/"),
    (Place::Orders, "Orders", "/orders"),
    (Place::Messages, "Messages", "/messages"),
    (Place::Events, "Events", "/events"),
    (Place::Queues, "Queues", "/queues"),
    (Place::Workbench, "Try a file", "/workbench"),
];

/// How the person at the browser wants to see things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Names, cells and bodies are hidden.
    pub(crate) hides: bool,
}

impl<S: Sync> FromRequestParts<S> for Look {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let hides = cookies.flat_map(|line| line.split(';')).any(|cookie| cookie.trim() == format!("{PRIVACY}=1"));
        Ok(Self { hides })
    }
}

/// The organization a person chose last, by its short name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Chosen(Option<String>);

impl<S: Sync> FromRequestParts<S> for Chosen {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let own = |cookie: &str| cookie.trim().strip_prefix(ORGANIZATION)?.strip_prefix('=').map(str::to_owned);
        Ok(Self(cookies.flat_map(|line| line.split(';')).find_map(own)))
    }
}

/// The cookie that remembers the chosen organization. The page's script sets it, too.
pub(crate) fn remembers(organization: &iris_model::Organization) -> String {
    format!("{ORGANIZATION}={}; Path=/; SameSite=Strict; Max-Age=31536000", organization.slug)
}

impl Chosen {
    /// Its short name, unless the address names another.
    pub(crate) fn slug<'a>(&'a self, named: Option<&'a str>) -> Option<&'a str> {
        named.or(self.0.as_deref())
    }

    /// Whether it is this one.
    pub(crate) fn is(&self, organization: &iris_model::Organization) -> bool {
        self.0.as_deref() == Some(organization.slug.as_str())
    }
}

impl Look {
    /// A possibly personal value, as it appears in a page.
    pub(crate) fn private(self, text: &str) -> Markup {
        foreign(&self.plain(text))
    }

    /// A possibly personal value where no markup is allowed: in a title.
    pub(crate) fn plain(self, text: &str) -> Cow<'_, str> {
        if self.hides && !text.is_empty() { Cow::Borrowed(HIDDEN) } else { shown(text) }
    }

    /// A message that may quote a personal value.
    pub(crate) fn message(self, text: &str) -> Markup {
        if self.hides { foreign(&without_quotes(text)) } else { foreign(text) }
    }
}

/// `POST /privacy`: shows or hides personal data from now on.
pub(crate) async fn privacy(look: Look, headers: HeaderMap) -> Response {
    let cookie = match look.hides {
        true => format!("{PRIVACY}=; Path=/; Max-Age=0; SameSite=Strict; HttpOnly"),
        false => format!("{PRIVACY}=1; Path=/; SameSite=Strict; HttpOnly"),
    };
    ([(header::SET_COOKIE, cookie)], Redirect::to(&back(&headers))).into_response()
}

/// The answer to an action: a sentence for the page it came from, or a redirect back to that page when scripts are off.
pub(crate) fn done(headers: &HeaderMap, notice: &str) -> Response {
    if headers.contains_key("hx-request") {
        let trigger = serde_json::json!({ "notice": notice }).to_string();
        return (axum::http::StatusCode::NO_CONTENT, [("hx-trigger", trigger)]).into_response();
    }
    Redirect::to(&back(headers)).into_response()
}

/// The path of the page that an action came from. It is only ever a path, so it cannot lead to another site.
fn back(headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|referer| referer.to_str().ok()).unwrap_or_default();
    let path = referer.splitn(4, '/').nth(3).unwrap_or_default();
    format!("/{}", path.trim_start_matches(['/', '\\']))
}

/// A whole page.
pub(crate) async fn page(
    console: &Shared,
    look: Look,
    place: Place,
    title: &str,
    content: Markup,
) -> Result<Markup, Error> {
    let status = faults::status(console).await?;
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                title { (title) " – IRIS local host" }
                link rel="icon" href=(assets::ICON) type="image/svg+xml";
                link rel="stylesheet" href=(assets::STYLE);
                script src=(assets::HTMX) defer {}
                script src=(assets::IDIOMORPH) defer {}
                script src=(assets::CONSOLE) defer {}
            }
            body hx-ext="morph" {
                a.skip href="#main" { "Skip to the content" }
                div.side {
                    a.brand href="/" {
                        img src=(assets::ICON) alt="" width="22" height="22";
                        span { "IRIS " small { "local host" } }
                    }
                    nav aria-label="Views" {
                        @for (number, (own, name, path)) in (1..).zip(PLACES) {
                            a href=(path) aria-current=[(own == place).then_some("page")] aria-keyshortcuts=(number) {
                                span { (name) } kbd { (number) }
                            }
                        }
                    }
                    (status)
                    (faults::buttons())
                    form.privacy method="post" action="/privacy" {
                        button.quiet type="submit" aria-pressed=(look.hides) {
                            @if look.hides { "Show personal data" } @else { "Hide personal data" }
                        }
                    }
                }
                main #main tabindex="-1" { (content) }
                div #notices role="status" aria-live="polite" {}
            }
        }
    })
}

/// A part of a page that refreshes itself when one of the topics changes. It is loaded from the page's own address.
pub(crate) fn live(id: &str, topics: &[&str], address: &str, content: &Markup) -> Markup {
    let trigger = topics.iter().map(|topic| format!("live:{topic} from:body")).collect::<Vec<_>>().join(", ");
    html! {
        div id=(id) hx-get=(address) hx-trigger=(trigger) hx-select={ "#" (id) } hx-swap="morph:outerHTML" hx-sync="this:queue last" {
            (content)
        }
    }
}

/// The choice of an organization, as links.
pub(crate) fn organizations(console: &Shared, chosen: &str, path: &str) -> Markup {
    html! {
        @if console.platform.organizations.len() > 1 {
            nav.choice aria-label="Organization" {
                @for organization in &console.platform.organizations {
                    @let slug = organization.slug.as_str();
                    a href={ (path) "?organization=" (slug) } aria-current=[(slug == chosen).then_some("true")] {
                        (organization.name)
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_way_back_is_a_path_of_ours() {
        for (referer, path) in [
            ("http://127.0.0.1:7071/orders?q=a", "/orders?q=a"),
            ("http://127.0.0.1:7071/", "/"),
            ("http://127.0.0.1:7071//attacker.example", "/attacker.example"),
            ("http://127.0.0.1:7071/\\attacker.example", "/attacker.example"),
            ("", "/"),
        ] {
            let headers = HeaderMap::from_iter([(header::REFERER, HeaderValue::from_static(referer))]);
            assert_eq!(back(&headers), path);
        }
    }

    #[tokio::test]
    async fn personal_data_hides_behind_the_cookie() {
        for (cookie, hides) in
            [("iris_console_hide=1", true), ("a=b; iris_console_hide=1", true), ("iris_console_hide=0", false)]
        {
            let request = axum::http::Request::builder().header("cookie", cookie).body(()).unwrap();
            let Ok(look) = Look::from_request_parts(&mut request.into_parts().0, &()).await;
            assert_eq!(look.hides, hides);
            assert_eq!(look.plain("Testpatient"), if hides { HIDDEN } else { "Testpatient" });
        }
    }
}
