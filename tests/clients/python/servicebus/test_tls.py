import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.servicebus.exceptions import ServiceBusError

from host import Host
from servicebus_client import receive, text

operation = pytest.mark.operation


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    running = Host(tmp_path_factory.mktemp("secure"), 0, 0, "--tls")
    yield running
    running.stop()


@operation("tls")
def test_tls(secure):
    assert "UseDevelopmentEmulator" not in secure.service_bus
    with ServiceBusClient.from_connection_string(
        secure.service_bus, connection_verify=secure.connections["certificate"]) as client:
        with client.get_queue_sender("work") as sender:
            sender.send_messages(ServiceBusMessage("secret"))
        with client.get_queue_receiver("work") as receiver:
            message = receive(receiver)[0]
            assert text(message) == "secret"
            receiver.complete_message(message)


@operation("tls-untrusted")
def test_not_trusted(secure):
    with ServiceBusClient.from_connection_string(secure.service_bus, retry_total=0) as client:
        with pytest.raises(ServiceBusError), client.get_queue_sender("work") as sender:
            sender.send_messages(ServiceBusMessage("secret"))
