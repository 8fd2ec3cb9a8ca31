import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusSubQueue

from servicebus_client import receive, text

operation = pytest.mark.operation


@pytest.fixture(scope="module")
def publish(bus):
    with bus.client.get_topic_sender("news") as sender:
        yield lambda body, **properties: sender.send_messages(ServiceBusMessage(body, **properties))


def take(bus, subscription, count=1, **options):
    return bus.take("news", count, subscription=subscription, **options)


@pytest.fixture(autouse=True)
def nothing_is_left(bus):
    yield
    for source in ["all", "urgent", "west"]:
        assert bus.is_empty("news", subscription=source)
    assert bus.is_empty("inbox")


@operation("topic-fan-out")
def test_each_gets_its_copy(bus, publish):
    publish("plain", message_id="n-1")
    copies = [take(bus, "all")[0], bus.take("inbox")[0]]
    assert [(text(copy), copy.message_id) for copy in copies] == [("plain", "n-1")] * 2


@operation("topic-correlation")
def test_rules_choose(bus, publish):
    publish("plain", subject="usual")
    publish("fire", subject="urgent")
    publish("far", application_properties={"region": "west", "level": 2})
    publish("near", application_properties={"region": "west", "level": 3})
    assert [text(message) for message in take(bus, "all", 4)] == ["plain", "fire", "far", "near"]
    assert [text(message) for message in take(bus, "urgent")] == ["fire"]
    assert [text(message) for message in take(bus, "west")] == ["near"]
    bus.take("inbox", 4)


@operation("topic-action")
def test_rules_set(bus, publish):
    publish("near", message_id="n-2", application_properties={"region": "west", "level": 3, "desk": "forged"})
    stamped = take(bus, "west")[0]
    properties = {"region": b"west", "level": 3, "desk": b"Seattle", "checked": True}
    assert stamped.application_properties == {key.encode(): value for key, value in properties.items()}
    assert (text(stamped), stamped.message_id) == ("near", "n-2")
    assert take(bus, "all")[0].application_properties[b"desk"] == b"forged"
    bus.take("inbox")


@operation("topic-forward")
def test_a_subscription_that_forwards(bus, publish):
    publish("passed on", correlation_id="c-9")
    message = bus.take("inbox")[0]
    assert (text(message), message.correlation_id) == ("passed on", "c-9")
    take(bus, "all")


@operation("topic-dead-letter")
def test_dead_letters_of_a_subscription(bus, publish):
    publish("bad")
    with bus.receiver("news", "all") as receiver:
        receiver.dead_letter_message(receive(receiver)[0], reason="why")
    message = take(bus, "all", sub_queue=ServiceBusSubQueue.DEAD_LETTER)[0]
    assert (text(message), message.dead_letter_reason) == ("bad", "why")
    bus.take("inbox")
