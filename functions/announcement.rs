//! The event that announces a blob in a caller's container: which blob, and whose.
//!
//! An event that can never be used raises an alert and is dropped: the sweep announces every blob that is still there.

use crate::app::App;
use iris_azure::eventgrid::{self, BlobCreated, Event};
use iris_azure::handler::ServiceBusMessage;
use iris_azure::organizations::{Error, Lookup};
use iris_model::{Organization, Slug};
use std::sync::Arc;
use tracing::{error, info};

/// The prefix of the ids of events that the sweep makes. Such an event does not prove that an earlier handler is gone.
pub(crate) const OWN: &str = "sweep-";

/// The suffix of the names of containers for dropped files.
pub(crate) const DROPS: &str = "-drops";

/// A blob that was announced.
pub(crate) struct Announcement {
    pub(crate) event: BlobCreated,
    /// The organization whose container it is in.
    pub(crate) organization: Arc<Organization>,
}

/// Reads an event about a container named `{slug}{suffix}`; `None` when there is nothing to do.
pub(crate) async fn read(
    app: &App,
    message: &ServiceBusMessage,
    suffix: &'static str,
) -> Result<Option<Announcement>, Error> {
    let event = match eventgrid::parse(&message.body, app.account()) {
        Ok(Event::Created(event)) => event,
        Ok(Event::Ignored { reason }) => {
            info!(reason, "an event that announces no complete blob is ignored");
            return Ok(None);
        }
        Err(error) => {
            error!(alert = true, code = "bad-event", %error, "an event that announces a blob is not usable");
            return Ok(None);
        }
    };
    let slug = event.address.container().strip_suffix(suffix).and_then(Slug::new);
    let found = match slug {
        // The current document, because a mapping saved a moment ago must apply to a file dropped now.
        Some(slug) if suffix == DROPS => app.organizations.current(&slug).await?,
        Some(slug) => app.organizations.get(&slug).await?,
        None => Lookup::Unknown,
    };
    match found {
        Lookup::Known(organization) => Ok(Some(Announcement { event: *event, organization })),
        Lookup::Unknown => {
            error!(
                alert = true,
                code = "unknown-organization",
                "a blob was put into a container of no known organization"
            );
            Ok(None)
        }
    }
}
