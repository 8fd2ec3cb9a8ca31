import re
import time

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.servicebus.exceptions import (
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
)
from base64 import b64encode
from hashlib import sha256
from hmac import digest
from urllib.parse import quote

from host import parts
from servicebus_client import text

operation = pytest.mark.operation
REFUSED = (ServiceBusAuthenticationError, ServiceBusAuthorizationError)
NOT_FOUND = (MessagingEntityNotFoundError,)


def send(connection_string, queue):
    with client(connection_string) as connected, connected.get_queue_sender(queue) as sender:
        sender.send_messages(ServiceBusMessage("hello"))


def look(connection_string, queue):
    with client(connection_string) as connected, connected.get_queue_receiver(queue) as receiver:
        return receiver.receive_messages(max_wait_time=1)


def client(connection_string):
    # One try: a refusal is final, and the client's own repetitions would only take time.
    return ServiceBusClient.from_connection_string(connection_string, retry_total=0)


def without_entity(connection_string):
    return connection_string.split(";EntityPath=")[0]


@operation("send-only")
def test_send_only(host, bus):
    orders = host.caller["orders"]
    with pytest.raises(REFUSED):
        look(orders["connectionString"], orders["queue"])
    # What it may do is the story of test_platform.py; that it was let in shows here.
    with client(orders["connectionString"]) as connected, connected.get_queue_sender(orders["queue"]) as sender:
        assert sender.create_message_batch().max_size_in_bytes > 0


@operation("listen-only")
def test_listen_only(host, bus):
    results = host.caller["results"]
    bus.send(results["queue"], "a result")
    with pytest.raises(REFUSED):
        send(results["connectionString"], results["queue"])
    with client(results["connectionString"]) as connected, connected.get_queue_receiver(results["queue"]) as receiver:
        message = receiver.receive_messages(max_wait_time=10)[0]
        assert text(message) == "a result"
        receiver.complete_message(message)


@operation("other-entity")
def test_a_key_of_another_queue(host):
    with pytest.raises(REFUSED):
        send(without_entity(host.caller["orders"]["connectionString"]), "work")
    with pytest.raises(REFUSED):
        look(without_entity(host.caller["results"]["connectionString"]), "work")


@operation("wrong-key")
def test_a_wrong_key(host):
    key = parts(host.service_bus)["SharedAccessKey"]
    wrong = host.service_bus.replace(key, b64encode(b"wrong" * 6).decode())
    with pytest.raises(REFUSED):
        send(wrong, "work")


@operation("unknown-key")
def test_an_unknown_key_name(host):
    with pytest.raises(REFUSED):
        look(host.service_bus.replace("RootManageSharedAccessKey", "Nobody"), "work")


@operation("unknown-entity")
def test_an_unknown_queue(host):
    with pytest.raises(NOT_FOUND) as refused:
        send(host.service_bus, "nowhere")
    assert re.search("sb://127.0.0.1[:0-9]*/nowhere' could not be found", str(refused.value))
    with pytest.raises(NOT_FOUND):
        look(host.service_bus, "nowhere")


@operation("named-by-key")
def test_a_queue_by_the_name_of_its_key(host, bus):
    published = host.caller["published"]
    bus.send(host.caller["results"]["queue"], "a result")
    with client(published["results"]) as connected, connected.get_queue_receiver("results") as receiver:
        message = receiver.receive_messages(max_wait_time=10)[0]
        assert text(message) == "a result"
        receiver.complete_message(message)
    with pytest.raises(REFUSED):
        send(published["results"], "results")
    with pytest.raises(REFUSED):
        look(published["results"], "orders")


def token(host, lifetime):
    fields = parts(host.service_bus)
    address = quote(fields["Endpoint"].rstrip("/") + "/work", safe="")
    expiry = int(time.time() + lifetime)
    signature = b64encode(digest(fields["SharedAccessKey"].encode(), f"{address}\n{expiry}".encode(), sha256))
    name = fields["SharedAccessKeyName"]
    return f"SharedAccessSignature sr={address}&sig={quote(signature, safe='')}&se={expiry}&skn={name}"


def with_token(host, lifetime):
    endpoint = parts(host.service_bus)["Endpoint"]
    return f"Endpoint={endpoint};SharedAccessSignature={token(host, lifetime)};UseDevelopmentEmulator=true"


@operation("token")
def test_a_token_of_ones_own(host, bus):
    send(with_token(host, 60), "work")
    assert text(bus.take("work")[0]) == "hello"
    with pytest.raises(REFUSED):
        send(with_token(host, 60), "brief")


@operation("token-expired")
def test_an_expired_token(host):
    with pytest.raises(REFUSED):
        send(with_token(host, -60), "work")
