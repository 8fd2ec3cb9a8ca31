//! A report after its template was filled: blocks of finished text, from which both PDF and HTML are made.

use crate::picture::Picture;
use crate::template::Tone;
use iris_results::Chip;

#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) title: String,
    pub(crate) header: Vec<Block>,
    pub(crate) body: Vec<Block>,
    pub(crate) footer: Vec<Text>,
    /// The line repeated at the top of every page but the first; it says whose report this is.
    pub(crate) running: String,
    pub(crate) metadata: Metadata,
    /// The pictures; blocks refer to them by index.
    pub(crate) pictures: Vec<Picture>,
}

/// The file's metadata. It includes ids because receivers file reports by them (iris-facts §8.2).
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
    /// Label and value pairs, one per line, with rules between them.
    Answers(Vec<(Text, Text)>),
    Columns(Vec<Vec<Block>>),
    Panel(Shade, Vec<Block>),
    Picture {
        /// Index into [`Document::pictures`].
        index: usize,
        alt: String,
        caption: Text,
    },
    /// Shown in place of a missing picture.
    NoPicture(Text),
    Letterhead {
        logo: Option<usize>,
        name: Text,
        /// The lines under the name.
        lines: Vec<Text>,
        /// Contact details, shown on the other side.
        contact: Vec<Text>,
    },
    /// A badge, such as `Follow-up needed`.
    Badge(Shade, String),
    /// A signature over a line.
    Signature(Vec<Text>),
    Rule,
}

/// The tint of a panel or badge. The words always say the same, for those who cannot see colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shade {
    Neutral,
    Of(Chip),
}
