import os

import pytest
from azure.storage.blob import BlobServiceClient


@pytest.fixture(scope="session")
def storage(request):
    """Connection string of the account under test: the local host's, or the one the environment names (Azurite's)."""
    return os.environ.get("IRIS_CLIENTS_STORAGE") or request.getfixturevalue("host").storage


@pytest.fixture(scope="session")
def service(storage):
    # One repetition: what is refused must be refused at once.
    with BlobServiceClient.from_connection_string(storage, retry_total=1) as client:
        yield client


@pytest.fixture
def container(service, name):
    """A new, empty container."""
    client = service.create_container(name)
    yield client
    client.delete_container()
