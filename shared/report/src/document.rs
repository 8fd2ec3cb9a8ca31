//! A report after its template was filled: blocks of finished text, the one form from which both PDF and HTML are made.

use crate::picture::Picture;
use crate::template::Tone;
use iris_results::Chip;

/// Filled report.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) title: String,
    pub(crate) header: Vec<Block>,
    pub(crate) body: Vec<Block>,
    pub(crate) footer: Vec<Text>,
    /// Line that repeats on top of every page but the first: whose report this is.
    pub(crate) running: String,
    pub(crate) metadata: Metadata,
    /// The pictures; blocks name them by index.
    pub(crate) pictures: Vec<Picture>,
}

/// What the file says about itself. Ids are metadata because receivers file reports by them (iris-facts §8.2).
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) author: String,
    pub(crate) subject: String,
    /// `Name=value` pairs.
    pub(crate) keywords: Vec<String>,
    pub(crate) issued: jiff::Timestamp,
}

/// Text of one paragraph.
pub(crate) type Text = Vec<Span>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) strong: bool,
    pub(crate) small: bool,
}

impl Span {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), strong: false, small: false }
    }

    pub(crate) fn strong(text: impl Into<String>) -> Self {
        Self { text: text.into(), strong: true, small: false }
    }

    pub(crate) fn small(text: impl Into<String>) -> Self {
        Self { text: text.into(), strong: false, small: true }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Block {
    Heading(u8, Text),
    Paragraph(Tone, Text),
    List(Vec<Text>),
    /// Label and value pairs, in a grid.
    Facts(Vec<(Text, Text)>),
    /// Label and value pairs, one a line, ruled.
    Answers(Vec<(Text, Text)>),
    Columns(Vec<Vec<Block>>),
    Panel(Shade, Vec<Block>),
    Picture {
        /// Index into [`Document::pictures`].
        index: usize,
        alt: String,
        caption: Text,
    },
    /// In place of a picture there is none of.
    NoPicture(Text),
    Letterhead {
        logo: Option<usize>,
        name: Text,
        /// Under the name.
        lines: Vec<Text>,
        /// On the other side: where to turn to.
        contact: Vec<Text>,
    },
    /// A badge, such as `Follow-up needed`.
    Badge(Shade, String),
    /// Signature over a line.
    Signature(Vec<Text>),
    Rule,
}

/// Tint of a panel or badge; words always say the same, for those who see no colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shade {
    Neutral,
    Of(Chip),
}
