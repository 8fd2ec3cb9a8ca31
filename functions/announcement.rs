//! The event that announces a blob in a caller's container: which blob, and whose.
//!
//! An event that can never be used is logged for the alert and dropped: the sweep announces every blob that is still
//! there.

use crate::app::App;
use iris_azure::eventgrid::{self, BlobCreated, Event};
use iris_azure::handler::ServiceBusMessage;
use iris_azure::organizations::{Error, Lookup};
use iris_model::{Organization, Slug};
use std::sync::Arc;
use tracing::{error, info};

/// How the ids of events begin that the sweep makes: nobody is known to be gone because of them.
pub(crate) const OWN: &str = "sweep-";

/// How the names of containers of dropped files end.
pub(crate) const DROPS: &str = "-drops";

/// A blob that was announced.
pub(crate) struct Announcement {
    pub(crate) event: BlobCreated,
    /// Whose container it lies in.
    pub(crate) organization: Arc<Organization>,
}

/// Reads the event of a message about containers `{slug}{suffix}`; `None` when there is nothing to do.
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
        // A mapping that was saved a moment ago reads the file that is dropped now.
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
