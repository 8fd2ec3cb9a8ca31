//! Decodes an image, turns it upright, scales it down, and writes it as JPEG.

use std::io::Cursor;
use std::sync::Arc;

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, ImageReader, RgbaImage};

use super::{Format, Gate, Limits, Looked, Picture, Refusal};

/// JPEG quality of an image on a page.
pub(super) const QUALITY: u8 = 88;
/// How many bytes per pixel a decoder may use: a progressive JPEG takes two-byte coefficients plus the picture.
const BYTES_PER_PIXEL: u64 = 16;
/// For an image that could be read but not written.
const UNDRAWABLE: Refusal = Refusal::Damaged("it cannot be drawn again");

/// A decoded image: upright, gray or color, without transparency.
pub(super) struct Pixels(DynamicImage);

/// Decodes an image to at most [`Limits::scaled_side`].
pub(super) fn pixels(looked: &Looked<'_>, limits: &Limits, gate: &Gate) -> Result<Pixels, Refusal> {
    let pixels = u64::from(looked.width) * u64::from(looked.height);
    let _pass = gate.enter(pixels);
    let image = match decode(looked.bytes, looked.format, limits, pixels)? {
        gray @ DynamicImage::ImageLuma8(_) => gray,
        image if image.color().has_alpha() => on_white(&image.to_rgba8()).into(),
        image => image.into_rgb8().into(),
    };
    let mut image = scaled(&image, limits.scaled_side)?.unwrap_or(image);
    if let Some(orientation) = u8::try_from(looked.orientation).ok().and_then(Orientation::from_exif) {
        image.apply_orientation(orientation);
    }
    Ok(Pixels(image))
}

impl Pixels {
    /// The image as a file; its longest side is at most `side`.
    pub(super) fn jpeg(&self, side: u32, quality: u8) -> Result<Picture, Refusal> {
        let smaller = scaled(&self.0, side)?;
        let image = smaller.as_ref().unwrap_or(&self.0);
        let mut out = Vec::new();
        let written = image.write_with_encoder(JpegEncoder::new_with_quality(&mut out, quality));
        written.map_err(|_| UNDRAWABLE)?;
        Ok(Picture { bytes: Arc::new(out), format: Format::Jpeg, width: image.width(), height: image.height() })
    }
}

/// The image scaled so that its longest side has `side` pixels; `None` if it is not larger than that.
fn scaled(image: &DynamicImage, side: u32) -> Result<Option<DynamicImage>, Refusal> {
    let longest = image.width().max(image.height());
    if longest <= side {
        return Ok(None);
    }
    let share = |own: u32| {
        let own = u64::from(own) * u64::from(side) / u64::from(longest);
        u32::try_from(own).unwrap_or(side).max(1)
    };
    let mut smaller = DynamicImage::new(share(image.width()), share(image.height()), image.color());
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(image, &mut smaller, &options).map_err(|_| UNDRAWABLE)?;
    Ok(Some(smaller))
}

/// Whether a PNG can be decoded.
pub(super) fn check_png(bytes: &[u8]) -> Result<(), Refusal> {
    let limits = Limits::default();
    decode(bytes, ImageFormat::Png, &limits, u64::from(super::LOGO_SIDE) * u64::from(super::LOGO_SIDE)).map(|_| ())
}

fn decode(bytes: &[u8], format: ImageFormat, limits: &Limits, pixels: u64) -> Result<DynamicImage, Refusal> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut bounds = image::Limits::default();
    bounds.max_image_width = Some(limits.side);
    bounds.max_image_height = Some(limits.side);
    bounds.max_alloc = Some(pixels * BYTES_PER_PIXEL + (1 << 20));
    reader.limits(bounds);
    reader.decode().map_err(|_| Refusal::Damaged("it cannot be decoded"))
}

fn on_white(image: &RgbaImage) -> image::RgbImage {
    image::RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [r, g, b, alpha] = image.get_pixel(x, y).0;
        let blend = |value: u8| {
            let (value, alpha) = (u16::from(value), u16::from(alpha));
            u8::try_from((value * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
        };
        image::Rgb([blend(r), blend(g), blend(b)])
    })
}
