import fcntl
import tempfile
from pathlib import Path

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.servicebus.exceptions import ServiceBusError

from host import Host
from servicebus_client import receive, text

operation = pytest.mark.operation


# In TLS this library takes this port, whatever the connection string says.
PORT = 5671


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    # The suites with this library's releases run side by side, and the port is there once.
    with open(Path(tempfile.gettempdir()) / "iris-clients-5671.lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        running = Host(tmp_path_factory.mktemp("secure"), PORT, 0, "--tls")
        yield running
        running.stop()


@operation("tls")
def test_tls(secure):
    assert "UseDevelopmentEmulator" not in secure.service_bus
    with ServiceBusClient.from_connection_string(
            secure.service_bus, connection_verify=secure.connections["certificate"]) as trusting:
        with trusting.get_queue_sender("work") as sender:
            sender.send_messages(ServiceBusMessage("secret"))
        with trusting.get_queue_receiver("work") as receiver:
            message = receive(receiver)[0]
            assert text(message) == "secret"
            receiver.complete_message(message)


@operation("tls-untrusted")
def test_not_trusted(secure):
    with ServiceBusClient.from_connection_string(secure.service_bus, retry_total=0) as stranger:
        with pytest.raises(ServiceBusError, match="(?i)certificate.verify.failed"):
            with stranger.get_queue_sender("work") as sender:
                sender.send_messages(ServiceBusMessage("secret"))
