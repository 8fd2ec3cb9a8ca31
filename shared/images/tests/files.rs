//! Files made by exiftool and pydicom, also truncated, corrupted or falsified.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test fails by panicking")]

use iris_images::{Facts, Format, HEADER_LIMIT, Inspection, Unusable, inspect};
use iris_model::Laterality;
use proptest::prelude::*;

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../tests/images/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn facts(bytes: &[u8]) -> Facts {
    match inspect(bytes, bytes.len() as u64) {
        Ok(Inspection::Image(facts)) => *facts,
        other => panic!("{other:?}"),
    }
}

fn unusable(bytes: &[u8]) -> Unusable {
    inspect(bytes, bytes.len() as u64).unwrap_err()
}

#[test]
fn exif_of_jpeg_and_png() {
    let read = facts(&sample("patient-od.jpg"));
    assert_eq!((read.format, read.width, read.height), (Some(Format::Jpeg), 64, 48));
    assert_eq!((read.patient_id.as_deref(), read.laterality), (Some("I-P1"), Some(Laterality::Od)));
    assert_eq!(read.device.as_deref(), Some("CAM-SEA-1"));
    assert_eq!(read.taken, Some(jiff::civil::datetime(2026, 11, 20, 9, 15, 2, 0)));
    let read = facts(&sample("accession-od.jpg"));
    assert_eq!((read.accession_number.as_deref(), read.laterality), (Some("I-O2"), Some(Laterality::Od)));
    let read = facts(&sample("accession-os.png"));
    assert_eq!((read.format, read.width, read.height), (Some(Format::Png), 64, 48));
    assert_eq!((read.accession_number.as_deref(), read.laterality), (Some("I-O2"), Some(Laterality::Os)));
    let plain = facts(&sample("plain-os.jpg"));
    assert_eq!(plain, Facts { format: Some(Format::Jpeg), width: 64, height: 48, ..Facts::default() });
    assert_eq!(facts(&sample("no-eye.jpg")).laterality, None);
}

#[test]
fn dicom_in_every_encoding() {
    for (name, accession, patient, eye) in [
        ("photo-od.dcm", Some("I-O3"), Some("I-P3"), Some(Laterality::Od)),
        ("photo-os-implicit.dcm", Some("I-O3"), Some("I-P3"), Some(Laterality::Os)),
        ("photo-od-jpeg.dcm", None, Some("I-P4"), Some(Laterality::Od)),
        ("capture-os-big-endian.dcm", None, Some("I-P4"), Some(Laterality::Os)),
        ("tomography-ou.dcm", None, None, Some(Laterality::Ou)),
        ("capture-no-eye.dcm", Some("I-O3"), Some("Ä-4711"), None),
    ] {
        let read = facts(&sample(name));
        assert_eq!((read.format, read.width, read.height), (Some(Format::Dicom), 64, 48), "{name}");
        assert_eq!(read.accession_number.as_deref(), accession, "{name}");
        assert_eq!(read.patient_id.as_deref(), patient, "{name}");
        assert_eq!(read.laterality, eye, "{name}");
        assert_eq!(read.device.as_deref(), Some("CAM-SEA-1"), "{name}");
        assert_eq!(read.taken, Some(jiff::civil::datetime(2026, 11, 20, 9, 15, 2, 0)), "{name}");
    }
    let study = facts(&sample("tomography-ou.dcm")).study_instance_uid;
    assert_eq!(study.as_deref(), Some("1.2.826.0.1.3680043.10.99999.2.500"));
}

#[test]
fn what_is_no_image_of_ours() {
    assert_eq!(unusable(b"hello"), Unusable::Format);
    assert_eq!(unusable(&[0; 4096]), Unusable::Format);
    assert_eq!(unusable(&sample("document.dcm")), Unusable::SopClass);
    assert_eq!(unusable(&sample("deflated.dcm")), Unusable::TransferSyntax);
}

#[test]
fn the_jpeg_within_a_dicom_file_is_a_picture() {
    let jpeg = iris_images::embedded_jpeg(&sample("photo-od-jpeg.dcm")).unwrap();
    let picture = facts(&jpeg);
    assert_eq!((picture.format, picture.width, picture.height), (Some(Format::Jpeg), 64, 48));
    for other in ["photo-od.dcm", "photo-os-implicit.dcm", "deflated.dcm", "plain-od.jpg", "accession-os.png"] {
        assert_eq!(iris_images::embedded_jpeg(&sample(other)), None, "{other}");
    }
    let whole = sample("photo-od-jpeg.dcm");
    // Colors that the JPEG itself may not declare.
    let mut colors = whole.clone();
    let place = colors.windows(12).position(|window| window == b"YBR_FULL_422").unwrap();
    colors[place..place + 12].copy_from_slice(b"RGB         ");
    assert_eq!(iris_images::embedded_jpeg(&colors), None);
    let ends = (0..whole.len()).filter(|end| iris_images::embedded_jpeg(&whole[..*end]).is_some()).count();
    assert!(ends <= 9, "a picture without its end: {ends}");
}

#[test]
fn a_header_is_read_from_as_few_bytes_as_it_has() {
    for name in ["patient-od.jpg", "photo-od.dcm", "photo-os-implicit.dcm", "photo-od-jpeg.dcm"] {
        let whole = sample(name);
        let length = whole.len() as u64;
        let enough = (0..whole.len()).find(|end| inspect(&whole[..*end], length) != Ok(Inspection::NeedsMore)).unwrap();
        assert_eq!(inspect(&whole[..enough], length), inspect(&whole, length), "{name}");
        assert!(enough < whole.len(), "{name}: the pixels were needed");
    }
}

#[test]
fn a_file_that_ends_early_is_damaged_wherever_it_ends() {
    for name in ["patient-od.jpg", "accession-os.png", "photo-od.dcm", "photo-os-implicit.dcm", "tomography-ou.dcm"] {
        let whole = sample(name);
        for end in 0..whole.len().min(1_500) {
            let cut = &whole[..end];
            match inspect(cut, end as u64) {
                Err(Unusable::Damaged(_) | Unusable::Format | Unusable::SopClass) => {}
                // JPEG does not declare the length of its pixel data, and the chunks after a PNG's image data may be
                // missing.
                Ok(Inspection::Image(_)) if !name.ends_with("dcm") => {}
                other => panic!("{name} cut at {end}: {other:?}"),
            }
        }
    }
}

/// An explicit little endian file with these elements after the file meta information.
fn dicom(elements: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    file.extend([2, 0, 0x10, 0]);
    file.extend(b"UI");
    file.extend([20, 0]);
    file.extend(b"1.2.840.10008.1.2.1\0");
    file.extend(elements);
    file
}

fn head(tag: [u8; 4], representation: &[u8; 2], length: u32) -> Vec<u8> {
    let mut bytes = tag.to_vec();
    bytes.extend(representation);
    bytes.extend([0, 0]);
    bytes.extend(length.to_le_bytes());
    bytes
}

#[test]
fn lengths_that_lie() {
    // A value of four gigabytes in a file of two hundred bytes.
    let giant = dicom(&head([9, 0, 0x10, 0], b"OB", 0xffff_fffe));
    assert!(matches!(unusable(&giant), Unusable::Damaged(_)));
    // A wanted value of the same length.
    let giant = dicom(&head([0x10, 0, 0x20, 0], b"UT", 0xffff_fff0));
    assert!(matches!(unusable(&giant), Unusable::Damaged(_)));
    // An item that is longer than its sequence.
    let mut elements = head([8, 0, 0x15, 0x11], b"SQ", 0xffff_ffff);
    elements.extend([0xfe, 0xff, 0x00, 0xe0, 0xf0, 0xff, 0xff, 0x7f]);
    assert!(matches!(unusable(&dicom(&elements)), Unusable::Damaged(_)));
    // Tags that go backwards.
    let mut elements = head([0x10, 0, 0x10, 0], b"UT", 0);
    elements.extend(head([0x08, 0, 0x10, 0], b"UT", 0));
    assert!(matches!(unusable(&dicom(&elements)), Unusable::Damaged(_)));
}

#[test]
fn sequences_without_end() {
    // A sequence in an item in a sequence …, ten thousand deep.
    let mut elements = Vec::new();
    for _ in 0..10_000 {
        elements.extend(head([8, 0, 0x15, 0x11], b"SQ", 0xffff_ffff));
        elements.extend([0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff]);
    }
    assert!(matches!(unusable(&dicom(&elements)), Unusable::Excessive(_)));
    // A hundred thousand empty items.
    let mut elements = head([8, 0, 0x15, 0x11], b"SQ", 0xffff_ffff);
    for _ in 0..100_000 {
        elements.extend([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
    }
    assert!(matches!(unusable(&dicom(&elements)), Unusable::Excessive(_)));
}

#[test]
fn a_header_beyond_the_limit_is_refused() {
    let mut file = dicom(&head([9, 0, 0x10, 0], b"OB", 64 << 20));
    let length = file.len() as u64 + (80 << 20);
    assert_eq!(inspect(&file, length), Ok(Inspection::NeedsMore));
    file.resize(HEADER_LIMIT, 0);
    assert!(matches!(inspect(&file, length), Err(Unusable::Excessive(_))));
}

/// A JPEG with this EXIF data before a frame of 8 by 8 pixels.
fn jpeg(tiff: &[u8]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, 0xe1];
    file.extend(u16::try_from(tiff.len() + 8).unwrap().to_be_bytes());
    file.extend(b"Exif\0\0");
    file.extend(tiff);
    file.extend([0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    file.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0xff, 0xd9]);
    file
}

/// A directory of `count` entries with this tag and content, followed by the offset of the next directory.
fn directory(tag: u16, count: u16, content: u32) -> Vec<u8> {
    let mut bytes = count.to_be_bytes().to_vec();
    for _ in 0..count {
        bytes.extend(tag.to_be_bytes());
        bytes.extend([0, 4, 0, 0, 0, 1]);
        bytes.extend(content.to_be_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}

#[test]
fn exif_bombs_go_unread() {
    // Each of 1,700 entries points to a directory of 1,700 entries that point to another of 1,700: five billion for a
    // reader that follows them.
    let count = 1_700u16;
    let size = 6 + u32::from(count) * 12;
    let mut tiff = b"MM\0\x2a\0\0\0\x08".to_vec();
    tiff.extend(directory(0x8769, count, 8 + size));
    tiff.extend(directory(0xa005, count, 8 + 2 * size));
    tiff.extend(directory(0x0001, count, 0));
    let read = facts(&jpeg(&tiff));
    assert_eq!(read, Facts { format: Some(Format::Jpeg), width: 8, height: 8, ..Facts::default() });

    // A directory that is its own successor.
    let mut circle = b"MM\0\x2a\0\0\0\x08".to_vec();
    circle.extend(directory(0x0100, 1, 1));
    let end = circle.len();
    circle[end - 4..].copy_from_slice(&8u32.to_be_bytes());
    facts(&jpeg(&circle));

    // Values outside the file, and absurd counts.
    let mut outside = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x0e\0\x02\xff\xff\xff\xff\x7f\xff\xff\xff\0\0\0\0".to_vec();
    facts(&jpeg(&outside));
    outside.truncate(15);
    facts(&jpeg(&outside));
}

#[test]
fn pixels_beyond_decoding_are_refused() {
    let mut file = jpeg(b"");
    let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    file[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert!(matches!(unusable(&file), Unusable::Excessive(_)));
    file[frame + 5..frame + 9].copy_from_slice(&[0, 0, 0, 8]);
    assert!(matches!(unusable(&file), Unusable::Damaged(_)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600), prefix in 0..4usize) {
        let mut file: Vec<u8> = match prefix {
            0 => Vec::new(),
            1 => vec![0xff, 0xd8, 0xff],
            2 => b"\x89PNG\r\n\x1a\n".to_vec(),
            _ => dicom(&[]),
        };
        file.extend(bytes);
        let _ = inspect(&file, file.len() as u64);
        let _ = inspect(&file, u64::MAX);
    }

    #[test]
    fn bent_files_are_read_or_refused(place in 0..2_000usize, value in any::<u8>(), which in 0..7usize) {
        let names = ["patient-od.jpg", "accession-os.png", "photo-od.dcm", "photo-os-implicit.dcm", "photo-od-jpeg.dcm",
            "capture-os-big-endian.dcm", "tomography-ou.dcm"];
        let mut file = sample(names[which]);
        let place = place % file.len();
        file[place] = value;
        let _ = inspect(&file, file.len() as u64);
        let _ = iris_images::embedded_jpeg(&file);
    }
}
