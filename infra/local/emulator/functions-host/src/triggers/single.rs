//! Service Bus trigger, cardinality one: up to `maxConcurrentCalls` messages in flight, each on its own
//! (functions-host-contract §2.6).

use std::sync::Arc;

use iris_local_servicebus::broker::Delivery;
use iris_local_servicebus::message::PropertyValue;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::renewal::holding;
use super::settle::settle;
use super::{RECEIVE_PAUSE, RECEIVE_WAIT};
use crate::config::ServiceBusTrigger;
use crate::core::{Core, Served};
use crate::encode::{self, Context};
use crate::event::Level;
use crate::faults::Duplicates;
use crate::invoke::Error;

/// Receives and dispatches until the host stops.
pub(crate) async fn run(core: Arc<Core>, served: Arc<Served>, trigger: ServiceBusTrigger) {
    let stopping = core.stopping.clone();
    tokio::select! {
        biased;
        () = stopping.cancelled() => {}
        () = receive(core, served, Arc::new(trigger)) => {}
    }
}

async fn receive(core: Arc<Core>, served: Arc<Served>, trigger: Arc<ServiceBusTrigger>) {
    let options = &core.app.host.service_bus;
    let slots = Arc::new(Semaphore::new(options.max_concurrent_calls));
    loop {
        // If the handler is gone for good it still gets its messages, which then fail; if it is starting, it is waited
        // for.
        let _ = core.worker.ready().await;
        let Some(mut permits) = some_permits(&slots).await else { return };
        let deliveries = match core.broker.receive(&trigger.entity, permits.num_permits(), RECEIVE_WAIT).await {
            Ok(deliveries) => deliveries,
            Err(error) => {
                core.line(Level::Error, format!("{}: cannot receive from {}: {error}", served.name, trigger.entity));
                core.pause(RECEIVE_PAUSE).await;
                continue;
            }
        };
        for delivery in deliveries {
            // Otherwise a broker that hands out more than was requested would stop the trigger.
            let permit = permits.split(1);
            let (core, served, trigger) = (Arc::clone(&core), Arc::clone(&served), Arc::clone(&trigger));
            let tasks = core.tasks.clone();
            tasks.spawn(async move {
                handle(&core, &served, &trigger, delivery).await;
                drop(permit);
            });
        }
    }
}

/// Waits for one free slot and takes all that are free.
async fn some_permits(slots: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    let mut permits = Arc::clone(slots).acquire_owned().await.ok()?;
    let more = u32::try_from(slots.available_permits()).unwrap_or(u32::MAX);
    if let Ok(others) = Arc::clone(slots).try_acquire_many_owned(more) {
        permits.merge(others);
    }
    Some(permits)
}

async fn handle(core: &Core, served: &Served, trigger: &ServiceBusTrigger, delivery: Delivery) {
    let outcome = holding(core, served, trigger, &delivery, deliver(core, served, trigger, &delivery)).await;
    settle(core, served, trigger, delivery.lock_token, outcome.is_ok()).await;
}

/// Invokes the function for a message, applying the active faults.
async fn deliver(core: &Core, served: &Served, trigger: &ServiceBusTrigger, delivery: &Delivery) -> Result<(), Error> {
    let faults = core.faults.get();
    if let Some(longest) = faults.shuffle {
        tokio::time::sleep(core.faults.duration(std::time::Duration::ZERO, longest)).await;
    }
    let again = || Delivery { delivery_count: delivery.delivery_count.saturating_add(1), ..delivery.clone() };
    match core.faults.take_duplicates() {
        Duplicates::None => invoke(core, served, trigger, delivery).await?,
        Duplicates::AfterSuccess => {
            invoke(core, served, trigger, delivery).await?;
            invoke(core, served, trigger, &again()).await?;
        }
        Duplicates::AtOnce => {
            let second = again();
            let (first, second) =
                tokio::join!(invoke(core, served, trigger, delivery), invoke(core, served, trigger, &second));
            first.and(second)?;
        }
    }
    let dropped =
        delivery.delivery_count == 1 && faults.drop_response > 0.0 && core.faults.fraction() < faults.drop_response;
    if dropped { Err(Error::Dropped) } else { Ok(()) }
}

async fn invoke(core: &Core, served: &Served, trigger: &ServiceBusTrigger, delivery: &Delivery) -> Result<(), Error> {
    let context = Context {
        function: &served.name,
        binding: &served.function.binding,
        now: Timestamp::now(),
        guid: Uuid::new_v4(),
        retry: None,
    };
    let body = encode::service_bus(&context, trigger, delivery);
    core.invoke(served, cause(delivery), body).await
}

/// The trace context in the message. The real host's receiver continues that trace.
fn cause(delivery: &Delivery) -> Option<&str> {
    match &delivery.message.application_properties.iter().find(|(name, _)| *name == "Diagnostic-Id")?.1 {
        PropertyValue::String(context) => Some(context),
        _ => None,
    }
}
