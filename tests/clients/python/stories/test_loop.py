"""From an order to its report: what a clinic, a grader and a receiver of results do, with nothing but what the local host prints."""

import base64
import json
import uuid

import pytest
from azure.storage.blob import ContainerClient

from host import SUITES
from loop import events_of, kinds, result_of, send, upload

operation = pytest.mark.operation
ROOT = SUITES.parent.parent
EXAM = ROOT / "samples/exam"
IMAGES = ROOT / "tests/images"


def grading(order):
    return json.loads((EXAM / "grading.json").read_text()) | {"LocalId": order}


def embedded(result):
    assert result["ResultsDocument"]["Type"] == "PDF"
    return base64.b64decode(result["ResultsDocument"]["Content"], validate=True)


@operation("story-loop")
def test_the_whole_loop(host, name):
    caller = host.caller
    order = json.loads((EXAM / "order.json").read_text())
    order["Order"]["LocalId"] = name
    order["Patient"]["LocalId"] = f"P-{name}"
    for image in order["Camera"]["Images"]:
        image["LocalId"] = f"{name}-{image['Laterality']}"
        image["AzureBlobStorage"]["FileName"] = f"{name}-{image['Laterality']}.jpg"
    send(caller["orders"], order)
    created, = events_of(caller, name, "OrderCreationReceipt")
    assert created["Success"] and created["IrisOrderId"]

    for eye, file in [("OD", "hv-exam-1-right.jpg"), ("OS", "hv-exam-1-left.jpg")]:
        upload(caller, f"{name}-{eye}.jpg", (EXAM / "images" / file).read_bytes())
    linked = events_of(caller, name, "ReadyForGradingEvent")
    assert kinds(linked) == ["ImageReceipt", "ImageReceipt", "ReadyForGradingEvent"]
    assert {each["ImageLocalId"] for each in linked[:2]} == {f"{name}-OD", f"{name}-OS"}
    assert all(each["Success"] for each in linked)

    send(caller["gradings"], grading(name))
    graded = events_of(caller, name, "ResultsDeliveryReceipt")
    assert kinds(graded) == ["GradingReceipt", "OrderGradedEvent", "ResultsDeliveryReceipt"]
    receipt = graded[2]
    assert (receipt["DeliveryType"], receipt["TransmissionStatus"]) == ("azureblob", "Complete")

    result = result_of(caller, name)
    assert (result["ResultObjectType"], result["ResultCode"]) == ("OrderResult", "F")
    assert result["Order"]["PatientOrderId"] == created["IrisOrderId"]
    assert result["Gradings"]["OD"]["Findings"][0] == {"Finding": "Diabetic Retinopathy", "Result": "Moderate"}
    assert [image["Preferred"] for image in result["Images"]] == [True, True]
    pdf = embedded(result)
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    results = ContainerClient.from_container_url(caller["receipts"]["url"])
    container, file = receipt["Endpoint"].split("/", 1)
    assert (container, file) == (caller["receipts"]["container"], f"reports/{name}.pdf")
    full = results.download_blob(file).readall()
    assert full.startswith(b"%PDF-") and len(full) >= len(pdf), "the file has the full report, a message a smaller one"


@operation("story-loop-metadata")
def test_images_that_name_their_order(host):
    """DICOM files with an AccessionNumber, written by another tool; they come before the order they belong to."""
    caller, name = host.caller, "I-O3"
    for file in ["photo-od.dcm", "photo-os-implicit.dcm"]:
        upload(caller, f"{uuid.uuid4()}.dcm", (IMAGES / file).read_bytes())
    order = json.loads((ROOT / "samples/order.json").read_text())
    order["Order"]["LocalId"] = name
    order["Patient"]["LocalId"] = "I-P3"
    send(caller["orders"], order)
    events = events_of(caller, name, "ReadyForGradingEvent")
    assert sorted(kinds(events)) == ["ImageReceipt", "ImageReceipt", "OrderCreationReceipt", "ReadyForGradingEvent"]
    send(caller["gradings"], grading(name))
    graded = events_of(caller, name, "ResultsDeliveryReceipt")
    assert all(each["Success"] for each in graded)
    result = result_of(caller, name)
    assert result["ImageDetails"]["TotalCount"] == 2
    assert embedded(result).startswith(b"%PDF-")
