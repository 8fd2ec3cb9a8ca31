//! Decode, turn upright, scale down, write as JPEG.

use std::io::Cursor;
use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, ImageReader, RgbaImage};

use super::{Format, Gate, Limits, Picture, Refusal};

const QUALITY: u8 = 88;
/// Decoders may take this many bytes a pixel: a progressive JPEG holds coefficients of two bytes and the picture.
const BYTES_PER_PIXEL: u64 = 16;

pub(super) fn redraw(
    bytes: &[u8],
    format: ImageFormat,
    orientation: u16,
    sides: (u32, u32),
    limits: &Limits,
    gate: &Gate,
) -> Result<Picture, Refusal> {
    let pixels = u64::from(sides.0) * u64::from(sides.1);
    let _pass = gate.enter(pixels);
    let mut image = decode(bytes, format, limits, pixels)?;
    let longest = image.width().max(image.height());
    if longest > limits.scaled_side {
        // A cheap whole-number step first, a fine one after it: averaging many pixels is most of the work.
        if longest > limits.scaled_side * 3 {
            image = image.thumbnail(limits.scaled_side * 2, limits.scaled_side * 2);
        }
        image = image.resize(limits.scaled_side, limits.scaled_side, FilterType::Triangle);
    }
    if let Some(orientation) = u8::try_from(orientation).ok().and_then(Orientation::from_exif) {
        image.apply_orientation(orientation);
    }
    let (width, height) = (image.width(), image.height());
    let mut out = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut out, QUALITY);
    let written = match &image {
        DynamicImage::ImageLuma8(gray) => gray.write_with_encoder(encoder),
        image if image.color().has_alpha() => on_white(&image.to_rgba8()).write_with_encoder(encoder),
        image => image.to_rgb8().write_with_encoder(encoder),
    };
    written.map_err(|_| Refusal::Damaged("it cannot be drawn again"))?;
    Ok(Picture { bytes: Arc::new(out), format: Format::Jpeg, width, height })
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
