from datetime import timedelta

import pytest
from azure.servicebus import ServiceBusSubQueue

from conftest import until
from servicebus_client import receive, text

operation = pytest.mark.operation


@operation("time-to-live")
def test_a_message_expires(bus):
    bus.send("work", "short", time_to_live=timedelta(seconds=1))
    bus.send("work", "long", time_to_live=timedelta(hours=1))
    until(lambda: [text(message) for message in bus.peek("work")] == ["long"])
    assert [text(message) for message in bus.take("work")] == ["long"]


@operation("queue-time-to-live")
def test_the_queue_says_how_long(bus):
    bus.send("fading", "short", time_to_live=timedelta(hours=1))
    until(lambda: bus.is_empty("fading"))
    assert bus.is_empty("fading", sub_queue=ServiceBusSubQueue.DEAD_LETTER)


@operation("expired-aside")
def test_expired_messages_are_kept_aside(bus):
    bus.send("fading-aside", "late")
    message = bus.dead_letters("fading-aside")[0]
    assert (text(message), message.dead_letter_reason) == ("late", "TTLExpiredException")


@operation("duplicates")
def test_the_same_id_is_taken_once(bus, name):
    for body in ["first", "second"]:
        bus.send("unique", body, message_id=name)
    bus.send("unique", "other", message_id=f"{name}-other")
    assert [text(message) for message in bus.take("unique", 2)] == ["first", "other"]
    bus.send("unique", "third", message_id=name)
    assert bus.is_empty("unique"), "an id is remembered after its message is gone"


@operation("max-deliveries")
def test_too_many_deliveries(bus):
    bus.send("impatient", "poison")
    with bus.receiver("impatient") as receiver:
        for _ in range(2):
            receiver.abandon_message(receive(receiver)[0])
    message = bus.dead_letters("impatient")[0]
    assert (text(message), message.dead_letter_reason) == ("poison", "MaxDeliveryCountExceeded")
    assert bus.is_empty("impatient")


@operation("forward")
def test_forwarding(bus):
    bus.send("relay", "passed on", message_id="f-1", application_properties={"kept": 1})
    message = bus.take("inbox")[0]
    assert (text(message), message.message_id) == ("passed on", "f-1")
    assert message.application_properties[b"kept"] == 1


@operation("forward-dead-letters")
def test_forwarding_dead_letters(bus):
    bus.send("strict", "bad")
    with bus.receiver("strict") as receiver:
        receiver.dead_letter_message(receive(receiver)[0], reason="why")
    message = bus.take("lost-letters")[0]
    assert (text(message), message.dead_letter_reason, message.dead_letter_source) == ("bad", "why", "strict")
