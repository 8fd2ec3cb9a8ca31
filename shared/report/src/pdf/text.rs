//! Text → lines of glyphs.
//!
//! A text is first set in the text font. If a glyph is missing, it is set again with all fonts. A character that still
//! has none is written as its code point, `[U+1F600]`: visible, searchable and never an empty box. PDF/A forbids text
//! without glyphs.

use std::ops::Range;

use parley::{
    Alignment, AlignmentOptions, FontContext, FontWeight, Layout, LayoutContext, LineHeight, OverflowWrap,
    StyleProperty,
};

use super::fonts::Fonts;
use super::theme::{Color, MUTED, Style};
use crate::document::Span;

/// The horizontal alignment of a line in its box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Text set to a width.
pub(super) struct TextBox {
    pub(super) text: String,
    pub(super) layout: Layout<Color>,
    pub(super) fonts: &'static Fonts,
}

impl TextBox {
    /// Height of each line.
    pub(super) fn lines(&self) -> impl Iterator<Item = f32> + '_ {
        self.layout.lines().map(|line| line.metrics().line_height)
    }

    pub(super) fn height(&self) -> f32 {
        self.lines().sum()
    }

    pub(super) fn width(&self) -> f32 {
        self.layout.width()
    }
}

/// Sets text; one per rendering thread. Keeps the libraries' caches warm between reports.
pub(super) struct Typesetter {
    layouts: LayoutContext<Color>,
    text: FontContext,
    all: Option<FontContext>,
}

impl Typesetter {
    pub(super) fn new() -> Self {
        Self { layouts: LayoutContext::new(), text: Fonts::text().context(), all: None }
    }

    pub(super) fn set(&mut self, spans: &[Span], style: Style, width: f32, align: Align) -> TextBox {
        let (text, marks) = joined(spans);
        let layout =
            shape(&mut self.layouts, &mut self.text, (Fonts::text(), false), &text, &marks, style, width, align);
        let gaps = missing(&layout, &text);
        if gaps.is_empty() {
            return TextBox { text, layout, fonts: Fonts::text() };
        }
        let context = self.all.get_or_insert_with(|| Fonts::all().context());
        let latin = gaps.iter().any(|gap| text[gap.clone()].chars().any(is_latin));
        let (mut text, mut marks) = (text, marks);
        // Spelling out a character affects its neighbors: a combining mark that was on it is now on a bracket, and that
        // combination may have no glyph either.
        let mut round = 0;
        loop {
            let layout = shape(&mut self.layouts, context, (Fonts::all(), latin), &text, &marks, style, width, align);
            let gaps = if round < ROUNDS { missing(&layout, &text) } else { beyond_ascii(&text) };
            if gaps.is_empty() {
                return TextBox { text, layout, fonts: Fonts::all() };
            }
            (text, marks) = spelled_out(&text, &marks, &gaps);
            round += 1;
        }
    }
}

/// How often only the gaps are spelled out; after that, everything except plain ASCII is.
const ROUNDS: usize = 4;

struct Mark {
    range: Range<usize>,
    strong: bool,
    small: bool,
}

fn joined(spans: &[Span]) -> (String, Vec<Mark>) {
    let mut text = String::new();
    let mut marks = Vec::new();
    for span in spans {
        let start = text.len();
        text.push_str(&span.text);
        if span.strong || span.small {
            marks.push(Mark { range: start..text.len(), strong: span.strong, small: span.small });
        }
    }
    (text, marks)
}

#[expect(clippy::too_many_arguments, reason = "one call of the layout library, with all it needs")]
fn shape(
    layouts: &mut LayoutContext<Color>,
    context: &mut FontContext,
    (fonts, latin): (&Fonts, bool),
    text: &str,
    marks: &[Mark],
    style: Style,
    width: f32,
    align: Align,
) -> Layout<Color> {
    let weight = |strong| StyleProperty::FontWeight(FontWeight::new(if strong { 600.0 } else { 400.0 }));
    let mut builder = layouts.ranged_builder(context, text, 1.0, false);
    builder.push_default(StyleProperty::FontFamily(fonts.stack(latin)));
    builder.push_default(StyleProperty::FontSize(style.size));
    builder.push_default(StyleProperty::LineHeight(LineHeight::FontSizeRelative(style.leading)));
    builder.push_default(StyleProperty::Brush(style.color));
    builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
    builder.push_default(weight(style.strong));
    for mark in marks {
        if mark.strong {
            builder.push(weight(true), mark.range.clone());
        }
        if mark.small {
            builder.push(StyleProperty::FontSize(style.size * 0.86), mark.range.clone());
            builder.push(StyleProperty::Brush(MUTED), mark.range.clone());
        }
    }
    let mut layout = builder.build(text);
    layout.break_all_lines(Some(width));
    let alignment = match align {
        Align::Left => Alignment::Left,
        Align::Right => Alignment::Right,
    };
    layout.align(alignment, AlignmentOptions::default());
    layout
}

/// Ranges of the text for which no font has a glyph.
fn missing(layout: &Layout<Color>, text: &str) -> Vec<Range<usize>> {
    let mut gaps: Vec<Range<usize>> = Vec::new();
    for line in layout.lines() {
        for run in line.runs() {
            for cluster in run.clusters() {
                let range = cluster.text_range();
                let blank = text.get(range.clone()).is_none_or(|text| text.chars().all(|c| c.is_control()));
                if !blank && cluster.glyphs().any(|glyph| glyph.id == 0) && !gaps.contains(&range) {
                    gaps.push(range);
                }
            }
        }
    }
    gaps.sort_by_key(|range| range.start);
    gaps
}

/// Letters of the Latin blocks, and combining marks used with them.
fn is_latin(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{24f}' | '\u{300}'..='\u{36f}' | '\u{1e00}'..='\u{1eff}')
}

/// Every character that is not ASCII.
fn beyond_ascii(text: &str) -> Vec<Range<usize>> {
    text.char_indices().filter(|(_, c)| !c.is_ascii()).map(|(at, c)| at..at + c.len_utf8()).collect()
}

/// Replaces each gap with the code points in it.
fn spelled_out(text: &str, marks: &[Mark], gaps: &[Range<usize>]) -> (String, Vec<Mark>) {
    let mut out = String::with_capacity(text.len() + gaps.len() * 8);
    // The start of each replaced or kept stretch, before and after the replacement.
    let mut moved = Vec::new();
    let mut at = 0;
    for gap in gaps {
        if gap.start < at {
            continue;
        }
        moved.push((at, out.len()));
        out.push_str(&text[at..gap.start]);
        moved.push((gap.start, out.len()));
        for c in text[gap.clone()].chars() {
            out.push_str(&format!("[U+{:04X}]", u32::from(c)));
        }
        at = gap.end;
    }
    moved.push((at, out.len()));
    out.push_str(&text[at..]);
    let shift = |offset: usize| {
        let index = moved.partition_point(|(before, _)| *before <= offset).saturating_sub(1);
        let (before, after) = moved[index];
        let end = moved.get(index + 1).map_or(out.len(), |(_, next)| *next);
        (after + (offset - before)).min(end)
    };
    let marks =
        marks.iter().map(|mark| Mark { range: shift(mark.range.start)..shift(mark.range.end), ..*mark }).collect();
    (out, marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::theme::BODY;

    fn set(text: &str) -> TextBox {
        Typesetter::new().set(&[Span::plain(text)], BODY, 200.0, Align::Left)
    }

    #[test]
    fn every_script_finds_a_font() {
        for text in [
            "Zoë Nuñez-Øster Łukasz Ștefan Nguyễn Thị Ánh",
            "Ελένη Παπαδοπούλου",
            "Александр Щербаков Їжак",
            "محمد عبد الله",
            "דוד בן־גוריון",
            "प्रिया शर्मा",
            "রহিম গुरु ਸਿੰਘ ગુજરાત தமிழ் తెలుగు ಕನ್ನಡ മലയാളം",
            "สมชาย ລາວ ខ្មែរ မြန်မာ",
            "አበበ Արամ გიორგი ᏣᎳᎩ",
            "王小明 山田花子 김철수",
        ] {
            let set = set(text);
            assert_eq!(set.text, text);
            assert!(missing(&set.layout, &set.text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_no_font_has_is_spelled_out() {
        let set = set("Ana 😀 \u{fffd}!");
        assert!(set.text.starts_with("Ana [U+1F600] "), "{}", set.text);
        assert!(missing(&set.layout, &set.text).is_empty());
    }

    #[test]
    fn marks_move_with_what_is_spelled_out() {
        let marks =
            [Mark { range: 0..1, strong: true, small: false }, Mark { range: 1..9, strong: true, small: false }];
        let (text, marks) = spelled_out("a😀b😀", &marks, &[1..5, 6..10]);
        assert_eq!(text, "a[U+1F600]b[U+1F600]");
        for mark in &marks {
            assert!(text.get(mark.range.clone()).is_some());
        }
        assert_eq!(marks[0].range, 0..1);
    }
}
