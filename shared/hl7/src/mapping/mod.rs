//! Mapping instructions: outbound messages as data.
//!
//! All outgoing content is built from instructions: the platform's own (`defaults/*.json`, the published layout,
//! iris-facts §9.3–9.6), and the overrides of one interface. A rule is a segment as an integrator knows it:
//!
//! ```text
//! OBX|{n}|ST|{it.identifier|table:identifier}^^IRIS|{n}|{it.value}|||{it.flag|table:flag}|||F
//! ```
//!
//! Here `|^~&` are structure, and `{…}` is a value, which is escaped whatever it contains. Values, filters and lists
//! are closed sets: a wrong name is found when the document is saved, and nothing can loop or fail when a message is
//! built.
//!
//! [`Instructions`] and [`Overrides`] → [`compile()`] → [`Program`] → [`Program::build`]. Compiling applies an
//! interface's overrides in the order move, set, clear, drop, add, builds the message of a sample order, and reads it
//! back.
//!
//! | element | meaning |
//! |---|---|
//! | `line` | the segment; empty components and fields at its end are not written |
//! | `{n}` | running number of that segment in the message |
//! | `each` | one segment for each item of a list: `diagnoses`, `findings`, `lines`, `images`; its values are `{it.…}` |
//! | `when` | all must hold: `path`, `!path`, `path=text` |
//! | `use` | the rule belongs to payloads that an interface chooses |
//! | `repeat` | a field made of a list, joined by the repetition separator |
//! | `also` | further segments for each item |
//! | `{>name}` | a fragment: a part of lines that is used more than once |
//!
//! | filter | makes |
//! |---|---|
//! | `time` | 14 digits in the interface's zone; what times are without a filter |
//! | `date`, `date:MM-dd-yyyy` | 8 digits, or a pattern of `yyyy`, `MM`, `dd`, `HH`, `mm`, `ss` |
//! | `dot`, `undot` | an ICD-10 code with, or without, its dot |
//! | `upper`, `pad3`, `first:n` | capitals; three digits; the first n characters |
//! | `or:text`, `then:text` | the text if there is no value; the text instead of a value |
//! | `table:name` | what the table has for the value; the value itself if nothing |
//! | `ampersand` | ampersands stay as they are: the published option for links (iris-facts §9.4.4) |

mod build;
mod check;
mod compile;
mod content;
mod defaults;
mod filter;
mod instructions;
mod problem;
mod template;
mod value;

pub use build::{Program, Shown};
pub use compile::compile;
pub use content::{
    Billed, Content, Diagnosis, Environment, Finding, Image, Names, Order, Patient, Procedure, Provider, Report,
    Severity, Site, Status, Ungradable, modifiers,
};
pub use defaults::{Kind, defaults};
pub use instructions::{Added, Instructions, Overrides, Repeat, Rule, Tables};
pub use problem::{Problem, Wrong};
