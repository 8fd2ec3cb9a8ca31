//! Images: embedded unchanged if possible, otherwise redrawn, and refused beyond the limits.

use std::sync::Arc;

use crate::reading::Pdf;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage, Rgba, RgbaImage};
use iris_report::report::{EyeImage, Report};
use iris_report::template::resolve;
use iris_report::{EvaluationType, LeftOut, Limits, Refusal, Rendered, Renderer, Which, sample};

fn with_right(bytes: &[u8]) -> Report {
    let mut report = sample::report(EvaluationType::Dr);
    report.od.image = Some(EyeImage { bytes: Arc::from(bytes), taken: None });
    report.os.image = None;
    report
}

fn render(report: &Report, limits: Limits) -> Rendered {
    Renderer::new(limits).render(&resolve(EvaluationType::Dr, |_, _| None).template, report).expect("a report")
}

fn refused(bytes: &[u8]) -> Refusal {
    let rendered = render(&with_right(bytes), Limits::default());
    let [LeftOut { image: Which::RightEye, reason }] = rendered.left_out.as_slice() else { panic!("not refused") };
    assert!(rendered.html.contains("The image could not be shown"));
    assert!(Pdf::open(&rendered.pdf).text(1).contains("The image could not be shown"));
    reason.clone()
}

fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut out = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut out, 90)).expect("a JPEG");
    out
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let picture = RgbaImage::from_fn(width, height, |x, _| Rgba([255, 0, 0, if x < width / 2 { 0 } else { 255 }]));
    image::codecs::png::PngEncoder::new(&mut out)
        .write_image(&picture, width, height, ExtendedColorType::Rgba8)
        .expect("a PNG");
    out
}

/// Inserts a segment after the start of a JPEG.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8, 0xff, marker];
    out.extend_from_slice(&u16::try_from(content.len() + 2).expect("short").to_be_bytes());
    out.extend_from_slice(content);
    out.extend_from_slice(&jpeg[2..]);
    out
}

fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    tiff.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]);
    tiff.extend_from_slice(b"PatientName=Secret");
    tiff
}

#[test]
fn a_jpeg_goes_in_unchanged_but_without_metadata() {
    let plain = sample::fundus(300, false);
    let marked = with_segment(&with_segment(&plain, 0xe1, &exif(1)), 0xfe, b"taken by Operator Secret");
    let rendered = render(&with_right(&marked), Limits::default());
    assert_eq!(rendered.left_out, []);
    let images = Pdf::open(&rendered.pdf).images();
    assert_eq!(images.len(), 1);
    let data = |jpeg: &[u8]| jpeg.windows(2).position(|pair| pair == [0xff, 0xda]).map(|at| jpeg[at..].to_vec());
    assert_eq!(data(&images[0]), data(&plain), "the picture itself is the same");
    assert!(!images[0].windows(6).any(|bytes| bytes == b"Secret"));
}

#[test]
fn what_is_too_large_is_scaled_down() {
    let limits = Limits { unchanged_side: 200, scaled_side: 150, ..Limits::default() };
    let rendered = render(&with_right(&sample::fundus(700, false)), limits);
    let images = Pdf::open(&rendered.pdf).images();
    let shown = image::load_from_memory(&images[0]).expect("an image");
    assert_eq!((shown.width(), shown.height()), (150, 150));
}

#[test]
fn a_rotated_image_is_turned_upright() {
    let picture = RgbImage::from_fn(64, 32, |x, _| if x < 32 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) });
    let rendered = render(&with_right(&with_segment(&jpeg(&picture), 0xe1, &exif(6))), Limits::default());
    let shown = image::load_from_memory(&Pdf::open(&rendered.pdf).images()[0]).expect("an image").to_rgb8();
    assert_eq!((shown.width(), shown.height()), (32, 64));
    assert!(shown.get_pixel(16, 4).0[0] > 200 && shown.get_pixel(16, 60).0[2] > 200, "left went up");
}

#[test]
fn a_png_becomes_a_jpeg_on_white() {
    let rendered = render(&with_right(&png(40, 40)), Limits::default());
    let shown = image::load_from_memory(&Pdf::open(&rendered.pdf).images()[0]).expect("an image").to_rgb8();
    assert!(shown.get_pixel(5, 20).0.iter().all(|value| *value > 240), "transparent is white");
    let right = shown.get_pixel(35, 20).0;
    assert!(right[0] > 240 && right[1] < 20);
}

#[test]
fn a_logo_stands_in_the_letterhead() {
    let mut report = sample::report(EvaluationType::Dr);
    report.letterhead.logo = Some(png(120, 60).into());
    let rendered = render(&report, Limits::default());
    assert_eq!(rendered.left_out, []);
    assert!(Pdf::open(&rendered.pdf).structure().contains("Figure \"Logo of Harborview Community Health\""));
    report.letterhead.logo = Some(png(2_000, 10).into());
    assert_eq!(
        render(&report, Limits::default()).left_out,
        [LeftOut { image: Which::Logo, reason: Refusal::Dimensions(2_000, 10) }]
    );
}

#[test]
fn bombs_are_refused_before_they_are_decoded() {
    // A PNG that declares 60,000 by 60,000 pixels.
    let mut bomb = png(4, 4);
    bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    assert_eq!(refused(&bomb), Refusal::Dimensions(60_000, 60_000));
    // A JPEG that declares 65,500 by 65,500.
    let mut bomb = sample::fundus(32, false).to_vec();
    let frame = bomb.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame");
    bomb[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    assert_eq!(refused(&bomb), Refusal::Dimensions(65_500, 65_500));
    // Sides within the limit, but too many pixels.
    bomb[frame + 5..frame + 9].copy_from_slice(&[0x3f, 0xff, 0x3f, 0xff]);
    assert_eq!(refused(&bomb), Refusal::Dimensions(16_383, 16_383));
    assert_eq!(refused(&vec![0xff; 40 << 20]), Refusal::TooLarge(40 << 20));
}

#[test]
fn damaged_files_are_refused() {
    assert_eq!(refused(b""), Refusal::Format);
    assert_eq!(refused(b"GIF89a"), Refusal::Format);
    assert_eq!(refused(b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00"), Refusal::Damaged("no image header"));
    let good = sample::fundus(64, false);
    for end in 0..good.len() {
        let rendered = render(&with_right(&good[..end]), Limits::default());
        assert_eq!(rendered.left_out.len(), 1, "cut at {end}");
        if end > 40 {
            break;
        }
    }
    assert!(matches!(refused(&good[..good.len() - 20]), Refusal::Damaged(_)));
    let mut corrupt = png(40, 40);
    let middle = corrupt.len() / 2;
    corrupt.truncate(middle);
    assert!(matches!(refused(&corrupt), Refusal::Damaged(_)));
}

#[test]
fn reports_in_flight_share_what_is_decoded() {
    // A gate for the pixels of one image: eight threads take turns, and all finish.
    let limits = Limits { pixels: 300 * 300, unchanged_side: 10, scaled_side: 50, ..Limits::default() };
    let renderer = Renderer::new(limits);
    let template = resolve(EvaluationType::Dr, |_, _| None).template;
    let report = with_right(&sample::fundus(300, false));
    std::thread::scope(|scope| {
        let jobs: Vec<_> =
            (0..8).map(|_| scope.spawn(|| renderer.pdf(&template, &report).expect("a report").0)).collect();
        let made: Vec<Vec<u8>> = jobs.into_iter().map(|job| job.join().expect("a thread")).collect();
        assert!(made.iter().all(|pdf| *pdf == made[0]));
    });
}
