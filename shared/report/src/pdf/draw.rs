//! Pages → PDF.

use std::num::NonZeroU16;
use std::sync::Arc;

use krilla::Document as Pdf;
use krilla::color::rgb;
use krilla::destination::XyzDestination;
use krilla::geom::{Path, PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, ListNumbering, Node as TagNode, SpanTag, Tag, TagGroup, TagTree,
};
use krilla::text::{GlyphId, KrillaGlyph};
use parley::Run;

use super::page::{Area, Child, Drawn, Mark, Node, Page, Paginated, Shape};
use super::piece::Role;
use super::text::{Align, TextBox, Typesetter};
use super::theme::{self, Color};
use crate::document::{Document, Span};
use crate::picture::{Format, Picture};

/// Draws the pages of a document and its structure.
pub(super) fn draw(pdf: &mut Pdf, document: &Document, paginated: &Paginated, typesetter: &mut Typesetter) {
    let images: Vec<Option<Image>> = document.pictures.iter().map(embed).collect();
    let mut identifiers: Vec<Option<Identifier>> = (0..paginated.leaves).map(|_| None).collect();
    let count = paginated.pages.len();
    for (index, page) in paginated.pages.iter().enumerate() {
        let Some(settings) = PageSettings::from_wh(theme::PAGE.0, theme::PAGE.1) else { continue };
        let mut sheet = pdf.start_page_with(settings);
        let mut surface = sheet.surface();
        shapes(&mut surface, page);
        for mark in &page.marks {
            identifiers[mark.leaf] = self::mark(&mut surface, mark, &images);
        }
        furniture(&mut surface, document, typesetter, index, count);
        surface.finish();
        sheet.finish();
    }
    let mut tree = TagTree::new();
    for child in &paginated.nodes[0].children {
        if let Some(node) = tag(child, &paginated.nodes, &mut identifiers) {
            tree.push(node);
        }
    }
    pdf.set_tag_tree(tree);
    pdf.set_outline(outline(&paginated.nodes, &document.title));
}

fn embed(picture: &Picture) -> Option<Image> {
    let data = Arc::clone(&picture.bytes);
    match picture.format {
        Format::Jpeg => Image::from_jpeg(data.into(), false),
        Format::Png => Image::from_png(data.into(), false),
    }
    .ok()
}

fn shapes(surface: &mut Surface<'_>, page: &Page) {
    if page.shapes.is_empty() {
        return;
    }
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
    for Shape { area, color, radius } in &page.shapes {
        if let Some(path) = rounded(*area, *radius) {
            surface.set_fill(Some(fill(*color)));
            surface.draw_path(&path);
        }
    }
    surface.end_tagged();
}

fn fill([red, green, blue]: Color) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

fn rounded((x, y, width, height): Area, radius: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    let radius = radius.min(width / 2.0).min(height / 2.0);
    if radius <= 0.0 {
        path.push_rect(Rect::from_xywh(x, y, width, height)?);
        return path.finish();
    }
    // A quarter circle as a Bézier curve.
    let bend = radius * 0.447_7;
    let (right, bottom) = (x + width, y + height);
    path.move_to(x + radius, y);
    path.line_to(right - radius, y);
    path.cubic_to(right - bend, y, right, y + bend, right, y + radius);
    path.line_to(right, bottom - radius);
    path.cubic_to(right, bottom - bend, right - bend, bottom, right - radius, bottom);
    path.line_to(x + radius, bottom);
    path.cubic_to(x + bend, bottom, x, bottom - bend, x, bottom - radius);
    path.line_to(x, y + radius);
    path.cubic_to(x, y + bend, x + bend, y, x + radius, y);
    path.close();
    path.finish()
}

fn mark(surface: &mut Surface<'_>, mark: &Mark, images: &[Option<Image>]) -> Option<Identifier> {
    match &mark.drawn {
        Drawn::Line { text, line, x, top } => {
            let identifier = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
            draw_line(surface, text, *line, *x, *top);
            surface.end_tagged();
            Some(identifier)
        }
        Drawn::Image { index, area: (x, y, width, height) } => {
            let image = images.get(*index)?.clone()?;
            let size = Size::from_wh(*width, *height)?;
            let identifier = surface.start_tagged(ContentTag::Other);
            surface.push_transform(&Transform::from_translate(*x, *y));
            surface.draw_image(image, size);
            surface.pop();
            surface.end_tagged();
            Some(identifier)
        }
    }
}

/// Draws one line with its top at `top`.
fn draw_line(surface: &mut Surface<'_>, text: &TextBox, line: usize, x: f32, top: f32) {
    let Some(line) = text.layout.get(line) else { return };
    let metrics = line.metrics();
    let y = top + metrics.baseline - metrics.block_min_coord;
    let mut x = x + metrics.inline_min_coord + metrics.offset;
    for run in line.runs() {
        let (start, set) = (x, glyphs(&run, &text.text));
        x += run.advance();
        let Some(font) = text.fonts.embeddable(run.font().data.id()) else { continue };
        let color = run.clusters().next().map_or(theme::INK, |cluster| cluster.first_style().brush);
        surface.set_fill(Some(fill(color)));
        surface.draw_glyphs(Point::from_xy(start, y), &set, font.clone(), &text.text, run.font_size(), false);
    }
}

/// The glyphs of a run, each with the text it represents, so that copying and searching work. A line break has no
/// glyph.
fn glyphs(run: &Run<'_, Color>, text: &str) -> Vec<KrillaGlyph> {
    let size = run.font_size();
    let mut all: Vec<KrillaGlyph> = Vec::new();
    for cluster in run.visual_clusters() {
        let range = cluster.text_range();
        if cluster.is_ligature_continuation() {
            if let Some(glyph) = all.last_mut() {
                glyph.text_range = glyph.text_range.start.min(range.start)..glyph.text_range.end.max(range.end);
            }
            continue;
        }
        if text.get(range.clone()).is_none_or(|text| text.chars().all(char::is_control)) {
            continue;
        }
        for glyph in cluster.glyphs() {
            let (advance, x, y) = (glyph.advance / size, glyph.x / size, glyph.y / size);
            all.push(KrillaGlyph::new(GlyphId::new(glyph.id), advance, x, y, 0.0, range.clone(), None));
        }
    }
    all
}

/// What repeats on every page; screen readers skip it.
fn furniture(surface: &mut Surface<'_>, document: &Document, typesetter: &mut Typesetter, index: usize, count: usize) {
    if index > 0 {
        let running =
            typesetter.set(&[Span::plain(document.running.as_str())], theme::SMALL, theme::WIDTH, Align::Left);
        surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Header)));
        draw_line(surface, &running, 0, theme::SIDE, theme::TOP - 6.0);
        surface.end_tagged();
    }
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Footer)));
    if let Some(rule) = rounded((theme::SIDE, theme::FOOTER - 3.0, theme::WIDTH, 0.7), 0.0) {
        surface.set_fill(Some(fill(theme::HAIRLINE)));
        surface.draw_path(&rule);
    }
    let number = format!("Page {} of {count}", index + 1);
    let number = typesetter.set(&[Span::plain(number)], theme::LABEL, 80.0, Align::Right);
    draw_line(surface, &number, 0, theme::SIDE + theme::WIDTH - 80.0, theme::FOOTER);
    let mut top = theme::FOOTER;
    for text in document.footer.iter().take(2) {
        let text = typesetter.set(text, theme::LABEL, theme::WIDTH - 90.0, Align::Left);
        // A footer line that is too long is cut off instead of wrapping into the margin.
        draw_line(surface, &text, 0, theme::SIDE, top);
        top += text.lines().next().unwrap_or_default();
    }
    surface.end_tagged();
}

fn tag(child: &Child, nodes: &[Node], identifiers: &mut [Option<Identifier>]) -> Option<TagNode> {
    let node = match child {
        Child::Leaf(leaf) => return identifiers.get_mut(*leaf)?.take().map(TagNode::Leaf),
        Child::Node(index) => nodes.get(*index)?,
    };
    let children: Vec<TagNode> = node.children.iter().filter_map(|child| tag(child, nodes, identifiers)).collect();
    if children.is_empty() {
        return None;
    }
    Some(TagNode::Group(match node.role.as_ref()? {
        Role::Heading(level, text) => {
            let level = NonZeroU16::new(u16::from(*level)).unwrap_or(NonZeroU16::MIN);
            TagGroup::with_children(Tag::Hn(level, Some(text.clone())), children)
        }
        Role::Paragraph => TagGroup::with_children(Tag::P, children),
        Role::List => TagGroup::with_children(Tag::L(ListNumbering::None), children),
        Role::Item => TagGroup::with_children(Tag::LI, children),
        Role::Label => TagGroup::with_children(Tag::Lbl, children),
        Role::ItemBody => TagGroup::with_children(Tag::LBody, children),
        Role::Division => TagGroup::with_children(Tag::Div, children),
        Role::Figure(alt) => TagGroup::with_children(Tag::Figure(Some(alt.clone())), children),
    }))
}

/// Bookmarks for headings of the first two levels, or for the title if there are none.
fn outline(nodes: &[Node], title: &str) -> Outline {
    let mut outline = Outline::new();
    let mut entries = 0;
    for node in nodes {
        if let (Some(Role::Heading(1 | 2, text)), Some((page, top))) = (&node.role, node.at) {
            let destination = XyzDestination::new(page, Point::from_xy(theme::SIDE, top));
            outline.push_child(OutlineNode::new(text.clone(), destination));
            entries += 1;
        }
    }
    if entries == 0 {
        let destination = XyzDestination::new(0, Point::from_xy(theme::SIDE, theme::TOP));
        outline.push_child(OutlineNode::new(title.to_owned(), destination));
    }
    outline
}
