//! Ending a message's lock. Completion removes the message; abandoning makes it available again at once, without delay
//! and with its delivery count incremented, until the broker dead-letters it. If the lock was lost, the message is
//! delivered again whatever the outcome was.

use iris_local_servicebus::broker::Error;
use uuid::Uuid;

use crate::config::ServiceBusTrigger;
use crate::core::{Core, Served};
use crate::event::Level;

pub(super) async fn settle(core: &Core, served: &Served, trigger: &ServiceBusTrigger, lock_token: Uuid, success: bool) {
    let settled = if success {
        core.broker.complete(&trigger.entity, lock_token).await
    } else {
        core.broker.abandon(&trigger.entity, lock_token).await
    };
    match settled {
        Ok(()) if success => served.count_completed(1),
        Ok(()) => served.count_abandoned(1),
        Err(Error::LockLost) => {
            served.count_lock_lost();
            let name = &served.name;
            core.line(
                Level::Warning,
                format!("{name}: a message's lock was lost before it was settled; it comes again"),
            );
        }
        Err(error) => core.line(Level::Error, format!("{}: a message could not be settled: {error}", served.name)),
    }
}
