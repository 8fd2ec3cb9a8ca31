//! Measures and colors of the page, in points (1/72 inch). Text colors have a contrast of at least 4.5 to 1 on their
//! backgrounds.

use crate::document::Shade;
use iris_results::Chip;

/// US Letter.
pub(super) const PAGE: (f32, f32) = (612.0, 792.0);
pub(super) const SIDE: f32 = 46.0;
pub(super) const TOP: f32 = 30.0;
/// Where content ends; the footer is below.
pub(super) const BOTTOM: f32 = 756.0;
pub(super) const FOOTER: f32 = 763.0;
pub(super) const WIDTH: f32 = PAGE.0 - 2.0 * SIDE;
pub(super) const GUTTER: f32 = 16.0;
/// What may be reduced so that the report fits on one page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    /// Height of the frame an eye's image is shown in.
    pub(super) image_height: f32,
    /// The factor for the space between blocks.
    pub(super) spacing: f32,
}

/// The preferred layout.
pub(super) const FIT: Fit = Fit { image_height: 114.0, spacing: 1.0 };
/// If the page would run over by a few lines: first smaller images, because the files have them too; then less space.
pub(super) const TIGHTER: [Fit; 4] = [
    Fit { image_height: 92.0, spacing: 1.0 },
    Fit { image_height: 70.0, spacing: 1.0 },
    Fit { image_height: 70.0, spacing: 0.8 },
    Fit { image_height: 70.0, spacing: 0.6 },
];

pub(super) type Color = [u8; 3];

pub(super) const INK: Color = [0x1d, 0x2b, 0x33];
pub(super) const MUTED: Color = [0x53, 0x62, 0x6b];
pub(super) const BRAND: Color = [0x0f, 0x4c, 0x5c];
pub(super) const HAIRLINE: Color = [0xd5, 0xdd, 0xe1];
pub(super) const FRAME: Color = [0x06, 0x06, 0x07];
pub(super) const FACTS: Color = [0xf4, 0xf7, 0xf8];

/// Strong tone of a shade: bars and badge.
pub(super) fn strong(shade: Shade) -> Color {
    match shade {
        Shade::Neutral | Shade::Of(Chip::NotExamined | Chip::NotGradable) => [0x53, 0x62, 0x6b],
        Shade::Of(Chip::NothingFound) => [0x24, 0x6b, 0x47],
        Shade::Of(Chip::Again | Chip::Referral) => [0x95, 0x54, 0x00],
        Shade::Of(Chip::Urgent | Chip::Emergency) => [0xa8, 0x21, 0x1b],
    }
}

/// Light tone of a shade: background of a panel.
pub(super) fn light(shade: Shade) -> Color {
    match shade {
        Shade::Neutral | Shade::Of(Chip::NotExamined | Chip::NotGradable) => [0xf1, 0xf4, 0xf5],
        Shade::Of(Chip::NothingFound) => [0xec, 0xf6, 0xf0],
        Shade::Of(Chip::Again | Chip::Referral) => [0xfd, 0xf4, 0xe5],
        Shade::Of(Chip::Urgent | Chip::Emergency) => [0xfd, 0xed, 0xec],
    }
}

/// How a run of text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) size: f32,
    pub(super) leading: f32,
    pub(super) color: Color,
    pub(super) strong: bool,
}

impl Style {
    const fn new(size: f32, leading: f32, color: Color, strong: bool) -> Self {
        Self { size, leading, color, strong }
    }
}

pub(super) const BODY: Style = Style::new(9.3, 1.3, INK, false);
pub(super) const LEAD: Style = Style::new(11.2, 1.25, INK, true);
pub(super) const SMALL: Style = Style::new(8.0, 1.3, MUTED, false);
pub(super) const LABEL: Style = Style::new(7.6, 1.25, MUTED, false);
pub(super) const VALUE: Style = Style::new(9.8, 1.25, INK, false);
pub(super) const BADGE: Style = Style::new(8.0, 1.2, [0xff, 0xff, 0xff], true);
pub(super) const H1: Style = Style::new(17.0, 1.18, BRAND, true);
pub(super) const H2: Style = Style::new(11.0, 1.2, BRAND, true);
pub(super) const H3: Style = Style::new(9.3, 1.25, INK, false);
pub(super) const NAME: Style = Style::new(13.0, 1.2, BRAND, true);
