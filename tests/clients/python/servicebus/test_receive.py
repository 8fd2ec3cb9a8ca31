import asyncio
import time
from datetime import datetime, timedelta, timezone

import pytest
from azure.servicebus import (
    AutoLockRenewer,
    ServiceBusMessage,
    ServiceBusMessageState,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
)
from azure.servicebus.aio import ServiceBusClient as AsyncClient
from azure.servicebus.exceptions import MessageAlreadySettled, MessageLockLostError, MessageNotFoundError, ServiceBusError

from conftest import until
from servicebus_client import receive, text

operation = pytest.mark.operation


@operation("receive-and-delete")
def test_gone_when_received(bus):
    bus.send("work", "gone")
    message = bus.take("work")[0]
    assert message.lock_token is None
    assert bus.is_empty("work")


@operation("complete")
def test_complete(bus):
    bus.send("work", "done")
    with bus.receiver("work") as receiver:
        message = receive(receiver)[0]
        assert message.locked_until_utc > datetime.now(timezone.utc)
        receiver.complete_message(message)
        with pytest.raises(MessageAlreadySettled):
            receiver.complete_message(message)
    assert bus.is_empty("work")


@operation("complete-many")
def test_complete_a_hundred(bus):
    bus.send("work", *[str(index) for index in range(100)])
    with bus.receiver("work") as receiver:
        messages = receive(receiver, 100)
        assert len({message.lock_token for message in messages}) == 100
        for message in reversed(messages):
            receiver.complete_message(message)
    assert bus.is_empty("work")


@operation("abandon")
def test_abandon(bus):
    bus.send("work", "again")
    with bus.receiver("work") as receiver:
        for delivery in range(3):
            message = receive(receiver)[0]
            assert message.delivery_count == delivery
            receiver.abandon_message(message)
        receiver.complete_message(receive(receiver)[0])


@operation("defer")
def test_defer(bus):
    bus.send("work", "set aside", "next")
    with bus.receiver("work") as receiver:
        aside = receive(receiver)[0]
        receiver.defer_message(aside)
        following = receive(receiver)[0]
        assert text(following) == "next"
        receiver.complete_message(following)
        assert bus.peek("work")[0].state == ServiceBusMessageState.DEFERRED
        again = receiver.receive_deferred_messages(aside.sequence_number)[0]
        assert text(again) == "set aside"
        receiver.complete_message(again)
        with pytest.raises((MessageNotFoundError, ServiceBusError)):
            receiver.receive_deferred_messages(aside.sequence_number)
    assert bus.is_empty("work")


@operation("dead-letter")
def test_dead_letter(bus):
    bus.send("work", "bad", application_properties={"kept": "yes"})
    with bus.receiver("work") as receiver:
        receiver.dead_letter_message(receive(receiver)[0], reason="malformed", error_description="no \u201ctotal\u201d")
    message = bus.dead_letters("work")[0]
    assert text(message) == "bad"
    assert message.dead_letter_reason == "malformed"
    assert message.dead_letter_error_description == "no \u201ctotal\u201d"
    assert message.application_properties[b"kept"] == b"yes"
    assert bus.is_empty("work")


@operation("dead-letter-complete")
def test_complete_a_dead_letter(bus):
    bus.send("work", "bad")
    with bus.receiver("work") as receiver:
        receiver.dead_letter_message(receive(receiver)[0])
    with bus.receiver("work", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        receiver.complete_message(receive(receiver)[0])
    assert bus.is_empty("work", sub_queue=ServiceBusSubQueue.DEAD_LETTER)


@operation("peek")
def test_peek(bus):
    bus.send("work", "1", "2", "3")
    with bus.receiver("work") as receiver:
        first = receiver.peek_messages(max_message_count=2)
        assert [text(message) for message in first] == ["1", "2"]
        rest = receiver.peek_messages(max_message_count=10, sequence_number=first[-1].sequence_number + 1)
        assert [text(message) for message in rest] == ["3"]
        assert receiver.peek_messages(sequence_number=rest[0].sequence_number + 1) == []
    assert [message.delivery_count for message in bus.take("work", 3)] == [0, 0, 0]


@operation("renew-lock")
def test_renew(bus):
    bus.send("brief", "long work")
    with bus.receiver("brief") as receiver:
        message = receive(receiver)[0]
        first = message.locked_until_utc
        assert first - datetime.now(timezone.utc) <= timedelta(seconds=2)
        while datetime.now(timezone.utc) < first + timedelta(milliseconds=200):
            assert receiver.renew_message_lock(message) == message.locked_until_utc
            time.sleep(0.2)
        receiver.complete_message(message)
    assert bus.is_empty("brief")


@operation("auto-renew")
def test_auto_renew(bus):
    bus.send("brief", "long work")
    with bus.receiver("brief") as receiver, AutoLockRenewer() as renewer:
        message = receive(receiver)[0]
        renewer.register(receiver, message, max_lock_renewal_duration=30)
        first = message.locked_until_utc
        until(lambda: datetime.now(timezone.utc) > first + timedelta(milliseconds=200))
        receiver.complete_message(message)
    assert bus.is_empty("brief")


@operation("lock-lost")
def test_settling_too_late(bus):
    bus.send("brief", "slow")
    with bus.receiver("brief") as receiver:
        message = receive(receiver)[0]
        until(lambda: message._lock_expired)
        with pytest.raises(MessageLockLostError):
            receiver.complete_message(message)
        with pytest.raises(MessageLockLostError):
            receiver.renew_message_lock(message)
        receiver.complete_message(receive(receiver)[0])


@operation("lock-expiry")
def test_an_expired_lock(bus):
    bus.send("brief", "slow")
    with bus.receiver("brief") as receiver:
        first = receive(receiver)[0]
        second = receive(receiver)[0]
        assert second.sequence_number == first.sequence_number
        assert (first.delivery_count, second.delivery_count) == (0, 1)
        receiver.complete_message(second)


@operation("empty")
def test_nothing_there(bus):
    with bus.receiver("work") as receiver:
        assert receiver.receive_messages(max_wait_time=0.5) == []


@operation("partial")
def test_fewer_than_asked_for(bus):
    bus.send("work", "1", "2")
    with bus.receiver("work") as receiver:
        messages = receiver.receive_messages(max_message_count=50, max_wait_time=5)
        while len(messages) < 2:
            messages += receiver.receive_messages(max_message_count=50, max_wait_time=5)
        for message in messages:
            receiver.complete_message(message)
        bus.send("work", "3")
        receiver.complete_message(receive(receiver)[0])
    assert bus.is_empty("work")


@operation("prefetch")
def test_prefetch(bus):
    bus.send("work", *[str(index) for index in range(50)])
    with bus.receiver("work", prefetch_count=20) as receiver:
        for index in range(50):
            message = receive(receiver)[0]
            assert text(message) == str(index)
            receiver.complete_message(message)
    assert bus.is_empty("work")


@operation("stream")
def test_iterating(bus):
    bus.send("work", "1", "2", "3")
    with bus.receiver("work", max_wait_time=2) as receiver:
        seen = []
        for message in receiver:
            seen.append(text(message))
            receiver.complete_message(message)
    assert seen == ["1", "2", "3"]


@operation("stream")
def test_asyncio(host, bus):
    async def story():
        async with AsyncClient.from_connection_string(host.service_bus) as client:
            async with client.get_queue_sender("work") as sender:
                await asyncio.gather(*(sender.send_messages(ServiceBusMessage(str(index))) for index in range(20)))
            seen = set()
            async with client.get_queue_receiver("work") as receiver:
                async for message in receiver:
                    seen.add(text(message))
                    await receiver.complete_message(message)
                    if len(seen) == 20:
                        return seen

    assert asyncio.run(story()) == {str(index) for index in range(20)}
    assert bus.is_empty("work")


@operation("two-receivers")
def test_two_receivers(bus):
    bus.send("work", *[str(index) for index in range(20)])
    with bus.receiver("work") as one, bus.receiver("work") as other:
        messages = [(one, message) for message in receive(one, 10)] + [(other, message) for message in receive(other, 10)]
        assert len({message.sequence_number for _, message in messages}) == 20
        for receiver, message in messages:
            receiver.complete_message(message)
    assert bus.is_empty("work")


@operation("receive-and-delete")
def test_both_modes_share_a_queue(bus):
    bus.send("work", "1", "2")
    with bus.receiver("work") as careful:
        held = receive(careful)[0]
        assert text(bus.take("work")[0]) == "2"
        careful.complete_message(held)
    with bus.receiver("work", receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE) as receiver:
        assert receiver.receive_messages(max_wait_time=0.5) == []


@operation("delivery-counts")
def test_counts(bus):
    bus.send("work", "counted")
    with bus.receiver("work") as receiver:
        first = receive(receiver)[0]
        assert first.delivery_count == 0
        receiver.defer_message(first)
        second = receiver.receive_deferred_messages(first.sequence_number)[0]
        assert second.delivery_count == 1
        receiver.dead_letter_message(second)
    with bus.receiver("work", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as letters:
        count = None
        for _ in range(3):
            letter = receive(letters)[0]
            assert count in (None, letter.delivery_count)
            count = letter.delivery_count
            letters.abandon_message(letter)
        letters.complete_message(receive(letters)[0])
