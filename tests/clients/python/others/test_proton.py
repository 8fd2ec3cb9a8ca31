"""Apache Qpid Proton: AMQP 1.0 without anything of Azure's."""

from urllib.parse import quote
from base64 import b64encode
from hashlib import sha256
from hmac import digest
import time

import pytest
from proton import Disposition, Message, symbol
from proton.utils import BlockingConnection, LinkDetached

from host import parts

operation = pytest.mark.operation
PATIENCE = 20


def connect(host, **options):
    return BlockingConnection(f"amqp://127.0.0.1:{host.amqp_port}", timeout=PATIENCE, **options)


def put_token(connection, connection_string, entity):
    """Shows a signature, as Azure's libraries do."""
    fields = parts(connection_string)
    address = f"{fields['Endpoint'].rstrip('/')}/{entity}"
    resource, expiry = quote(address, safe=""), int(time.time()) + 600
    signature = b64encode(digest(fields["SharedAccessKey"].encode(), f"{resource}\n{expiry}".encode(), sha256))
    token = f"SharedAccessSignature sr={resource}&sig={quote(signature, safe='')}&se={expiry}&skn={fields['SharedAccessKeyName']}"
    answers = connection.create_receiver("$cbs", credit=1, name="answers")
    asking = connection.create_sender("$cbs", name="asking")
    asking.send(Message(body=token, reply_to="answers", id="1", properties={
        "operation": "put-token", "type": "servicebus.windows.net:sastoken", "name": address}))
    answer = answers.receive(PATIENCE)
    asking.close()
    answers.close()
    return answer.properties["status-code"]


@pytest.fixture(scope="module")
def connection(host):
    opened = connect(host)
    assert put_token(opened, host.service_bus, "") == 202
    yield opened
    opened.close()


@operation("amqp-send")
def test_send_and_receive(connection):
    sender = connection.create_sender("work")
    for body in ["one", "x" * 700_000]:
        sender.send(Message(body=body, id="m-1", properties={"kept": 1}))
    sender.close()
    receiver = connection.create_receiver("work", credit=2)
    for body in ["one", "x" * 700_000]:
        message = receiver.receive(PATIENCE)
        assert (message.body, message.id, message.properties) == (body, "m-1", {"kept": 1})
        assert message.annotations[symbol("x-opt-sequence-number")] > 0
        receiver.accept()
    receiver.close()


@operation("amqp-settle")
def test_settle(connection):
    sender = connection.create_sender("work")
    sender.send(Message(body="again"))
    receiver = connection.create_receiver("work", credit=1)
    assert receiver.receive(PATIENCE).delivery_count == 0
    receiver.release(delivered=False)
    receiver.flow(1)
    assert receiver.receive(PATIENCE).delivery_count == 0
    receiver.release(delivered=True)
    receiver.flow(1)
    assert receiver.receive(PATIENCE).delivery_count == 1
    receiver.reject()
    receiver.close()
    letters = connection.create_receiver("work/$DeadLetterQueue", credit=1)
    assert letters.receive(PATIENCE).body == "again"
    letters.settle(Disposition.ACCEPTED)
    letters.close()
    sender.close()


@operation("amqp-rights")
def test_rights(host, connection):
    opened = connect(host)
    try:
        with pytest.raises(LinkDetached):
            opened.create_sender("work")
        orders = host.caller["orders"]
        wrong = orders["connectionString"].replace("SharedAccessKey=", "SharedAccessKey=x")
        assert put_token(opened, wrong, orders["queue"]) == 401
        assert put_token(opened, orders["connectionString"], orders["queue"]) == 202
        opened.create_sender(orders["queue"]).close()
        with pytest.raises(LinkDetached):
            opened.create_receiver(orders["queue"], credit=1)
    finally:
        opened.close()
    with pytest.raises(LinkDetached):
        connection.create_sender("nowhere")
