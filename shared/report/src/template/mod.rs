//! Report templates: a small, strict subset of HTML with `[[TOKENS]]` (iris-facts §8.3).
//!
//! One template produces both the PDF and the HTML of a report. It is parsed once into the types below, and tokens are
//! nodes of the tree, not text: a value replaces its token and is never parsed as a template or as markup. A value that
//! looks like `[[PATIENT_NAME]]` or `<script>` is printed as those characters.
//!
//! ```text
//! <article>
//!   <header> … </header>                 on the first page
//!   h1 h2 h3 p ul/li hr                  text; inside: strong, br, small
//!   dl/dt/dd                             facts in a grid; dd class="optional" vanishes when unset
//!   div class="columns" / div            two or three columns
//!   section class="panel"                a tinted box
//!   <footer> … </footer>                 at the foot of every page: one or two p
//! </article>
//! ```
//!
//! Anything else except comments (styles, scripts, links, pictures other than the image tokens) is refused when a
//! template is saved, with line and column. [`Template::parse`] does that check.

mod defaults;
mod parse;
mod resolve;

pub use defaults::default_source;
pub use resolve::{Resolved, Scope, resolve};

use crate::Token;

/// A template that was parsed and found valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub(crate) header: Vec<Element>,
    pub(crate) body: Vec<Element>,
    pub(crate) footer: Vec<Vec<Part>>,
}

/// The largest template, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 64 * 1024;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Element {
    Heading(u8, Vec<Part>),
    Paragraph(Tone, Vec<Part>),
    List(Vec<Vec<Part>>),
    Facts(Vec<Fact>),
    Columns(Vec<Vec<Element>>),
    Panel(Vec<Element>),
    Rule,
    Generated(Token),
}

/// How a paragraph looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Normal,
    Lead,
    Small,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fact {
    pub(crate) label: Vec<Part>,
    pub(crate) value: Vec<Part>,
    pub(crate) optional: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) content: Content,
    pub(crate) strong: bool,
    pub(crate) small: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Literal(String),
    Token(Token),
    Break,
}

/// Why a template is refused; callers show all errors beside the editor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {problem}")]
pub struct Error {
    /// Line, starting at 1.
    pub line: usize,
    /// Column in characters, starting at 1.
    pub column: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a template. Quoted text is capped at 60 characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Larger than [`MAX_TEMPLATE_BYTES`].
    #[error("the template has {0} bytes; at most {MAX_TEMPLATE_BYTES} are allowed")]
    TooLarge(usize),
    /// Not well-formed.
    #[error(
        "the markup cannot be read: {0}. Every element must be closed, also <br/> and <hr/>, and & is written &amp;"
    )]
    Markup(String),
    /// Nested more than six elements deep.
    #[error("elements are nested too deeply")]
    TooDeep,
    /// An element that templates do not support.
    #[error(
        "<{0}> is not allowed here; templates know header, footer, h1, h2, h3, p, ul, li, dl, dt, dd, div, section, \
         hr, strong, small, br"
    )]
    Element(String),
    /// An attribute or class that templates do not support.
    #[error(
        "{0} is not allowed here; the classes are lead and small (p), columns (div), panel (section), optional (dd)"
    )]
    Attribute(String),
    /// A name between `[[` and `]]` that is not a token.
    #[error("[[{name}]] is not a token{}", .nearest.map(|token| format!("; did you mean [[{}]]?", token.name())).unwrap_or_default())]
    UnknownToken {
        /// The name.
        name: String,
        /// A token with a similar name.
        nearest: Option<Token>,
    },
    /// `[[` without `]]`.
    #[error("[[ has no matching ]] in this line of text")]
    OpenToken,
    /// A block token inside text.
    #[error("[[{}]] becomes a block and must stand alone in a <p>, outside of header lines, lists and facts", .0.name())]
    BlockToken(Token),
    /// Text outside of an element that can show text.
    #[error("text must stand in p, h1, h2, h3, li, dt or dd")]
    StrayText,
    /// A violated rule of a certain element.
    #[error("{0}")]
    Structure(&'static str),
}
