//! Document → HTML: one file, without scripts and without anything fetched from elsewhere; its own policy forbids both.
//!
//! Every piece of text is escaped where it is written, and there is one function that writes text. Images are `data:` URLs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::document::{Block, Document, Shade, Text};
use crate::picture::{Format, Picture};
use crate::template::Tone;
use iris_results::Chip;

const STYLE: &str = include_str!("../templates/report.css");

/// Writes a document as HTML.
pub(crate) fn write(document: &Document) -> String {
    let images: usize = document.pictures.iter().map(|picture| picture.bytes.len() * 4 / 3).sum();
    let mut page = Page { out: String::with_capacity(16_000 + images), document };
    page.raw("<!DOCTYPE html>\n<html lang=\"en-US\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n");
    page.raw(
        "<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"referrer\" content=\"no-referrer\">\n",
    );
    page.meta("author", &document.metadata.author);
    page.meta("description", &document.metadata.subject);
    page.meta("keywords", &document.metadata.keywords.join(", "));
    page.element("title", "", |page| page.text(&document.title));
    page.raw("<style>\n");
    page.raw(STYLE);
    page.raw("</style>\n</head>\n<body>\n<article>\n");
    page.element("header", "", |page| page.blocks(&document.header));
    page.element("main", "", |page| page.blocks(&document.body));
    page.element("footer", "", |page| {
        for text in &document.footer {
            page.element("p", "", |page| page.spans(text));
        }
    });
    page.raw("</article>\n</body>\n</html>\n");
    page.out
}

struct Page<'a> {
    out: String,
    document: &'a Document,
}

impl Page<'_> {
    /// Markup of this module, never a value.
    fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// A value, in text or in a quoted attribute.
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                '\n' => self.out.push_str("<br>"),
                c => self.out.push(c),
            }
        }
    }

    fn meta(&mut self, name: &'static str, content: &str) {
        self.raw("<meta name=\"");
        self.raw(name);
        self.raw("\" content=\"");
        self.text(content);
        self.raw("\">\n");
    }

    fn element(&mut self, name: &'static str, class: &'static str, inner: impl FnOnce(&mut Self)) {
        self.raw("<");
        self.raw(name);
        if !class.is_empty() {
            self.raw(" class=\"");
            self.raw(class);
            self.raw("\"");
        }
        self.raw(">");
        inner(self);
        self.raw("</");
        self.raw(name);
        self.raw(">\n");
    }

    fn spans(&mut self, text: &Text) {
        for span in text {
            let (open, close) = match (span.strong, span.small) {
                (true, true) => ("<small><strong>", "</strong></small>"),
                (true, false) => ("<strong>", "</strong>"),
                (false, true) => ("<small>", "</small>"),
                (false, false) => ("<bdi>", "</bdi>"),
            };
            self.raw(open);
            self.text(&span.text);
            self.raw(close);
        }
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(level, text) => {
                let name = match level {
                    1 => "h1",
                    2 => "h2",
                    _ => "h3",
                };
                self.element(name, "", |page| page.spans(text));
            }
            Block::Paragraph(tone, text) => {
                let class = match tone {
                    Tone::Normal => "",
                    Tone::Lead => "lead",
                    Tone::Small => "small",
                };
                self.element("p", class, |page| page.spans(text));
            }
            Block::List(items) => self.element("ul", "", |page| {
                for item in items {
                    page.element("li", "", |page| page.spans(item));
                }
            }),
            Block::Facts(pairs) => self.pairs("facts", pairs),
            Block::Answers(pairs) => self.pairs("answers", pairs),
            Block::Columns(columns) => self.element("div", "columns", |page| {
                for column in columns {
                    page.element("div", "", |page| page.blocks(column));
                }
            }),
            Block::Panel(shade, blocks) => self.element("section", panel(*shade), |page| page.blocks(blocks)),
            Block::Picture { index, alt, caption } => self.element("figure", "", |page| {
                if let Some(picture) = page.document.pictures.get(*index) {
                    page.image(picture, alt);
                }
                page.element("figcaption", "", |page| page.spans(caption));
            }),
            Block::NoPicture(text) => self.element("p", "no-picture", |page| page.spans(text)),
            Block::Letterhead { logo, name, lines, contact } => self.element("div", "letterhead", |page| {
                if let Some(picture) = logo.and_then(|index| page.document.pictures.get(index)) {
                    page.image(picture, "");
                }
                page.element("div", "", |page| {
                    page.element("p", "name", |page| page.spans(name));
                    for line in lines {
                        page.element("p", "small", |page| page.spans(line));
                    }
                });
                page.element("div", "contact", |page| {
                    for line in contact {
                        page.element("p", "small", |page| page.spans(line));
                    }
                });
            }),
            Block::Badge(shade, words) => self.element("p", badge(*shade), |page| page.text(words)),
            Block::Signature(lines) => self.element("div", "signature", |page| {
                for line in lines {
                    page.element("p", "", |page| page.spans(line));
                }
            }),
            Block::Rule => self.raw("<hr>\n"),
        }
    }

    fn pairs(&mut self, class: &'static str, pairs: &[(Text, Text)]) {
        self.element("dl", class, |page| {
            for (label, value) in pairs {
                page.element("div", "", |page| {
                    page.element("dt", "", |page| page.spans(label));
                    page.element("dd", "", |page| page.spans(value));
                });
            }
        });
    }

    fn image(&mut self, picture: &Picture, alt: &str) {
        self.raw("<img src=\"data:image/");
        self.raw(match picture.format {
            Format::Jpeg => "jpeg",
            Format::Png => "png",
        });
        self.raw(";base64,");
        STANDARD.encode_string(picture.bytes.as_slice(), &mut self.out);
        self.raw("\" alt=\"");
        self.text(alt);
        self.raw("\">\n");
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
