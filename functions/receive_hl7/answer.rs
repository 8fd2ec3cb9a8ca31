//! A hospital's answer is the final word about a delivery.
//!
//! What an answer means is decided by the table of replies: the destination's own, then the standard's. A result is
//! sent again until it is taken or set aside; a charge is over whatever the answer was.

use crate::app::App;
use crate::postpone::{self, Reason};
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_channels::Channels;
use iris_hl7::ack::{Charge, Next, Replies, Results, Schedule};
use iris_model::organization::DeliveryTarget;
use iris_model::{Hl7Answer, Hl7Reply, Organization};
use iris_rules::deliveries::life::Purpose;
use iris_rules::deliveries::{Attempt, Delivery, DeliveryState};
use iris_store::Error;
use jiff::{SignedDuration, Timestamp};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tracing::{debug, error, warn};

/// What a reply means for a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Delivered,
    /// Send it again after a pause; `alert` is true if people must be told now that the hospital does not answer.
    Again {
        pause: Duration,
        alert: bool,
    },
    /// A person has to look at it.
    Aside(DeliveryState),
    /// It can never be sent.
    Impossible,
}

pub(super) async fn run(app: &App, message: &ServiceBusMessage, organization: &Organization) -> Outcome {
    let Ok(answer) = serde_json::from_slice::<Hl7Answer>(&message.body) else {
        error!(alert = true, code = "bad-answer", organization = %organization.slug, "a report of a proxy is none of ours");
        return Outcome::Done;
    };
    match conclude(app, &answer, organization).await {
        Ok(true) => Outcome::Done,
        // The process that sent it has not yet recorded that it was handed over.
        Ok(false) => postpone::again(app, &app.queues.hl7, message, Reason::LateParent).await,
        Err(error) => postpone::after(app, &app.queues.hl7, message, error).await,
    }
}

/// Returns false if it is too early to conclude.
async fn conclude(app: &App, answer: &Hl7Answer, organization: &Organization) -> Result<bool, Error> {
    let now = Timestamp::now();
    let delivery = app.orders.store().delivery(answer.transaction_id, &answer.destination).await?;
    let Some(delivery) = delivery.filter(|delivery| delivery.organization == organization.client_guid) else {
        error!(alert = true, code = "unknown-delivery", organization = %organization.slug,
            "a proxy reports about a delivery that its organization has not");
        return Ok(true);
    };
    let destination = organization.destination(&answer.destination);
    let replies = match destination.as_ref().map(|destination| &destination.to) {
        Some(DeliveryTarget::Hl7(hl7)) => hl7.replies.clone(),
        _ => Replies::default(),
    };
    let random = u32::try_from(RandomState::new().hash_one(delivery.sequence) % 1_000).unwrap_or_default();
    let meaning = meaning(&answer.reply, &delivery, &replies, now, random);
    if meaning != Meaning::Delivered && delivery.state != DeliveryState::HandedOver {
        // Either it is under way again, or it is not yet recorded as handed over; the latter still has its lease.
        return Ok(delivery.state != DeliveryState::Waiting || delivery.life.lease.is_none());
    }
    let attempt = |outcome: &str| Attempt {
        at: answer.at,
        took_ms: answer.took_ms,
        outcome: outcome.to_owned(),
        said: answer.reply.said(),
    };
    let (slug, order, id) = (&organization.slug, delivery.order, delivery.sequence);
    match (meaning, &destination) {
        (Meaning::Delivered, Some(destination)) => {
            let handover = Channels::arrived(&delivery, destination);
            app.orders.delivered_by(&delivery, Some(attempt("delivered")), &handover, organization, now).await?;
            debug!(organization = %slug, order, delivery = id, "a hospital has taken a message");
        }
        (Meaning::Impossible, Some(destination)) => {
            let reason = answer.reply.said();
            error!(alert = "delivery-impossible", organization = %slug, destination = destination.id, order, reason,
                "a message can never be sent to its hospital");
            let handover = Channels::nowhere(&delivery, destination);
            let attempt = Some(attempt("impossible"));
            app.orders.delivery_impossible(&delivery, attempt, &handover, &reason, organization, now).await?;
        }
        (Meaning::Delivered | Meaning::Impossible, None) => {
            warn!(organization = %slug, order, delivery = id, "the destination is gone; nobody is told of its hospital's answer");
            app.orders.drop_delivery(&delivery, now).await?;
        }
        (Meaning::Again { pause, alert }, _) => {
            let said = answer.reply.said();
            warn!(organization = %slug, destination = delivery.destination, order, said, "a hospital has not taken a message");
            if alert {
                error!(alert = "hospital-silent", organization = %slug, destination = delivery.destination, order,
                    "a hospital has not answered for a quarter of an hour; its messages are sent again until it does");
            }
            let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
            app.orders.again(&delivery, attempt("refused"), now, pause).await?;
        }
        (Meaning::Aside(state), _) => {
            let said = answer.reply.said();
            let what = if delivery.life.purpose == Purpose::AtMostOnce { "charge-open" } else { "delivery-parked" };
            error!(alert = what, organization = %slug, destination = delivery.destination, order, delivery = id, said,
                state = state.as_str(), "a hospital has not taken a message; a person has to look");
            app.orders.set_aside(&delivery, state, attempt("refused"), now).await?;
        }
    }
    Ok(true)
}

/// What a reply means. `random` is any number; it makes pauses a little longer or shorter.
fn meaning(reply: &Hl7Reply, delivery: &Delivery, replies: &Replies, now: Timestamp, random: u32) -> Meaning {
    let Some(outcome) = reply.outcome() else { return Meaning::Impossible };
    if delivery.life.purpose == Purpose::AtMostOnce {
        return match replies.charge(&outcome) {
            Charge::Acknowledged => Meaning::Delivered,
            Charge::Refused => Meaning::Aside(DeliveryState::Failed),
            Charge::Unconfirmed | Charge::NotSent => Meaning::Aside(DeliveryState::Uncertain),
        };
    }
    match replies.results(&outcome) {
        Results::Delivered => Meaning::Delivered,
        Results::Park => Meaning::Aside(DeliveryState::Parked),
        Results::NotSent => again(Schedule::STEADY, delivery, now, random),
        Results::Resend(schedule) => again(schedule, delivery, now, random),
    }
}

fn again(schedule: Schedule, delivery: &Delivery, now: Timestamp, random: u32) -> Meaning {
    let since = delivery.life.failing_since.unwrap_or(now);
    let elapsed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    match schedule.next(delivery.life.failures, elapsed, random) {
        Next::Park => Meaning::Aside(DeliveryState::Parked),
        Next::After(pause) => {
            let told = schedule.alert_after;
            // Only once: between the last attempt before that time and the first after it.
            let alert = told.is_some_and(|told| elapsed < told && elapsed.saturating_add(pause) >= told);
            Meaning::Again { pause, alert }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iris_hl7::ack::Code;
    use iris_model::{ClientGuid, ResultCode};
    use iris_rules::deliveries::life::Life;

    fn delivery(purpose: Purpose, failures: u32, since: Option<Timestamp>) -> Delivery {
        let at = Timestamp::UNIX_EPOCH;
        Delivery {
            sequence: 1,
            transaction_id: uuid::Uuid::nil(),
            destination: "emr".to_owned(),
            organization: ClientGuid(uuid::Uuid::nil()),
            order: 1,
            state: DeliveryState::HandedOver,
            at,
            delivered_at: None,
            code: ResultCode::Final,
            document: String::new(),
            report: String::new(),
            is_behind: false,
            disabled_at: None,
            seen_at: None,
            announced: 0,
            life: Life { failures, failing_since: since, ..Life::new(purpose, at) },
        }
    }

    fn answered(code: Code, errors: &[u16]) -> Hl7Reply {
        Hl7Reply::Answered { code, errors: errors.to_vec() }
    }

    #[test]
    fn every_row_of_the_standards_table() {
        use Code::{AA, AE, AR, CA, CE, CR};
        let (parked, failed) = (Meaning::Aside(DeliveryState::Parked), Meaning::Aside(DeliveryState::Failed));
        let uncertain = Meaning::Aside(DeliveryState::Uncertain);
        let again = |seconds| Meaning::Again { pause: Duration::from_secs(seconds), alert: false };
        for (reply, result, charge) in [
            (answered(AA, &[]), Meaning::Delivered, Meaning::Delivered),
            (answered(CA, &[]), Meaning::Delivered, Meaning::Delivered),
            (answered(AE, &[207]), again(5), failed),
            (answered(CR, &[206]), again(5), failed),
            (answered(AR, &[200]), parked, failed),
            (answered(CR, &[203]), parked, failed),
            (answered(AE, &[101]), parked, failed),
            (answered(CE, &[205]), parked, failed),
            (answered(AR, &[]), again(5), failed),
            (answered(AE, &[]), again(60), failed),
            (Hl7Reply::Unreadable, again(5), uncertain),
            (Hl7Reply::Silence { noise: false }, again(5), uncertain),
            (Hl7Reply::NotConnected, again(5), uncertain),
            (Hl7Reply::NoFrame, Meaning::Impossible, Meaning::Impossible),
        ] {
            let of =
                |purpose| meaning(&reply, &delivery(purpose, 0, None), &Replies::default(), Timestamp::UNIX_EPOCH, 200);
            assert_eq!((of(Purpose::AtLeastOnce), of(Purpose::AtMostOnce)), (result, charge), "{reply:?}");
        }
    }

    #[test]
    fn who_is_silent_is_told_of_once_and_waited_for() {
        let start = Timestamp::UNIX_EPOCH;
        let (mut now, mut alerts, mut life) = (start, 0, delivery(Purpose::AtLeastOnce, 0, None));
        while now < start + SignedDuration::from_hours(48) {
            let reply = Hl7Reply::Silence { noise: false };
            let Meaning::Again { pause, alert } = meaning(&reply, &life, &Replies::default(), now, 200) else {
                panic!("a hospital that does not answer is waited for")
            };
            alerts += u32::from(alert);
            let pause = SignedDuration::try_from(pause).unwrap();
            life.life = life.life.again(now, pause).1;
            now += pause;
        }
        assert_eq!(alerts, 1);
    }
}
