//! Scripts, styles and the icon, built into the executable. What they are and their licenses: `assets/README.md`.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The script that refreshes parts of pages.
pub(crate) const HTMX: &str = "/assets/htmx-2.0.11.min.js";
/// The script that changes only what differs.
pub(crate) const IDIOMORPH: &str = "/assets/idiomorph-0.8.0.min.js";
/// Our own script.
pub(crate) const CONSOLE: &str = "/assets/console.js";
/// Our style sheet.
pub(crate) const STYLE: &str = "/assets/console.css";
/// The icon.
pub(crate) const ICON: &str = "/assets/icon.svg";

/// `GET /assets/{file}`.
pub(crate) async fn file(Path(file): Path<String>) -> Response {
    let (kind, content) = match file.as_str() {
        "htmx-2.0.11.min.js" => (SCRIPT, include_str!("../assets/htmx-2.0.11.min.js")),
        "idiomorph-0.8.0.min.js" => (SCRIPT, include_str!("../assets/idiomorph-0.8.0.min.js")),
        "console.js" => (SCRIPT, include_str!("../assets/console.js")),
        "console.css" => ("text/css; charset=utf-8", include_str!("../assets/console.css")),
        "icon.svg" => ("image/svg+xml", include_str!("../assets/icon.svg")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    // Another version of this program may use the same address tomorrow.
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], content).into_response()
}
