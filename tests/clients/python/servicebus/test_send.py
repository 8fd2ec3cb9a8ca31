from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusMessageState
from azure.servicebus.exceptions import MessageSizeExceededError, ServiceBusError

from servicebus_client import receive, text

operation = pytest.mark.operation


@operation("send")
def test_one(bus):
    bus.send("work", "one")
    assert [text(message) for message in bus.take("work")] == ["one"]


@operation("send-sections")
def test_every_property(bus):
    identity = UUID("5a3d1e70-0000-4000-8000-00000000000a")
    moment = datetime(2026, 11, 21, 8, 30, tzinfo=timezone.utc)
    properties = {"text": "grün", "whole": 7, "part": 0.5, "yes": True, "id": identity, "at": moment}
    sent = ServiceBusMessage(
        b"\x00\xffbytes", application_properties=properties, message_id="m-1", correlation_id="c-1", subject="label",
        content_type="application/octet-stream", to="there", reply_to="here", reply_to_session_id="r-1",
        time_to_live=timedelta(minutes=5), partition_key="p-1",
    )
    with bus.client.get_queue_sender("work") as sender:
        sender.send_messages(sent)
    got = bus.take("work")[0]
    assert b"".join(got.body) == b"\x00\xffbytes"
    for name in ["message_id", "correlation_id", "subject", "content_type", "to", "reply_to", "reply_to_session_id",
                 "time_to_live", "partition_key"]:
        assert getattr(got, name) == getattr(sent, name), name
    received = {key.decode(): value for key, value in got.application_properties.items()}
    assert received.pop("text") == "grün".encode()
    assert received.pop("at") in (moment, 1000 * moment.timestamp()), "the client hands out timestamps as numbers"
    assert received == {"whole": 7, "part": 0.5, "yes": True, "id": identity}
    assert got.enqueued_time_utc <= datetime.now(timezone.utc) + timedelta(seconds=5)
    assert got.sequence_number > 0 and got.delivery_count == 0


@operation("send-batch")
def test_a_batch_in_order(bus):
    with bus.client.get_queue_sender("work") as sender:
        sender.send_messages([ServiceBusMessage(f"b-{index}") for index in range(100)])
    assert [text(message) for message in bus.take("work", 100)] == [f"b-{index}" for index in range(100)]


@operation("send-batch-full")
def test_a_full_batch(bus):
    with bus.client.get_queue_sender("work") as sender:
        batch = sender.create_message_batch()
        count = 0
        with pytest.raises(MessageSizeExceededError):
            while True:
                batch.add_message(ServiceBusMessage(b"x" * 50_000))
                count += 1
        assert batch.size_in_bytes <= batch.max_size_in_bytes
        sender.send_messages(batch)
    assert count > 1 and len(bus.take("work", count)) == count


@operation("send-large")
def test_many_frames(bus):
    body = bytes(index % 251 for index in range(700_000))
    bus.send("work", body)
    assert b"".join(bus.take("work")[0].body) == body


@operation("send-too-large")
def test_too_large(bus):
    with pytest.raises((MessageSizeExceededError, ServiceBusError)):
        bus.send("work", b"x" * (1 << 20))
    assert bus.is_empty("work")


@operation("schedule")
def test_not_before_its_time(bus):
    at = datetime.now(timezone.utc) + timedelta(seconds=2)
    with bus.client.get_queue_sender("work") as sender:
        numbers = sender.schedule_messages([ServiceBusMessage("later"), ServiceBusMessage("later")], at)
    assert len(set(numbers)) == 2
    with bus.receiver("work") as receiver:
        waiting = receiver.peek_messages(sequence_number=numbers[0])[0]
        assert waiting.state == ServiceBusMessageState.SCHEDULED
        assert abs(waiting.scheduled_enqueue_time_utc - at) < timedelta(milliseconds=2)
    assert [text(message) for message in bus.take("work", 2)] == ["later", "later"]
    assert datetime.now(timezone.utc) >= at


@operation("schedule-by-property")
def test_scheduled_by_property(bus):
    at = datetime.now(timezone.utc) + timedelta(seconds=2)
    bus.send("work", "later", scheduled_enqueue_time_utc=at)
    assert text(bus.take("work")[0]) == "later"
    assert datetime.now(timezone.utc) >= at


@operation("schedule-cancel")
def test_cancelled(bus):
    at = datetime.now(timezone.utc) + timedelta(hours=1)
    with bus.client.get_queue_sender("work") as sender:
        kept, cancelled = sender.schedule_messages([ServiceBusMessage("kept"), ServiceBusMessage("cancelled")], at)
        sender.cancel_scheduled_messages([cancelled])
        with bus.receiver("work") as receiver:
            assert [text(message) for message in receiver.peek_messages(max_message_count=10)] == ["kept"]
        sender.cancel_scheduled_messages(kept)
        with pytest.raises(ServiceBusError):
            sender.cancel_scheduled_messages(kept)
    assert bus.is_empty("work")


@operation("send-received")
def test_what_was_received_is_sent_again(bus):
    bus.send("work", "again", application_properties={"kept": 1}, message_id="m-7")
    with bus.receiver("work") as receiver:
        receiver.dead_letter_message(receive(receiver)[0], reason="why")
    with bus.receiver("work", sub_queue="deadletter") as letters, bus.client.get_queue_sender("work") as sender:
        letter = receive(letters)[0]
        sender.send_messages(letter)
        letters.complete_message(letter)
    got = bus.take("work")[0]
    assert (text(got), got.message_id, got.delivery_count) == ("again", "m-7", 0)
    assert got.application_properties[b"kept"] == 1
