"""What a clinic, a grader and a receiver of results send and take, with nothing but what the local host prints."""

import json
import uuid

from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.storage.blob import ContainerClient


def send(access, document):
    with ServiceBusClient.from_connection_string(access["connectionString"]) as client:
        with client.get_queue_sender(access["queue"]) as sender:
            sender.send_messages(ServiceBusMessage(json.dumps(document), message_id=str(uuid.uuid4())))


def bodies(access, is_enough):
    """Takes messages until those so far are enough; gives their bodies as they came, in that order."""
    found, said = [], []
    with ServiceBusClient.from_connection_string(access["connectionString"]) as client:
        with client.get_queue_receiver(access["queue"]) as receiver:
            while not is_enough(said):
                messages = receiver.receive_messages(max_message_count=20, max_wait_time=60)
                assert messages, f"nothing more came after {kinds(said)}"
                for message in messages:
                    found.append(b"".join(message.body))
                    said.append(json.loads(found[-1]))
                    receiver.complete_message(message)
    return found


def take(access, is_enough):
    """The same, read."""
    return [json.loads(body) for body in bodies(access, is_enough)]


def events_of(caller, order, last):
    """The events of an order up to the first of a kind, by kind."""
    def of_order(events):
        return [each for each in events if each["OrderLocalId"] == order]

    found = take(caller["events"], lambda events: any(each["ResultObjectType"] == last for each in of_order(events)))
    return of_order(found)


def kinds(events):
    return [each["ResultObjectType"] for each in events]


def upload(caller, name, content):
    ContainerClient.from_container_url(caller["images"]["url"]).upload_blob(name, content)


def result_of(caller, order):
    """The result of an order. One that is larger than its queue takes comes without its report, and says where the whole of it is."""
    def local_id(message):
        return message["Order"]["LocalId"] if "Order" in message else message["OrderLocalId"]

    found = take(caller["results"], lambda messages: any(local_id(each) == order for each in messages))
    result = next(each for each in found if local_id(each) == order)
    place = result.get("Document") or (result.get("ResultsDocument") or {}).get("Location")
    if not place:
        return result
    results = ContainerClient.from_container_url(caller["receipts"]["url"])
    return json.loads(results.download_blob(place["FileName"]).readall())
