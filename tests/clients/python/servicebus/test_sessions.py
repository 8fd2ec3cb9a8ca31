import time
from datetime import datetime, timedelta, timezone

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusMessage
from azure.servicebus.exceptions import (
    OperationTimeoutError,
    ServiceBusError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from conftest import until
from servicebus_client import receive, text

operation = pytest.mark.operation


def say(bus, session, *bodies, queue="talks"):
    bus.send(queue, *bodies, session_id=session)


@operation("session-next")
def test_the_next_free_session(bus, name):
    say(bus, f"{name}-a", "a1", "a2")
    say(bus, f"{name}-b", "b1")
    with bus.receiver("talks", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=10) as one:
        with bus.receiver("talks", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=10) as other:
            assert {one.session.session_id, other.session.session_id} == {f"{name}-a", f"{name}-b"}
            for receiver in (one, other):
                count = 2 if receiver.session.session_id.endswith("-a") else 1
                for message in receive(receiver, count):
                    assert message.session_id == receiver.session.session_id
                    receiver.complete_message(message)


@operation("session-by-id")
def test_a_session_by_id(bus, name):
    for index in range(5):
        say(bus, f"{name}-mine", f"mine {index}")
        say(bus, f"{name}-yours", f"yours {index}")
    for who in ["mine", "yours"]:
        with bus.receiver("talks", session_id=f"{name}-{who}") as receiver:
            assert receiver.session.session_id == f"{name}-{who}"
            for index in range(5):
                message = receive(receiver)[0]
                assert text(message) == f"{who} {index}"
                receiver.complete_message(message)


@operation("session-by-id")
def test_abandoned_messages_keep_their_place(bus, name):
    say(bus, name, "1", "2")
    with bus.receiver("talks", session_id=name) as receiver:
        receiver.abandon_message(receive(receiver)[0])
        for expected in ["1", "2"]:
            message = receive(receiver)[0]
            assert text(message) == expected
            receiver.complete_message(message)


@operation("session-state")
def test_state_is_kept(bus, name):
    with bus.receiver("talks", session_id=name) as receiver:
        assert receiver.session.get_state() is None
        receiver.session.set_state(b"step 2")
    with bus.receiver("talks", session_id=name) as receiver:
        assert receiver.session.get_state() == b"step 2"
        receiver.session.set_state(None)
        assert receiver.session.get_state() is None


@operation("session-renew")
def test_renew(bus, name):
    say(bus, name, "long work", queue="brief-talks")
    with bus.receiver("brief-talks", session_id=name) as receiver:
        first = receiver.session.locked_until_utc
        assert first - datetime.now(timezone.utc) <= timedelta(seconds=2)
        message = receive(receiver)[0]
        while datetime.now(timezone.utc) < first + timedelta(milliseconds=200):
            receiver.session.renew_lock()
            time.sleep(0.2)
        receiver.complete_message(message)


@operation("session-held")
def test_held_by_someone_else(bus, name):
    with bus.receiver("talks", session_id=name):
        with pytest.raises((SessionCannotBeLockedError, ServiceBusError)) as refused:
            with bus.receiver("talks", session_id=name):
                pass
    assert isinstance(refused.value, SessionCannotBeLockedError)
    with bus.receiver("talks", session_id=name) as receiver:
        assert receiver.session.session_id == name


@operation("session-none")
def test_no_session_is_free(bus):
    started = time.monotonic()
    with pytest.raises(OperationTimeoutError):
        with bus.receiver("talks", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=1):
            pass
    assert time.monotonic() - started < 30


@operation("session-required")
def test_without_asking_for_a_session(bus):
    with pytest.raises(ServiceBusError):
        with bus.receiver("talks") as receiver:
            receiver.receive_messages(max_wait_time=1)
    with pytest.raises(ServiceBusError):
        with bus.receiver("work", session_id="none") as receiver:
            receiver.receive_messages(max_wait_time=1)
    with pytest.raises(ServiceBusError):
        bus.send("talks", "no session")


@operation("session-lock-lost")
def test_the_lock_ran_out(bus, name):
    say(bus, name, "slow", queue="brief-talks")
    with bus.receiver("brief-talks", session_id=name) as receiver:
        message = receive(receiver)[0]
        until(lambda: receiver.session._lock_expired)
        with pytest.raises(SessionLockLostError):
            receiver.complete_message(message)
    with bus.receiver("brief-talks", session_id=name) as receiver:
        receiver.complete_message(receive(receiver)[0])


@operation("session-by-id")
def test_a_batch_of_one_session(bus, name):
    with bus.client.get_queue_sender("talks") as sender:
        sender.send_messages([ServiceBusMessage(str(index), session_id=name) for index in range(10)])
    with bus.receiver("talks", session_id=name) as receiver:
        messages = receive(receiver, 10)
        assert [text(message) for message in messages] == [str(index) for index in range(10)]
        for message in messages:
            receiver.complete_message(message)
