//! An HL7 message becomes one submission for each order in it.
//!
//! Each order is submitted and recorded separately: one that is refused does not hold back the others. In the ledger
//! each is identified by its message and its place in it, so a message that is delivered twice, or sent twice by its
//! hospital, changes nothing. If an order waits for the one it refers to (decision 9), the whole message waits; when it
//! comes again, orders that are done are answered from the ledger.

use crate::app::App;
use crate::postpone::{self, Reason};

use crate::stamped::{BODY_LIMIT, submission_id, unattributed};
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_drops::refusal::{about, unreadable};
use iris_hl7::Message;
use iris_hl7::ack::{Envelope, Refusal as Refused, Taken};
use iris_hl7::message::Limits;
use iris_intake::hl7::{Echo, Order, Reader, excerpts};
use iris_model::names::property::INTERFACE;
use iris_model::request::VERSION;
use iris_model::submission::{Context, Origin, Submission, validate};
use iris_model::{Issue, IssueCode, OrderRequest, Organization, RowIssue};
use iris_rules::incoming::row_id;
use iris_rules::{Answer, Incoming, Refusal, Source};
use jiff::{Timestamp, tz::TimeZone};
use std::sync::Arc;
use tracing::{debug, error};

/// The messages hospitals may send (iris-facts §9.1, R-26).
const TAKEN: Taken<'_> = &[("ORM", "O01")];

/// The most characters of an OrderableIdentifier.
const IDENTIFIER_LIMIT: usize = 100;

pub(super) async fn run(app: &App, message: &ServiceBusMessage, organization: Option<Arc<Organization>>) -> Outcome {
    let now = Timestamp::now();
    let queue = &app.queues.hl7;
    let submissions = match organization {
        Some(organization) => incoming(message, &organization, now),
        // A message of unknown origin is not kept: it may contain data that must not be stored.
        None => vec![Incoming { body: None, ..unattributed(message, now) }],
    };
    let mut waits = false;
    for incoming in submissions {
        match app.orders.submit(incoming).await {
            Ok(Answer::Done(outcome)) => {
                debug!(outcome = outcome.kind.as_str(), order = outcome.iris_order_id, "order of a message handled");
            }
            Ok(Answer::NotYet) => waits = true,
            Err(error) => return postpone::after(app, queue, message, error).await,
        }
    }
    if waits { postpone::again(app, queue, message, Reason::LateParent).await } else { Outcome::Done }
}

/// One submission per order of a message; a single refusal if it has no order or its type is not accepted.
fn incoming(message: &ServiceBusMessage, organization: &Arc<Organization>, now: Timestamp) -> Vec<Incoming> {
    let id = submission_id(&organization.slug.hl7_ledger(), message);
    let first_seen = postpone::first_seen(message, now);
    let read = read(&message.body, message.property(INTERFACE), organization, now);
    let submission = |(place, (request, body)): (u32, Asked)| Incoming {
        id: if place == 0 { id } else { row_id(id, place) },
        message_id: postpone::given_id(message).map(Into::into),
        received_at: now,
        first_seen,
        request,
        source: Source::Message,
        body: body.map(Arc::from),
        organization: Arc::clone(organization),
    };
    (0..).zip(read).map(submission).collect()
}

/// What an order of a message asks for, and what is kept of it if it is refused.
type Asked = (Result<Submission, Refusal>, Option<Vec<u8>>);

/// What the orders of a message ask for, each with what to keep if it is refused: the order as a message of its own,
/// without social security numbers (iris-facts R-25). Nothing is kept of a message that cannot be read, since a number
/// could be anywhere in it. Pure.
fn read(body: &[u8], interface: Option<&str>, organization: &Organization, now: Timestamp) -> Vec<Asked> {
    let refused = |code, text: &'static str| Err(unreadable(Issue::error(code, "", text)));
    if body.len() > BODY_LIMIT {
        return vec![(refused(IssueCode::TooLarge, "The message is larger than 1 MB."), None)];
    }
    let Ok(envelope) = Envelope::read(body, &Limits::default()) else {
        return vec![(refused(IssueCode::UnreadableFile, "This is no HL7 message that can be read."), None)];
    };
    let message = envelope.message();
    let whole = || excerpts(message).into_iter().next();
    match envelope.check(TAKEN) {
        Ok(()) => {}
        Err(Refused::NoControlId) => {
            return vec![(refused(IssueCode::Missing, "The message has no control id (MSH-10)."), whole())];
        }
        Err(_) => {
            let text = "Only orders are taken: ORM^O01 in MSH-9. Nothing else is read, and nothing of it is kept.";
            return vec![(refused(IssueCode::UnsupportedFormat, text), None)];
        }
    }
    let Some(interface) = organization.interface(interface) else {
        let text = "The interface that the proxy names is not in the organization's document.";
        return vec![(refused(IssueCode::UnknownCode, text), whole())];
    };
    let Ok(reader) = Reader::new(&interface.inbound, &organization.evaluation_types) else {
        // The document was checked when it was read, so this should not happen; the mapping cannot be used at all.
        error!(alert = true, code = "interface", organization = %organization.slug, "an inbound mapping cannot be used");
        let text = "The interface's mapping cannot be used; the platform's operators are told.";
        return vec![(refused(IssueCode::UnknownCode, text), whole())];
    };
    let orders = reader.orders(message);
    if orders.is_empty() {
        return vec![(refused(IssueCode::Missing, "The message has no order: no ORC segment."), whole())];
    }
    let requests: Vec<_> = orders.into_iter().map(|order| submission(order, organization, now)).collect();
    if requests.iter().all(Result::is_ok) {
        return requests.into_iter().map(|request| (request, None)).collect();
    }
    requests.into_iter().zip(excerpts(message)).map(|(request, body)| (request, Some(body))).collect()
}

fn submission(order: Order, organization: &Organization, now: Timestamp) -> Result<Submission, Refusal> {
    let Order { mut request, issues, cleared, echo } = order;
    request.version = Some(VERSION.to_owned());
    // The entry identifies the sender; a message has no field that could say otherwise.
    request.client_guid = Some(organization.client_guid);
    remember(&mut request, &echo);
    let origin =
        Origin { today: now.to_zoned(TimeZone::UTC).date(), derived_order_id: None, fill_from_organization: false };
    let context = Context { organization, origin: &origin };
    let mut issues: Vec<Issue> = issues.into_iter().map(placed).collect();
    issues.extend(cleared.into_iter().map(|field| {
        let text = "A value that was sent once stays until another is sent; it is not cleared.";
        Issue::warning(IssueCode::ImmutableValue, field.path(), text)
    }));
    let refused = about(&request);
    validate(request, issues, &context).map_err(|issues| Refusal { issues, ..refused })
}

/// An issue of a value, with its place in the message.
fn placed(found: RowIssue) -> Issue {
    let RowIssue { header, mut issue, .. } = found;
    if let Some(address) = header {
        issue.message = format!("{} It stands in {address}.", issue.message).into();
    }
    issue
}

/// Answers repeat the procedure of the order (iris-facts §9.4), so it is stored as the order's OrderableIdentifier,
/// with components as in OBR-4, unless the interface reads that from elsewhere.
fn remember(request: &mut OrderRequest, echo: &Echo) {
    let Some(order) = request.order.as_mut().filter(|order| order.orderable_identifier.is_none()) else { return };
    let [code, text, system, alternate] = echo.procedure.each_ref().map(|part| part.replace('^', " "));
    let joined = [code.as_str(), &text, &system, "", &alternate].join("^");
    let joined = joined.trim_end_matches('^');
    if !joined.is_empty() && joined.chars().count() <= IDENTIFIER_LIMIT {
        order.orderable_identifier = Some(joined.to_owned());
    }
}

/// What the orders of a message ask for, for tools that display it without the platform.
#[must_use]
pub fn preview(message: &Message<'_>, organization: &Organization, now: Timestamp) -> Vec<Result<Submission, Refusal>> {
    read(message.bytes(), None, organization, now).into_iter().map(|(request, _)| request).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organization() -> Organization {
        Organization::parse(include_bytes!("../../samples/harborview.json")).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-30T17:00:00Z".parse().unwrap()
    }

    fn codes(refused: &Refusal) -> Vec<IssueCode> {
        refused.issues.iter().map(|issue| issue.code).collect()
    }

    fn one(body: &str) -> (Result<Submission, Refusal>, Option<Vec<u8>>) {
        let mut all = read(body.as_bytes(), None, &organization(), now());
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    const HEADER: &str = "MSH|^~\\&|EMR|FAC||IRIS|20261130083000||ORM^O01|1|T|2.4\r";

    #[test]
    fn what_is_not_taken_is_refused_and_nothing_of_it_is_kept() {
        for (body, code) in [
            (HEADER.replace("ORM^O01", "ADT^A08") + "PID|1|SYN-1\r", IssueCode::UnsupportedFormat),
            (HEADER.replace("ORM^O01", "ORM^O02") + "PID|1|SYN-1\r", IssueCode::UnsupportedFormat),
            ("hello".to_owned(), IssueCode::UnreadableFile),
            (format!("{HEADER}{}", "NTE|1\r".repeat(200_000)), IssueCode::TooLarge),
        ] {
            let (request, kept) = one(&body);
            assert_eq!(codes(&request.unwrap_err()), [code]);
            assert_eq!(kept, None, "{code:?}");
        }
    }

    #[test]
    fn a_social_security_number_is_not_kept_with_a_refused_order() {
        let body = format!("{HEADER}PID|1|SYN-1|||Sample^Pat|||||||||||||CSN|000-00-0000|x\rORC|NW|O-1\rOBR|1|O-1\r");
        let (request, kept) = one(&body);
        assert!(request.is_err());
        let kept = String::from_utf8(kept.unwrap()).unwrap();
        assert_eq!(kept, body.replace("000-00-0000", ""));
    }

    #[test]
    fn one_order_that_is_refused_does_not_hold_back_the_other() {
        let patient = "PID|1|SYN-1|||Sample^Pat||19700203|F\rPV1|1|O|HV-SEA\r";
        let order = |id: &str, code: &str| format!("ORC|{code}|{id}\rOBR|1|{id}||92250^Fundus photography^EAP\r");
        let body = format!("{HEADER}{patient}{}{}", order("O-1", "NW"), order("O-2", "ZZ"));
        let all = read(body.as_bytes(), None, &organization(), now());
        let [(first, _), (second, kept)] = &all[..] else { panic!("two orders") };
        let procedure = first.as_ref().unwrap().request.order.as_ref().unwrap().orderable_identifier.clone();
        assert_eq!(procedure.as_deref(), Some("92250^Fundus photography^EAP"));
        assert_eq!(codes(second.as_ref().unwrap_err())[0], IssueCode::UnknownCode);
        assert_eq!(second.as_ref().unwrap_err().order_local_id.as_deref(), Some("O-2"));
        let kept = String::from_utf8(kept.clone().unwrap()).unwrap();
        assert_eq!(kept, format!("{HEADER}{patient}{}", order("O-2", "ZZ")), "it can be corrected and sent again");
    }

    #[test]
    fn an_interface_that_is_not_known_refuses() {
        let all = read(HEADER.as_bytes(), Some("nobody"), &organization(), now());
        assert_eq!(codes(all[0].0.as_ref().unwrap_err()), [IssueCode::UnknownCode]);
    }
}
