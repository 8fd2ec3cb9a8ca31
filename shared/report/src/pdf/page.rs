//! Pieces → pages.
//!
//! Pieces follow each other down the page. One that does not fit goes to the next page if it fits there as a whole.
//! Otherwise it is broken: a stack between its pieces, text between its lines; and the cells of a row taller than a
//! page are set one below the other. A heading stays with what follows it. As pieces are placed, the structure of the
//! document is recorded in reading order.

use std::rc::Rc;

use super::piece::{Backdrop, Kind, Piece, Role};
use super::text::TextBox;
use super::theme::{self, Color};

/// A finished page: background shapes, then content.
#[derive(Default)]
pub(super) struct Page {
    pub(super) shapes: Vec<Shape>,
    pub(super) marks: Vec<Mark>,
}

/// Left, top, width, height.
pub(super) type Area = (f32, f32, f32, f32);

pub(super) struct Shape {
    pub(super) area: Area,
    pub(super) color: Color,
    pub(super) radius: f32,
}

/// Content that is read out. Its index over all pages is its place in the structure.
pub(super) struct Mark {
    pub(super) leaf: usize,
    pub(super) drawn: Drawn,
}

pub(super) enum Drawn {
    /// One line of a text, with its position on the page.
    Line {
        text: Rc<TextBox>,
        line: usize,
        x: f32,
        top: f32,
    },
    Image {
        index: usize,
        area: Area,
    },
}

/// A node of the structure. Nodes refer to each other by index; the first is the document.
pub(super) struct Node {
    pub(super) role: Option<Role>,
    pub(super) children: Vec<Child>,
    /// Page and top of its first content, where an outline entry leads.
    pub(super) at: Option<(usize, f32)>,
}

pub(super) enum Child {
    Node(usize),
    Leaf(usize),
}

pub(super) struct Paginated {
    pub(super) pages: Vec<Page>,
    pub(super) nodes: Vec<Node>,
    pub(super) leaves: usize,
}

/// The most pages of a report; anything beyond is cut off. Texts are capped, so no report gets there.
const MAX_PAGES: usize = 200;

/// Space for the line repeated at the top of every page but the first.
const RUNNING: f32 = 20.0;

/// Places pieces, starting at the top of the first page.
pub(super) fn paginate(pieces: Vec<Piece>) -> Paginated {
    let root = Node { role: None, children: Vec::new(), at: None };
    let mut flow = Flow {
        done: Paginated { pages: vec![Page::default()], nodes: vec![root], leaves: 0 },
        y: theme::TOP,
        fresh: true,
    };
    flow.pieces(pieces, theme::SIDE, 0);
    flow.done
}

struct Flow {
    done: Paginated,
    y: f32,
    /// True while the page is empty.
    fresh: bool,
}

impl Flow {
    fn top(&self) -> f32 {
        if self.done.pages.len() == 1 { theme::TOP } else { theme::TOP + RUNNING }
    }

    fn new_page(&mut self) {
        if self.done.pages.len() < MAX_PAGES {
            self.done.pages.push(Page::default());
        }
        self.y = self.top();
        self.fresh = true;
    }

    fn room(&self) -> f32 {
        theme::BOTTOM - self.y
    }

    fn capacity() -> f32 {
        theme::BOTTOM - theme::TOP - RUNNING
    }

    fn node(&mut self, role: Option<Role>, parent: usize) -> usize {
        let Some(role) = role else { return parent };
        let index = self.done.nodes.len();
        self.done.nodes.push(Node { role: Some(role), children: Vec::new(), at: None });
        self.done.nodes[parent].children.push(Child::Node(index));
        index
    }

    fn mark(&mut self, drawn: Drawn, top: f32, node: usize) {
        let leaf = self.done.leaves;
        self.done.leaves += 1;
        let page = self.done.pages.len() - 1;
        let node = &mut self.done.nodes[node];
        node.children.push(Child::Leaf(leaf));
        node.at.get_or_insert((page, top));
        self.done.pages[page].marks.push(Mark { leaf, drawn });
    }

    fn shape(&mut self, page: usize, area: Area, color: Color, radius: f32) {
        if area.2 > 0.0 && area.3 > 0.0 {
            self.done.pages[page].shapes.push(Shape { area, color, radius });
        }
    }

    fn pieces(&mut self, pieces: Vec<Piece>, x: f32, parent: usize) {
        let mut pieces = pieces.into_iter().peekable();
        while let Some(piece) = pieces.next() {
            if !self.fresh {
                let following = match pieces.peek() {
                    Some(next) if piece.keep => next.before + needed(next),
                    _ => 0.0,
                };
                if piece.before + needed(&piece) + following > self.room()
                    && piece.height + following <= Self::capacity()
                {
                    self.new_page();
                } else {
                    self.y += piece.before;
                }
            }
            self.piece(piece, x, parent);
        }
    }

    fn piece(&mut self, piece: Piece, x: f32, parent: usize) {
        if piece.height <= self.room() + 0.01 {
            let (top, height) = (self.y, piece.height);
            self.place(piece, x, top, parent);
            self.y = top + height;
            self.fresh = false;
            return;
        }
        let node = self.node(piece.role, parent);
        match piece.kind {
            Kind::Lines(text) => {
                for (line, height) in text.lines().enumerate() {
                    if height > self.room() && !self.fresh {
                        self.new_page();
                    }
                    let top = self.y;
                    self.mark(Drawn::Line { text: Rc::clone(&text), line, x, top }, top, node);
                    self.y += height;
                    self.fresh = false;
                }
            }
            Kind::Stack { pieces, backdrop, inset, bottom, width, .. } => {
                let (first, top) = (self.done.pages.len() - 1, self.y);
                // The background's size is known last, but it has to be drawn first.
                let behind = self.done.pages[first].shapes.len();
                self.y += inset.1;
                self.pieces(pieces, x + inset.0, node);
                self.y += bottom;
                let last = self.done.pages.len() - 1;
                for page in first..=last {
                    let from = if page == first { top } else { theme::TOP + RUNNING - inset.1.min(6.0) };
                    let to = if page == last { self.y } else { theme::BOTTOM };
                    let under = if page == first { behind } else { 0 };
                    let over = self.done.pages[page].shapes.split_off(under);
                    self.backdrop(backdrop, page, (x, from, width, to - from));
                    self.done.pages[page].shapes.extend(over);
                }
            }
            Kind::Row(cells) => {
                for (offset, cell) in cells {
                    self.pieces(vec![cell], x + offset, node);
                }
            }
            Kind::Image { .. } => {
                // Taller than the space that is left, so it goes to the next page.
                self.new_page();
                let (top, height) = (self.y, piece.height);
                let image = Piece { role: None, ..piece };
                self.place(image, x, top, node);
                self.y = top + height;
                self.fresh = false;
            }
        }
    }

    /// Adds a piece to the page at a place that has room for it.
    fn place(&mut self, piece: Piece, x: f32, top: f32, parent: usize) {
        let page = self.done.pages.len() - 1;
        let node = self.node(piece.role, parent);
        match piece.kind {
            Kind::Lines(text) => {
                let mut y = top;
                for (line, height) in text.lines().enumerate() {
                    self.mark(Drawn::Line { text: Rc::clone(&text), line, x, top: y }, y, node);
                    y += height;
                }
            }
            Kind::Image { index, frame, size, color } => {
                if let Some(color) = color {
                    self.shape(page, (x, top, frame.0, frame.1), color, 4.0);
                }
                let area = (x + (frame.0 - size.0) / 2.0, top + (frame.1 - size.1) / 2.0, size.0, size.1);
                self.mark(Drawn::Image { index, area }, top, node);
            }
            Kind::Stack { pieces, backdrop, inset, width, .. } => {
                self.backdrop(backdrop, page, (x, top, width, piece.height));
                let mut y = top + inset.1;
                for (index, piece) in pieces.into_iter().enumerate() {
                    if index > 0 {
                        y += piece.before;
                    }
                    let height = piece.height;
                    self.place(piece, x + inset.0, y, node);
                    y += height;
                }
            }
            Kind::Row(cells) => {
                for (offset, cell) in cells {
                    self.place(cell, x + offset, top, node);
                }
            }
        }
    }

    fn backdrop(&mut self, backdrop: Option<Backdrop>, page: usize, area: Area) {
        let (x, top, width, height) = area;
        match backdrop {
            None | Some(Backdrop::None) => {}
            Some(Backdrop::Box(color)) => self.shape(page, area, color, 4.0),
            Some(Backdrop::Barred(light, strong)) => {
                self.shape(page, (x, top, 9.0_f32.min(width), height), strong, 4.0);
                self.shape(page, (x + 3.5, top, width - 3.5, height), light, 3.0);
            }
            Some(Backdrop::Underline(color)) => self.shape(page, (x, top + height - 0.7, width, 0.7), color, 0.0),
            Some(Backdrop::Overline(color)) => self.shape(page, (x, top, width, 0.7), color, 0.0),
        }
    }
}

/// The space a piece needs to begin: its full height if it stays whole, otherwise its first line or piece.
fn needed(piece: &Piece) -> f32 {
    match &piece.kind {
        Kind::Lines(text) => text.lines().take(2).sum(),
        Kind::Stack { whole: false, pieces, inset, .. } => {
            let mut room = inset.1;
            for piece in pieces {
                room += needed(piece);
                if !piece.keep {
                    break;
                }
            }
            room
        }
        Kind::Image { .. } | Kind::Stack { .. } | Kind::Row(_) => piece.height,
    }
}
