//! The embedded fonts.
//!
//! Text is set in Atkinson Hyperlegible Next, which was designed for readers with low vision. Characters it lacks come
//! from Noto Sans (Greek, Cyrillic, Korean, and the scripts of the languages spoken by patients) and Droid Sans
//! Fallback (Chinese, Japanese). These are stored deflated and inflated once, when a text first needs one; most
//! processes never need them.

use std::io::Read;
use std::sync::{Arc, OnceLock};

use krilla::text::Font;
use parley::fontique::{Blob, Collection, CollectionOptions, FontInfoOverride, SourceCache};
use parley::{FontContext, FontFamily, FontFamilyName};

pub(super) const REGULAR: &[u8] = include_bytes!("../../fonts/AtkinsonHyperlegibleNext-Regular.ttf");
pub(super) const SEMI_BOLD: &[u8] = include_bytes!("../../fonts/AtkinsonHyperlegibleNext-SemiBold.ttf");

const TEXT: &str = "Text";

macro_rules! fallback {
    ($($name:literal)+) => {
        &[$(include_bytes!(concat!("../../fonts/fallback/", $name, ".ttf.zz")),)+]
    };
}

/// In the order in which they are tried.
static FALLBACK: &[&[u8]] = fallback!(
    "NotoSans-Regular" "NotoSans-Bold" "NotoSansArabic-Regular" "NotoSansHebrew-Regular" "NotoSansDevanagari-Regular" "NotoSansBengali-Regular"
    "NotoSansGurmukhi-Regular" "NotoSansGujarati-Regular" "NotoSansTamil-Regular" "NotoSansTelugu-Regular" "NotoSansKannada-Regular"
    "NotoSansMalayalam-Regular" "NotoSansThai-Regular" "NotoSansLao-Regular" "NotoSansKhmer-Regular" "NotoSansMyanmar-Regular"
    "NotoSansEthiopic-Regular" "NotoSansArmenian-Regular" "NotoSansGeorgian-Regular" "NotoSansCherokee-Regular"
    "NotoSansKR-Regular" "DroidSansFallbackFull"
);

/// The most bytes a font inflates to.
const MAX_FONT: u64 = 8 << 20;

/// A set of fonts, as the layout library needs them for shaping and the PDF writer for embedding.
pub(super) struct Fonts {
    context: FontContext,
    stack: Vec<FontFamilyName<'static>>,
    latin: Vec<FontFamilyName<'static>>,
    embeddable: Vec<(u64, Font)>,
}

impl Fonts {
    /// Only the text font, which is enough for most reports.
    pub(super) fn text() -> &'static Self {
        static FONTS: OnceLock<Fonts> = OnceLock::new();
        FONTS.get_or_init(|| Self::of(&[]))
    }

    /// Every font.
    pub(super) fn all() -> &'static Self {
        static FONTS: OnceLock<Fonts> = OnceLock::new();
        FONTS.get_or_init(|| {
            let inflated: Vec<Vec<u8>> = FALLBACK
                .iter()
                .filter_map(|packed| {
                    let mut font = Vec::new();
                    #[expect(clippy::disallowed_types, reason = "a font of ours, and no more of it than `MAX_FONT`")]
                    let inflated = flate2::read::ZlibDecoder::new(*packed);
                    inflated.take(MAX_FONT).read_to_end(&mut font).ok()?;
                    Some(font)
                })
                .collect();
            Self::of(&inflated)
        })
    }

    fn of(fallback: &[Vec<u8>]) -> Self {
        let options = CollectionOptions { shared: false, system_fonts: false };
        let mut fonts = Self {
            context: FontContext { collection: Collection::new(options), source_cache: SourceCache::default() },
            stack: Vec::new(),
            latin: Vec::new(),
            embeddable: Vec::new(),
        };
        fonts.add(TEXT, REGULAR.to_vec());
        fonts.add(TEXT, SEMI_BOLD.to_vec());
        for (index, font) in fallback.iter().enumerate() {
            // The first two are one family.
            fonts.add(&format!("Fallback {}", index.saturating_sub(1)), font.clone());
        }
        fonts.latin = fonts.stack.clone();
        fonts.latin.rotate_left(1);
        fonts
    }

    fn add(&mut self, family: &str, font: Vec<u8>) {
        let bytes: Arc<Vec<u8>> = Arc::new(font);
        let blob = Blob::new(Arc::clone(&bytes) as Arc<dyn AsRef<[u8]> + Send + Sync>);
        let id = blob.id();
        let Some(font) = Font::new(bytes.into(), 0) else { return };
        let family_name = FontInfoOverride { family_name: Some(family), ..FontInfoOverride::default() };
        self.context.collection.register_fonts(blob, Some(family_name));
        self.embeddable.push((id, font));
        if !self.stack.iter().any(|name| matches!(name, FontFamilyName::Named(known) if known == family)) {
            self.stack.push(FontFamilyName::Named(family.to_owned().into()));
        }
    }

    /// A separate context for one thread; the fonts themselves are shared.
    pub(super) fn context(&self) -> FontContext {
        self.context.clone()
    }

    /// The families in the order in which they are tried. With `latin`, the text font is tried last for Latin letters,
    /// because it lacks some: a name such as Nguyễn is then set in one font instead of two.
    pub(super) fn stack(&self, latin: bool) -> FontFamily<'_> {
        FontFamily::List(if latin { self.latin.as_slice().into() } else { self.stack.as_slice().into() })
    }

    /// The embeddable form of a font used in shaping.
    pub(super) fn embeddable(&self, id: u64) -> Option<&Font> {
        self.embeddable.iter().find(|(known, _)| *known == id).map(|(_, font)| font)
    }
}
