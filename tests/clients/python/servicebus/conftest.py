import pytest

from servicebus_client import Bus


@pytest.fixture(scope="session")
def bus(host):
    shared = Bus(host.service_bus)
    with shared.client:
        yield shared
