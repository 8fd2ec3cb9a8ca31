//! Blocks → pieces: the content of a page, with its size, before its position is known.
//!
//! Every block is made of four kinds of piece: lines of text, an image in its frame, a stack of pieces, a row of pieces
//! side by side.

use std::rc::Rc;

use super::text::{Align, TextBox, Typesetter};
use super::theme::{self, Color, Style};
use crate::document::{Block, Document, Shade, Span, Text};
use crate::template::Tone;

/// The role of a piece in the document's structure, for screen readers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Role {
    /// Heading of this level, with its text.
    Heading(u8, String),
    Paragraph,
    List,
    Item,
    Label,
    ItemBody,
    Division,
    /// A picture with its description.
    Figure(String),
}

/// What is drawn behind a stack.
#[derive(Clone, Copy, Debug)]
pub(super) enum Backdrop {
    /// Nothing, but with space around.
    None,
    /// Rounded box.
    Box(Color),
    /// Rounded box with a bar on its left.
    Barred(Color, Color),
    /// Line along the bottom.
    Underline(Color),
    /// Line along the top.
    Overline(Color),
}

pub(super) struct Piece {
    /// Space above, except at the top of a page.
    pub(super) before: f32,
    pub(super) height: f32,
    /// Keeps it on the same page as what follows.
    pub(super) keep: bool,
    pub(super) role: Option<Role>,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Lines(Rc<TextBox>),
    Image {
        /// Index into [`Document::pictures`].
        index: usize,
        /// Size of the frame.
        frame: (f32, f32),
        /// Size of the image within it.
        size: (f32, f32),
        /// Color of the frame around the image.
        color: Option<Color>,
    },
    Stack {
        pieces: Vec<Piece>,
        backdrop: Option<Backdrop>,
        /// Left and top.
        inset: (f32, f32),
        bottom: f32,
        width: f32,
        /// Moves to the next page as a whole if possible.
        whole: bool,
    },
    Row(Vec<(f32, Piece)>),
}

impl Piece {
    fn lines(text: TextBox, role: Role) -> Self {
        Self { before: 0.0, height: text.height(), keep: false, role: Some(role), kind: Kind::Lines(Rc::new(text)) }
    }

    fn row(cells: Vec<(f32, Self)>) -> Self {
        let height = cells.iter().map(|(_, cell)| cell.height).fold(0.0, f32::max);
        Self { before: 0.0, height, keep: false, role: None, kind: Kind::Row(cells) }
    }

    fn stack(pieces: Vec<Self>, width: f32) -> Self {
        let height = stacked(&pieces);
        let kind = Kind::Stack { pieces, backdrop: None, inset: (0.0, 0.0), bottom: 0.0, width, whole: false };
        Self { before: 0.0, height, keep: false, role: None, kind }
    }

    fn boxed(mut self, drawn: Backdrop, inset_by: (f32, f32), below: f32, keep_whole: bool) -> Self {
        if let Kind::Stack { backdrop, inset, bottom, whole, .. } = &mut self.kind {
            (*backdrop, *inset, *bottom, *whole) = (Some(drawn), inset_by, below, keep_whole);
            self.height += inset_by.1 + below;
        }
        self
    }

    fn after(self, before: f32) -> Self {
        Self { before, ..self }
    }

    fn with(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }
}

/// The height of stacked pieces, without the space above the first.
pub(super) fn stacked(pieces: &[Piece]) -> f32 {
    pieces
        .iter()
        .enumerate()
        .map(|(index, piece)| if index == 0 { piece.height } else { piece.before + piece.height })
        .sum()
}

/// Makes pieces of a document's blocks.
pub(super) struct Measure<'a> {
    pub(super) typesetter: &'a mut Typesetter,
    pub(super) document: &'a Document,
    /// Height of the frame an eye's image is shown in.
    pub(super) image_height: f32,
}

impl Measure<'_> {
    pub(super) fn blocks(&mut self, blocks: &[Block], width: f32) -> Vec<Piece> {
        blocks.iter().map(|block| self.block(block, width)).collect()
    }

    fn text(&mut self, text: &[Span], style: Style, width: f32, role: Role) -> Piece {
        Piece::lines(self.typesetter.set(text, style, width, Align::Left), role)
    }

    fn block(&mut self, block: &Block, width: f32) -> Piece {
        match block {
            Block::Heading(level, text) => {
                let words: String = text.iter().map(|span| span.text.as_str()).collect();
                let (style, before) = match level {
                    1 => (theme::H1, 8.0),
                    2 => (theme::H2, 7.0),
                    _ => (theme::H3, 8.0),
                };
                let mut piece = self.text(text, style, width, Role::Heading(*level, words)).after(before);
                piece.keep = true;
                piece
            }
            Block::Paragraph(tone, text) => {
                let (style, before) = match tone {
                    Tone::Normal => (theme::BODY, 3.0),
                    Tone::Lead => (theme::LEAD, 2.0),
                    Tone::Small => (theme::SMALL, 4.5),
                };
                self.text(text, style, width, Role::Paragraph).after(before)
            }
            Block::List(items) => {
                let items = items.iter().map(|item| self.item(item, width)).collect();
                Piece::stack(items, width).with(Role::List).after(4.0)
            }
            Block::Facts(facts) => self.facts(facts, width),
            Block::Answers(answers) => self.answers(answers, width),
            Block::Columns(columns) => self.columns(columns, width),
            Block::Panel(shade, blocks) => self.panel(*shade, blocks, width),
            Block::Picture { index, alt, caption } => self.picture(*index, alt, caption, width),
            Block::NoPicture(text) => {
                let words = self.text(text, theme::SMALL, width - 24.0, Role::Paragraph);
                let space = ((self.image_height - words.height) / 2.0).max(8.0);
                Piece::stack(vec![words], width)
                    .boxed(Backdrop::Box(theme::light(Shade::Neutral)), (12.0, space), space, true)
                    .after(5.0)
            }
            Block::Letterhead { logo, name, lines, contact } => self.letterhead(*logo, name, lines, contact, width),
            Block::Badge(shade, words) => {
                let text = self.typesetter.set(&[Span::plain(words.as_str())], theme::BADGE, width - 14.0, Align::Left);
                let wide = text.width() + 14.0;
                let pieces = vec![Piece::lines(text, Role::Paragraph)];
                Piece::stack(pieces, wide).boxed(Backdrop::Box(theme::strong(*shade)), (7.0, 2.0), 2.5, true).after(6.0)
            }
            Block::Signature(lines) => {
                let pieces = lines.iter().map(|line| self.text(line, theme::BODY, width, Role::Paragraph)).collect();
                Piece::stack(pieces, width)
                    .boxed(Backdrop::Overline(theme::HAIRLINE), (0.0, 6.0), 0.0, true)
                    .after(11.0)
            }
            Block::Rule => Piece::stack(Vec::new(), width)
                .boxed(Backdrop::Underline(theme::HAIRLINE), (0.0, 0.0), 1.0, true)
                .after(6.0),
        }
    }

    fn item(&mut self, item: &Text, width: f32) -> Piece {
        let label = self.text(&[Span::plain("•")], theme::BODY, 12.0, Role::Label);
        let body = self.text(item, theme::BODY, width - 12.0, Role::ItemBody);
        let mut row = Piece::row(vec![(0.0, label), (12.0, body)]).with(Role::Item);
        row.before = 1.5;
        row
    }

    /// Label over value, four to a row.
    fn facts(&mut self, facts: &[(Text, Text)], width: f32) -> Piece {
        const COLUMNS: usize = 4;
        const PAD: f32 = 10.0;
        #[expect(clippy::cast_precision_loss, reason = "a handful of columns")]
        let cell = (width - 2.0 * PAD) / COLUMNS as f32;
        let mut rows = Vec::new();
        for facts in facts.chunks(COLUMNS) {
            let mut cells = Vec::new();
            let mut x = 0.0;
            for (label, value) in facts {
                let label = self.text(label, theme::LABEL, cell - 10.0, Role::Label);
                let value = self.text(value, theme::VALUE, cell - 10.0, Role::ItemBody);
                cells.push((x, Piece::stack(vec![label, value], cell - 10.0).with(Role::Item)));
                x += cell;
            }
            let mut row = Piece::row(cells);
            row.before = 4.0;
            rows.push(row);
        }
        Piece::stack(rows, width).with(Role::List).boxed(Backdrop::Box(theme::FACTS), (PAD, 6.0), 6.0, false).after(6.0)
    }

    /// Label and value beside each other, with rules between them.
    fn answers(&mut self, answers: &[(Text, Text)], width: f32) -> Piece {
        let narrow = if width > 300.0 { 64.0 } else { width * 0.6 };
        let rows = answers
            .iter()
            .map(|(label, value)| {
                let label = self.text(label, theme::BODY, narrow - 8.0, Role::Label);
                let value = self.text(value, theme::BODY, width - narrow, Role::ItemBody);
                let row = Piece::row(vec![(0.0, label), (narrow, value)]);
                Piece::stack(vec![row], width)
                    .boxed(Backdrop::Underline(theme::HAIRLINE), (0.0, 1.6), 1.6, true)
                    .with(Role::Item)
            })
            .collect();
        Piece::stack(rows, width).with(Role::List).after(4.0)
    }

    fn columns(&mut self, columns: &[Vec<Block>], width: f32) -> Piece {
        #[expect(clippy::cast_precision_loss, reason = "two or three columns")]
        let count = columns.len().max(1) as f32;
        let column = (width - theme::GUTTER * (count - 1.0)) / count;
        let mut x = 0.0;
        let mut cells = Vec::new();
        for blocks in columns {
            let mut pieces = self.blocks(blocks, column);
            if let Some(first) = pieces.first_mut() {
                first.before = 0.0;
            }
            cells.push((x, Piece::stack(pieces, column).with(Role::Division)));
            x += column + theme::GUTTER;
        }
        let height = cells.iter().map(|(_, cell)| cell.height).fold(0.0, f32::max);
        for (_, cell) in &mut cells {
            // Makes panels side by side end at the same height.
            if let Kind::Stack { pieces, .. } = &mut cell.kind
                && let [only] = pieces.as_mut_slice()
                && matches!(only.kind, Kind::Stack { backdrop: Some(_), .. })
            {
                only.height = height;
                cell.height = height;
            }
        }
        Piece::row(cells).after(5.0)
    }

    fn panel(&mut self, shade: Shade, blocks: &[Block], width: f32) -> Piece {
        const PAD: f32 = 12.0;
        let inner = width - PAD * 2.0;
        // The badge of a panel goes into its upper right corner if it fits beside the first line.
        let (badge, rest): (Vec<&Block>, Vec<&Block>) =
            blocks.iter().partition(|block| matches!(block, Block::Badge(..)));
        let mut pieces: Vec<Piece> = Vec::new();
        for block in rest {
            let corner = badge.first().filter(|_| pieces.is_empty());
            match corner.map(|badge| self.block(badge, inner)) {
                Some(badge) => {
                    let wide = match &badge.kind {
                        Kind::Stack { width, .. } => *width,
                        _ => 0.0,
                    };
                    let first = self.block(block, inner - wide - 8.0);
                    let mut row = Piece::row(vec![(0.0, first), (inner - wide, badge)]);
                    row.keep = true;
                    pieces.push(row);
                }
                None => pieces.push(self.block(block, inner)),
            }
        }
        let backdrop = Backdrop::Barred(theme::light(shade), theme::strong(shade));
        Piece::stack(pieces, width).boxed(backdrop, (PAD, 7.0), 7.5, true).with(Role::Division).after(7.0)
    }

    fn picture(&mut self, index: usize, alt: &str, caption: &Text, width: f32) -> Piece {
        let frame = (width, self.image_height);
        let size = self.fit(index, frame);
        let kind = Kind::Image { index, frame, size, color: Some(theme::FRAME) };
        let image = Piece { before: 0.0, height: frame.1, keep: true, role: Some(Role::Figure(alt.to_owned())), kind };
        let caption = self.text(caption, theme::BODY, width, Role::Paragraph).after(3.0);
        Piece::stack(vec![image, caption], width)
            .boxed(Backdrop::Underline(theme::HAIRLINE), (0.0, 0.0), 3.0, true)
            .after(5.0)
    }

    /// Size of a picture within a frame.
    fn fit(&self, index: usize, frame: (f32, f32)) -> (f32, f32) {
        let Some(picture) = self.document.pictures.get(index) else { return (0.0, 0.0) };
        #[expect(clippy::cast_precision_loss, reason = "sides are capped at 16,384 pixels")]
        let (width, height) = (picture.width.max(1) as f32, picture.height.max(1) as f32);
        let scale = (frame.0 / width).min(frame.1 / height);
        // Even a picture of one by ten thousand pixels must have a visible size.
        ((width * scale).max(0.5), (height * scale).max(0.5))
    }

    fn letterhead(&mut self, logo: Option<usize>, name: &Text, lines: &[Text], contact: &[Text], width: f32) -> Piece {
        const CONTACT: f32 = 190.0;
        let mut cells = Vec::new();
        let mut x = 0.0;
        if let Some(index) = logo {
            let size = self.fit(index, (110.0, 34.0));
            let kind = Kind::Image { index, frame: size, size, color: None };
            let alt: String = name.iter().map(|span| span.text.as_str()).collect();
            let role = Some(Role::Figure(format!("Logo of {alt}")));
            cells.push((0.0, Piece { before: 0.0, height: size.1, keep: false, role, kind }));
            x = size.0 + 12.0;
        }
        let names = width - x - CONTACT - 12.0;
        let mut pieces = vec![self.text(name, theme::NAME, names, Role::Paragraph)];
        pieces.extend(lines.iter().map(|line| self.text(line, theme::SMALL, names, Role::Paragraph)));
        cells.push((x, Piece::stack(pieces, names)));
        let contact = contact
            .iter()
            .map(|line| Piece::lines(self.typesetter.set(line, theme::SMALL, CONTACT, Align::Right), Role::Paragraph))
            .collect();
        cells.push((width - CONTACT, Piece::stack(contact, CONTACT).boxed(Backdrop::None, (0.0, 2.0), 0.0, true)));
        Piece::stack(vec![Piece::row(cells)], width).boxed(Backdrop::Underline(theme::BRAND), (0.0, 0.0), 7.0, true)
    }
}
