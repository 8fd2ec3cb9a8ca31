"""What a caller's own program does, with nothing but what the local host prints."""

import csv
import io
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
import xml.etree.ElementTree as ElementTree

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.storage.blob import ContainerClient

from conftest import until
from host import SUITES

operation = pytest.mark.operation
SAMPLES = SUITES.parent.parent / "samples"
HEADER = ["OrderLocalId", "SiteLocalId", "PatientLocalId", "PatientFirstName", "PatientLastName", "PatientDob",
          "PatientBirthGender", "EvaluationType"]


class Caller:
    """A partner's side: posts, drops, and listens."""

    def __init__(self, printed):
        self.printed = printed
        self.drops = ContainerClient.from_container_url(printed["drops"]["url"])
        self.receipts = ContainerClient.from_container_url(printed["receipts"]["url"])

    def post(self, document, message_id=None):
        access = self.printed["orders"]
        with ServiceBusClient.from_connection_string(access["connectionString"]) as client:
            with client.get_queue_sender(access["queue"]) as sender:
                sender.send_messages(ServiceBusMessage(json.dumps(document), message_id=message_id or str(uuid.uuid4())))

    def events(self, wanted):
        """Takes events until all that are wanted have come; a wanted event is a dictionary it must agree with."""
        access, missing, found = self.printed["events"], list(wanted), []
        with ServiceBusClient.from_connection_string(access["connectionString"]) as client:
            with client.get_queue_receiver(access["queue"]) as receiver:
                while missing:
                    messages = receiver.receive_messages(max_message_count=50, max_wait_time=60)
                    assert messages, f"these events did not come: {missing}"
                    for message in messages:
                        event = json.loads(b"".join(message.body))
                        receiver.complete_message(message)
                        for each in [each for each in missing if each.items() <= event.items()]:
                            missing.remove(each)
                            found.append(event)
        return found

    def receipt(self, file):
        """The receipt of a dropped file, once it is there."""
        def look():
            names = [blob.name for blob in self.receipts.list_blobs(name_starts_with=f"receipts/{file}.")]
            return [each for each in names if each.endswith(".json") and not each.endswith(".rejected.json")]

        return json.loads(self.receipts.download_blob(until(look)[0]).readall())

    def result(self, file, ending):
        names = [blob.name for blob in self.receipts.list_blobs(name_starts_with=f"receipts/{file}.")]
        return self.receipts.download_blob(next(each for each in names if each.endswith(ending))).readall()


@pytest.fixture(scope="session")
def caller(host):
    return Caller(host.caller)


def order(local_id, **changes):
    document = json.loads((SAMPLES / "order.json").read_text())
    document["Order"]["LocalId"] = local_id
    document["Patient"]["LocalId"] = f"P-{local_id}"
    return document | changes


@operation("story-order")
def test_an_order(caller, name):
    caller.post(order(name))
    event, = caller.events([{"OrderLocalId": name, "Success": True}])
    assert event["IrisOrderId"] and event["PatientLocalId"] == f"P-{name}"


@operation("story-order")
def test_the_same_message_twice_is_one_order(caller, name):
    for _ in range(2):
        caller.post(order(name), message_id=f"once-{name}")
    event, = caller.events([{"OrderLocalId": name, "Success": True}])
    caller.post(order(f"{name}-after"))
    caller.events([{"OrderLocalId": f"{name}-after"}])
    assert event["IrisOrderId"]


@operation("story-cancel")
def test_cancelling(caller, name):
    caller.post(order(name))
    created, = caller.events([{"OrderLocalId": name, "Success": True}])
    caller.post(order(name, OrderControlCode="CA"))
    cancelled, = caller.events([{"OrderLocalId": name}])
    assert (created["ResultObjectType"], cancelled["ResultObjectType"]) == ("OrderCreationReceipt", "OrderCancelled")


@operation("story-stamp")
def test_another_organizations_guid(caller, name):
    caller.post(order(f"{name}-stranger", ClientGuid="5a3d1e70-0000-4000-8000-0000000000ff"))
    caller.post(order(name))
    access = caller.printed["events"]
    with ServiceBusClient.from_connection_string(access["connectionString"]) as client:
        with client.get_queue_receiver(access["queue"]) as receiver:
            message, = receiver.receive_messages(max_wait_time=60)
            assert json.loads(b"".join(message.body))["OrderLocalId"] == name
            receiver.complete_message(message)


def table(*rows):
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *rows])
    return text.getvalue().encode()


def row(local_id, born="1961-04-12"):
    return [local_id, "HV-SEA", f"P-{local_id}", "Ada", "Testpatient-Dropped", born, "F", "DR"]


@operation("story-drop")
def test_a_file(caller, name):
    file = f"{name}.csv"
    caller.drops.upload_blob(file, table(row(f"{name}-1"), row(f"{name}-2")))
    receipt = caller.receipt(file)
    assert (receipt["totals"]["rows"], receipt["totals"]["created"]) == (2, 2), receipt["issues"]
    lines = list(csv.DictReader(io.StringIO(caller.result(file, ".rows.csv").decode("utf-8-sig"))))
    assert len(lines) == 2
    caller.events([{"OrderLocalId": f"{name}-{index}", "Success": True} for index in (1, 2)])


@operation("story-corrected")
def test_correcting_what_was_rejected(caller, name):
    file = f"{name}.csv"
    caller.drops.upload_blob(file, table(row(f"{name}-1"), row(f"{name}-2", born="someday")))
    assert caller.receipt(file)["totals"]["failed"] == 1
    rejected = caller.result(file, ".rejected.csv")
    assert rejected.count(b"someday") >= 1 and f"{name}-1,".encode() not in rejected
    lines = list(csv.DictReader(io.StringIO(rejected.decode("utf-8-sig"))))
    lines[0]["PatientDob"] = "1970-02-03"
    text = io.StringIO()
    writer = csv.DictWriter(text, lines[0].keys())
    writer.writeheader()
    writer.writerows(lines)
    caller.drops.upload_blob(f"corrected-{file}", text.getvalue().encode())
    receipt = caller.receipt(f"corrected-{file}")
    assert (receipt["totals"]["created"], receipt["totals"]["failed"]) == (1, 0), receipt
    caller.events([{"OrderLocalId": f"{name}-{index}", "Success": True} for index in (1, 2)])


@operation("story-rest")
def test_plain_rest(caller, name):
    """A program without any SDK: urllib and the two printed URLs."""
    file = f"{name}.json"
    content = json.dumps(order(name)).encode()
    put = urllib.request.Request(within(caller.printed["drops"]["url"], file), content, method="PUT")
    put.add_header("x-ms-blob-type", "BlockBlob")
    put.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(put, timeout=60) as answer:
        assert answer.status == 201 and answer.headers["ETag"]
    listing = caller.printed["receipts"]["url"] + "&restype=container&comp=list&" + urllib.parse.urlencode(
        {"prefix": f"receipts/{file}."})

    def look():
        with urllib.request.urlopen(listing, timeout=60) as answer:
            names = [found.text for found in ElementTree.fromstring(answer.read()).iter("Name")]
        return [each for each in names if each.endswith(".json")]

    with urllib.request.urlopen(within(caller.printed["receipts"]["url"], until(look)[0]), timeout=60) as answer:
        assert json.loads(answer.read())["totals"]["created"] == 1
    caller.events([{"OrderLocalId": name, "Success": True}])


BATCH = "application/vnd.microsoft.servicebus.json"


def over_http(access, content_type, body, **headers):
    """The status of a message posted without any SDK."""
    message = urllib.request.Request(access["url"], body, {"Content-Type": content_type, **headers})
    message.add_header("Authorization", access["authorization"])
    try:
        with urllib.request.urlopen(message, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@operation("story-http")
def test_orders_over_http(caller, name):
    access = caller.printed["ordersHttp"]
    single = json.dumps(order(f"{name}-1")).encode()
    properties = json.dumps({"MessageId": f"{name}-1"})
    assert over_http(access, "application/json", single, BrokerProperties=properties) == 201
    entries = [{"Body": json.dumps(order(f"{name}-{index}")), "BrokerProperties": {"MessageId": f"{name}-{index}"}} for index in (2, 3)]
    assert over_http(access, BATCH, json.dumps(entries).encode()) == 201
    caller.events([{"OrderLocalId": f"{name}-{index}", "Success": True} for index in (1, 2, 3)])


@operation("story-http")
def test_what_is_refused_over_http(caller):
    access = caller.printed["ordersHttp"]
    assert over_http(access | {"authorization": access["authorization"] + "x"}, "application/json", b"{}") == 401
    assert over_http(access | {"url": access["url"].replace("orders-", "events-")}, "application/json", b"{}") == 401
    assert over_http(access, "application/json", b" " * (1 << 20) + b"{}") == 413


def within(url, name):
    """The address of a blob of the container whose URL was printed."""
    address, signature = url.split("?", 1)
    return f"{address}/{urllib.parse.quote(name)}?{signature}"
