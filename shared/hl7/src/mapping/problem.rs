//! What is wrong with a document.

use std::fmt;
use thiserror::Error;

/// Something that is wrong, and where in the document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Problem {
    /// Where, e.g. `set.PID-3` or `segments.obx.link`.
    pub at: String,
    /// What.
    #[source]
    pub wrong: Wrong,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be used", self.at)
    }
}

/// What is wrong. The texts come from the document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Wrong {
    /// A line does not begin with the name of a segment.
    #[error("a line begins with the name of a segment, e.g. PID|")]
    Segment,
    /// A brace without its counterpart.
    #[error("a brace is not closed, or was not opened")]
    Brace,
    /// An unknown value.
    #[error("there is no value `{0}` here")]
    Value(String),
    /// An unknown filter, or one that cannot be used on this value.
    #[error("the filter `{0}` cannot be used here")]
    Filter(String),
    /// A table without entries.
    #[error("there is no table `{0}`")]
    Table(String),
    /// An unknown list.
    #[error("there is no list `{0}`")]
    List(String),
    /// An unknown fragment, or a fragment within a fragment.
    #[error("there is no fragment `{0}` here")]
    Fragment(String),
    /// A payload that no rule has.
    #[error("there is no payload `{0}`")]
    Payload(String),
    /// An unknown rule.
    #[error("there is no rule `{0}`")]
    Rule(String),
    /// Two rules of the same name.
    #[error("there are two rules `{0}`")]
    Twice(String),
    /// A place that cannot be read.
    #[error("a place is a field, e.g. PID-3, PID-3.1 or obx.document/5")]
    Place,
    /// A place in a segment that no rule produces.
    #[error("no rule makes the segment {0}")]
    NoSegment(String),
    /// A field that has a list of repetitions, moved or set in part.
    #[error("a component can be moved only within what it is a component of: move the field")]
    PartMoved,
    /// A separator where none is allowed.
    #[error("a text for a field has no |, one for a component no ^ and ~ either, one for a subcomponent no & either")]
    Separator,
    /// MSH-1, MSH-2, MSH-10.
    #[error("this field of the header cannot be changed")]
    Header,
    /// PID-19.
    #[error("PID-19 (social security number) is never written")]
    SocialSecurity,
    /// A rule that every message needs.
    #[error("every message needs this rule")]
    Needed,
    /// A second header.
    #[error("a message has one header")]
    SecondHeader,
    /// A field that receivers need is empty.
    #[error("{0} must not be empty")]
    Emptied(&'static str),
    /// What was written for a sample order is read back differently.
    #[error("the message of a sample order is read otherwise than it was written, at {0}")]
    ReadBack(String),
}
