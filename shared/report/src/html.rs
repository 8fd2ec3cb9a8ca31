//! Document → HTML: one file without scripts and without anything loaded from elsewhere; its own content policy forbids
//! both.
//!
//! Every value is escaped where it is inserted (`maud` has no other way); images are `data:` URLs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::document::{Block, Document, Shade, Span, Text};
use crate::picture::{Format, Picture};
use crate::template::Tone;
use iris_results::Chip;

const STYLE: &str = include_str!("../templates/report.css");
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// Writes a document as HTML.
pub(crate) fn write(document: &Document) -> String {
    let about = &document.metadata;
    let page = html! {
        (DOCTYPE)
        html lang="en-US" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width";
                meta name="referrer" content="no-referrer";
                meta name="author" content=(about.author);
                meta name="description" content=(about.subject);
                meta name="keywords" content=(about.keywords.join(", "));
                title { (document.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                article {
                    header { (blocks(&document.header, document)) }
                    main { (blocks(&document.body, document)) }
                    footer {
                        @for text in &document.footer { p { (spans(text)) } }
                    }
                }
            }
        }
    };
    page.into_string()
}

fn blocks(blocks: &[Block], document: &Document) -> Markup {
    html! { @for shown in blocks { (block(shown, document)) } }
}

fn block(block: &Block, document: &Document) -> Markup {
    let picture = |index: usize, alt: &str| document.pictures.get(index).map(|picture| image(picture, alt));
    match block {
        Block::Heading(1, text) => html! { h1 { (spans(text)) } },
        Block::Heading(2, text) => html! { h2 { (spans(text)) } },
        Block::Heading(_, text) => html! { h3 { (spans(text)) } },
        Block::Paragraph(tone, text) => html! { p class=[class(*tone)] { (spans(text)) } },
        Block::List(items) => html! { ul { @for item in items { li { (spans(item)) } } } },
        Block::Facts(facts) => pairs("facts", facts),
        Block::Answers(answers) => pairs("answers", answers),
        Block::Columns(columns) => html! {
            div.columns { @for column in columns { div { (blocks(column, document)) } } }
        },
        Block::Panel(shade, inner) => html! { section class=(panel(*shade)) { (blocks(inner, document)) } },
        Block::Picture { index, alt, caption } => html! {
            figure {
                @if let Some(image) = picture(*index, alt) { (image) }
                figcaption { (spans(caption)) }
            }
        },
        Block::NoPicture(text) => html! { p.no-picture { (spans(text)) } },
        Block::Letterhead { logo, name, lines, contact } => html! {
            div.letterhead {
                @if let Some(image) = logo.and_then(|index| picture(index, "")) { (image) }
                div {
                    p.name { (spans(name)) }
                    @for line in lines { p.small { (spans(line)) } }
                }
                div.contact { @for line in contact { p.small { (spans(line)) } } }
            }
        },
        Block::Badge(shade, words) => html! { p class=(badge(*shade)) { (words) } },
        Block::Signature(lines) => html! { div.signature { @for line in lines { p { (spans(line)) } } } },
        Block::Rule => html! { hr; },
    }
}

fn pairs(class: &str, pairs: &[(Text, Text)]) -> Markup {
    html! {
        dl class=(class) {
            @for (label, value) in pairs { div { dt { (spans(label)) } dd { (spans(value)) } } }
        }
    }
}

fn spans(text: &Text) -> Markup {
    html! { @for span in text { (words(span)) } }
}

fn words(span: &Span) -> Markup {
    let lines = html! {
        @for (number, line) in span.text.split('\n').enumerate() {
            @if number > 0 { br; }
            (line)
        }
    };
    match (span.strong, span.small) {
        (true, true) => html! { small { strong { (lines) } } },
        (true, false) => html! { strong { (lines) } },
        (false, true) => html! { small { (lines) } },
        (false, false) => html! { bdi { (lines) } },
    }
}

fn image(picture: &Picture, alt: &str) -> Markup {
    let kind = match picture.format {
        Format::Jpeg => "jpeg",
        Format::Png => "png",
    };
    html! { img src={ "data:image/" (kind) ";base64," (STANDARD.encode(picture.bytes.as_slice())) } alt=(alt); }
}

fn class(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Normal => None,
        Tone::Lead => Some("lead"),
        Tone::Small => Some("small"),
    }
}
fn panel(shade: Shade) -> &'static str {
    match shade {
        Shade::Neutral | Shade::Of(Chip::NotExamined | Chip::NotGradable) => "panel",
        Shade::Of(Chip::NothingFound) => "panel normal",
        Shade::Of(Chip::Again | Chip::Referral) => "panel abnormal",
        Shade::Of(Chip::Urgent | Chip::Emergency) => "panel critical",
    }
}

fn badge(shade: Shade) -> &'static str {
    match shade {
        Shade::Neutral | Shade::Of(Chip::NotExamined | Chip::NotGradable) => "badge",
        Shade::Of(Chip::NothingFound) => "badge normal",
        Shade::Of(Chip::Again | Chip::Referral) => "badge abnormal",
        Shade::Of(Chip::Urgent | Chip::Emergency) => "badge critical",
    }
}
