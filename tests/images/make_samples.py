"""Makes the image files of this folder with tools that are not ours: Pillow and exiftool for JPEG and PNG, pydicom for DICOM.

    pip install pillow pydicom numpy      # and exiftool (Debian: libimage-exiftool-perl)
    python3 make_samples.py

Every patient is invented, and every picture is a drawn disc. The ids are those of the orders that tests/images.rs posts.
"""

import io
import pathlib
import subprocess

import numpy
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    OphthalmicPhotography8BitImageStorage,
    OphthalmicTomographyImageStorage,
    SecondaryCaptureImageStorage,
)

HERE = pathlib.Path(__file__).parent
ROOT = "1.2.826.0.1.3680043.10.99999"
SIZE = (64, 48)


def picture(eye):
    """A disc with a small bright one on the side where the optic nerve would be."""
    image = Image.new("RGB", SIZE, (8, 4, 4))
    draw = ImageDraw.Draw(image)
    draw.ellipse((10, 2, 54, 46), fill=(150, 60, 30))
    left = 40 if eye == "OD" else 18
    draw.ellipse((left, 20, left + 8, 28), fill=(240, 200, 120))
    return image


def write(name, image, kind, **tags):
    path = HERE / name
    image.save(path, kind)
    if tags:
        options = [f"-{tag}={value}" for tag, value in tags.items()]
        subprocess.run(["exiftool", "-q", "-overwrite_original", *options, path], check=True)


def exif_files():
    taken = {"EXIF:DateTimeOriginal": "2026:11:20 09:15:02", "EXIF:SerialNumber": "CAM-SEA-1"}
    write("plain-od.jpg", picture("OD"), "JPEG")
    write("plain-os.jpg", picture("OS"), "JPEG")
    write("patient-od.jpg", picture("OD"), "JPEG", **{"EXIF:ImageDescription": "PatientID=I-P1; Laterality=OD"}, **taken)
    write("patient-os.jpg", picture("OS"), "JPEG", **{"EXIF:ImageDescription": "PatientID=I-P1; Laterality=OS"}, **taken)
    write("accession-od.jpg", picture("OD"), "JPEG", **{"EXIF:UserComment": "AccessionNumber=I-O2|Eye=right"}, **taken)
    write("accession-os.png", picture("OS"), "PNG", **{"EXIF:ImageDescription": "AccessionNumber=I-O2; Laterality=OS"})
    write("no-eye.jpg", picture("OD"), "JPEG", **{"EXIF:ImageDescription": "PatientID=I-P1"})


def data_set(number, sop_class, syntax):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = f"{ROOT}.1.{number}"
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = f"{ROOT}.9"
    data = Dataset()
    data.file_meta = meta
    data.SOPClassUID = sop_class
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID = f"{ROOT}.2.{number}"
    data.SeriesInstanceUID = f"{ROOT}.3.{number}"
    data.PatientName = "Testpatient^Sample"
    data.PatientBirthDate = "19611201"
    data.PatientSex = "O"
    data.Modality = "OP"
    data.Manufacturer = "Sample Cameras"
    data.DeviceSerialNumber = "CAM-SEA-1"
    data.AcquisitionDateTime = "20261120091502.000000"
    data.ContentDate = "20261120"
    data.ContentTime = "091502"
    return data


def pixels(data, eye, compressed=False):
    image = picture(eye)
    data.Rows, data.Columns = SIZE[1], SIZE[0]
    data.SamplesPerPixel = 3
    data.PhotometricInterpretation = "YBR_FULL_422" if compressed else "RGB"
    data.PlanarConfiguration = 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 8, 8, 7
    data.PixelRepresentation = 0
    if compressed:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG")
        data.PixelData = encapsulate([buffer.getvalue()])
        data["PixelData"].VR = "OB"
    else:
        data.PixelData = numpy.asarray(image).tobytes()
        data["PixelData"].VR = "OB"


def save(name, data):
    data.save_as(HERE / name, enforce_file_format=True)


def dicom_files():
    data = data_set(1, OphthalmicPhotography8BitImageStorage, ExplicitVRLittleEndian)
    data.AccessionNumber, data.PatientID, data.ImageLaterality = "I-O3", "I-P3", "R"
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "T-AA610", "SRT", "Retina"
    data.AnatomicRegionSequence = Sequence([item])
    data["AnatomicRegionSequence"].is_undefined_length = True
    pixels(data, "OD")
    save("photo-od.dcm", data)

    data = data_set(2, OphthalmicPhotography8BitImageStorage, ImplicitVRLittleEndian)
    data.AccessionNumber, data.PatientID, data.ImageLaterality = "I-O3", "I-P3", "L"
    pixels(data, "OS")
    save("photo-os-implicit.dcm", data)

    data = data_set(3, OphthalmicPhotography8BitImageStorage, JPEGBaseline8Bit)
    data.PatientID, data.ImageLaterality = "I-P4", "R"
    pixels(data, "OD", compressed=True)
    save("photo-od-jpeg.dcm", data)

    data = data_set(4, SecondaryCaptureImageStorage, ExplicitVRBigEndian)
    data.SpecificCharacterSet = "ISO_IR 100"
    data.ConversionType = "DI"
    data.PatientID, data.Laterality = "I-P4", "L"
    pixels(data, "OS")
    save("capture-os-big-endian.dcm", data)

    data = data_set(5, OphthalmicTomographyImageStorage, ExplicitVRLittleEndian)
    data.StudyInstanceUID = f"{ROOT}.2.500"
    anatomy = Dataset()
    anatomy.FrameLaterality = "B"
    groups = Dataset()
    groups.FrameAnatomySequence = Sequence([anatomy])
    data.SharedFunctionalGroupsSequence = Sequence([groups])
    data.NumberOfFrames = 1
    pixels(data, "OD")
    save("tomography-ou.dcm", data)

    data = data_set(6, SecondaryCaptureImageStorage, ExplicitVRLittleEndian)
    data.SpecificCharacterSet = "ISO_IR 192"
    data.ConversionType = "DI"
    data.AccessionNumber, data.PatientID = "I-O3", "Ä-4711"
    pixels(data, "OD")
    save("capture-no-eye.dcm", data)

    data = data_set(7, EncapsulatedPDFStorage, ExplicitVRLittleEndian)
    data.PatientID = "I-P1"
    data.EncapsulatedDocument = b"%PDF-1.4 not an image "
    data.MIMETypeOfEncapsulatedDocument = "application/pdf"
    pixels(data, "OD")
    save("document.dcm", data)

    data = data_set(8, SecondaryCaptureImageStorage, DeflatedExplicitVRLittleEndian)
    data.PatientID = "I-P1"
    pixels(data, "OD")
    save("deflated.dcm", data)


if __name__ == "__main__":
    exif_files()
    dicom_files()
