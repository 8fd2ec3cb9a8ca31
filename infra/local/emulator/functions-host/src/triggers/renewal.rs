//! Keeping a message's lock while it is being handled.
//!
//! As in the .NET processor: a lock is renewed after half of its remaining time, but at most ten seconds before its
//! end, until `maxAutoLockRenewalDuration` after receipt. After a failed renewal there are no more; the invocation goes
//! on.

use std::time::Duration;

use iris_local_servicebus::broker::Delivery;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::config::ServiceBusTrigger;
use crate::core::{Core, Served};
use crate::event::Level;

/// Runs `work` to its end, renewing the message's lock meanwhile.
pub(super) async fn holding<T>(
    core: &Core,
    served: &Served,
    trigger: &ServiceBusTrigger,
    delivery: &Delivery,
    work: impl Future<Output = T>,
) -> T {
    let give_up = Instant::now() + core.app.host.service_bus.max_auto_lock_renewal;
    let mut due = delivery.locked_until.and_then(next).filter(|due| *due <= give_up);
    tokio::pin!(work);
    while let Some(at) = due {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep_until(at) => {
                due = match core.broker.renew_lock(&trigger.entity, delivery.lock_token).await {
                    Ok(until) => next(until).filter(|due| *due <= give_up),
                    Err(error) => {
                        core.line(Level::Warning, format!("{}: a message's lock could not be renewed: {error}", served.name));
                        None
                    }
                };
            }
        }
    }
    work.await
}

/// When to renew a lock that is valid until `until`; `None` when it has already expired.
fn next(until: Timestamp) -> Option<Instant> {
    let remaining = Duration::try_from(until.duration_since(Timestamp::now())).ok()?;
    Some(Instant::now() + remaining - (remaining / 2).min(Duration::from_secs(10)))
}
