from datetime import datetime, timedelta, timezone

import pytest
from azure.servicebus import ServiceBusMessage

from host import Host
from servicebus_client import Bus, receive, text

operation = pytest.mark.operation


def leave_one_of_each(bus):
    """A waiting, a locked, a deferred, a scheduled and a dead message, and a session's state; gives the deferred one's number."""
    at = datetime.now(timezone.utc) + timedelta(hours=1)
    with bus.client.get_queue_sender("work") as sender:
        for body in ["deferred", "dead", "done", "locked", "waiting"]:
            sender.send_messages(ServiceBusMessage(body, message_id=body))
        sender.schedule_messages(ServiceBusMessage("scheduled"), at)
    with bus.receiver("work") as receiver:
        messages = receive(receiver, 4)
        assert [text(message) for message in messages] == ["deferred", "dead", "done", "locked"]
        receiver.defer_message(messages[0])
        receiver.dead_letter_message(messages[1], reason="why")
        receiver.complete_message(messages[2])
    with bus.receiver("talks", session_id="kept") as receiver:
        receiver.session.set_state(b"step 3")
    bus.send("unique", "first", message_id="u-1")
    return messages[0].sequence_number


def find_one_of_each(bus, deferred):
    with bus.receiver("work") as receiver:
        states = {text(message): message.state.name for message in bus.peek("work")}
        assert states == {"deferred": "DEFERRED", "locked": "ACTIVE", "waiting": "ACTIVE", "scheduled": "SCHEDULED"}
        active = receive(receiver, 2)
        assert sorted(text(message) for message in active) == ["locked", "waiting"]
        for message in active + receiver.receive_deferred_messages(deferred):
            receiver.complete_message(message)
    dead = bus.dead_letters("work")[0]
    assert (text(dead), dead.dead_letter_reason) == ("dead", "why")
    with bus.receiver("talks", session_id="kept") as receiver:
        assert receiver.session.get_state() == b"step 3"
    bus.send("unique", "second", message_id="u-1")
    assert [text(message) for message in bus.take("unique")] == ["first"]
    assert bus.is_empty("unique")


@pytest.mark.parametrize("ending", [
    pytest.param("stop", marks=operation("restart")),
    pytest.param("kill", marks=operation("kill")),
])
def test_messages_survive(tmp_path, ending):
    before = Host(tmp_path)
    try:
        bus = Bus(before.service_bus)
        with bus.client:
            deferred = leave_one_of_each(bus)
    finally:
        getattr(before, ending)()
    after = Host(tmp_path)
    try:
        key = before.service_bus.split("SharedAccessKey=")[1]
        assert after.service_bus.endswith(key), "connection strings stay the same but for the port"
        bus = Bus(after.service_bus)
        with bus.client:
            find_one_of_each(bus, deferred)
    finally:
        after.stop()


@operation("reconnect")
def test_a_client_goes_on(tmp_path):
    before = Host(tmp_path)
    bus = Bus(before.service_bus, retry_total=10)
    with bus.client, bus.client.get_queue_sender("work") as sender, bus.receiver("work") as receiver:
        try:
            sender.send_messages(ServiceBusMessage("before"))
            receiver.complete_message(receive(receiver)[0])
        finally:
            before.kill()
        after = Host(tmp_path, amqp_port=before.amqp_port)
        try:
            sender.send_messages(ServiceBusMessage("after"))
            # The older client does not wait for the settlement's answer, so what it settled last may come once more.
            seen = []
            while "after" not in seen:
                message = receive(receiver)[0]
                receiver.complete_message(message)
                seen.append(text(message))
            assert seen in (["after"], ["before", "after"])
        finally:
            after.stop()
