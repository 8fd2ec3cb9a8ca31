//! What an answer means: a table, which is the standard's meaning by default.
//!
//! By the standard, `AE` is a fault in the message's content, which sending again does not fix, and `AR` either means a
//! kind of message that is never accepted (200 to 203), or has nothing to do with the message. In practice both are
//! used for either; hence the error codes, and hence a destination's own rows, which come first.
//!
//! A charge is never sent twice: its meanings ([`Charge`]) do not include sending again.

use super::Code;
use super::exchange::Outcome;
use super::read::Acknowledgement;
use super::schedule::Schedule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of a result or document (ORU, MDM), which may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Results {
    /// The receiver has it.
    Delivered,
    /// Send the same message with the same MSH-10 again; park it when the schedule ends.
    Resend(Schedule),
    /// Set it aside until a person has looked; somebody is told.
    Park,
    /// Nothing was written. No attempt is counted: the interface waits for its connection.
    NotSent,
}

/// What becomes of a charge (DFT).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// The receiver has it.
    Acknowledged,
    /// The receiver said no. Final.
    Refused,
    /// The outcome is unknown. Final, until a person has looked; somebody is told.
    Unconfirmed,
    /// Nothing was written: still to be sent.
    NotSent,
}

/// A row of a destination's own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// Which answer.
    pub code: Match,
    /// With which error: a number of HL7's table 0357, or `none`. Any, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "error_text")]
    #[schemars(with = "Option<String>", regex(pattern = r"^(none|[0-9]{1,5})$"))]
    pub error: Option<ErrorMatch>,
    /// What to do.
    #[serde(rename = "do")]
    pub act: Act,
}

/// What may come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Match {
    /// Taken by the application.
    AA,
    /// Error of the application.
    AE,
    /// Rejected by the application.
    AR,
    /// Stored.
    CA,
    /// Not stored, for an error.
    CE,
    /// Not stored.
    CR,
    /// A frame that is no answer.
    #[serde(rename = "unreadable")]
    Unreadable,
    /// Nothing within the time.
    #[serde(rename = "silence")]
    Silence,
}

/// Which errors an answer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorMatch {
    /// None.
    None,
    /// This one, maybe among others.
    Number(u16),
}

/// What a destination wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Take it as delivered.
    Delivered,
    /// Send again for 24 hours, then park.
    Resend,
    /// Send again three times, then park.
    ResendBriefly,
    /// Park at once.
    Park,
}

mod error_text {
    use super::ErrorMatch;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Option<ErrorMatch>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(ErrorMatch::Number(number)) => serializer.collect_str(number),
            Some(ErrorMatch::None) => serializer.serialize_str("none"),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ErrorMatch>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| match text.as_str() {
            "none" => Ok(ErrorMatch::None),
            digits => digits.parse().map(ErrorMatch::Number).map_err(|_| D::Error::custom("no error number")),
        })
        .transpose()
    }
}

/// Which errors a row of the standard's table matches.
#[derive(Debug, Clone, Copy)]
enum Errors {
    Any,
    These(&'static [u16]),
}

/// A row of the standard's table.
struct Row {
    codes: &'static [Code],
    errors: Errors,
    results: Results,
    charge: Charge,
}

/// The standard's meaning, top to bottom. An error that no row names counts as no error number.
const STANDARD: &[Row] = {
    use Code::{AA, AE, AR, CA, CE, CR};
    use Errors::{Any, These};
    &[
        Row { codes: &[AA, CA], errors: Any, results: Results::Delivered, charge: Charge::Acknowledged },
        Row {
            codes: &[AE, AR, CE, CR],
            errors: These(&[206, 207]),
            results: Results::Resend(Schedule::DAY),
            charge: Charge::Refused,
        },
        Row { codes: &[AR, CR], errors: These(&[200, 201, 202, 203]), results: Results::Park, charge: Charge::Refused },
        Row {
            codes: &[AE, CE],
            errors: These(&[100, 101, 102, 103, 104, 204, 205]),
            results: Results::Park,
            charge: Charge::Refused,
        },
        Row { codes: &[AR, CR], errors: Any, results: Results::Resend(Schedule::DAY), charge: Charge::Refused },
        Row { codes: &[AE, CE], errors: Any, results: Results::Resend(Schedule::BRIEF), charge: Charge::Refused },
    ]
};

/// What a destination's answers mean: its own rows, then the standard's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Replies(pub Vec<Reply>);

impl Replies {
    /// What becomes of a result or document.
    #[must_use]
    pub fn results(&self, outcome: &Outcome) -> Results {
        match (self.own(outcome), outcome) {
            (_, Outcome::NotSent) => Results::NotSent,
            (Some(Act::Delivered), _) => Results::Delivered,
            (Some(Act::Resend), _) => Results::Resend(Schedule::DAY),
            (Some(Act::ResendBriefly), _) => Results::Resend(Schedule::BRIEF),
            (Some(Act::Park), _) => Results::Park,
            (None, Outcome::Answered(answer)) => standard(answer).map_or(Results::Park, |row| row.results),
            (None, Outcome::Unreadable(_) | Outcome::Silence { .. }) => Results::Resend(Schedule::STEADY),
        }
    }

    /// What becomes of a charge. No row of a destination can turn silence into an answer, or a refusal into a reason to
    /// send again.
    #[must_use]
    pub fn charge(&self, outcome: &Outcome) -> Charge {
        match (self.own(outcome), outcome) {
            (_, Outcome::NotSent) => Charge::NotSent,
            (_, Outcome::Unreadable(_) | Outcome::Silence { .. }) => Charge::Unconfirmed,
            (Some(Act::Delivered), Outcome::Answered(_)) => Charge::Acknowledged,
            (Some(_), Outcome::Answered(answer)) if answer.code.is_positive() => Charge::Unconfirmed,
            (Some(_), Outcome::Answered(_)) => Charge::Refused,
            (None, Outcome::Answered(answer)) => standard(answer).map_or(Charge::Refused, |row| row.charge),
        }
    }

    fn own(&self, outcome: &Outcome) -> Option<Act> {
        let (came, errors): (Match, &[u16]) = match outcome {
            Outcome::Answered(answer) => (Match::from(answer.code), &answer.errors),
            Outcome::Unreadable(_) => (Match::Unreadable, &[]),
            Outcome::Silence { .. } => (Match::Silence, &[]),
            Outcome::NotSent => return None,
        };
        let meant = |reply: &&Reply| {
            reply.code == came
                && match reply.error {
                    None => true,
                    Some(ErrorMatch::None) => errors.is_empty(),
                    Some(ErrorMatch::Number(number)) => errors.contains(&number),
                }
        };
        self.0.iter().find(meant).map(|reply| reply.act)
    }
}

fn standard(answer: &Acknowledgement) -> Option<&'static Row> {
    STANDARD.iter().find(|row| {
        row.codes.contains(&answer.code)
            && match row.errors {
                Errors::Any => true,
                Errors::These(numbers) => answer.errors.iter().any(|error| numbers.contains(error)),
            }
    })
}

impl From<Code> for Match {
    fn from(code: Code) -> Self {
        match code {
            Code::AA => Self::AA,
            Code::AE => Self::AE,
            Code::AR => Self::AR,
            Code::CA => Self::CA,
            Code::CE => Self::CE,
            Code::CR => Self::CR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ack::{Fault, NoAnswer};

    fn answered(code: Code, errors: &[u16]) -> Outcome {
        Outcome::Answered(Acknowledgement {
            code,
            control_id: b"17".to_vec(),
            errors: errors.to_vec(),
            text: String::new(),
        })
    }

    const DAY: Results = Results::Resend(Schedule::DAY);
    const BRIEF: Results = Results::Resend(Schedule::BRIEF);
    const STEADY: Results = Results::Resend(Schedule::STEADY);

    /// Every row of the table, hl7.md §3.5.
    #[test]
    fn the_standards_meaning() {
        use Code::{AA, AE, AR, CA, CE, CR};
        let replies = Replies::default();
        let mut cases = vec![
            (answered(AA, &[]), Results::Delivered, Charge::Acknowledged),
            (answered(CA, &[]), Results::Delivered, Charge::Acknowledged),
            (answered(AA, &[207]), Results::Delivered, Charge::Acknowledged),
            (answered(AR, &[]), DAY, Charge::Refused),
            (answered(CR, &[]), DAY, Charge::Refused),
            (answered(AE, &[]), BRIEF, Charge::Refused),
            (answered(CE, &[]), BRIEF, Charge::Refused),
            // Errors that no row names.
            (answered(AE, &[999]), BRIEF, Charge::Refused),
            (answered(AR, &[101]), DAY, Charge::Refused),
            // Of several errors, a transient one counts.
            (answered(AE, &[101, 207]), DAY, Charge::Refused),
            (Outcome::Unreadable(NoAnswer::NoMsa), STEADY, Charge::Unconfirmed),
            (Outcome::Unreadable(NoAnswer::UnknownCode), STEADY, Charge::Unconfirmed),
            (Outcome::Unreadable(NoAnswer::NoControlId), STEADY, Charge::Unconfirmed),
            (Outcome::Silence { noise: false }, STEADY, Charge::Unconfirmed),
            (Outcome::Silence { noise: true }, STEADY, Charge::Unconfirmed),
            (Outcome::NotSent, Results::NotSent, Charge::NotSent),
        ];
        for code in [AE, AR, CE, CR] {
            cases.extend([206, 207].map(|error| (answered(code, &[error]), DAY, Charge::Refused)));
        }
        for code in [AR, CR] {
            cases.extend([200, 201, 202, 203].map(|error| (answered(code, &[error]), Results::Park, Charge::Refused)));
        }
        for code in [AE, CE] {
            let errors = [100, 101, 102, 103, 104, 204, 205];
            cases.extend(errors.map(|error| (answered(code, &[error]), Results::Park, Charge::Refused)));
        }
        for (outcome, results, charge) in cases {
            assert_eq!((replies.results(&outcome), replies.charge(&outcome)), (results, charge), "{outcome:?}");
        }
        assert!(Fault::ALL.iter().all(|fault| Fault::from_number(fault.number()) == Some(*fault)));
    }

    #[test]
    fn a_destinations_own_rows_come_first() {
        let replies: Replies = serde_json::from_str(
            r#"[{ "code": "AE", "error": "207", "do": "park" }, { "code": "AE", "error": "none", "do": "delivered" },
                { "code": "AR", "do": "resend-briefly" }, { "code": "silence", "do": "delivered" },
                { "code": "unreadable", "do": "park" }, { "code": "CA", "do": "park" }]"#,
        )
        .unwrap();
        let cases = [
            (answered(Code::AE, &[207]), Results::Park, Charge::Refused),
            (answered(Code::AE, &[]), Results::Delivered, Charge::Acknowledged),
            (answered(Code::AE, &[206]), DAY, Charge::Refused),
            (answered(Code::AR, &[200]), BRIEF, Charge::Refused),
            (answered(Code::CA, &[]), Results::Park, Charge::Unconfirmed),
            // For a charge silence stays silence, whatever the row says.
            (Outcome::Silence { noise: false }, Results::Delivered, Charge::Unconfirmed),
            (Outcome::Unreadable(NoAnswer::NoMsa), Results::Park, Charge::Unconfirmed),
            (Outcome::NotSent, Results::NotSent, Charge::NotSent),
        ];
        for (outcome, results, charge) in cases {
            assert_eq!((replies.results(&outcome), replies.charge(&outcome)), (results, charge), "{outcome:?}");
        }
        let text = serde_json::to_string(&replies).unwrap();
        assert_eq!(serde_json::from_str::<Replies>(&text).unwrap(), replies);
    }

    #[test]
    fn rows_that_mean_nothing_are_refused() {
        for text in [
            r#"[{ "code": "AB", "do": "park" }]"#,
            r#"[{ "code": "AE", "do": "ignore" }]"#,
            r#"[{ "code": "AE", "error": "20x", "do": "park" }]"#,
            r#"[{ "code": "AE", "errors": "207", "do": "park" }]"#,
        ] {
            assert!(serde_json::from_str::<Replies>(text).is_err(), "{text}");
        }
    }
}
