//! Service Bus trigger, cardinality many: one batch at a time, all or nothing, no lock renewal
//! (functions-host-contract §1.6, §2.6).

use std::sync::Arc;

use iris_local_servicebus::broker::{self, Delivery};
use jiff::Timestamp;
use uuid::Uuid;

use super::settle::settle;
use super::{RECEIVE_PAUSE, RECEIVE_WAIT};
use crate::config::ServiceBusTrigger;
use crate::core::{Core, Served};
use crate::encode::{self, Context};
use crate::event::Level;
use crate::invoke::Error;

/// Receives and dispatches until the host stops; a batch under way is finished.
pub(crate) async fn run(core: Arc<Core>, served: Arc<Served>, trigger: ServiceBusTrigger) {
    while let Some(received) = next(&core, &trigger).await {
        match received {
            Ok(deliveries) if deliveries.is_empty() => {}
            Ok(deliveries) => {
                let success = invoke(&core, &served, &trigger, &deliveries).await.is_ok();
                for delivery in deliveries {
                    settle(&core, &served, &trigger, delivery.lock_token, success).await;
                }
            }
            Err(error) => {
                core.line(Level::Error, format!("{}: cannot receive from {}: {error}", served.name, trigger.entity));
                core.pause(RECEIVE_PAUSE).await;
            }
        }
    }
}

/// The next batch; `None` when the host stops.
async fn next(core: &Core, trigger: &ServiceBusTrigger) -> Option<Result<Vec<Delivery>, broker::Error>> {
    let receive = async {
        let _ = core.worker.ready().await;
        core.broker.receive(&trigger.entity, core.app.host.service_bus.max_batch, RECEIVE_WAIT).await
    };
    tokio::select! {
        biased;
        () = core.stopping.cancelled() => None,
        received = receive => Some(received),
    }
}

async fn invoke(
    core: &Core,
    served: &Served,
    trigger: &ServiceBusTrigger,
    deliveries: &[Delivery],
) -> Result<(), Error> {
    let context = Context {
        function: &served.name,
        binding: &served.function.binding,
        now: Timestamp::now(),
        guid: Uuid::new_v4(),
        retry: None,
    };
    match encode::service_bus_batch(&context, trigger, deliveries) {
        Ok(body) => core.invoke(served, None, body).await,
        Err(error) => {
            core.line(Level::Error, format!("{} failed: {error}", served.name));
            Err(error.into())
        }
    }
}
