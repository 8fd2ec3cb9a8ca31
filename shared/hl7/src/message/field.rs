//! Fields and what they are made of: repetitions, components, subcomponents.
//!
//! A part that was not sent, one that is empty and one of blanks all count as *absent*. `""` is HL7's null: the sender
//! wants the value cleared.

use super::Grammar;
use crate::charset::Charset;
use crate::escape::unescape;
use crate::message::Delimiters;
use memchr::memchr_iter;
use std::borrow::Cow;

/// What is at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'m> {
    /// Nothing, or blanks.
    Absent,
    /// `""`: to be cleared.
    Null,
    /// A text: unescaped, decoded, not trimmed.
    Text(Cow<'m, str>),
}

impl<'m> Value<'m> {
    /// The text, if it is one.
    #[must_use]
    pub fn into_text(self) -> Option<Cow<'m, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Null => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Absent | Self::Null => None,
        }
    }

    /// Whether it is neither a text nor a null.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// The n-th part, from 1. Without a delimiter there is only one.
fn nth(bytes: &[u8], delimiter: Option<u8>, n: u16) -> Option<&[u8]> {
    parts(bytes, delimiter).nth(usize::from(n).checked_sub(1)?)
}

fn parts<'m>(bytes: &'m [u8], delimiter: Option<u8>) -> impl Iterator<Item = &'m [u8]> + use<'m> {
    let mut start = 0;
    let ends = delimiter.into_iter().flat_map(move |delimiter| memchr_iter(delimiter, bytes)).chain([bytes.len()]);
    ends.map(move |end| {
        let part = bytes.get(start..end).unwrap_or_default();
        start = end + 1;
        part
    })
}

fn value<'m>(bytes: &'m [u8], grammar: &Grammar) -> Value<'m> {
    match bytes {
        br#""""# => Value::Null,
        bytes if bytes.trim_ascii().is_empty() => Value::Absent,
        bytes => Value::Text(text(bytes, grammar)),
    }
}

fn text<'m>(bytes: &'m [u8], grammar: &Grammar) -> Cow<'m, str> {
    grammar.charset.decode_cow(unescape(bytes, &grammar.delimiters))
}

static NOTHING: Grammar = Grammar { delimiters: Delimiters::NONE, charset: Charset::UTF8 };

/// Declares a level of the structure.
macro_rules! level {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name<'m> {
            bytes: &'m [u8],
            grammar: &'m Grammar,
        }

        impl<'m> $name<'m> {
            pub(crate) fn new(bytes: &'m [u8], grammar: &'m Grammar) -> Self {
                Self { bytes, grammar }
            }

            /// Its bytes as received.
            #[must_use]
            pub fn bytes(&self) -> &'m [u8] {
                self.bytes
            }

            /// All of it as one value: delimiters within it are text, which is what senders mean who do not escape
            /// them.
            #[must_use]
            pub fn whole(&self) -> Value<'m> {
                value(self.bytes, self.grammar)
            }
        }
    };
}

level! {
    /// A field of a segment.
    Field
}

level! {
    /// A repetition of a field.
    Repetition
}

level! {
    /// A component of a repetition.
    Component
}

impl<'m> Field<'m> {
    /// A field that was not sent.
    pub(crate) const EMPTY: Field<'static> = Field { bytes: &[], grammar: &NOTHING };

    pub(crate) fn grammar(&self) -> &'m Grammar {
        self.grammar
    }

    /// Repetition n, from 1.
    #[must_use]
    pub fn repetition(&self, n: u16) -> Option<Repetition<'m>> {
        nth(self.bytes, self.grammar.delimiters.repetition, n).map(|bytes| Repetition::new(bytes, self.grammar))
    }

    /// Its repetitions; at least one.
    pub fn repetitions(&self) -> impl Iterator<Item = Repetition<'m>> + use<'m> {
        let grammar = self.grammar;
        parts(self.bytes, grammar.delimiters.repetition).map(move |bytes| Repetition::new(bytes, grammar))
    }
}

impl<'m> Repetition<'m> {
    /// Component n, from 1. All components of a null are null.
    #[must_use]
    pub fn component(&self, n: u16) -> Option<Component<'m>> {
        if self.bytes == br#""""# {
            return (n > 0).then_some(Component::new(self.bytes, self.grammar));
        }
        nth(self.bytes, self.grammar.delimiters.component, n).map(|bytes| Component::new(bytes, self.grammar))
    }

    /// Its components; at least one.
    pub fn components(&self) -> impl Iterator<Item = Component<'m>> + use<'m> {
        let grammar = self.grammar;
        parts(self.bytes, grammar.delimiters.component).map(move |bytes| Component::new(bytes, grammar))
    }
}

impl<'m> Component<'m> {
    /// Subcomponent n, from 1. All subcomponents of a null are null.
    #[must_use]
    pub fn subcomponent(&self, n: u16) -> Value<'m> {
        if self.bytes == br#""""# {
            return Value::Null;
        }
        nth(self.bytes, self.grammar.delimiters.subcomponent, n)
            .map_or(Value::Absent, |bytes| value(bytes, self.grammar))
    }

    /// Its first subcomponent: the whole component, in versions before it had others.
    #[must_use]
    pub fn value(&self) -> Value<'m> {
        self.subcomponent(1)
    }

    /// Its subcomponents as texts; at least one. A null is returned as its two quotation marks.
    pub fn subcomponents(&self) -> impl Iterator<Item = Cow<'m, str>> + use<'m> {
        let grammar = self.grammar;
        parts(self.bytes, grammar.delimiters.subcomponent).map(move |bytes| text(bytes, grammar))
    }
}
